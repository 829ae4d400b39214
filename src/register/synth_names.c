#include "register/synth_names.h"

#include "register/synth_words.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 32u
#define SET_SLOTS 32768u /* > 2 * KL_SYNTH_FAMILY */
#define TEXT_BYTES ((2u * KL_SYNTH_GIVEN + KL_SYNTH_FAMILY) * NAME_BYTES)

/* log2 of x >= 1, in 2^-32 steps. */
static uint64_t log2_q32(uint32_t x)
{
    unsigned n = 31u - (unsigned)__builtin_clz(x);
    uint64_t m = (uint64_t)x << (31 - n);
    uint64_t out = n;
    for (unsigned i = 0; i < 32; i++) {
        m = (m * m) >> 31;
        out <<= 1;
        if (m >= 1ull << 32) {
            m >>= 1;
            out |= 1;
        }
    }
    return out;
}

static uint64_t isqrt(uint64_t x)
{
    uint64_t r = 0;
    for (uint64_t bit = 1ull << 31; bit != 0; bit >>= 1) {
        if ((r | bit) * (r | bit) <= x) {
            r |= bit;
        }
    }
    return r;
}

void kl_synth_zipf(uint64_t *weights, uint32_t n, uint32_t exponent_milli)
{
    uint64_t step[32]; /* 2^-(2^-(k+1)) in 2^-32 steps: one factor for each bit of the fraction */
    step[0] = isqrt(1ull << 63);
    for (unsigned k = 1; k < 32; k++) {
        step[k] = isqrt(step[k - 1] << 32);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t y = log2_q32(i + 1) / 1000 * exponent_milli;
        uint64_t w = 1ull << 32;
        for (unsigned k = 0; k < 32; k++) {
            if ((y >> (31 - k) & 1) != 0) {
                w = (w >> 1) * step[k] >> 31;
            }
        }
        weights[i] = w >> (y >> 32);
    }
}

enum kl_rc kl_synth_alias_init(struct kl_synth_alias *a, const uint64_t *weights, uint32_t n)
{
    uint64_t sum = 0;
    uint64_t *left = calloc(n, sizeof *left);
    uint32_t *small = calloc(n, sizeof *small);
    uint32_t *large = calloc(n, sizeof *large);
    uint32_t n_small = 0;
    uint32_t n_large = 0;

    *a = (struct kl_synth_alias){n, calloc(n, sizeof *a->keep), calloc(n, sizeof *a->other)};
    if (left == NULL || small == NULL || large == NULL || a->keep == NULL || a->other == NULL) {
        free(left);
        free(small);
        free(large);
        kl_synth_alias_done(a);
        return KL_E_NOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        sum += weights[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        left[i] = weights[i] * n;
        if (left[i] < sum) {
            small[n_small++] = i;
        } else {
            large[n_large++] = i;
        }
    }
    while (n_small > 0 && n_large > 0) {
        uint32_t s = small[--n_small];
        uint32_t l = large[n_large - 1];
        a->keep[s] = (uint32_t)(((unsigned __int128)left[s] << 32) / sum);
        a->other[s] = l;
        left[l] -= sum - left[s];
        if (left[l] < sum) {
            n_large--;
            small[n_small++] = l;
        }
    }
    while (n_large > 0) {
        uint32_t l = large[--n_large];
        a->keep[l] = UINT32_MAX;
        a->other[l] = l;
    }
    while (n_small > 0) {
        uint32_t s = small[--n_small];
        a->keep[s] = UINT32_MAX;
        a->other[s] = s;
    }
    free(left);
    free(small);
    free(large);
    return KL_OK;
}

void kl_synth_alias_done(struct kl_synth_alias *a)
{
    free(a->keep);
    free(a->other);
    *a = (struct kl_synth_alias){0};
}

/* Names that a list holds already, compared without marks. */
struct name_set {
    char folded[SET_SLOTS][NAME_BYTES];
};

struct name_list {
    char *text;
    size_t *text_len;
    struct name_set *set;
    uint32_t *at;
    uint32_t n;
    uint32_t max;
};

static bool set_add(struct name_set *set, const char *name)
{
    char folded[NAME_BYTES] = {0};
    size_t n = 0;
    uint32_t h = 2166136261u;
    for (const unsigned char *p = (const unsigned char *)name; *p != 0 && n < NAME_BYTES - 1; p++) {
        unsigned char c = *p;
        if (c == 0xC3) {
            p++;
            c = *p == 0xA7 || *p == 0x87 ? 'c' : 'e';
        } else if (c >= 'A' && c <= 'Z') {
            c = (unsigned char)(c + 32);
        }
        folded[n++] = (char)c;
        h = (h ^ c) * 16777619u;
    }
    for (uint32_t i = h % SET_SLOTS;; i = (i + 1) % SET_SLOTS) {
        if (set->folded[i][0] == 0) {
            memcpy(set->folded[i], folded, NAME_BYTES);
            return true;
        }
        if (memcmp(set->folded[i], folded, NAME_BYTES) == 0) {
            return false;
        }
    }
}

static void list_add(struct name_list *l, const char *a, const char *b)
{
    char name[NAME_BYTES];
    size_t n_a = strlen(a);
    size_t n_b = strlen(b);
    if (l->n >= l->max || n_a + n_b >= NAME_BYTES) {
        return;
    }
    memcpy(name + n_a, b, n_b + 1);
    memcpy(name, a, n_a); /* NOLINT(bugprone-not-null-terminated-result): b ends it */
    if (!set_add(l->set, name)) {
        return;
    }
    l->at[l->n++] = (uint32_t)*l->text_len;
    memcpy(l->text + *l->text_len, name, n_a + n_b + 1);
    *l->text_len += n_a + n_b + 1;
}

static uint32_t words_count(const char *const *words)
{
    uint32_t n = 0;
    while (words[n] != NULL) {
        n++;
    }
    return n;
}

static void list_fill(struct name_list *l, const char *const *common, const char *const *stems,
                      const char *const *ends)
{
    uint32_t n_stems = words_count(stems);
    uint32_t n_ends = words_count(ends);
    uint32_t n = n_stems * n_ends;
    uint32_t step = 7919; /* a prime above every divisor of n: visits each pair once, mixed */

    memset(l->set, 0, sizeof *l->set);
    for (uint32_t i = 0; common[i] != NULL; i++) {
        list_add(l, common[i], "");
    }
    for (uint32_t i = 0, k = 0; i < n; i++, k = (k + step) % n) {
        list_add(l, stems[k % n_stems], ends[k / n_stems]);
    }
    /* Too few pairs: a middle syllable gives the rest. */
    for (uint32_t i = 0, k = 0; i < n && l->n < l->max; i++, k = (k + step) % n) {
        char stem[NAME_BYTES];
        size_t len = strlen(stems[k % n_stems]);
        memcpy(stem, stems[k % n_stems], len);
        memcpy(stem + len, "ar", 3);
        list_add(l, stem, ends[k / n_stems]);
    }
    assert(l->n == l->max);
}

enum kl_rc kl_synth_names_new(struct kl_synth_names **out_names)
{
    enum kl_rc rc = KL_E_NOMEM;
    size_t text_len = 0;
    struct kl_synth_names *names = calloc(1, sizeof *names);
    struct name_set *set = calloc(1, sizeof *set);
    uint64_t *weights = calloc(KL_SYNTH_FAMILY, sizeof *weights);

    if (names == NULL || set == NULL || weights == NULL) {
        goto out;
    }
    names->text = calloc(1, TEXT_BYTES);
    if (names->text == NULL) {
        goto out;
    }
    struct name_list l = {names->text, &text_len, set, names->male, 0, KL_SYNTH_GIVEN};
    list_fill(&l, kl_words_male, kl_words_given_stem, kl_words_male_end);
    l.at = names->female;
    l.n = 0;
    list_fill(&l, kl_words_female, kl_words_given_stem, kl_words_female_end);
    l.at = names->family;
    l.n = 0;
    l.max = KL_SYNTH_FAMILY;
    list_fill(&l, kl_words_family, kl_words_family_stem, kl_words_family_end);

    kl_synth_zipf(weights, KL_SYNTH_GIVEN, 900);
    rc = kl_synth_alias_init(&names->by_given, weights, KL_SYNTH_GIVEN);
    if (rc == KL_OK) {
        kl_synth_zipf(weights, KL_SYNTH_FAMILY, 800);
        rc = kl_synth_alias_init(&names->by_family, weights, KL_SYNTH_FAMILY);
    }
out:
    free(set);
    free(weights);
    if (rc != KL_OK) {
        kl_synth_names_free(&names);
        return rc;
    }
    *out_names = names;
    return KL_OK;
}

void kl_synth_names_free(struct kl_synth_names **names)
{
    if (*names == NULL) {
        return;
    }
    kl_synth_alias_done(&(*names)->by_given);
    kl_synth_alias_done(&(*names)->by_family);
    free((*names)->text);
    free(*names);
    *names = NULL;
}
