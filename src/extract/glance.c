#include "extract/glance.h"

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ENTITY_MOST 9u /* letters of the longest name that escape.c knows */

/* The bytes of 64 by kind, bit i for byte i. */
struct masks {
    uint64_t high;
    uint64_t nul;
    uint64_t base64;
    uint64_t escape; /* % & = \ */
    uint64_t lead;   /* lead bytes of mangled sequences; the byte behind decides */
};

bool kl_glance_is_base64(uint8_t c)
{
    /* A bit for each ASCII character: + - / 0-9, A-Z _ a-z. */
    return c < 0x80 &&
           ((c < 0x40 ? 0x03FFA80000000000ull : 0x07FFFFFE87FFFFFEull) >> (c & 63) & 1) != 0;
}

static bool is_name(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_hex(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}

/* A name and a semicolon: "&&" and "&name" of a program are none. */
static bool is_entity_at(struct kl_span t, size_t at)
{
    size_t n = 0;

    while (n < ENTITY_MOST && at + n < t.len && is_name(t.ptr[at + n])) {
        n++;
    }
    return n >= 2 && (t.ptr[at] | 0x20) >= 'a' && at + n < t.len && t.ptr[at + n] == ';';
}

static bool is_escape_at(struct kl_span t, size_t at)
{
    uint8_t a = at + 1 < t.len ? t.ptr[at + 1] : 0;
    uint8_t b = at + 2 < t.len ? t.ptr[at + 2] : 0;

    switch (t.ptr[at]) {
    case '&':
        return a == '#' || is_entity_at(t, at + 1);
    case '\\':
        return a == 'u' || a == 'x' || a == '/';
    case '=':
        return (is_hex(a) && is_hex(b)) || a == '\n' || a == '\r';
    default:
        return is_hex(a) && is_hex(b);
    }
}

/* As kl_charset_unmangle sees it: a mangled letter is two high characters at least. */
static bool is_mangled_at(struct kl_span t, size_t at)
{
    uint8_t b = at + 1 < t.len ? t.ptr[at + 1] : 0;
    uint8_t c = at + 2 < t.len ? t.ptr[at + 2] : 0;

    switch (t.ptr[at]) {
    case 0xC3:
        return (b == 0x83 || b == 0x84 || b == 0x85 || b == 0xA2) && c >= 0x80;
    case 0xC4:
        return b == 0x82 && c >= 0x80;
    default:
        return b == 0x94 && c == 0x9C && at + 3 < t.len && t.ptr[at + 3] >= 0x80;
    }
}

/* Digits in pairs with one to four bytes between: the pattern repeats every 3 to 6 bytes. */
static inline bool is_paired(uint64_t base64)
{
    /* Five in a row, or next to none: ordinary text. */
    uint64_t three = base64 & base64 >> 1 & base64 >> 2;
    if ((three & three >> 2) != 0 || __builtin_popcountll(base64) < 20) {
        return false;
    }
    for (unsigned p = 3; p <= 6; p++) {
        if (((base64 ^ base64 >> p) << p) == 0) {
            return true;
        }
    }
    return false;
}

static inline bool is_run(uint64_t base64)
{
    return (uint32_t)base64 == UINT32_MAX || base64 >> 32 == UINT32_MAX || is_paired(base64);
}

/* 32 letters that may be of base64 or hex: both cases, or digits of 16 only. A ruler is neither. */
static bool is_coded(struct kl_span t, size_t at)
{
    const uint8_t *p = t.ptr + at;
    uint8_t upper = 0;
    uint8_t lower = 0;
    uint8_t other = 0;

    for (size_t i = 0; i < 32; i++) { /* without branches: the compiler makes vectors of it */
        uint8_t c = p[i];
        uint8_t small = c | 0x20;
        upper |= (uint8_t)((uint8_t)(c - 'A') < 26);
        lower |= (uint8_t)((uint8_t)(c - 'a') < 26);
        other |= (uint8_t)(((uint8_t)(c - '0') >= 10) & ((uint8_t)(small - 'a') >= 6));
    }
    return other == 0 || (upper & lower) != 0;
}

static enum kl_glance_kind run_at(struct kl_span t, size_t at, uint64_t base64)
{
    if ((uint32_t)base64 == UINT32_MAX && is_coded(t, at)) {
        return KL_GLANCE_FIRST;
    }
    if (base64 >> 32 == UINT32_MAX && is_coded(t, at + 32)) {
        return KL_GLANCE_SECOND;
    }
    return is_paired(base64) ? KL_GLANCE_PAIRS : KL_GLANCE_NOTHING;
}

static inline bool is_wide(uint64_t nul)
{
    return (nul & nul >> 2 & nul >> 4 & ~(nul >> 1) & ~(nul >> 3)) != 0;
}

__attribute__((noinline)) static unsigned weigh(struct kl_span t, size_t at, const struct masks *m,
                                                unsigned had)
{
    unsigned got = (m->high != 0 ? KL_GLANCE_HIGH : 0) | (m->nul != 0 ? KL_GLANCE_NUL : 0) |
                   (is_wide(m->nul) ? KL_GLANCE_WIDE : 0);

    if ((had & KL_GLANCE_RUN) == 0 && is_run(m->base64) &&
        run_at(t, at, m->base64) != KL_GLANCE_NOTHING) {
        got |= KL_GLANCE_RUN;
    }
    if ((had & KL_GLANCE_ESCAPE) == 0) {
        for (uint64_t e = m->escape; e != 0; e &= e - 1) {
            if (is_escape_at(t, at + (size_t)__builtin_ctzll(e))) {
                got |= KL_GLANCE_ESCAPE;
                break;
            }
        }
    }
    if ((had & KL_GLANCE_MANGLED) == 0) {
        for (uint64_t e = m->lead; e != 0; e &= e - 1) {
            if (is_mangled_at(t, at + (size_t)__builtin_ctzll(e))) {
                got |= KL_GLANCE_MANGLED;
                break;
            }
        }
    }
    return got;
}

static struct masks masks_portable(const uint8_t *p, size_t n)
{
    struct masks m = {0, 0, 0, 0, 0};

    for (size_t i = 0; i < n; i++) {
        uint8_t c = p[i];
        uint64_t bit = 1ull << i;
        m.high |= c >= 0x80 ? bit : 0;
        m.nul |= c == 0 ? bit : 0;
        m.base64 |= kl_glance_is_base64(c) ? bit : 0;
        m.escape |= c == '%' || c == '&' || c == '=' || c == '\\' ? bit : 0;
        m.lead |= c == 0xC3 || c == 0xC4 || c == 0xE2 ? bit : 0;
    }
    return m;
}

unsigned kl_glance_portable(struct kl_span text, size_t n)
{
    unsigned got = 0;

    for (size_t at = 0; at < n; at += 64) {
        size_t left = text.len - at < 64 ? text.len - at : 64;
        struct masks m = masks_portable(text.ptr + at, left);
        got |= weigh(text, at, &m, got);
    }
    return got;
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

struct half {
    uint32_t high;
    uint32_t nul;
    uint32_t base64;
    uint32_t escape;
};

/*
 * Two look-ups by half byte, as in simdjson: the bits that both have in common are the class.
 * Rows: 2x + - / = 1, 3x 0-9 = 2, 4x 6x letters = 4, 5x letters and _ = 8, 7x letters = 16;
 * escapes: % & = 32, '=' = 64, '\\' = 128.
 */
#define BY_LOW                                                                                     \
    2 | 8 | 16, 2 | 4 | 8 | 16, 2 | 4 | 8 | 16, 2 | 4 | 8 | 16, 2 | 4 | 8 | 16,                    \
        2 | 4 | 8 | 16 | 32, 2 | 4 | 8 | 16 | 32, 2 | 4 | 8 | 16, 2 | 4 | 8 | 16, 2 | 4 | 8 | 16,  \
        4 | 8 | 16, 1 | 4, (char)(4 | 128), 1 | 4 | 64, 4, 1 | 4 | 8
#define BY_HIGH 0, 0, 1 | 32, 2 | 64, 4, (char)(8 | 128), 4, 16, 0, 0, 0, 0, 0, 0, 0, 0

AVX2 static inline struct half half_avx2(__m256i v)
{
    const __m256i by_low = _mm256_broadcastsi128_si256(_mm_setr_epi8(BY_LOW));
    const __m256i by_high = _mm256_broadcastsi128_si256(_mm_setr_epi8(BY_HIGH));
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i zero = _mm256_setzero_si256();

    __m256i low = _mm256_shuffle_epi8(by_low, _mm256_and_si256(v, nibble));
    __m256i high = _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
    __m256i kind = _mm256_and_si256(low, high);
    __m256i base64 = _mm256_and_si256(kind, _mm256_set1_epi8(0x1F));
    __m256i escape = _mm256_and_si256(kind, _mm256_set1_epi8((char)0xE0));
    struct half h = {
        (uint32_t)_mm256_movemask_epi8(v),
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, zero)),
        ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(base64, zero)),
        ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(escape, zero)),
    };
    return h;
}

AVX2 static inline uint64_t lead_avx2(__m256i a, __m256i b)
{
    const __m256i c3 = _mm256_set1_epi8((char)0xC3);
    const __m256i c4 = _mm256_set1_epi8((char)0xC4);
    const __m256i e2 = _mm256_set1_epi8((char)0xE2);
    __m256i la =
        _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(a, c3), _mm256_cmpeq_epi8(a, c4)),
                        _mm256_cmpeq_epi8(a, e2));
    __m256i lb =
        _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(b, c3), _mm256_cmpeq_epi8(b, c4)),
                        _mm256_cmpeq_epi8(b, e2));
    return (uint32_t)_mm256_movemask_epi8(la) | (uint64_t)(uint32_t)_mm256_movemask_epi8(lb) << 32;
}

AVX2 static inline struct masks masks_avx2(const uint8_t *p)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    struct half ha = half_avx2(a);
    struct half hb = half_avx2(b);
    struct masks m = {
        ha.high | (uint64_t)hb.high << 32,
        ha.nul | (uint64_t)hb.nul << 32,
        ha.base64 | (uint64_t)hb.base64 << 32,
        ha.escape | (uint64_t)hb.escape << 32,
        0,
    };
    if (m.high != 0) {
        m.lead = lead_avx2(a, b);
    }
    return m;
}

/* The last bytes of a text, n < 64 of them. */
AVX2 static struct masks tail_avx2(const uint8_t *p, size_t n)
{
    uint8_t tail[64] = {0};

    memcpy(tail, p, n);
    struct masks m = masks_avx2(tail);
    m.nul &= (1ull << n) - 1;
    return m;
}

AVX2 static unsigned glance_avx2(struct kl_span text, size_t n)
{
    unsigned got = 0;
    uint64_t high = 0;

    for (size_t at = 0; at < n; at += 64) {
        size_t left = text.len - at;
        struct masks m = left >= 64 ? masks_avx2(text.ptr + at) : tail_avx2(text.ptr + at, left);
        high |= m.high;
        if ((got & KL_GLANCE_ESCAPE) != 0) {
            m.escape = 0;
        }
        if ((m.escape | m.lead | m.nul) != 0 || is_run(m.base64)) {
            got |= weigh(text, at, &m, got);
        }
    }
    return got | (high != 0 ? KL_GLANCE_HIGH : 0);
}

AVX2 static size_t run_avx2(struct kl_span text, size_t at, enum kl_glance_kind *out_kind)
{
    for (; text.len - at >= 64; at += 64) {
        struct masks m = masks_avx2(text.ptr + at);
        *out_kind = is_run(m.base64) ? run_at(text, at, m.base64) : KL_GLANCE_NOTHING;
        if (*out_kind != KL_GLANCE_NOTHING) {
            break;
        }
    }
    return at;
}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi,popcnt")))
#define VBMI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi,popcnt")))
#define PREFETCH_BYTES 1024u

/* As half_avx2, 64 bytes at once; n <= 64 of them are there. */
AVX512 static inline struct masks masks_avx512(const uint8_t *p, size_t n)
{
    const __m512i by_low = _mm512_broadcast_i32x4(_mm_setr_epi8(BY_LOW));
    const __m512i by_high = _mm512_broadcast_i32x4(_mm_setr_epi8(BY_HIGH));
    uint64_t there = n >= 64 ? UINT64_MAX : (1ull << n) - 1;

    __m512i v = n >= 64 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(there, p);
    __m512i nibble = _mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15));
    /* A byte above 127 looks up 0 in by_low: the shuffle says so itself. */
    __m512i kind =
        _mm512_and_si512(_mm512_shuffle_epi8(by_low, v), _mm512_shuffle_epi8(by_high, nibble));
    struct masks m = {
        _mm512_movepi8_mask(v),
        _mm512_testn_epi8_mask(v, v) & there,
        _mm512_test_epi8_mask(kind, _mm512_set1_epi8(0x1F)),
        _mm512_test_epi8_mask(kind, _mm512_set1_epi8((char)0xE0)),
        0,
    };
    if (m.high != 0) {
        m.lead = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC3)) |
                 _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC4)) |
                 _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xE2));
    }
    return m;
}

/*
 * Kinds of ASCII characters, looked up 64 at a time. An escape shows in three characters that have
 * a bit in common: what begins it, what may follow that, and what may come third.
 */
enum {
    KIND_HEX = 1,  /* % or =, and two digits of base 16 */
    KIND_LINE = 2, /* = at the end of a line */
    KIND_NAME = 4, /* & and a letter or # */
    KIND_JSON = 8, /* backslash and u x / */
    KIND_BASE64 = 16,
    KIND_ANY = KIND_LINE | KIND_NAME | KIND_JSON,
};
#define ALIGNED __attribute__((aligned(64)))

static const uint8_t ALIGNED FIRST[128] = {
    ['%'] = KIND_HEX,    ['&'] = KIND_NAME,           ['='] = KIND_HEX | KIND_LINE,
    ['\\'] = KIND_JSON,  ['+'] = KIND_BASE64,         ['-'] = KIND_BASE64,
    ['/'] = KIND_BASE64, ['0' ... '9'] = KIND_BASE64, ['A' ... 'Z'] = KIND_BASE64,
    ['_'] = KIND_BASE64, ['a' ... 'z'] = KIND_BASE64,
};

static const uint8_t ALIGNED SECOND[128] = {
    ['\n'] = KIND_LINE,        ['\r'] = KIND_LINE,
    ['#'] = KIND_NAME,         ['/'] = KIND_JSON,
    ['0' ... '9'] = KIND_HEX,  ['A' ... 'F'] = KIND_HEX | KIND_NAME,
    ['G' ... 'Z'] = KIND_NAME, ['a' ... 'f'] = KIND_HEX | KIND_NAME,
    ['g' ... 't'] = KIND_NAME, ['u'] = KIND_NAME | KIND_JSON,
    ['v' ... 'w'] = KIND_NAME, ['x'] = KIND_NAME | KIND_JSON,
    ['y' ... 'z'] = KIND_NAME,
};

static const uint8_t ALIGNED THIRD[128] = {
    [0 ... '/'] = KIND_ANY,   ['0' ... '9'] = KIND_ANY | KIND_HEX,
    [':' ... '@'] = KIND_ANY, ['A' ... 'F'] = KIND_ANY | KIND_HEX,
    ['G' ... '`'] = KIND_ANY, ['a' ... 'f'] = KIND_ANY | KIND_HEX,
    ['g' ... 127] = KIND_ANY,
};

/* By the low seven bits of each byte. */
VBMI static inline __m512i kinds(__m512i v, const uint8_t table[static 128])
{
    return _mm512_permutex2var_epi8(_mm512_load_si512(table), v, _mm512_load_si512(table + 64));
}

/* Lead bytes of mangled letters whose next bytes fit; p[64] is there. */
VBMI static uint64_t leads_avx512(const uint8_t *p, __m512i v, uint64_t high)
{
    uint64_t lead = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC3)) |
                    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC4)) |
                    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xE2));
    __m512i next = _mm512_loadu_si512(p + 1);
    __m512i from82 = _mm512_sub_epi8(next, _mm512_set1_epi8((char)0x82));
    uint64_t fits = _mm512_cmplt_epu8_mask(from82, _mm512_set1_epi8(4)) |
                    _mm512_cmpeq_epi8_mask(next, _mm512_set1_epi8((char)0xA2)) |
                    _mm512_cmpeq_epi8_mask(next, _mm512_set1_epi8((char)0x94));
    uint64_t third = high >> 2 | 3ull << 62;

    return lead & fits & third;
}

/* What a stretch of text is made of. */
struct sums {
    __m512i least; /* of each 64th byte */
    uint64_t high;
};

/* Whether 64 bytes need a closer look, zeros apart; p[65] is there. */
VBMI static inline bool is_odd_avx512(const uint8_t *p, struct sums *s)
{
    __m512i v = _mm512_loadu_si512(p);
    uint64_t high = _mm512_movepi8_mask(v);
    __m512i first = _mm512_maskz_permutex2var_epi8(~high, _mm512_load_si512(FIRST), v,
                                                   _mm512_load_si512(FIRST + 64));
    __m512i rest = _mm512_and_si512(kinds(_mm512_loadu_si512(p + 1), SECOND),
                                    kinds(_mm512_loadu_si512(p + 2), THIRD));
    uint64_t escape = _mm512_test_epi8_mask(first, rest);
    uint64_t lead = 0;

    /* A hint, never a read: it may lie behind the text. */
    __builtin_prefetch((const void *)((uintptr_t)p + PREFETCH_BYTES));
    s->least = _mm512_min_epu8(s->least, v);
    s->high |= high;
    if (__builtin_expect(high != 0, 0)) {
        lead = leads_avx512(p, v, high);
    }
    return ((escape | lead) != 0) |
           is_run(_mm512_test_epi8_mask(first, _mm512_set1_epi8(KIND_BASE64)));
}

VBMI static unsigned weigh_block(struct kl_span text, size_t at, unsigned had)
{
    struct masks m = masks_avx512(text.ptr + at, text.len - at);

    return had | weigh(text, at, &m, had);
}

/* Sifted without branches that the text decides; a closer look at what is odd comes afterwards. */
VBMI static unsigned glance_avx512(struct kl_span text, size_t n)
{
    unsigned got = 0;
    size_t whole = text.len < 66 ? 0 : (text.len - 2) / 64; /* blocks with two bytes behind them */
    size_t n_blocks = n / 64 < whole ? n / 64 : whole;

    for (size_t from = 0; from < n_blocks; from += 64) {
        size_t m = n_blocks - from < 64 ? n_blocks - from : 64;
        struct sums s = {_mm512_set1_epi8(1), 0};
        uint64_t odd = 0;
        for (size_t i = 0; i < m; i++) {
            odd |= (uint64_t)is_odd_avx512(text.ptr + (from + i) * 64, &s) << i;
        }
        got |= s.high != 0 ? KL_GLANCE_HIGH : 0;
        if (_mm512_testn_epi8_mask(s.least, s.least) != 0) {
            odd = UINT64_MAX >> (64 - m);
        }
        for (; odd != 0; odd &= odd - 1) {
            got = weigh_block(text, 64 * (from + (size_t)__builtin_ctzll(odd)), got);
        }
    }
    for (size_t at = n_blocks * 64; at < n; at += 64) {
        got = weigh_block(text, at, got);
    }
    return got;
}

AVX512 static size_t run_avx512(struct kl_span text, size_t at, enum kl_glance_kind *out_kind)
{
    for (; text.len - at >= 64; at += 64) {
        struct masks m = masks_avx512(text.ptr + at, 64);
        *out_kind = is_run(m.base64) ? run_at(text, at, m.base64) : KL_GLANCE_NOTHING;
        if (*out_kind != KL_GLANCE_NOTHING) {
            break;
        }
    }
    return at;
}

AVX2 static size_t letters_avx2(const uint8_t *p)
{
    uint64_t letters = masks_avx2(p).base64;

    return letters == UINT64_MAX ? 64 : (size_t)__builtin_ctzll(~letters);
}

#endif

size_t kl_glance_letters(struct kl_span text)
{
    size_t n = 0;

#if defined(__x86_64__)
    if (text.len >= 64 && kl_cpu_level_get() > KL_CPU_PORTABLE) {
        return letters_avx2(text.ptr);
    }
#endif
    while (n < text.len && n < 64 && kl_glance_is_base64(text.ptr[n])) {
        n++;
    }
    return n;
}

unsigned kl_glance_part(struct kl_span text, size_t n)
{
    n = n < text.len ? n : text.len;
#if defined(__x86_64__)
    if (kl_cpu_level_get() == KL_CPU_AVX512) {
        return glance_avx512(text, n);
    }
    if (kl_cpu_level_get() == KL_CPU_AVX2) {
        return glance_avx2(text, n);
    }
#endif
    return kl_glance_portable(text, n);
}

unsigned kl_glance(struct kl_span text)
{
    return kl_glance_part(text, text.len);
}

enum kl_glance_kind kl_glance_run(struct kl_span text, size_t from, size_t *out_at)
{
    size_t at = (from + 63) / 64 * 64;
    enum kl_glance_kind kind = KL_GLANCE_NOTHING;

    if (at >= text.len) {
        return KL_GLANCE_NOTHING;
    }
#if defined(__x86_64__)
    if (kl_cpu_level_get() == KL_CPU_AVX512) {
        at = run_avx512(text, at, &kind);
    } else if (kl_cpu_level_get() == KL_CPU_AVX2) {
        at = run_avx2(text, at, &kind);
    }
#endif
    for (; kind == KL_GLANCE_NOTHING && at < text.len; at += 64) {
        size_t n = text.len - at < 64 ? text.len - at : 64;
        struct masks m = masks_portable(text.ptr + at, n);
        kind = is_run(m.base64) ? run_at(text, at, m.base64) : KL_GLANCE_NOTHING;
        if (kind != KL_GLANCE_NOTHING) {
            break;
        }
    }
    *out_at = kind == KL_GLANCE_SECOND ? at + 32 : at;
    return kind;
}
