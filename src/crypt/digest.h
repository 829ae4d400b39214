/*
 * BLAKE2b-256 of bytes, for chunk hashes and baselines; SHA-256 of a file, to name it to people.
 * Thread rule: pure.
 */
#ifndef KL_CRYPT_DIGEST_H
#define KL_CRYPT_DIGEST_H

#include "base/result.h"
#include "base/span.h"

#define KL_DIGEST_BYTES 32
void kl_digest(struct kl_span bytes, uint8_t out[static KL_DIGEST_BYTES]);

#define KL_DIGEST_CHUNKS 8u

/**
 * kl_digest of each of the first KL_DIGEST_CHUNKS chunks of `bytes`, side by side where the
 * processor can.
 * @param chunk_bytes  > 0; the last chunk may be shorter
 * @return how many chunks that were
 */
size_t kl_digest_chunks(struct kl_span bytes, size_t chunk_bytes,
                        uint8_t out[static KL_DIGEST_CHUNKS][KL_DIGEST_BYTES]);

/**
 * SHA-256 of what a descriptor holds, from its start, as sha256sum prints it. Its offset stays.
 * @return KL_E_IO: it cannot be read
 */
KL_MUST enum kl_rc kl_digest_file(int fd, char out_hex[static 65]);

/** Overwrite secret bytes; never optimised away. */
void kl_wipe(void *ptr, size_t len);

/** Fill with random bytes of the system. */
void kl_random(void *ptr, size_t len);

#endif
