#include "extract/escape.h"

#include "base/fold.h"
#include "base/hex.h"
#include "extract/entity_table.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define ESCAPE_BYTES 12u /* the longest escape that is put together again at a cut */
#define PLAIN_MOST 64u   /* equals signs that encode nothing: quoted-printable has none of them */

/* Two hex digits at `at`; -1 when they are not there. */
static int hex_pair(struct kl_span s, size_t at)
{
    if (s.len < 2 || at > s.len - 2) {
        return -1;
    }
    int a = kl_hex_value(s.ptr[at]);
    int b = kl_hex_value(s.ptr[at + 1]);
    return a < 0 || b < 0 ? -1 : a * 16 + b;
}

/* Length of a quoted-printable soft line break at `at` (on '='); 0: none. */
static size_t soft_break(struct kl_span s, size_t at)
{
    if (at + 1 < s.len && s.ptr[at + 1] == '\n') {
        return 2;
    }
    return at + 2 < s.len && s.ptr[at + 1] == '\r' && s.ptr[at + 2] == '\n' ? 3 : 0;
}

static bool is_upper_hex(struct kl_span s, size_t at)
{
    for (size_t i = at; i < at + 2; i++) {
        if (i >= s.len || kl_hex_value(s.ptr[i]) < 0 || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')) {
            return false;
        }
    }
    return true;
}

/* An encoded byte that no value behind a plain equals sign is likely to begin with. */
static bool is_sure(struct kl_span s, size_t at, int v)
{
    bool pair = v >= 0xC3 && v <= 0xE2 && at + 3 < s.len && s.ptr[at + 3] == '=' &&
                hex_pair(s, at + 4) >= 0x80;
    return pair || v == '=' || v == 0xEB || v == 0xE7 || v == 0xCB || v == 0xC7;
}

/* The next byte at or after `at` that may begin an escape (% & = and backslash). */
static size_t next_escape(struct kl_span s, size_t at)
{
#if defined(__x86_64__)
    const __m128i percent = _mm_set1_epi8('%');
    const __m128i amp = _mm_set1_epi8('&');
    const __m128i equals = _mm_set1_epi8('=');
    const __m128i back = _mm_set1_epi8('\\');
    for (; s.len - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.ptr + at));
        __m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, percent), _mm_cmpeq_epi8(v, amp));
        __m128i b = _mm_or_si128(_mm_cmpeq_epi8(v, equals), _mm_cmpeq_epi8(v, back));
        unsigned m = (unsigned)_mm_movemask_epi8(_mm_or_si128(a, b));
        if (m != 0) {
            return at + (size_t)__builtin_ctz(m);
        }
    }
#endif
    for (; at < s.len; at++) {
        uint8_t c = s.ptr[at];
        if (c == '%' || c == '&' || c == '=' || c == '\\') {
            break;
        }
    }
    return at;
}

/* The next c at or after `at`; s.len: none. */
static size_t next_of(struct kl_span s, size_t at, char c)
{
    const uint8_t *p = at < s.len ? memchr(s.ptr + at, c, s.len - at) : NULL;
    return p != NULL ? (size_t)(p - s.ptr) : s.len;
}

static bool looks_quoted(struct kl_span s)
{
    size_t good = 0;
    size_t bad = 0;
    size_t sure = 0;

    for (size_t i = next_of(s, 0, '='); i + 1 < s.len; i = next_of(s, i + 1, '=')) {
        if (soft_break(s, i) > 0) {
            good++;
            sure++;
        } else if (is_upper_hex(s, i + 1)) {
            int v = hex_pair(s, i + 1);
            /* Mail has no control characters to encode: that is a number behind "x=". */
            bool control = v < 32 && v != '\t' && v != '\n' && v != '\r';
            good += !control;
            bad += control;
            sure += is_sure(s, i, v);
        } else if (++bad >= PLAIN_MOST && bad * 8 > good) {
            return false;
        }
    }
    return sure > 0 && bad * 8 <= good;
}

static bool looks_json(struct kl_span s)
{
    for (size_t i = next_of(s, 0, '\\'); i + 1 < s.len; i = next_of(s, i + 2, '\\')) {
        uint8_t a = s.ptr[i + 1];
        if (a == '/' || a == '"' ||
            (a == 'u' && hex_pair(s, i + 2) >= 0 && hex_pair(s, i + 4) >= 0)) {
            return true;
        }
    }
    return false;
}

static bool is_quoted(struct kl_escape_style *st)
{
    if (st->quoted_printable == KL_ESCAPE_UNKNOWN) {
        st->quoted_printable = looks_quoted(st->around) ? KL_ESCAPE_YES : KL_ESCAPE_NO;
    }
    return st->quoted_printable == KL_ESCAPE_YES;
}

static bool is_json(struct kl_escape_style *st)
{
    if (st->json == KL_ESCAPE_UNKNOWN) {
        st->json = looks_json(st->around) ? KL_ESCAPE_YES : KL_ESCAPE_NO;
    }
    return st->json == KL_ESCAPE_YES;
}

static size_t undo_percent(struct kl_span s, size_t at, uint8_t *out, size_t *out_n)
{
    int v = hex_pair(s, at + 1);

    /* Control characters are no text; they stay written out. */
    if (v < 0 || (v < 32 && v != '\t' && v != '\n' && v != '\r')) {
        return 0;
    }
    out[0] = (uint8_t)v;
    *out_n = 1;
    return 3;
}

static size_t undo_quoted(struct kl_span s, size_t at, uint8_t *out, size_t *out_n)
{
    size_t n = soft_break(s, at);

    *out_n = 0;
    if (n > 0) {
        return n;
    }
    int v = hex_pair(s, at + 1);
    if (v < 0 || (v < 32 && v != '\t' && v != '\n' && v != '\r')) {
        return 0;
    }
    out[0] = (uint8_t)v;
    *out_n = 1;
    return 3;
}

static size_t undo_number(struct kl_span s, size_t at, uint8_t *out, size_t *out_n)
{
    size_t i = at + 2;
    uint32_t base = 10;
    uint32_t cp = 0;
    size_t digits = 0;

    if (i < s.len && (s.ptr[i] | 0x20) == 'x') {
        base = 16;
        i++;
    }
    for (; i < s.len && digits < 8; i++, digits++) {
        int v = kl_hex_value(s.ptr[i]);
        if (v < 0 || (uint32_t)v >= base) {
            break;
        }
        cp = cp * base + (uint32_t)v;
    }
    if (digits == 0 || cp == 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) {
        return 0;
    }
    if (i < s.len && s.ptr[i] == ';') {
        i++;
    }
    uint8_t utf8[4];
    size_t n = kl_utf8_put(cp, utf8);
    if (n > i - at) {
        return 0;
    }
    memcpy(out, utf8, n);
    *out_n = n;
    return i - at;
}

static size_t undo_entity(struct kl_span s, size_t at, uint8_t *out, size_t *out_n)
{
    char name[10] = {0};
    size_t n = 0;

    if (at + 1 < s.len && s.ptr[at + 1] == '#') {
        return undo_number(s, at, out, out_n);
    }
    while (n < sizeof(name) - 1 && at + 1 + n < s.len && s.ptr[at + 1 + n] < 0x80 &&
           (kl_hex_value(s.ptr[at + 1 + n]) >= 0 ||
            ((s.ptr[at + 1 + n] | 0x20) >= 'a' && (s.ptr[at + 1 + n] | 0x20) <= 'z'))) {
        name[n] = (char)s.ptr[at + 1 + n];
        n++;
    }
    if (n < 2 || at + 1 + n >= s.len || s.ptr[at + 1 + n] != ';') {
        return 0;
    }
    size_t from = 0;
    size_t to = sizeof(entities) / sizeof(entities[0]);
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = strncmp(name, entities[mid].name, sizeof(name));
        if (order == 0) {
            *out_n = kl_utf8_put(entities[mid].cp, out);
            return n + 2;
        }
        from = order > 0 ? mid + 1 : from;
        to = order < 0 ? mid : to;
    }
    return 0;
}

static size_t undo_unicode(struct kl_span s, size_t at, uint8_t *out, size_t *out_n)
{
    int a = hex_pair(s, at + 2);
    int b = hex_pair(s, at + 4);
    size_t used = 6;

    if (a < 0 || b < 0) {
        return 0;
    }
    uint32_t cp = (uint32_t)a << 8 | (uint32_t)b;
    if (cp >= 0xD800 && cp < 0xDC00 && at + 7 < s.len && s.ptr[at + 6] == '\\' &&
        s.ptr[at + 7] == 'u') {
        int c = hex_pair(s, at + 8);
        int d = hex_pair(s, at + 10);
        if (c >= 0xDC && c < 0xE0 && d >= 0) {
            cp = 0x10000 + ((cp - 0xD800) << 10) + (((uint32_t)c << 8 | (uint32_t)d) - 0xDC00);
            used = 12;
        }
    }
    if (cp < 32 && cp != '\t' && cp != '\n' && cp != '\r') {
        return 0;
    }
    *out_n = kl_utf8_put(cp, out);
    return used;
}

static size_t undo_backslash(struct kl_span s, size_t at, struct kl_escape_style *style,
                             uint8_t *out, size_t *out_n)
{
    uint8_t a = at + 1 < s.len ? s.ptr[at + 1] : 0;

    *out_n = 1;
    switch (a) {
    case 'u':
        return undo_unicode(s, at, out, out_n);
    case 'x': {
        int v = hex_pair(s, at + 2);
        if (v < 32) {
            return 0;
        }
        out[0] = (uint8_t)v;
        return 4;
    }
    case '/':
        out[0] = '/';
        return 2;
    case 'n':
    case 'r':
    case 't':
        out[0] = ' ';
        return is_json(style) ? 2 : 0;
    case '"':
    case '\\':
        out[0] = a;
        return is_json(style) ? 2 : 0;
    default:
        return 0;
    }
}

size_t kl_escape_undo(uint8_t *text, size_t len, struct kl_escape_style *style)
{
    struct kl_span s = kl_span_make(text, len);
    size_t o = 0;
    size_t i = 0;

    while (i < len) {
        size_t used = 0;
        size_t n = 0;
        uint8_t out[4];
        switch (text[i]) {
        case '%':
            used = undo_percent(s, i, out, &n);
            break;
        case '&':
            used = undo_entity(s, i, out, &n);
            break;
        case '=':
            used = is_quoted(style) ? undo_quoted(s, i, out, &n) : 0;
            break;
        case '\\':
            used = undo_backslash(s, i, style, out, &n);
            break;
        default: {
            size_t plain = next_escape(s, i) - i;
            if (o != i) {
                memmove(text + o, text + i, plain);
            }
            o += plain;
            i += plain;
            continue;
        }
        }
        if (used == 0) {
            text[o++] = text[i++];
            continue;
        }
        memcpy(text + o, out, n);
        o += n;
        i += used;
    }
    return o;
}

size_t kl_escape_whole(struct kl_span text)
{
    size_t near = text.len < ESCAPE_BYTES ? text.len : ESCAPE_BYTES;

    for (size_t i = text.len - near; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (i > 0 && (c == '%' || c == '&' || c == '=' || c == '\\')) {
            return i;
        }
    }
    return text.len;
}
