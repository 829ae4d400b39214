#include "match/scan_masks.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* A whole function is compiled for the target; what it inlines must be too. */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

struct v64 {
    __m256i lo;
    __m256i hi;
};

static inline struct v64 v_load(const uint8_t *p)
{
    return (struct v64){_mm256_loadu_si256((const __m256i *)(const void *)p),
                        _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
}

static inline struct v64 v_load_part(const uint8_t *p, size_t n)
{
    uint8_t b[64] = {0};

    memcpy(b, p, n);
    return v_load(b);
}

static inline uint64_t bits(__m256i lo, __m256i hi)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(lo) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32;
}

static inline uint64_t v_eq(struct v64 v, uint8_t c)
{
    __m256i k = _mm256_set1_epi8((char)c);
    return bits(_mm256_cmpeq_epi8(v.lo, k), _mm256_cmpeq_epi8(v.hi, k));
}

static inline struct v64 small(struct v64 v)
{
    __m256i bit = _mm256_set1_epi8(0x20);
    return (struct v64){_mm256_or_si256(v.lo, bit), _mm256_or_si256(v.hi, bit)};
}

static inline uint64_t v_eq_nocase(struct v64 v, uint8_t c)
{
    return v_eq(small(v), c);
}

/* c - first <= span, unsigned */
static inline uint64_t in_range(struct v64 v, uint8_t first, uint8_t span)
{
    __m256i f = _mm256_set1_epi8((char)first);
    __m256i s = _mm256_set1_epi8((char)span);
    __m256i lo = _mm256_sub_epi8(v.lo, f);
    __m256i hi = _mm256_sub_epi8(v.hi, f);
    return bits(_mm256_cmpeq_epi8(_mm256_min_epu8(lo, s), lo),
                _mm256_cmpeq_epi8(_mm256_min_epu8(hi, s), hi));
}

/* Set of characters with different low nibbles: look up which one this nibble may be. */
static inline uint64_t in_set(struct v64 v, __m128i set)
{
    __m256i table = _mm256_broadcastsi128_si256(set);
    return bits(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, v.lo), v.lo),
                _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, v.hi), v.hi));
}

#define SET(c0, c7, c8, c9, cc, cd, ce, cf)                                                        \
    _mm_setr_epi8(c0, -1, -1, -1, -1, -1, -1, c7, c8, c9, -1, -1, cc, cd, ce, cf)

static inline uint64_t v_digit(struct v64 v)
{
    return in_range(v, '0', 9);
}

static inline uint64_t v_alpha(struct v64 v)
{
    return in_range(small(v), 'a', 25);
}

static inline uint64_t v_sep(struct v64 v)
{
    return in_set(v, SET(' ', -1, '(', ')', -1, '-', '.', '/'));
}

static inline uint64_t v_gap(struct v64 v)
{
    return in_set(v, SET(' ', -1, -1, -1, -1, '-', -1, -1));
}

static inline uint64_t v_date(struct v64 v)
{
    return in_range(v, '-', 2);
}

static inline uint64_t v_num(struct v64 v)
{
    return in_set(v, SET(' ', '\'', -1, -1, ',', -1, '.', -1));
}

static inline uint64_t v_other(struct v64 v)
{
    /* '[' and '{' differ in one bit only, and no other byte differs so from either */
    return in_set(v, _mm_setr_epi8(-1, -1, '"', -1, -1, -1, -1, -1, '(', ')', ':', -1, ',', '=',
                                   '>', -1)) |
           in_set(small(v),
                  _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '{', -1, '}', -1, -1)) |
           v_eq(v, '<');
}

static inline uint64_t v_high(struct v64 v)
{
    return bits(v.lo, v.hi);
}

static inline uint64_t v_789(struct v64 v)
{
    return in_range(v, '7', 2);
}

#define LANES 4u
typedef uint64_t lanes __attribute__((vector_size(32)));

#include "match/scan_kernel.inc"

size_t kl_scan_masks_avx2(const uint8_t *blocks, const uint8_t *prev, size_t n, uint32_t events,
                          struct kl_scan_hit *out)
{
    return kernel_by_set(blocks, prev, n, events, out);
}

void kl_split_masks_avx2(const uint8_t *p, size_t len, struct kl_split_words *out,
                         unsigned out_n[static KL_SEP_N])
{
    split_kernel(p, len, out, out_n);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
