#include "match/scan_masks.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* A whole function is compiled for the target; what it inlines must be too. */
#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,popcnt"))),                 \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,popcnt")
#endif

struct v64 {
    __m512i v;
};

static inline struct v64 v_load(const uint8_t *p)
{
    return (struct v64){_mm512_loadu_si512(p)};
}

static inline struct v64 v_load_part(const uint8_t *p, size_t n)
{
    return (struct v64){_mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, (unsigned)n), p)};
}

static inline uint64_t v_eq(struct v64 v, uint8_t c)
{
    return _mm512_cmpeq_epi8_mask(v.v, _mm512_set1_epi8((char)c));
}

static inline struct v64 small(struct v64 v)
{
    return (struct v64){_mm512_or_si512(v.v, _mm512_set1_epi8(0x20))};
}

static inline uint64_t v_eq_nocase(struct v64 v, uint8_t c)
{
    return v_eq(small(v), c);
}

/* c - first <= span, unsigned */
static inline uint64_t in_range(struct v64 v, uint8_t first, uint8_t span)
{
    __m512i off = _mm512_sub_epi8(v.v, _mm512_set1_epi8((char)first));
    return _mm512_cmple_epu8_mask(off, _mm512_set1_epi8((char)span));
}

/* Set of characters with different low nibbles: look up which one this nibble may be. */
static inline uint64_t in_set(struct v64 v, __m128i set)
{
    return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(set), v.v), v.v);
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
    return (uint64_t)_mm512_movepi8_mask(v.v);
}

static inline uint64_t v_789(struct v64 v)
{
    return in_range(v, '7', 2);
}

#define LANES 8u
typedef uint64_t lanes __attribute__((vector_size(64)));

#define V_ODD_LANES(m) _mm512_test_epi64_mask((__m512i)(m), (__m512i)(m))

#include "match/scan_kernel.inc"

size_t kl_scan_masks_avx512(const uint8_t *blocks, const uint8_t *prev, size_t n, uint32_t events,
                            struct kl_scan_hit *out)
{
    return kernel_by_set(blocks, prev, n, events, out);
}

void kl_split_masks_avx512(const uint8_t *p, size_t len, struct kl_split_words *out,
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
