/*
 * The encryption of xls: XOR obfuscation, RC4 and RC4 with CryptoAPI. XOR has a verifier of 16
 * bits: one wrong password in 65,536 passes. Source: [MS-OFFCRYPTO] 2.3.5-2.3.7, [MS-XLS] 2.2.10.
 * Thread rule: pure but for the state that the caller owns.
 */
#ifndef KL_EXTRACT_XLS_CRYPT_H
#define KL_EXTRACT_XLS_CRYPT_H

#include <nettle/arcfour.h>

#include "base/span.h"

enum kl_xls_cipher {
    KL_XLS_CIPHER_NONE = 0,
    KL_XLS_CIPHER_XOR,
    KL_XLS_CIPHER_RC4,
    KL_XLS_CIPHER_CAPI,
};

struct kl_xls_crypt {
    enum kl_xls_cipher kind;
    uint8_t key[20]; /* XOR: the array; RC4: 5 bytes; CryptoAPI: the hash before the block's */
    uint8_t key_len; /* CryptoAPI: bytes of a block's key */
    bool has_block;
    uint32_t block; /* of 1024 bytes of the stream: which one rc4 stands in ... */
    uint32_t used;  /* ... and how many of its bytes are behind */
    struct arcfour_ctx rc4;
};

/**
 * @param filepass  payload of the FILEPASS record
 * @param is_biff8  else it has the short form of BIFF5
 * @param password  UTF-8
 * @return true: it is the password, kl_xls_decrypt works
 */
bool kl_xls_crypt_open(struct kl_xls_crypt *c, struct kl_span filepass, bool is_biff8,
                       struct kl_span password);

/**
 * Decrypt in place.
 * @param at       offset of data in the stream (below 4 GiB)
 * @param rec_len  length of the record's whole payload
 * @param skip     so many bytes at the front are not encrypted
 */
void kl_xls_decrypt(struct kl_xls_crypt *c, uint64_t at, size_t rec_len, uint8_t *data, size_t n,
                    size_t skip);

#endif
