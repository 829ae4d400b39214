/*
 * Text that was read from a picture, with the confusions of reading undone for identifiers.
 *
 * OCR takes J for ')', O for 0, I for 1 or 'l', S for 5, B for 8, T for 7. A token that looks like
 * a mangled identity number is written again behind itself in each reading whose check letter is
 * right; in tokens that are nearly digits the letters become digits. What OCR read stays.
 * Thread rule: pure functions.
 */
#ifndef KL_MATCH_OCR_VIEW_H
#define KL_MATCH_OCR_VIEW_H

#include "base/span.h"

/** Bytes that the view of a text of this length may take, at most. */
size_t kl_ocr_view_max(size_t text_len);

/**
 * @param text  UTF-8
 * @param out   room for kl_ocr_view_max(text.len)
 * @return bytes written: the text, with readings inserted behind a tab each
 */
size_t kl_ocr_view(struct kl_span text, uint8_t *out);

#endif
