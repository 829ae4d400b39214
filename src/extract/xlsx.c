#include "extract/xlsx.h"

#include <stdlib.h>

#define MAX_SHEETS 10000u

/* ---- the workbook ---- */

static enum kl_rc find_workbook(struct kl_xlsx *x)
{
    struct kl_xml_token root;
    struct kl_package_wanted w = {"/officeDocument", {NULL, 0}, NULL};
    if (kl_zip_find(x->pk.zip, KL_SPAN_LIT("[Content_Types].xml")) == NULL) {
        return KL_OK;
    }
    KL_TRY(kl_package_rels(&x->pk, kl_span_make("", 0), &w, 1));
    if (w.found != NULL) {
        KL_TRY(kl_package_root(&x->pk, w.found, &root));
        if (kl_span_is(root.name, "workbook")) {
            x->workbook = w.found;
            return KL_OK;
        }
    }
    /* The way there is broken or leads elsewhere: a workbook is told by its root. */
    for (size_t i = 0; i < x->pk.zip->n_real && x->workbook == NULL; i++) {
        KL_TRY(kl_package_root(&x->pk, &x->pk.zip->m[i], &root));
        if (kl_span_is(root.name, "workbook")) {
            x->workbook = &x->pk.zip->m[i];
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
    kl_package_peek(&x->pk, x->workbook);
    do {
        KL_TRY(kl_xml_next(&x->pk.xml, &t));
        KL_TRY(on_workbook_token(x, &t, h));
    } while (t.kind != KL_XML_NONE && x->pk.stream.got <= KL_MAX_WHOLE_MEMBER);
    return KL_OK;
}

static enum kl_rc mark_hidden(struct kl_xlsx *x, const struct hidden *h)
{
    struct kl_span all = kl_buf_span(&h->ids);
    struct kl_package_wanted *w = calloc(h->n + 2, sizeof *w);
    if (w == NULL) {
        return KL_E_NOMEM;
    }
    w[0].type = "/sharedStrings";
    w[1].type = "/styles";
    struct kl_rd r = kl_rd_init(all);
    for (size_t i = 0; i < h->n; i++) {
        w[i + 2].id = kl_rd_take(&r, kl_rd_u8(&r));
    }
    enum kl_rc rc = kl_package_rels(&x->pk, kl_zip_name(x->pk.zip, x->workbook), w, h->n + 2);
    x->sst_member = w[0].found;
    x->styles_member = w[1].found;
    for (size_t i = 0; i < h->n; i++) {
        if (w[i + 2].found != NULL) {
            x->is_hidden[w[i + 2].found - x->pk.zip->m] = 1;
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

/* Strings and formats that the workbook does not lead to are told by their root. */
static enum kl_rc find_tables(struct kl_xlsx *x)
{
    struct kl_xml_token root;
    for (size_t i = 0; i < x->pk.zip->n_real; i++) {
        if (x->sst_member != NULL && x->styles_member != NULL) {
            break;
        }
        KL_TRY(kl_package_root(&x->pk, &x->pk.zip->m[i], &root));
        if (x->sst_member == NULL && kl_span_is(root.name, "sst")) {
            x->sst_member = &x->pk.zip->m[i];
        } else if (x->styles_member == NULL && kl_span_is(root.name, "styleSheet")) {
            x->styles_member = &x->pk.zip->m[i];
        }
    }
    return KL_OK;
}

static enum kl_rc read_tables(struct kl_xlsx *x)
{
    KL_TRY(find_tables(x));
    if (x->styles_member != NULL && kl_zip_is_readable(x->styles_member)) {
        /* Read here for its formats only: its bytes are inspected as any other part's. */
        KL_TRY(kl_package_with_level(&x->pk, x->styles_member, kl_xlsx_styles_read, x, NULL));
        x->styles_member->state = KL_ZIP_STATE_NONE;
    }
    if (x->sst_member != NULL && kl_zip_is_readable(x->sst_member)) {
        KL_TRY(kl_package_with_level(&x->pk, x->sst_member, kl_xlsx_sst_read, x, NULL));
    }
    return KL_OK;
}

static enum kl_rc read_member(struct kl_xlsx *x, size_t i)
{
    struct kl_zip_member *m = &x->pk.zip->m[i];
    struct kl_xml_token root;
    if (m->state != KL_ZIP_STATE_NONE) {
        return KL_OK;
    }
    KL_TRY(kl_package_root(&x->pk, m, &root));
    if (kl_span_is(root.name, "worksheet") || kl_span_is(root.name, "dialogsheet") ||
        kl_span_is(root.name, "macrosheet")) {
        return kl_package_tell(&x->pk, m, kl_xlsx_sheet_read, x,
                               x->is_hidden[i] != 0 ? "xlsx.hidden_sheet" : NULL);
    }
    if (kl_xlsx_text_has_root(root.name)) {
        return kl_package_tell(&x->pk, m, kl_xlsx_text_read, x, NULL);
    }
    return KL_OK;
}

static enum kl_rc read_rest(struct kl_xlsx *x)
{
    const struct kl_zip_member *m = x->sst_member;
    if (m == NULL) {
        return KL_OK;
    }
    enum kl_rc rc = kl_emit_enter(x->pk.e, kl_zip_name(x->pk.zip, m), m->share_bytes);
    if (rc == KL_OK) {
        rc = kl_xlsx_sst_rest(x);
        kl_emit_leave(x->pk.e);
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
    for (size_t i = 0; i < x->pk.zip->n_real; i++) {
        KL_TRY(read_member(x, i));
    }
    if (x->sst.n > 0) {
        return read_rest(x);
    }
    return KL_OK;
}

enum kl_rc kl_xlsx_extract_opts(struct kl_zip *zip, bool no_fast)
{
    struct kl_xlsx x = {.no_fast = no_fast};
    KL_TRY(kl_package_init(&x.pk, zip));
    x.is_date = calloc(1, KL_XLSX_MAX_XF);
    x.is_hidden = calloc(1, zip->n + 1);
    enum kl_rc rc = KL_E_NOMEM;
    if (x.is_date != NULL && x.is_hidden != NULL) {
        rc = read_package(&x);
    }
    kl_sst_done(&x.sst);
    free(x.is_date);
    free(x.is_hidden);
    kl_package_done(&x.pk);
    return rc;
}

enum kl_rc kl_xlsx_extract(struct kl_zip *zip)
{
    return kl_xlsx_extract_opts(zip, false);
}
