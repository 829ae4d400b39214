#include "cmd/scan_ring.h"

#include "base/limits.h"
#include "cmd/cmd.h"
#include "os/spool.h"
#include "os/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDIN_MEM_BYTES 16777216u /* of a pipe held in memory; beyond it a file */

static uint64_t size_of(const struct kl_walk_entry *e)
{
    return S_ISREG(e->st.st_mode) && e->st.st_size > 0 ? (uint64_t)e->st.st_size : 0;
}

static enum kl_rc on_entry(void *ctx, struct kl_walk_entry *e)
{
    struct kl_scan_ring *r = ctx;
    const char *path = (const char *)e->path.ptr;
    bool ok = !kl_scan_is_over(r);

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
        ok = kl_scan_put_file(r, &(struct kl_scan_slot){.fd = e->fd, .len_bytes = size_of(e)}, path,
                              0);
        if (ok) {
            e->fd = -1; /* the thread that inspects it closes it */
        }
        break;
    case KL_WALK_LINK:
    case KL_WALK_SPECIAL:
        ok = kl_scan_put_gap(r, path, "special", 0, 0);
        break;
    case KL_WALK_UNREADABLE:
        ok = kl_scan_put_gap(r, path, "io", size_of(e), 0);
        break;
    case KL_WALK_LIMIT:
        ok = kl_scan_put_gap(r, path, "limit", 0, 0);
        break;
    case KL_WALK_NONE:
        break;
    }
    return ok ? KL_OK : KL_E_MORE;
}

static void walk_stdin(struct kl_scan_ring *r)
{
    const struct kl_spool_opts opts = {KL_MAX_EXPANDED, STDIN_MEM_BYTES, NULL};
    struct kl_spool s = {.fd = -1};
    struct kl_err err = {0};

    if (kl_spool_fd(STDIN_FILENO, &opts, &s, &err) != KL_OK) {
        kl_scan_fail(r, "-", &err);
    } else if (!kl_scan_put_file(
                   r, &(struct kl_scan_slot){.fd = s.fd, .len_bytes = s.len_bytes, .cut = s.cut},
                   "-", 0)) {
        (void)close(s.fd);
    }
}

static bool put_slow(struct kl_scan_ring *r, struct kl_scan_slow *s)
{
    struct stat st = {.st_mode = 0};
    const char *path = s->early.path;
    int fd = s->fd >= 0 ? s->fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                (s->fd >= 0 || (st.st_dev == s->dev && st.st_ino == s->ino));

    s->fd = -1;
    if (same &&
        kl_scan_put_file(
            r, &(struct kl_scan_slot){.fd = fd, .len_bytes = (uint64_t)st.st_size, .cut = s->cut},
            path, s->early.id)) {
        return true;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return !same &&
           kl_scan_put_gap(r, path, fd >= 0 ? "changed" : "io", s->early.seen, s->early.id);
}

static void walk_slow(struct kl_scan_ring *r)
{
    for (size_t i = 0; i < r->n_slow && !kl_scan_is_over(r); i++) {
        if (!put_slow(r, &r->slow[i])) {
            break;
        }
    }
}

static void walk_paths(struct kl_scan_ring *r)
{
    const struct kl_walk_opts opts = {.follow_root = true};

    for (size_t i = 0; i < r->opts->n_paths && !kl_scan_is_over(r); i++) {
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
            kl_scan_fail(r, path, &err);
        }
    }
}

void *kl_scan_walk_main(void *ctx)
{
    struct kl_scan_ring *r = ctx;

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
    struct kl_scan_ring *r = ctx;
    (void)pthread_mutex_lock(&r->lock);
    r->n_total++;
    r->bytes_total += size_of(e);
    (void)pthread_mutex_unlock(&r->lock);
    return kl_scan_is_over(r) ? KL_E_MORE : KL_OK;
}

void *kl_scan_count_main(void *ctx)
{
    struct kl_scan_ring *r = ctx;
    const struct kl_walk_opts opts = {.follow_root = true};
    for (size_t i = 0; i < r->opts->n_paths && !kl_scan_is_over(r); i++) {
        if (strcmp(r->opts->paths[i], "-") != 0) {
            kl_ignore(kl_walk(r->opts->paths[i], &opts, on_counted, r, NULL),
                      "only the time left depends on it");
        }
    }
    return NULL;
}
