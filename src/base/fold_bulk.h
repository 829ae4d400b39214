/*
 * The fast inner loops of fold.c: what is ASCII (and, with AVX-512, Latin-1) goes through here.
 * Thread rule: pure functions.
 */
#ifndef KL_BASE_FOLD_BULK_H
#define KL_BASE_FOLD_BULK_H

#include "base/span.h"

/**
 * Fold a prefix of `text` as far as the fast path reaches; stops in front of a character it leaves
 * to the caller, always at a character's border.
 * @param keep_case  as kl_fold_view
 * @param out        bytes behind what was written may be overwritten, never past cap
 * @param out_used   bytes of text consumed
 * @return bytes written
 */
size_t kl_fold_bulk(struct kl_span text, bool keep_case, uint8_t *out, size_t cap,
                    size_t *out_used);

/** Offset of the first byte at or after `from` that may begin an odd character; text.len if none.
 */
size_t kl_fold_suspect(struct kl_span text, size_t from);

#endif
