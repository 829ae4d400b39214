/*
 * A member of an ODF package that is encrypted: AES in CBC mode, or Blowfish (before ODF 1.2),
 * with a key that PBKDF2 makes of the password.
 * Source: OASIS ODF 1.3 part 2, 4.5-4.9 and 5 (manifest:encryption-data).
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_ODF_LOCK_H
#define KL_EXTRACT_ODF_LOCK_H

#include <nettle/blowfish.h>

#include "extract/cipher.h"
#include "extract/xml_value.h"
#include "extract/zip.h"

enum kl_odf_cipher { KL_ODF_CIPHER_NONE = 0, KL_ODF_CIPHER_AES, KL_ODF_CIPHER_BLOWFISH };

struct kl_odf_bytes {
    uint8_t ptr[KL_XML_BASE64_MAX];
    uint8_t len;
};

/* What the manifest says of one member. */
struct kl_odf_entry {
    bool is_encrypted;
    bool has_size;
    uint8_t cipher;                  /* enum kl_odf_cipher; NONE: one that is not known */
    uint8_t key_bytes;               /* of the cipher */
    uint32_t rounds;                 /* of PBKDF2 */
    uint32_t size;                   /* of the member, unpacked: a claim */
    const struct nettle_hash *start; /* of the password, before PBKDF2; NULL: not known */
    const struct nettle_hash *check; /* of the first 1,024 bytes, deciphered; NULL: not known */
    struct kl_odf_bytes iv;
    struct kl_odf_bytes salt;
    struct kl_odf_bytes digest; /* that `check` must give */
};

struct kl_odf_lock {
    const struct kl_odf_entry *entry;
    const struct kl_zip *zip;
    uint64_t from; /* of the zip: the ciphertext */
    uint64_t len_bytes;
    struct kl_zip_member plain; /* the member as it is behind the lock: data at 0 of `input` */
    struct kl_source source;
    struct kl_input input; /* deciphers while it is read, at any place */
    union {
        struct kl_aes aes;
        struct blowfish_ctx blowfish;
    } key;
};

/**
 * Look for a password that opens the member.
 * @param entry     borrowed
 * @param out_l     not to be moved while its input is in use; wipe it with kl_odf_lock_done
 * @param out_open  true: out_l->plain and out_l->input are what is inside
 */
KL_MUST enum kl_rc kl_odf_unlock(struct kl_zip *zip, const struct kl_zip_member *m,
                                 const struct kl_odf_entry *entry, struct kl_odf_lock *out_l,
                                 bool *out_open);
void kl_odf_lock_done(struct kl_odf_lock *l);

#endif
