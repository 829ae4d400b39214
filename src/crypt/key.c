#include "crypt/key.h"

#include "crypt/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 32
#define MAGIC "kulla-key-1"

struct kl_key {
    uint8_t secret[SECRET_BYTES];
    uint8_t sign_secret[crypto_sign_SECRETKEYBYTES];
    uint8_t sign_public[crypto_sign_PUBLICKEYBYTES];
    char id[17];
};

/* out = BLAKE2b(key = secret, purpose NUL name) */
static void derive(const uint8_t secret[static SECRET_BYTES], const char *purpose, const char *name,
                   uint8_t *out, size_t out_len)
{
    crypto_generichash_state st;

    (void)crypto_generichash_init(&st, secret, SECRET_BYTES, out_len);
    (void)crypto_generichash_update(&st, (const uint8_t *)purpose, strlen(purpose) + 1);
    (void)crypto_generichash_update(&st, (const uint8_t *)name, strlen(name));
    (void)crypto_generichash_final(&st, out, out_len);
    sodium_memzero(&st, sizeof st);
}

enum kl_rc kl_key_from_bytes(const uint8_t secret[static SECRET_BYTES], struct kl_key **out_key)
{
    if (sodium_init() < 0) {
        return KL_E_IO;
    }
    struct kl_key *k = sodium_malloc(sizeof *k);
    if (k == NULL) {
        return KL_E_NOMEM;
    }
    uint8_t seed[crypto_sign_SEEDBYTES];
    uint8_t id[8];
    memcpy(k->secret, secret, SECRET_BYTES);
    derive(secret, "kulla/sign", "", seed, sizeof seed);
    (void)crypto_sign_seed_keypair(k->sign_public, k->sign_secret, seed);
    sodium_memzero(seed, sizeof seed);
    derive(secret, "kulla/id", "", id, sizeof id);
    (void)sodium_bin2hex(k->id, sizeof k->id, id, sizeof id);
    *out_key = k;
    return KL_OK;
}

void kl_key_free(struct kl_key **key)
{
    if (*key != NULL) {
        sodium_free(*key);
        *key = NULL;
    }
}

const char *kl_key_id_get(const struct kl_key *key)
{
    return key->id;
}

static enum kl_rc write_all(int fd, const char *text, size_t len, struct kl_err *err)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0) {
            return kl_fail_errno(err, "cannot write the key file");
        }
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? KL_OK : kl_fail_errno(err, "cannot flush the key file");
}

enum kl_rc kl_key_generate(const char *path, struct kl_err *err)
{
    uint8_t secret[SECRET_BYTES];
    char b64[64];
    char text[128];
    struct kl_key *key = NULL;

    if (sodium_init() < 0) {
        return kl_fail(err, KL_E_IO, "the cryptography library does not start");
    }
    randombytes_buf(secret, sizeof secret);
    enum kl_rc rc = kl_key_from_bytes(secret, &key);
    if (rc != KL_OK) {
        sodium_memzero(secret, sizeof secret);
        return kl_fail(err, rc, "no locked memory for the key (raise ulimit -l)");
    }
    (void)sodium_bin2base64(b64, sizeof b64, secret, sizeof secret, sodium_base64_VARIANT_ORIGINAL);
    int n = snprintf(text, sizeof text, MAGIC "\nid %s\nsecret %s\n", key->id, b64);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        rc = errno == EEXIST
                 ? kl_fail(err, KL_E_IO, "the key file is there already; it is never overwritten")
                 : kl_fail_errno(err, "cannot make the key file");
    } else {
        rc = write_all(fd, text, (size_t)n, err);
        if (close(fd) != 0 && rc == KL_OK) {
            rc = kl_fail_errno(err, "cannot close the key file");
        }
        if (rc != KL_OK) {
            (void)unlink(path);
        }
    }
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(b64, sizeof b64);
    sodium_memzero(text, sizeof text);
    kl_key_free(&key);
    return rc;
}

/* "kulla-key-1\nid X\nsecret Y\n" */
static enum kl_rc parse(const char *text, struct kl_key **out_key, struct kl_err *err)
{
    uint8_t secret[SECRET_BYTES];
    size_t len = 0;
    char id[17];
    const char *p = text;

    if (strncmp(p, MAGIC "\nid ", sizeof MAGIC + 3) != 0) {
        return kl_fail(err, KL_E_KEY, "not a kulla key file (make one with: kulla keygen FILE)");
    }
    p += sizeof MAGIC + 3;
    if (strnlen(p, 24) < 24 || memcmp(p + 16, "\nsecret ", 8) != 0) {
        return kl_fail(err, KL_E_KEY, "the key file is damaged; restore it from its copy");
    }
    memcpy(id, p, 16);
    id[16] = '\0';
    p += 24;
    size_t b64 = strcspn(p, "\r\n");
    if (sodium_base642bin(secret, sizeof secret, p, b64, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != sizeof secret) {
        sodium_memzero(secret, sizeof secret);
        return kl_fail(err, KL_E_KEY, "the key file is damaged; restore it from its copy");
    }
    enum kl_rc rc = kl_key_from_bytes(secret, out_key);
    sodium_memzero(secret, sizeof secret);
    if (rc != KL_OK) {
        return kl_fail(err, rc, "no locked memory for the key (raise ulimit -l)");
    }
    if (strcmp((*out_key)->id, id) != 0) {
        kl_key_free(out_key);
        return kl_fail(err, KL_E_KEY, "the key file's id does not fit its secret; it was changed");
    }
    return KL_OK;
}

enum kl_rc kl_key_read(const char *path, struct kl_key **out_key, struct kl_err *err)
{
    char text[256];
    struct stat st;
    size_t len = 0;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return kl_fail_errno(err, "cannot open the key file");
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
        (void)close(fd);
        return kl_fail(err, KL_E_KEY, "the key file is open to other users; run: chmod 600 FILE");
    }
    while (len < sizeof text - 1) {
        ssize_t n = read(fd, text + len, sizeof text - 1 - len);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    (void)close(fd);
    text[len] = '\0';
    enum kl_rc rc = parse(text, out_key, err);
    sodium_memzero(text, sizeof text);
    return rc;
}

void kl_key_prf(const struct kl_key *key, const char *name, struct kl_prf *out_prf)
{
    uint8_t k[48];

    derive(key->secret, "kulla/prf", name, k, sizeof k);
    kl_prf_init(out_prf, k, k + 16, k + 32);
    sodium_memzero(k, sizeof k);
}

void kl_key_check_value(const struct kl_key *key, const char *name, uint8_t out[static 8])
{
    uint8_t v[16];

    derive(key->secret, "kulla/check", name, v, sizeof v);
    memcpy(out, v, 8);
}

void kl_key_sign(const struct kl_key *key, struct kl_span msg,
                 uint8_t out_sig[static KL_SIGN_BYTES])
{
    (void)crypto_sign_detached(out_sig, NULL, msg.ptr, msg.len, key->sign_secret);
}

enum kl_rc kl_key_verify(const struct kl_key *key, struct kl_span msg,
                         const uint8_t sig[static KL_SIGN_BYTES])
{
    return crypto_sign_verify_detached(sig, msg.ptr, msg.len, key->sign_public) == 0 ? KL_OK
                                                                                     : KL_E_FORMAT;
}
