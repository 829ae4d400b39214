/*
 * Files inside a document that programs of others read (PDF, pictures, PST): gathered while the
 * document is read, given to their programs afterwards, and their text handed back.
 *
 * pdftotext gives a PDF's text; pages without any are drawn by pdftoppm and read by tesseract, as
 * pictures are (the slow lane); readpst gives mailboxes. Each runs in a cage (os/tool.h).
 * Thread rule: one owner at a time.
 */
#ifndef KL_INSPECT_OUTSIDE_H
#define KL_INSPECT_OUTSIDE_H

#include "base/result.h"
#include "base/span.h"
#include "extract/event.h"
#include "inspect/inspect.h"

struct kl_outside; /* opaque: the files of one document */

/* Who takes what comes out; each callback's failure ends kl_outside_run. */
struct kl_outside_sink {
    void *ctx;
    /* A text, or a mailbox, to be read as a document of its own; is_ocr: read from a picture. */
    enum kl_rc (*text)(void *ctx, int fd, uint64_t len_bytes, const char *path, bool is_ocr);
    /* `bytes` of the document's file are not inspected. */
    enum kl_rc (*lost)(void *ctx, const char *path, const char *reason, uint64_t bytes);
    enum kl_rc (*note)(void *ctx, const char *path, const char *code);
};

KL_MUST enum kl_rc kl_outside_new(struct kl_outside **out_o);
void kl_outside_free(struct kl_outside **o);

/** Forget the files; the next document's own file is fd (borrowed until the next call). */
void kl_outside_begin(struct kl_outside *o, int fd, uint64_t len_bytes);

/** PART_BEGIN, BLOCK and PART_END of an outside part; `prefix` goes in front of its path. */
KL_MUST enum kl_rc kl_outside_event(struct kl_outside *o, const struct kl_event *ev,
                                    const char *prefix);

/**
 * Run the programs, also for files that come up on the way (a PDF in a mailbox).
 * @param program      as kl_inspect_opts.program
 * @param out_pending  files and pages left for the slow lane (KL_OCR_LATER)
 * @return KL_OK also after Ctrl-C (the rest is lost: stopped); KL_E_NOMEM, KL_E_IO
 */
KL_MUST enum kl_rc kl_outside_run(struct kl_outside *o, const char *program, enum kl_ocr ocr,
                                  const struct kl_outside_sink *sink, uint64_t *out_pending,
                                  struct kl_err *err);

#endif
