/*
 * The packed RTF of Outlook: LZFu, and MELA (stored).
 * Source: [MS-OXRTFCP] 2.1-2.2.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_LZFU_H
#define KL_EXTRACT_LZFU_H

#include "extract/emit.h"
#include "extract/input.h"

/** Unpack and extract by content, as the level `name`; what is no such data is read as it is. */
KL_MUST enum kl_rc kl_lzfu_extract(struct kl_emit *e, const struct kl_input *in,
                                   struct kl_span name);

#endif
