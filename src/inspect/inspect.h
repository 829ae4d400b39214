/*
 * One document in, one finding out: extract's events, match's evidence, the policy's verdict.
 *
 * struct kl_inspect holds what all threads share (opened indexes, policy, packs); struct
 * kl_inspector is one thread's own (an extract worker, match scratch). Source: docs/ARCHITECTURE,
 * "How a document flows".
 */
#ifndef KL_INSPECT_INSPECT_H
#define KL_INSPECT_INSPECT_H

#include "base/result.h"
#include "extract/password.h"
#include "finding/finding.h"
#include "inspect/policy.h"
#include "kulla/inspect.h"

#include <stdatomic.h>

struct kl_inspect_opts {
    const struct kl_inspect_index *indexes; /* borrowed for the call */
    size_t n_indexes;                       /* <= KL_MAX_INDEXES; 0: identifiers or nothing */
    const char *packs;                      /* "al,xk": pattern mode for these; NULL or "": off */
    const struct kl_policy *policy;         /* borrowed; outlives the kl_inspect */
    const char *program;                    /* binary of the extract role; NULL: /proc/self/exe */
    const struct kl_passwords *passwords;   /* tried on what is locked; NULL: none; borrowed */
};

struct kl_inspect; /* opaque; immutable once made, shared by all threads */

/**
 * Open the indexes and load the packs.
 * @return KL_E_KEY for a wrong key, KL_E_FORMAT for an index that is truncated, altered or older
 * (err->what names the remedy; *out_failed the index), KL_E_IO, KL_E_NOMEM
 * @param out_failed  number of the index that failed, or n_indexes for the rest; may be NULL
 */
KL_MUST enum kl_rc kl_inspect_new(const struct kl_inspect_opts *opts, struct kl_inspect **out_ctx,
                                  size_t *out_failed, struct kl_err *err);
/** After the last inspector is freed. */
void kl_inspect_free(struct kl_inspect **ctx);

/* Shared between the threads of a scan and whoever shows its progress or stops it. */
struct kl_inspect_live {
    atomic_bool cancel;           /* set: documents under way end as soon as they can, partial */
    atomic_uint_fast64_t n_bytes; /* bytes of documents done with, for the progress line */
};

/* What becomes of pictures, the slow lane. */
enum kl_ocr {
    KL_OCR_OFF = 0, /* not inspected (format) */
    KL_OCR_LATER,   /* not inspected (pending), counted in kl_finding.n_pending */
    KL_OCR_NOW,
};

struct kl_inspector; /* opaque; one thread's */

/**
 * @param live  may be NULL; borrowed, outlives the inspector. The inspector adds to n_bytes as the
 * worker goes through a document; after kl_inspector_file it has grown by out->seen.
 */
KL_MUST enum kl_rc kl_inspector_new(const struct kl_inspect *ctx, struct kl_inspect_live *live,
                                    struct kl_inspector **out_i, struct kl_err *err);
void kl_inspector_free(struct kl_inspector **i);

/**
 * Inspect one document and decide.
 *
 * @param fd    open for reading: a regular file or a memfd; stays the caller's
 * @param path  as to be shown; any bytes; copied
 * @param ocr   whether pictures are read
 * @param out   uninitialised; on KL_OK the caller owns it (kl_finding_done). Bad input, a lost
 * worker and a cancel are findings (anomalies, gaps, `partial`), not failures; the verdict and rule
 * are set by kl_policy_decide.
 * @return KL_E_NOMEM, KL_E_IO when no worker can be started; *out is then empty
 */
KL_MUST enum kl_rc kl_inspector_file(struct kl_inspector *i, int fd, uint64_t len_bytes,
                                     const char *path, enum kl_ocr ocr, struct kl_finding *out,
                                     struct kl_err *err);

#endif
