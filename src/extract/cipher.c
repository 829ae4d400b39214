#include "extract/cipher.h"

#include <assert.h>
#include <nettle/cbc.h>

/* ---- hashes ---- */

void kl_hash_init(struct kl_hash *h, const struct nettle_hash *kind)
{
    assert(kind->context_size <= sizeof h->ctx && kind->digest_size <= KL_HASH_MAX);
    h->kind = kind;
    kind->init(h->ctx);
}

void kl_hash_add(struct kl_hash *h, struct kl_span bytes)
{
    h->kind->update(h->ctx, bytes.len, bytes.ptr);
}

void kl_hash_end(struct kl_hash *h, uint8_t *out)
{
    h->kind->digest(h->ctx, h->kind->digest_size, out);
}

void kl_hash_of(const struct nettle_hash *kind, struct kl_span a, struct kl_span b, uint8_t *out)
{
    struct kl_hash h;
    kl_hash_init(&h, kind);
    kl_hash_add(&h, a);
    kl_hash_add(&h, b);
    kl_hash_end(&h, out);
    explicit_bzero(&h, sizeof h);
}

/* ---- AES ---- */

bool kl_aes_set(struct kl_aes *a, struct kl_span key)
{
    a->key_bytes = key.len;
    switch (key.len) {
    case 16:
        aes128_set_decrypt_key(&a->u.a128, key.ptr);
        return true;
    case 24:
        aes192_set_decrypt_key(&a->u.a192, key.ptr);
        return true;
    case 32:
        aes256_set_decrypt_key(&a->u.a256, key.ptr);
        return true;
    default:
        a->key_bytes = 0;
        return false;
    }
}

static nettle_cipher_func *decrypt_of(const struct kl_aes *a)
{
    return a->key_bytes == 16   ? nettle_aes128.decrypt
           : a->key_bytes == 24 ? nettle_aes192.decrypt
                                : nettle_aes256.decrypt;
}

void kl_aes_ecb(const struct kl_aes *a, size_t len, uint8_t *ptr)
{
    decrypt_of(a)(&a->u, len, ptr, ptr);
}

void kl_aes_cbc(const struct kl_aes *a, const uint8_t iv[KL_AES_BLOCK], size_t len, uint8_t *ptr)
{
    uint8_t last[KL_AES_BLOCK];
    memcpy(last, iv, sizeof last);
    cbc_decrypt(&a->u, decrypt_of(a), KL_AES_BLOCK, last, len, ptr, ptr);
}
