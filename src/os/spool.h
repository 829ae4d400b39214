/*
 * A pipe made seekable: copied to memory, and past opts.mem_bytes to an unlinked file.
 * Thread rule: none; each call is its own.
 */
#ifndef KL_OS_SPOOL_H
#define KL_OS_SPOOL_H

#include "base/result.h"

#include <stdbool.h>

struct kl_spool_opts {
    uint64_t max_bytes; /* copied at most; inclusive */
    uint64_t mem_bytes; /* held in memory at most */
    const char *dir;    /* where the file goes; NULL: $TMPDIR, else /var/tmp */
};

struct kl_spool {
    int fd; /* read-only; the caller closes it */
    uint64_t len_bytes;
    bool cut; /* the pipe had more than max_bytes, or Ctrl-C came: the rest was not read */
};

/**
 * Copy all of in_fd (from where it stands).
 * A regular file that stands at its start is not copied: the result is a second descriptor of it.
 */
KL_MUST enum kl_rc kl_spool_fd(int in_fd, const struct kl_spool_opts *opts, struct kl_spool *out_s,
                               struct kl_err *err);

#endif
