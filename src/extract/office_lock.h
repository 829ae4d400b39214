/*
 * An Office package (docx, xlsx, pptx, xlsb) behind a password: a compound file with the streams
 * EncryptionInfo and EncryptedPackage. Agile and standard encryption with AES.
 * Source: [MS-OFFCRYPTO] 2.3.4.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_OFFICE_LOCK_H
#define KL_EXTRACT_OFFICE_LOCK_H

#include "extract/cipher.h"
#include "extract/emit.h"
#include "extract/xml_value.h"

#define KL_OFFICE_FIELD KL_XML_BASE64_MAX /* bytes of a salt, a verifier, an encrypted key */

struct kl_office_field {
    uint8_t ptr[KL_OFFICE_FIELD];
    size_t len; /* 0: not given, or longer than any that is known */
};

struct kl_office_lock {
    const struct kl_input *package; /* EncryptedPackage, borrowed */
    uint64_t len_bytes;             /* of what is in it */
    struct kl_source source;
    struct kl_input input; /* deciphers while it is read, at any place */
    struct kl_aes key;     /* of the package, once it is open */
    bool is_agile;
    /* What says whether a password fits. */
    const struct nettle_hash *hash;
    uint32_t spin;
    size_t key_bytes;
    struct kl_office_field salt;
    struct kl_office_field verifier; /* encrypted */
    struct kl_office_field verifier_hash;
    /* Agile: the package has a key of its own, and segments with an initial block each. */
    struct kl_office_field key_value; /* encrypted */
    struct kl_office_field data_salt;
    const struct nettle_hash *data_hash;
    size_t data_key_bytes;
};

/**
 * Look for a password that opens the package.
 * @param info      EncryptionInfo
 * @param out_l     not to be moved while its input is in use; wipe it with kl_office_lock_done
 * @param out_open  true: out_l->input is the package
 */
KL_MUST enum kl_rc kl_office_unlock(struct kl_emit *e, const struct kl_input *info,
                                    const struct kl_input *package, struct kl_office_lock *out_l,
                                    bool *out_open);
void kl_office_lock_done(struct kl_office_lock *l);

/** Part of it: the XML of agile encryption, into `l`. False: not one that is known. */
KL_MUST enum kl_rc kl_office_agile_read(struct kl_office_lock *l, struct kl_span xml,
                                        bool *out_known);

#endif
