/* Locks an office package with a password, as [MS-OFFCRYPTO] says: the streams of a compound file.
 */
#ifndef OFFICE_LOCK_MAKE_H
#define OFFICE_LOCK_MAKE_H

#include <nettle/aes.h>
#include <nettle/base64.h>
#include <nettle/cbc.h>
#include <nettle/nettle-meta.h>
#include <stdio.h>

#include "cfb_make.h"

struct olm {
    const struct nettle_hash *hash; /* NULL: standard encryption */
    const char *hash_name;
    unsigned key_bytes;
    uint32_t spin;       /* that is used, and said unless ... */
    uint64_t claim_spin; /* ... this is not 0 */
    const char *password;
};

static const uint8_t olm_salt[16] = "saltsaltsaltsal";
static const uint8_t olm_data_salt[16] = "datadatadatadat";
static const uint8_t olm_data_key[32] = "the key of the package, 32 byte";

static inline void olm_hash(const struct nettle_hash *h, const void *a, size_t a_len, const void *b,
                            size_t b_len, uint8_t *out)
{
    uint64_t ctx[64];
    h->init(ctx);
    h->update(ctx, a_len, a);
    h->update(ctx, b_len, b);
    h->digest(ctx, h->digest_size, out);
}

/* ASCII only. */
static inline void olm_spin(const struct nettle_hash *h, const struct olm *o, uint8_t out[64])
{
    uint8_t wide[256];
    uint8_t n[4];
    size_t len = strlen(o->password);
    for (size_t i = 0; i < len; i++) {
        wide[2 * i] = (uint8_t)o->password[i];
        wide[2 * i + 1] = 0;
    }
    olm_hash(h, olm_salt, 16, wide, 2 * len, out);
    for (uint32_t i = 0; i < o->spin; i++) {
        cm_le(n, i, 4);
        olm_hash(h, n, 4, out, h->digest_size, out);
    }
}

static inline const struct nettle_cipher *olm_cipher(unsigned key_bytes)
{
    return key_bytes == 16 ? &nettle_aes128 : key_bytes == 24 ? &nettle_aes192 : &nettle_aes256;
}

static inline void olm_cbc(unsigned key_bytes, const uint8_t *key, const uint8_t iv[16], size_t len,
                           uint8_t *ptr)
{
    const struct nettle_cipher *c = olm_cipher(key_bytes);
    uint64_t ctx[64];
    uint8_t last[16];
    memcpy(last, iv, 16);
    c->set_encrypt_key(ctx, key);
    cbc_encrypt(ctx, c->encrypt, 16, last, len, ptr, ptr);
}

/* A field of agile encryption, in base64. */
static inline void olm_field(const struct olm *o, const uint8_t *turned, const char *use,
                             const uint8_t *plain, size_t len, char *out)
{
    uint8_t digest[64];
    uint8_t key[64];
    uint8_t buf[80] = {0};
    size_t padded = (len + 15) / 16 * 16;
    memset(key, 0x36, sizeof key);
    olm_hash(o->hash, turned, o->hash->digest_size, use, 8, digest);
    memcpy(key, digest, o->hash->digest_size);
    memcpy(buf, plain, len);
    olm_cbc(o->key_bytes, key, olm_salt, padded, buf);
    base64_encode_raw(out, padded, buf);
    out[BASE64_ENCODE_RAW_LENGTH(padded)] = '\0';
}

static inline size_t olm_agile_info(const struct olm *o, char *out, size_t cap)
{
    char salt[40] = {0};
    char data_salt[40] = {0};
    char verifier[120];
    char value[120];
    char key[120];
    uint8_t turned[64];
    uint8_t digest[64];
    base64_encode_raw(salt, 16, olm_salt);
    base64_encode_raw(data_salt, 16, olm_data_salt);
    olm_spin(o->hash, o, turned);
    olm_field(o, turned, "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", (const uint8_t *)"sixteen bytes!!!",
              16, verifier);
    olm_hash(o->hash, "sixteen bytes!!!", 16, "", 0, digest);
    olm_field(o, turned, "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", digest, o->hash->digest_size, value);
    olm_field(o, turned, "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", olm_data_key, o->key_bytes, key);
    memcpy(out, "\4\0\4\0\x40\0\0\0", 8);
    return 8 +
           (size_t)snprintf(
               out + 8, cap - 8,
               "<?xml version=\"1.0\"?><encryption xmlns:p=\"x\"><keyData saltSize=\"16\" "
               "blockSize=\"16\" keyBits=\"%u\" hashSize=\"%u\" cipherAlgorithm=\"AES\" "
               "cipherChaining=\"ChainingModeCBC\" hashAlgorithm=\"%s\" saltValue=\"%s\"/>"
               "<keyEncryptors><keyEncryptor><p:encryptedKey spinCount=\"%llu\" saltSize=\"16\" "
               "blockSize=\"16\" keyBits=\"%u\" hashSize=\"%u\" cipherAlgorithm=\"AES\" "
               "cipherChaining=\"ChainingModeCBC\" hashAlgorithm=\"%s\" saltValue=\"%s\" "
               "encryptedVerifierHashInput=\"%s\" encryptedVerifierHashValue=\"%s\" "
               "encryptedKeyValue=\"%s\"/></keyEncryptor></keyEncryptors></encryption>",
               o->key_bytes * 8, o->hash->digest_size, o->hash_name, data_salt,
               (unsigned long long)(o->claim_spin != 0 ? o->claim_spin : o->spin), o->key_bytes * 8,
               o->hash->digest_size, o->hash_name, salt, verifier, value, key);
}

static inline void olm_standard_key(const struct olm *o, uint8_t key[40])
{
    uint8_t turned[64];
    uint8_t digest[20];
    olm_spin(&nettle_sha1, o, turned);
    olm_hash(&nettle_sha1, turned, 20, "\0\0\0\0", 4, digest);
    for (int k = 0; k < 2; k++) {
        uint8_t block[64];
        memset(block, k == 0 ? 0x36 : 0x5C, 64);
        for (int i = 0; i < 20; i++) {
            block[i] ^= digest[i];
        }
        olm_hash(&nettle_sha1, block, 64, "", 0, key + 20 * k);
    }
}

static inline size_t olm_standard_info(const struct olm *o, char *out)
{
    uint8_t *b = (uint8_t *)out;
    uint8_t key[40];
    uint64_t ctx[64];
    const struct nettle_cipher *c = olm_cipher(o->key_bytes);
    memset(b, 0, 12 + 40 + 72);
    memcpy(b, "\4\0\2\0\x24\0\0\0\x28\0\0\0\x24\0\0\0", 16);
    cm_le(b + 20, 0x660E + (o->key_bytes - 16) / 8, 4);
    cm_le(b + 24, 0x8004, 4);
    cm_le(b + 28, o->key_bytes * 8, 4);
    b += 12 + 40;
    cm_le(b, 16, 4);
    memcpy(b + 4, olm_salt, 16);
    memcpy(b + 20, "sixteen bytes!!!", 16);
    cm_le(b + 36, 20, 4);
    olm_hash(&nettle_sha1, "sixteen bytes!!!", 16, "", 0, b + 40);
    olm_standard_key(o, key);
    c->set_encrypt_key(ctx, key);
    c->encrypt(ctx, 16, b + 20, b + 20);
    c->encrypt(ctx, 32, b + 40, b + 40);
    return 12 + 40 + 72;
}

/* The two streams; the caller ends the file. */
static inline void olm_add(struct cm *c, const struct olm *o, const void *package, size_t len)
{
    char info[4096];
    size_t padded = (len + 15) / 16 * 16;
    uint8_t *p = calloc(1, padded + 8);
    if (p == NULL) {
        abort();
    }
    cm_le(p, len, 8);
    if (len > 0) {
        memcpy(p + 8, package, len);
    }
    if (o->hash != NULL) {
        for (size_t at = 0; at < padded; at += 4096) {
            uint8_t n[4];
            uint8_t iv[64];
            cm_le(n, at / 4096, 4);
            olm_hash(o->hash, olm_data_salt, 16, n, 4, iv);
            olm_cbc(o->key_bytes, olm_data_key, iv, padded - at < 4096 ? padded - at : 4096,
                    p + 8 + at);
        }
    } else {
        uint8_t key[40];
        uint64_t ctx[64];
        olm_standard_key(o, key);
        olm_cipher(o->key_bytes)->set_encrypt_key(ctx, key);
        olm_cipher(o->key_bytes)->encrypt(ctx, padded, p + 8, p + 8);
    }
    cm_add(c, 0, "EncryptionInfo", info,
           o->hash != NULL ? olm_agile_info(o, info, sizeof info) : olm_standard_info(o, info));
    cm_add(c, 0, "EncryptedPackage", p, padded + 8);
    free(p);
}

#endif
