/*
 * A member of a container that can only be read from front to back: a short one is read whole,
 * a long one through a window that can be rewound. Charges, losses and lying sizes are said here,
 * so that each container does it the same way.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_MEMBER_H
#define KL_EXTRACT_MEMBER_H

#include "extract/emit.h"

#define KL_MEMBER_UNKNOWN UINT64_MAX

struct kl_member_ops {
    /** Begin at the first byte (again). KL_E_NOMEM, KL_E_IO; bad data is a loss, not an error. */
    enum kl_rc (*rewind)(void *ctx);
    /** Up to n bytes, fewer only in front of the end; 0: the end, or the rest is lost. */
    enum kl_rc (*read)(void *ctx, void *dst, size_t n, size_t *out_n);
    /** After 0 bytes: why the rest cannot be had; KL_REASON_NONE: it was the end. */
    enum kl_reason (*lost)(void *ctx);
    /** At the true end: say what is wrong with the whole (a checksum). */
    enum kl_rc (*check)(void *ctx);
};

struct kl_member {
    const struct kl_member_ops *ops;
    void *ctx;
    uint64_t claim_bytes;  /* its size as the container says; KL_MEMBER_UNKNOWN */
    const char *bad_code;  /* anomaly of data that cannot be unpacked: "zip.data" */
    const char *size_code; /* anomaly of a size that lied: "zip.size_lie" */
};

/**
 * Extract a member by its content, inside a level that the caller entered; nothing of it was
 * charged before.
 * @return KL_E_IO: the reader of the events went away; KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_member_extract(struct kl_emit *e, const struct kl_member *m);

/** How many bytes of a member may be held in memory: halved with each level below the third. */
size_t kl_member_whole_max(const struct kl_emit *e);

#endif
