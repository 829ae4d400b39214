/*
 * The threads of a scan: one walks, N inspect, findings come out in the order of the walk.
 */
#ifndef KL_CMD_SCAN_RUN_H
#define KL_CMD_SCAN_RUN_H

#include "cmd/scan_out.h"
#include "inspect/inspect.h"

struct kl_scan_opts {
    const struct kl_inspect *ctx;
    const struct kl_policy *policy;
    char *const *paths; /* "-" is stdin */
    size_t n_paths;
    unsigned n_jobs; /* >= 1 */
    bool ocr;        /* read pictures, in a second round */
};

enum kl_scan_end {
    KL_SCAN_COMPLETE = 0,
    KL_SCAN_MISSING, /* complete but for a PATH that does not exist (told on stderr) */
    KL_SCAN_STOPPED, /* Ctrl-C */
    KL_SCAN_FAILED,  /* told on stderr */
};

/** Scan; findings go to `out` while it runs. */
enum kl_scan_end kl_scan_run(const struct kl_scan_opts *opts, struct kl_scan_out *out);

#endif
