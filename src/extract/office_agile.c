#include "extract/office_lock.h"
#include "extract/xml.h"
#include "extract/xml_value.h"

struct feed {
    struct kl_span left;
};

static enum kl_rc feed_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct feed *f = ctx;
    n = n < f->left.len ? n : f->left.len;
    if (n > 0) {
        memcpy(dst, f->left.ptr, n);
    }
    f->left = kl_span_part(f->left, n, f->left.len);
    *out_n = n;
    return KL_OK;
}

/* ---- attributes ---- */

static void bytes(struct kl_span attrs, const char *name, struct kl_office_field *out)
{
    out->len = kl_xml_attr_base64(attrs, name, out->ptr);
}

static const struct nettle_hash *hash_of(struct kl_span attrs)
{
    static const struct {
        const char *name;
        const struct nettle_hash *hash;
    } known[] = {{"SHA1", &nettle_sha1},     {"SHA-1", &nettle_sha1},
                 {"SHA256", &nettle_sha256}, {"SHA-256", &nettle_sha256},
                 {"SHA384", &nettle_sha384}, {"SHA-384", &nettle_sha384},
                 {"SHA512", &nettle_sha512}, {"SHA-512", &nettle_sha512}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (kl_xml_attr_is(attrs, "hashAlgorithm", known[i].name)) {
            return known[i].hash;
        }
    }
    return NULL;
}

/* AES in CBC mode, and the length of its key; 0: something else. */
static size_t key_of(struct kl_span attrs)
{
    uint32_t bits = kl_xml_attr_number(attrs, "keyBits");
    bool known = kl_xml_attr_is(attrs, "cipherAlgorithm", "AES") &&
                 kl_xml_attr_is(attrs, "cipherChaining", "ChainingModeCBC") &&
                 kl_xml_attr_number(attrs, "blockSize") == KL_AES_BLOCK &&
                 (bits == 128 || bits == 192 || bits == 256);
    return known ? bits / 8 : 0;
}

/* ---- elements ---- */

static void on_key_data(struct kl_office_lock *l, struct kl_span attrs)
{
    l->data_key_bytes = key_of(attrs);
    l->data_hash = hash_of(attrs);
    bytes(attrs, "saltValue", &l->data_salt);
}

/* The first one that a password opens; one for a certificate has another name space and fields. */
static void on_encrypted_key(struct kl_office_lock *l, struct kl_span attrs)
{
    if (l->key_bytes != 0) {
        return;
    }
    l->spin = kl_xml_attr_number(attrs, "spinCount");
    l->key_bytes = key_of(attrs);
    l->hash = hash_of(attrs);
    bytes(attrs, "saltValue", &l->salt);
    bytes(attrs, "encryptedVerifierHashInput", &l->verifier);
    bytes(attrs, "encryptedVerifierHashValue", &l->verifier_hash);
    bytes(attrs, "encryptedKeyValue", &l->key_value);
}

static bool is_cipher(const struct kl_office_field *f)
{
    return f->len > 0 && f->len % KL_AES_BLOCK == 0;
}

/* Everything that is needed is there, in lengths that fit together. */
static bool is_whole(const struct kl_office_lock *l)
{
    return l->hash != NULL && l->data_hash != NULL && l->key_bytes > 0 && l->data_key_bytes > 0 &&
           l->salt.len > 0 && l->data_salt.len > 0 && is_cipher(&l->verifier) &&
           is_cipher(&l->verifier_hash) && is_cipher(&l->key_value) &&
           l->salt.len <= l->verifier.len && l->verifier_hash.len >= l->hash->digest_size &&
           l->key_value.len >= l->data_key_bytes;
}

static enum kl_rc read_all(struct kl_office_lock *l, struct kl_xml *x)
{
    struct kl_xml_token t;
    do {
        KL_TRY(kl_xml_next(x, &t));
        if (t.kind == KL_XML_START && kl_span_is(t.name, "keyData")) {
            on_key_data(l, t.attrs);
        } else if (t.kind == KL_XML_START && kl_span_is(t.name, "encryptedKey")) {
            on_encrypted_key(l, t.attrs);
        }
    } while (t.kind != KL_XML_NONE);
    return KL_OK;
}

enum kl_rc kl_office_agile_read(struct kl_office_lock *l, struct kl_span xml, bool *out_known)
{
    struct feed f = {xml};
    struct kl_xml x;

    KL_TRY(kl_xml_init(&x, (struct kl_xml_feed){&f, feed_read}));
    enum kl_rc rc = read_all(l, &x);
    kl_xml_done(&x);
    l->is_agile = true;
    *out_known = is_whole(l);
    return rc;
}
