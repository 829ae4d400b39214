#include "os/cage.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/landlock.h"
#include "os/sanitizer.h"

static enum kl_rc set_limit(int what, rlim_t value)
{
    struct rlimit lim = {value, value};

    /* glibc types the first parameter as an enum of its own in GNU mode. */
    return setrlimit((__rlimit_resource_t)what, &lim) == 0 ? KL_OK : KL_E_IO;
}

static enum kl_rc set_limits(const struct kl_cage_opts *opts)
{
    if (opts->max_bytes > 0 && !KL_SANITIZER) {
        KL_TRY(set_limit(RLIMIT_AS, (rlim_t)opts->max_bytes));
        /* What can become resident: the rest of the address space is libraries and the ring. */
        KL_TRY(set_limit(RLIMIT_DATA, (rlim_t)(opts->max_bytes / 8 * 5)));
    }
    KL_TRY(set_limit(RLIMIT_NOFILE, 8));
    KL_TRY(set_limit(RLIMIT_FSIZE, 0));
    KL_TRY(set_limit(RLIMIT_CORE, 0));
    KL_TRY(set_limit(RLIMIT_NPROC, 0));
    KL_TRY(set_limit(RLIMIT_MSGQUEUE, 0));
    return set_limit(RLIMIT_MEMLOCK, 0);
}

/* With no_new_privs and no exec nothing can bring one back; the bounding set is left alone. */
static enum kl_rc drop_caps(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    return syscall(SYS_capset, &head, none) == 0 ? KL_OK : KL_E_IO;
}

/* newfstatat is not here: it would tell which paths exist. Its EPERM below is for glibc's fstat. */
static const int ALLOWED[] = {
    SCMP_SYS(read),        SCMP_SYS(pread64),         SCMP_SYS(lseek),
    SCMP_SYS(fstat),       SCMP_SYS(close),           SCMP_SYS(munmap),
    SCMP_SYS(mremap),      SCMP_SYS(madvise),         SCMP_SYS(brk),
    SCMP_SYS(futex),       SCMP_SYS(clock_gettime),   SCMP_SYS(getrandom),
    SCMP_SYS(exit),        SCMP_SYS(exit_group),      SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
};

#if KL_SANITIZER
static const int ALLOWED_SANITIZER[] = {
    SCMP_SYS(mprotect),     SCMP_SYS(getpid),         SCMP_SYS(gettid),    SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit),
};
#endif

static int allow_all(scmp_filter_ctx ctx, const int *calls, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
    }
    return rc;
}

/* Memory is private and never executable, or it is a read-only view of a file. */
static int allow_mmap(scmp_filter_ctx ctx)
{
    int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                              SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE));

    return rc != 0 ? rc
                   : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, 0));
}

/* `call` only with this descriptor as its first argument. */
static int allow_on(scmp_filter_ctx ctx, int call, int fd)
{
    struct scmp_arg_cmp is_fd = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)fd, .datum_b = 0};

    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &is_fd);
}

static int add_rules(scmp_filter_ctx ctx, int channel_fd)
{
    int rc = allow_all(ctx, ALLOWED, sizeof ALLOWED / sizeof ALLOWED[0]);

    if (rc == 0) {
        rc = allow_on(ctx, SCMP_SYS(recvmsg), channel_fd);
    }
    if (rc == 0) {
        rc = allow_on(ctx, SCMP_SYS(sendmsg), channel_fd);
    }
    if (rc == 0) {
        rc = allow_mmap(ctx);
    }
#if KL_SANITIZER
    if (rc == 0) {
        rc = allow_all(ctx, ALLOWED_SANITIZER,
                       sizeof ALLOWED_SANITIZER / sizeof ALLOWED_SANITIZER[0]);
    }
    if (rc == 0) {
        rc = allow_on(ctx, SCMP_SYS(write), STDERR_FILENO);
    }
#else
    if (rc == 0) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(newfstatat), 0);
    }
#endif
    return rc;
}

static enum kl_rc forbid_calls(int channel_fd)
{
    scmp_filter_ctx ctx =
        seccomp_init(KL_SANITIZER ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);

    if (ctx == NULL) {
        errno = ENOMEM;
        return KL_E_IO;
    }
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0) {
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    }
    if (rc == 0) {
        rc = add_rules(ctx, channel_fd);
    }
    if (rc == 0) {
        rc = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    errno = -rc;
    return rc == 0 ? KL_OK : KL_E_IO;
}

enum kl_rc kl_cage_enter(const struct kl_cage_opts *opts, unsigned *out_bits, struct kl_err *err)
{
    unsigned bits = KL_SANITIZER ? (unsigned)KL_CAGE_RELAXED : (unsigned)KL_CAGE_NONE;

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return kl_fail_errno(err, "the process could not be hardened");
    }
    if (kl_landlock_keep(NULL, 0, &bits) != KL_OK) {
        return kl_fail_errno(err, "Landlock is there but refused its rules; report this kernel");
    }
    if (set_limits(opts) != KL_OK) {
        return kl_fail_errno(err, "the limits of a worker could not be set");
    }
    if (drop_caps() != KL_OK) {
        return kl_fail_errno(err, "the capabilities of a worker could not be dropped");
    }
    if (forbid_calls(opts->channel_fd) != KL_OK) {
        return kl_fail_errno(
            err, "seccomp refused the filter; a kernel with CONFIG_SECCOMP_FILTER is needed");
    }
    *out_bits = bits | (unsigned)KL_CAGE_SECCOMP;
    return KL_OK;
}
