#include <stdlib.h>

#include "extract/odf_lock.h"
#include "extract/office.h"

/* ---- what the manifest says ---- */

struct manifest {
    struct kl_package *p;
    struct kl_odf_entry *entries; /* one for each member of the zip */
    bool failed;                  /* no password that is known opened one: none is tried again */
};

/* The names are URIs or what stands at their ends: "…#aes256-cbc", "SHA1/1K". */
static bool is_like(struct kl_span attrs, const char *name, const char *end)
{
    struct kl_span v;
    size_t n = strlen(end);
    return kl_xml_attr(attrs, name, &v) && v.len >= n &&
           kl_span_is(kl_span_part(v, v.len - n, v.len), end);
}

static const struct nettle_hash *check_of(struct kl_span attrs)
{
    static const char name[] = "checksum-type";
    if (is_like(attrs, name, "#sha256-1k")) {
        return &nettle_sha256;
    }
    return is_like(attrs, name, "#sha1-1k") || is_like(attrs, name, "SHA1/1K") ? &nettle_sha1
                                                                               : NULL;
}

static void bytes(struct kl_span attrs, const char *name, struct kl_odf_bytes *out)
{
    out->len = (uint8_t)kl_xml_attr_base64(attrs, name, out->ptr);
}

static uint8_t key_bytes(struct kl_span attrs, uint32_t usual)
{
    uint32_t n = kl_xml_attr_number(attrs, "key-size");
    n = n == 0 ? usual : n;
    return n <= UINT8_MAX ? (uint8_t)n : 0;
}

static void on_algorithm(struct kl_odf_entry *e, struct kl_span attrs)
{
    static const char name[] = "algorithm-name";
    bool aes = is_like(attrs, name, "#aes256-cbc") || is_like(attrs, name, "#aes192-cbc") ||
               is_like(attrs, name, "#aes128-cbc");
    bool blowfish = is_like(attrs, name, "Blowfish CFB") || is_like(attrs, name, "#blowfish");
    e->cipher = aes ? KL_ODF_CIPHER_AES : blowfish ? KL_ODF_CIPHER_BLOWFISH : KL_ODF_CIPHER_NONE;
    bytes(attrs, "initialisation-vector", &e->iv);
}

static void on_start_key(struct kl_odf_entry *e, struct kl_span attrs)
{
    static const char name[] = "start-key-generation-name";
    e->start = is_like(attrs, name, "#sha256")                                 ? &nettle_sha256
               : is_like(attrs, name, "#sha1") || is_like(attrs, name, "SHA1") ? &nettle_sha1
                                                                               : NULL;
}

static void on_derivation(struct kl_odf_entry *e, struct kl_span attrs)
{
    bool known = is_like(attrs, "key-derivation-name", "PBKDF2") ||
                 is_like(attrs, "key-derivation-name", "#pbkdf2");
    e->rounds = known ? kl_xml_attr_number(attrs, "iteration-count") : 0;
    e->key_bytes = key_bytes(attrs, 16);
    bytes(attrs, "salt", &e->salt);
}

static void on_element(struct kl_odf_entry *e, const struct kl_xml_token *t)
{
    if (kl_span_is(t->name, "encryption-data")) {
        e->is_encrypted = true;
        e->start = &nettle_sha1; /* when nothing else is said */
        e->check = check_of(t->attrs);
        bytes(t->attrs, "checksum", &e->digest);
    } else if (kl_span_is(t->name, "algorithm")) {
        on_algorithm(e, t->attrs);
    } else if (kl_span_is(t->name, "start-key-generation")) {
        on_start_key(e, t->attrs);
    } else if (kl_span_is(t->name, "key-derivation")) {
        on_derivation(e, t->attrs);
    }
}

/* The entry of a member, from <file-entry>; NULL: no member of this name. */
static struct kl_odf_entry *on_file(const struct manifest *f, struct kl_span attrs)
{
    struct kl_span name;
    const struct kl_zip_member *m =
        kl_xml_attr(attrs, "full-path", &name) ? kl_zip_find(f->p->zip, name) : NULL;

    if (m == NULL) {
        return NULL;
    }
    struct kl_odf_entry *e = &f->entries[m - f->p->zip->m];
    struct kl_span size;
    e->has_size = kl_xml_attr(attrs, "size", &size);
    e->size = kl_xml_attr_number(attrs, "size");
    return e;
}

static enum kl_rc read_manifest(struct manifest *f, const struct kl_zip_member *manifest)
{
    struct kl_package *p = f->p;
    struct kl_odf_entry *entry = NULL;
    struct kl_xml_token t;
    size_t left = p->zip->n_real * 2 + 64; /* a search for each: bounded */

    kl_package_peek(p, manifest);
    do {
        KL_TRY(kl_xml_next(&p->xml, &t));
        if (t.kind != KL_XML_START) {
            continue;
        }
        if (kl_span_is(t.name, "file-entry") && left > 0) {
            entry = on_file(f, t.attrs);
            left--;
        } else if (entry != NULL) {
            on_element(entry, &t);
        }
    } while (t.kind != KL_XML_NONE && p->stream.got <= KL_MAX_WHOLE_MEMBER);
    return KL_OK;
}

/* ---- a member that it calls encrypted ---- */

static enum kl_rc say_encrypted(void *ctx, const struct kl_zip_member *m)
{
    const struct kl_package *p = ctx;
    kl_emit_set_size(p->e, m->comp_bytes);
    return kl_emit_not_inspected(p->e, KL_REASON_ENCRYPTED, m->comp_bytes);
}

/* As a zip of its own that has but this member. */
static enum kl_rc read_open(struct kl_package *p, struct kl_odf_lock *l)
{
    struct kl_zip *outer = p->zip;
    struct kl_zip inside = *outer;

    inside.in = &l->input;
    inside.m = &l->plain;
    inside.n = 1;
    inside.n_real = 1;
    p->zip = &inside;
    enum kl_rc rc = kl_office_read_member(p, &l->plain);
    if (rc == KL_OK && l->plain.state == KL_ZIP_STATE_NONE) {
        rc = kl_zip_extract_member(&inside, &l->plain);
    }
    p->zip = outer;
    return rc;
}

static enum kl_rc read_locked(struct manifest *f, struct kl_zip_member *m, struct kl_odf_lock *l)
{
    struct kl_package *p = f->p;
    bool open = false;

    if (!f->failed) {
        KL_TRY(kl_odf_unlock(p->zip, m, &f->entries[m - p->zip->m], l, &open));
        f->failed = !open;
    }
    if (!open) {
        return kl_package_with_level(p, m, say_encrypted, p, NULL);
    }
    m->state = KL_ZIP_STATE_DONE;
    return read_open(p, l);
}

static enum kl_rc read_all(struct manifest *f, const struct kl_zip_member *manifest,
                           struct kl_odf_lock *lock)
{
    struct kl_zip *zip = f->p->zip;

    KL_TRY(kl_zip_is_readable(manifest) ? read_manifest(f, manifest) : KL_OK);
    for (size_t i = 0; i < zip->n_real; i++) {
        struct kl_zip_member *m = &zip->m[i];
        struct kl_xml_token root;
        if (!f->entries[i].is_encrypted || !kl_zip_is_readable(m) || m == manifest) {
            continue;
        }
        KL_TRY(kl_package_root(f->p, m, &root));
        if (root.name.len == 0) { /* else it is not encrypted at all */
            KL_TRY(read_locked(f, m, lock));
        }
    }
    return KL_OK;
}

enum kl_rc kl_odf_manifest_read(struct kl_package *p, const struct kl_zip_member *manifest)
{
    struct manifest f = {.p = p, .entries = calloc(p->zip->n + 1, sizeof(struct kl_odf_entry))};
    struct kl_odf_lock *lock = malloc(sizeof *lock);
    enum kl_rc rc = f.entries != NULL && lock != NULL ? KL_OK : KL_E_NOMEM;

    if (rc == KL_OK) {
        rc = read_all(&f, manifest, lock);
    }
    if (lock != NULL) {
        kl_odf_lock_done(lock);
    }
    free(lock);
    free(f.entries);
    return rc;
}
