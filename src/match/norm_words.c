#include "match/norm_words.h"

#include "base/cpu.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WORDS                                                                                      \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))
#define MAX_WORDS 8u
#define UNROLL _Pragma("GCC unroll 8")

/* A text in lower case, a space for each byte that is not of a word. */
struct folded {
    __m512i bytes;
    uint64_t words; /* bit i: byte i is a letter or a digit */
};

/* Letters in lower case and digits, by their code; a space for all else. */
static const _Alignas(64) char folded_ascii[129] =
    "                                                0123456789      "
    " abcdefghijklmnopqrstuvwxyz      abcdefghijklmnopqrstuvwxyz     ";

/* What every text needs; kept in registers, where the compiler would make them anew each time. */
struct constants {
    __m512i low_half;
    __m512i high_half;
    __m512i space;
    __m512i lead; /* of two bytes */
    __m512i e_behind;
    __m512i c_behind;
    __m512i e;
    __m512i c;
};

WORDS static inline void constants_get(struct constants *k)
{
    k->low_half = _mm512_load_si512(folded_ascii);
    k->high_half = _mm512_load_si512(folded_ascii + 64);
    k->space = _mm512_set1_epi8(' ');
    k->lead = _mm512_set1_epi8((char)0xC3);
    k->e_behind = _mm512_set1_epi8((char)0xAB);
    k->c_behind = _mm512_set1_epi8((char)0xA7);
    k->e = _mm512_set1_epi8('e');
    k->c = _mm512_set1_epi8('c');
    __asm__("" : "+v"(k->space), "+v"(k->lead), "+v"(k->e_behind), "+v"(k->c_behind));
    __asm__("" : "+v"(k->e), "+v"(k->c));
}

/* No branch on what is in a text: in names nobody can tell beforehand whether there is an ë.
 * @return false when there is something else than ASCII, ë and ç */
WORDS static inline bool fold(const struct constants *k, struct kl_span text, struct folded *out)
{
    uint64_t in = _bzhi_u64(~0ull, (unsigned)text.len);
    __m512i raw = _mm512_maskz_loadu_epi8(in, text.ptr);
    __m512i v = _mm512_permutex2var_epi8(k->low_half, raw, k->high_half);
    __m512i small = _mm512_or_si512(raw, k->space); /* the bit that makes Ë to ë */
    uint64_t high = (uint64_t)_mm512_movepi8_mask(raw);
    uint64_t lead = _mm512_cmpeq_epi8_mask(raw, k->lead);
    uint64_t e = _mm512_cmpeq_epi8_mask(small, k->e_behind);
    uint64_t c = _mm512_cmpeq_epi8_mask(small, k->c_behind);

    v = _mm512_mask_mov_epi8(v, e, k->e);
    v = _mm512_mask_mov_epi8(v, c, k->c);
    out->bytes = _mm512_mask_compress_epi8(k->space, ~lead, v);
    out->words = _mm512_cmpneq_epi8_mask(out->bytes, k->space);
    return high == (lead | lead << 1) && (e | c) == lead << 1 && lead >> 63 == 0;
}

/* Up to eight words as they stand in the text, one in each lane; a lane without one is behind all.
 */
struct lanes {
    __m512i head; /* the first 8 bytes: compare as the words do */
    __m512i at;
    __m512i size; /* with the space behind it; 0: no word */
    __mmask8 used;
};

WORDS static inline void cut(__m512i bytes, uint64_t words, struct lanes *out)
{
    const __m512i iota = _mm512_set_epi64(
        0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
        0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    const __m512i first_byte = _mm512_set_epi64(0x0808080808080808, 0, 0x0808080808080808, 0,
                                                0x0808080808080808, 0, 0x0808080808080808, 0);
    const __m512i reversed = _mm512_set1_epi64(0x0001020304050607);
    uint64_t starts = words & ~(words << 1);
    uint64_t ends = ~words & words << 1;
    __m512i at = _mm512_maskz_compress_epi8(starts, iota);
    __m512i end = _mm512_maskz_compress_epi8(ends, iota);

    out->at = _mm512_cvtepu8_epi64(_mm512_castsi512_si128(at));
    __m512i len = _mm512_sub_epi64(_mm512_cvtepu8_epi64(_mm512_castsi512_si128(end)), out->at);
    __m512i which = _mm512_add_epi8(_mm512_shuffle_epi8(out->at, first_byte), reversed);
    uint64_t in = _mm512_cmplt_epu8_mask(reversed, _mm512_shuffle_epi8(len, first_byte));
    out->used = _mm512_test_epi64_mask(len, len);
    out->head = _mm512_mask_mov_epi64(_mm512_set1_epi64(-1), out->used,
                                      _mm512_maskz_permutexvar_epi8(in, which, bytes));
    out->size = _mm512_mask_add_epi64(len, out->used, len, _mm512_set1_epi64(1));
}

/*
 * Their order: the place of each is how many come before it. Each is compared with the seven others
 * at once, by turning the lanes: no branch depends on the words.
 * @return false when two begin alike
 */
WORDS static inline bool rank(const struct lanes *w, __m512i *out_rank)
{
    __m512i rank = _mm512_setzero_si512();
    const __m512i one = _mm512_set1_epi64(1);
    unsigned same = 0;

#define TURN(n)                                                                                    \
    do {                                                                                           \
        __m512i other = _mm512_alignr_epi64(w->head, w->head, n);                                  \
        __mmask8 before = _mm512_cmplt_epu64_mask(other, w->head);                                 \
        rank = _mm512_mask_add_epi64(rank, before, rank, one);                                     \
        same |= (n) <= 4 ? _mm512_cmpeq_epu64_mask(other, w->head) : 0u;                           \
    } while (0)
    TURN(1);
    TURN(2);
    TURN(3);
    TURN(4);
    TURN(5);
    TURN(6);
    TURN(7);
#undef TURN
    *out_rank = rank;
    return (same & w->used) == 0;
}

/*
 * The form of several words. Eight are copied, whether there are or not: how many nobody can tell
 * beforehand.
 * @param buf  the text, stored before, so that no load waits for it; 16 bytes behind it are
 * readable
 */
WORDS static inline size_t sorted(const uint8_t *buf, uint64_t words,
                                  uint8_t dst[static KL_WORDS_ROOM])
{
    __attribute__((uninitialized)) struct lanes w;
    __attribute__((uninitialized)) __m512i place;
    __attribute__((uninitialized)) _Alignas(64) uint64_t to[MAX_WORDS];
    __attribute__((uninitialized)) _Alignas(64)
        uint64_t word[MAX_WORDS];           /* where it stands, and from bit 32 its size */
    uint64_t in_order[MAX_WORDS + 1] = {0}; /* the last is for lanes without a word */
    size_t n = 0;

    cut(_mm512_loadu_si512(buf), words, &w);
    if (!rank(&w, &place) || _mm512_cmpgt_epu64_mask(w.size, _mm512_set1_epi64(16)) != 0) {
        return SIZE_MAX;
    }
    _mm512_store_si512(to, _mm512_mask_mov_epi64(_mm512_set1_epi64(MAX_WORDS), w.used, place));
    _mm512_store_si512(word, _mm512_or_si512(w.at, _mm512_slli_epi64(w.size, 32)));
    UNROLL
    for (unsigned i = 0; i < MAX_WORDS; i++) {
        in_order[to[i]] = word[i];
    }
    UNROLL
    for (unsigned k = 0; k < MAX_WORDS; k++) {
        memcpy(dst + n, buf + (uint32_t)in_order[k], 16);
        n += in_order[k] >> 32;
    }
    _mm256_storeu_si256((__m256i *)(void *)(dst + n - 1), _mm256_setzero_si256());
    return n - 1;
}

/* The text of several words, and room behind it: words are copied by 16. */
struct several {
    uint8_t bytes[64 + 16];
    uint64_t words;
};

WORDS static inline void keep(const struct folded *f, struct several *out)
{
    _mm512_storeu_si512(out->bytes, f->bytes);
    _mm_storeu_si128((__m128i *)(void *)(out->bytes + 64), _mm_set1_epi8(' '));
    out->words = f->words;
}

/* The form of a text of at most one word, as most are. */
WORDS static inline __m512i single(const struct folded *f)
{
    if ((f->words & 1) != 0) {
        return _mm512_maskz_mov_epi8(f->words, f->bytes);
    }
    return _mm512_maskz_compress_epi8(f->words, f->bytes);
}

static inline bool has_several(uint64_t words)
{
    uint64_t first = words & -words;

    return (words & (words + first)) != 0;
}

WORDS static inline bool too_many(uint64_t words)
{
    return __builtin_popcountll(words & ~(words << 1)) > (int)MAX_WORDS || words >> 63 != 0;
}

WORDS static size_t quick_avx512(struct kl_span text, uint8_t dst[static KL_WORDS_ROOM])
{
    __attribute__((uninitialized)) struct constants k;
    __attribute__((uninitialized)) struct folded f;
    __attribute__((uninitialized)) struct several s;

    constants_get(&k);
    if (!fold(&k, text, &f)) {
        return SIZE_MAX;
    }
    if (!has_several(f.words)) {
        _mm512_storeu_si512(dst, single(&f));
        return (size_t)__builtin_popcountll(f.words);
    }
    if (too_many(f.words)) {
        return SIZE_MAX;
    }
    keep(&f, &s);
    return sorted(s.bytes, s.words, dst);
}

size_t kl_words_quick(struct kl_span text, uint8_t dst[static KL_WORDS_ROOM])
{
    if (text.len > 64 || !kl_cpu_has_vbmi2()) {
        return SIZE_MAX;
    }
    return quick_avx512(text, dst);
}

/* The texts of one word at once, so that one kind of work follows the other; of several: later. */
WORDS static size_t batch_singles(struct kl_words_batch *b, struct several *s, uint8_t *of)
{
    __attribute__((uninitialized)) struct constants k;
    size_t n = 0;

    constants_get(&k);
    for (size_t i = 0; i < b->n; i++) {
        __attribute__((uninitialized)) struct folded f;
        b->len[i] = SIZE_MAX;
        if (b->text[i].len > 64 || !fold(&k, b->text[i], &f)) {
            continue;
        }
        if (has_several(f.words)) {
            keep(&f, &s[n]);
            of[n++] = (uint8_t)i;
            continue;
        }
        __m512i form = single(&f);
        b->len[i] = (size_t)__builtin_popcountll(f.words);
        _mm256_storeu_si256((__m256i *)(void *)b->cell[i], _mm512_castsi512_si256(form));
        if (b->len[i] > 31) {
            _mm512_storeu_si512(b->form[i], form);
        }
    }
    return n;
}

WORDS static void batch_avx512(struct kl_words_batch *b)
{
    __attribute__((uninitialized)) struct several s[KL_WORDS_BATCH];
    __attribute__((uninitialized)) uint8_t of[KL_WORDS_BATCH];
    size_t n = batch_singles(b, s, of);

    for (size_t k = 0; k < n; k++) {
        b->len[of[k]] =
            too_many(s[k].words) ? SIZE_MAX : sorted(s[k].bytes, s[k].words, b->form[of[k]]);
    }
    for (size_t k = 0; k < n; k++) { /* not at once: loads would wait for the stores */
        memcpy(b->cell[of[k]], b->form[of[k]], 32);
    }
}

bool kl_words_batch(struct kl_words_batch *b)
{
    if (!kl_cpu_has_vbmi2()) {
        return false;
    }
    batch_avx512(b);
    return true;
}

#else

size_t kl_words_quick(struct kl_span text, uint8_t dst[static KL_WORDS_ROOM])
{
    (void)text;
    (void)dst;
    return SIZE_MAX;
}

bool kl_words_batch(struct kl_words_batch *b)
{
    (void)b;
    return false;
}

#endif
