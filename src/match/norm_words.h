/*
 * The words of a short text, folded and sorted without a loop over its bytes: what nearly every
 * cell of names, towns and addresses is. Only where the processor has AVX-512 with VBMI2; the
 * caller's way for all texts gives the same bytes (tests compare them).
 * Thread rule: pure.
 */
#ifndef KL_MATCH_NORM_WORDS_H
#define KL_MATCH_NORM_WORDS_H

#include "base/span.h"

#define KL_WORDS_ROOM 112u /* bytes that a form may write; the 31 behind its end are zero */
#define KL_WORDS_BATCH 32u

/**
 * The normal form of at most 64 bytes of ASCII, ë and ç that hold at most 8 words.
 * @param dst  room for KL_WORDS_ROOM bytes
 * @return its length, 0 when there is no word; SIZE_MAX: not such a text, or not such a processor
 */
size_t kl_words_quick(struct kl_span text, uint8_t dst[static KL_WORDS_ROOM]);

/* Texts, and the cells of their forms: many at once cost less than one by one. */
struct kl_words_batch {
    size_t n;
    struct kl_span text[KL_WORDS_BATCH];
    uint8_t *cell[KL_WORDS_BATCH]; /* 32 bytes: the form, zeros, and a last byte for the caller */
    size_t len[KL_WORDS_BATCH];    /* of the form, as kl_words_quick returns it */
    uint8_t form[KL_WORDS_BATCH][KL_WORDS_ROOM]; /* where a form of 32 bytes or more is instead */
};

/** kl_words_quick of each text; out are len and cell or form. @return false: not this processor */
bool kl_words_batch(struct kl_words_batch *b);

#endif
