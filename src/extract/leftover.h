/*
 * What no structure of a file reached: byte ranges, collected in any order and seen at last
 * through the views of binary.h. Past its ceiling the whole file is seen that way: nothing is lost.
 * Thread rule: one owner.
 */
#ifndef KL_EXTRACT_LEFTOVER_H
#define KL_EXTRACT_LEFTOVER_H

#include "base/buf.h"
#include "extract/emit.h"
#include "extract/input.h"

#define KL_LEFTOVER_RANGES 1048576u

struct kl_leftover {
    struct kl_buf ranges; /* owned */
    bool is_all;
};

void kl_leftover_init(struct kl_leftover *l);
void kl_leftover_done(struct kl_leftover *l);

/** Bytes [from, to) of the input were not reached. KL_E_NOMEM */
KL_MUST enum kl_rc kl_leftover_add(struct kl_leftover *l, uint64_t from, uint64_t to);
/** The same for bytes at hand that stand at `from`; nothing when they are all alike (unused). */
KL_MUST enum kl_rc kl_leftover_add_bytes(struct kl_leftover *l, uint64_t from,
                                         struct kl_span bytes);

/** The views, at a level `name`; nothing when nothing was added. */
KL_MUST enum kl_rc kl_leftover_extract(struct kl_leftover *l, struct kl_emit *e,
                                       const struct kl_input *in, const char *name);

#endif
