#include "extract/xls_crypt.h"

#include <nettle/md5.h>
#include <nettle/sha1.h>

#include "extract/password.h"

#define BLOCK_BYTES 1024u
#define MAX_PASSWORD 15u /* of XOR */
#define VERIFIER_BYTES 16u
#define MAX_HASH 20u

/* ---- XOR obfuscation ---- */

static uint16_t rotate_15(uint16_t v)
{
    return (uint16_t)((v << 1 & 0x7FFF) | (v >> 14 & 1));
}

static uint16_t xor_verifier(struct kl_span password)
{
    uint16_t v = 0;
    for (size_t i = password.len; i > 0; i--) {
        v = rotate_15(v) ^ password.ptr[i - 1];
    }
    return (uint16_t)(rotate_15(v) ^ password.len ^ 0xCE4B);
}

static uint8_t rotate_8(uint8_t v, unsigned n)
{
    return (uint8_t)(v << n | v >> (8 - n));
}

static bool open_xor(struct kl_xls_crypt *c, struct kl_rd *r, struct kl_span password)
{
    static const uint8_t pad[] = {0xBB, 0xFF, 0xFF, 0xBA, 0xFF, 0xFF, 0xB9, 0x80,
                                  0x00, 0xBE, 0x0F, 0x00, 0xBF, 0x0F, 0x00, 0x00};
    uint16_t key = kl_rd_le16(r);
    uint16_t verifier = kl_rd_le16(r);
    size_t len = password.len;
    if (!kl_rd_ok(r) || len > MAX_PASSWORD || verifier != xor_verifier(password)) {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        uint8_t b = i < len ? password.ptr[i] : pad[i - len];
        b ^= (uint8_t)(i % 2 == 0 ? key : key >> 8);
        c->key[i] = rotate_8(b, 2);
    }
    c->kind = KL_XLS_CIPHER_XOR;
    return true;
}

/* ---- RC4 ---- */

static void md5(struct kl_span a, struct kl_span b, uint8_t out[16])
{
    struct md5_ctx ctx;
    md5_init(&ctx);
    md5_update(&ctx, a.len, a.ptr);
    md5_update(&ctx, b.len, b.ptr);
    md5_digest(&ctx, 16, out);
}

static void sha1(struct kl_span a, struct kl_span b, uint8_t out[20])
{
    struct sha1_ctx ctx;
    sha1_init(&ctx);
    sha1_update(&ctx, a.len, a.ptr);
    sha1_update(&ctx, b.len, b.ptr);
    sha1_digest(&ctx, 20, out);
}

static void start_block(struct kl_xls_crypt *c, uint32_t block)
{
    uint8_t number[4] = {(uint8_t)block, (uint8_t)(block >> 8), (uint8_t)(block >> 16),
                         (uint8_t)(block >> 24)};
    uint8_t hash[20];
    size_t len = 16;
    if (c->kind == KL_XLS_CIPHER_RC4) {
        md5(kl_span_make(c->key, 5), kl_span_make(number, 4), hash);
    } else {
        sha1(kl_span_make(c->key, 20), kl_span_make(number, 4), hash);
        if (c->key_len == 5) {
            memset(hash + 5, 0, 11); /* 40 bits stand in a key of 128 */
        } else {
            len = c->key_len;
        }
    }
    arcfour_set_key(&c->rc4, len, hash);
    c->block = block;
    c->used = 0;
    c->has_block = true;
}

/* The verifier and its hash are encrypted one behind the other in block 0. */
static bool verify(struct kl_xls_crypt *c, const uint8_t *verifier, const uint8_t *hash)
{
    uint8_t plain[VERIFIER_BYTES];
    uint8_t want[MAX_HASH];
    uint8_t have[MAX_HASH];
    size_t len = c->kind == KL_XLS_CIPHER_RC4 ? 16 : 20;
    start_block(c, 0);
    arcfour_crypt(&c->rc4, sizeof plain, plain, verifier);
    arcfour_crypt(&c->rc4, len, want, hash);
    c->has_block = false;
    if (c->kind == KL_XLS_CIPHER_RC4) {
        md5(kl_span_make(plain, sizeof plain), kl_span_make("", 0), have);
    } else {
        sha1(kl_span_make(plain, sizeof plain), kl_span_make("", 0), have);
    }
    return memcmp(want, have, len) == 0;
}

static bool open_rc4(struct kl_xls_crypt *c, struct kl_rd *r, struct kl_span password)
{
    uint8_t pass[2 * KL_MAX_PASSWORD_BYTES];
    uint8_t salted[16 * (5 + 16)];
    uint8_t hash[16];
    struct kl_span salt = kl_rd_take(r, 16);
    struct kl_span verifier = kl_rd_take(r, VERIFIER_BYTES);
    struct kl_span verifier_hash = kl_rd_take(r, 16);
    if (!kl_rd_ok(r)) {
        return false;
    }
    md5(kl_span_make(pass, kl_password_wide(password, pass)), kl_span_make("", 0), hash);
    explicit_bzero(pass, sizeof pass);
    for (size_t i = 0; i < 16; i++) {
        memcpy(salted + i * 21, hash, 5);
        memcpy(salted + i * 21 + 5, salt.ptr, 16);
    }
    md5(kl_span_make(salted, sizeof salted), kl_span_make("", 0), hash);
    memcpy(c->key, hash, 5);
    c->kind = KL_XLS_CIPHER_RC4;
    return verify(c, verifier.ptr, verifier_hash.ptr);
}

static bool open_capi(struct kl_xls_crypt *c, struct kl_rd *r, struct kl_span password)
{
    uint8_t pass[2 * KL_MAX_PASSWORD_BYTES];
    kl_rd_skip(r, 4); /* flags */
    struct kl_rd header = kl_rd_init(kl_rd_take(r, kl_rd_le32(r)));
    kl_rd_skip(&header, 8);
    uint32_t cipher = kl_rd_le32(&header);
    kl_rd_skip(&header, 4);
    uint32_t bits = kl_rd_le32(&header);
    uint32_t salt_len = kl_rd_le32(r);
    struct kl_span salt = kl_rd_take(r, 16);
    struct kl_span verifier = kl_rd_take(r, VERIFIER_BYTES);
    kl_rd_skip(r, 4);
    struct kl_span verifier_hash = kl_rd_take(r, 20);
    bits = bits == 0 ? 40 : bits;
    if (!kl_rd_ok(r) || !kl_rd_ok(&header) || cipher != 0x6801 || salt_len != 16 || bits % 8 != 0 ||
        bits < 40 || bits > 128) {
        return false;
    }
    sha1(salt, kl_span_make(pass, kl_password_wide(password, pass)), c->key);
    explicit_bzero(pass, sizeof pass);
    c->key_len = (uint8_t)(bits / 8);
    c->kind = KL_XLS_CIPHER_CAPI;
    return verify(c, verifier.ptr, verifier_hash.ptr);
}

bool kl_xls_crypt_open(struct kl_xls_crypt *c, struct kl_span filepass, bool is_biff8,
                       struct kl_span password)
{
    struct kl_rd r = kl_rd_init(filepass);
    memset(c, 0, sizeof *c);
    uint16_t type = is_biff8 ? kl_rd_le16(&r) : 0;
    if (type == 0) {
        return open_xor(c, &r, password);
    }
    uint16_t major = kl_rd_le16(&r);
    kl_rd_skip(&r, 2);
    bool good = major == 1 ? open_rc4(c, &r, password) : open_capi(c, &r, password);
    c->kind = good ? c->kind : KL_XLS_CIPHER_NONE;
    return good;
}

/* ---- the stream ---- */

static void crypt_rc4(struct kl_xls_crypt *c, uint64_t at, uint8_t *data, size_t n)
{
    uint8_t waste[64];
    while (n > 0) {
        uint32_t block = (uint32_t)(at / BLOCK_BYTES);
        uint32_t from = (uint32_t)(at % BLOCK_BYTES);
        if (!c->has_block || c->block != block || c->used > from) {
            start_block(c, block);
        }
        while (c->used < from) {
            size_t step = from - c->used < sizeof waste ? from - c->used : sizeof waste;
            arcfour_crypt(&c->rc4, step, waste, waste);
            c->used += (uint32_t)step;
        }
        size_t step = n < BLOCK_BYTES - from ? n : BLOCK_BYTES - from;
        arcfour_crypt(&c->rc4, step, data, data);
        c->used += (uint32_t)step;
        data += step;
        at += step;
        n -= step;
    }
}

void kl_xls_decrypt(struct kl_xls_crypt *c, uint64_t at, size_t rec_len, uint8_t *data, size_t n,
                    size_t skip)
{
    skip = skip < n ? skip : n;
    if (c->kind == KL_XLS_CIPHER_XOR) {
        for (size_t i = skip; i < n; i++) {
            data[i] = (uint8_t)(rotate_8(data[i], 3) ^ c->key[(at + rec_len + i) % 16]);
        }
    } else if (c->kind != KL_XLS_CIPHER_NONE) {
        crypt_rc4(c, at + skip, data + skip, n - skip);
    }
}
