#include "extract/pdf_key.h"

#include <nettle/arcfour.h>
#include <nettle/cbc.h>
#include <stdlib.h>

#include "extract/cipher.h"
#include "extract/password.h"
#include "extract/pdf_value.h"

#define PAD_BYTES 32u
#define FILTERS 4u

/* ---- the dictionary ---- */

struct filter {
    struct kl_span name;
    enum kl_pdf_cipher cipher;
};

struct reader {
    struct kl_pdf_lex lex;
    struct kl_pdf_key *k;
    unsigned depth;
    struct kl_span key; /* the name that the next value is for */
    struct kl_span streams;
    struct kl_span strings;
    struct filter filters[FILTERS];
    size_t n_filters;
    uint32_t bits;
};

static void take_text(const struct reader *r, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    memcpy(out, r->lex.string, r->lex.string_len < n ? r->lex.string_len : n);
}

static void on_text(struct reader *r)
{
    if (r->depth != 1) {
        return;
    }
    if (kl_span_is(r->key, "O")) {
        take_text(r, r->k->owner, sizeof r->k->owner);
    } else if (kl_span_is(r->key, "U")) {
        take_text(r, r->k->user, sizeof r->k->user);
    } else if (kl_span_is(r->key, "OE")) {
        take_text(r, r->k->owner_key, sizeof r->k->owner_key);
    } else if (kl_span_is(r->key, "UE")) {
        take_text(r, r->k->user_key, sizeof r->k->user_key);
    }
}

static void on_word(struct reader *r)
{
    struct kl_span text = r->lex.text;
    if (r->depth != 1) {
        return;
    }
    if (kl_span_is(r->key, "V")) {
        r->k->version = kl_pdf_number(text);
    } else if (kl_span_is(r->key, "R")) {
        r->k->revision = kl_pdf_number(text);
    } else if (kl_span_is(r->key, "P")) {
        r->k->permissions = kl_pdf_number(text);
    } else if (kl_span_is(r->key, "Length")) {
        r->bits = kl_pdf_number(text);
    } else if (kl_span_is(r->key, "EncryptMetadata")) {
        r->k->has_plain_metadata = kl_span_is(text, "false");
    }
}

static enum kl_pdf_cipher cipher_of(struct kl_span method)
{
    return kl_span_is(method, "V2")      ? KL_PDF_CIPHER_RC4
           : kl_span_is(method, "AESV2") ? KL_PDF_CIPHER_AES128
           : kl_span_is(method, "AESV3") ? KL_PDF_CIPHER_AES256
                                         : KL_PDF_CIPHER_NONE;
}

/* A name is a key, or the value of one that has a name for a value. */
static void on_name(struct reader *r)
{
    struct kl_span name = r->lex.text;
    struct kl_span key = r->key;

    r->key = kl_span_make("", 0);
    if (r->depth == 1 && kl_span_is(key, "StmF")) {
        r->streams = name;
    } else if (r->depth == 1 && kl_span_is(key, "StrF")) {
        r->strings = name;
    } else if (kl_span_is(key, "CFM")) {
        if (r->n_filters > 0) {
            r->filters[r->n_filters - 1].cipher = cipher_of(name);
        }
    } else if (!kl_span_is(key, "Filter") && !kl_span_is(key, "AuthEvent") &&
               !kl_span_is(key, "EFF") && !kl_span_is(key, "Type")) {
        r->key = name;
    }
}

static void on_open(struct reader *r)
{
    r->depth++;
    if (r->depth == 3 && r->n_filters < FILTERS) {
        r->filters[r->n_filters++] = (struct filter){r->key, KL_PDF_CIPHER_NONE};
    }
    r->key = kl_span_make("", 0);
}

/* To the end of the dictionary; false: that is not there. */
static bool read_all(struct reader *r)
{
    for (unsigned n = 0; n < 1000; n++) {
        switch (kl_pdf_lex_next(&r->lex)) {
        case KL_PDF_NAME:
            on_name(r);
            break;
        case KL_PDF_TEXT:
            on_text(r);
            break;
        case KL_PDF_WORD:
            on_word(r);
            break;
        case KL_PDF_OPEN:
            on_open(r);
            break;
        case KL_PDF_CLOSE:
            r->depth -= r->depth > 0;
            if (r->depth == 0) {
                return true;
            }
            break;
        case KL_PDF_END:
            return false;
        }
    }
    return false;
}

static enum kl_pdf_cipher named(const struct reader *r, struct kl_span name)
{
    for (size_t i = 0; i < r->n_filters; i++) {
        if (kl_span_eq(r->filters[i].name, name)) {
            return r->filters[i].cipher;
        }
    }
    return KL_PDF_CIPHER_NONE; /* Identity */
}

static bool settle(const struct reader *r)
{
    struct kl_pdf_key *k = r->k;
    bool has_filters = k->version >= 4;
    uint32_t bits = k->version == 1 ? 40 : r->bits == 0 ? 40 : r->bits;

    k->streams = has_filters ? named(r, r->streams) : KL_PDF_CIPHER_RC4;
    k->strings = has_filters ? named(r, r->strings) : KL_PDF_CIPHER_RC4;
    bits = k->version == 4 ? 128 : k->version == 5 ? 256 : bits;
    k->key_bytes = bits / 8;
    bool old = k->version <= 4 && k->revision >= 2 && k->revision <= 4;
    bool new = k->version == 5 && (k->revision == 5 || k->revision == 6);
    bool fits =
        (k->streams == KL_PDF_CIPHER_AES256) <= new && (k->strings == KL_PDF_CIPHER_AES256) <= new;
    return k->version >= 1 && k->version != 3 && (old || new) && fits && bits % 8 == 0 &&
           bits >= 40 && bits <= (new ? 256u : 128u);
}

bool kl_pdf_key_read(struct kl_pdf_key *k, struct kl_span dict)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return false;
    }
    r->k = k;
    r->lex.in = dict;
    r->key = r->streams = r->strings = kl_span_make("", 0);
    bool good = read_all(r) && settle(r);
    free(r);
    return good;
}

/* ---- revisions 2 to 4 ---- */

static const uint8_t pad[PAD_BYTES] = {
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08,
    0x2E, 0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A};

/* In Latin letters where that can be, then filled up. */
static void fill_up(struct kl_span password, uint8_t out[PAD_BYTES])
{
    uint8_t wide[2 * KL_MAX_PASSWORD_BYTES];
    size_t n = kl_password_wide(password, wide) / 2;
    bool is_latin = true;

    for (size_t i = 0; i < n; i++) {
        is_latin = is_latin && wide[2 * i + 1] == 0;
        wide[i] = is_latin ? wide[2 * i] : wide[i];
    }
    struct kl_span s = is_latin ? kl_span_make(wide, n) : password;
    s = kl_span_part(s, 0, PAD_BYTES);
    memcpy(out, s.ptr, s.len);
    memcpy(out + s.len, pad, PAD_BYTES - s.len);
    explicit_bzero(wide, sizeof wide);
}

/* RC4 with the key, and in later revisions with the key XOR 1 … 19 (or backwards). */
static void rc4_rounds(const struct kl_pdf_key *k, const uint8_t *key, bool backwards, size_t len,
                       uint8_t *ptr)
{
    unsigned n = k->revision == 2 ? 1 : 20;
    for (unsigned i = 0; i < n; i++) {
        struct arcfour_ctx ctx;
        uint8_t turned[32];
        for (size_t b = 0; b < k->key_bytes; b++) {
            turned[b] = key[b] ^ (uint8_t)(backwards ? n - 1 - i : i);
        }
        arcfour_set_key(&ctx, k->key_bytes, turned);
        arcfour_crypt(&ctx, len, ptr, ptr);
        explicit_bzero(&ctx, sizeof ctx);
        explicit_bzero(turned, sizeof turned);
    }
}

static void md5_again(const struct kl_pdf_key *k, uint8_t digest[16])
{
    for (unsigned i = 0; i < 50 && k->revision >= 3; i++) {
        kl_hash_of(&nettle_md5, kl_span_make(digest, k->key_bytes), kl_span_make("", 0), digest);
    }
}

/* Algorithm 2, then 4 or 5: does the filled-up password give the U of the dictionary? */
static bool old_user_fits(struct kl_pdf_key *k, const uint8_t filled[PAD_BYTES])
{
    uint8_t rest[4] = {(uint8_t)k->permissions, (uint8_t)(k->permissions >> 8),
                       (uint8_t)(k->permissions >> 16), (uint8_t)(k->permissions >> 24)};
    uint8_t have[PAD_BYTES];
    struct kl_hash h;

    kl_hash_init(&h, &nettle_md5);
    kl_hash_add(&h, kl_span_make(filled, PAD_BYTES));
    kl_hash_add(&h, kl_span_make(k->owner, 32));
    kl_hash_add(&h, kl_span_make(rest, 4));
    kl_hash_add(&h, kl_span_make(k->id, k->id_len));
    if (k->revision >= 4 && k->has_plain_metadata) {
        kl_hash_add(&h, KL_SPAN_LIT("\xff\xff\xff\xff"));
    }
    kl_hash_end(&h, k->key);
    md5_again(k, k->key);
    if (k->revision == 2) {
        memcpy(have, pad, PAD_BYTES);
        rc4_rounds(k, k->key, false, PAD_BYTES, have);
        return memcmp(have, k->user, PAD_BYTES) == 0;
    }
    kl_hash_of(&nettle_md5, kl_span_make(pad, PAD_BYTES), kl_span_make(k->id, k->id_len), have);
    rc4_rounds(k, k->key, false, 16, have);
    return memcmp(have, k->user, 16) == 0;
}

/* The owner's password opens the user's. */
static void old_owner_to_user(const struct kl_pdf_key *k, uint8_t filled[PAD_BYTES])
{
    uint8_t key[16];
    kl_hash_of(&nettle_md5, kl_span_make(filled, PAD_BYTES), kl_span_make("", 0), key);
    md5_again(k, key);
    memcpy(filled, k->owner, PAD_BYTES);
    rc4_rounds(k, key, true, PAD_BYTES, filled);
    explicit_bzero(key, sizeof key);
}

static bool old_fits(struct kl_pdf_key *k, struct kl_span password)
{
    uint8_t filled[PAD_BYTES];

    fill_up(password, filled);
    bool good = old_user_fits(k, filled);
    if (!good) {
        old_owner_to_user(k, filled);
        good = old_user_fits(k, filled);
    }
    explicit_bzero(filled, sizeof filled);
    return good;
}

/* ---- revisions 5 and 6 ---- */

#define TURN_BYTES (KL_MAX_PASSWORD_BYTES + KL_HASH_MAX + 48u)
#define TURNS 64u

/* Algorithm 2.B; `buf` has room for TURNS * TURN_BYTES. */
static void harden(struct kl_span password, struct kl_span user, uint8_t *buf, uint8_t key[64])
{
    static const struct nettle_hash *const kinds[] = {&nettle_sha256, &nettle_sha384,
                                                      &nettle_sha512};
    size_t key_len = 32;
    uint8_t last = 0;

    for (unsigned i = 0; i < 64 || last > i - 32; i++) {
        size_t n = password.len + key_len + user.len;
        struct aes128_ctx aes;
        uint8_t iv[KL_AES_BLOCK];
        unsigned sum = 0;
        memcpy(buf, password.ptr, password.len);
        memcpy(buf + password.len, key, key_len);
        memcpy(buf + password.len + key_len, user.ptr, user.len);
        for (unsigned t = 1; t < TURNS; t++) {
            memcpy(buf + t * n, buf, n);
        }
        n *= TURNS;
        aes128_set_encrypt_key(&aes, key);
        memcpy(iv, key + 16, sizeof iv);
        cbc_encrypt(&aes, (nettle_cipher_func *)aes128_encrypt, KL_AES_BLOCK, iv, n, buf, buf);
        for (unsigned b = 0; b < 16; b++) {
            sum += buf[b];
        }
        last = buf[n - 1];
        kl_hash_of(kinds[sum % 3], kl_span_make(buf, n), kl_span_make("", 0), key);
        key_len = kinds[sum % 3]->digest_size;
    }
}

/* The digest of the password with a salt; `user` is empty, or the 48 bytes of U. */
static bool new_hash(const struct kl_pdf_key *k, struct kl_span password, const uint8_t *salt,
                     struct kl_span user, uint8_t out[64])
{
    struct kl_hash h;

    kl_hash_init(&h, &nettle_sha256);
    kl_hash_add(&h, password);
    kl_hash_add(&h, kl_span_make(salt, 8));
    kl_hash_add(&h, user);
    kl_hash_end(&h, out);
    explicit_bzero(&h, sizeof h);
    if (k->revision == 5) {
        return true;
    }
    uint8_t *buf = malloc(TURNS * TURN_BYTES);
    if (buf != NULL) {
        harden(password, user, buf, out);
        explicit_bzero(buf, TURNS * TURN_BYTES);
    }
    free(buf);
    return buf != NULL;
}

/* `check` is U or O: digest, salt of the digest, salt of the key. */
static bool new_one_fits(struct kl_pdf_key *k, struct kl_span password, const uint8_t check[48],
                         const uint8_t locked[32], struct kl_span user)
{
    static const uint8_t iv[KL_AES_BLOCK];
    uint8_t digest[KL_HASH_MAX];
    struct kl_aes aes;

    if (!new_hash(k, password, check + 32, user, digest) || memcmp(digest, check, 32) != 0 ||
        !new_hash(k, password, check + 40, user, digest)) {
        return false;
    }
    memcpy(k->key, locked, 32);
    (void)kl_aes_set(&aes, kl_span_make(digest, 32));
    kl_aes_cbc(&aes, iv, 32, k->key);
    explicit_bzero(digest, sizeof digest);
    explicit_bzero(&aes, sizeof aes);
    return true;
}

static bool new_fits(struct kl_pdf_key *k, struct kl_span password)
{
    return new_one_fits(k, password, k->user, k->user_key, kl_span_make("", 0)) ||
           new_one_fits(k, password, k->owner, k->owner_key, kl_span_make(k->user, 48));
}

bool kl_pdf_key_fits(struct kl_pdf_key *k, struct kl_span password)
{
    return k->revision >= 5 ? new_fits(k, password) : old_fits(k, password);
}

/* ---- the key of an object ---- */

size_t kl_pdf_key_of(const struct kl_pdf_key *k, enum kl_pdf_cipher cipher, uint32_t number,
                     uint32_t generation, uint8_t out[static 32])
{
    uint8_t place[5] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                        (uint8_t)generation, (uint8_t)(generation >> 8)};
    struct kl_hash h;

    if (cipher == KL_PDF_CIPHER_AES256) {
        memcpy(out, k->key, 32);
        return 32;
    }
    kl_hash_init(&h, &nettle_md5);
    kl_hash_add(&h, kl_span_make(k->key, k->key_bytes < 16 ? k->key_bytes : 16));
    kl_hash_add(&h, kl_span_make(place, sizeof place));
    if (cipher == KL_PDF_CIPHER_AES128) {
        kl_hash_add(&h, KL_SPAN_LIT("sAlT"));
    }
    kl_hash_end(&h, out);
    explicit_bzero(&h, sizeof h);
    return k->key_bytes + 5 < 16 && cipher != KL_PDF_CIPHER_AES128 ? k->key_bytes + 5 : 16;
}
