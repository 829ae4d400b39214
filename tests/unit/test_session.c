/*
 * Session and worker as two real processes: this program re-executes itself as the role.
 * The extract below stands in for the real one; the first byte of a document says what it does.
 */
#include "extract/session.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "extract/extract.h"
#include "extract/wire.h"
#include "extract/worker.h"
#include "kt.h"
#include "os/cage.h"
#include "os/channel.h"
#include "os/role.h"
#include "os/sanitizer.h"
#include "os/signals.h"

static pid_t role_pid; /* of the role's process, read before the cage forbids to ask */

/* What a worker taken over by a document may send. One letter each. */
static enum kl_rc lie(char how)
{
    uint8_t body[KL_WIRE_RECORD_MAX];
    struct kl_event ev = {.kind = KL_EVENT_PART_BEGIN, .part_kind = KL_PART_TEXT};
    uint32_t slot = 0;
    uint32_t serial = 1;
    uint8_t type = KL_WIRE_EVENTS;

    switch (how) {
    case 'd': /* DONE that does not add up */
        ev = (struct kl_event){.kind = KL_EVENT_DONE, .seen = 999999, .inspected = 999999};
        break;
    case 'b': /* a block outside of a part */
        ev = (struct kl_event){.kind = KL_EVENT_BLOCK, .text = KL_SPAN_LIT("x")};
        slot = 77;
        break;
    case 's': /* another document's */
        serial = 7;
        break;
    case 't': /* a type only the parent sends */
        type = KL_WIRE_DOCUMENT;
        break;
    default: /* 'e': an empty batch */
        return kl_channel_send(KL_ROLE_CHANNEL_FD, type, serial, 0, kl_span_make(NULL, 0), -1,
                               true);
    }
    size_t n = kl_wire_put(&ev, slot, 0, body);
    return kl_channel_send(KL_ROLE_CHANNEL_FD, type, serial, 0, kl_span_make(body, n), -1, true);
}

static enum kl_rc echo(struct kl_emit *e, const struct kl_input *in)
{
    uint64_t at = 0;

    KL_TRY(kl_emit_part_begin(e, KL_PART_TEXT));
    while (at < in->len_bytes) {
        uint8_t *to;
        size_t cap;
        size_t n;
        KL_TRY(kl_emit_space(e, 4096, &to, &cap));
        KL_TRY(kl_input_read(in, at, to, cap, &n));
        KL_TRY(kl_emit_commit(e, n));
        if (n == 0) {
            break;
        }
        at += n;
    }
    return kl_emit_part_end(e);
}

/* An open part with a full block delivered (the role's pid is its text), then silence. */
static enum kl_rc begin_and_hang(struct kl_emit *e)
{
    static char text[KL_BLOCK_BYTES];

    memset(text, '.', sizeof text);
    (void)snprintf(text, sizeof text, "%d", (int)role_pid);
    KL_TRY(kl_emit_part_begin(e, KL_PART_TABLE));
    for (int i = 0; i < 2; i++) {
        KL_TRY(kl_emit_text(e, kl_span_make(text, sizeof text)));
    }
    for (volatile unsigned i = 0;; i++) {
    }
}

static enum kl_rc tell_pid(struct kl_emit *e)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", (int)role_pid);

    KL_TRY(kl_emit_part_begin(e, KL_PART_TEXT));
    KL_TRY(kl_emit_text(e, kl_span_make(text, (size_t)n + 1)));
    return kl_emit_part_end(e);
}

static enum kl_rc eat_memory(void)
{
    for (;;) {
        char *p = malloc(1 << 20);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        for (size_t i = 0; i < 1 << 20; i += 4096) {
            ((volatile char *)p)[i] = 1;
        }
    }
}

enum kl_rc kl_extract_document(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[2] = {0, 0};
    size_t n = 0;

    kl_emit_start(e, in->len_bytes);
    KL_TRY(kl_input_read(in, 0, head, sizeof head, &n));
    switch (head[0]) {
    case 'C':
        __builtin_trap();
    case 'E':
        _exit(0);
    case 'H':
        return begin_and_hang(e);
    case 'L':
        return lie((char)head[1]) == KL_OK ? begin_and_hang(e) : KL_E_IO;
    case 'I': /* its pid, and a usual end */
        KL_TRY(tell_pid(e));
        return kl_emit_finish(e);
    case 'M':
        return eat_memory();
    case 'S':
        (void)socket(AF_INET, SOCK_STREAM, 0);
        _exit(9);
    case 'N':
        KL_TRY(kl_emit_not_inspected(e, KL_REASON_FORMAT, in->len_bytes));
        KL_TRY(kl_emit_anomaly(e, "test.seen"));
        return kl_emit_finish(e);
    default:
        KL_TRY(echo(e, in));
        return kl_emit_finish(e);
    }
}

/* ---- the parent's side ---- */

struct outcome {
    char log[64]; /* one letter per event: B(egin) t(ext) E(nd) A(nomaly) N(ot inspected) D(one) */
    char codes[128];
    enum kl_reason reason;
    uint64_t text_bytes;
    uint64_t sum; /* of the text's bytes */
    struct kl_event done;
    pid_t pid;
};

static int doc_of(const void *ptr, size_t len)
{
    int fd = memfd_create("doc", MFD_CLOEXEC);

    if (fd < 0 || write(fd, ptr, len) != (ssize_t)len) {
        abort();
    }
    return fd;
}

static void note(struct outcome *o, const struct kl_event *ev)
{
    static const char LETTERS[] = "?BtEAND";
    size_t n = strlen(o->log);

    if (n + 1 < sizeof o->log) {
        o->log[n] = LETTERS[ev->kind];
    }
    if (ev->kind == KL_EVENT_BLOCK) {
        o->text_bytes += ev->text.len;
        for (size_t i = 0; i < ev->text.len; i++) {
            o->sum += ev->text.ptr[i];
        }
        if (o->pid == 0) {
            o->pid = (pid_t)strtol((const char *)ev->text.ptr, NULL, 10);
        }
    } else if (ev->kind == KL_EVENT_ANOMALY && strlen(o->codes) + 40 < sizeof o->codes) {
        size_t at = strlen(o->codes);
        (void)snprintf(o->codes + at, sizeof o->codes - at, "%s ", ev->code);
    } else if (ev->kind == KL_EVENT_NOT_INSPECTED) {
        o->reason = ev->reason;
    } else if (ev->kind == KL_EVENT_DONE) {
        o->done = *ev;
    }
}

/* Run a document to DONE; kill_at: SIGKILL the worker behind so many events (0: never). */
static struct outcome run_fd(struct kl_session *s, int fd, uint64_t len, unsigned kill_at)
{
    struct outcome o;
    struct kl_event ev = {.kind = KL_EVENT_NONE};
    struct kl_err err = {.rc = KL_OK};

    memset(&o, 0, sizeof o);
    KT_EQ(kl_session_submit(s, fd, len, &err), KL_OK);
    KT_STR(err.what, "");
    for (unsigned i = 1; ev.kind != KL_EVENT_DONE && err.rc == KL_OK; i++) {
        KT_EQ(kl_session_next(s, &ev, &err), KL_OK);
        note(&o, &ev);
        if (i == kill_at) {
            KT_OK(o.pid > 1);
            KT_EQ(kill(o.pid, SIGKILL), 0);
        }
    }
    KT_EQ(o.done.seen, len);
    KT_EQ(o.done.seen, o.done.inspected + o.done.not_inspected);
    return o;
}

static struct outcome run(struct kl_session *s, const char *doc)
{
    int fd = doc_of(doc, strlen(doc));
    struct outcome o = run_fd(s, fd, strlen(doc), 0);

    (void)close(fd);
    return o;
}

static struct kl_session *new_session(unsigned progress_ms)
{
    struct kl_session_opts opts = {.progress_ms = progress_ms};
    struct kl_session *s = NULL;
    struct kl_err err = {.rc = KL_OK};

    if (kl_session_new(&opts, &s, &err) != KL_OK) {
        printf("Bail out! %s\n", err.what);
        exit(1);
    }
    return s;
}

KT_TEST(a_document_comes_back_as_its_events)
{
    struct kl_session *s = new_session(0);
    struct outcome o = run(s, "hello, world");

    KT_STR(o.log, "BtED");
    KT_STR(o.codes, "");
    KT_EQ(o.text_bytes, 12);
    KT_EQ(o.done.inspected, 12);
    o = run(s, "");
    KT_STR(o.log, "BED");
    o = run(s, "N....");
    KT_STR(o.log, "NAD");
    KT_STR(o.codes, "test.seen ");
    KT_EQ(o.done.not_inspected, 5);
    KT_EQ(kl_session_losses_get(s), 0);
    kl_session_free(&s);
    KT_OK(s == NULL);
}

KT_TEST(a_document_longer_than_the_ring_arrives_whole)
{
    struct kl_session *s = new_session(0);
    size_t len = 11 * KL_BLOCK_BYTES + 17;
    uint8_t *doc = malloc(len);
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        doc[i] = i % 50 == 49 ? '\n' : (uint8_t)('a' + i * i % 23);
        sum += doc[i];
    }
    int fd = doc_of(doc, len);
    struct outcome o = run_fd(s, fd, len, 0);
    KT_EQ(o.text_bytes, len);
    KT_EQ(o.sum, sum);
    KT_EQ(o.done.inspected, len);
    (void)close(fd);
    free(doc);
    kl_session_free(&s);
}

KT_TEST(a_thousand_documents_need_one_worker)
{
    struct kl_session *s = new_session(0);

    for (int i = 0; i < 1000; i++) {
        char doc[32];
        int n = snprintf(doc, sizeof doc, "document %d", i);
        KT_EQ(run(s, doc).text_bytes, n);
    }
    KT_EQ(kl_session_losses_get(s), 0);
    kl_session_free(&s);
}

KT_TEST(a_worker_that_dies_costs_its_document_only)
{
    struct kl_session *s = new_session(0);
    struct outcome o = run(s, "Crash");

    KT_STR(o.log, "ND");
    KT_EQ(o.reason, KL_REASON_CRASH);
    KT_EQ(o.done.not_inspected, 5);
    KT_STR(run(s, "fine").log, "BtED");
    o = run(s, "Exit");
    KT_STR(o.log, "ND");
    KT_EQ(o.reason, KL_REASON_CRASH);
    KT_STR(run(s, "fine").log, "BtED");
    KT_EQ(kl_session_losses_get(s), 2);
    kl_session_free(&s);
}

KT_TEST(a_worker_killed_in_the_middle_is_not_counted_as_inspected)
{
    struct kl_session *s = new_session(0);
    int fd = doc_of("H......", 7);
    struct outcome o = run_fd(s, fd, 7, 2);

    KT_STR(o.log, "BtEND");
    KT_EQ(o.reason, KL_REASON_CRASH);
    KT_EQ(o.done.inspected, 0);
    KT_EQ(o.done.not_inspected, 7);
    KT_STR(run(s, "fine").log, "BtED");
    (void)close(fd);
    kl_session_free(&s);
}

KT_TEST(a_worker_that_hangs_is_timed_out)
{
    struct kl_session *s = new_session(150);
    struct outcome o = run(s, "Hang");

    KT_STR(o.log, "BtEND");
    KT_EQ(o.reason, KL_REASON_TIMEOUT);
    KT_EQ(o.done.not_inspected, 4);
    KT_EQ(kl_session_losses_get(s), 1);
    KT_STR(run(s, "fine").log, "BtED");
    kl_session_free(&s);
}

KT_TEST(a_worker_that_eats_memory_is_stopped_by_its_limit)
{
    if (KL_SANITIZER) {
        KT_SKIP("a sanitizer build has no address space limit");
    }
    struct kl_session *s = new_session(0);
    struct outcome o = run(s, "More");

    KT_STR(o.log, "ND");
    KT_EQ(o.reason, KL_REASON_CRASH);
    KT_STR(run(s, "fine").log, "BtED");
    kl_session_free(&s);
}

KT_TEST(a_forbidden_system_call_is_said)
{
    struct kl_session *s = new_session(0);
    struct outcome o = run(s, "Socket");

    KT_STR(o.codes, KL_SANITIZER ? "" : "worker.syscall ");
    KT_EQ(o.reason, KL_REASON_CRASH);
    KT_EQ(o.done.not_inspected, 6);
    kl_session_free(&s);
}

KT_TEST(a_worker_that_lies_is_killed_and_said)
{
    static const char *const LIES[] = {"Ld", "Lb", "Ls", "Lt", "Le"};

    for (size_t i = 0; i < sizeof LIES / sizeof LIES[0]; i++) {
        struct kl_session *s = new_session(0);
        struct outcome o = run(s, LIES[i]);
        KT_STR(o.log, "AND");
        KT_STR(o.codes, "worker.protocol ");
        KT_EQ(o.reason, KL_REASON_CRASH);
        KT_EQ(o.done.not_inspected, 2);
        KT_STR(run(s, "fine").log, "BtED");
        kl_session_free(&s);
    }
}

KT_TEST(a_document_can_be_broken_off)
{
    struct kl_session *s = new_session(0);
    int fd = doc_of("Hang", 4);
    struct kl_event ev;

    KT_EQ(kl_session_submit(s, fd, 4, NULL), KL_OK);
    KT_EQ(kl_session_next(s, &ev, NULL), KL_OK);
    KT_EQ(ev.kind, KL_EVENT_PART_BEGIN);
    kl_session_cancel(s);
    KT_EQ(kl_session_next(s, &ev, NULL), KL_E_FORMAT);
    KT_STR(run(s, "fine").log, "BtED");
    (void)close(fd);
    kl_session_free(&s);
}

KT_TEST(ctrl_c_ends_a_wait_and_says_so)
{
    struct kl_session *s = new_session(0);

    kl_stop_set(true);
    struct outcome o = run(s, "Hang");
    kl_stop_set(false);
    KT_EQ(o.reason, KL_REASON_STOPPED);
    KT_EQ(o.done.not_inspected, 4);
    kl_session_free(&s);
}

KT_TEST(a_worker_that_died_between_documents_is_replaced)
{
    struct kl_session *s = new_session(0);
    struct outcome o = run(s, "Id");

    KT_STR(o.log, "BtED");
    KT_OK(o.pid > 1);
    KT_EQ(kill(o.pid, SIGKILL), 0);
    /* Dead for certain, and not reaped: the session shall find out by itself. */
    siginfo_t info;
    KT_EQ(waitid(P_PID, (id_t)o.pid, &info, WEXITED | WNOWAIT), 0);
    KT_STR(run(s, "fine").log, "BtED");
    KT_EQ(kl_session_losses_get(s), 1);
    kl_session_free(&s);
}

KT_TEST(a_program_that_is_no_role_is_an_error_not_a_hang)
{
    struct kl_session_opts opts = {.program = "/bin/true"};
    struct kl_session *s = NULL;
    struct kl_err err = {.rc = KL_OK};

    KT_EQ(kl_session_new(&opts, &s, &err), KL_E_IO);
    KT_OK(s == NULL && strlen(err.what) > 10);
    opts.program = "/nowhere/kulla";
    err.rc = KL_OK;
    KT_EQ(kl_session_new(&opts, &s, &err), KL_E_IO);
    KT_EQ(err.sys_errno, ENOENT);
}

static int status_of(pid_t pid)
{
    int status = -1;

    (void)waitpid(pid, &status, 0);
    return status;
}

/* A worker of another version: it greets, and that is all. How: "version" or "channel". */
static int other_worker(const char *how)
{
    struct {
        struct kl_channel_head head;
        char body[8];
    } ready = {{0x4b4c, KL_CHANNEL_VERSION, KL_WIRE_READY, 0, KL_CAGE_WHOLE}, "0.0.9"};

    if (strcmp(how, "channel") == 0) {
        ready.head.version++;
    }
    (void)send(KL_ROLE_CHANNEL_FD, &ready, sizeof ready.head + strlen(ready.body), MSG_NOSIGNAL);
    (void)pause();
    return 0;
}

/* A program that is this one with the arguments "--other HOW". */
static void write_script(const char *path, const char *how)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    FILE *f = fopen(path, "we");

    if (n <= 0 || f == NULL) {
        abort();
    }
    self[n] = '\0';
    (void)fprintf(f, "#!/bin/sh\nexec '%s' --other %s\n", self, how);
    (void)fchmod(fileno(f), 0700);
    (void)fclose(f);
}

KT_TEST(a_worker_of_another_version_is_refused)
{
    static const char *const HOW[] = {"version", "channel"};
    char path[] = "/tmp/kulla-session-XXXXXX";

    (void)close(mkstemp(path));
    for (size_t i = 0; i < 2; i++) {
        const struct kl_session_opts opts = {.program = path};
        struct kl_session *s = NULL;
        struct kl_err err = {.rc = KL_OK};
        write_script(path, HOW[i]);
        KT_EQ(kl_session_new(&opts, &s, &err), KL_E_VERSION);
        KT_OK(s == NULL && strstr(err.what, "of one version") != NULL);
    }
    (void)unlink(path);
}

static atomic_bool stop;

static void on_alarm(int sig)
{
    (void)sig;
    atomic_store(&stop, true);
}

KT_TEST(a_stop_of_the_caller_ends_a_wait)
{
    const struct kl_session_opts opts = {.stop = &stop};
    struct kl_session *s = NULL;

    KT_EQ(kl_session_new(&opts, &s, NULL), KL_OK);
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(1);
    struct outcome o = run(s, "Hang");
    KT_EQ(o.reason, KL_REASON_STOPPED);
    KT_EQ(o.done.not_inspected, 4);
    atomic_store(&stop, false);
    KT_STR(run(s, "fine").log, "BtED");
    kl_session_free(&s);
}

KT_TEST(a_worker_reaped_by_someone_else_is_replaced)
{
    struct kl_session *s = new_session(0);
    struct outcome o = run(s, "Id");

    KT_EQ(kill(o.pid, SIGKILL), 0);
    KT_EQ(waitpid(-1, NULL, 0), o.pid); /* what a host with a loop over all children does */
    KT_STR(run(s, "fine").log, "BtED");
    KT_EQ(kl_session_losses_get(s), 1);
    kl_session_free(&s);
}

KT_TEST(the_channel_is_none_of_the_standard_descriptors)
{
    pid_t pid = fork();
    if (pid == 0) {
        int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
        (void)close(STDIN_FILENO);
        (void)close(STDERR_FILENO);
        struct kl_session *s = new_session(0);
        bool good = fcntl(STDIN_FILENO, F_GETFD) < 0 && fcntl(STDERR_FILENO, F_GETFD) < 0;
        kl_session_free(&s);
        (void)dup2(kept, STDERR_FILENO);
        _exit(good ? 0 : 2);
    }
    KT_EQ(status_of(pid), 0);
}

/* From here on these calls fail as on a kernel without them, in this process and its workers. */
static bool take_away(bool landlock, bool seccomp)
{
    struct scmp_arg_cmp set_seccomp = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_SECCOMP, .datum_b = 0};
    uint32_t none = SCMP_ACT_ERRNO(ENOSYS);
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    bool done = ctx != NULL;
    if (landlock) {
        done = done && seccomp_rule_add_array(ctx, none, 444, 0, NULL) == 0;
    }
    if (seccomp) {
        done = done && seccomp_rule_add_array(ctx, none, SCMP_SYS(seccomp), 0, NULL) == 0 &&
               seccomp_rule_add_array(ctx, none, SCMP_SYS(prctl), 1, &set_seccomp) == 0;
    }
    done = done && seccomp_load(ctx) == 0;
    seccomp_release(ctx);
    return done;
}

KT_TEST(a_kernel_without_landlock_is_said_once)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (!take_away(true, false)) {
            _exit(1);
        }
        struct kl_session *s = new_session(0);
        struct outcome a = run(s, "fine");
        struct outcome b = run(s, "fine");
        kl_session_free(&s);
        bool good = strcmp(a.log, "ABtED") == 0 && strcmp(a.codes, "cage.partial ") == 0 &&
                    strcmp(b.log, "BtED") == 0;
        _exit(good ? 0 : 2);
    }
    KT_EQ(status_of(pid), 0);
}

KT_TEST(a_kernel_without_seccomp_gets_no_worker)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct kl_session *s = NULL;
        struct kl_err err = {.rc = KL_OK};
        bool good = take_away(false, true) && kl_session_new(NULL, &s, &err) == KL_E_IO &&
                    s == NULL && strstr(err.what, "seccomp") != NULL;
        _exit(good ? 0 : 2);
    }
    KT_EQ(status_of(pid), 0);
}

KT_TEST(no_worker_is_left_behind)
{
    KT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    KT_EQ(errno, ECHILD);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "extract") == 0) {
        role_pid = getpid();
        return kl_extract_worker_main();
    }
    if (argc == 3 && strcmp(argv[1], "--other") == 0) {
        return other_worker(argv[2]);
    }
    if (getenv("KULLA_EMULATED") != NULL) { /* tools/test, arm64 under qemu-user */
        puts("TAP version 13\n1..0 # SKIP no caged worker under user-mode emulation");
        return 0;
    }
    return kt_run(argc, argv);
}
