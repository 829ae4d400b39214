/* The role "tool": locks itself in, then becomes the program. */
#include "os/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/channel.h"
#include "os/landlock.h"
#include "os/role.h"
#include "os/tool_int.h"

#define MAX_FILES 64
#define EXIT_START 125

struct job {
    struct kl_tool_wire_job head;
    struct kl_channel_frame frame; /* the strings lie in its body */
    const char *scratch;
    char *argv[KL_TOOL_MAX_ARGS + 1];
    int in_fd;
    int out_fd;
};

static enum kl_rc take_job(struct job *j)
{
    char *body = (char *)j->frame.body;
    size_t at = sizeof j->head;

    if (j->frame.body_len < at) {
        return KL_E_FORMAT;
    }
    memcpy(&j->head, body, at);
    if (j->head.n_args == 0 || j->head.n_args > KL_TOOL_MAX_ARGS) {
        return KL_E_FORMAT;
    }
    for (uint32_t i = 0; i <= j->head.n_args; i++) {
        size_t left = j->frame.body_len - at;
        size_t n = strnlen(body + at, left);
        if (n == left) {
            return KL_E_FORMAT;
        }
        if (i == 0) {
            j->scratch = body + at;
        } else {
            j->argv[i - 1] = body + at;
        }
        at += n + 1;
    }
    j->argv[j->head.n_args] = NULL;
    return KL_OK;
}

static enum kl_rc receive(struct job *j)
{
    KL_TRY(kl_channel_recv(KL_ROLE_CHANNEL_FD, &j->frame, &j->in_fd, true));
    if (j->frame.head.type != KL_TOOL_WIRE_IN || j->in_fd < 0) {
        return KL_E_FORMAT;
    }
    KL_TRY(kl_channel_recv(KL_ROLE_CHANNEL_FD, &j->frame, &j->out_fd, true));
    if (j->frame.head.type != KL_TOOL_WIRE_OUT || j->out_fd < 0) {
        return KL_E_FORMAT;
    }
    KL_TRY(kl_channel_recv(KL_ROLE_CHANNEL_FD, &j->frame, NULL, true));
    return j->frame.head.type == KL_TOOL_WIRE_JOB ? take_job(j) : KL_E_FORMAT;
}

static int set_limit(int what, uint64_t value)
{
    struct rlimit lim = {(rlim_t)value, (rlim_t)value};

    return setrlimit((__rlimit_resource_t)what, &lim);
}

static int drop_caps(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    return (int)syscall(SYS_capset, &head, none);
}

/* Last, for a sanitizer's run time would not live within them. */
static int set_limits(const struct job *j)
{
    /* SIGXCPU, which says why; with one limit for both it would be SIGKILL. */
    struct rlimit cpu = {j->head.seconds, (rlim_t)j->head.seconds + 5};
    bool good = set_limit(RLIMIT_FSIZE, j->head.max_out_bytes) == 0 &&
                setrlimit(RLIMIT_CPU, &cpu) == 0 && set_limit(RLIMIT_NOFILE, MAX_FILES) == 0 &&
                set_limit(RLIMIT_CORE, 0) == 0 &&
                /* It counts threads too, of all the user's programs: seccomp refuses processes. */
                (j->head.threads != 0 || set_limit(RLIMIT_NPROC, 0) == 0) &&
                set_limit(RLIMIT_MSGQUEUE, 0) == 0 && set_limit(RLIMIT_MEMLOCK, 0) == 0 &&
                set_limit(RLIMIT_AS, j->head.max_bytes) == 0;
    return good ? 0 : -1;
}

static enum kl_rc keep_files(const struct job *j)
{
    const unsigned program = KL_LANDLOCK_READ | KL_LANDLOCK_EXECUTE;
    struct kl_landlock_path paths[] = {
        {"/usr", -1, program},
        {"/lib", -1, program},
        {"/lib64", -1, program},
        {"/etc/ld.so.cache", -1, KL_LANDLOCK_READ},
        {"/etc/fonts", -1, KL_LANDLOCK_READ},
        {"/etc/alternatives", -1, KL_LANDLOCK_READ},
        {"/var/cache/fontconfig", -1, KL_LANDLOCK_READ},
        {"/var/lib/ghostscript", -1, KL_LANDLOCK_READ},
        {"/dev/null", -1, KL_LANDLOCK_READ},
        {NULL, STDIN_FILENO, KL_LANDLOCK_READ},
        {j->scratch, -1, KL_LANDLOCK_WRITE},
    };
    size_t n = sizeof paths / sizeof paths[0];
    unsigned bits = 0;

    return kl_landlock_keep(paths, j->scratch[0] != '\0' ? n : n - 1, &bits);
}

/* All that the programs and their libraries need to compute, read, map and write. */
static const int ALLOWED[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(fcntl),
    SCMP_SYS(fadvise64),
    SCMP_SYS(ftruncate),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getcwd),
    SCMP_SYS(chdir),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(rmdir),
    SCMP_SYS(umask),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(execve),
};

/* Threads of this process, without a name space of their own. */
static int allow_threads(scmp_filter_ctx ctx)
{
    const uint64_t spaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                            CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP;
    /* Its flags lie in memory, where no filter looks: ENOSYS, and the C library takes the other. */
    int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    return rc != 0
               ? rc
               : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | spaces, CLONE_THREAD));
}

/* The rest is refused rather than fatal: libraries ask for many things and go on without. */
static int forbid_calls(bool threads)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = ctx != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; i < sizeof ALLOWED / sizeof ALLOWED[0] && rc == 0; i++) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, ALLOWED[i], 0);
    }
    if (rc == 0 && threads) {
        rc = allow_threads(ctx);
    }
    /* isatty and the like; TIOCSTI and its kin push input into a terminal. */
    if (rc == 0) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
    }
    /* Our last words; in the program 3 is no socket. */
    if (rc == 0) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
                              SCMP_A0(SCMP_CMP_EQ, KL_ROLE_CHANNEL_FD));
    }
    if (rc == 0) {
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    }
    if (rc == 0) {
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    }
    if (rc == 0) {
        rc = seccomp_load(ctx);
    }
    if (ctx != NULL) {
        seccomp_release(ctx);
    }
    errno = -rc;
    return rc == 0 ? 0 : -1;
}

/* Descriptors in place, cage, program; returns only when it failed, with errno. */
static void become(struct job *j)
{
    char tmpdir[4096 + 8] = "TMPDIR=";
    char *env[] = {(char *)(uintptr_t) "LANG=C.UTF-8", (char *)(uintptr_t) "OMP_THREAD_LIMIT=1",
                   (char *)(uintptr_t) "HOME=/nonexistent", j->scratch[0] != '\0' ? tmpdir : NULL,
                   NULL};

    if (strlen(j->scratch) > 4096) {
        errno = ENAMETOOLONG;
        return;
    }
    memcpy(tmpdir + 7, j->scratch, strlen(j->scratch) + 1);
    if (dup2(j->in_fd, STDIN_FILENO) < 0 || dup2(j->out_fd, STDOUT_FILENO) < 0 ||
        lseek(STDIN_FILENO, 0, SEEK_SET) != 0 ||
        (j->scratch[0] != '\0' && chdir(j->scratch) != 0) ||
        fcntl(KL_ROLE_CHANNEL_FD, F_SETFD, FD_CLOEXEC) != 0) {
        return;
    }
    /* A network of its own, empty: best effort, seccomp refuses every socket anyway. */
    (void)unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC);
    if (drop_caps() != 0 || keep_files(j) != KL_OK || forbid_calls(j->head.threads != 0) != 0 ||
        set_limits(j) != 0) {
        return;
    }
    if (kl_channel_send(KL_ROLE_CHANNEL_FD, KL_TOOL_WIRE_READY, 0, 0, kl_span_make(NULL, 0), -1,
                        true) == KL_OK) {
        (void)execve(j->argv[0], j->argv, env);
    }
}

int kl_tool_role_main(void)
{
    static struct job j; /* a frame is 16 KiB */

    j.in_fd = -1;
    j.out_fd = -1;
    if (kl_role_begin(NULL) != KL_OK || receive(&j) != KL_OK) {
        return EXIT_START;
    }
    become(&j);
    /* What is left of the cage may refuse the message: then the exit says it. */
    kl_ignore(kl_channel_send(KL_ROLE_CHANNEL_FD, KL_TOOL_WIRE_NOT, 0, (uint64_t)errno,
                              kl_span_make(NULL, 0), -1, true),
              "the exit status is the other sign");
    return EXIT_START;
}
