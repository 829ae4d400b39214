#include "crypt/digest.h"

#include <sodium.h>

void kl_digest(struct kl_span bytes, uint8_t out[static KL_DIGEST_BYTES])
{
    (void)crypto_generichash(out, KL_DIGEST_BYTES, bytes.ptr, bytes.len, NULL, 0);
}

void kl_wipe(void *ptr, size_t len)
{
    sodium_memzero(ptr, len);
}

void kl_random(void *ptr, size_t len)
{
    randombytes_buf(ptr, len);
}
