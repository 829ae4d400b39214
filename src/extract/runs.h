/*
 * The runs of a text, gathered while it is read and extracted when its part is closed.
 * Thread rule: one owner at a time.
 */
#ifndef KL_EXTRACT_RUNS_H
#define KL_EXTRACT_RUNS_H

#include "extract/emit.h"
#include "extract/run.h"

struct kl_runs {
    struct kl_buf list; /* struct kl_run, in order */
    uint64_t past;      /* input offset up to which runs were measured */
    bool full;          /* some were left as plain text */
};

void kl_runs_init(struct kl_runs *r);
void kl_runs_done(struct kl_runs *r);

/**
 * Find the runs that begin in a piece of text.
 * @param text  the piece, as UTF-8; at a run its characters are those of the input
 * @param from  look only at runs that show in text[from, to)
 * @param like  step and phase of the input's characters; its `from` is the offset of text
 */
KL_MUST enum kl_rc kl_runs_find(struct kl_runs *r, const struct kl_input *in, struct kl_span text,
                                size_t from, size_t to, const struct kl_run *like);

/** Decode each and extract what is in it, inside levels "base64@OFFSET" and "hex@OFFSET". */
KL_MUST enum kl_rc kl_runs_extract(struct kl_runs *r, struct kl_emit *e, const struct kl_input *in);

#endif
