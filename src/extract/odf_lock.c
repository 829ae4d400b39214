#include "extract/odf_lock.h"

#include <nettle/pbkdf2.h>

#include "extract/password.h"

#define CHECKED_BYTES 1024u
#define PIECE_BYTES 4096u
#define MAX_KEY 32u

/* ---- the stream ---- */

static size_t block_bytes(const struct kl_odf_lock *l)
{
    return l->entry->cipher == KL_ODF_CIPHER_AES ? KL_AES_BLOCK : BLOWFISH_BLOCK_SIZE;
}

/* In place; `last` is the block of ciphertext before ptr. */
static void decipher(const struct kl_odf_lock *l, const uint8_t *last, size_t len, uint8_t *ptr)
{
    uint8_t now[BLOWFISH_BLOCK_SIZE];
    uint8_t mask[BLOWFISH_BLOCK_SIZE];

    if (l->entry->cipher == KL_ODF_CIPHER_AES) {
        kl_aes_cbc(&l->key.aes, last, len - len % KL_AES_BLOCK, ptr);
        return;
    }
    memcpy(now, last, sizeof now);
    for (size_t i = 0; i < len; i++) {
        size_t k = i % sizeof now;
        if (k == 0) {
            blowfish_encrypt(&l->key.blowfish, sizeof mask, mask, now);
        }
        now[k] = ptr[i];
        ptr[i] ^= mask[k];
    }
}

/* The pieces begin at multiples of PIECE_BYTES: one and the block before it is read at once. */
static enum kl_rc read_piece(const struct kl_odf_lock *l, uint64_t number,
                             uint8_t buf[static KL_AES_BLOCK + PIECE_BYTES], size_t *out_n)
{
    size_t block = block_bytes(l);
    uint64_t at = number * PIECE_BYTES;
    uint64_t left = at < l->len_bytes ? l->len_bytes - at : 0;
    size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    size_t n = 0;

    if (number == 0) {
        memcpy(buf, l->entry->iv.ptr, block);
        KL_TRY(kl_input_read(l->zip->in, l->from, buf + block, want, &n));
    } else {
        KL_TRY(kl_input_read(l->zip->in, l->from + at - block, buf, want + block, &n));
        n = n > block ? n - block : 0;
    }
    decipher(l, buf, n, buf + block);
    memmove(buf, buf + block, n);
    *out_n = n;
    return KL_OK;
}

static enum kl_rc lock_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct kl_odf_lock *l = ctx;
    uint8_t buf[KL_AES_BLOCK + PIECE_BYTES];
    uint64_t left = at < l->input.len_bytes ? l->input.len_bytes - at : 0;

    n = n < left ? n : (size_t)left;
    for (*out_n = 0; *out_n < n;) {
        size_t skip = (size_t)((at + *out_n) % PIECE_BYTES);
        size_t got = 0;
        KL_TRY(read_piece(l, (at + *out_n) / PIECE_BYTES, buf, &got));
        if (got <= skip) {
            break;
        }
        size_t len = got - skip < n - *out_n ? got - skip : n - *out_n;
        memcpy((uint8_t *)dst + *out_n, buf + skip, len);
        *out_n += len;
    }
    return KL_OK;
}

/* ---- does a password fit ---- */

static void set_key(struct kl_odf_lock *l, struct kl_span password)
{
    const struct kl_odf_entry *e = l->entry;
    uint8_t secret[KL_HASH_MAX];
    uint8_t made[MAX_KEY];

    kl_hash_of(e->start, password, kl_span_make("", 0), secret);
    nettle_pbkdf2_hmac_sha1(e->start->digest_size, secret, e->rounds, e->salt.len, e->salt.ptr,
                            e->key_bytes, made);
    if (e->cipher == KL_ODF_CIPHER_AES) {
        (void)kl_aes_set(&l->key.aes, kl_span_make(made, e->key_bytes));
    } else {
        (void)blowfish_set_key(&l->key.blowfish, e->key_bytes, made);
    }
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(made, sizeof made);
}

/* How long it is without what fills up the last block; false: that is not there. */
static enum kl_rc measure(struct kl_odf_lock *l, bool *out_good)
{
    uint8_t last = 0;
    size_t n = 0;

    *out_good = true;
    l->input.len_bytes = l->len_bytes;
    if (l->entry->cipher == KL_ODF_CIPHER_AES) {
        KL_TRY(lock_read(l, l->len_bytes - 1, &last, 1, &n));
        *out_good = n == 1 && last >= 1 && last <= KL_AES_BLOCK;
        l->input.len_bytes -= *out_good ? last : 0;
    }
    l->plain.comp_bytes = l->input.len_bytes;
    return KL_OK;
}

static enum kl_rc fits(void *ctx, struct kl_span password, bool *out_fits)
{
    struct kl_odf_lock *l = ctx;
    const struct kl_odf_entry *e = l->entry;
    uint8_t head[CHECKED_BYTES];
    uint8_t digest[KL_HASH_MAX];
    size_t n = 0;

    set_key(l, password);
    KL_TRY(measure(l, out_fits));
    if (*out_fits) {
        KL_TRY(lock_read(l, 0, head, sizeof head, &n));
        kl_hash_of(e->check, kl_span_make(head, n), kl_span_make("", 0), digest);
        *out_fits = memcmp(digest, e->digest.ptr, e->digest.len) == 0;
    }
    return KL_OK;
}

/* ---- the lock ---- */

static bool is_known(const struct kl_odf_lock *l, const struct kl_zip_member *m)
{
    const struct kl_odf_entry *e = l->entry;
    bool aes = e->cipher == KL_ODF_CIPHER_AES;
    bool key = aes ? e->key_bytes == 16 || e->key_bytes == 24 || e->key_bytes == 32
                   : e->key_bytes >= BLOWFISH_MIN_KEY_SIZE && e->key_bytes <= MAX_KEY;

    return e->cipher != KL_ODF_CIPHER_NONE && key && e->rounds > 0 && e->start != NULL &&
           e->check != NULL && e->digest.len == e->check->digest_size && e->salt.len > 0 &&
           e->iv.len == block_bytes(l) && m->method == 0 && l->len_bytes > 0 &&
           (!aes || l->len_bytes % KL_AES_BLOCK == 0);
}

enum kl_rc kl_odf_unlock(struct kl_zip *zip, const struct kl_zip_member *m,
                         const struct kl_odf_entry *entry, struct kl_odf_lock *out_l,
                         bool *out_open)
{
    struct kl_odf_lock *l = out_l;

    *out_open = false;
    *l = (struct kl_odf_lock){.entry = entry, .zip = zip, .plain = *m};
    l->from = m->data_at;
    l->len_bytes = m->comp_bytes;
    if (!is_known(l, m)) {
        return KL_OK;
    }
    l->source = (struct kl_source){l, lock_read, NULL};
    l->input = kl_input_source(&l->source, l->len_bytes);
    l->plain.method = 8;
    l->plain.data_at = 0;
    l->plain.no_crc = true; /* that of the zip is the ciphertext's */
    l->plain.no_size = !entry->has_size;
    l->plain.plain_bytes = entry->size;
    /* Two hashes in each round, for each 20 bytes of key. */
    uint64_t pieces = (entry->key_bytes + 19u) / 20;
    const struct kl_lock lock = {.fits = fits, .ctx = l, .hashes = pieces * 2 * entry->rounds};
    enum kl_rc rc = kl_emit_try_passwords(zip->e, &lock, out_open);
    return rc == KL_E_IO ? KL_OK : rc;
}

void kl_odf_lock_done(struct kl_odf_lock *l)
{
    explicit_bzero(l, sizeof *l);
}
