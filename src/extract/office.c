#include "extract/office.h"

#include <stdlib.h>

#include "extract/extract.h"
#include "extract/ooxml.h"

/* ---- members ---- */

static enum kl_rc read_ooxml(void *ctx, const struct kl_zip_member *m)
{
    struct kl_package *p = ctx;
    kl_package_open(p, m);
    KL_TRY(kl_ooxml_read(p->e, &p->xml));
    return kl_package_close(p);
}

static enum kl_rc read_odf(void *ctx, const struct kl_zip_member *m)
{
    struct kl_package *p = ctx;
    kl_package_open(p, m);
    KL_TRY(kl_odf_read(p->e, &p->xml));
    return kl_package_close(p);
}

/* A package has one of these; other zips are not searched for documents. */
static bool is_package(struct kl_zip *zip)
{
    static const char *const names[] = {
        "[Content_Types].xml", "META-INF/manifest.xml", "mimetype",
        "_rels/.rels",         "word/document.xml",     "content.xml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (kl_zip_find(zip, kl_span_str(names[i])) != NULL) {
            return true;
        }
    }
    return false;
}

enum kl_rc kl_office_read_member(struct kl_package *p, struct kl_zip_member *m)
{
    struct kl_xml_token root;
    if (m->state != KL_ZIP_STATE_NONE) {
        return KL_OK;
    }
    KL_TRY(kl_package_root(p, m, &root));
    if (kl_ooxml_has_root(&root)) {
        return kl_package_tell(p, m, read_ooxml, p, NULL);
    }
    if (kl_odf_has_root(&root)) {
        return kl_package_tell(p, m, read_odf, p, NULL);
    }
    return KL_OK;
}

static enum kl_rc read_package(struct kl_package *p)
{
    const struct kl_zip_member *manifest =
        kl_zip_find(p->zip, KL_SPAN_LIT("META-INF/manifest.xml"));
    if (manifest != NULL) {
        KL_TRY(kl_odf_manifest_read(p, manifest));
    }
    for (size_t i = 0; i < p->zip->n_real; i++) {
        KL_TRY(kl_office_read_member(p, &p->zip->m[i]));
    }
    return KL_OK;
}

enum kl_rc kl_office_extract(struct kl_zip *zip)
{
    struct kl_package p;
    if (!is_package(zip)) {
        return KL_OK;
    }
    KL_TRY(kl_xlsb_extract(zip));
    KL_TRY(kl_package_init(&p, zip));
    enum kl_rc rc = read_package(&p);
    kl_package_done(&p);
    return rc;
}

/* ---- documents that are one XML file ---- */

struct file_feed {
    const struct kl_input *in;
    uint64_t at;
    bool io;
};

static enum kl_rc file_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct file_feed *f = ctx;
    uint64_t left = f->in->len_bytes > f->at ? f->in->len_bytes - f->at : 0;
    *out_n = 0;
    f->io = f->io || kl_input_read(f->in, f->at, dst, n < left ? n : (size_t)left, out_n) != KL_OK;
    *out_n = f->io ? 0 : *out_n;
    f->at += *out_n;
    return KL_OK;
}

static bool is_flat_root(struct kl_span name)
{
    return kl_span_is(name, "wordDocument") || kl_span_is(name, "Workbook") ||
           kl_span_is(name, "package");
}

enum kl_rc kl_extract_flat(struct kl_emit *e, const struct kl_input *in)
{
    struct file_feed feed = {.in = in};
    struct kl_xml xml;
    struct kl_xml_token root = {.kind = KL_XML_NONE};
    KL_TRY(kl_xml_init(&xml, (struct kl_xml_feed){&feed, file_read}));
    enum kl_rc rc = KL_OK;
    do {
        rc = kl_xml_next(&xml, &root);
    } while (rc == KL_OK && root.kind != KL_XML_NONE && root.kind != KL_XML_START);
    bool is_odf = rc == KL_OK && root.kind == KL_XML_START && kl_odf_has_root(&root);
    if (rc == KL_OK && !is_odf && !is_flat_root(root.name)) {
        kl_xml_done(&xml);
        return kl_extract_text(e, in); /* the name space of one, but no document */
    }
    feed = (struct file_feed){.in = in};
    kl_xml_start(&xml, (struct kl_xml_feed){&feed, file_read});
    if (rc == KL_OK) {
        rc = is_odf ? kl_odf_read(e, &xml) : kl_ooxml_read(e, &xml);
    }
    if (rc == KL_OK && xml.has_doctype) {
        rc = kl_emit_anomaly(e, "xml.doctype");
    }
    if (rc == KL_OK && feed.at < in->len_bytes) {
        rc = kl_emit_not_inspected(e, feed.io ? KL_REASON_IO : KL_REASON_CHANGED,
                                   in->len_bytes - feed.at);
    }
    kl_xml_done(&xml);
    return rc;
}
