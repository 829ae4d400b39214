/*
 * What the formats with passwords have in common: a hash by its name, AES of any key length.
 * On nettle, which opens no file and asks the kernel for nothing: it works in the cage.
 * Thread rule: pure but for the state that the caller owns.
 */
#ifndef KL_EXTRACT_CIPHER_H
#define KL_EXTRACT_CIPHER_H

#include <nettle/aes.h>
#include <nettle/nettle-meta.h>

#include "base/span.h"

#define KL_AES_BLOCK 16u
#define KL_HASH_MAX 64u /* bytes of the longest digest */

/* A hash that is being made; wipe it when what it saw is secret. */
struct kl_hash {
    const struct nettle_hash *kind;
    uint64_t ctx[32]; /* nettle's; the largest is that of SHA-512 */
};

void kl_hash_init(struct kl_hash *h, const struct nettle_hash *kind);
void kl_hash_add(struct kl_hash *h, struct kl_span bytes);
/** The digest; the hash begins anew. @param out  room for KL_HASH_MAX */
void kl_hash_end(struct kl_hash *h, uint8_t *out);

/** The digest of a, then b. */
void kl_hash_of(const struct nettle_hash *kind, struct kl_span a, struct kl_span b, uint8_t *out);

/* A key to decrypt with. */
struct kl_aes {
    size_t key_bytes; /* 16, 24, 32; 0: none */
    union {
        struct aes128_ctx a128;
        struct aes192_ctx a192;
        struct aes256_ctx a256;
    } u;
};

/** False: no key of AES has this length. */
bool kl_aes_set(struct kl_aes *a, struct kl_span key);

/** In place; len is a multiple of KL_AES_BLOCK. */
void kl_aes_ecb(const struct kl_aes *a, size_t len, uint8_t *ptr);
void kl_aes_cbc(const struct kl_aes *a, const uint8_t iv[KL_AES_BLOCK], size_t len, uint8_t *ptr);

#endif
