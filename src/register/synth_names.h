/*
 * Names of the synthetic nation and how often each is borne.
 *
 * 1,500 male and 1,500 female given names (Zipf 0.9), 10,000 family names (Zipf 0.8): the
 * distribution of facts/trace-index-crypto.md A.5. No two names of a list are equal once
 * marks and case are folded. The lists do not depend on the seed: every nation is drawn from the
 * same ones. Thread rule: read-only once built.
 */
#ifndef KL_REGISTER_SYNTH_NAMES_H
#define KL_REGISTER_SYNTH_NAMES_H

#include "base/result.h"
#include "register/synth_rng.h"

#include <stddef.h>

#define KL_SYNTH_GIVEN 1500u
#define KL_SYNTH_FAMILY 10000u

/* Draws i with probability weight[i] / sum in O(1) (Walker's alias method, integers only). */
struct kl_synth_alias {
    uint32_t n;
    uint32_t *keep; /* stay in this slot below keep / 2^32 */
    uint32_t *other;
};

struct kl_synth_names {
    char *text;                    /* all names, NUL-terminated */
    uint32_t male[KL_SYNTH_GIVEN]; /* offsets into text, commonest first */
    uint32_t female[KL_SYNTH_GIVEN];
    uint32_t family[KL_SYNTH_FAMILY];
    struct kl_synth_alias by_given;
    struct kl_synth_alias by_family;
};

/** Build a table for weights[n] (each < 2^44, n < 2^16, sum > 0); caller frees with _done. */
KL_MUST enum kl_rc kl_synth_alias_init(struct kl_synth_alias *a, const uint64_t *weights,
                                       uint32_t n);
void kl_synth_alias_done(struct kl_synth_alias *a);

static inline uint32_t kl_synth_alias_draw(const struct kl_synth_alias *a, struct kl_synth_rng *r)
{
    uint64_t x = kl_synth_u64(r);
    uint32_t i = (uint32_t)(((x >> 32) * a->n) >> 32);
    return (uint32_t)x < a->keep[i] ? i : a->other[i];
}

/** weights[i] = 2^32 * (i + 1)^-(exponent_milli / 1000), by integer arithmetic. */
void kl_synth_zipf(uint64_t *weights, uint32_t n, uint32_t exponent_milli);

/** Build the lists; caller frees with kl_synth_names_free. */
KL_MUST enum kl_rc kl_synth_names_new(struct kl_synth_names **out_names);
void kl_synth_names_free(struct kl_synth_names **names);

/** A given name: ids below KL_SYNTH_GIVEN are male, the next KL_SYNTH_GIVEN female; borrowed. */
static inline const char *kl_synth_given_get(const struct kl_synth_names *names, uint32_t id)
{
    return names->text +
           (id < KL_SYNTH_GIVEN ? names->male[id] : names->female[id - KL_SYNTH_GIVEN]);
}

static inline const char *kl_synth_family_get(const struct kl_synth_names *names, uint32_t id)
{
    return names->text + names->family[id];
}

#endif
