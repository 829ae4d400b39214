/*
 * The key of an encrypted PDF: what its encryption dictionary says, and whether a password (of the
 * user or of the owner) makes it. The standard handler, revisions 2 to 6.
 * Private to extract/pdf*.c. Source: ISO 32000-2, 7.6.4.
 * Thread rule: pure but for the state that the caller owns.
 */
#ifndef KL_EXTRACT_PDF_KEY_H
#define KL_EXTRACT_PDF_KEY_H

#include "base/span.h"

enum kl_pdf_cipher {
    KL_PDF_CIPHER_NONE = 0, /* as they are */
    KL_PDF_CIPHER_RC4,
    KL_PDF_CIPHER_AES128,
    KL_PDF_CIPHER_AES256,
};

struct kl_pdf_key {
    /* From the dictionary. */
    uint32_t version;
    uint32_t revision;
    uint32_t permissions;
    size_t key_bytes;
    bool has_plain_metadata;
    enum kl_pdf_cipher streams;
    enum kl_pdf_cipher strings;
    uint8_t owner[48];
    uint8_t user[48];
    uint8_t owner_key[32]; /* revision 5 and 6 */
    uint8_t user_key[32];
    uint8_t id[64]; /* of the file, first half */
    size_t id_len;
    /* Once it is open. */
    uint8_t key[32];
};

/**
 * @param dict  begins at or before its <<
 * @return false: it is cut, or not one that is known
 */
bool kl_pdf_key_read(struct kl_pdf_key *k, struct kl_span dict);

/** Does the password open it? Then k->key is the file's. */
bool kl_pdf_key_fits(struct kl_pdf_key *k, struct kl_span password);

/**
 * The key of what stands in object number.generation.
 * @param out  16 bytes, of AES-256 32
 * @return its length
 */
size_t kl_pdf_key_of(const struct kl_pdf_key *k, enum kl_pdf_cipher cipher, uint32_t number,
                     uint32_t generation, uint8_t out[static 32]);

#endif
