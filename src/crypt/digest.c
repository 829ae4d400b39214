#include "crypt/digest.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>

void kl_digest(struct kl_span bytes, uint8_t out[static KL_DIGEST_BYTES])
{
    (void)crypto_generichash(out, KL_DIGEST_BYTES, bytes.ptr, bytes.len, NULL, 0);
}

enum kl_rc kl_digest_file(int fd, char out_hex[static 65])
{
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    uint8_t buf[65536];
    off_t at = 0;

    (void)crypto_hash_sha256_init(&state);
    for (;;) {
        ssize_t n = pread(fd, buf, sizeof buf, at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return KL_E_IO;
        }
        if (n == 0) {
            break;
        }
        (void)crypto_hash_sha256_update(&state, buf, (unsigned long long)n);
        at += n;
    }
    (void)crypto_hash_sha256_final(&state, hash);
    (void)sodium_bin2hex(out_hex, 65, hash, sizeof hash);
    return KL_OK;
}

void kl_wipe(void *ptr, size_t len)
{
    sodium_memzero(ptr, len);
}

void kl_random(void *ptr, size_t len)
{
    randombytes_buf(ptr, len);
}
