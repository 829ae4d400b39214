#include "base/fold_bulk.h"

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Latin-1 letters by the low six bits of the byte behind C3; 0: left to the table. */
#define LATIN1_FOLDED "aaaaaa\0ceeeeiiiidnooooo\0ouuuuy\0\0aaaaaa\0ceeeeiiiidnooooo\0ouuuuy\0y"
#define LATIN1_CASED "AAAAAA\0CEEEEIIIIDNOOOOO\0OUUUUY\0\0aaaaaa\0ceeeeiiiidnooooo\0ouuuuy\0y"

static inline uint8_t lower(uint8_t c, bool keep_case)
{
    return (uint8_t)(c + (!keep_case && c >= 'A' && c <= 'Z' ? 32 : 0));
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Eight ASCII bytes at once: bit 7 of each byte of `up` marks A to Z. */
static inline uint64_t lower8(uint64_t v)
{
    uint64_t ge_a = v + 0x3f3f3f3f3f3f3f3full;
    uint64_t gt_z = v + 0x2525252525252525ull;
    uint64_t up = ge_a & ~gt_z & 0x8080808080808080ull;
    return v | up >> 2;
}

static size_t bulk_portable(struct kl_span t, bool keep_case, uint8_t *out, size_t cap)
{
    size_t n = t.len < cap ? t.len : cap;
    size_t i = 0;

    while (n - i >= 8) {
        uint64_t v = load64(t.ptr + i);
        if ((v & 0x8080808080808080ull) != 0) {
            break;
        }
        v = keep_case ? v : lower8(v);
        memcpy(out + i, &v, sizeof(v));
        i += 8;
    }
    while (i < n && t.ptr[i] < 0x80) {
        out[i] = lower(t.ptr[i], keep_case);
        i++;
    }
    return i;
}

/* One byte in, one byte out, until a byte that is not ASCII. */
typedef size_t (*bulk_ascii)(struct kl_span t, bool keep_case, uint8_t *out, size_t cap);

/* Runs of ASCII with Latin-1 letters between them. */
static size_t bulk_pairs(bulk_ascii ascii, struct kl_span t, bool keep_case, uint8_t *out,
                         size_t cap, size_t *out_used)
{
    static const char folded[65] = LATIN1_FOLDED;
    static const char cased[65] = LATIN1_CASED;
    const char *letters = keep_case ? cased : folded;
    size_t i = 0;
    size_t o = 0;

    for (;;) {
        size_t n = ascii(kl_span_part(t, i, t.len), keep_case, out + o, cap - o);
        i += n;
        o += n;
        if (t.len - i < 2 || o == cap || t.ptr[i] != 0xC3 || (t.ptr[i + 1] & 0xC0) != 0x80 ||
            letters[t.ptr[i + 1] & 0x3F] == 0) {
            *out_used = i;
            return o;
        }
        out[o++] = (uint8_t)letters[t.ptr[i + 1] & 0x3F];
        i += 2;
    }
}

static size_t suspect_portable(struct kl_span t, size_t i)
{
    while (i < t.len) {
        if (t.len - i >= 8 && (load64(t.ptr + i) & 0x8080808080808080ull) == 0) {
            i += 8;
            continue;
        }
        size_t end = t.len - i < 8 ? t.len : i + 8;
        for (; i < end; i++) {
            if (t.ptr[i] >= 0xC6 || t.ptr[i] == 0xC2) {
                return i;
            }
        }
    }
    return t.len;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static size_t bulk_avx2(struct kl_span t, bool keep_case,
                                                        uint8_t *out, size_t cap)
{
    size_t n = t.len < cap ? t.len : cap;
    size_t i = 0;
    const __m256i below = _mm256_set1_epi8('A' - 1);
    const __m256i above = _mm256_set1_epi8(keep_case ? 'A' : 'Z' + 1);
    const __m256i bit = _mm256_set1_epi8(32);

    while (n - i >= 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(t.ptr + i));
        __m256i up = _mm256_and_si256(_mm256_cmpgt_epi8(v, below), _mm256_cmpgt_epi8(above, v));
        uint32_t high = (uint32_t)_mm256_movemask_epi8(v);
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            _mm256_or_si256(v, _mm256_and_si256(up, bit)));
        if (high != 0) {
            return i + (size_t)__builtin_ctz(high);
        }
        i += 32;
    }
    return i + bulk_portable(kl_span_part(t, i, n), keep_case, out + i, cap - i);
}

__attribute__((target("avx2"))) static size_t suspect_avx2(struct kl_span t, size_t i)
{
    const __m256i first = _mm256_set1_epi8((char)0xC5);
    const __m256i zero = _mm256_setzero_si256();
    const __m256i latin1 = _mm256_set1_epi8((char)0xC2);

    while (t.len - i >= 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(t.ptr + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(t.ptr + i + 32));
        if (_mm256_movemask_epi8(_mm256_or_si256(a, b)) == 0) {
            i += 64;
            continue;
        }
        __m256i sa = _mm256_or_si256(
            _mm256_and_si256(_mm256_cmpgt_epi8(a, first), _mm256_cmpgt_epi8(zero, a)),
            _mm256_cmpeq_epi8(a, latin1));
        __m256i sb = _mm256_or_si256(
            _mm256_and_si256(_mm256_cmpgt_epi8(b, first), _mm256_cmpgt_epi8(zero, b)),
            _mm256_cmpeq_epi8(b, latin1));
        uint64_t m =
            (uint32_t)_mm256_movemask_epi8(sa) | (uint64_t)(uint32_t)_mm256_movemask_epi8(sb) << 32;
        if (m != 0) {
            return i + (size_t)__builtin_ctzll(m);
        }
        i += 64;
    }
    return suspect_portable(t, i);
}

#define TARGET_512 "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt"

struct pairs {
    uint64_t lead;  /* C3 bytes of pairs that fold to one letter */
    size_t n_bytes; /* the prefix of the 64 bytes that is done with */
};

__attribute__((target(TARGET_512))) static inline struct pairs find_pairs(__m512i v, __mmask64 high,
                                                                          __mmask64 mapped)
{
    uint64_t c3 = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC3));
    uint64_t cont = _mm512_mask_cmplt_epi8_mask(high, v, _mm512_set1_epi8((char)0xC0));
    uint64_t lead = c3 & (cont & mapped) >> 1;
    uint64_t bad = high & ~(lead | lead << 1);
    struct pairs p = {lead, bad != 0 ? (size_t)__builtin_ctzll(bad) : 64};
    return p;
}

/* ASCII and Latin-1 letters: the letter is looked up in a register, the C3 squeezed out. */
__attribute__((target(TARGET_512))) static size_t bulk_avx512(struct kl_span t, bool keep_case,
                                                              uint8_t *out, size_t cap,
                                                              size_t *out_used)
{
    const __m512i letters =
        _mm512_loadu_si512((const void *)(keep_case ? LATIN1_CASED : LATIN1_FOLDED));
    const __m512i from = _mm512_set1_epi8('A');
    const __m512i bit = _mm512_set1_epi8(32);
    const __m512i span = _mm512_set1_epi8(keep_case ? 0 : 26);
    size_t i = 0;
    size_t o = 0;

    while (t.len - i >= 64 && cap - o >= 64) {
        __m512i v = _mm512_loadu_si512((const void *)(t.ptr + i));
        __mmask64 high = _mm512_movepi8_mask(v);
        __mmask64 up = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, from), span);
        __m512i low = _mm512_mask_add_epi8(v, up, v, bit);
        if (high == 0) {
            _mm512_storeu_si512((void *)(out + o), low);
            i += 64;
            o += 64;
            continue;
        }
        __m512i hit = _mm512_permutexvar_epi8(v, letters);
        struct pairs p = find_pairs(v, high, _mm512_test_epi8_mask(hit, hit));
        uint64_t done = p.n_bytes == 64 ? ~0ull : (1ull << p.n_bytes) - 1;
        uint64_t keep = done & ~p.lead;
        __m512i res = _mm512_mask_mov_epi8(low, p.lead << 1, hit);
        _mm512_storeu_si512((void *)(out + o), _mm512_maskz_compress_epi8(keep, res));
        i += p.n_bytes;
        o += (size_t)__builtin_popcountll(keep);
        /* A pair across the border of 64 is seen whole in the next round. */
        if (p.n_bytes < 63 || (p.n_bytes == 63 && t.ptr[i] != 0xC3)) {
            *out_used = i;
            return o;
        }
    }
    size_t tail = bulk_portable(kl_span_part(t, i, t.len), keep_case, out + o, cap - o);
    *out_used = i + tail;
    return o + tail;
}

__attribute__((target(TARGET_512))) static size_t suspect_avx512(struct kl_span t, size_t i)
{
    const __m512i first = _mm512_set1_epi8((char)0xC6);
    const __m512i latin1 = _mm512_set1_epi8((char)0xC2);

    while (t.len - i >= 256) {
        __m512i a = _mm512_loadu_si512((const void *)(t.ptr + i));
        __m512i b = _mm512_loadu_si512((const void *)(t.ptr + i + 64));
        __m512i c = _mm512_loadu_si512((const void *)(t.ptr + i + 128));
        __m512i d = _mm512_loadu_si512((const void *)(t.ptr + i + 192));
        __m512i all = _mm512_or_si512(_mm512_ternarylogic_epi64(a, b, c, 0xFE), d);
        if (_mm512_movepi8_mask(all) == 0) {
            i += 256;
            continue;
        }
        for (size_t end = i + 256; i < end; i += 64) {
            __m512i v = _mm512_loadu_si512((const void *)(t.ptr + i));
            uint64_t m = _mm512_cmpge_epu8_mask(v, first) | _mm512_cmpeq_epi8_mask(v, latin1);
            if (m != 0) {
                return i + (size_t)__builtin_ctzll(m);
            }
        }
    }
    return suspect_avx2(t, i);
}

static bool has_512(void)
{
    return kl_cpu_level_get() == KL_CPU_AVX512 && __builtin_cpu_supports("avx512vbmi2");
}

size_t kl_fold_bulk(struct kl_span text, bool keep_case, uint8_t *out, size_t cap, size_t *out_used)
{
    if (has_512()) {
        return bulk_avx512(text, keep_case, out, cap, out_used);
    }
    return bulk_pairs(kl_cpu_level_get() >= KL_CPU_AVX2 ? bulk_avx2 : bulk_portable, text,
                      keep_case, out, cap, out_used);
}

size_t kl_fold_suspect(struct kl_span text, size_t from)
{
    if (has_512()) {
        return suspect_avx512(text, from);
    }
    return kl_cpu_level_get() >= KL_CPU_AVX2 ? suspect_avx2(text, from)
                                             : suspect_portable(text, from);
}

#else

size_t kl_fold_bulk(struct kl_span text, bool keep_case, uint8_t *out, size_t cap, size_t *out_used)
{
    return bulk_pairs(bulk_portable, text, keep_case, out, cap, out_used);
}

size_t kl_fold_suspect(struct kl_span text, size_t from)
{
    return suspect_portable(text, from);
}

#endif
