#include "extract/zip_lock.h"

#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <stdlib.h>

#include "extract/codec.h"
#include "extract/password.h"

#define LOCAL_BYTES 30u
#define HEAD_BYTES 4096u /* of the local header, name and extra fields */
#define METHOD_AES 99u
#define ID_AES 0x9901u
#define FLAG_STRONG 0x40u /* PKWARE's own, with certificates */
#define AES_ROUNDS 1000u
#define AES_HASHES 8u /* in a round, at most: two for each 20 bytes of key */
#define MAC_BYTES 10u
#define BLOCK_BYTES 16u
#define BLOCKS 64u
#define CONFIRM_BYTES 16777216u /* a shorter member is confirmed to its end */
#define CONFIRM_PART 1048576u   /* of a longer one */
#define CHUNK_BYTES 65536u

/* ---- ZipCrypto ---- */

static uint32_t crc_step(uint32_t crc, uint8_t c)
{
    crc ^= c;
    for (unsigned i = 0; i < 8; i++) {
        crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    return crc;
}

/* The same by table; filled once, before the first member. */
static const uint32_t *crc_table(void)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            table[i] = crc_step(0, (uint8_t)i);
        }
    }
    return table;
}

static void update_keys(uint32_t keys[static 3], const uint32_t *table, uint8_t c)
{
    keys[0] = table[(keys[0] ^ c) & 0xff] ^ keys[0] >> 8;
    keys[1] = (keys[1] + (keys[0] & 0xff)) * 134775813u + 1;
    keys[2] = table[(keys[2] ^ keys[1] >> 24) & 0xff] ^ keys[2] >> 8;
}

static void decipher(uint32_t keys[static 3], uint8_t *ptr, size_t len)
{
    const uint32_t *table = crc_table();
    for (size_t i = 0; i < len; i++) {
        uint32_t t = (keys[2] | 2) & 0xffff;
        ptr[i] ^= (uint8_t)((t * (t ^ 1)) >> 8);
        update_keys(keys, table, ptr[i]);
    }
}

static enum kl_rc crypto_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct kl_zip_lock *l = ctx;
    uint8_t skip[4096];
    if (at < l->at) {
        memcpy(l->keys, l->start, sizeof l->keys);
        l->at = 0;
    }
    while (l->at < at && l->at < l->len_bytes) {
        uint64_t left = (at < l->len_bytes ? at : l->len_bytes) - l->at;
        size_t got = 0;
        size_t want = left < sizeof skip ? (size_t)left : sizeof skip;
        KL_TRY(kl_input_read(l->zip->in, l->from + l->at, skip, want, &got));
        decipher(l->keys, skip, got);
        l->at += got;
        if (got < want) {
            break;
        }
    }
    uint64_t left = l->at == at && at < l->len_bytes ? l->len_bytes - at : 0;
    *out_n = 0;
    if (left > 0) {
        n = n < left ? n : (size_t)left;
        KL_TRY(kl_input_read(l->zip->in, l->from + at, dst, n, out_n));
        decipher(l->keys, dst, *out_n);
        l->at += *out_n;
    }
    return KL_OK;
}

/* ---- AES ---- */

static void aes_blocks(const struct kl_zip_lock *l, size_t len, uint8_t *ptr)
{
    if (l->key_bytes == 16) {
        aes128_encrypt(&l->aes.a128, len, ptr, ptr);
    } else if (l->key_bytes == 24) {
        aes192_encrypt(&l->aes.a192, len, ptr, ptr);
    } else {
        aes256_encrypt(&l->aes.a256, len, ptr, ptr);
    }
}

/* Counter mode whose counter is little-endian and begins at 1. */
static enum kl_rc aes_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct kl_zip_lock *l = ctx;
    uint8_t stream[BLOCKS * BLOCK_BYTES];
    uint8_t *out = dst;
    uint64_t left = at < l->len_bytes ? l->len_bytes - at : 0;

    n = n < left ? n : (size_t)left;
    KL_TRY(kl_input_read(l->zip->in, l->from + at, dst, n, out_n));
    for (size_t done = 0; done < *out_n;) {
        uint64_t block = (at + done) / BLOCK_BYTES;
        size_t skip = (size_t)((at + done) % BLOCK_BYTES);
        for (size_t i = 0; i < BLOCKS; i++) {
            uint64_t counter = block + i + 1;
            memset(stream + i * BLOCK_BYTES, 0, BLOCK_BYTES);
            for (unsigned k = 0; k < 8; k++) {
                stream[i * BLOCK_BYTES + k] = (uint8_t)(counter >> (8 * k));
            }
        }
        aes_blocks(l, sizeof stream, stream);
        size_t len = sizeof stream - skip < *out_n - done ? sizeof stream - skip : *out_n - done;
        for (size_t i = 0; i < len; i++) {
            out[done + i] ^= stream[skip + i];
        }
        done += len;
    }
    return KL_OK;
}

/* ---- does a password fit ---- */

static enum kl_rc fits_aes(struct kl_zip_lock *l, struct kl_span password, bool *out_fits)
{
    uint8_t key[2 * 32 + 2];
    size_t n = 2 * l->key_bytes + 2;

    nettle_pbkdf2_hmac_sha1(password.len, password.ptr, AES_ROUNDS, l->key_bytes / 2, l->salt, n,
                            key);
    *out_fits = memcmp(key + n - 2, l->verifier, 2) == 0;
    if (*out_fits) {
        memcpy(l->mac_key, key + l->key_bytes, l->key_bytes);
        if (l->key_bytes == 16) {
            aes128_set_encrypt_key(&l->aes.a128, key);
        } else if (l->key_bytes == 24) {
            aes192_set_encrypt_key(&l->aes.a192, key);
        } else {
            aes256_set_encrypt_key(&l->aes.a256, key);
        }
    }
    explicit_bzero(key, sizeof key);
    return KL_OK;
}

static void fits_crypto(struct kl_zip_lock *l, struct kl_span password, bool *out_fits)
{
    uint8_t header[12];
    uint32_t keys[3] = {0x12345678u, 0x23456789u, 0x34567890u};
    const uint32_t *table = crc_table();

    for (size_t i = 0; i < password.len; i++) {
        update_keys(keys, table, password.ptr[i]);
    }
    memcpy(header, l->header, sizeof header);
    decipher(keys, header, sizeof header);
    memcpy(l->start, keys, sizeof keys);
    memcpy(l->keys, keys, sizeof keys);
    l->at = 0;
    *out_fits = header[11] == l->check;
}

/* The tag behind the ciphertext, over all of it. */
static enum kl_rc confirm_mac(struct kl_zip_lock *l, uint8_t *buf, bool *out_fits)
{
    struct hmac_sha1_ctx mac;
    uint8_t tag[MAC_BYTES];
    uint8_t want[MAC_BYTES];
    size_t n = 1;

    hmac_sha1_set_key(&mac, l->key_bytes, l->mac_key);
    for (uint64_t at = 0; at < l->len_bytes && n > 0; at += n) {
        uint64_t left = l->len_bytes - at;
        size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        KL_TRY(kl_input_read(l->zip->in, l->from + at, buf, len, &n));
        hmac_sha1_update(&mac, n, buf);
    }
    hmac_sha1_digest(&mac, sizeof tag, tag);
    KL_TRY(kl_input_read(l->zip->in, l->from + l->len_bytes, want, sizeof want, &n));
    *out_fits = n == sizeof want && memcmp(tag, want, sizeof tag) == 0;
    return KL_OK;
}

/* One byte of check lets one wrong password in 256 through: what is inside must unpack. */
static enum kl_rc confirm_data(struct kl_zip_lock *l, uint8_t *buf, bool *out_fits)
{
    const struct kl_zip_member *m = &l->plain;
    struct kl_inflate *z = l->zip->z;
    struct kl_codec *c = NULL;
    bool packed = m->method != 0 && m->method != 8;
    bool whole = m->comp_bytes <= CONFIRM_BYTES;
    enum kl_rc rc = KL_OK;
    uint64_t all = 0;
    size_t n = 1;

    *out_fits = false;
    if (packed) {
        enum kl_codec_kind kind = kl_zip_codec(m->method);
        if (kind == KL_CODEC_NONE) {
            return KL_OK;
        }
        KL_TRY(kl_codec_new(kind, &l->input, &c));
    } else {
        kl_inflate_start(z, &l->input, 0, m->comp_bytes, m->method == 0);
    }
    while (rc == KL_OK && n > 0 && (whole ? all <= KL_MAX_EXPANDED / 4 : all < CONFIRM_PART)) {
        rc = packed ? kl_codec_read(c, buf, CHUNK_BYTES, &n)
                    : kl_inflate_read(z, buf, CHUNK_BYTES, &n);
        all += rc == KL_OK ? n : 0;
    }
    kl_codec_free(&c);
    bool checks = whole && n == 0 && !packed && !m->no_crc;
    *out_fits = rc == KL_OK && (!checks || kl_inflate_crc_get(z) == m->crc);
    return rc == KL_E_NOMEM ? rc : KL_OK;
}

static enum kl_rc fits(void *ctx, struct kl_span password, bool *out_fits)
{
    struct kl_zip_lock *l = ctx;
    enum kl_rc rc = KL_OK;

    if (l->key_bytes > 0) {
        rc = fits_aes(l, password, out_fits);
    } else {
        fits_crypto(l, password, out_fits);
    }
    if (rc != KL_OK || !*out_fits || (l->key_bytes > 0 && l->len_bytes > CONFIRM_BYTES)) {
        return rc;
    }
    uint8_t *buf = malloc(CHUNK_BYTES);
    if (buf == NULL) {
        return KL_E_NOMEM;
    }
    rc = l->key_bytes > 0 ? confirm_mac(l, buf, out_fits) : confirm_data(l, buf, out_fits);
    explicit_bzero(buf, CHUNK_BYTES);
    free(buf);
    *out_fits = rc == KL_OK && *out_fits;
    return rc == KL_E_IO ? KL_OK : rc;
}

/* ---- the lock ---- */

/* The AES extra field: strength and the method behind it. False: there is none that is known. */
static bool read_extra(struct kl_zip_lock *l, struct kl_span extra)
{
    struct kl_rd r = kl_rd_init(extra);
    while (kl_rd_ok(&r) && kl_rd_left(&r) >= 4) {
        uint16_t id = kl_rd_le16(&r);
        struct kl_rd f = kl_rd_init(kl_rd_take(&r, kl_rd_le16(&r)));
        if (id != ID_AES || !kl_rd_ok(&r)) {
            continue;
        }
        uint16_t version = kl_rd_le16(&f);
        kl_rd_skip(&f, 2);
        uint8_t strength = kl_rd_u8(&f);
        l->plain.method = kl_rd_le16(&f);
        l->plain.no_crc = l->plain.no_crc || version == 2;
        l->key_bytes = 8 + 8 * (unsigned)strength;
        return kl_rd_ok(&f) && strength >= 1 && strength <= 3;
    }
    return false;
}

/* What stands before the ciphertext; false: not a lock that is known. */
static enum kl_rc read_lock(struct kl_zip_lock *l, bool *out_known)
{
    const struct kl_zip_member *m = l->m;
    uint8_t buf[HEAD_BYTES];
    size_t n = 0;

    *out_known = false;
    KL_TRY(kl_input_read(l->zip->in, m->head_at, buf, sizeof buf, &n));
    struct kl_rd r = kl_rd_init(kl_span_make(buf, n));
    kl_rd_skip(&r, 6);
    uint16_t flags = kl_rd_le16(&r);
    kl_rd_skip(&r, 2);
    uint16_t time = kl_rd_le16(&r);
    kl_rd_skip(&r, LOCAL_BYTES - 16);
    size_t n_name = kl_rd_le16(&r);
    size_t n_extra = kl_rd_le16(&r);
    kl_rd_skip(&r, n_name);
    struct kl_span extra = kl_rd_take(&r, n_extra);
    if (!kl_rd_ok(&r) || (flags & FLAG_STRONG) != 0) {
        return KL_OK;
    }
    bool aes = m->method == METHOD_AES;
    if (aes && !read_extra(l, extra)) {
        return KL_OK;
    }
    size_t head = aes ? l->key_bytes / 2 + 2 : sizeof l->header;
    size_t tail = aes ? MAC_BYTES : 0;
    if (m->comp_bytes < head + tail) {
        return KL_OK;
    }
    KL_TRY(kl_input_read(l->zip->in, m->data_at, buf, head, &n));
    memcpy(aes ? l->salt : l->header, buf, aes ? head - 2 : head);
    memcpy(l->verifier, buf + head - 2, 2);
    l->check = (uint8_t)((flags & KL_ZIP_FLAG_DESCRIPTOR) != 0 ? time >> 8 : m->crc >> 24);
    l->from = m->data_at + head;
    l->len_bytes = m->comp_bytes - head - tail;
    *out_known = n == head;
    return KL_OK;
}

enum kl_rc kl_zip_unlock(struct kl_zip *zip, const struct kl_zip_member *m,
                         struct kl_zip_lock *out_l, bool *out_open)
{
    struct kl_zip_lock *l = out_l;
    bool known = false;

    *out_open = false;
    *l = (struct kl_zip_lock){.zip = zip, .m = m, .plain = *m};
    enum kl_rc rc = read_lock(l, &known);
    if (rc != KL_OK || !known) {
        return rc == KL_E_IO ? KL_OK : rc;
    }
    l->source = (struct kl_source){l, l->key_bytes > 0 ? aes_read : crypto_read, NULL};
    l->input = kl_input_source(&l->source, l->len_bytes);
    l->plain.flags &= (uint16_t)~KL_ZIP_FLAG_ENCRYPTED;
    l->plain.data_at = 0;
    l->plain.comp_bytes = l->len_bytes;
    const struct kl_lock lock = {
        .fits = fits, .ctx = l, .hashes = l->key_bytes > 0 ? AES_ROUNDS * AES_HASHES : 0};
    return kl_emit_try_passwords(zip->e, &lock, out_open);
}

void kl_zip_lock_done(struct kl_zip_lock *l)
{
    explicit_bzero(l, sizeof *l);
}
