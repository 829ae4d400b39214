/*
 * Runs of base64 and hex in a document: found in the text, read from the input again.
 *
 * A run may be wrapped (lines of one length), written in JSON ("\/", "\n") or in a URL
 * ("%2B"), and in UTF-16 or UTF-32 (step 2 or 4).
 * Thread rule: one run source, one thread.
 */
#ifndef KL_EXTRACT_RUN_H
#define KL_EXTRACT_RUN_H

#include "base/buf.h"
#include "extract/input.h"

enum kl_run_kind {
    KL_RUN_NONE = 0, /* not a run: plain text */
    KL_RUN_BASE64,
    KL_RUN_HEX,   /* one string of digits, perhaps wrapped */
    KL_RUN_PAIRS, /* hex digits in pairs with something between */
};

struct kl_run {
    enum kl_run_kind kind;
    uint8_t step;  /* bytes of the input per character: 1, 2, 4 */
    uint8_t phase; /* which of them holds the character */
    uint64_t from; /* in bytes of the input */
    uint64_t to;
};

/* Characters below this make no run. */
#define KL_RUN_LEAST 64u

/**
 * Measure the run that begins at run->from (step and phase are set): kind and end.
 * @param known  bytes of the input from run->from on that the caller has already; may be empty
 * KL_RUN_NONE: nothing there; `to` is then where to look on.
 * @return KL_E_IO: the input cannot be read
 */
KL_MUST enum kl_rc kl_run_measure(const struct kl_input *in, struct kl_span known,
                                  struct kl_run *run);

/**
 * Decode from *at on (first: run->from) until the run ends or max_bytes are there.
 * @param out  bytes are appended; *at advances; *at == run->to: done
 */
KL_MUST enum kl_rc kl_run_decode(const struct kl_input *in, const struct kl_run *run, uint64_t *at,
                                 size_t max_bytes, struct kl_buf *out);

#endif
