/*
 * The cage of a role that reads hostile bytes: what is left is to compute, to read
 * descriptors it was handed, and to talk on its channel.
 *
 *   rlimits   address space, 8 descriptors, no file growth, no core, no child, no locked memory
 *   caps      every capability dropped
 *   Landlock  no file system access at all; no TCP (ABI >= 4), no abstract sockets and no
 *             signals to others (ABI >= 6)
 *   seccomp   an allow-list; anything else kills the process
 *
 * A sanitizer build allows what its run time needs (write to stderr, mprotect, signals of
 * its own, no address space limit) and answers the rest with EPERM, so that a report can be
 * written. Thread rule: once, before the process has a second thread; there is no way out.
 */
#ifndef KL_OS_CAGE_H
#define KL_OS_CAGE_H

#include "base/result.h"

struct kl_cage_opts {
    uint64_t max_bytes; /* address space; 0: no limit */
    int channel_fd;     /* the only descriptor of sendmsg and recvmsg */
};

/* What holds, as bits. */
enum kl_cage_bits {
    KL_CAGE_NONE = 0,
    KL_CAGE_SECCOMP = 1,
    KL_CAGE_FILES = 2,   /* Landlock: file system */
    KL_CAGE_NET = 4,     /* Landlock: TCP */
    KL_CAGE_SCOPE = 8,   /* Landlock: abstract sockets and signals */
    KL_CAGE_RELAXED = 16 /* sanitizer build */
};

/* What a whole cage has on a kernel of Debian 12 (6.1) and later. */
#define KL_CAGE_WHOLE ((unsigned)KL_CAGE_SECCOMP | (unsigned)KL_CAGE_FILES)

/**
 * Enter it.
 * @param out_bits  kl_cage_bits that hold; less than KL_CAGE_WHOLE is worth an anomaly
 *                  (a kernel without Landlock: seccomp alone still refuses to open anything)
 * @return KL_E_IO when seccomp or a limit cannot be set: do not read a document then
 */
KL_MUST enum kl_rc kl_cage_enter(const struct kl_cage_opts *opts, unsigned *out_bits,
                                 struct kl_err *err);

#endif
