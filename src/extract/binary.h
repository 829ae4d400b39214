/*
 * Views over bytes of no known structure: printable runs, 8-bit and UTF-16.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_BINARY_H
#define KL_EXTRACT_BINARY_H

#include "extract/emit.h"
#include "extract/input.h"

/** An OLE2 file whose directory names an encrypted package (an Office file with a password). */
bool kl_binary_is_encrypted(const struct kl_input *in);

/**
 * The UTF-16 view (both byte orders, any alignment) of [from, to) as a part of its own,
 * at the level "utf16"; `to` at most the end of the input.
 */
KL_MUST enum kl_rc kl_binary_utf16(struct kl_emit *e, const struct kl_input *in, uint64_t from,
                                   uint64_t to);

#endif
