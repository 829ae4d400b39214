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
    4u /* "%XX", "&#" or "&name", "=XX" or "=" at a line end, "\u", "\x", "\/" */
#define KL_GLANCE_RUN                                                                              \
    8u /* 32 aligned bytes that may be base64 or hex, or digits in spaced pairs                    \
        */
#define KL_GLANCE_MANGLED 16u /* the lead of UTF-8 that was read as a single-byte set */
#define KL_GLANCE_WIDE 32u /* every other byte zero, three times: text of two bytes a character */

#define KL_GLANCE_SLOW (KL_GLANCE_HIGH | KL_GLANCE_ESCAPE | KL_GLANCE_MANGLED)

unsigned kl_glance(struct kl_span text);

/** The same of the first n bytes, up to 64 more when n is not so many times 64; the bytes behind
 * are looked at for what begins before. */
unsigned kl_glance_part(struct kl_span text, size_t n);

enum kl_glance_kind {
    KL_GLANCE_NOTHING = 0,
    KL_GLANCE_FIRST,  /* 32 letters, in the first half of 64 bytes */
    KL_GLANCE_SECOND, /* 32 letters, in the second half */
    KL_GLANCE_PAIRS,  /* 64 bytes of digits in spaced pairs */
};

/**
 * The first place at or after `from` (rounded up to 64) that raises KL_GLANCE_RUN.
 * @param out_at  where; not written for KL_GLANCE_NOTHING
 */
enum kl_glance_kind kl_glance_run(struct kl_span text, size_t from, size_t *out_at);

/** True for the letters of base64, standard and URL-safe, without '='. */
bool kl_glance_is_base64(uint8_t c);

/** How many bytes at the start are such letters: up to 64. */
size_t kl_glance_letters(struct kl_span text);

/** kl_glance_part without SIMD, for tests. */
unsigned kl_glance_portable(struct kl_span text, size_t n);

#endif
