#include "extract/dbrow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fold.h"
#include "extract/civil.h"
#include "extract/glance.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define PIECE_BYTES 2048u /* converted in one go; grows to at most three times as much */
#define FLUSH_BYTES 4096u /* how much one odd letter makes slow */
#define MAX_EXACT 1e15

bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

void kl_dbrow_init(struct kl_dbrow *r, struct kl_emit *e, enum kl_charset set)
{
    r->e = e;
    r->rc = KL_OK;
    r->set = set;
    r->is_begun = false;
    r->is_high = false;
    r->len = 0;
}

static enum kl_rc put_out(struct kl_dbrow *r)
{
    struct kl_span text = kl_span_make(r->buf, r->len);
    uint8_t *ptr = NULL;
    size_t cap = 0;
    size_t repaired = 0;

    if (r->is_high && (kl_glance(text) & KL_GLANCE_MANGLED) != 0) {
        text.len = kl_charset_unmangle(r->buf, r->len, &repaired);
        if (repaired > 0) {
            KL_TRY(kl_emit_anomaly(r->e, "charset.mojibake"));
        }
    }
    if (!r->is_high || !kl_fold_is_odd(text)) {
        return kl_emit_text(r->e, text);
    }
    KL_TRY(kl_emit_space(r->e, 4 * text.len, &ptr, &cap));
    return kl_emit_commit(r->e, kl_fold_view(text, ptr, cap));
}

enum kl_rc kl_dbrow_flush(struct kl_dbrow *r)
{
    if (r->rc == KL_OK && r->len > 0) {
        r->rc = put_out(r);
    }
    r->len = 0;
    r->is_high = false;
    return r->rc;
}

/* Room for n <= KL_DBROW_BYTES more. */
static uint8_t *room(struct kl_dbrow *r, size_t n)
{
    if (KL_DBROW_BYTES - r->len < n) {
        kl_ignore(kl_dbrow_flush(r), "sticks");
    }
    return r->buf + r->len;
}

void kl_dbrow_cell(struct kl_dbrow *r)
{
    if (r->is_begun) {
        *room(r, 1) = '\t';
        r->len++;
    }
    r->is_begun = true;
}

enum kl_rc kl_dbrow_end(struct kl_dbrow *r)
{
    *room(r, 1) = '\n';
    r->len++;
    r->is_begun = false;
    return r->len >= FLUSH_BYTES ? kl_dbrow_flush(r) : r->rc;
}

/* Copy the printable ASCII that s begins with; up to 15 bytes more may be written. */
static size_t take_ascii(struct kl_span s, uint8_t *dst)
{
    size_t n = 0;
#if defined(__x86_64__)
    const __m128i space = _mm_set1_epi8(0x20);
    for (; s.len - n >= 16; n += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.ptr + n));
        int bad = _mm_movemask_epi8(_mm_cmplt_epi8(v, space));
        _mm_storeu_si128((__m128i *)(void *)(dst + n), v);
        if (bad != 0) {
            return n + (size_t)__builtin_ctz((unsigned)bad);
        }
    }
#endif
    while (n < s.len && s.ptr[n] >= 0x20 && s.ptr[n] < 0x80) {
        dst[n] = s.ptr[n];
        n++;
    }
    return n;
}

/* The same of UTF-16; returns units. */
static size_t take_wide_ascii(struct kl_span s, bool is_big, uint8_t *dst)
{
    size_t n = 0;
    size_t units = s.len / 2;
#if defined(__x86_64__)
    const __m128i space = _mm_set1_epi8(0x20);
    for (; !is_big && units - n >= 16; n += 16) {
        const __m128i *from = (const __m128i *)(const void *)(s.ptr + 2 * n);
        __m128i v = _mm_packus_epi16(_mm_loadu_si128(from), _mm_loadu_si128(from + 1));
        int bad = _mm_movemask_epi8(_mm_cmplt_epi8(v, space));
        _mm_storeu_si128((__m128i *)(void *)(dst + n), v);
        if (bad != 0) {
            return n + (size_t)__builtin_ctz((unsigned)bad);
        }
    }
#endif
    for (; n < units; n++) {
        unsigned lo = s.ptr[2 * n + is_big];
        if (s.ptr[2 * n + !is_big] != 0 || lo < 0x20 || lo >= 0x80) {
            break;
        }
        dst[n] = (uint8_t)lo;
    }
    return n;
}

static void blank_controls(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = p[i] < 0x20 ? ' ' : p[i];
    }
}

/* Up to PIECE_BYTES of text. */
static void put_text(struct kl_dbrow *r, struct kl_span s)
{
    uint8_t *dst = room(r, 3 * PIECE_BYTES);
    size_t n = take_ascii(s, dst);

    if (n == s.len) {
        r->len += n;
        return;
    }
    struct kl_span rest = kl_span_part(s, n, s.len);
    size_t len = rest.len;
    if (kl_utf8_is_valid(rest.ptr, rest.len)) {
        memcpy(dst + n, rest.ptr, rest.len);
    } else {
        struct kl_charset_seen seen = {false, false, false};
        struct kl_charset_votes votes = {{0}};
        size_t used = 0;
        kl_charset_count(&votes, s);
        enum kl_charset set = r->set != KL_CHARSET_NONE ? r->set : kl_charset_decide(&votes);
        len = kl_charset_single(rest, set, true, dst + n, &used, &seen);
    }
    blank_controls(dst + n, len);
    r->is_high = true;
    r->len += n + len;
}

void kl_dbrow_text(struct kl_dbrow *r, struct kl_span text)
{
    while (text.len > PIECE_BYTES) {
        size_t n = kl_charset_whole(kl_span_part(text, 0, PIECE_BYTES));
        put_text(r, kl_span_part(text, 0, n));
        text = kl_span_part(text, n, text.len);
    }
    put_text(r, text);
}

/* Up to PIECE_BYTES of UTF-16. */
static void put_wide(struct kl_dbrow *r, struct kl_span s, bool is_big)
{
    uint8_t *dst = room(r, 3 * PIECE_BYTES);
    size_t n = take_wide_ascii(s, is_big, dst);

    r->len += n;
    if (2 * n == s.len) {
        return;
    }
    struct kl_charset_seen seen = {false, false, false};
    size_t used = 0;
    size_t len = kl_charset_wide(kl_span_part(s, 2 * n, s.len),
                                 is_big ? KL_CHARSET_UTF16BE : KL_CHARSET_UTF16LE, true, dst + n,
                                 &used, &seen);
    blank_controls(dst + n, len);
    r->is_high = true;
    r->len += len;
}

void kl_dbrow_wide(struct kl_dbrow *r, struct kl_span text, bool is_big)
{
    text.len &= ~(size_t)1;
    while (text.len > 0) {
        size_t n = text.len < PIECE_BYTES ? text.len : PIECE_BYTES;
        /* A surrogate pair stays together. */
        n -= n < text.len && (text.ptr[n - 1 - is_big] & 0xFC) == 0xD8 ? 2 : 0;
        put_wide(r, kl_span_part(text, 0, n), is_big);
        text = kl_span_part(text, n, text.len);
    }
}

void kl_dbrow_latin(struct kl_dbrow *r, struct kl_span text)
{
    while (text.len > 0) {
        struct kl_span s = kl_span_part(text, 0, PIECE_BYTES);
        uint8_t *dst = room(r, 2 * PIECE_BYTES + 16);
        size_t n = take_ascii(s, dst);
        size_t len = n;
        for (size_t i = n; i < s.len; i++) {
            uint8_t c = s.ptr[i];
            if (c < 0x80) {
                dst[len++] = c < 0x20 ? ' ' : c;
            } else {
                len += kl_utf8_put(c < 0xA0 ? ' ' : c, dst + len);
                r->is_high = true;
            }
        }
        r->len += len;
        text = kl_span_part(text, s.len, text.len);
    }
}

static void put_ascii(struct kl_dbrow *r, const char *s, size_t n)
{
    memcpy(room(r, n), s, n);
    r->len += n;
}

/* Digits of v, at least `least`, from the end of a buffer of 24. */
static size_t digits_of(uint64_t v, unsigned least, char out[static 24])
{
    size_t at = 24;
    for (; v > 0 || 24 - at < least; v /= 10) {
        out[--at] = (char)('0' + v % 10);
    }
    return at;
}

void kl_dbrow_decimal(struct kl_dbrow *r, int64_t v, unsigned decimals)
{
    char out[24];
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    while (decimals > 0 && u % 10 == 0) {
        u /= 10;
        decimals--;
    }
    size_t at = digits_of(u, decimals + 1, out);
    if (v < 0) {
        put_ascii(r, "-", 1);
    }
    put_ascii(r, out + at, 24 - at - decimals);
    if (decimals > 0) {
        put_ascii(r, ".", 1);
        put_ascii(r, out + 24 - decimals, decimals);
    }
}

void kl_dbrow_int(struct kl_dbrow *r, int64_t v)
{
    kl_dbrow_decimal(r, v, 0);
}

void kl_dbrow_real(struct kl_dbrow *r, double v)
{
    char out[64];

    if (!isfinite(v)) {
        return;
    }
    if (fabs(v) < MAX_EXACT / 1e4) {
        /* Money and measures: four decimals say it all, mostly. */
        double rounded = nearbyint(v * 1e4);
        if (rounded / 1e4 >= v && rounded / 1e4 <= v) {
            kl_dbrow_decimal(r, (int64_t)rounded, 4);
            return;
        }
    }
    if (fabs(v) < MAX_EXACT && floor(v) >= v) {
        kl_dbrow_int(r, (int64_t)v);
        return;
    }
    int n = snprintf(out, sizeof out, "%.15g", v);
    double back = strtod(out, NULL);
    if (back < v || back > v) {
        n = snprintf(out, sizeof out, "%.17g", v);
    }
    put_ascii(r, out, n > 0 ? (size_t)n : 0);
}

void kl_dbrow_date(struct kl_dbrow *r, int64_t days_since_1970, unsigned seconds)
{
    char out[64];
    int ymd[3];

    kl_civil(days_since_1970, ymd);
    int n = snprintf(out, sizeof out, "%04d-%02d-%02d", ymd[0], ymd[1], ymd[2]);
    if (seconds > 0 && n > 0) {
        n += snprintf(out + n, sizeof out - (size_t)n, " %02u:%02u:%02u", seconds / 3600,
                      seconds / 60 % 60, seconds % 60);
    }
    put_ascii(r, out, n > 0 ? (size_t)n : 0);
}

void kl_dbrow_hex(struct kl_dbrow *r, struct kl_span bytes)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        char two[2] = {hex[bytes.ptr[i] >> 4], hex[bytes.ptr[i] & 15]};
        put_ascii(r, two, 2);
    }
}

bool kl_dbrow_is_text(struct kl_span bytes)
{
    size_t bad = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.ptr[i];
        bad += (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    }
    return bad * 32 <= bytes.len;
}
