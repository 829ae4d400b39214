/*
 * Words of a text that may be the password of what comes with it: "fjalëkalimi: Tirana2024".
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_WORDS_H
#define KL_EXTRACT_WORDS_H

#include "extract/emit.h"

#define KL_WORDS_TEXT_BYTES 65536u /* more of a text is not looked at */

/**
 * Note the words behind "password", "pass", "pw", "kod", "fjalëkalimi" and their like, and in a
 * text of up to 4096 bytes each word of 6 to 40 characters with a digit in it.
 * @param text  UTF-8 or 8-bit; the first KL_WORDS_TEXT_BYTES are looked at
 */
KL_MUST enum kl_rc kl_words_note(struct kl_emit *e, struct kl_span text);

/**
 * The same with what is to be done with each word; for tests and for kl_words_note.
 * @param take  called for each, in order; its result other than KL_OK ends it
 */
KL_MUST enum kl_rc kl_words_find(struct kl_span text,
                                 enum kl_rc (*take)(void *ctx, struct kl_span word), void *ctx);

#endif
