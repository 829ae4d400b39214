/*
 * All files below a path, depth first, in the order of their names' bytes.
 *
 * Links are not followed, FIFOs, sockets and devices are not opened. Memory is bounded
 * whatever a directory holds: names are kept in a fixed budget; a directory with more is
 * read again from where the last batch ended. A directory that changes meanwhile may show
 * its new names or not.
 * Thread rule: one walk, one thread.
 */
#ifndef KL_OS_WALK_H
#define KL_OS_WALK_H

#include "base/result.h"
#include "base/span.h"

#include <sys/stat.h>

#define KL_WALK_MAX_DEPTH 256u /* directories in directories; LIMIT */
#define KL_WALK_NAMES_BYTES                                                                        \
    8388608u /* names of one directory held at a time, all levels' sum below 2x this + 8 MiB */

enum kl_walk_kind {
    KL_WALK_NONE = 0,
    KL_WALK_FILE,       /* a regular file, open */
    KL_WALK_LINK,       /* a symbolic link, not followed */
    KL_WALK_SPECIAL,    /* FIFO, socket, device; also a directory that holds itself */
    KL_WALK_UNREADABLE, /* sys_errno says why; file or directory */
    KL_WALK_LIMIT,      /* a directory below KL_WALK_MAX_DEPTH */
};

struct kl_walk_entry {
    enum kl_walk_kind kind;
    int fd;              /* FILE: read-only; closed after the call unless the callee sets -1 */
    int sys_errno;       /* UNREADABLE */
    struct kl_span path; /* any bytes but NUL; borrowed for the call; a '\0' follows it */
    struct stat st;      /* zero when it could not be had */
};

/** KL_OK: go on. Anything else ends the walk and is what kl_walk returns. */
typedef enum kl_rc kl_walk_fn(void *ctx, struct kl_walk_entry *entry);

struct kl_walk_opts {
    bool follow_root;   /* the given path itself may be a symbolic link */
    size_t names_bytes; /* 0: KL_WALK_NAMES_BYTES; tests make it small */
};

/**
 * Walk `path` (a file or a directory).
 * What is met and not readable is an entry, not an error, the path itself included.
 * @return KL_OK, KL_E_NOMEM, or what `fn` returned
 */
KL_MUST enum kl_rc kl_walk(const char *path, const struct kl_walk_opts *opts, kl_walk_fn *fn,
                           void *ctx, struct kl_err *err);

#endif
