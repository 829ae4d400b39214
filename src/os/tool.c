#include "os/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/span.h"
#include "os/channel.h"
#include "os/role.h"
#include "os/signals.h"
#include "os/tool_int.h"

#define SLICE_MS 100
#define OUT_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

bool kl_tool_is_there(const char *path)
{
    return access(path, X_OK) == 0;
}

/* struct kl_tool_wire_job, the scratch folder, the arguments, each string with its NUL. */
static enum kl_rc put_job(const struct kl_tool_job *job, uint8_t *body, size_t *out_len)
{
    struct kl_tool_wire_job head = {.max_bytes = job->max_bytes,
                                    .max_out_bytes = job->max_out_bytes,
                                    .seconds = job->seconds,
                                    .threads = job->threads};
    const char *scratch = job->scratch != NULL ? job->scratch : "";
    size_t len = sizeof head;

    for (size_t i = 0; i <= KL_TOOL_MAX_ARGS; i++) {
        const char *s = i == 0 ? scratch : job->argv[i - 1];
        if (s == NULL) {
            break;
        }
        size_t n = strlen(s) + 1;
        if (n > KL_CHANNEL_BODY_BYTES - len) {
            return KL_E_LIMIT;
        }
        memcpy(body + len, s, n);
        len += n;
        head.n_args = (uint32_t)i;
    }
    memcpy(body, &head, sizeof head);
    *out_len = len;
    return KL_OK;
}

static enum kl_rc send_job(const struct kl_role *r, const struct kl_tool_job *job, int out_fd,
                           struct kl_err *err)
{
    uint8_t body[KL_CHANNEL_BODY_BYTES];
    struct kl_span none = kl_span_make(NULL, 0);
    size_t len = 0;

    if (put_job(job, body, &len) != KL_OK) {
        return kl_fail(err, KL_E_LIMIT, "the arguments of an outside program are too long");
    }
    enum kl_rc rc = kl_channel_send(r->channel_fd, KL_TOOL_WIRE_IN, 0, 0, none, job->in_fd, true);
    if (rc == KL_OK) {
        rc = kl_channel_send(r->channel_fd, KL_TOOL_WIRE_OUT, 0, 0, none, out_fd, true);
    }
    if (rc == KL_OK) {
        rc = kl_channel_send(r->channel_fd, KL_TOOL_WIRE_JOB, 0, 0, kl_span_make(body, len), -1,
                             true);
    }
    return rc == KL_OK ? KL_OK : kl_fail(err, KL_E_IO, "the cage of an outside program is gone");
}

static int64_t now_ms(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* READY, then the channel closes when the role becomes the program: else, why it did not. */
static int refusal(const struct kl_role *r)
{
    struct kl_channel_frame f;
    enum kl_rc rc = kl_channel_recv(r->channel_fd, &f, NULL, true);

    if (rc == KL_OK && f.head.type == KL_TOOL_WIRE_READY) {
        rc = kl_channel_recv(r->channel_fd, &f, NULL, true);
        if (rc == KL_E_IO) {
            return 0;
        }
    }
    bool said = rc == KL_OK && f.head.type == KL_TOOL_WIRE_NOT;
    return said && f.head.value > 0 && f.head.value < 4096 ? (int)f.head.value : EIO;
}

/* KL_TOOL_NONE: it ended by itself. */
static enum kl_tool_end await(const struct kl_role *r, unsigned seconds)
{
    struct pollfd p = {.fd = r->pid_fd, .events = POLLIN};
    int64_t until = now_ms() + (int64_t)seconds * 1000;

    for (;;) {
        int n = poll(&p, 1, SLICE_MS);
        if (n > 0) {
            return KL_TOOL_NONE;
        }
        if (kl_stop_is_asked()) {
            return KL_TOOL_STOPPED;
        }
        if (now_ms() >= until) {
            return KL_TOOL_LATE;
        }
    }
}

/* Kill it if it still runs, and judge. */
static void finish(struct kl_role *r, enum kl_tool_end early, int refused,
                   struct kl_tool_result *out)
{
    int status = kl_role_end(r);

    if (early != KL_TOOL_NONE) {
        out->end = early;
    } else if (refused == ENOENT) {
        out->end = KL_TOOL_MISSING;
    } else if (WIFSIGNALED(status)) {
        out->end = WTERMSIG(status) == SIGXCPU ? KL_TOOL_LATE : KL_TOOL_CRASHED;
        out->status = WTERMSIG(status);
    } else {
        out->end = KL_TOOL_DONE;
        out->status = WEXITSTATUS(status);
    }
}

static enum kl_rc run(const char *program, const struct kl_tool_job *job,
                      struct kl_tool_result *out, struct kl_err *err)
{
    struct kl_role r = {.pid = 0, .pid_fd = -1, .channel_fd = -1};
    struct stat st = {.st_size = 0};

    KL_TRY(kl_role_start(program, "tool", &r, err));
    enum kl_rc rc = send_job(&r, job, out->out_fd, err);
    int refused = rc == KL_OK ? refusal(&r) : 0;
    enum kl_tool_end early = rc == KL_OK && refused == 0 ? await(&r, job->seconds) : KL_TOOL_NONE;
    finish(&r, early, refused, out);
    if (rc == KL_OK && refused != 0 && refused != ENOENT) {
        errno = refused;
        rc = kl_fail_errno(err, "an outside program could not be caged and was not run");
    }
    if (rc == KL_OK &&
        (fcntl(out->out_fd, F_ADD_SEALS, OUT_SEALS) != 0 || fstat(out->out_fd, &st) != 0)) {
        rc = kl_fail_errno(err, "the output of an outside program could not be sealed");
    }
    out->out_bytes = rc == KL_OK ? (uint64_t)st.st_size : 0;
    return rc;
}

enum kl_rc kl_tool_run(const char *program, const struct kl_tool_job *job,
                       struct kl_tool_result *out, struct kl_err *err)
{
    struct kl_tool_result r = {.out_fd = -1};

    if (!kl_tool_is_there(job->argv[0])) {
        *out = (struct kl_tool_result){.end = KL_TOOL_MISSING, .out_fd = -1};
        return KL_OK;
    }
    r.out_fd = memfd_create("kulla-tool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (r.out_fd < 0) {
        return kl_fail_errno(err, "no memory for the output of an outside program");
    }
    enum kl_rc rc = run(program, job, &r, err);
    if (rc != KL_OK || r.end == KL_TOOL_MISSING) {
        (void)close(r.out_fd);
        r.out_fd = -1;
    }
    if (rc == KL_OK) {
        *out = r;
    }
    return rc;
}
