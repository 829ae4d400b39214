/*
 * Text that a reader makes piece by piece, read as a member by its content.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_PULL_H
#define KL_EXTRACT_PULL_H

#include "extract/emit.h"

struct kl_pull {
    void *ctx;
    /* Begin at the first byte (again). */
    void (*begin)(void *ctx);
    /* Set `out` to the next piece (it may be empty); false: there is none. */
    bool (*more)(void *ctx);
    struct kl_span out;     /* borrowed until the next call of `more` */
    enum kl_reason lost;    /* set by `more`: why the rest cannot be had */
    const char *bad_code;   /* anomaly of data that cannot be read: "doc.pieces" */
    uint64_t claim_bytes;   /* KL_MEMBER_UNKNOWN, or how long it says to be */
    const char *claim_code; /* anomaly of a size that lied */
};

/** Inside a level that the caller entered. Charges, losses and long texts: see member.h. */
KL_MUST enum kl_rc kl_pull_extract(struct kl_emit *e, struct kl_pull *p);

/**
 * The same at a level of its own, of which `raw_bytes` of the level above stand for.
 * Past the deepest level they are not inspected.
 */
KL_MUST enum kl_rc kl_pull_extract_at(struct kl_emit *e, struct kl_pull *p, struct kl_span name,
                                      uint64_t raw_bytes);

#endif
