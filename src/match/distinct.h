/*
 * How many different values: exact up to KL_DISTINCT_EXACT, then an estimate by adaptive sampling
 * (only hashes with `level` low zero bits are kept; standard error below 1 %).
 * Thread rule: one owner.
 */
#ifndef KL_MATCH_DISTINCT_H
#define KL_MATCH_DISTINCT_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KL_DISTINCT_EXACT 65536u

struct kl_distinct {
    uint64_t *slots; /* owned; 0 = free */
    size_t n_slots;  /* a power of two, at most 2 * KL_DISTINCT_EXACT */
    size_t n;
    unsigned level; /* 0: exact */
};

/** Add the hash of a value (the caller's hash is seeded). KL_E_NOMEM. */
KL_MUST enum kl_rc kl_distinct_add(struct kl_distinct *d, uint64_t hash);
/** Forget all values; small memory is kept. */
void kl_distinct_clear(struct kl_distinct *d);
void kl_distinct_done(struct kl_distinct *d);

static inline uint64_t kl_distinct_count(const struct kl_distinct *d)
{
    return (uint64_t)d->n << d->level;
}

static inline bool kl_distinct_is_exact(const struct kl_distinct *d)
{
    return d->level == 0;
}

#endif
