/*
 * Sorting inside the cage: qsort of the C library asks the system how much memory there is, which
 * the cage answers with a kill.
 * Thread rule: pure.
 */
#ifndef KL_EXTRACT_PAIRSORT_H
#define KL_EXTRACT_PAIRSORT_H

#include <stddef.h>
#include <stdint.h>

struct kl_pair {
    uint64_t key;
    uint64_t value;
};

/** Ascending by key, pairs of one key in any order; in place, n log n on any input. */
void kl_pairsort(struct kl_pair *p, size_t n);

#endif
