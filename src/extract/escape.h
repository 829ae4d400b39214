/*
 * Text written with escapes, to the text it stands for: percent, HTML entities, JSON and C
 * escapes, quoted-printable.
 * Thread rule: pure functions.
 */
#ifndef KL_EXTRACT_ESCAPE_H
#define KL_EXTRACT_ESCAPE_H

#include "base/span.h"

/**
 * Undo escapes in place; what is not one stays, '+' stays '+'. The result is never longer.
 * Quoted-printable only where the block looks like it (otherwise "id=20…" would lose digits);
 * "\n" and "\t" only beside other JSON escapes (otherwise a Windows path would lose letters).
 * Percent and quoted-printable give bytes of any character set.
 * @return the new length
 */
size_t kl_escape_undo(uint8_t *text, size_t len);

/** Where a block may be cut without cutting an escape: `len` or a few bytes less. */
size_t kl_escape_whole(struct kl_span text);

#endif
