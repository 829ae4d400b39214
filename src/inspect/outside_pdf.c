/* PDF: pdftotext for the text; pages that have none are drawn and read as pictures. */
#include "base/limits.h"
#include "inspect/outside_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PDFTOTEXT "/usr/bin/pdftotext"
#define PDFTOPPM "/usr/bin/pdftoppm"
#define LEAST_LETTERS 16u /* of a page: less is a page number under a picture */
#define PATH_EXTRA 32u

/* Pages without text, by number from 1. */
struct blank {
    uint32_t pages[KL_MAX_OCR_PAGES];
    uint32_t n;      /* kept */
    uint32_t n_more; /* beyond */
    uint32_t n_pages;
};

static void end_page(struct blank *b, size_t letters)
{
    b->n_pages++;
    if (letters >= LEAST_LETTERS) {
        return;
    }
    if (b->n < KL_MAX_OCR_PAGES) {
        b->pages[b->n++] = b->n_pages;
    } else {
        b->n_more++;
    }
}

/* pdftotext ends each page with a form feed. */
static enum kl_rc find_blank(const struct kl_tool_result *r, struct blank *out)
{
    *out = (struct blank){.n = 0};
    if (r->out_bytes == 0) {
        return KL_OK;
    }
    uint8_t *map = mmap(NULL, (size_t)r->out_bytes, PROT_READ, MAP_PRIVATE, r->out_fd, 0);
    if (map == MAP_FAILED) {
        return KL_E_NOMEM;
    }
    struct kl_span text = kl_span_make(map, (size_t)r->out_bytes);
    size_t letters = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '\f') {
            end_page(out, letters);
            letters = 0;
        } else {
            letters += c > ' ';
        }
    }
    (void)munmap(map, (size_t)r->out_bytes);
    return KL_OK;
}

static enum kl_rc draw(struct kl_outside_run *run, const struct kl_outside_file *f, uint32_t page,
                       struct kl_tool_result *out, const char **out_reason)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%u", page);
    struct kl_tool_job job = {
        .argv = {PDFTOPPM, "-r", "300", "-gray", "-f", number, "-l", number, "fd://0", NULL},
        .in_fd = f->fd,
    };
    return kl_outside_tool(run, &job, out, out_reason);
}

static enum kl_rc read_page(struct kl_outside_run *run, const struct kl_outside_file *f,
                            uint32_t page, const char **out_reason)
{
    struct kl_tool_result r = {.out_fd = -1};
    size_t len = strlen(f->path) + PATH_EXTRA;
    char *path = malloc(len);

    if (path == NULL) {
        return KL_E_NOMEM;
    }
    (void)snprintf(path, len, "%s/page %u", f->path, page);
    enum kl_rc rc = draw(run, f, page, &r, out_reason);
    if (rc == KL_OK && *out_reason == NULL) {
        rc = kl_outside_ocr(run, r.out_fd, path, out_reason);
    }
    if (r.out_fd >= 0) {
        (void)close(r.out_fd);
    }
    free(path);
    return rc;
}

/* A page's part of the file. */
static uint64_t share_of(const struct kl_outside_file *f, uint32_t n, uint32_t n_pages)
{
    return n_pages == 0 ? f->share : (uint64_t)((double)f->share * n / n_pages);
}

static enum kl_rc read_pages(struct kl_outside_run *run, const struct kl_outside_file *f,
                             const struct blank *b)
{
    if (b->n_more > 0) {
        KL_TRY(run->sink->note(run->sink->ctx, f->path, "limit.ocr"));
        KL_TRY(kl_outside_lose(run, f->path, "limit", share_of(f, b->n_more, b->n_pages)));
    }
    for (uint32_t i = 0; i < b->n; i++) {
        const char *reason = NULL;
        KL_TRY(read_page(run, f, b->pages[i], &reason));
        if (reason != NULL) {
            KL_TRY(kl_outside_lose(run, f->path, reason, share_of(f, 1, b->n_pages)));
        }
    }
    return KL_OK;
}

static enum kl_rc with_text(struct kl_outside_run *run, const struct kl_outside_file *f,
                            const struct kl_tool_result *r)
{
    struct blank b;

    KL_TRY(find_blank(r, &b));
    if (r->out_bytes > b.n_pages) {
        KL_TRY(run->sink->text(run->sink->ctx, r->out_fd, r->out_bytes, f->path, false));
    }
    if (b.n == 0) {
        return KL_OK;
    }
    switch (run->ocr) {
    case KL_OCR_NOW:
        return read_pages(run, f, &b);
    case KL_OCR_LATER:
        run->n_pending += b.n;
        return kl_outside_lose(run, f->path, "pending", share_of(f, b.n + b.n_more, b.n_pages));
    case KL_OCR_OFF:
        break;
    }
    KL_TRY(run->sink->note(run->sink->ctx, f->path, "ocr.off"));
    return kl_outside_lose(run, f->path, "format", share_of(f, b.n + b.n_more, b.n_pages));
}

enum kl_rc kl_outside_pdf(struct kl_outside_run *run, const struct kl_outside_file *f)
{
    struct kl_tool_result r = {.out_fd = -1};
    const char *reason = NULL;
    struct kl_tool_job job = {
        .argv = {PDFTOTEXT, "-q", "-layout", "-enc", "UTF-8", "fd://0", "-", NULL},
        .in_fd = f->fd,
    };

    enum kl_rc rc = kl_outside_tool(run, &job, &r, &reason);
    if (rc == KL_OK && r.end == KL_TOOL_MISSING) {
        rc = kl_outside_missing(run, f->path, "tool.pdftotext");
    }
    if (rc == KL_OK && reason != NULL) {
        /* Half a text is better than none. */
        if (r.out_bytes > 0) {
            rc = run->sink->text(run->sink->ctx, r.out_fd, r.out_bytes, f->path, false);
        }
        bool locked = f->kind == KL_PART_PDF_LOCKED && r.end == KL_TOOL_DONE;
        rc = rc == KL_OK ? kl_outside_lose(run, f->path, locked ? "encrypted" : reason, f->share)
                         : rc;
    } else if (rc == KL_OK) {
        rc = with_text(run, f, &r);
    }
    if (r.out_fd >= 0) {
        (void)close(r.out_fd);
    }
    return rc;
}
