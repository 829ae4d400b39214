/*
 * Where the findings of a scan go: text, JSON lines or SARIF, the baseline, the totals.
 * Thread rule: one caller at a time.
 */
#ifndef KL_CMD_SCAN_OUT_H
#define KL_CMD_SCAN_OUT_H

#include "finding/baseline.h"
#include "finding/write.h"

#include <stdio.h>

enum kl_scan_format {
    KL_SCAN_TEXT = 0,
    KL_SCAN_JSON,
    KL_SCAN_SARIF,
};

struct kl_scan_out_opts {
    enum kl_scan_format format;
    bool all;                           /* also what passes */
    const char *out_path;               /* NULL: stdout */
    const char *write_baseline;         /* NULL: none */
    const struct kl_baseline *baseline; /* NULL: none; borrowed */
    enum kl_verdict fail_on;
};

struct kl_scan_totals {
    uint64_t n_documents;
    uint64_t n_ignored;                        /* by the policy */
    uint64_t n_known;                          /* in the baseline */
    uint64_t n_verdicts[KL_VERDICT_BLOCK + 1]; /* without the known ones */
    uint64_t n_failing;                        /* at or above fail_on, without the known ones */
    uint64_t n_gaps; /* documents not wholly inspected, without the known ones and what the policy
                        passes */
    uint64_t seen;
    uint64_t not_inspected;
};

struct kl_scan_out; /* opaque */

/** Opens the outputs. Messages go to stderr. @return NULL when that failed */
struct kl_scan_out *kl_scan_out_new(const struct kl_scan_out_opts *opts);

/** One finding; sets f->in_baseline. @return false when it could not be written (told on stderr) */
bool kl_scan_out_add(struct kl_scan_out *o, struct kl_finding *f);

/**
 * A finding whose pictures are still to be read: JSON and text tell it at once, nothing is counted.
 * The final one of the same id, or kl_scan_out_count, follows.
 */
bool kl_scan_out_early(struct kl_scan_out *o, struct kl_finding *f);
/** Count a finding that kl_scan_out_early told and no later one replaces. */
void kl_scan_out_count(struct kl_scan_out *o, struct kl_finding *f);

/** A path that the policy ignores. */
void kl_scan_out_ignore(struct kl_scan_out *o);

const struct kl_scan_totals *kl_scan_out_totals(const struct kl_scan_out *o);

/**
 * Totals, ends of documents, the baseline file (only of a complete scan); frees.
 * @return false when something could not be written
 */
bool kl_scan_out_end(struct kl_scan_out **o, bool complete, double seconds,
                     struct kl_scan_totals *out_totals);

#endif
