/*
 * An input that is in a set of characters its container names, read as text by its content.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_DECODED_H
#define KL_EXTRACT_DECODED_H

#include "extract/codepage.h"
#include "extract/emit.h"
#include "extract/input.h"

/**
 * Extract `in`, decoded, as the level `name`. What is in no known set is left to the rule of
 * charset.h; past the deepest level it is not inspected.
 */
KL_MUST enum kl_rc kl_decoded_extract(struct kl_emit *e, const struct kl_input *in,
                                      struct kl_codepage set, struct kl_span name);

/** The same without decoding: a file, by its content. */
KL_MUST enum kl_rc kl_plain_extract(struct kl_emit *e, const struct kl_input *in,
                                    struct kl_span name);

#endif
