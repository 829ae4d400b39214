#include "extract/package.h"

#define NAME_BYTES 1024u
#define MAX_COMPARED 100000000u /* relations with what is looked for: half a second */

/* ---- reading a member through the window ---- */

static enum kl_rc feed_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    return kl_zip_read(ctx, dst, n, out_n);
}

static enum kl_rc peek_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct kl_zip_stream *s = ctx;
    uint64_t left = s->got < KL_PACKAGE_PEEK_BYTES ? KL_PACKAGE_PEEK_BYTES - s->got : 0;
    return kl_zip_read(s, dst, n < left ? n : (size_t)left, out_n);
}

enum kl_rc kl_package_init(struct kl_package *p, struct kl_zip *zip)
{
    *p = (struct kl_package){.zip = zip, .e = zip->e};
    return kl_xml_init(&p->xml, (struct kl_xml_feed){&p->stream, peek_read});
}

void kl_package_done(struct kl_package *p)
{
    kl_xml_done(&p->xml);
}

void kl_package_open(struct kl_package *p, const struct kl_zip_member *m)
{
    kl_zip_open(p->zip, m, false, &p->stream);
    kl_xml_start(&p->xml, (struct kl_xml_feed){&p->stream, feed_read});
}

void kl_package_peek(struct kl_package *p, const struct kl_zip_member *m)
{
    kl_zip_open(p->zip, m, true, &p->stream);
    kl_xml_start(&p->xml, (struct kl_xml_feed){&p->stream, feed_read});
}

enum kl_rc kl_package_close(struct kl_package *p)
{
    if (p->xml.has_doctype) {
        KL_TRY(kl_emit_anomaly(p->e, "xml.doctype"));
    }
    if (p->xml.has_long_tag) {
        KL_TRY(kl_emit_anomaly(p->e, "xml.long_tag"));
    }
    return kl_zip_close(&p->stream);
}

enum kl_rc kl_package_root(struct kl_package *p, const struct kl_zip_member *m,
                           struct kl_xml_token *out_root)
{
    struct kl_xml_token t;
    *out_root =
        (struct kl_xml_token){.name = {(const uint8_t *)"", 0}, .attrs = {(const uint8_t *)"", 0}};
    if (!kl_zip_is_readable(m) || m->comp_bytes == 0) {
        return KL_OK;
    }
    kl_zip_open(p->zip, m, true, &p->stream);
    kl_xml_start(&p->xml, (struct kl_xml_feed){&p->stream, peek_read});
    for (;;) {
        KL_TRY(kl_xml_next(&p->xml, &t));
        if (t.kind == KL_XML_START) {
            *out_root = t;
        }
        if (t.kind != KL_XML_TEXT || (t.text.len > 0 && t.text.ptr[0] > ' ')) {
            return KL_OK;
        }
    }
}

/* ---- relations ---- */

/* The part a target names, seen from the folder of `from`; NULL: there is none. */
static struct kl_zip_member *resolve(struct kl_zip *zip, struct kl_span from,
                                     struct kl_span raw_target)
{
    uint8_t path[NAME_BYTES * 4 + KL_XML_PAD];
    size_t len = 0;
    uint8_t target[NAME_BYTES * 3 + KL_XML_PAD];
    if (raw_target.len > NAME_BYTES / 2 || from.len > NAME_BYTES) {
        return NULL;
    }
    struct kl_span t = kl_span_make(target, kl_xml_decode(raw_target, 0, target));
    const uint8_t *slash = memrchr(from.ptr, '/', from.len);
    if (t.len > 0 && t.ptr[0] == '/') {
        t = kl_span_part(t, 1, t.len);
    } else if (slash != NULL) {
        len = (size_t)(slash - from.ptr) + 1;
        memcpy(path, from.ptr, len);
    }
    for (size_t at = 0; at < t.len;) {
        const uint8_t *stop = memchr(t.ptr + at, '/', t.len - at);
        size_t end = stop != NULL ? (size_t)(stop - t.ptr) + 1 : t.len;
        struct kl_span step = kl_span_part(t, at, end);
        if (kl_span_is(step, "../")) {
            len -= len > 0;
            while (len > 0 && path[len - 1] != '/') {
                len--;
            }
        } else if (!kl_span_is(step, "./")) {
            memcpy(path + len, step.ptr, step.len);
            len += step.len;
        }
        at = end;
    }
    return kl_zip_find(zip, kl_span_make(path, len));
}

static bool ends_with(struct kl_span s, const char *tail)
{
    size_t n = strlen(tail);
    return s.len >= n && kl_span_is(kl_span_part(s, s.len - n, s.len), tail);
}

/* "xl/workbook.xml" -> "xl/_rels/workbook.xml.rels". */
static struct kl_zip_member *rels_of(struct kl_zip *zip, struct kl_span part)
{
    uint8_t path[NAME_BYTES + 32];
    if (part.len > NAME_BYTES) {
        return NULL;
    }
    const uint8_t *slash = memrchr(part.ptr, '/', part.len);
    size_t dir = slash != NULL ? (size_t)(slash - part.ptr) + 1 : 0;
    size_t len = dir;
    memcpy(path, part.ptr, dir);
    memcpy(path + len, "_rels/", 6); /* NOLINT(bugprone-not-null-terminated-result): a span */
    len += 6;
    memcpy(path + len, part.ptr + dir, part.len - dir);
    len += part.len - dir;
    memcpy(path + len, ".rels", 5); /* NOLINT(bugprone-not-null-terminated-result): a span */
    return kl_zip_find(zip, kl_span_make(path, len + 5));
}

enum kl_rc kl_package_rels(struct kl_package *p, struct kl_span from, struct kl_package_wanted *w,
                           size_t n)
{
    struct kl_xml_token t;
    const struct kl_zip_member *rels = rels_of(p->zip, from);
    if (rels == NULL || !kl_zip_is_readable(rels)) {
        return KL_OK;
    }
    kl_package_peek(p, rels);
    for (uint64_t compared = 0;; compared += n) {
        struct kl_span type;
        struct kl_span id;
        struct kl_span target;
        KL_TRY(kl_xml_next(&p->xml, &t));
        if (t.kind == KL_XML_NONE || p->stream.got > KL_MAX_WHOLE_MEMBER ||
            compared > MAX_COMPARED) {
            return KL_OK;
        }
        if (t.kind != KL_XML_START || !kl_span_is(t.name, "Relationship") ||
            !kl_xml_attr(t.attrs, "Target", &target)) {
            continue;
        }
        bool has_type = kl_xml_attr(t.attrs, "Type", &type);
        bool has_id = kl_xml_attr(t.attrs, "Id", &id);
        for (size_t i = 0; i < n; i++) {
            bool hit = w[i].type != NULL ? has_type && ends_with(type, w[i].type)
                                         : has_id && kl_span_eq(id, w[i].id);
            if (hit && w[i].found == NULL) {
                w[i].found = resolve(p->zip, from, target);
            }
        }
    }
}

/* ---- levels ---- */

enum kl_rc kl_package_with_level(struct kl_package *p, struct kl_zip_member *m,
                                 kl_package_reader *read, void *ctx, const char *note)
{
    enum kl_rc rc = kl_emit_enter(p->e, kl_zip_name(p->zip, m), m->share_bytes);
    if (rc == KL_E_LIMIT) {
        return KL_OK;
    }
    m->state = KL_ZIP_STATE_DONE;
    if (rc == KL_OK && m->is_mismatch) {
        rc = kl_emit_anomaly(p->e, "zip.mismatch");
    }
    if (rc == KL_OK && m->is_size_lie) {
        rc = kl_emit_anomaly(p->e, "zip.size_lie");
    }
    if (rc == KL_OK && note != NULL) {
        rc = kl_emit_anomaly(p->e, note);
    }
    if (rc == KL_OK) {
        rc = read(ctx, m);
    }
    kl_emit_leave(p->e);
    return rc;
}

enum kl_rc kl_package_tell(struct kl_package *p, struct kl_zip_member *m, kl_package_reader *read,
                           void *ctx, const char *note)
{
    uint64_t lost_before = kl_emit_lost_get(p->e);
    KL_TRY(kl_package_with_level(p, m, read, ctx, note));
    if (m->state == KL_ZIP_STATE_DONE) {
        kl_zip_confirm(p->zip, m, lost_before);
    }
    return KL_OK;
}
