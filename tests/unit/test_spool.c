#include "os/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kt.h"
#include "os/signals.h"

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

/* A pipe that gives len bytes; the writer is a child. */
static int pipe_of(size_t len)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        abort();
    }
    pid_t pid = fork();
    if (pid == 0) {
        uint8_t part[1000];
        (void)signal(SIGPIPE, SIG_DFL);
        for (size_t at = 0; at < len;) {
            size_t n = len - at < sizeof part ? len - at : sizeof part;
            for (size_t i = 0; i < n; i++) {
                part[i] = byte_at(at + i);
            }
            ssize_t done = write(fds[1], part, n);
            at += done > 0 ? (size_t)done : 0;
        }
        _exit(0);
    }
    (void)close(fds[1]);
    return fds[0];
}

static struct kl_spool spool(size_t len, uint64_t max, uint64_t mem)
{
    struct kl_spool_opts opts = {max, mem, "/tmp"};
    struct kl_spool s = {-1, 0, false};
    int in = pipe_of(len);

    KT_EQ(kl_spool_fd(in, &opts, &s, NULL), KL_OK);
    (void)close(in);
    (void)wait(NULL);
    uint8_t b;
    for (size_t i = 0; i < s.len_bytes; i++) {
        if (pread(s.fd, &b, 1, (off_t)i) != 1 || b != byte_at(i)) {
            KT_FAIL("byte %zu differs", i);
            break;
        }
    }
    KT_EQ(pread(s.fd, &b, 1, (off_t)s.len_bytes), 0);
    KT_EQ(write(s.fd, "x", 1), -1);
    KT_EQ(errno, EBADF);
    (void)close(s.fd);
    return s;
}

KT_TEST(a_pipe_becomes_seekable_and_read_only)
{
    struct kl_spool s = spool(100000, 1 << 20, 1 << 20);

    KT_EQ(s.len_bytes, 100000);
    KT_OK(!s.cut);
    KT_EQ(spool(0, 100, 100).len_bytes, 0);
}

KT_TEST(a_long_pipe_goes_to_a_file_without_a_name)
{
    KT_EQ(spool(300000, 1 << 20, 70000).len_bytes, 300000);
    KT_EQ(spool(300000, 1 << 20, 0).len_bytes, 300000);
}

KT_TEST(the_limit_is_inclusive_and_the_rest_is_said)
{
    struct kl_spool s = spool(200000, 200000, 1 << 20);

    KT_EQ(s.len_bytes, 200000);
    KT_OK(!s.cut);
    s = spool(200001, 200000, 1 << 20);
    KT_EQ(s.len_bytes, 200000);
    KT_OK(s.cut);
}

KT_TEST(a_regular_file_is_not_copied)
{
    struct kl_spool_opts opts = {10, 10, NULL};
    struct kl_spool s = {-1, 0, false};
    struct stat a;
    struct stat b;
    int fd = memfd_create("x", MFD_CLOEXEC);

    KT_EQ(ftruncate(fd, 1000), 0);
    KT_EQ(kl_spool_fd(fd, &opts, &s, NULL), KL_OK);
    KT_EQ(s.len_bytes, 1000);
    KT_OK(s.fd != fd && fstat(fd, &a) == 0 && fstat(s.fd, &b) == 0 && a.st_ino == b.st_ino);
    (void)close(s.fd);
    /* One that does not stand at its start means the rest only: copied. */
    KT_EQ(lseek(fd, 995, SEEK_SET), 995);
    KT_EQ(kl_spool_fd(fd, &opts, &s, NULL), KL_OK);
    KT_EQ(s.len_bytes, 5);
    (void)close(s.fd);
    (void)close(fd);
}

KT_TEST(a_folder_that_cannot_hold_it_is_an_error)
{
    struct kl_spool_opts opts = {1 << 20, 10, "/nowhere"};
    struct kl_spool s = {-1, 0, false};
    struct kl_err err = {.rc = KL_OK};
    int in = pipe_of(1000);

    KT_EQ(kl_spool_fd(in, &opts, &s, &err), KL_E_IO);
    KT_EQ(err.sys_errno, ENOENT);
    KT_EQ(s.fd, -1);
    (void)close(in);
    (void)wait(NULL);
    KT_EQ(kl_spool_fd(-1, &opts, &s, NULL), KL_E_IO);
}

KT_TEST(ctrl_c_ends_the_copy_and_the_second_one_the_program)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (kl_stop_install(NULL) != KL_OK || kl_stop_is_asked()) {
            _exit(1);
        }
        (void)raise(SIGINT);
        if (!kl_stop_is_asked()) {
            _exit(2);
        }
        struct kl_spool_opts opts = {100, 100, NULL};
        struct kl_spool s = {-1, 0, false};
        int fds[2];
        /* A pipe nobody writes to: without the flag this would wait for ever. */
        if (pipe(fds) != 0 || kl_spool_fd(fds[0], &opts, &s, NULL) != KL_OK || !s.cut) {
            _exit(3);
        }
        (void)usleep(300000); /* one within 250 ms is still the first */
        (void)raise(SIGINT);
        _exit(4);
    }
    int status = 0;
    KT_EQ(waitpid(pid, &status, 0), pid);
    KT_OK(WIFSIGNALED(status));
    KT_EQ(WTERMSIG(status), SIGINT);
}

KT_TEST(a_signal_sent_twice_at_once_is_one_request)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (kl_stop_install(NULL) != KL_OK) {
            _exit(1);
        }
        (void)raise(SIGINT);
        (void)raise(SIGINT); /* as timeout(1) does: to the process and to its group */
        _exit(kl_stop_is_asked() ? 7 : 2);
    }
    int status = 0;
    KT_EQ(waitpid(pid, &status, 0), pid);
    KT_OK(WIFEXITED(status));
    KT_EQ(WEXITSTATUS(status), 7);
}

KT_TEST(an_ignored_signal_stays_ignored)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGHUP, SIG_IGN);
        if (kl_stop_install(NULL) != KL_OK) {
            _exit(1);
        }
        (void)raise(SIGHUP);
        _exit(kl_stop_is_asked() ? 2 : 0);
    }
    int status = 1;
    KT_EQ(waitpid(pid, &status, 0), pid);
    KT_EQ(status, 0);
}

KT_MAIN()
