/*
 * The only code that turns a value of a register or a document into text.
 * Thread rule: pure.
 */
#ifndef KL_FINDING_REDACT_H
#define KL_FINDING_REDACT_H

#include "base/span.h"

#define KL_REDACT_BYTES 16

/**
 * "A1…8K": the first two and last two of at least 8 characters, one and one of 4 to 7, else only
 * the ellipsis; one and one, too, where two and two would not fit. Characters that are malformed or
 * not plain show as
 * '?'. White space around the value does not count.
 * @param out  valid UTF-8, zero-terminated
 */
void kl_redact(struct kl_pii value, char out[static KL_REDACT_BYTES]);

#endif
