/*
 * Strict UTF-8: is there a well-formed character here, and may a terminal see it?
 * Thread rule: pure functions. Source: Unicode 15, table 3-7.
 */
#ifndef KL_FINDING_UTF8_H
#define KL_FINDING_UTF8_H

#include "base/span.h"

/**
 * Length of the well-formed character at `at`, 1..4, or 0 when there is none.
 * @param out_cp  its code point; written only when the length is not 0
 */
size_t kl_utf8_char(struct kl_span text, size_t at, uint32_t *out_cp);

/** True when all of text is well-formed. */
bool kl_utf8_is_wellformed(struct kl_span text);

/** False for what moves the cursor, reorders or hides text: controls, bidi, zero-width, line and
 * paragraph separators. */
bool kl_utf8_is_plain(uint32_t cp);

#endif
