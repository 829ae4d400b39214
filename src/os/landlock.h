/*
 * What of the file system and the network a process keeps, by Landlock.
 * Thread rule: once, before the process has a second thread; there is no way back.
 */
#ifndef KL_OS_LANDLOCK_H
#define KL_OS_LANDLOCK_H

#include "base/result.h"

enum kl_landlock_use {
    KL_LANDLOCK_READ = 1,    /* files and folders below: read and look */
    KL_LANDLOCK_EXECUTE = 2, /* programs below: run */
    KL_LANDLOCK_WRITE = 4,   /* everything below: make, write, remove */
};

struct kl_landlock_path {
    int fd;           /* of the file or folder; -1: open `path` */
    const char *path; /* one that does not exist is left out */
    unsigned use;     /* kl_landlock_use bits */
};

/**
 * Keep these paths and nothing else; no TCP (ABI >= 4), no abstract sockets and no signals to
 * others (ABI >= 6). Needs no_new_privs.
 * @param out_bits  KL_CAGE_FILES, KL_CAGE_NET, KL_CAGE_SCOPE as far as the kernel has them
 * @return KL_OK also when the kernel has no Landlock; KL_E_IO: it is there and refused (errno)
 */
KL_MUST enum kl_rc kl_landlock_keep(const struct kl_landlock_path *paths, size_t n,
                                    unsigned *out_bits);

#endif
