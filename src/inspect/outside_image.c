/* Pictures: tesseract, in English and Albanian, within the document's time. */
#include "base/limits.h"
#include "inspect/outside_int.h"
#include "os/walk.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TESSERACT "/usr/bin/tesseract"
#define HEIF_CONVERT "/usr/bin/heif-convert"
#define ALBANIAN "/usr/share/tesseract-ocr/5/tessdata/sqi.traineddata"

static int64_t now_ms(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void kl_outside_ocr_begin(struct kl_outside_run *run)
{
    run->ocr_until_ms = now_ms() + (int64_t)KL_OCR_SECONDS * 1000;
    run->ocr_pages = 0;
}

static enum kl_rc check_budget(struct kl_outside_run *run, const char *path,
                               const char **out_reason)
{
    if (now_ms() < run->ocr_until_ms && run->ocr_pages < KL_MAX_OCR_PAGES) {
        return KL_OK;
    }
    *out_reason = "limit";
    return run->sink->note(run->sink->ctx, path, "limit.ocr");
}

enum kl_rc kl_outside_ocr(struct kl_outside_run *run, int fd, const char *path,
                          const char **out_reason)
{
    struct kl_tool_result r = {.out_fd = -1};
    /* "-" would be a file name to it. One block of text: a table's rows stay lines. */
    struct kl_tool_job job = {
        .argv = {TESSERACT, "stdin", "stdout", "-l",
                 access(ALBANIAN, R_OK) == 0 ? "eng+sqi" : "eng", "--psm", "6", NULL},
        .in_fd = fd,
    };

    KL_TRY(check_budget(run, path, out_reason));
    if (*out_reason != NULL) {
        return KL_OK;
    }
    run->ocr_pages++;
    enum kl_rc rc = kl_outside_tool(run, &job, &r, out_reason);
    if (rc == KL_OK && r.end == KL_TOOL_MISSING) {
        rc = kl_outside_missing(run, path, "tool.tesseract");
    }
    if (rc == KL_OK && *out_reason == NULL && r.out_bytes > 0) {
        rc = run->sink->text(run->sink->ctx, r.out_fd, r.out_bytes, path, true);
    }
    if (r.out_fd >= 0) {
        (void)close(r.out_fd);
    }
    return rc;
}

/* ---- HEIF: heif-convert writes a PNG for each picture in it ---- */

struct pictures {
    struct kl_outside_run *run;
    const struct kl_outside_file *f;
    unsigned n;
    const char *reason;
};

static enum kl_rc on_picture(void *ctx, struct kl_walk_entry *e)
{
    struct pictures *p = ctx;

    if (e->kind != KL_WALK_FILE || e->st.st_size <= 0 || p->reason != NULL) {
        return KL_OK;
    }
    p->n++;
    return kl_outside_ocr(p->run, e->fd, p->f->path, &p->reason);
}

static enum kl_rc convert(struct kl_outside_run *run, const struct kl_outside_file *f,
                          const char *scratch, const char **out_reason)
{
    const struct kl_walk_opts opts = {.follow_root = false};
    struct pictures p = {.run = run, .f = f};
    struct kl_tool_result r = {.out_fd = -1};
    char picture[1100];
    struct kl_tool_job job = {
        .argv = {HEIF_CONVERT, "--quiet", "/proc/self/fd/0", picture, NULL},
        .in_fd = f->fd,
        .scratch = scratch,
        .threads = true, /* libde265 waits for its own for ever */
    };

    (void)snprintf(picture, sizeof picture, "%s/picture.png", scratch);
    KL_TRY(kl_outside_tool(run, &job, &r, out_reason));
    if (r.out_fd >= 0) {
        (void)close(r.out_fd);
    }
    if (r.end == KL_TOOL_MISSING) {
        return kl_outside_missing(run, f->path, "tool.heif-convert");
    }
    if (*out_reason != NULL) {
        return KL_OK;
    }
    KL_TRY(kl_walk(scratch, &opts, on_picture, &p, run->err));
    *out_reason = p.n == 0 ? "format" : p.reason;
    return KL_OK;
}

static enum kl_rc read_heif(struct kl_outside_run *run, const struct kl_outside_file *f,
                            const char **out_reason)
{
    char scratch[1024];

    KL_TRY(check_budget(run, f->path, out_reason));
    if (*out_reason != NULL) {
        return KL_OK;
    }
    if (!kl_outside_scratch_make(scratch, sizeof scratch)) {
        *out_reason = "io";
        return run->sink->note(run->sink->ctx, f->path, "tool.scratch");
    }
    enum kl_rc rc = convert(run, f, scratch, out_reason);
    kl_outside_scratch_remove(scratch);
    return rc;
}

static enum kl_rc read_now(struct kl_outside_run *run, const struct kl_outside_file *f,
                           const char **out_reason)
{
    return f->kind == KL_PART_HEIF ? read_heif(run, f, out_reason)
                                   : kl_outside_ocr(run, f->fd, f->path, out_reason);
}

enum kl_rc kl_outside_image(struct kl_outside_run *run, const struct kl_outside_file *f)
{
    const char *reason = NULL;

    switch (run->ocr) {
    case KL_OCR_NOW:
        KL_TRY(read_now(run, f, &reason));
        return reason != NULL ? kl_outside_lose(run, f->path, reason, f->share) : KL_OK;
    case KL_OCR_LATER:
        run->n_pending++;
        return kl_outside_lose(run, f->path, "pending", f->share);
    case KL_OCR_OFF:
        break;
    }
    KL_TRY(run->sink->note(run->sink->ctx, f->path, "ocr.off"));
    return kl_outside_lose(run, f->path, "format", f->share);
}
