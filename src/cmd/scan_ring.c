#include "cmd/scan_ring.h"

#include "cmd/cmd.h"

#include <stdlib.h>
#include <unistd.h>

bool kl_scan_is_over(struct kl_scan_ring *r)
{
    return atomic_load(&r->live.cancel);
}

void kl_scan_fail_locked(struct kl_scan_ring *r, const char *where, const struct kl_err *err)
{
    if (!r->failed) {
        r->failed = true;
        (void)kl_cmd_failed(where, err);
    }
    atomic_store(&r->live.cancel, true);
    (void)pthread_cond_broadcast(&r->changed);
}

void kl_scan_fail(struct kl_scan_ring *r, const char *where, const struct kl_err *err)
{
    (void)pthread_mutex_lock(&r->lock);
    kl_scan_fail_locked(r, where, err);
    (void)pthread_mutex_unlock(&r->lock);
}

/* Its text is told; the finding is the list's until its pictures are. */
static bool show_early(struct kl_scan_ring *r, struct kl_scan_slot *s)
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
    r->slow[r->n_slow++] = (struct kl_scan_slow){s->fd, s->cut, s->dev, s->ino, s->finding};
    s->finding = (struct kl_finding){.path = NULL};
    s->fd = -1;
    return true;
}

static bool show_one(struct kl_scan_ring *r, struct kl_scan_slot *s)
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

void kl_scan_show_locked(struct kl_scan_ring *r)
{
    while (r->n_shown < r->n_put) {
        struct kl_scan_slot *s = &r->slots[r->n_shown % r->n_slots];
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
        *s = (struct kl_scan_slot){.fd = -1};
        r->n_shown++;
    }
    (void)pthread_cond_broadcast(&r->changed);
}

/* Wait for room; the new slot is the caller's until its state is set. NULL: the scan is over. */
static struct kl_scan_slot *wait_room_locked(struct kl_scan_ring *r)
{
    while (r->n_put - r->n_shown >= r->n_slots && !kl_scan_is_over(r)) {
        (void)pthread_cond_wait(&r->changed, &r->lock);
    }
    return kl_scan_is_over(r) ? NULL : &r->slots[r->n_put % r->n_slots];
}

bool kl_scan_put_file(struct kl_scan_ring *r, const struct kl_scan_slot *file, const char *path,
                      uint64_t id)
{
    struct kl_finding f;
    if (kl_finding_init(&f, path) != KL_OK) {
        kl_scan_fail(r, path, &(struct kl_err){.rc = KL_E_NOMEM});
        return false;
    }
    (void)pthread_mutex_lock(&r->lock);
    struct kl_scan_slot *s = wait_room_locked(r);
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

bool kl_scan_put_gap(struct kl_scan_ring *r, const char *path, const char *reason, uint64_t bytes,
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
        kl_scan_fail(r, path, &(struct kl_err){.rc = rc});
        return false;
    }
    kl_policy_decide(r->opts->policy, &f);
    (void)pthread_mutex_lock(&r->lock);
    struct kl_scan_slot *s = wait_room_locked(r);
    if (s != NULL) {
        *s = (struct kl_scan_slot){.state = SLOT_DONE, .fd = -1, .finding = f};
        r->n_put++;
        s->finding.id = id > 0 ? id : r->n_put;
        kl_scan_show_locked(r);
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (s == NULL) {
        kl_finding_done(&f);
    }
    return s != NULL;
}

struct kl_scan_slot *kl_scan_take(struct kl_scan_ring *r)
{
    struct kl_scan_slot *s = NULL;
    (void)pthread_mutex_lock(&r->lock);
    while (s == NULL) {
        /* Slots that the walk filled itself are done already. */
        while (r->n_taken < r->n_put &&
               (r->n_taken < r->n_shown || r->slots[r->n_taken % r->n_slots].state != SLOT_READY)) {
            r->n_taken++;
        }
        if (kl_scan_is_over(r) || (r->n_taken == r->n_put && r->walked)) {
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

void kl_scan_drain(struct kl_scan_ring *r)
{
    (void)pthread_mutex_lock(&r->lock);
    for (uint64_t i = r->n_shown; i < r->n_put; i++) {
        struct kl_scan_slot *s = &r->slots[i % r->n_slots];
        if (s->state == SLOT_READY) {
            kl_finding_done(&s->finding);
            s->finding.path = NULL;
            s->state = SLOT_DONE;
        }
    }
    kl_scan_show_locked(r);
    (void)pthread_mutex_unlock(&r->lock);
}
