#include "extract/xlsx.h"

#include <stdlib.h>

#define PEEK_BYTES 4096u
#define NAME_BYTES 1024u
#define MAX_SHEETS 10000u

/* ---- reading a member through the window ---- */

static enum kl_rc feed_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    return kl_zip_read(ctx, dst, n, out_n);
}

static enum kl_rc peek_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct kl_zip_stream *s = ctx;
    uint64_t left = s->got < PEEK_BYTES ? PEEK_BYTES - s->got : 0;
    return kl_zip_read(s, dst, n < left ? n : (size_t)left, out_n);
}

void kl_xlsx_open(struct kl_xlsx *x, const struct kl_zip_member *m)
{
    kl_zip_open(x->zip, m, false, &x->stream);
    kl_xml_start(&x->xml, (struct kl_xml_feed){&x->stream, feed_read});
}

enum kl_rc kl_xlsx_close(struct kl_xlsx *x)
{
    if (x->xml.has_doctype) {
        KL_TRY(kl_emit_anomaly(x->e, "xml.doctype"));
    }
    if (x->xml.has_long_tag) {
        KL_TRY(kl_emit_anomaly(x->e, "xml.long_tag"));
    }
    return kl_zip_close(&x->stream);
}

/* The local name of the root element; borrowed from the window; empty: not XML. */
static enum kl_rc root_of(struct kl_xlsx *x, const struct kl_zip_member *m,
                          struct kl_span *out_root)
{
    struct kl_xml_token t;
    *out_root = kl_span_make("", 0);
    if (!kl_zip_is_readable(m) || m->comp_bytes == 0) {
        return KL_OK;
    }
    kl_zip_open(x->zip, m, true, &x->stream);
    kl_xml_start(&x->xml, (struct kl_xml_feed){&x->stream, peek_read});
    for (;;) {
        KL_TRY(kl_xml_next(&x->xml, &t));
        if (t.kind == KL_XML_START) {
            *out_root = t.name;
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

/* One relation of `from`, found by its type's last word or by its id. */
struct wanted {
    const char *type;
    struct kl_span id;
    struct kl_zip_member *found;
};

/* Look for several relations in one pass; a peek, the part is read again as text. */
static enum kl_rc find_rels(struct kl_xlsx *x, struct kl_span from, struct wanted *w, size_t n)
{
    struct kl_xml_token t;
    const struct kl_zip_member *rels = rels_of(x->zip, from);
    if (rels == NULL || !kl_zip_is_readable(rels)) {
        return KL_OK;
    }
    kl_zip_open(x->zip, rels, true, &x->stream);
    kl_xml_start(&x->xml, (struct kl_xml_feed){&x->stream, feed_read});
    for (;;) {
        struct kl_span type;
        struct kl_span id;
        struct kl_span target;
        KL_TRY(kl_xml_next(&x->xml, &t));
        if (t.kind == KL_XML_NONE || x->stream.got > KL_MAX_WHOLE_MEMBER) {
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
                w[i].found = resolve(x->zip, from, target);
            }
        }
    }
}

/* ---- the workbook ---- */

static enum kl_rc find_workbook(struct kl_xlsx *x)
{
    struct kl_span root;
    struct wanted w = {"/officeDocument", {NULL, 0}, NULL};
    if (kl_zip_find(x->zip, KL_SPAN_LIT("[Content_Types].xml")) == NULL) {
        return KL_OK;
    }
    KL_TRY(find_rels(x, kl_span_make("", 0), &w, 1));
    if (w.found != NULL) {
        KL_TRY(root_of(x, w.found, &root));
        if (kl_span_is(root, "workbook")) {
            x->workbook = w.found;
            return KL_OK;
        }
    }
    /* The way there is broken or leads elsewhere: a workbook is told by its root. */
    for (size_t i = 0; i < x->zip->n_real && x->workbook == NULL; i++) {
        KL_TRY(root_of(x, &x->zip->m[i], &root));
        if (kl_span_is(root, "workbook")) {
            x->workbook = &x->zip->m[i];
        }
    }
    return KL_OK;
}

struct hidden {
    struct kl_buf ids; /* relation ids of hidden sheets, each behind its length byte */
    size_t n;
};

static enum kl_rc on_workbook_token(struct kl_xlsx *x, const struct kl_xml_token *t,
                                    struct hidden *h)
{
    struct kl_span v;
    if (t->kind != KL_XML_START) {
        return KL_OK;
    }
    if (kl_span_is(t->name, "workbookPr") && kl_xml_attr_is_true(t->attrs, "date1904")) {
        x->is_1904 = true;
    }
    if (kl_span_is(t->name, "sheet") && kl_xml_attr(t->attrs, "state", &v) &&
        (kl_span_is(v, "hidden") || kl_span_is(v, "veryHidden")) && h->n < MAX_SHEETS &&
        kl_xml_attr(t->attrs, "id", &v) && v.len < 256) {
        KL_TRY(kl_buf_add_u8(&h->ids, (uint8_t)v.len));
        KL_TRY(kl_buf_add(&h->ids, v.ptr, v.len));
        h->n++;
    }
    return KL_OK;
}

static enum kl_rc scan_workbook(struct kl_xlsx *x, struct hidden *h)
{
    struct kl_xml_token t;
    kl_zip_open(x->zip, x->workbook, true, &x->stream);
    kl_xml_start(&x->xml, (struct kl_xml_feed){&x->stream, feed_read});
    do {
        KL_TRY(kl_xml_next(&x->xml, &t));
        KL_TRY(on_workbook_token(x, &t, h));
    } while (t.kind != KL_XML_NONE && x->stream.got <= KL_MAX_WHOLE_MEMBER);
    return KL_OK;
}

static enum kl_rc mark_hidden(struct kl_xlsx *x, const struct hidden *h)
{
    struct kl_span all = kl_buf_span(&h->ids);
    struct wanted *w = calloc(h->n + 2, sizeof *w);
    if (w == NULL) {
        return KL_E_NOMEM;
    }
    w[0].type = "/sharedStrings";
    w[1].type = "/styles";
    struct kl_rd r = kl_rd_init(all);
    for (size_t i = 0; i < h->n; i++) {
        w[i + 2].id = kl_rd_take(&r, kl_rd_u8(&r));
    }
    enum kl_rc rc = find_rels(x, kl_zip_name(x->zip, x->workbook), w, h->n + 2);
    x->sst_member = w[0].found;
    x->styles_member = w[1].found;
    for (size_t i = 0; i < h->n; i++) {
        if (w[i + 2].found != NULL) {
            x->is_hidden[w[i + 2].found - x->zip->m] = 1;
        }
    }
    free(w);
    return rc;
}

static enum kl_rc read_workbook(struct kl_xlsx *x)
{
    struct hidden h = {.n = 0};
    kl_buf_init(&h.ids, MAX_SHEETS * 256);
    enum kl_rc rc = scan_workbook(x, &h);
    if (rc == KL_OK) {
        rc = mark_hidden(x, &h);
    }
    kl_buf_done(&h.ids);
    return rc;
}

/* ---- the parts ---- */

typedef enum kl_rc read_part(struct kl_xlsx *x, const struct kl_zip_member *m);

/* Enter a member's level and read it; a member past the nesting stays for the zip reader. */
static enum kl_rc with_level(struct kl_xlsx *x, struct kl_zip_member *m, read_part *read,
                             const char *note)
{
    enum kl_rc rc = kl_emit_enter(x->e, kl_zip_name(x->zip, m), m->share_bytes);
    if (rc == KL_E_LIMIT) {
        return KL_OK;
    }
    m->state = KL_ZIP_STATE_DONE;
    if (rc == KL_OK && m->is_mismatch) {
        rc = kl_emit_anomaly(x->e, "zip.mismatch");
    }
    if (rc == KL_OK && m->is_size_lie) {
        rc = kl_emit_anomaly(x->e, "zip.size_lie");
    }
    if (rc == KL_OK && note != NULL) {
        rc = kl_emit_anomaly(x->e, note);
    }
    if (rc == KL_OK) {
        rc = read(x, m);
    }
    kl_emit_leave(x->e);
    return rc;
}

/* The same for a member whose text is told here. */
static enum kl_rc tell_with_level(struct kl_xlsx *x, struct kl_zip_member *m, read_part *read,
                                  const char *note)
{
    uint64_t lost_before = kl_emit_lost_get(x->e);
    KL_TRY(with_level(x, m, read, note));
    if (m->state == KL_ZIP_STATE_DONE) {
        kl_zip_confirm(x->zip, m, lost_before);
    }
    return KL_OK;
}

/* Strings and formats that the workbook does not lead to are told by their root. */
static enum kl_rc find_tables(struct kl_xlsx *x)
{
    struct kl_span root;
    for (size_t i = 0; i < x->zip->n_real; i++) {
        if (x->sst_member != NULL && x->styles_member != NULL) {
            break;
        }
        KL_TRY(root_of(x, &x->zip->m[i], &root));
        if (x->sst_member == NULL && kl_span_is(root, "sst")) {
            x->sst_member = &x->zip->m[i];
        } else if (x->styles_member == NULL && kl_span_is(root, "styleSheet")) {
            x->styles_member = &x->zip->m[i];
        }
    }
    return KL_OK;
}

static enum kl_rc read_tables(struct kl_xlsx *x)
{
    KL_TRY(find_tables(x));
    if (x->styles_member != NULL && kl_zip_is_readable(x->styles_member)) {
        /* Read here for its formats only: its bytes are inspected as any other part's. */
        KL_TRY(with_level(x, x->styles_member, kl_xlsx_styles_read, NULL));
        x->styles_member->state = KL_ZIP_STATE_NONE;
    }
    if (x->sst_member != NULL && kl_zip_is_readable(x->sst_member)) {
        KL_TRY(with_level(x, x->sst_member, kl_xlsx_sst_read, NULL));
    }
    return KL_OK;
}

static enum kl_rc read_member(struct kl_xlsx *x, size_t i)
{
    struct kl_zip_member *m = &x->zip->m[i];
    struct kl_span root;
    if (m->state != KL_ZIP_STATE_NONE) {
        return KL_OK;
    }
    KL_TRY(root_of(x, m, &root));
    if (kl_span_is(root, "worksheet") || kl_span_is(root, "dialogsheet") ||
        kl_span_is(root, "macrosheet")) {
        return tell_with_level(x, m, kl_xlsx_sheet_read,
                               x->is_hidden[i] != 0 ? "xlsx.hidden_sheet" : NULL);
    }
    if (kl_xlsx_text_has_root(root)) {
        return tell_with_level(x, m, kl_xlsx_text_read, NULL);
    }
    return KL_OK;
}

static enum kl_rc read_rest(struct kl_xlsx *x)
{
    const struct kl_zip_member *m = x->sst_member;
    if (m == NULL) {
        return KL_OK;
    }
    enum kl_rc rc = kl_emit_enter(x->e, kl_zip_name(x->zip, m), m->share_bytes);
    if (rc == KL_OK) {
        rc = kl_xlsx_sst_rest(x);
        kl_emit_leave(x->e);
    }
    return rc == KL_E_LIMIT ? KL_OK : rc;
}

static enum kl_rc read_package(struct kl_xlsx *x)
{
    KL_TRY(find_workbook(x));
    if (x->workbook == NULL) {
        return KL_OK;
    }
    KL_TRY(read_workbook(x));
    KL_TRY(read_tables(x));
    for (size_t i = 0; i < x->zip->n_real; i++) {
        KL_TRY(read_member(x, i));
    }
    if (x->sst.n > 0) {
        return read_rest(x);
    }
    return KL_OK;
}

enum kl_rc kl_xlsx_extract_opts(struct kl_zip *zip, bool no_fast)
{
    struct kl_xlsx x = {.zip = zip, .e = zip->e, .no_fast = no_fast};
    struct kl_xml_feed none = {&x.stream, peek_read};
    KL_TRY(kl_xml_init(&x.xml, none));
    x.is_date = calloc(1, KL_XLSX_MAX_XF);
    x.is_hidden = calloc(1, zip->n + 1);
    enum kl_rc rc = KL_E_NOMEM;
    if (x.is_date != NULL && x.is_hidden != NULL) {
        rc = read_package(&x);
    }
    kl_sst_done(&x.sst);
    free(x.is_date);
    free(x.is_hidden);
    kl_xml_done(&x.xml);
    return rc;
}

enum kl_rc kl_xlsx_extract(struct kl_zip *zip)
{
    return kl_xlsx_extract_opts(zip, false);
}
