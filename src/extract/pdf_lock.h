/*
 * An encrypted PDF as if it were none: the same bytes, with the streams deciphered where they
 * stand and the name of the encryption dictionary changed, so that a program that reads it needs
 * no password. Strings outside of streams stay as they are; kl_pdf_lock_strings reads them.
 * Source: ISO 32000-2, 7.6.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_PDF_LOCK_H
#define KL_EXTRACT_PDF_LOCK_H

#include <nettle/arcfour.h>

#include "extract/cipher.h"
#include "extract/emit.h"
#include "extract/pdf_key.h"
#include "extract/pdf_scan.h"

#define KL_PDF_MARKS 64u /* places that name the encryption dictionary */

/* A stream that is enciphered. */
struct kl_pdf_range {
    uint64_t at;
    uint64_t len;
    uint32_t number;
    uint32_t generation;
};

struct kl_pdf_lock {
    struct kl_emit *e;
    const struct kl_input *in; /* the file as it is, borrowed */
    uint8_t *window;           /* KL_PDF_WINDOW, the caller's */
    struct kl_pdf_key key;
    struct kl_pdf_range *ranges; /* in order of place */
    size_t n_ranges;
    size_t cap_ranges;
    uint64_t left_bytes; /* of streams that stay as they are: too many, or of no known object */
    uint64_t marks[KL_PDF_MARKS];
    size_t n_marks;
    struct kl_source source;
    struct kl_input input; /* deciphers while it is read */
    /* The stream that was read last. */
    size_t current; /* n_ranges: none */
    uint64_t plain_bytes;
    struct kl_aes aes;
    struct arcfour_ctx rc4;
    uint64_t rc4_at;
};

/**
 * Look for a password that opens it (the empty one first).
 * @param window    KL_PDF_WINDOW bytes to work in
 * @param out_l     not to be moved while its input is in use; end it with kl_pdf_lock_done
 * @param out_open  true: out_l->input is the document
 */
KL_MUST enum kl_rc kl_pdf_unlock(struct kl_emit *e, const struct kl_input *in, uint8_t *window,
                                 struct kl_pdf_lock *out_l, bool *out_open);

/** The strings that stand outside of streams, as the level "strings": a line each. */
KL_MUST enum kl_rc kl_pdf_lock_strings(struct kl_pdf_lock *l);

void kl_pdf_lock_done(struct kl_pdf_lock *l);

#endif
