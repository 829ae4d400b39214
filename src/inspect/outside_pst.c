/* Outlook's store: readpst writes mailboxes into a scratch folder; each is read as a document. */
#include "inspect/outside_int.h"
#include "os/walk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READPST "/usr/bin/readpst"

struct reader {
    struct kl_outside_run *run;
    const struct kl_outside_file *f;
    size_t skip; /* bytes of the scratch folder's path */
};

static enum kl_rc on_mailbox(void *ctx, struct kl_walk_entry *e)
{
    struct reader *r = ctx;
    char path[4096];

    if (e->kind != KL_WALK_FILE || e->st.st_size <= 0) {
        return KL_OK;
    }
    (void)snprintf(path, sizeof path, "%s%s", r->f->path, (const char *)e->path.ptr + r->skip);
    return r->run->sink->text(r->run->sink->ctx, e->fd, (uint64_t)e->st.st_size, path, false);
}

static enum kl_rc read_into(struct kl_outside_run *run, const struct kl_outside_file *f,
                            const char *scratch)
{
    const struct kl_walk_opts opts = {.follow_root = false};
    struct reader reader = {run, f, strlen(scratch)};
    struct kl_tool_result r = {.out_fd = -1};
    const char *reason = NULL;
    struct kl_tool_job job = {
        /* -D: deleted items too; -j 0: no process of its own; mailboxes, all in one folder. */
        .argv = {READPST, "-q", "-D", "-8", "-j", "0", "-o", scratch, "/proc/self/fd/0", NULL},
        .in_fd = f->fd,
        .scratch = scratch,
    };

    KL_TRY(kl_outside_tool(run, &job, &r, &reason));
    if (r.out_fd >= 0) {
        (void)close(r.out_fd);
    }
    if (r.end == KL_TOOL_MISSING) {
        KL_TRY(kl_outside_missing(run, f->path, "tool.readpst"));
    }
    KL_TRY(kl_walk(scratch, &opts, on_mailbox, &reader, run->err));
    return reason != NULL ? kl_outside_lose(run, f->path, reason, f->share) : KL_OK;
}

enum kl_rc kl_outside_pst(struct kl_outside_run *run, const struct kl_outside_file *f)
{
    char scratch[1024];

    if (!kl_outside_scratch_make(scratch, sizeof scratch)) {
        KL_TRY(run->sink->note(run->sink->ctx, f->path, "tool.scratch"));
        return kl_outside_lose(run, f->path, "io", f->share);
    }
    enum kl_rc rc = read_into(run, f, scratch);
    kl_outside_scratch_remove(scratch);
    return rc;
}
