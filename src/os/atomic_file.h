/*
 * A file that appears whole or not at all: written beside its place, fsynced, renamed, the
 * directory fsynced. Where the file system can (O_TMPFILE) it has no name until then, so
 * that a killed program leaves nothing behind.
 * Thread rule: one owner at a time.
 */
#ifndef KL_OS_ATOMIC_FILE_H
#define KL_OS_ATOMIC_FILE_H

#include "base/result.h"
#include "base/span.h"

#include <sys/types.h>

struct kl_atomic_file; /* opaque */

/**
 * Start to write what shall become `path`.
 * @param path  an existing regular file is replaced at the commit; anything else there
 *              (device, directory, symbolic link) is refused
 * @param mode  of the new file; umask applies
 * @param out_f free with kl_atomic_file_free
 */
KL_MUST enum kl_rc kl_atomic_file_new(const char *path, mode_t mode, struct kl_atomic_file **out_f,
                                      struct kl_err *err);

/** The descriptor to write and read; stays the file's. */
int kl_atomic_file_fd_get(const struct kl_atomic_file *f);

/** Write all of it at the current position; a full disk is said plainly in err. */
KL_MUST enum kl_rc kl_atomic_file_write(struct kl_atomic_file *f, struct kl_span data,
                                        struct kl_err *err);

/** Write all of it at offset `at`; the position stays. */
KL_MUST enum kl_rc kl_atomic_file_write_at(struct kl_atomic_file *f, uint64_t at,
                                           struct kl_span data, struct kl_err *err);

/**
 * Make it durable and give it its name. On failure the old file, if any, is still there,
 * except after a failed fsync of the directory: the new one is then in place but not proven
 * durable.
 */
KL_MUST enum kl_rc kl_atomic_file_commit(struct kl_atomic_file *f, struct kl_err *err);

/** Close; without a commit nothing remains. */
void kl_atomic_file_free(struct kl_atomic_file **f);

#endif
