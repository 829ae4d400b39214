#include "os/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/channel.h"
#include "os/sanitizer.h"

static const char *const KEPT[] = {"KULLA_CPU=",    "ASAN_OPTIONS=", "UBSAN_OPTIONS=",
                                   "LSAN_OPTIONS=", "MSAN_OPTIONS=", "TSAN_OPTIONS="};
#define N_KEPT (sizeof KEPT / sizeof KEPT[0])

static void keep_env(char *out_env[N_KEPT + 1])
{
    size_t n = 0;

    for (char **e = environ; e != NULL && *e != NULL; e++) {
        for (size_t i = 0; i < N_KEPT && n < N_KEPT; i++) {
            if (strncmp(*e, KEPT[i], strlen(KEPT[i])) == 0) {
                out_env[n++] = *e;
            }
        }
    }
    out_env[n] = NULL;
}

/* 0 to 2 on /dev/null, the channel on 3, the rest closed. */
static int plan_files(posix_spawn_file_actions_t *fa, int child_fd)
{
    int rc = posix_spawn_file_actions_adddup2(fa, child_fd, KL_ROLE_CHANNEL_FD);

    for (int fd = 0; fd < 3 && rc == 0; fd++) {
        if (fd != STDERR_FILENO || !KL_SANITIZER) {
            rc = posix_spawn_file_actions_addopen(fa, fd, "/dev/null", O_RDWR, 0);
        }
    }
    return rc != 0 ? rc : posix_spawn_file_actions_addclosefrom_np(fa, KL_ROLE_CHANNEL_FD + 1);
}

/* Its own process group, so that Ctrl-C reaches only us; all signals as new. */
static int plan_signals(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0) {
        rc = posix_spawnattr_setsigdefault(attr, &all);
    }
    if (rc == 0) {
        rc = posix_spawnattr_setpgroup(attr, 0);
    }
    return rc != 0 ? rc
                   : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                        POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const char *program, const char *role, int child_fd, pid_t *out_pid)
{
    /* posix_spawn writes to none of these; its type is older than const. */
    char *argv[] = {(char *)(uintptr_t) "kulla", (char *)(uintptr_t) "--role",
                    (char *)(uintptr_t)role, NULL};
    char *env[N_KEPT + 1];
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;

    keep_env(env);
    int rc = posix_spawn_file_actions_init(&fa);
    if (rc != 0) {
        return rc;
    }
    rc = posix_spawnattr_init(&attr);
    if (rc != 0) {
        (void)posix_spawn_file_actions_destroy(&fa);
        return rc;
    }
    rc = plan_files(&fa, child_fd);
    if (rc == 0) {
        rc = plan_signals(&attr);
    }
    if (rc == 0) {
        rc = posix_spawn(out_pid, program != NULL ? program : "/proc/self/exe", &fa, &attr, argv,
                         env);
    }
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&fa);
    return rc;
}

/* A descriptor that is none of 0 to 2: who started us with those closed may still write to them. */
static int above_stdio(int fd)
{
    if (fd > STDERR_FILENO || fd < 0) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(fd);
    return moved;
}

static void close_both(int a, int b)
{
    int saved = errno;

    if (a >= 0) {
        (void)close(a);
    }
    if (b >= 0) {
        (void)close(b);
    }
    errno = saved;
}

enum kl_rc kl_role_start(const char *program, const char *role, struct kl_role *out_r,
                         struct kl_err *err)
{
    int fds[2] = {-1, -1};
    pid_t pid = 0;

    KL_TRY(kl_channel_pair(fds, err));
    /* dup2 onto itself would keep close-on-exec, and a low number would be overwritten by
     * /dev/null. */
    int child_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, KL_ROLE_CHANNEL_FD + 1);
    (void)close(fds[1]);
    int our_fd = above_stdio(fds[0]);
    if (child_fd < 0 || our_fd < 0) {
        enum kl_rc rc =
            kl_fail_errno(err, "no channel for a worker; raise the limit of open files");
        close_both(child_fd, our_fd);
        return rc;
    }
    errno = spawn(program, role, child_fd, &pid);
    int spawn_errno = errno;
    (void)close(child_fd);
    if (spawn_errno != 0) {
        (void)close(our_fd);
        errno = spawn_errno;
        return kl_fail_errno(err, program != NULL
                                      ? "the worker program could not be started; check its path"
                                      : "a worker could not be started; is /proc mounted");
    }
    *out_r = (struct kl_role){pid, above_stdio(pidfd_open(pid, 0)), our_fd};
    return KL_OK;
}

/**
 * Kill and reap by descriptor: a number may be another process's by now when the program we live in
 * waits for all children.
 */
static int end_by_fd(int pid_fd)
{
    siginfo_t info = {.si_code = 0};

    (void)pidfd_send_signal(pid_fd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED) != 0) {
        if (errno != EINTR) {
            return 0;
        }
    }
    return info.si_code == CLD_EXITED   ? W_EXITCODE(info.si_status, 0)
           : info.si_code == CLD_DUMPED ? info.si_status | WCOREFLAG
                                        : info.si_status;
}

static int end_by_number(pid_t pid)
{
    int status = 0;

    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

int kl_role_end(struct kl_role *r)
{
    int status = 0;

    if (r->pid > 0 && r->pid_fd >= 0) {
        status = end_by_fd(r->pid_fd);
        (void)close(r->pid_fd);
    } else if (r->pid > 0) {
        status = end_by_number(r->pid);
    }
    r->pid = 0;
    r->pid_fd = -1;
    if (r->channel_fd >= 0) {
        (void)close(r->channel_fd);
        r->channel_fd = -1;
    }
    return status;
}

enum kl_rc kl_role_begin(struct kl_err *err)
{
    int type = 0;
    socklen_t len = sizeof type;

    if (getsockopt(KL_ROLE_CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
        type != SOCK_SEQPACKET) {
        return kl_fail(err, KL_E_FORMAT, "a role is started by kulla itself, not by hand");
    }
    if (close_range(KL_ROLE_CHANNEL_FD + 1, ~0u, 0) != 0 && errno != ENOSYS) {
        return kl_fail_errno(err, "inherited files could not be closed");
    }
    /* A parent gone before this call shows as the end of the channel. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return kl_fail_errno(err, "the process could not be hardened");
    }
    return KL_OK;
}
