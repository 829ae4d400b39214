#include "cmd/scan_ring.h"

#include "cmd/cmd.h"
#include "os/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_PER_JOB 16u /* documents met but not yet shown, for each job */

static enum kl_rc add_cut(const struct kl_scan_ring *r, struct kl_finding *f)
{
    KL_TRY(kl_finding_add_gap(f, KL_SPAN_LIT("-"), "limit", 0));
    kl_policy_decide(r->opts->policy, f);
    return KL_OK;
}

/* Pictures are left: stdin is kept, a file is known again by its number. */
static void keep_for_later(struct kl_scan_slot *s)
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

static enum kl_ocr ocr_of(const struct kl_scan_ring *r)
{
    return !r->opts->ocr ? KL_OCR_OFF : r->is_slow ? KL_OCR_NOW : KL_OCR_LATER;
}

static void inspect_slot(struct kl_scan_ring *r, struct kl_inspector *inspector,
                         struct kl_scan_slot *s)
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
        kl_scan_fail_locked(r, s->finding.path, &err);
    }
    kl_finding_done(&s->finding);
    s->finding = f;
    s->state = SLOT_DONE;
    kl_scan_show_locked(r);
    (void)pthread_mutex_unlock(&r->lock);
}

static void *inspect_main(void *ctx)
{
    struct kl_scan_ring *r = ctx;
    struct kl_err err = {0};
    struct kl_inspector *inspector = NULL;

    enum kl_rc rc = kl_inspector_new(r->opts->ctx, &r->live, &inspector, &err);
    if (rc != KL_OK) {
        err.rc = rc;
        kl_scan_fail(r, NULL, &err);
    }
    for (struct kl_scan_slot *s = NULL; rc == KL_OK && (s = kl_scan_take(r)) != NULL;) {
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
static void stop_walk(struct kl_scan_ring *r)
{
    atomic_store(&r->live.cancel, true);
    (void)pthread_cond_broadcast(&r->changed);
    if (!r->walked) {
        (void)pthread_kill(r->walker, SIGUSR1);
    }
}

/* The main thread's part: pass Ctrl-C on, show the progress, wait. */
static void watch(struct kl_scan_ring *r)
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
        if (kl_stop_is_asked() || kl_scan_is_over(r)) {
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

static void run_threads(struct kl_scan_ring *r)
{
    pthread_t counter = 0;
    pthread_t *inspectors = calloc(r->opts->n_jobs, sizeof *inspectors);
    unsigned n_started = 0;
    bool walking = false;
    bool counting = false;
    struct kl_err err = {.rc = KL_E_NOMEM, .what = "no thread could be started; use fewer --jobs"};

    if (inspectors != NULL) {
        walking = pthread_create(&r->walker, NULL, kl_scan_walk_main, r) == 0;
    }
    counting = walking && r->line.on && !r->is_slow &&
               pthread_create(&counter, NULL, kl_scan_count_main, r) == 0;
    r->n_running = r->opts->n_jobs; /* before the first can end */
    while (walking && n_started < r->opts->n_jobs &&
           pthread_create(&inspectors[n_started], NULL, inspect_main, r) == 0) {
        n_started++;
    }
    (void)pthread_mutex_lock(&r->lock);
    r->walked = r->walked || !walking;
    r->n_running -= r->opts->n_jobs - n_started;
    if (n_started < r->opts->n_jobs) {
        kl_scan_fail_locked(r, NULL, &err);
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
static void begin_slow(struct kl_scan_ring *r)
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
static void end_slow(struct kl_scan_ring *r)
{
    for (size_t i = 0; i < r->n_slow; i++) {
        struct kl_scan_slow *s = &r->slow[i];
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
    struct kl_scan_ring r = {
        .opts = opts, .out = out, .n_slots = (size_t)WINDOW_PER_JOB * opts->n_jobs};

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
    kl_scan_drain(&r);
    if (r.n_slow > 0 && !stopped && !r.failed) {
        begin_slow(&r);
        run_threads(&r);
        stopped = kl_stop_is_asked();
        kl_scan_drain(&r);
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
