/*
 * The words of PDF's syntax outside of streams.
 * Private to extract/pdf*.c. Source: ISO 32000-1, 7.2-7.3.
 * Thread rule: one owner at a time.
 */
#ifndef KL_EXTRACT_PDF_VALUE_H
#define KL_EXTRACT_PDF_VALUE_H

#include "base/span.h"

#define KL_PDF_STRING 16384u /* bytes of a string that are kept */

enum kl_pdf_kind {
    KL_PDF_END = 0, /* no more, or the last word may go on behind the end */
    KL_PDF_NAME,    /* text: without the slash */
    KL_PDF_TEXT,    /* a string: see `string` */
    KL_PDF_OPEN,    /* << */
    KL_PDF_CLOSE,   /* >> */
    KL_PDF_WORD,    /* numbers, keywords, [ and ] */
};

struct kl_pdf_lex {
    struct kl_span in;
    size_t at;           /* behind the last word that was whole */
    struct kl_span text; /* of NAME and WORD, borrowed from `in` */
    uint8_t string[KL_PDF_STRING];
    size_t string_len;
};

static inline bool kl_pdf_is_blank(uint8_t c)
{
    return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

enum kl_pdf_kind kl_pdf_lex_next(struct kl_pdf_lex *l);

/** The number that a WORD is, by two's complement when it is negative; 0: none. */
uint32_t kl_pdf_number(struct kl_span text);

#endif
