/*
 * A part of an input as an input.
 * Thread rule: as input.h.
 */
#ifndef KL_EXTRACT_RANGE_H
#define KL_EXTRACT_RANGE_H

#include "extract/input.h"

/* It must not be moved while `in` is used. */
struct kl_range {
    struct kl_input in;
    struct kl_source source;
    const struct kl_input *of;
    uint64_t from;
};

/** r->in as the bytes [from, to) of `of`, which is borrowed; clipped to what there is. */
void kl_range_init(struct kl_range *r, const struct kl_input *of, uint64_t from, uint64_t to);

#endif
