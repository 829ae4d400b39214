/* PRF paths for x86-64: AES-NI (8 blocks in flight) and VAES on 512-bit registers (16 in flight,
 * fewer by mask). */
#include "crypt/prf_paths_int.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AESNI __attribute__((target("aes,sse4.1")))
#define VAES __attribute__((target("vaes,avx512f,avx512bw,avx512vl")))

/* At -O2 the blocks of a loop would live in memory: a store and a load for each round. */
#define UNROLL _Pragma("GCC unroll 16")

AESNI static inline void load_keys(const uint8_t rk[11][16], __m128i k[static 11])
{
    UNROLL
    for (int r = 0; r < 11; r++) {
        k[r] = _mm_load_si128((const __m128i *)(const void *)rk[r]);
    }
}

AESNI static inline void rounds8(const __m128i k[static 11], __m128i b[static 8])
{
    UNROLL
    for (int i = 0; i < 8; i++) {
        b[i] = _mm_xor_si128(b[i], k[0]);
    }
    UNROLL
    for (int r = 1; r < 10; r++) {
        UNROLL
        for (int i = 0; i < 8; i++) {
            b[i] = _mm_aesenc_si128(b[i], k[r]);
        }
    }
    UNROLL
    for (int i = 0; i < 8; i++) {
        b[i] = _mm_aesenclast_si128(b[i], k[10]);
    }
}

AESNI static inline __m128i rounds1(const __m128i k[static 11], __m128i b)
{
    b = _mm_xor_si128(b, k[0]);
    UNROLL
    for (int r = 1; r < 10; r++) {
        b = _mm_aesenc_si128(b, k[r]);
    }
    return _mm_aesenclast_si128(b, k[10]);
}

AESNI void kl_prf_cells_aesni(const uint8_t rk[11][16], const struct kl_cell32 *cells, size_t n,
                              struct kl_tag *out)
{
    __m128i k[11];
    size_t i = 0;

    load_keys(rk, k);
    for (; i + 8 <= n; i += 8) {
        __m128i b[8];
        UNROLL
        for (size_t j = 0; j < 8; j++) {
            b[j] = _mm_load_si128((const __m128i *)(const void *)cells[i + j].b);
        }
        rounds8(k, b);
        UNROLL
        for (size_t j = 0; j < 8; j++) {
            b[j] = _mm_xor_si128(
                b[j], _mm_load_si128((const __m128i *)(const void *)(cells[i + j].b + 16)));
        }
        rounds8(k, b);
        UNROLL
        for (size_t j = 0; j < 8; j++) {
            _mm_storeu_si128((__m128i *)(void *)(out + i + j), b[j]);
        }
    }
    for (; i < n; i++) {
        __m128i b = _mm_load_si128((const __m128i *)(const void *)cells[i].b);
        b = rounds1(k, b);
        b = _mm_xor_si128(b, _mm_load_si128((const __m128i *)(const void *)(cells[i].b + 16)));
        _mm_storeu_si128((__m128i *)(void *)(out + i), rounds1(k, b));
    }
}

AESNI void kl_prf_blocks_aesni(const uint8_t rk[11][16], struct kl_tag *blocks, size_t n)
{
    __m128i k[11];
    size_t i = 0;

    load_keys(rk, k);
    for (; i + 8 <= n; i += 8) {
        __m128i b[8];
        UNROLL
        for (size_t j = 0; j < 8; j++) {
            b[j] = _mm_loadu_si128((const __m128i *)(const void *)(blocks + i + j));
        }
        rounds8(k, b);
        UNROLL
        for (size_t j = 0; j < 8; j++) {
            _mm_storeu_si128((__m128i *)(void *)(blocks + i + j), b[j]);
        }
    }
    for (; i < n; i++) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(blocks + i));
        _mm_storeu_si128((__m128i *)(void *)(blocks + i), rounds1(k, b));
    }
}

VAES static inline void rounds_v4(const __m512i k[static 11], __m512i b[static 4])
{
    UNROLL
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_xor_si512(b[i], k[0]);
    }
    UNROLL
    for (int r = 1; r < 10; r++) {
        UNROLL
        for (int i = 0; i < 4; i++) {
            b[i] = _mm512_aesenc_epi128(b[i], k[r]);
        }
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_aesenclast_epi128(b[i], k[10]);
    }
}

VAES static inline void load_keys_v(const uint8_t rk[11][16], __m512i k[static 11])
{
    UNROLL
    for (int r = 0; r < 11; r++) {
        k[r] = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(const void *)rk[r]));
    }
}

/* 16 cells: two 32-byte cells a register, first and second halves regrouped. Quadwords that are
 * not `in` are neither read nor written. */
VAES static inline void cells_v16(const __m512i k[static 11], const struct kl_cell32 *cells,
                                  uint64_t in, struct kl_tag *out)
{
    const __m512i first = _mm512_setr_epi64(0, 1, 4, 5, 8, 9, 12, 13);
    const __m512i second = _mm512_setr_epi64(2, 3, 6, 7, 10, 11, 14, 15);
    __m512i a[4];
    __m512i c[4];

    UNROLL
    for (size_t j = 0; j < 4; j++) {
        __m512i x = _mm512_maskz_loadu_epi64((__mmask8)(in >> 16 * j), cells + 4 * j);
        __m512i y = _mm512_maskz_loadu_epi64((__mmask8)(in >> (16 * j + 8)), cells + 4 * j + 2);
        a[j] = _mm512_permutex2var_epi64(x, first, y);
        c[j] = _mm512_permutex2var_epi64(x, second, y);
    }
    rounds_v4(k, a);
    UNROLL
    for (size_t j = 0; j < 4; j++) {
        a[j] = _mm512_xor_si512(a[j], c[j]);
    }
    rounds_v4(k, a);
    /* half of a cell's quadwords are those of its tag */
    uint64_t tags =
        in == UINT64_MAX ? UINT32_MAX : (1ull << (unsigned)__builtin_popcountll(in) / 2) - 1;
    UNROLL
    for (size_t j = 0; j < 4; j++) {
        _mm512_mask_storeu_epi64(out + 4 * j, (__mmask8)(tags >> 8 * j), a[j]);
    }
}

VAES void kl_prf_cells_vaes(const uint8_t rk[11][16], const struct kl_cell32 *cells, size_t n,
                            struct kl_tag *out)
{
    __m512i k[11];
    size_t i = 0;

    load_keys_v(rk, k);
    for (; i + 16 <= n; i += 16) {
        cells_v16(k, cells + i, UINT64_MAX, out + i);
    }
    if (i < n) {
        cells_v16(k, cells + i, (1ull << 4 * (n - i)) - 1, out + i);
    }
}

VAES static inline void blocks_v16(const __m512i k[static 11], struct kl_tag *blocks, uint32_t in)
{
    __m512i b[4];

    UNROLL
    for (size_t j = 0; j < 4; j++) {
        b[j] = _mm512_maskz_loadu_epi64((__mmask8)(in >> 8 * j), blocks + 4 * j);
    }
    rounds_v4(k, b);
    UNROLL
    for (size_t j = 0; j < 4; j++) {
        _mm512_mask_storeu_epi64(blocks + 4 * j, (__mmask8)(in >> 8 * j), b[j]);
    }
}

VAES void kl_prf_blocks_vaes(const uint8_t rk[11][16], struct kl_tag *blocks, size_t n)
{
    __m512i k[11];
    size_t i = 0;

    load_keys_v(rk, k);
    for (; i + 16 <= n; i += 16) {
        blocks_v16(k, blocks + i, UINT32_MAX);
    }
    if (i < n) {
        blocks_v16(k, blocks + i, (1u << 2 * (n - i)) - 1);
    }
}

#endif
