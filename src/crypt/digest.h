/* BLAKE2b-256 of bytes, for chunk hashes and baselines. Thread rule: pure. */
#ifndef KL_CRYPT_DIGEST_H
#define KL_CRYPT_DIGEST_H

#include "base/span.h"

#define KL_DIGEST_BYTES 32
void kl_digest(struct kl_span bytes, uint8_t out[static KL_DIGEST_BYTES]);

/** Overwrite secret bytes; never optimised away. */
void kl_wipe(void *ptr, size_t len);

/** Fill with random bytes of the system. */
void kl_random(void *ptr, size_t len);

#endif
