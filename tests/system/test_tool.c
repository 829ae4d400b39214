/* Outside programs in their cage: real ones of the system, and what they may not do. */
#include "os/tool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kt.h"

#define PROGRAM getenv("KULLA_PROGRAM")

static int memory_file(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    KT_OK(fd >= 0);
    KT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static struct kl_tool_job job_of(const char *shell)
{
    return (struct kl_tool_job){
        .argv = {"/bin/sh", "-c", shell, NULL},
        .in_fd = memory_file("A01234567B;Agim\n"),
        .max_bytes = 256u << 20,
        .max_out_bytes = 1 << 20,
        .seconds = 10,
    };
}

static struct kl_tool_job python_job_of(const char *program)
{
    struct kl_tool_job j = job_of("");
    j.argv[0] = "/usr/bin/python3";
    j.argv[1] = "-S";
    j.argv[2] = "-c";
    j.argv[3] = program;
    j.argv[4] = NULL;
    j.max_bytes = 1u << 30;
    return j;
}

static char output[65536];

/* Run it; the output in `output`. */
static struct kl_tool_result run(struct kl_tool_job *job)
{
    struct kl_tool_result r = {.out_fd = -1};
    struct kl_err err = {.rc = KL_OK};

    memset(output, 0, sizeof output);
    enum kl_rc rc = kl_tool_run(PROGRAM, job, &r, &err);
    if (rc != KL_OK) {
        KT_FAIL("kl_tool_run: %s", err.what);
    }
    if (r.out_fd >= 0) {
        KT_OK(pread(r.out_fd, output, sizeof output - 1, 0) >= 0);
        KT_EQ(r.out_bytes > sizeof output - 1 ? r.out_bytes : strlen(output), r.out_bytes);
        (void)close(r.out_fd);
    }
    (void)close(job->in_fd);
    return r;
}

KT_TEST(a_program_reads_its_input_and_writes_its_output)
{
    struct kl_tool_job j = job_of("read line; echo \"got $line\"; exit 7");
    struct kl_tool_result r = run(&j);
    KT_EQ(r.end, KL_TOOL_DONE);
    KT_EQ(r.status, 7);
    KT_STR(output, "got A01234567B;Agim\n");
}

KT_TEST(a_missing_program_is_said_to_be_missing)
{
    struct kl_tool_job j = job_of("");
    j.argv[0] = "/usr/bin/kulla-no-such-program";
    struct kl_tool_result r = run(&j);
    KT_EQ(r.end, KL_TOOL_MISSING);
    KT_EQ(r.out_fd, -1);
}

KT_TEST(a_program_that_hangs_is_killed)
{
    struct kl_tool_job j = job_of("while :; do :; done");
    j.seconds = 1;
    struct kl_tool_result r = run(&j);
    KT_EQ(r.end, KL_TOOL_LATE);
}

KT_TEST(output_is_limited)
{
    struct kl_tool_job j =
        job_of("while :; do echo 0123456789012345678901234567890123456789; done");
    j.max_out_bytes = 100000;
    struct kl_tool_result r = run(&j);
    KT_EQ(r.end, KL_TOOL_CRASHED);
    KT_EQ(r.out_bytes, 100000);
}

KT_TEST(files_elsewhere_cannot_be_read_or_written)
{
    struct kl_tool_job j =
        job_of("for f in /etc/passwd /etc/hostname /proc/self/maps /etc/shadow; do "
               "read l <$f && echo \"read $f\"; done; "
               "echo x >/tmp/kulla-tool-test && echo wrote; "
               "echo x >>/dev/shm/kulla-tool-test && echo wrote; exit 0");
    (void)unlink("/tmp/kulla-tool-test");
    struct kl_tool_result r = run(&j);
    KT_EQ(r.end, KL_TOOL_DONE);
    KT_STR(output, "");
    KT_OK(access("/tmp/kulla-tool-test", F_OK) != 0);
    KT_OK(access("/dev/shm/kulla-tool-test", F_OK) != 0);
}

KT_TEST(no_second_process_and_no_socket)
{
    struct kl_tool_job j = job_of("(echo child) && echo forked; exit 0");
    struct kl_tool_result r = run(&j);
    KT_EQ(strstr(output, "forked"), NULL);
    j = python_job_of(
        "import sys\n"
        "def no(name, f):\n"
        "    try:\n"
        "        f()\n"
        "        print('did', name)\n"
        "    except OSError:\n"
        "        print('refused', name)\n"
        "import socket, os, signal, ctypes\n"
        "no('inet', lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))\n"
        "no('unix', lambda: socket.socketpair())\n"
        "no('fork', lambda: os.fork())\n"
        "no('kill', lambda: os.kill(os.getppid(), 0))\n"
        "no('chmod', lambda: os.chmod('/tmp', 0o777))\n"
        "no('mknod', lambda: os.mknod('/tmp/kulla-tool-test'))\n"
        "l = ctypes.CDLL(None, use_errno=True)\n"
        "print('did ptrace' if l.ptrace(0, 0, 0, 0) == 0 else 'refused ptrace')\n"
        "print('did mount' if l.mount(b'x', b'/mnt', b'tmpfs', 0, 0) == 0 else 'refused mount')\n");
    if (!kl_tool_is_there(j.argv[0])) {
        KT_SKIP("no python3");
    }
    r = run(&j);
    KT_EQ(r.end, KL_TOOL_DONE);
    KT_EQ(r.status, 0);
    KT_STR(output, "refused inet\nrefused unix\nrefused fork\nrefused kill\nrefused chmod\n"
                   "refused mknod\nrefused ptrace\nrefused mount\n");
}

KT_TEST(threads_are_started_only_where_they_may_be)
{
    for (int may = 0; may < 2; may++) {
        struct kl_tool_job j =
            python_job_of("import os, threading\n"
                          "try:\n"
                          "    t = threading.Thread(target=print, args=('thread',))\n"
                          "    t.start()\n"
                          "    t.join()\n"
                          "except RuntimeError:\n"
                          "    print('no thread')\n"
                          "try:\n"
                          "    os.fork()\n"
                          "    print('forked')\n"
                          "except OSError:\n"
                          "    print('no process')\n");
        if (!kl_tool_is_there(j.argv[0])) {
            KT_SKIP("no python3");
        }
        j.threads = may != 0;
        struct kl_tool_result r = run(&j);
        KT_EQ(r.end, KL_TOOL_DONE);
        KT_STR(output, may != 0 ? "thread\nno process\n" : "no thread\nno process\n");
    }
}

KT_TEST(a_scratch_folder_may_be_written_and_nothing_beside_it)
{
    char dir[] = "/tmp/kulla-test-XXXXXX";
    char file[64];
    KT_OK(mkdtemp(dir) != NULL);
    struct kl_tool_job j = job_of("echo inside >out.txt; echo x >../kulla-beside; "
                                  "echo \"$TMPDIR\"; exit 0");
    j.scratch = dir;
    struct kl_tool_result r = run(&j);
    KT_EQ(r.end, KL_TOOL_DONE);
    KT_OK(strstr(output, dir) != NULL);
    (void)snprintf(file, sizeof file, "%s/out.txt", dir);
    KT_EQ(access(file, R_OK), 0);
    KT_OK(access("/tmp/kulla-beside", F_OK) != 0);
    (void)unlink(file);
    (void)rmdir(dir);
}

KT_TEST(memory_is_limited)
{
    struct kl_tool_job j = job_of("");
    j.argv[0] = "/usr/bin/python3";
    j.argv[1] = "-S";
    j.argv[2] = "-c";
    j.argv[3] = "b = bytearray(1 << 29); print(len(b))";
    j.argv[4] = NULL;
    if (!kl_tool_is_there(j.argv[0])) {
        KT_SKIP("no python3");
    }
    struct kl_tool_result r = run(&j);
    KT_OK(r.end == KL_TOOL_CRASHED || r.status != 0);
    KT_STR(output, "");
}

KT_TEST(too_long_arguments_are_refused)
{
    char *big = calloc(1, 20001);
    memset(big, 'x', 20000);
    struct kl_tool_job j = job_of(big);
    struct kl_tool_result r = {.out_fd = -1};
    struct kl_err err = {.rc = KL_OK};
    KT_EQ(kl_tool_run(PROGRAM, &j, &r, &err), KL_E_LIMIT);
    KT_EQ(r.out_fd, -1);
    (void)close(j.in_fd);
    free(big);
}

KT_MAIN()
