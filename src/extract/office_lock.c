#include "extract/office_lock.h"

#include <stdlib.h>

#include "extract/password.h"

#define INFO_BYTES 16384u /* of EncryptionInfo; it has 200 to 2,000 */
#define SEGMENT_BYTES 4096u
#define SIZE_BYTES 8u /* in front of the ciphertext: how long the package is */
#define STANDARD_SPIN 50000u
#define ALG_SHA1 0x8004u
#define PAD 0x36

static void le32(uint8_t out[4], uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(v >> (8 * i));
    }
}

static struct kl_span span_of(const struct kl_office_field *f)
{
    return kl_span_make(f->ptr, f->len);
}

/* ---- from the password to a key ---- */

/* H(n ‖ H(n - 1 ‖ … H(salt ‖ password))) */
static void spin(const struct kl_office_lock *l, struct kl_span password, uint8_t *out)
{
    uint8_t wide[2 * KL_MAX_PASSWORD_BYTES];
    uint8_t turn[4 + KL_HASH_MAX];
    struct kl_span all = kl_span_make(turn, 4 + l->hash->digest_size);
    struct kl_hash h;

    size_t n = kl_password_wide(password, wide);
    kl_hash_of(l->hash, span_of(&l->salt), kl_span_make(wide, n), turn + 4);
    kl_hash_init(&h, l->hash);
    for (uint32_t i = 0; i < l->spin; i++) {
        le32(turn, i);
        kl_hash_add(&h, all);
        kl_hash_end(&h, turn + 4);
    }
    memcpy(out, turn + 4, l->hash->digest_size);
    explicit_bzero(wide, sizeof wide);
    explicit_bzero(turn, sizeof turn);
    explicit_bzero(&h, sizeof h);
}

/* A digest cut to the length of a key or an initial block, or made longer. */
static void fit(const uint8_t *digest, size_t digest_bytes, uint8_t *out, size_t n)
{
    memset(out, PAD, n);
    memcpy(out, digest, digest_bytes < n ? digest_bytes : n);
}

/* ---- agile ---- */

/* Decipher a field with the key that the password has for this use. */
static void agile_field(const struct kl_office_lock *l, struct kl_span turned,
                        const char use[static 8], const struct kl_office_field *f, uint8_t *out)
{
    uint8_t digest[KL_HASH_MAX];
    uint8_t key[32];
    uint8_t iv[KL_AES_BLOCK];
    struct kl_aes aes;

    kl_hash_of(l->hash, turned, kl_span_make(use, 8), digest);
    fit(digest, l->hash->digest_size, key, l->key_bytes);
    fit(l->salt.ptr, l->salt.len, iv, sizeof iv);
    memcpy(out, f->ptr, f->len);
    if (kl_aes_set(&aes, kl_span_make(key, l->key_bytes))) {
        kl_aes_cbc(&aes, iv, f->len, out);
    }
    explicit_bzero(digest, sizeof digest);
    explicit_bzero(key, sizeof key);
    explicit_bzero(&aes, sizeof aes);
}

static bool agile_fits(struct kl_office_lock *l, struct kl_span turned)
{
    uint8_t input[KL_OFFICE_FIELD];
    uint8_t want[KL_OFFICE_FIELD];
    uint8_t have[KL_HASH_MAX];

    agile_field(l, turned, "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", &l->verifier, input);
    agile_field(l, turned, "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", &l->verifier_hash, want);
    kl_hash_of(l->hash, kl_span_make(input, l->salt.len), kl_span_make("", 0), have);
    if (memcmp(want, have, l->hash->digest_size) != 0) {
        return false;
    }
    agile_field(l, turned, "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", &l->key_value, want);
    bool good = kl_aes_set(&l->key, kl_span_make(want, l->data_key_bytes));
    explicit_bzero(want, sizeof want);
    return good;
}

/* ---- standard ---- */

/* What CryptDeriveKey makes of the digest. */
static void derive(const uint8_t *digest, size_t digest_bytes, uint8_t out[static 40])
{
    for (unsigned k = 0; k < 2; k++) {
        uint8_t block[64];
        memset(block, k == 0 ? 0x36 : 0x5C, sizeof block);
        for (size_t i = 0; i < digest_bytes; i++) {
            block[i] ^= digest[i];
        }
        kl_hash_of(&nettle_sha1, kl_span_make(block, sizeof block), kl_span_make("", 0),
                   out + 20 * k);
        explicit_bzero(block, sizeof block);
    }
}

static bool standard_fits(struct kl_office_lock *l, struct kl_span turned)
{
    uint8_t digest[KL_HASH_MAX];
    uint8_t key[40];
    uint8_t plain[KL_OFFICE_FIELD];
    uint8_t want[KL_OFFICE_FIELD];

    kl_hash_of(l->hash, turned, KL_SPAN_LIT("\0\0\0\0"), digest);
    derive(digest, l->hash->digest_size, key);
    bool good = kl_aes_set(&l->key, kl_span_make(key, l->key_bytes));
    explicit_bzero(key, sizeof key);
    memcpy(plain, l->verifier.ptr, l->verifier.len);
    memcpy(want, l->verifier_hash.ptr, l->verifier_hash.len);
    if (good) {
        kl_aes_ecb(&l->key, l->verifier.len, plain);
        kl_aes_ecb(&l->key, l->verifier_hash.len, want);
        kl_hash_of(l->hash, kl_span_make(plain, l->verifier.len), kl_span_make("", 0), digest);
    }
    return good && memcmp(want, digest, l->hash->digest_size) == 0;
}

static void field(struct kl_rd *r, size_t n, struct kl_office_field *out)
{
    struct kl_span s = kl_rd_take(r, n);
    memcpy(out->ptr, s.ptr, s.len);
    out->len = s.len;
}

/* The binary form; false: not one that is known (RC4 was never written for packages). */
static bool read_standard(struct kl_office_lock *l, struct kl_rd *r)
{
    kl_rd_skip(r, 4); /* flags, again in the header */
    struct kl_rd header = kl_rd_init(kl_rd_take(r, kl_rd_le32(r)));
    kl_rd_skip(&header, 8);
    uint32_t cipher = kl_rd_le32(&header);
    uint32_t hash = kl_rd_le32(&header);
    uint32_t salt_bytes = kl_rd_le32(r);
    field(r, 16, &l->salt);
    field(r, 16, &l->verifier);
    kl_rd_skip(r, 4);
    field(r, 32, &l->verifier_hash);
    l->hash = &nettle_sha1;
    l->spin = STANDARD_SPIN;
    /* AES-128, 192, 256 are numbered one behind the other. */
    l->key_bytes = cipher >= 0x660E && cipher <= 0x6610 ? 16 + 8 * (cipher - 0x660E) : 0;
    return kl_rd_ok(r) && kl_rd_ok(&header) && salt_bytes == 16 && l->key_bytes > 0 &&
           (hash == ALG_SHA1 || hash == 0);
}

/* ---- the package ---- */

/* Decipher one segment (or its front, at the end of the stream). */
static void open_segment(const struct kl_office_lock *l, uint32_t number, uint8_t *ptr, size_t len)
{
    uint8_t place[4];
    uint8_t digest[KL_HASH_MAX];
    uint8_t iv[KL_AES_BLOCK];

    if (!l->is_agile) {
        kl_aes_ecb(&l->key, len, ptr);
        return;
    }
    le32(place, number);
    kl_hash_of(l->data_hash, span_of(&l->data_salt), kl_span_make(place, 4), digest);
    fit(digest, l->data_hash->digest_size, iv, sizeof iv);
    kl_aes_cbc(&l->key, iv, len, ptr);
}

static enum kl_rc package_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct kl_office_lock *l = ctx;
    uint8_t segment[SEGMENT_BYTES];
    uint64_t left = at < l->len_bytes ? l->len_bytes - at : 0;

    n = n < left ? n : (size_t)left;
    for (*out_n = 0; *out_n < n;) {
        uint64_t number = (at + *out_n) / SEGMENT_BYTES;
        size_t skip = (size_t)((at + *out_n) % SEGMENT_BYTES);
        size_t got = 0;
        KL_TRY(kl_input_read(l->package, SIZE_BYTES + number * SEGMENT_BYTES, segment,
                             sizeof segment, &got));
        got -= got % KL_AES_BLOCK;
        if (got <= skip) {
            break;
        }
        open_segment(l, (uint32_t)number, segment, got);
        size_t len = got - skip < n - *out_n ? got - skip : n - *out_n;
        memcpy((uint8_t *)dst + *out_n, segment + skip, len);
        *out_n += len;
    }
    return KL_OK;
}

/* How long the package is, as it says; what stands far behind that is read too. */
static enum kl_rc measure(struct kl_office_lock *l)
{
    uint8_t size[SIZE_BYTES];
    size_t n = 0;

    KL_TRY(kl_input_read(l->package, 0, size, sizeof size, &n));
    struct kl_rd r = kl_rd_init(kl_span_make(size, n));
    uint64_t claim = kl_rd_le64(&r);
    uint64_t there = n == sizeof size ? l->package->len_bytes - SIZE_BYTES : 0;
    there -= there % KL_AES_BLOCK;
    bool lies = claim < there && there - claim > SEGMENT_BYTES;
    l->len_bytes = lies || claim > there ? there : claim;
    return KL_OK;
}

/* ---- the lock ---- */

static enum kl_rc fits(void *ctx, struct kl_span password, bool *out_fits)
{
    struct kl_office_lock *l = ctx;
    uint8_t digest[KL_HASH_MAX];

    spin(l, password, digest);
    struct kl_span turned = kl_span_make(digest, l->hash->digest_size);
    *out_fits = l->is_agile ? agile_fits(l, turned) : standard_fits(l, turned);
    explicit_bzero(digest, sizeof digest);
    return KL_OK;
}

static enum kl_rc read_info(struct kl_office_lock *l, const struct kl_input *info, bool *out_known)
{
    uint8_t buf[INFO_BYTES];
    size_t n = 0;

    *out_known = false;
    KL_TRY(kl_input_read(info, 0, buf, sizeof buf, &n));
    struct kl_rd r = kl_rd_init(kl_span_make(buf, n));
    uint16_t major = kl_rd_le16(&r);
    uint16_t minor = kl_rd_le16(&r);
    if (major == 4 && minor == 4) {
        kl_rd_skip(&r, 4);
        return kl_office_agile_read(l, kl_rd_take(&r, kl_rd_left(&r)), out_known);
    }
    *out_known = major >= 2 && major <= 4 && minor == 2 && read_standard(l, &r);
    return KL_OK;
}

enum kl_rc kl_office_unlock(struct kl_emit *e, const struct kl_input *info,
                            const struct kl_input *package, struct kl_office_lock *out_l,
                            bool *out_open)
{
    struct kl_office_lock *l = out_l;
    bool known = false;

    *out_open = false;
    *l = (struct kl_office_lock){.package = package};
    enum kl_rc rc = read_info(l, info, &known);
    if (rc != KL_OK || !known) {
        return rc == KL_E_IO ? KL_OK : rc;
    }
    /* The long hashes take four times as long. */
    unsigned weight = l->hash->digest_size > 32 ? 4 : 1;
    const struct kl_lock lock = {.fits = fits,
                                 .ctx = l,
                                 .hashes = ((uint64_t)l->spin + 1) * weight,
                                 .usual = KL_PASSWORD_OF_EXCEL,
                                 .usual_code = "office.default_password"};
    KL_TRY(kl_emit_try_passwords(e, &lock, out_open));
    rc = *out_open ? measure(l) : KL_OK;
    l->source = (struct kl_source){l, package_read, NULL};
    l->input = kl_input_source(&l->source, l->len_bytes);
    *out_open = *out_open && rc == KL_OK;
    return rc == KL_E_IO ? KL_OK : rc;
}

void kl_office_lock_done(struct kl_office_lock *l)
{
    explicit_bzero(l, sizeof *l);
}
