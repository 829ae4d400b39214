/*
 * A buffered output file of the generator. Failures stick and are reported at the end.
 * Thread rule: one owner at a time.
 */
#ifndef KL_REGISTER_SYNTH_FILE_H
#define KL_REGISTER_SYNTH_FILE_H

#include "base/result.h"
#include "base/span.h"

struct kl_synth_file {
    int fd;
    int sys_errno; /* of the first failed write; 0: none */
    size_t len;
    uint64_t bytes; /* written so far */
    uint8_t *buf;
};

/** Create or truncate dir/name; release with kl_synth_file_close, also after a failure. */
KL_MUST enum kl_rc kl_synth_file_open(struct kl_synth_file *f, const char *dir, const char *name,
                                      struct kl_err *err);
void kl_synth_file_add(struct kl_synth_file *f, const void *ptr, size_t len);
void kl_synth_file_add_str(struct kl_synth_file *f, const char *s);
/** A CSV cell: quoted when it holds sep, a quote or a line end. */
void kl_synth_file_add_csv(struct kl_synth_file *f, struct kl_span cell, char sep);
/** Flush and close; KL_E_IO when any write failed. */
KL_MUST enum kl_rc kl_synth_file_close(struct kl_synth_file *f, struct kl_err *err);

/** mkdir, fine when it is there. */
KL_MUST enum kl_rc kl_synth_dir_make(const char *path, struct kl_err *err);

#endif
