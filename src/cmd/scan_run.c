#include "cmd/scan_run.h"

#include "base/limits.h"
#include "base/progress.h"
#include "cmd/cmd.h"
#include "os/signals.h"
#include "os/spool.h"
#include "os/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_PER_JOB 16u        /* documents met but not yet shown, for each job */
#define STDIN_MEM_BYTES 16777216u /* of a pipe held in memory; beyond it a file */

/* A document between the walk and the output. */
enum slot_state {
    SLOT_FREE = 0,
    SLOT_READY, /* the walk has put it there */
    SLOT_TAKEN, /* a thread inspects it */
    SLOT_DONE,  /* its finding waits for those before it */
};

struct slot {
    enum slot_state state;
    int fd;
    uint64_t len_bytes;
    bool cut;  /* stdin had more than was read */
    dev_t dev; /* DONE with pictures pending: the same file is opened again */
    ino_t ino;
    struct kl_finding finding;
};

/* A document with pictures: inspected again, with them, when all text is told. */
struct slow {
    int fd; /* of stdin; -1: to be opened again */
    bool cut;
    dev_t dev;
    ino_t ino;
    struct kl_finding early; /* stands when the second round does not come to it */
};

struct run {
    const struct kl_scan_opts *opts;
    struct kl_scan_out *out;
    struct kl_inspect_live live;
    pthread_t walker;
    struct kl_progress line;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct slot *slots; /* ring of n_slots */
    size_t n_slots;
    uint64_t n_put; /* documents put into the ring so far */
    uint64_t n_taken;
    uint64_t n_shown;
    uint64_t n_total; /* of the counting walk */
    uint64_t bytes_total;
    bool walked;      /* nothing more will be put */
    bool failed;      /* told on stderr */
    bool missing;     /* a PATH does not exist; the walk's own */
    const char *root; /* the PATH that is walked; the walk's own */
    unsigned n_running;
    struct slow *slow;
    size_t n_slow;
    size_t cap_slow;
    size_t n_slow_shown; /* in the second round */
    bool is_slow;        /* the second round */
};

static bool is_over(struct run *r)
{
    return atomic_load(&r->live.cancel);
}

static void fail_locked(struct run *r, const char *where, const struct kl_err *err)
{
    if (!r->failed) {
        r->failed = true;
        (void)kl_cmd_failed(where, err);
    }
    atomic_store(&r->live.cancel, true);
    (void)pthread_cond_broadcast(&r->changed);
}

static void fail(struct run *r, const char *where, const struct kl_err *err)
{
    (void)pthread_mutex_lock(&r->lock);
    fail_locked(r, where, err);
    (void)pthread_mutex_unlock(&r->lock);
}

/* Its text is told; the finding is the list's until its pictures are. */
static bool show_early(struct run *r, struct slot *s)
{
    if (!kl_scan_out_early(r->out, &s->finding)) {
        return false;
    }
    if (r->n_slow == r->cap_slow) {
        size_t cap = r->cap_slow == 0 ? 64 : 2 * r->cap_slow;
        void *p = realloc(r->slow, cap * sizeof *r->slow);
        if (p == NULL) {
            return kl_cmd_failed(s->finding.path, &(struct kl_err){.rc = KL_E_NOMEM}) == 0;
        }
        r->slow = p;
        r->cap_slow = cap;
    }
    r->slow[r->n_slow++] = (struct slow){s->fd, s->cut, s->dev, s->ino, s->finding};
    s->finding = (struct kl_finding){.path = NULL};
    s->fd = -1;
    return true;
}

static bool show_one(struct run *r, struct slot *s)
{
    if (s->finding.path == NULL) {
        return true;
    }
    if (s->finding.n_pending > 0 && !r->is_slow) {
        return show_early(r, s);
    }
    r->n_slow_shown += r->is_slow;
    return kl_scan_out_add(r->out, &s->finding);
}

/* Give out what is done and has nothing undone before it. */
static void show_locked(struct run *r)
{
    while (r->n_shown < r->n_put) {
        struct slot *s = &r->slots[r->n_shown % r->n_slots];
        if (s->state != SLOT_DONE) {
            break;
        }
        kl_progress_clear(&r->line); /* findings may go to the same terminal */
        /* After a failure to write nothing more is shown, but all is released. */
        if (!r->failed && !show_one(r, s)) {
            r->failed = true;
            atomic_store(&r->live.cancel, true);
        }
        kl_finding_done(&s->finding);
        if (s->fd >= 0) {
            (void)close(s->fd);
        }
        *s = (struct slot){.fd = -1};
        r->n_shown++;
    }
    (void)pthread_cond_broadcast(&r->changed);
}

/* Wait for room; the new slot is the caller's until its state is set. NULL: the scan is over. */
static struct slot *wait_room_locked(struct run *r)
{
    while (r->n_put - r->n_shown >= r->n_slots && !is_over(r)) {
        (void)pthread_cond_wait(&r->changed, &r->lock);
    }
    return is_over(r) ? NULL : &r->slots[r->n_put % r->n_slots];
}

/* `id`: of the round before; 0: a new one */
static bool put_file(struct run *r, const struct slot *file, const char *path, uint64_t id)
{
    struct kl_finding f;
    if (kl_finding_init(&f, path) != KL_OK) {
        fail(r, path, &(struct kl_err){.rc = KL_E_NOMEM});
        return false;
    }
    (void)pthread_mutex_lock(&r->lock);
    struct slot *s = wait_room_locked(r);
    if (s != NULL) {
        *s = *file;
        s->state = SLOT_READY;
        s->finding = f;
        r->n_put++;
        s->finding.id = id > 0 ? id : r->n_put;
        (void)pthread_cond_broadcast(&r->changed);
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (s == NULL) {
        kl_finding_done(&f);
    }
    return s != NULL;
}

/* A finding that needs no inspection: what was met could not be opened or is no file. */
static bool put_gap(struct run *r, const char *path, const char *reason, uint64_t bytes,
                    uint64_t id)
{
    struct kl_finding f;
    enum kl_rc rc = kl_finding_init(&f, path);
    if (rc == KL_OK) {
        f.seen = bytes;
        f.not_inspected = bytes;
        rc = kl_finding_add_gap(&f, kl_span_make(NULL, 0), reason, bytes);
    }
    if (rc != KL_OK) {
        kl_finding_done(&f);
        fail(r, path, &(struct kl_err){.rc = rc});
        return false;
    }
    kl_policy_decide(r->opts->policy, &f);
    (void)pthread_mutex_lock(&r->lock);
    struct slot *s = wait_room_locked(r);
    if (s != NULL) {
        *s = (struct slot){.state = SLOT_DONE, .fd = -1, .finding = f};
        r->n_put++;
        s->finding.id = id > 0 ? id : r->n_put;
        show_locked(r);
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (s == NULL) {
        kl_finding_done(&f);
    }
    return s != NULL;
}

static uint64_t size_of(const struct kl_walk_entry *e)
{
    return S_ISREG(e->st.st_mode) && e->st.st_size > 0 ? (uint64_t)e->st.st_size : 0;
}

static enum kl_rc on_entry(void *ctx, struct kl_walk_entry *e)
{
    struct run *r = ctx;
    const char *path = (const char *)e->path.ptr;
    bool ok = !is_over(r);

    if (ok && kl_policy_is_ignored(r->opts->policy, path)) {
        (void)pthread_mutex_lock(&r->lock);
        kl_scan_out_ignore(r->out);
        (void)pthread_mutex_unlock(&r->lock);
        return KL_OK;
    }
    if (!ok) {
        return KL_E_MORE;
    }
    if (e->kind == KL_WALK_UNREADABLE && e->sys_errno == ENOENT && strcmp(path, r->root) == 0) {
        kl_cmd_note("there is no such file or directory", path, "check the path");
        r->missing = true;
        return KL_OK;
    }
    switch (e->kind) {
    case KL_WALK_FILE:
        ok = put_file(r, &(struct slot){.fd = e->fd, .len_bytes = size_of(e)}, path, 0);
        if (ok) {
            e->fd = -1; /* the thread that inspects it closes it */
        }
        break;
    case KL_WALK_LINK:
    case KL_WALK_SPECIAL:
        ok = put_gap(r, path, "special", 0, 0);
        break;
    case KL_WALK_UNREADABLE:
        ok = put_gap(r, path, "io", size_of(e), 0);
        break;
    case KL_WALK_LIMIT:
        ok = put_gap(r, path, "limit", 0, 0);
        break;
    case KL_WALK_NONE:
        break;
    }
    return ok ? KL_OK : KL_E_MORE;
}

static void walk_stdin(struct run *r)
{
    const struct kl_spool_opts opts = {KL_MAX_EXPANDED, STDIN_MEM_BYTES, NULL};
    struct kl_spool s = {.fd = -1};
    struct kl_err err = {0};

    if (kl_spool_fd(STDIN_FILENO, &opts, &s, &err) != KL_OK) {
        fail(r, "-", &err);
    } else if (!put_file(r, &(struct slot){.fd = s.fd, .len_bytes = s.len_bytes, .cut = s.cut}, "-",
                         0)) {
        (void)close(s.fd);
    }
}

static bool put_slow(struct run *r, struct slow *s)
{
    struct stat st = {.st_mode = 0};
    const char *path = s->early.path;
    int fd = s->fd >= 0 ? s->fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                (s->fd >= 0 || (st.st_dev == s->dev && st.st_ino == s->ino));

    s->fd = -1;
    if (same &&
        put_file(r, &(struct slot){.fd = fd, .len_bytes = (uint64_t)st.st_size, .cut = s->cut},
                 path, s->early.id)) {
        return true;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return !same && put_gap(r, path, fd >= 0 ? "changed" : "io", s->early.seen, s->early.id);
}

static void walk_slow(struct run *r)
{
    for (size_t i = 0; i < r->n_slow && !is_over(r); i++) {
        if (!put_slow(r, &r->slow[i])) {
            break;
        }
    }
}

static void walk_paths(struct run *r)
{
    const struct kl_walk_opts opts = {.follow_root = true};

    for (size_t i = 0; i < r->opts->n_paths && !is_over(r); i++) {
        struct kl_err err = {0};
        const char *path = r->opts->paths[i];
        if (strcmp(path, "-") == 0) {
            walk_stdin(r);
            continue;
        }
        r->root = path;
        enum kl_rc rc = kl_walk(path, &opts, on_entry, r, &err);
        if (rc != KL_OK && rc != KL_E_MORE) {
            err.rc = rc;
            fail(r, path, &err);
        }
    }
}

static void *walk_main(void *ctx)
{
    struct run *r = ctx;

    if (r->is_slow) {
        walk_slow(r);
    } else {
        walk_paths(r);
    }
    (void)pthread_mutex_lock(&r->lock);
    r->walked = true;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* How much there is, for the time left; only when someone watches. */
static enum kl_rc on_counted(void *ctx, struct kl_walk_entry *e)
{
    struct run *r = ctx;
    (void)pthread_mutex_lock(&r->lock);
    r->n_total++;
    r->bytes_total += size_of(e);
    (void)pthread_mutex_unlock(&r->lock);
    return is_over(r) ? KL_E_MORE : KL_OK;
}

static void *count_main(void *ctx)
{
    struct run *r = ctx;
    const struct kl_walk_opts opts = {.follow_root = true};
    for (size_t i = 0; i < r->opts->n_paths && !is_over(r); i++) {
        if (strcmp(r->opts->paths[i], "-") != 0) {
            kl_ignore(kl_walk(r->opts->paths[i], &opts, on_counted, r, NULL),
                      "only the time left depends on it");
        }
    }
    return NULL;
}

static struct slot *take(struct run *r)
{
    struct slot *s = NULL;
    (void)pthread_mutex_lock(&r->lock);
    while (s == NULL) {
        /* Slots that the walk filled itself are done already. */
        while (r->n_taken < r->n_put &&
               (r->n_taken < r->n_shown || r->slots[r->n_taken % r->n_slots].state != SLOT_READY)) {
            r->n_taken++;
        }
        if (is_over(r) || (r->n_taken == r->n_put && r->walked)) {
            break;
        }
        if (r->n_taken < r->n_put) {
            s = &r->slots[r->n_taken++ % r->n_slots];
            s->state = SLOT_TAKEN;
        } else {
            (void)pthread_cond_wait(&r->changed, &r->lock);
        }
    }
    (void)pthread_mutex_unlock(&r->lock);
    return s;
}

static enum kl_rc add_cut(const struct run *r, struct kl_finding *f)
{
    KL_TRY(kl_finding_add_gap(f, KL_SPAN_LIT("-"), "limit", 0));
    kl_policy_decide(r->opts->policy, f);
    return KL_OK;
}

/* Pictures are left: stdin is kept, a file is known again by its number. */
static void keep_for_later(struct slot *s)
{
    struct stat st;

    if (strcmp(s->finding.path, "-") == 0) {
        return;
    }
    if (fstat(s->fd, &st) == 0) {
        s->dev = st.st_dev;
        s->ino = st.st_ino;
    }
    (void)close(s->fd);
    s->fd = -1;
}

static enum kl_ocr ocr_of(const struct run *r)
{
    return !r->opts->ocr ? KL_OCR_OFF : r->is_slow ? KL_OCR_NOW : KL_OCR_LATER;
}

static void inspect_slot(struct run *r, struct kl_inspector *inspector, struct slot *s)
{
    struct kl_err err = {0};
    struct kl_finding f = {0};

    enum kl_rc rc =
        kl_inspector_file(inspector, s->fd, s->len_bytes, s->finding.path, ocr_of(r), &f, &err);
    f.id = s->finding.id;
    if (rc == KL_OK && s->cut) {
        rc = add_cut(r, &f);
    }
    (void)pthread_mutex_lock(&r->lock);
    if (rc == KL_OK && f.n_pending > 0) {
        keep_for_later(s);
    } else {
        (void)close(s->fd);
        s->fd = -1;
    }
    if (rc != KL_OK) {
        err.rc = rc;
        fail_locked(r, s->finding.path, &err);
    }
    kl_finding_done(&s->finding);
    s->finding = f;
    s->state = SLOT_DONE;
    show_locked(r);
    (void)pthread_mutex_unlock(&r->lock);
}

static void *inspect_main(void *ctx)
{
    struct run *r = ctx;
    struct kl_err err = {0};
    struct kl_inspector *inspector = NULL;

    enum kl_rc rc = kl_inspector_new(r->opts->ctx, &r->live, &inspector, &err);
    if (rc != KL_OK) {
        err.rc = rc;
        fail(r, NULL, &err);
    }
    for (struct slot *s = NULL; rc == KL_OK && (s = take(r)) != NULL;) {
        inspect_slot(r, inspector, s);
    }
    kl_inspector_free(&inspector);
    (void)pthread_mutex_lock(&r->lock);
    r->n_running--;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void on_wake(int sig)
{
    (void)sig;
}

/* The signal came to this thread; the walk may wait for a pipe: its read ends with EINTR. */
static void stop_walk(struct run *r)
{
    atomic_store(&r->live.cancel, true);
    (void)pthread_cond_broadcast(&r->changed);
    if (!r->walked) {
        (void)pthread_kill(r->walker, SIGUSR1);
    }
}

/* The main thread's part: pass Ctrl-C on, show the progress, wait. */
static void watch(struct run *r)
{
    struct timespec start;
    double shown_at = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    (void)pthread_mutex_lock(&r->lock);
    while (r->n_running > 0 || !r->walked) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&r->changed, &r->lock, &until);
        if (kl_stop_is_asked() || is_over(r)) {
            kl_stop_set(true); /* after a failure, too, a wait for stdin shall end */
            stop_walk(r);
        }
        double seconds = seconds_since(&start);
        if (!r->line.on || seconds - shown_at < 0.1) {
            continue; /* woken by a document */
        }
        shown_at = seconds;
        const struct kl_scan_totals *t = kl_scan_out_totals(r->out);
        kl_progress_show(
            &r->line, &(struct kl_progress_state){.unit = r->is_slow ? "pictured files" : "files",
                                                  .n_done = r->n_shown,
                                                  .n_total = r->n_total,
                                                  .bytes_done = atomic_load(&r->live.n_bytes),
                                                  .bytes_total = r->bytes_total,
                                                  .n_findings = t->n_documents - t->n_known -
                                                                t->n_verdicts[KL_VERDICT_PASS],
                                                  .has_findings = true,
                                                  .seconds = seconds});
    }
    (void)pthread_mutex_unlock(&r->lock);
}

/* After a stop: what was inspected is shown, what was only met is let go. */
static void drain(struct run *r)
{
    (void)pthread_mutex_lock(&r->lock);
    for (uint64_t i = r->n_shown; i < r->n_put; i++) {
        struct slot *s = &r->slots[i % r->n_slots];
        if (s->state == SLOT_READY) {
            kl_finding_done(&s->finding);
            s->finding.path = NULL;
            s->state = SLOT_DONE;
        }
    }
    show_locked(r);
    (void)pthread_mutex_unlock(&r->lock);
}

static void run_threads(struct run *r)
{
    pthread_t counter = 0;
    pthread_t *inspectors = calloc(r->opts->n_jobs, sizeof *inspectors);
    unsigned n_started = 0;
    bool walking = false;
    bool counting = false;
    struct kl_err err = {.rc = KL_E_NOMEM, .what = "no thread could be started; use fewer --jobs"};

    if (inspectors != NULL) {
        walking = pthread_create(&r->walker, NULL, walk_main, r) == 0;
    }
    counting =
        walking && r->line.on && !r->is_slow && pthread_create(&counter, NULL, count_main, r) == 0;
    r->n_running = r->opts->n_jobs; /* before the first can end */
    while (walking && n_started < r->opts->n_jobs &&
           pthread_create(&inspectors[n_started], NULL, inspect_main, r) == 0) {
        n_started++;
    }
    (void)pthread_mutex_lock(&r->lock);
    r->walked = r->walked || !walking;
    r->n_running -= r->opts->n_jobs - n_started;
    if (n_started < r->opts->n_jobs) {
        fail_locked(r, NULL, &err);
    }
    (void)pthread_mutex_unlock(&r->lock);
    watch(r);
    for (unsigned i = 0; i < n_started; i++) {
        (void)pthread_join(inspectors[i], NULL);
    }
    /* The inspectors end when all is done or the scan is over: then the walks end too. */
    if (walking) {
        (void)pthread_join(r->walker, NULL);
    }
    if (counting) {
        atomic_store(&r->live.cancel, true);
        (void)pthread_join(counter, NULL);
    }
    free(inspectors);
}

/* The second round: the documents with pictures, with their pictures. */
static void begin_slow(struct run *r)
{
    r->is_slow = true;
    r->walked = false;
    r->n_put = 0;
    r->n_taken = 0;
    r->n_shown = 0;
    r->n_total = r->n_slow;
    r->bytes_total = 0;
    atomic_store(&r->live.n_bytes, 0);
    atomic_store(&r->live.cancel, false);
}

/* What the second round did not come to counts as the first has told it. */
static void end_slow(struct run *r)
{
    for (size_t i = 0; i < r->n_slow; i++) {
        struct slow *s = &r->slow[i];
        if (i >= r->n_slow_shown) {
            kl_scan_out_count(r->out, &s->early);
        }
        if (s->fd >= 0) {
            (void)close(s->fd);
        }
        kl_finding_done(&s->early);
    }
    free(r->slow);
}

enum kl_scan_end kl_scan_run(const struct kl_scan_opts *opts, struct kl_scan_out *out)
{
    const struct sigaction wake = {.sa_handler = on_wake}; /* no SA_RESTART */
    struct run r = {.opts = opts, .out = out, .n_slots = (size_t)WINDOW_PER_JOB * opts->n_jobs};

    r.slots = calloc(r.n_slots, sizeof *r.slots);
    if (r.slots == NULL) {
        (void)kl_cmd_failed(NULL, &(struct kl_err){.rc = KL_E_NOMEM});
        return KL_SCAN_FAILED;
    }
    (void)pthread_mutex_init(&r.lock, NULL);
    (void)pthread_cond_init(&r.changed, NULL);
    (void)sigaction(SIGUSR1, &wake, NULL);
    kl_progress_init(&r.line, STDERR_FILENO);
    run_threads(&r);
    bool stopped = kl_stop_is_asked();
    drain(&r);
    if (r.n_slow > 0 && !stopped && !r.failed) {
        begin_slow(&r);
        run_threads(&r);
        stopped = kl_stop_is_asked();
        drain(&r);
    }
    end_slow(&r);
    kl_progress_clear(&r.line);
    (void)pthread_cond_destroy(&r.changed);
    (void)pthread_mutex_destroy(&r.lock);
    free(r.slots);
    return r.failed    ? KL_SCAN_FAILED
           : stopped   ? KL_SCAN_STOPPED
           : r.missing ? KL_SCAN_MISSING
                       : KL_SCAN_COMPLETE;
}
