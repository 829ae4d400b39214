#include "extract/charset.h"

#include "base/fold.h"
#include "extract/charset_table.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define REPLACEMENT 0xFFFDu

/* ---- which one ---- */

static bool starts(struct kl_span s, const char *bytes, size_t n)
{
    return s.len >= n && memcmp(s.ptr, bytes, n) == 0;
}

static enum kl_charset detect_bom(struct kl_span head, size_t *out_bom)
{
    *out_bom = 4;
    if (starts(head, "\xff\xfe\0\0", 4)) {
        return KL_CHARSET_UTF32LE;
    }
    if (starts(head, "\0\0\xfe\xff", 4)) {
        return KL_CHARSET_UTF32BE;
    }
    *out_bom = 3;
    if (starts(head, "\xef\xbb\xbf", 3)) {
        return KL_CHARSET_8BIT;
    }
    *out_bom = 2;
    if (starts(head, "\xff\xfe", 2)) {
        return KL_CHARSET_UTF16LE;
    }
    if (starts(head, "\xfe\xff", 2)) {
        return KL_CHARSET_UTF16BE;
    }
    *out_bom = 0;
    return KL_CHARSET_NONE;
}

enum kl_charset kl_charset_detect(struct kl_span head, size_t *out_bom)
{
    enum kl_charset set = detect_bom(head, out_bom);
    size_t zeros[4] = {0};
    size_t quads = head.len / 4;

    if (set != KL_CHARSET_NONE) {
        return set;
    }
    if (memchr(head.ptr, 0, head.len) == NULL) {
        return KL_CHARSET_8BIT;
    }
    for (size_t i = 0; i < head.len; i++) {
        zeros[i & 3] += head.ptr[i] == 0;
    }
    if (quads > 0 && zeros[3] >= quads && zeros[2] >= quads && zeros[0] == 0) {
        return KL_CHARSET_UTF32LE;
    }
    if (quads > 0 && zeros[0] >= quads && zeros[1] >= quads && zeros[3] == 0) {
        return KL_CHARSET_UTF32BE;
    }
    /* Spaces, digits and line ends have a zero half in UTF-16 of every language. */
    size_t even = zeros[0] + zeros[2];
    size_t odd = zeros[1] + zeros[3];
    size_t units = head.len / 2;
    if (odd * 8 >= units && odd > even * 32) {
        return KL_CHARSET_UTF16LE;
    }
    if (even * 8 >= units && even > odd * 32) {
        return KL_CHARSET_UTF16BE;
    }
    return KL_CHARSET_NONE;
}

/* Length of the run of ASCII at `at`, in whole words; the rest is found one by one. */
static inline size_t ascii_words(struct kl_span s, size_t at)
{
    size_t n = 0;
    uint64_t v;
    while (s.len - at - n >= sizeof(v)) {
        memcpy(&v, s.ptr + at + n, sizeof(v));
        if ((v & 0x8080808080808080ull) != 0) {
            break;
        }
        n += sizeof(v);
    }
    return n;
}

/* Length of the well-formed sequence at `at`, 0 when there is none. */
static size_t sequence_len(struct kl_span s, size_t at)
{
    size_t next = at;
    uint32_t cp = kl_utf8_next(s, &next);
    return cp == REPLACEMENT && next - at == 1 ? 0 : next - at;
}

void kl_charset_count(struct kl_charset_votes *v, struct kl_span text)
{
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] < 0x80) {
            size_t words = ascii_words(text, i);
            i += words > 0 ? words : 1;
            continue;
        }
        size_t n = sequence_len(text, i);
        if (n == 0) {
            v->n[text.ptr[i] - 128]++;
        }
        i += n > 0 ? n : 1;
    }
}

static uint64_t votes_for(const struct kl_charset_votes *v, const char *bytes)
{
    uint64_t sum = 0;
    for (const char *p = bytes; *p != 0; p++) {
        sum += v->n[(uint8_t)*p - 128];
    }
    return sum;
}

enum kl_charset kl_charset_decide(const struct kl_charset_votes *v)
{
    uint64_t windows = votes_for(v, "\xeb\xe7\xcb\xc7"); /* ë ç Ë Ç, also in ISO 8859 */
    uint64_t dos = votes_for(v, "\x89\x87\xd3\x80");
    uint64_t mac = votes_for(v, "\x91\x8d\xe8\x82");

    if (dos > 2 * windows && dos >= mac) {
        return KL_CHARSET_CP852;
    }
    if (mac > 2 * windows && mac > dos) {
        return KL_CHARSET_MAC_ROMAN;
    }
    /* č ć đ and š ž tell the Central European sets; à é ñ ò speak against them. */
    uint64_t central = votes_for(v, "\xe8\xc8\xe6\xc6\xf0\xd0");
    uint64_t western = votes_for(v, "\xe9\xc9\xe0\xc0\xf1\xf2\xea\xf4");
    if (central > 2 * western) {
        uint64_t iso = votes_for(v, "\xb9\xa9\xbe\xae");
        return iso > votes_for(v, "\x9a\x8a\x9e\x8e") ? KL_CHARSET_LATIN2 : KL_CHARSET_CP1250;
    }
    return KL_CHARSET_CP1252;
}

/* ---- single-byte sets ---- */

static bool is_cut(struct kl_span in, size_t at)
{
    uint8_t c = in.ptr[at];
    size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    return in.len - at < want;
}

/* In DOS and Mac text two letters may look like a sequence: only ë ç Ë Ç and quotes count. */
static bool is_trusted(struct kl_span in, size_t at, size_t n, enum kl_charset set)
{
    if (set < KL_CHARSET_CP852 || n > 2) {
        return true;
    }
    uint8_t b = in.ptr[at + 1];
    return in.ptr[at] == 0xC3 && (b == 0xAB || b == 0xA7 || b == 0x8B || b == 0x87);
}

size_t kl_charset_single(struct kl_span in, enum kl_charset set, bool at_end, uint8_t *out,
                         size_t *out_used, struct kl_charset_seen *seen)
{
    const uint16_t *upper = charset_upper[set - KL_CHARSET_CP1252];
    size_t i = 0;
    size_t o = 0;

    while (i < in.len) {
        if (in.ptr[i] < 0x80) {
            for (; in.len - i >= 8; i += 8, o += 8) {
                uint64_t v;
                memcpy(&v, in.ptr + i, sizeof(v));
                if ((v & 0x8080808080808080ull) != 0) {
                    break;
                }
                memcpy(out + o, &v, sizeof(v));
            }
            while (i < in.len && in.ptr[i] < 0x80) {
                out[o++] = in.ptr[i++];
            }
            continue;
        }
        if (!at_end && is_cut(in, i)) {
            break;
        }
        size_t n = sequence_len(in, i);
        if (n > 0 && is_trusted(in, i, n, set)) {
            memcpy(out + o, in.ptr + i, n);
            o += n;
            i += n;
            seen->utf8 = true;
            continue;
        }
        uint32_t cp = upper[in.ptr[i] - 128];
        seen->single = seen->single || cp != REPLACEMENT;
        seen->lost = seen->lost || cp == REPLACEMENT;
        o += kl_utf8_put(cp, out + o);
        i++;
    }
    *out_used = i;
    return o;
}

size_t kl_charset_whole(struct kl_span text)
{
    for (size_t back = 1; back <= 3 && back <= text.len; back++) {
        uint8_t c = text.ptr[text.len - back];
        if ((c & 0xC0) != 0x80) {
            return c >= 0xC0 && is_cut(text, text.len - back) ? text.len - back : text.len;
        }
    }
    return text.len;
}

/* ---- UTF-16, UTF-32 ---- */

static uint32_t unit16(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* ASCII units at the start of p, eight at a time; returns how many were written. */
static size_t ascii16(const uint8_t *p, size_t units, bool big, uint8_t *out)
{
    size_t n = 0;
#if defined(__x86_64__)
    const __m128i high = _mm_set1_epi16((short)0xFF80);
    while (units - n >= 8) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 2 * n));
        if (big) {
            v = _mm_or_si128(_mm_slli_epi16(v, 8), _mm_srli_epi16(v, 8));
        }
        __m128i bad = _mm_cmpeq_epi16(_mm_and_si128(v, high), _mm_setzero_si128());
        if (_mm_movemask_epi8(bad) != 0xFFFF) {
            break;
        }
        _mm_storel_epi64((__m128i *)(void *)(out + n), _mm_packus_epi16(v, v));
        n += 8;
    }
#endif
    for (; n < units && unit16(p + 2 * n, big) < 0x80; n++) {
        out[n] = (uint8_t)unit16(p + 2 * n, big);
    }
    return n;
}

static size_t decode16(struct kl_span in, bool big, bool at_end, uint8_t *out, size_t *out_used,
                       struct kl_charset_seen *seen)
{
    size_t i = 0;
    size_t o = 0;

    while (in.len - i >= 2) {
        size_t n = ascii16(in.ptr + i, (in.len - i) / 2, big, out + o);
        i += 2 * n;
        o += n;
        if (in.len - i < 2) {
            break;
        }
        uint32_t cp = unit16(in.ptr + i, big);
        if (cp >= 0xD800 && cp < 0xDC00) {
            if (in.len - i < 4 && !at_end) {
                break;
            }
            uint32_t low = in.len - i >= 4 ? unit16(in.ptr + i + 2, big) : 0;
            bool pair = low >= 0xDC00 && low < 0xE000;
            cp = pair ? 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00) : REPLACEMENT;
            i += pair ? 2 : 0;
        }
        bool lone = cp >= 0xDC00 && cp < 0xE000;
        cp = lone ? REPLACEMENT : cp;
        seen->lost = seen->lost || cp == REPLACEMENT;
        o += kl_utf8_put(cp, out + o);
        i += 2;
    }
    if (at_end && i < in.len) {
        o += kl_utf8_put(REPLACEMENT, out + o);
        seen->lost = true;
        i = in.len;
    }
    *out_used = i;
    return o;
}

static size_t decode32(struct kl_span in, bool big, bool at_end, uint8_t *out, size_t *out_used,
                       struct kl_charset_seen *seen)
{
    size_t i = 0;
    size_t o = 0;

    for (; in.len - i >= 4; i += 4) {
        const uint8_t *p = in.ptr + i;
        uint32_t cp = big ? unit16(p, true) << 16 | unit16(p + 2, true)
                          : unit16(p + 2, false) << 16 | unit16(p, false);
        if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) {
            cp = REPLACEMENT;
            seen->lost = true;
        }
        o += kl_utf8_put(cp, out + o);
    }
    if (at_end && i < in.len) {
        o += kl_utf8_put(REPLACEMENT, out + o);
        seen->lost = true;
        i = in.len;
    }
    *out_used = i;
    return o;
}

size_t kl_charset_wide(struct kl_span in, enum kl_charset set, bool at_end, uint8_t *out,
                       size_t *out_used, struct kl_charset_seen *seen)
{
    if (set == KL_CHARSET_UTF16LE || set == KL_CHARSET_UTF16BE) {
        return decode16(in, set == KL_CHARSET_UTF16BE, at_end, out, out_used, seen);
    }
    return decode32(in, set == KL_CHARSET_UTF32BE, at_end, out, out_used, seen);
}

/* ---- mojibake ---- */

/* The byte that cp is in `set`, 0 when it is none; Latin-1 controls stand for themselves. */
static uint8_t byte_of(uint32_t cp, enum kl_charset set)
{
    const uint16_t *upper = charset_upper[set - KL_CHARSET_CP1252];

    if (cp < 0xA0) {
        return cp >= 0x80 ? (uint8_t)cp : 0;
    }
    for (unsigned i = 0; i < 128 && cp != REPLACEMENT; i++) {
        if (upper[i] == cp) {
            return (uint8_t)(128 + i);
        }
    }
    return 0;
}

/* The character that the mangled sequence at `at` was; 0: it is none. */
static uint32_t unmangle_at(struct kl_span s, size_t *at, enum kl_charset set)
{
    uint8_t bytes[4];
    size_t next = *at;
    size_t want = 1;
    size_t n = 0;

    while (n < want && next < s.len) {
        bytes[n] = byte_of(kl_utf8_next(s, &next), set);
        if (bytes[n] < 0x80) {
            return 0;
        }
        if (n == 0) {
            want = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
        }
        n++;
    }
    size_t len = 0;
    uint32_t cp = n == want ? kl_utf8_next(kl_span_make(bytes, n), &len) : 0;
    if (len != n || cp == REPLACEMENT) {
        return 0;
    }
    *at = next;
    return cp;
}

static uint32_t unmangle_any(struct kl_span s, size_t *at)
{
    static const enum kl_charset sets[4] = {KL_CHARSET_CP1252, KL_CHARSET_CP1250, KL_CHARSET_CP437,
                                            KL_CHARSET_CP852};
    for (unsigned i = 0; i < 4; i++) {
        uint32_t cp = unmangle_at(s, at, sets[i]);
        if (cp != 0) {
            return cp;
        }
    }
    return 0;
}

/* First bytes of what C3 (of ë and ç), C4, C5 and E2 become in 1252, 1250 and DOS. */
static bool is_mangled_lead(const uint8_t *p)
{
    return (p[0] == 0xC3 && (p[1] == 0x83 || p[1] == 0x84 || p[1] == 0x85 || p[1] == 0xA2)) ||
           (p[0] == 0xC4 && p[1] == 0x82) || (p[0] == 0xE2 && p[1] == 0x94);
}

/* The next mangled lead at or after `at`; the last three bytes hold none. */
static size_t next_mangled(const uint8_t *p, size_t at, size_t end)
{
#if defined(__x86_64__)
    const __m128i c3 = _mm_set1_epi8((char)0xC3);
    const __m128i c4 = _mm_set1_epi8((char)0xC4);
    const __m128i e2 = _mm_set1_epi8((char)0xE2);
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        if (_mm_movemask_epi8(v) == 0) {
            continue;
        }
        __m128i lead = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, c3), _mm_cmpeq_epi8(v, c4)),
                                    _mm_cmpeq_epi8(v, e2));
        for (unsigned m = (unsigned)_mm_movemask_epi8(lead); m != 0; m &= m - 1) {
            size_t i = at + (size_t)__builtin_ctz(m);
            if (is_mangled_lead(p + i)) {
                return i;
            }
        }
    }
#endif
    while (at < end && !is_mangled_lead(p + at)) {
        at++;
    }
    return at;
}

size_t kl_charset_unmangle(uint8_t *text, size_t len, size_t *out_n)
{
    struct kl_span s = kl_span_make(text, len);
    size_t end = len < 4 ? 0 : len - 3;
    size_t o = 0;
    size_t i = 0;

    *out_n = 0;
    while (i < end) {
        size_t at = next_mangled(text, i, end);
        if (o != i) {
            memmove(text + o, text + i, at - i);
        }
        o += at - i;
        i = at;
        if (i == end) {
            break;
        }
        /* A mangled letter is two high characters at least: most "Ä" and box lines are not. */
        bool pair = text[i + (text[i] == 0xE2 ? 3 : 2)] >= 0x80;
        uint32_t cp = pair ? unmangle_any(s, &i) : 0;
        if (cp != 0) {
            /* What comes out is shorter than what went in: never written ahead of i. */
            o += kl_utf8_put(cp, text + o);
            (*out_n)++;
        } else {
            text[o++] = text[i++];
        }
    }
    if (o != i) {
        memmove(text + o, text + i, len - i);
    }
    return o + (len - i);
}
