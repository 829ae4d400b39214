/*
 * An encrypted member of a zip, once its password is known: ZipCrypto and WinZip's AES.
 * Sources: APPNOTE.TXT 6.3.10 section 6.1; "AES Encryption Information" (WinZip), AE-1 and AE-2.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_ZIP_LOCK_H
#define KL_EXTRACT_ZIP_LOCK_H

#include <nettle/aes.h>

#include "extract/zip.h"

struct kl_zip_lock {
    struct kl_zip *zip; /* borrowed, as m */
    const struct kl_zip_member *m;
    struct kl_zip_member plain; /* the member as it is behind the lock: data at 0 of `input` */
    uint64_t from;              /* of the zip: where the ciphertext begins */
    uint64_t len_bytes;
    struct kl_source source;
    struct kl_input input; /* deciphers while it is read */
    /* AES */
    unsigned key_bytes; /* 16, 24, 32; 0: ZipCrypto */
    uint8_t salt[16];
    uint8_t verifier[2];
    uint8_t mac_key[32];
    union {
        struct aes128_ctx a128;
        struct aes192_ctx a192;
        struct aes256_ctx a256;
    } aes;
    /* ZipCrypto */
    uint8_t check; /* what the last byte of its header must be */
    uint8_t header[12];
    uint32_t start[3]; /* keys behind the header */
    uint32_t keys[3];
    uint64_t at; /* of the ciphertext: where `keys` stand */
};

/**
 * Look for a password that opens the member.
 * @param out_l     not to be moved while its input is in use; hold it in memory of your own and
 *                  wipe it with kl_zip_lock_done
 * @param out_open  true: out_l->plain and out_l->input are what is inside
 */
KL_MUST enum kl_rc kl_zip_unlock(struct kl_zip *zip, const struct kl_zip_member *m,
                                 struct kl_zip_lock *out_l, bool *out_open);
void kl_zip_lock_done(struct kl_zip_lock *l);

#endif
