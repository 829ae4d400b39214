/* Shared by outside.c and the files of the single programs. */
#ifndef KL_INSPECT_OUTSIDE_INT_H
#define KL_INSPECT_OUTSIDE_INT_H

#include "inspect/outside.h"
#include "os/tool.h"

struct kl_outside_file {
    enum kl_part_kind kind;
    char *path;
    int fd;       /* the document's own, or a memory file */
    bool owns_fd; /* a memory file */
    uint64_t share;
};

struct kl_outside {
    struct kl_outside_file *files;
    size_t n_files;
    size_t cap_files;
    size_t next; /* to be run */
    bool open;   /* the last file takes blocks */
    uint64_t n_over;
    uint64_t over;       /* bytes behind files beyond KL_MAX_OUTSIDE */
    uint64_t share_left; /* of the file whose text is being read: what is in it has no more */
    int doc_fd;
    uint64_t doc_bytes;
};

struct kl_outside_run {
    struct kl_outside *o;
    const char *program;
    enum kl_ocr ocr;
    const struct kl_outside_sink *sink;
    struct kl_err *err;
    uint64_t n_pending;
    int64_t ocr_until_ms; /* when the document's time for pictures ends */
    unsigned ocr_pages;   /* read so far */
};

/**
 * Run a program with the limits of all.
 * @param out_reason  why its text cannot be had; NULL: it can
 */
KL_MUST enum kl_rc kl_outside_tool(struct kl_outside_run *run, const struct kl_tool_job *job,
                                   struct kl_tool_result *out, const char **out_reason);
KL_MUST enum kl_rc kl_outside_lose(struct kl_outside_run *run, const char *path, const char *reason,
                                   uint64_t bytes);
KL_MUST enum kl_rc kl_outside_missing(struct kl_outside_run *run, const char *path,
                                      const char *code);

/** A new folder for a program to write into, in memory where that can be; false: none. */
bool kl_outside_scratch_make(char *out, size_t cap);
/** It and its files. */
void kl_outside_scratch_remove(const char *folder);

void kl_outside_ocr_begin(struct kl_outside_run *run);
/** Read a picture on `fd`; out_reason as kl_outside_tool. */
KL_MUST enum kl_rc kl_outside_ocr(struct kl_outside_run *run, int fd, const char *path,
                                  const char **out_reason);

KL_MUST enum kl_rc kl_outside_pdf(struct kl_outside_run *run, const struct kl_outside_file *f);
KL_MUST enum kl_rc kl_outside_image(struct kl_outside_run *run, const struct kl_outside_file *f);
KL_MUST enum kl_rc kl_outside_pst(struct kl_outside_run *run, const struct kl_outside_file *f);

#endif
