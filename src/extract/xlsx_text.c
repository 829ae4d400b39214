#include "extract/xlsx.h"

#define PIECE_BYTES 8192u

/* What separates the text before from the text to come; the strongest asked for wins. */
enum gap {
    GAP_NONE = 0,
    GAP_FIELD,
    GAP_RECORD,
};

struct writer {
    struct kl_emit *e;
    bool is_records; /* <r> is a record here, not a run of text */
    bool has_text;
    enum gap gap;
    uint8_t out[PIECE_BYTES * 3 + 32];
};

bool kl_xlsx_text_has_root(struct kl_span root)
{
    static const char *const roots[] = {"workbook",
                                        "comments",
                                        "ThreadedComments",
                                        "personList",
                                        "table",
                                        "wsDr",
                                        "chartSpace",
                                        "pivotCacheDefinition",
                                        "pivotCacheRecords",
                                        "pivotTableDefinition",
                                        "externalLink",
                                        "coreProperties",
                                        "Properties",
                                        "Relationships",
                                        "chartsheet"};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        if (kl_span_is(root, roots[i])) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(struct kl_span name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (kl_span_is(name, list[i])) {
            return true;
        }
    }
    return false;
}

static bool is_blank(struct kl_span raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] > ' ') {
            return false;
        }
    }
    return true;
}

static void separate(struct writer *w, enum gap gap)
{
    w->gap = gap > w->gap ? gap : w->gap;
}

static enum kl_rc put(struct writer *w, struct kl_span raw, unsigned flags)
{
    if (is_blank(raw) && (w->gap != GAP_NONE || !w->has_text)) {
        return KL_OK; /* indentation */
    }
    if (w->has_text && w->gap != GAP_NONE) {
        KL_TRY(kl_emit_text(w->e, w->gap == GAP_FIELD ? KL_SPAN_LIT("\t") : KL_SPAN_LIT("\n")));
    }
    w->gap = GAP_NONE;
    w->has_text = true;
    while (raw.len > 0) {
        size_t n = kl_xml_piece(raw, PIECE_BYTES);
        size_t len = kl_xml_decode(kl_span_part(raw, 0, n), flags, w->out);
        KL_TRY(kl_emit_text(w->e, kl_span_make(w->out, len)));
        raw = kl_span_part(raw, n, raw.len);
    }
    return KL_OK;
}

/* Attributes that hold what people wrote; <x v="7"/> of a pivot cache is only an index. */
static enum kl_rc on_start(struct writer *w, const struct kl_xml_token *t)
{
    static const char *const telling[] = {"name",    "displayName", "v",       "val",    "descr",
                                          "title",   "caption",     "author",  "userId", "Target",
                                          "display", "tooltip",     "codeName"};
    struct kl_span name;
    struct kl_span value;
    size_t at = 0;
    bool is_index = kl_span_is(t->name, "x");
    while (!is_index && kl_xml_attr_next(t->attrs, &at, &name, &value)) {
        if (value.len > 0 && is_one_of(name, telling, sizeof telling / sizeof telling[0])) {
            separate(w, GAP_FIELD);
            KL_TRY(put(w, value, KL_XML_ESCAPES));
            separate(w, GAP_FIELD);
        }
    }
    return KL_OK;
}

static void on_end(struct writer *w, struct kl_span name)
{
    static const char *const runs[] = {"t", "rPr", "rPh"};
    static const char *const fields[] = {"v", "cell", "c", "s", "n", "d", "e", "b", "x", "m"};
    if (kl_span_is(name, "r")) {
        separate(w, w->is_records ? GAP_RECORD : GAP_NONE);
    } else if (is_one_of(name, runs, sizeof runs / sizeof runs[0])) {
        separate(w, GAP_NONE);
    } else if (is_one_of(name, fields, sizeof fields / sizeof fields[0])) {
        separate(w, GAP_FIELD);
    } else {
        separate(w, GAP_RECORD);
    }
}

static enum kl_rc read_all(struct kl_xlsx *x, struct writer *w)
{
    struct kl_xml_token t;
    KL_TRY(kl_xml_next(&x->pk.xml, &t));
    while (t.kind != KL_XML_NONE) {
        if (t.kind == KL_XML_TEXT) {
            KL_TRY(put(w, t.text, KL_XML_ESCAPES));
        } else if (t.kind == KL_XML_CDATA) {
            KL_TRY(put(w, t.text, KL_XML_ESCAPES | KL_XML_RAW));
        } else if (t.kind == KL_XML_START) {
            w->is_records |= kl_span_is(t.name, "pivotCacheRecords");
            KL_TRY(on_start(w, &t));
        }
        if (t.kind == KL_XML_END || t.is_empty) {
            on_end(w, t.name);
        }
        KL_TRY(kl_xml_next(&x->pk.xml, &t));
    }
    return w->has_text ? kl_emit_text(w->e, KL_SPAN_LIT("\n")) : KL_OK;
}

enum kl_rc kl_xlsx_text_read(void *ctx, const struct kl_zip_member *m)
{
    struct kl_xlsx *x = ctx;
    struct writer w = {.e = x->pk.e};
    kl_package_open(&x->pk, m);
    KL_TRY(kl_emit_part_begin(x->pk.e, KL_PART_TEXT));
    KL_TRY(read_all(x, &w));
    KL_TRY(kl_emit_part_end(x->pk.e));
    return kl_package_close(&x->pk);
}
