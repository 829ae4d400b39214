/*
 * One pass over a block of text that says which of the slower steps it needs.
 * Thread rule: pure functions.
 */
#ifndef KL_EXTRACT_GLANCE_H
#define KL_EXTRACT_GLANCE_H

#include "base/span.h"

/* What a block holds; clean ASCII is 0. */
#define KL_GLANCE_HIGH 1u /* bytes above 127 */
#define KL_GLANCE_NUL 2u  /* zero bytes */
#define KL_GLANCE_ESCAPE                                                                           \
    4u                   /* "%XX", "&#" or "&name", "=XX" or "=" at a line end, "\u", "\x", "\/" */
#define KL_GLANCE_RUN 8u /* 32 aligned bytes of the base64 alphabet, or digits in spaced pairs */
#define KL_GLANCE_MANGLED 16u /* the lead of UTF-8 that was read as a single-byte set */

unsigned kl_glance(struct kl_span text);

/** The first place at or after `from` (rounded up to 64) that raises KL_GLANCE_RUN; len if none. */
size_t kl_glance_run(struct kl_span text, size_t from);

/** True for the letters of base64, standard and URL-safe, without '='. */
bool kl_glance_is_base64(uint8_t c);

/** kl_glance without SIMD, for tests. */
unsigned kl_glance_portable(struct kl_span text);

#endif
