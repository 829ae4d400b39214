/*
 * Unicode folding, one table shared by the index builder, the scanner and extract.
 *
 * fold = NFKC-like compatibility mapping, case folding, diacritics stripped (ë→e, ç→c, đ→d,
 * ø→o, ß→ss …), zero-width, soft-hyphen, bidi and combining marks dropped, every kind of space
 * and dash to ' ' and '-'. Generated once (tools/gen_fold.py writes base/fold_table.h) and
 * hashed: kl_fold_table_id is stored in every index.
 * Thread rule: pure functions.
 */
#ifndef KL_BASE_FOLD_H
#define KL_BASE_FOLD_H

#include "base/span.h"

/**
 * One code point of UTF-8 text.
 * @param at  in: offset of a character; out: behind it (always advances by >= 1)
 * @return the code point; U+FFFD for a malformed sequence
 */
uint32_t kl_utf8_next(struct kl_span text, size_t *at);

/** Write cp as UTF-8 to out (4 bytes of room); returns its length. */
size_t kl_utf8_put(uint32_t cp, uint8_t out[4]);

/**
 * The folded form of one code point: 0 to 4 lower-case code points, mostly ASCII.
 * @param out  room for 4; returns how many (0: the character vanishes)
 */
unsigned kl_fold_char(uint32_t cp, uint32_t out[4]);

/**
 * Fold text: lower case, no marks, Cyrillic and Greek words transliterated to Latin (a word
 * made only of look-alike letters, or mixed with Latin letters or digits, is taken as a
 * disguise and mapped by look instead). Line ends, tabs and punctuation stay.
 * @param out  room for 4 * text.len bytes is always enough
 * @return bytes written, valid UTF-8
 */
size_t kl_fold_text(struct kl_span text, uint8_t *out, size_t cap);

/**
 * The scan view of a block with odd code points (full-width, zero-width, look-alikes,
 * Cyrillic, Greek, NFD …): as kl_fold_text but the case of Latin letters is kept. ASCII is
 * unchanged; ë and other accented letters lose their marks here too.
 */
size_t kl_fold_view(struct kl_span text, uint8_t *out, size_t cap);

/** True when text holds code points for which kl_fold_view finds what a plain scan misses. */
bool kl_fold_is_odd(struct kl_span text);

/** 8-byte hash of the fold table; differs whenever a mapping differs. */
uint64_t kl_fold_table_id(void);

#endif
