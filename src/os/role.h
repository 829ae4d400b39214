/*
 * Roles: this program started again, with one channel and nothing else.
 *
 * The child is a fresh exec, so its address layout is its own and no memory of the parent
 * is in it. It gets fd 3 (the channel), /dev/null as 0 to 2 (a sanitizer build keeps
 * stderr), no other descriptor, and an environment of KULLA_CPU and the sanitizers' options only.
 * Thread rule: the child is killed when the *thread* that started it ends.
 */
#ifndef KL_OS_ROLE_H
#define KL_OS_ROLE_H

#include "base/result.h"

#include <stdbool.h>
#include <sys/types.h>

#define KL_ROLE_CHANNEL_FD 3

struct kl_role {
    pid_t pid;      /* 0: none */
    int pid_fd;     /* the same process, also when a foreign wait() has reaped it; -1: none */
    int channel_fd; /* our end; -1: none */
};

/**
 * Start a role: argv is {"kulla", "--role", role}.
 * @param program  path of the program; NULL: this one (/proc/self/exe)
 * @param out_r    end with kl_role_end
 */
KL_MUST enum kl_rc kl_role_start(const char *program, const char *role, struct kl_role *out_r,
                                 struct kl_err *err);

/**
 * Kill and reap the role, close the channel. A role that has died already keeps its status.
 * @return status as of waitpid; 0 when there was none, or when it was reaped by someone else
 */
int kl_role_end(struct kl_role *r);

/**
 * First call of the child: die with the parent, no dumps, no new privileges, all but 0 to 3 closed.
 * @return KL_E_FORMAT when fd 3 is no channel (started by hand)
 */
KL_MUST enum kl_rc kl_role_begin(struct kl_err *err);

#endif
