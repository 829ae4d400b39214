/*
 * Key files and the keys derived from them.
 *
 * A key file is text: "kulla-key-1", an id and 32 secret bytes in base64; mode 0600. Everything
 * else is derived per register and purpose (BLAKE2b keyed derivation): the three PRF keys, the
 * Ed25519 signing key and the key check value. Thread rule: a const key may be shared.
 */
#ifndef KL_CRYPT_KEY_H
#define KL_CRYPT_KEY_H

#include "base/result.h"
#include "crypt/prf.h"

struct kl_key; /* opaque, in locked memory */

/** Make a new random key file; refuses to overwrite. */
KL_MUST enum kl_rc kl_key_generate(const char *path, struct kl_err *err);

/** Read a key file. KL_E_KEY when it is not one, or readable by others. Caller frees with
 * kl_key_free. */
KL_MUST enum kl_rc kl_key_read(const char *path, struct kl_key **out_key, struct kl_err *err);
void kl_key_free(struct kl_key **key);

/** A key from 32 bytes; for tests. */
KL_MUST enum kl_rc kl_key_from_bytes(const uint8_t secret[static 32], struct kl_key **out_key);

/** 16 hexadecimal digits that name the key without revealing it; static inside the key. */
const char *kl_key_id_get(const struct kl_key *key);

/** PRF of one register. @param name the register's name */
void kl_key_prf(const struct kl_key *key, const char *name, struct kl_prf *out_prf);

/** 8 bytes that tell a wrong key: derived for `name`, safe to store. */
void kl_key_check_value(const struct kl_key *key, const char *name, uint8_t out[static 8]);

#define KL_SIGN_BYTES 64
void kl_key_sign(const struct kl_key *key, struct kl_span msg,
                 uint8_t out_sig[static KL_SIGN_BYTES]);
KL_MUST enum kl_rc kl_key_verify(const struct kl_key *key, struct kl_span msg,
                                 const uint8_t sig[static KL_SIGN_BYTES]);

#endif
