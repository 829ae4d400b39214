/*
 * An input line by line, from front to back, through a window of fixed size.
 * Thread rule: one owner at a time.
 */
#ifndef KL_EXTRACT_MAIL_LINES_H
#define KL_EXTRACT_MAIL_LINES_H

#include "extract/input.h"

#define KL_LINE_BYTES 32768u /* a longer line comes in pieces */

struct kl_line {
    struct kl_span text; /* with its line end; borrowed until the next call */
    uint64_t at;         /* of the input */
    bool is_start;       /* a line begins here, not the next piece of one */
    bool is_whole;       /* it ends with a line end */
};

struct kl_lines {
    const struct kl_input *in;
    uint8_t *buf;
    size_t pos;
    size_t len;
    uint64_t buf_at; /* input offset of buf[0] */
    bool in_line;    /* the piece before was not the end of its line */
    bool io;         /* the input cannot be read */
    bool cut;        /* it ended before its length */
};

/** `in` is borrowed. KL_E_NOMEM. */
KL_MUST enum kl_rc kl_lines_init(struct kl_lines *l, const struct kl_input *in);
void kl_lines_done(struct kl_lines *l);

/** The next line or piece; false at the end (io and cut say which). */
bool kl_lines_next(struct kl_lines *l, struct kl_line *out_line);

/** The line behind the one that came last, as far as a window shows it; borrowed alike. */
struct kl_span kl_lines_peek(const struct kl_lines *l);

/** Take back the last `n` bytes of the line that came last (all of it: it comes again). */
void kl_lines_back(struct kl_lines *l, const struct kl_line *line, size_t n);

/** Where the next line begins. */
uint64_t kl_lines_at(const struct kl_lines *l);

/** Go to `at`, the begin of a line. */
void kl_lines_seek(struct kl_lines *l, uint64_t at);

/** A line without its line end. */
struct kl_span kl_line_body(const struct kl_line *line);

#endif
