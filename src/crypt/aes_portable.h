/*
 * AES-128 in portable C: the slow path where the processor has no AES instructions.
 * Source: FIPS 197. Table look-ups: timing is not constant; the caller hashes text
 * that it holds in the clear anyway.
 */
#ifndef KL_CRYPT_AES_PORTABLE_H
#define KL_CRYPT_AES_PORTABLE_H

#include <stdint.h>

/** The 11 round keys of a 16-byte key. Pure. */
void kl_aes128_expand(const uint8_t key[static 16], uint8_t round_keys[11][16]);

/** Encrypt one block in place. Pure. */
void kl_aes128_block(const uint8_t round_keys[11][16], uint8_t block[static 16]);

#endif
