/*
 * The streams of a PDF, found by their words and not by its tables, which may lie.
 * Private to extract/pdf*.c. Source: ISO 32000-1, 7.3.8.
 * Thread rule: one owner at a time.
 */
#ifndef KL_EXTRACT_PDF_SCAN_H
#define KL_EXTRACT_PDF_SCAN_H

#include "extract/input.h"

#define KL_PDF_WINDOW 65536u
#define KL_PDF_DICT 2048u /* of a stream's dictionary, looked at from its end */

struct kl_pdf_scan {
    const struct kl_input *in;
    uint8_t *window; /* KL_PDF_WINDOW, the caller's */
    uint64_t at;     /* where the next stream is looked for; 0 first */
    uint64_t from;   /* of `in`: what stands in the window; whoever writes there sets n to 0 */
    size_t n;
    uint8_t dict[KL_PDF_DICT];
};

struct kl_pdf_stream {
    uint64_t word_at; /* of "stream" */
    uint64_t at;      /* of its data */
    uint64_t len;     /* up to "endstream" */
    uint64_t said;    /* its length by the dictionary; 0: that says none, or says it elsewhere */
    bool is_numbered; /* the head of its object was found: */
    uint32_t number;
    uint32_t generation;
    struct kl_span dict; /* borrowed from the scan until the next one */
};

/** Offset of the next `word` in [from, to); `to` when there is none. */
uint64_t kl_pdf_find(struct kl_pdf_scan *s, uint64_t from, uint64_t to, struct kl_span word);

/** The next stream; false: there are no more. */
bool kl_pdf_next_stream(struct kl_pdf_scan *s, struct kl_pdf_stream *out);

/** The dictionary has this name in it. */
static inline bool kl_pdf_names(struct kl_span dict, const char *name)
{
    return kl_span_find(dict, 0, kl_span_str(name)) < dict.len;
}

#endif
