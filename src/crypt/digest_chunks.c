/* BLAKE2b-256 of many chunks of one length. Source: RFC 7693. */
#include "crypt/digest.h"

#include "base/cpu.h"

#define BLOCK 128u
#define WORTH_LANES 2u /* from so many chunks on all lanes cost less than one after the other */

#if defined(__x86_64__)

#include <immintrin.h>

#define LANES KL_DIGEST_CHUNKS
#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define UNROLL _Pragma("GCC unroll 16")

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t sigma[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

/* Eight rows of eight words to eight columns: word k of each lane side by side. */
WIDE static inline void transpose(__m512i r[static 8])
{
    __m512i a[8];
    __m512i b[8];

    UNROLL
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
    UNROLL
    for (int i = 0; i < 2; i++) {
        b[i] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
        b[i + 2] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
        b[i + 4] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0x88);
        b[i + 6] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
        r[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
    }
}

WIDE static inline void mix(__m512i *a, __m512i *b, __m512i *c, __m512i *d, __m512i x, __m512i y)
{
    *a = _mm512_add_epi64(_mm512_add_epi64(*a, *b), x);
    *d = _mm512_ror_epi64(_mm512_xor_si512(*d, *a), 32);
    *c = _mm512_add_epi64(*c, *d);
    *b = _mm512_ror_epi64(_mm512_xor_si512(*b, *c), 24);
    *a = _mm512_add_epi64(_mm512_add_epi64(*a, *b), y);
    *d = _mm512_ror_epi64(_mm512_xor_si512(*d, *a), 16);
    *c = _mm512_add_epi64(*c, *d);
    *b = _mm512_ror_epi64(_mm512_xor_si512(*b, *c), 63);
}

WIDE static inline void rounds(__m512i v[static 16], const __m512i m[static 16])
{
    UNROLL
    for (int r = 0; r < 12; r++) {
        const uint8_t *s = sigma[r];
        UNROLL
        for (int i = 0; i < 4; i++) {
            mix(&v[i], &v[i + 4], &v[i + 8], &v[i + 12], m[s[2 * i]], m[s[2 * i + 1]]);
        }
        UNROLL
        for (int i = 0; i < 4; i++) {
            mix(&v[i], &v[4 + (i + 1) % 4], &v[8 + (i + 2) % 4], &v[12 + (i + 3) % 4],
                m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
        }
    }
}

/* One block of each lane, `at` bytes behind its start. */
WIDE static void compress(__m512i h[static 8], const uint8_t *const p[static LANES], size_t at,
                          bool is_last)
{
    uint64_t upto = at + BLOCK;
    __m512i m[16];
    __m512i v[16];

    UNROLL
    for (size_t i = 0; i < LANES; i++) {
        m[i] = _mm512_loadu_si512(p[i] + at);
        m[i + 8] = _mm512_loadu_si512(p[i] + at + 64);
    }
    transpose(m);
    transpose(m + 8);
    UNROLL
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = _mm512_set1_epi64((long long)iv[i]);
    }
    v[12] = _mm512_xor_si512(v[12], _mm512_set1_epi64((long long)upto));
    v[14] = _mm512_xor_si512(v[14], _mm512_set1_epi64(is_last ? -1 : 0));
    rounds(v, m);
    UNROLL
    for (int i = 0; i < 8; i++) {
        h[i] = _mm512_xor_si512(h[i], _mm512_xor_si512(v[i], v[i + 8]));
    }
}

/* n chunks side by side, at most eight; chunk_bytes is a multiple of a block. */
WIDE static void wide_chunks(const uint8_t *bytes, size_t n, size_t chunk_bytes,
                             uint8_t (*out)[KL_DIGEST_BYTES])
{
    const uint8_t *p[LANES];
    __m512i h[8];

    for (size_t i = 0; i < LANES; i++) {
        /* the first word of the parameters: digest length, fan-out 1, depth 1 */
        uint64_t parameters = i == 0 ? 0x01010000 | KL_DIGEST_BYTES : 0;
        h[i] = _mm512_set1_epi64((long long)(iv[i] ^ parameters));
        p[i] = bytes + (i < n ? i : n - 1) * chunk_bytes; /* a lane too many costs nothing */
    }
    for (size_t at = 0; at < chunk_bytes; at += BLOCK) {
        compress(h, p, at, at + BLOCK == chunk_bytes);
    }
    transpose(h);
    for (size_t i = 0; i < n; i++) {
        _mm256_storeu_si256((__m256i *)(void *)out[i], _mm512_castsi512_si256(h[i]));
    }
}

static bool has_lanes(void)
{
    return kl_cpu_level_get() == KL_CPU_AVX512;
}

#else

static bool has_lanes(void)
{
    return false;
}

static void wide_chunks(const uint8_t *bytes, size_t n, size_t chunk_bytes,
                        uint8_t (*out)[KL_DIGEST_BYTES])
{
    (void)bytes;
    (void)n;
    (void)chunk_bytes;
    (void)out;
}

#endif

size_t kl_digest_chunks(struct kl_span bytes, size_t chunk_bytes,
                        uint8_t out[static KL_DIGEST_CHUNKS][KL_DIGEST_BYTES])
{
    size_t whole = bytes.len / chunk_bytes;
    size_t n = 0;

    whole = whole < KL_DIGEST_CHUNKS ? whole : KL_DIGEST_CHUNKS;
    if (whole >= WORTH_LANES && chunk_bytes % BLOCK == 0 && has_lanes()) {
        wide_chunks(bytes.ptr, whole, chunk_bytes, out);
        n = whole;
    }
    for (; n < KL_DIGEST_CHUNKS && n * chunk_bytes < bytes.len; n++) {
        kl_digest(kl_span_part(bytes, n * chunk_bytes, (n + 1) * chunk_bytes), out[n]);
    }
    return n;
}
