/* Pictures: tesseract, in English and Albanian, within the document's time. */
#include "base/limits.h"
#include "inspect/outside_int.h"

#include <time.h>
#include <unistd.h>

#define TESSERACT "/usr/bin/tesseract"
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

    if (now_ms() >= run->ocr_until_ms || run->ocr_pages >= KL_MAX_OCR_PAGES) {
        *out_reason = "limit";
        return run->sink->note(run->sink->ctx, path, "limit.ocr");
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

enum kl_rc kl_outside_image(struct kl_outside_run *run, const struct kl_outside_file *f)
{
    const char *reason = NULL;

    switch (run->ocr) {
    case KL_OCR_NOW:
        KL_TRY(kl_outside_ocr(run, f->fd, f->path, &reason));
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
