#include "inspect/outside.h"

#include "base/limits.h"
#include "inspect/outside_int.h"
#include "os/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum kl_rc kl_outside_new(struct kl_outside **out_o)
{
    struct kl_outside *o = calloc(1, sizeof *o);

    if (o == NULL) {
        return KL_E_NOMEM;
    }
    o->doc_fd = -1;
    *out_o = o;
    return KL_OK;
}

static void file_done(struct kl_outside_file *f)
{
    if (f->owns_fd) {
        (void)close(f->fd);
    }
    free(f->path);
}

void kl_outside_begin(struct kl_outside *o, int fd, uint64_t len_bytes)
{
    for (size_t i = 0; i < o->n_files; i++) {
        file_done(&o->files[i]);
    }
    o->n_files = 0;
    o->next = 0;
    o->open = false;
    o->over = 0;
    o->share_left = UINT64_MAX;
    o->doc_fd = fd;
    o->doc_bytes = len_bytes;
}

void kl_outside_free(struct kl_outside **op)
{
    if (*op == NULL) {
        return;
    }
    kl_outside_begin(*op, -1, 0);
    free((*op)->files);
    free(*op);
    *op = NULL;
}

/* ---- gathering ---- */

static char *join(const char *prefix, struct kl_span path)
{
    size_t n = strlen(prefix);
    char *s = malloc(n + path.len + 1);

    if (s != NULL) {
        memcpy(s, prefix, n);
        if (path.len > 0) {
            memcpy(s + n, path.ptr, path.len);
        }
        s[n + path.len] = '\0';
    }
    return s;
}

static enum kl_rc add_file(struct kl_outside *o, const struct kl_event *ev, const char *prefix)
{
    if (o->n_files == o->cap_files) {
        size_t cap = o->cap_files == 0 ? 8 : o->cap_files * 2;
        void *p = realloc(o->files, cap * sizeof *o->files);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        o->files = p;
        o->cap_files = cap;
    }
    struct kl_outside_file f = {.kind = ev->part_kind, .fd = o->doc_fd};
    f.path = join(prefix, ev->text);
    f.share = ev->bytes < o->share_left ? ev->bytes : o->share_left;
    if (f.path == NULL) {
        return KL_E_NOMEM;
    }
    o->files[o->n_files++] = f;
    o->open = true;
    return KL_OK;
}

static enum kl_rc add_bytes(struct kl_outside_file *f, struct kl_span bytes)
{
    if (!f->owns_fd) {
        int fd = memfd_create("kulla-outside", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0) {
            return KL_E_IO;
        }
        f->fd = fd;
        f->owns_fd = true;
    }
    while (bytes.len > 0) {
        ssize_t n = write(f->fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR) {
            return errno == ENOSPC || errno == ENOMEM ? KL_E_NOMEM : KL_E_IO;
        }
        bytes = n > 0 ? kl_span_part(bytes, (size_t)n, bytes.len) : bytes;
    }
    return KL_OK;
}

enum kl_rc kl_outside_event(struct kl_outside *o, const struct kl_event *ev, const char *prefix)
{
    if (ev->kind == KL_EVENT_BLOCK) {
        return o->open ? add_bytes(&o->files[o->n_files - 1], ev->text) : KL_OK;
    }
    if (ev->kind == KL_EVENT_PART_BEGIN && o->n_files < KL_MAX_OUTSIDE) {
        return add_file(o, ev, prefix);
    }
    if (ev->kind == KL_EVENT_PART_BEGIN) {
        o->over += ev->bytes < o->share_left ? ev->bytes : o->share_left;
        o->n_over++;
    }
    o->open = false;
    return KL_OK;
}

/* ---- running ---- */

/* Why there is no text; NULL: there is. */
static const char *reason_of(const struct kl_tool_result *r)
{
    switch (r->end) {
    case KL_TOOL_MISSING:
        return "format";
    case KL_TOOL_LATE:
        return "timeout";
    case KL_TOOL_STOPPED:
        return "stopped";
    case KL_TOOL_CRASHED:
        return "crash";
    case KL_TOOL_DONE:
    case KL_TOOL_NONE:
        break;
    }
    return r->status != 0 ? "format" : NULL;
}

enum kl_rc kl_outside_tool(struct kl_outside_run *run, const struct kl_tool_job *job,
                           struct kl_tool_result *out, const char **out_reason)
{
    struct kl_tool_job j = *job;

    j.max_bytes = KL_TOOL_BYTES;
    j.max_out_bytes = KL_TOOL_OUT_BYTES;
    j.seconds = KL_TOOL_SECONDS;
    enum kl_rc rc = kl_tool_run(run->program, &j, out, NULL);
    *out_reason = rc == KL_OK ? reason_of(out) : "io";
    /* No cage, no program: the document goes on without it. */
    return rc == KL_E_IO ? run->sink->note(run->sink->ctx, "", "tool.cage") : rc;
}

enum kl_rc kl_outside_lose(struct kl_outside_run *run, const char *path, const char *reason,
                           uint64_t bytes)
{
    return run->sink->lost(run->sink->ctx, path, reason, bytes);
}

/* A program that is not there: said once for each document and program. */
enum kl_rc kl_outside_missing(struct kl_outside_run *run, const char *path, const char *code)
{
    return run->sink->note(run->sink->ctx, path, code);
}

static enum kl_rc run_file(struct kl_outside_run *run, struct kl_outside_file *f)
{
    if (kl_stop_is_asked()) {
        return kl_outside_lose(run, f->path, "stopped", f->share);
    }
    switch (f->kind) {
    case KL_PART_PDF:
    case KL_PART_PDF_LOCKED:
        return kl_outside_pdf(run, f);
    case KL_PART_IMAGE:
    case KL_PART_HEIF:
        return kl_outside_image(run, f);
    case KL_PART_PST:
        return kl_outside_pst(run, f);
    case KL_PART_NONE:
    case KL_PART_TEXT:
    case KL_PART_TABLE:
        break;
    }
    return KL_OK;
}

enum kl_rc kl_outside_run(struct kl_outside *o, const char *program, enum kl_ocr ocr,
                          const struct kl_outside_sink *sink, uint64_t *out_pending,
                          struct kl_err *err)
{
    struct kl_outside_run run = {.o = o, .program = program, .ocr = ocr, .sink = sink, .err = err};
    enum kl_rc rc = KL_OK;

    kl_outside_ocr_begin(&run);
    while (rc == KL_OK && o->next < o->n_files) {
        /* A copy: the array may grow while its text is read. */
        struct kl_outside_file f = o->files[o->next++];
        o->share_left = f.share;
        rc = run_file(&run, &f);
    }
    if (rc == KL_OK && o->n_over > 0) {
        rc = sink->note(sink->ctx, "", "limit.outside");
        rc = rc == KL_OK ? kl_outside_lose(&run, "", "limit", o->over) : rc;
    }
    *out_pending = run.n_pending;
    return rc;
}
