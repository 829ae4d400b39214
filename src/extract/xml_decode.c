#include "extract/xml.h"

#include "base/fold.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MAX_ENTITY_BYTES 12u
#define ESCAPE_BYTES 7u /* _xHHHH_ */

static const uint8_t replacement[3] = {0xEF, 0xBF, 0xBD};

static size_t put_cp(uint32_t cp, uint8_t *dst)
{
    if (cp < 0x20) {
        dst[0] = ' ';
        return 1;
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) {
        memcpy(dst, replacement, 3);
        return 3;
    }
    uint8_t four[4];
    size_t n = kl_utf8_put(cp, four);
    memcpy(dst, four, n);
    return n;
}

static unsigned hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99u;
}

/* The number of "&#65;" or "&#x41;" (body without & and ;), or a value that is no character. */
static uint32_t char_ref(struct kl_span body)
{
    bool hex = body.len > 1 && (body.ptr[1] | 32) == 'x';
    uint32_t base = hex ? 16 : 10;
    uint32_t v = 0;
    size_t at = hex ? 2 : 1;
    if (at >= body.len) {
        return UINT32_MAX;
    }
    for (; at < body.len; at++) {
        unsigned d = hex_digit(body.ptr[at]);
        if (d >= base) {
            return UINT32_MAX;
        }
        v = v > 0x110000 ? v : v * base + d;
    }
    return v;
}

/* Length of the entity at raw[0] == '&' (0: it is none); its character in *out_cp. */
static size_t entity(struct kl_span raw, uint32_t *out_cp)
{
    static const struct {
        const char *name;
        uint32_t cp;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    size_t far = raw.len < MAX_ENTITY_BYTES ? raw.len : MAX_ENTITY_BYTES;
    const uint8_t *semi = memchr(raw.ptr, ';', far);
    if (semi == NULL) {
        return 0;
    }
    size_t len = (size_t)(semi - raw.ptr) + 1;
    struct kl_span body = kl_span_part(raw, 1, len - 1);
    if (body.len > 0 && body.ptr[0] == '#') {
        *out_cp = char_ref(body);
        return *out_cp == UINT32_MAX ? 0 : len;
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (kl_span_is(body, named[i].name)) {
            *out_cp = named[i].cp;
            return len;
        }
    }
    return 0;
}

/* The unit of _xHHHH_ at raw[0] == '_', or -1. */
static int32_t escape_unit(struct kl_span raw)
{
    if (raw.len < ESCAPE_BYTES || raw.ptr[1] != 'x' || raw.ptr[6] != '_') {
        return -1;
    }
    uint32_t v = 0;
    for (size_t i = 2; i < 6; i++) {
        unsigned d = hex_digit(raw.ptr[i]);
        if (d > 15) {
            return -1;
        }
        v = v << 4 | d;
    }
    return (int32_t)v;
}

static size_t escape(struct kl_span raw, uint32_t *out_cp)
{
    int32_t unit = escape_unit(raw);
    if (unit < 0) {
        return 0;
    }
    *out_cp = (uint32_t)unit;
    if (unit >= 0xD800 && unit < 0xDC00) {
        int32_t low = escape_unit(kl_span_part(raw, ESCAPE_BYTES, raw.len));
        if (low >= 0xDC00 && low < 0xE000) {
            *out_cp = 0x10000u + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
            return (size_t)ESCAPE_BYTES * 2;
        }
    }
    return ESCAPE_BYTES;
}

/* Bytes of the well-formed character at raw[0] >= 0x80, or 0. */
static size_t utf8_len(struct kl_span raw)
{
    uint8_t c = raw.ptr[0];
    if (c < 0xC2 || c > 0xF4) {
        return 0;
    }
    size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (len > raw.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((raw.ptr[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    uint8_t d = raw.ptr[1];
    bool bad = (c == 0xE0 && d < 0xA0) || (c == 0xED && d > 0x9F) || (c == 0xF0 && d < 0x90) ||
               (c == 0xF4 && d > 0x8F);
    return bad ? 0 : len;
}

/* One character that needs care at raw[0]; *out_n written. Returns bytes taken. */
static size_t one(struct kl_span raw, unsigned flags, uint8_t *dst, size_t *out_n)
{
    uint8_t c = raw.ptr[0];
    uint32_t cp = 0;
    size_t len = 0;
    if (c >= 0x80) {
        len = utf8_len(raw);
        *out_n = len > 0 ? len : 3;
        memcpy(dst, len > 0 ? raw.ptr : replacement, *out_n);
        return len > 0 ? len : 1;
    }
    if (c == '&' && (flags & KL_XML_RAW) == 0) {
        len = entity(raw, &cp);
    } else if (c == '_' && (flags & KL_XML_ESCAPES) != 0) {
        len = escape(raw, &cp);
    }
    if (len > 0) {
        *out_n = put_cp(cp, dst);
        return len;
    }
    dst[0] = c < 0x20 ? ' ' : c;
    *out_n = 1;
    return 1;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '&' && c != '_';
}

size_t kl_xml_decode_portable(struct kl_span raw, unsigned flags, uint8_t *dst)
{
    size_t w = 0;
    for (size_t at = 0; at < raw.len;) {
        if (is_plain(raw.ptr[at])) {
            dst[w++] = raw.ptr[at++];
        } else {
            size_t n = 0;
            at += one(kl_span_part(raw, at, raw.len), flags, dst + w, &n);
            w += n;
        }
    }
    return w;
}

#ifdef __SSE2__

/* SSE2 belongs to every x86-64: no dispatch. Cells are short, wider registers gain nothing. */
size_t kl_xml_decode(struct kl_span raw, unsigned flags, uint8_t *dst)
{
    const __m128i amp = _mm_set1_epi8('&');
    const __m128i low = _mm_set1_epi8('_');
    const __m128i space = _mm_set1_epi8(0x20);
    size_t w = 0;
    for (size_t at = 0; at < raw.len;) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(raw.ptr + at));
        _mm_storeu_si128((__m128i *)(void *)(dst + w), v);
        /* Signed: bytes from 0x80 on are below the space, too. */
        __m128i odd = _mm_or_si128(_mm_cmpgt_epi8(space, v),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, amp), _mm_cmpeq_epi8(v, low)));
        unsigned mask = (unsigned)_mm_movemask_epi8(odd);
        size_t run = mask != 0 ? (size_t)__builtin_ctz(mask) : 16;
        if (run >= raw.len - at) {
            return w + (raw.len - at);
        }
        at += run;
        w += run;
        if (mask != 0) {
            size_t n = 0;
            at += one(kl_span_part(raw, at, raw.len), flags, dst + w, &n);
            w += n;
        }
    }
    return w;
}

#else

size_t kl_xml_decode(struct kl_span raw, unsigned flags, uint8_t *dst)
{
    return kl_xml_decode_portable(raw, flags, dst);
}

#endif
