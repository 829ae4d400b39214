/*
 * What a role taken over by a document can still do: each attempt is made in a child inside
 * the cage, as a hostile program would make it, and must kill it or fail.
 *
 * A normal build: the child dies by SIGSYS. A sanitizer build answers EPERM instead (its
 * run time must be able to report), so there the attempt has to fail.
 */
#include "os/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kt.h"
#include "os/channel.h"
#include "os/sanitizer.h"

#define HARMLESS 40 /* exit status: the attempt failed */
#define SUCCEEDED 41
#define NO_CAGE 42

static int file_fd = -1; /* opened for writing before the cage */
static int peer_fd = -1; /* a socket that is not the channel */

typedef long attempt(void);

/* In a child inside the cage. @return its wait status */
static int try_it(attempt *what)
{
    int fds[2] = {-1, -1};

    if (kl_channel_pair(fds, NULL) != KL_OK) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct kl_cage_opts opts = {KL_WORKER_BYTES, fds[1]};
        unsigned bits = 0;
        if (kl_cage_enter(&opts, &bits, NULL) != KL_OK) {
            _exit(NO_CAGE);
        }
        _exit(what() < 0 ? HARMLESS : SUCCEEDED);
    }
    int status = -1;
    (void)waitpid(pid, &status, 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return status;
}

static void must_not_work(const char *name, attempt *what)
{
    int status = try_it(what);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    bool failed = WIFEXITED(status) && WEXITSTATUS(status) == HARMLESS;

    if (KL_SANITIZER ? !failed && !killed : !killed) {
        KT_FAIL("%s: status %#x", name, (unsigned)status);
    }
}

static long do_nothing(void)
{
    return 0;
}

/* The libc wrappers and the system calls behind them: both ways in. */
static long do_open(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY);
}

#ifdef SYS_open
static long do_old_open(void)
{
    return syscall(SYS_open, "/etc/hostname", O_RDONLY);
}
#endif

static long do_openat2(void)
{
    uint64_t how[3] = {O_RDONLY, 0, 0};
    return syscall(437, AT_FDCWD, "/etc/hostname", how, sizeof how);
}

static long do_create(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/tmp/kulla-cage-test", O_CREAT | O_WRONLY, 0600);
}

static long do_unlink(void)
{
    return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/kulla-cage-no-such-file", 0);
}

static long do_stat(void)
{
    struct {
        char room[256];
    } st;
    return syscall(SYS_statx, AT_FDCWD, "/etc/hostname", 0, 0x7ff, &st);
}

static long do_socket(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long do_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return syscall(SYS_connect, peer_fd, &to, sizeof to);
}

static long do_send_elsewhere(void)
{
    struct iovec iov = {(void *)(uintptr_t) "x", 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    return syscall(SYS_sendmsg, peer_fd, &msg, 0);
}

static long do_fork(void)
{
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static long do_clone3(void)
{
    uint64_t args[8] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0};
    return syscall(435, args, sizeof args);
}

static long do_exec(void)
{
    char *argv[] = {NULL};
    return syscall(SYS_execve, "/bin/true", argv, argv);
}

static long do_memfd_exec(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}

static long do_ptrace(void)
{
    return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long do_read_parent(void)
{
    char here = 0;
    struct iovec iov = {&here, 1};
    return syscall(SYS_process_vm_readv, 1, &iov, 1, &iov, 1, 0);
}

static long do_write_file(void)
{
    return syscall(SYS_write, file_fd, "x", 1);
}

static long do_pwrite_file(void)
{
    return syscall(SYS_pwrite64, file_fd, "x", 1, 0);
}

static long do_truncate_file(void)
{
    return syscall(SYS_ftruncate, file_fd, 0);
}

static long do_map_file_writable(void)
{
    long at = (long)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
    return at == -1 ? -1 : 0;
}

static long do_map_code(void)
{
    long at = (long)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == -1 ? -1 : 0;
}

static long do_protect_code(void)
{
    static _Alignas(4096) char page[4096];
    return syscall(SYS_mprotect, page, sizeof page, PROT_READ | PROT_EXEC);
}

static long do_kill_parent(void)
{
    return syscall(SYS_kill, 1, 0);
}

static long do_signal_by_thread(void)
{
    return syscall(SYS_tgkill, 1, 1, 0);
}

static long do_dumpable(void)
{
    return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long do_raise_limit(void)
{
    struct rlimit lim = {1024, 1024};
    return syscall(SYS_setrlimit, RLIMIT_NOFILE, &lim);
}

static long do_namespace(void)
{
    return syscall(SYS_unshare, CLONE_NEWUSER);
}

static long do_chdir(void)
{
    return syscall(SYS_chdir, "/tmp");
}

static long do_io_uring(void)
{
    char params[120] = {0};
    return syscall(425, 1, params);
}

static long do_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long do_ioctl(void)
{
    return syscall(SYS_ioctl, peer_fd, 0x5412, "x"); /* TIOCSTI */
}

#define MUST_NOT_WORK(what) must_not_work(#what, what)

KT_TEST(the_cage_can_be_entered_and_left_by_exit)
{
    int status = try_it(do_nothing);

    KT_OK(WIFEXITED(status));
    KT_EQ(WEXITSTATUS(status), SUCCEEDED);
    printf("# sanitizer build: %s\n",
           KL_SANITIZER ? "yes: forbidden calls answer EPERM, no address space limit"
                        : "no: forbidden calls kill");
}

KT_TEST(no_file_can_be_opened_made_removed_or_looked_at)
{
    MUST_NOT_WORK(do_open);
#ifdef SYS_open
    MUST_NOT_WORK(do_old_open);
#endif
    MUST_NOT_WORK(do_openat2);
    MUST_NOT_WORK(do_create);
    MUST_NOT_WORK(do_unlink);
    MUST_NOT_WORK(do_stat);
    MUST_NOT_WORK(do_chdir);
}

KT_TEST(nothing_can_be_sent_but_on_the_channel)
{
    MUST_NOT_WORK(do_socket);
    MUST_NOT_WORK(do_connect);
    MUST_NOT_WORK(do_send_elsewhere);
    MUST_NOT_WORK(do_ioctl);
}

KT_TEST(no_process_can_be_made_replaced_watched_or_signalled)
{
    MUST_NOT_WORK(do_fork);
    MUST_NOT_WORK(do_clone3);
    MUST_NOT_WORK(do_exec);
    MUST_NOT_WORK(do_memfd_exec);
    MUST_NOT_WORK(do_ptrace);
    MUST_NOT_WORK(do_read_parent);
    MUST_NOT_WORK(do_kill_parent);
    MUST_NOT_WORK(do_signal_by_thread);
}

KT_TEST(a_file_opened_for_writing_before_stays_as_it_was)
{
    MUST_NOT_WORK(do_write_file);
    MUST_NOT_WORK(do_pwrite_file);
    MUST_NOT_WORK(do_truncate_file);
    if (!KL_SANITIZER) {
        MUST_NOT_WORK(do_map_file_writable);
    }
    char now[8] = {0};
    KT_EQ(pread(file_fd, now, sizeof now, 0), 4);
    KT_MEM(now, "data", 4);
}

KT_TEST(no_code_can_be_made)
{
    MUST_NOT_WORK(do_map_code);
    if (!KL_SANITIZER) { /* whose run time protects pages of its own */
        MUST_NOT_WORK(do_protect_code);
    }
}

KT_TEST(the_cage_cannot_be_loosened)
{
    MUST_NOT_WORK(do_dumpable);
    MUST_NOT_WORK(do_raise_limit);
    MUST_NOT_WORK(do_namespace);
    MUST_NOT_WORK(do_io_uring);
    MUST_NOT_WORK(do_bpf);
}

static long do_work(void)
{
    /* What readers do: small and large memory, growth, the file they were handed. */
    char head[4] = {0};
    struct timespec ts;
    uint8_t *p = malloc(100);
    uint8_t *big = malloc(64u << 20);

    if (p == NULL || big == NULL) {
        return -1;
    }
    big[0] = 1;
    uint8_t *bigger = realloc(big, 80u << 20);
    if (bigger == NULL || pread(file_fd, head, 4, 0) != 4 || memcmp(head, "data", 4) != 0 ||
        lseek(file_fd, 0, SEEK_SET) != 0 || clock_gettime(CLOCK_MONOTONIC, &ts) != 0) {
        return -1;
    }
    free(bigger);
    free(p);
    return 0;
}

static long do_eat(void)
{
    return malloc(KL_WORKER_BYTES) == NULL ? -1 : 0;
}

KT_TEST(honest_work_is_not_hindered)
{
    int status = try_it(do_work);

    KT_OK(WIFEXITED(status));
    KT_EQ(WEXITSTATUS(status), SUCCEEDED);
}

KT_TEST(memory_ends_at_the_limit)
{
    if (KL_SANITIZER) {
        KT_SKIP("a sanitizer build has no address space limit");
    }
    int status = try_it(do_eat);
    KT_OK(WIFEXITED(status));
    KT_EQ(WEXITSTATUS(status), HARMLESS);
}

int main(int argc, char **argv)
{
    int fds[2] = {-1, -1};

    file_fd = memfd_create("before", 0);
    if (file_fd < 0 || write(file_fd, "data", 4) != 4 ||
        socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) != 0) {
        return 1;
    }
    peer_fd = fds[0];
    return kt_run(argc, argv);
}
