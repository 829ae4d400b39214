#include "extract/session.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "extract/wire.h"
#include "os/cage.h"
#include "os/channel.h"
#include "os/role.h"
#include "os/signals.h"
#include "kulla/version.h"

#define START_MS 20000u /* a worker that is not caged by then never will be */
#define SLICE_MS 100u   /* between two looks at Ctrl-C */
#define LAST_WORDS 5

enum state {
    STATE_IDLE = 0, /* no document */
    STATE_RUNNING,
    STATE_LOST, /* the worker is gone; the last words are being said */
};

struct kl_session {
    char *program;
    unsigned progress_ms;
    const atomic_bool *stop;
    const struct kl_passwords *passwords;
    unsigned losses;
    struct kl_role role;
    const uint8_t *ring;
    unsigned cage_bits;
    bool cage_said; /* the anomaly cage.partial is said once */
    enum state state;
    uint32_t serial;
    unsigned consumed; /* blocks the caller is through with, not yet released */
    bool block_lent;   /* the event before was a BLOCK */
    struct kl_wire_order order;
    struct kl_rd batch; /* over frame.body */
    struct kl_event last_words[LAST_WORDS];
    unsigned n_words;
    unsigned next_word;
    struct kl_channel_frame frame;
};

static uint64_t now_ms(void)
{
    struct timespec ts = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool is_stopped(const struct kl_session *s)
{
    return kl_stop_is_asked() ||
           (s->stop != NULL && atomic_load_explicit(s->stop, memory_order_relaxed));
}

/* The worker is of no more use. @return its wait status */
static int end_worker(struct kl_session *s)
{
    if (s->role.pid == 0) {
        return 0;
    }
    s->losses++;
    int status = kl_role_end(&s->role);
    kl_ring_free(&s->ring);
    return status;
}

/**
 * Wait for a frame for at most wait_ms; a stop ends the wait when it may.
 * @return KL_E_MORE: nothing came in time
 */
static enum kl_rc await(struct kl_session *s, unsigned wait_ms, bool stoppable)
{
    uint64_t until = now_ms() + wait_ms;

    for (;;) {
        enum kl_rc rc = kl_channel_recv(s->role.channel_fd, &s->frame, NULL, true);
        if (rc != KL_E_MORE || now_ms() >= until || (stoppable && is_stopped(s))) {
            return rc;
        }
    }
}

static enum kl_rc send_passwords(struct kl_session *s)
{
    size_t at = 0;
    for (;;) {
        struct kl_span part = s->passwords == NULL
                                  ? kl_span_make(NULL, 0)
                                  : kl_passwords_pack(s->passwords, &at, KL_CHANNEL_BODY_BYTES);
        if (part.len == 0) {
            return KL_OK;
        }
        KL_TRY(kl_channel_send(s->role.channel_fd, KL_WIRE_PASSWORDS, 0, 0, part, -1, true));
    }
}

static enum kl_rc greet(struct kl_session *s, struct kl_err *err)
{
    unsigned slice = s->progress_ms < SLICE_MS ? s->progress_ms : SLICE_MS;
    int fd = -1;

    KL_TRY(kl_channel_wait_set(s->role.channel_fd, slice, err));
    KL_TRY(kl_ring_new(&fd, &s->ring, err));
    enum kl_rc rc =
        kl_channel_send(s->role.channel_fd, KL_WIRE_RING, 0, 0, kl_span_make(NULL, 0), fd, false);
    (void)close(fd);
    if (rc == KL_OK) {
        rc = await(s, START_MS, false);
    }
    if (rc == KL_E_FORMAT ||
        (rc == KL_OK && s->frame.head.type == KL_WIRE_READY &&
         !kl_span_is(kl_span_make(s->frame.body, s->frame.body_len), kl_version()))) {
        return kl_fail(err, KL_E_VERSION,
                       "the worker program is not of version %s; install kulla and libkulla of one "
                       "version",
                       kl_version());
    }
    if (rc == KL_OK && s->frame.head.type == KL_WIRE_READY) {
        s->cage_bits = (unsigned)s->frame.head.value;
        return send_passwords(s);
    }
    if (rc == KL_OK && s->frame.head.type == KL_WIRE_REFUSED) {
        return kl_fail(err, KL_E_IO,
                       "a worker could not be caged and refused to work; the kernel must have "
                       "seccomp (CONFIG_SECCOMP_FILTER)");
    }
    return kl_fail(err, KL_E_IO,
                   s->program != NULL
                       ? "a worker did not start; is the worker program a kulla, and intact"
                       : "a worker did not start; is this program intact and /proc mounted");
}

static enum kl_rc start_worker(struct kl_session *s, struct kl_err *err)
{
    KL_TRY(kl_role_start(s->program, "extract", &s->role, err));
    enum kl_rc rc = greet(s, err);
    if (rc != KL_OK) {
        (void)end_worker(s);
    }
    return rc;
}

enum kl_rc kl_session_new(const struct kl_session_opts *opts, struct kl_session **out_s,
                          struct kl_err *err)
{
    struct kl_session *s = calloc(1, sizeof *s);

    if (s == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    s->role.channel_fd = -1;
    s->stop = opts != NULL ? opts->stop : NULL;
    s->passwords = opts != NULL ? opts->passwords : NULL;
    s->progress_ms =
        opts != NULL && opts->progress_ms > 0 ? opts->progress_ms : KL_DOCUMENT_SECONDS * 1000;
    enum kl_rc rc = KL_OK;
    if (opts != NULL && opts->program != NULL) {
        s->program = strdup(opts->program);
        rc = s->program != NULL ? KL_OK : kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    if (rc == KL_OK) {
        rc = start_worker(s, err);
    }
    if (rc != KL_OK) {
        kl_session_free(&s);
        return rc;
    }
    *out_s = s;
    return KL_OK;
}

void kl_session_free(struct kl_session **s)
{
    if (*s == NULL) {
        return;
    }
    (void)end_worker(*s);
    free((*s)->program);
    free(*s);
    *s = NULL;
}

enum kl_rc kl_session_submit(struct kl_session *s, int fd, uint64_t len_bytes, struct kl_err *err)
{
    if (s->state != STATE_IDLE) {
        kl_session_cancel(s);
    }
    s->serial++;
    s->consumed = 0;
    s->block_lent = false;
    s->batch = kl_rd_init(kl_span_make(s->frame.body, 0));
    kl_wire_order_init(&s->order, len_bytes);
    /* A worker that died between two documents shows here: a new one, once. */
    for (int i = 0; i < 2; i++) {
        if (s->role.pid == 0) {
            KL_TRY(start_worker(s, err));
        }
        if (kl_channel_send(s->role.channel_fd, KL_WIRE_DOCUMENT, s->serial, len_bytes,
                            kl_span_make(NULL, 0), fd, false) == KL_OK) {
            s->state = STATE_RUNNING;
            return KL_OK;
        }
        (void)end_worker(s);
    }
    return kl_fail(err, KL_E_IO, "a worker died before it had a document; free memory and repeat");
}

static void add_word(struct kl_session *s, struct kl_event ev, const char *code)
{
    ev.text = KL_SPAN_LIT("");
    memcpy(ev.code, code, strlen(code) + 1);
    s->last_words[s->n_words++] = ev;
}

/**
 * Close the books of a document whose worker is gone. What its blocks covered is not
 * known (parts are of decoded or expanded text), so the honest sum is: nothing was inspected.
 */
static void lose(struct kl_session *s, enum kl_reason reason, const char *code)
{
    uint64_t bytes = s->order.doc_bytes;
    int status = end_worker(s);

    s->n_words = 0;
    s->next_word = 0;
    if (s->order.part_kind != KL_PART_NONE) {
        add_word(s, (struct kl_event){.kind = KL_EVENT_PART_END, .part_kind = s->order.part_kind},
                 "");
    }
    if (code != NULL) {
        add_word(s, (struct kl_event){.kind = KL_EVENT_ANOMALY}, code);
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        add_word(s, (struct kl_event){.kind = KL_EVENT_ANOMALY}, "worker.syscall");
    }
    add_word(s, (struct kl_event){.kind = KL_EVENT_NOT_INSPECTED, .reason = reason, .bytes = bytes},
             "");
    add_word(s, (struct kl_event){.kind = KL_EVENT_DONE, .seen = bytes, .not_inspected = bytes},
             "");
    s->state = STATE_LOST;
}

static void say(struct kl_session *s, struct kl_event *out_ev)
{
    *out_ev = s->last_words[s->next_word++];
    if (s->next_word == s->n_words) {
        s->state = STATE_IDLE;
    }
}

/* Give blocks back. A worker that does not read what it waits for is not ours any more. */
static enum kl_rc release(struct kl_session *s)
{
    if (s->consumed == 0) {
        return KL_OK;
    }
    enum kl_rc rc = kl_channel_send(s->role.channel_fd, KL_WIRE_RELEASE, s->serial, s->consumed,
                                    kl_span_make(NULL, 0), -1, false);
    s->order.in_flight -= s->consumed;
    s->consumed = 0;
    return rc;
}

/* The next frame: first what is there already, then release and wait. */
static enum kl_rc fetch(struct kl_session *s)
{
    if (s->consumed >= KL_BLOCK_SLOTS / 2) {
        KL_TRY(release(s) == KL_OK ? KL_OK : KL_E_IO);
    }
    enum kl_rc rc = KL_E_MORE;
    if (s->consumed > 0) {
        rc = kl_channel_recv(s->role.channel_fd, &s->frame, NULL, false);
    }
    if (rc == KL_E_MORE) {
        KL_TRY(release(s) == KL_OK ? KL_OK : KL_E_IO);
        rc = await(s, s->progress_ms, true);
    }
    if (rc != KL_OK) {
        return rc;
    }
    if (s->frame.head.type != KL_WIRE_EVENTS || s->frame.head.serial != s->serial ||
        s->frame.head.value != 0 || s->frame.body_len == 0) {
        return KL_E_FORMAT;
    }
    s->batch = kl_rd_init(kl_span_make(s->frame.body, s->frame.body_len));
    return KL_OK;
}

/* A record of the batch, or of the next one. */
static enum kl_rc take(struct kl_session *s, struct kl_event *out_ev)
{
    if (kl_rd_left(&s->batch) == 0) {
        KL_TRY(fetch(s));
    }
    KL_TRY(kl_wire_next(&s->order, &s->batch, s->ring, out_ev));
    /* Nothing may stand behind DONE. */
    return s->order.done && kl_rd_left(&s->batch) > 0 ? KL_E_FORMAT : KL_OK;
}

enum kl_rc kl_session_next(struct kl_session *s, struct kl_event *out_ev, struct kl_err *err)
{
    if (s->state == STATE_IDLE) {
        return kl_fail(err, KL_E_FORMAT, "no document is under way");
    }
    if (s->state == STATE_RUNNING && !s->cage_said &&
        (s->cage_bits & KL_CAGE_WHOLE) != KL_CAGE_WHOLE) {
        s->cage_said = true;
        *out_ev = (struct kl_event){
            .kind = KL_EVENT_ANOMALY, .code = "cage.partial", .text = KL_SPAN_LIT("")};
        return KL_OK;
    }
    if (s->state == STATE_RUNNING) {
        s->consumed += s->block_lent;
        s->block_lent = false;
        enum kl_rc rc = take(s, out_ev);
        if (rc == KL_OK) {
            s->block_lent = out_ev->kind == KL_EVENT_BLOCK;
            s->state = out_ev->kind == KL_EVENT_DONE ? STATE_IDLE : STATE_RUNNING;
            return KL_OK;
        }
        if (rc == KL_E_FORMAT) {
            lose(s, KL_REASON_CRASH, "worker.protocol");
        } else if (rc == KL_E_MORE) {
            lose(s, is_stopped(s) ? KL_REASON_STOPPED : KL_REASON_TIMEOUT, NULL);
        } else {
            lose(s, KL_REASON_CRASH, NULL);
        }
    }
    say(s, out_ev);
    return KL_OK;
}

void kl_session_cancel(struct kl_session *s)
{
    if (s->state == STATE_RUNNING) {
        (void)end_worker(s);
    }
    s->state = STATE_IDLE;
}

unsigned kl_session_losses_get(const struct kl_session *s)
{
    return s->losses;
}
