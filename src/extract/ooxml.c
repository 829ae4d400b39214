#include "extract/ooxml.h"

#include <stdlib.h>

#include "extract/flow.h"
#include "extract/word.h"

#define MAX_ALTERNATES 8u /* nested; the ones below are all read */
#define MAX_SPAN 1024u

enum tag {
    TAG_OTHER = 0,
    TAG_P,
    TAG_R,
    TAG_T,
    TAG_DELETED,
    TAG_FIELD_CODE,
    TAG_FIELD_MARK,
    TAG_TAB,
    TAG_BREAK,
    TAG_HYPHEN,
    TAG_SYMBOL,
    TAG_TABLE,
    TAG_ROW,
    TAG_CELL,
    TAG_SPAN,
    TAG_ASIDE,
    TAG_ALTERNATE,
    TAG_CHOICE,
    TAG_FALLBACK,
    TAG_VANISH,
    TAG_SLIDE,
    TAG_VALUE, /* its "val" is what somebody wrote */
    TAG_NOISE, /* its text is a measure */
    TAG_PLAIN, /* nothing of interest, very frequent */
};

static const struct kl_word tags[] = {
    KL_WORD("p", TAG_P),
    KL_WORD("r", TAG_R),
    KL_WORD("t", TAG_T),
    KL_WORD("br", TAG_BREAK),
    KL_WORD("cr", TAG_BREAK),
    KL_WORD("rt", TAG_ASIDE),
    KL_WORD("tc", TAG_CELL),
    KL_WORD("tr", TAG_ROW),
    KL_WORD("Row", TAG_ROW),
    KL_WORD("pPr", TAG_PLAIN),
    KL_WORD("rPr", TAG_PLAIN),
    KL_WORD("sld", TAG_SLIDE),
    KL_WORD("sym", TAG_SYMBOL),
    KL_WORD("tab", TAG_TAB),
    KL_WORD("tag", TAG_VALUE),
    KL_WORD("tbl", TAG_TABLE),
    KL_WORD("Cell", TAG_CELL),
    KL_WORD("Data", TAG_T),
    KL_WORD("ptab", TAG_TAB),
    KL_WORD("tcPr", TAG_PLAIN),
    KL_WORD("Table", TAG_TABLE),
    KL_WORD("alias", TAG_VALUE),
    KL_WORD("Choice", TAG_CHOICE),
    KL_WORD("vanish", TAG_VANISH),
    KL_WORD("Comment", TAG_ASIDE),
    KL_WORD("comment", TAG_ASIDE),
    KL_WORD("delText", TAG_DELETED),
    KL_WORD("endnote", TAG_ASIDE),
    KL_WORD("fldChar", TAG_FIELD_MARK),
    KL_WORD("Fallback", TAG_FALLBACK),
    KL_WORD("footnote", TAG_ASIDE),
    KL_WORD("gridSpan", TAG_SPAN),
    KL_WORD("pctWidth", TAG_NOISE),
    KL_WORD("instrText", TAG_FIELD_CODE),
    KL_WORD("pctHeight", TAG_NOISE),
    KL_WORD("posOffset", TAG_NOISE),
    KL_WORD("txbxContent", TAG_ASIDE),
    KL_WORD("delInstrText", TAG_FIELD_CODE),
    KL_WORD("noBreakHyphen", TAG_HYPHEN),
    KL_WORD("AlternateContent", TAG_ALTERNATE),
};

static const struct kl_word telling[] = {
    KL_WORD("alt", 1),      KL_WORD("HRef", 1),   KL_WORD("Name", 1),    KL_WORD("href", 1),
    KL_WORD("name", 1),     KL_WORD("text", 1),   KL_WORD("descr", 1),   KL_WORD("instr", 1),
    KL_WORD("title", 1),    KL_WORD("Author", 1), KL_WORD("Target", 1),  KL_WORD("author", 1),
    KL_WORD("string", 1),   KL_WORD("userId", 1), KL_WORD("display", 1), KL_WORD("tooltip", 1),
    KL_WORD("initials", 1),
};

/* <mc:Choice> and <mc:Fallback> say the same thing: what is the same is read once. */
struct alternate {
    size_t from;
    size_t to;
    size_t fallback;
    unsigned n_moved;
};

struct reader {
    struct kl_emit *e;
    struct kl_flow flow;
    enum tag text; /* TAG_T, TAG_DELETED, TAG_FIELD_CODE: inside one; TAG_NOISE */
    unsigned n_runs;
    uint32_t span; /* columns that the cell spans beside its own */
    unsigned n_alternates;
    uint32_t last_author;
    struct alternate alternates[MAX_ALTERNATES];
};

/* ---- attributes ---- */

static uint32_t hash_of(struct kl_span s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ s.ptr[i]) * 16777619u;
    }
    return h;
}

static enum kl_rc read_attrs(struct reader *r, const struct kl_xml_token *t, bool with_val)
{
    struct kl_span name;
    struct kl_span value;
    size_t at = 0;
    while (kl_xml_attr_next(t->attrs, &at, &name, &value)) {
        bool is_val = with_val && kl_span_is(name, "val");
        size_t n = sizeof telling / sizeof telling[0];
        if (value.len == 0 || (!is_val && kl_word_find(telling, n, name) == 0)) {
            continue;
        }
        if (kl_span_is(name, "author")) {
            /* Each revision names its author again. */
            uint32_t h = hash_of(value);
            if (h == r->last_author) {
                continue;
            }
            r->last_author = h;
        }
        KL_TRY(kl_flow_note(&r->flow, value, KL_XML_ESCAPES));
    }
    return KL_OK;
}

static uint32_t number_of(struct kl_span v, uint32_t max)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9' || n > max) {
            return 0;
        }
        n = n * 10 + (uint32_t)(v.ptr[i] - '0');
    }
    return n <= max ? n : 0;
}

static uint32_t attr_number(const struct kl_xml_token *t, const char *name)
{
    struct kl_span v;
    return kl_xml_attr(t->attrs, name, &v) ? number_of(v, MAX_SPAN) : 0;
}

/* w:sym: a character of a symbol font, often in the private area that mirrors Latin 1. */
static enum kl_rc symbol(struct reader *r, const struct kl_xml_token *t)
{
    struct kl_span v;
    char ref[16] = "&#x";
    if (!kl_xml_attr(t->attrs, "char", &v) || v.len == 0 || v.len > 6) {
        return KL_OK;
    }
    v = v.len == 4 && (v.ptr[0] | 32) == 'f' && v.ptr[1] == '0' ? kl_span_part(v, 2, 4) : v;
    memcpy(ref + 3, v.ptr, v.len);
    ref[3 + v.len] = ';';
    uint8_t out[64];
    size_t n = kl_xml_decode_portable(kl_span_make(ref, v.len + 4), 0, out);
    return kl_flow_add(&r->flow, kl_span_make(out, n));
}

/* ---- alternatives ---- */

static struct alternate *alternate_of(struct reader *r)
{
    bool known = r->n_alternates > 0 && r->n_alternates <= MAX_ALTERNATES;
    return known ? &r->alternates[r->n_alternates - 1] : NULL;
}

static enum kl_rc alternate_tag(struct reader *r, enum tag tag, bool open)
{
    struct kl_flow *f = &r->flow;
    if (tag == TAG_ALTERNATE && open) {
        kl_flow_aside_begin(f);
        r->n_alternates++;
        struct alternate *a = alternate_of(r);
        if (a != NULL) {
            *a = (struct alternate){.n_moved = f->n_moved - 1};
        }
        return kl_flow_line(f);
    }
    if (r->n_alternates == 0) {
        return KL_OK;
    }
    if (tag == TAG_ALTERNATE) {
        r->n_alternates--;
        return kl_flow_aside_end(f);
    }
    KL_TRY(kl_flow_line(f));
    struct alternate *a = alternate_of(r);
    if (a == NULL) {
        return KL_OK;
    }
    if (tag == TAG_CHOICE && open) {
        a->from = f->aside.len;
        a->n_moved = f->n_moved;
    } else if (tag == TAG_CHOICE) {
        a->to = f->aside.len;
    } else if (open) {
        a->fallback = f->aside.len;
    } else if (a->n_moved == f->n_moved && a->fallback >= a->to && a->to >= a->from &&
               f->aside.len - a->fallback == a->to - a->from && f->aside.len > a->fallback &&
               memcmp(f->aside.ptr + a->from, f->aside.ptr + a->fallback, a->to - a->from) == 0) {
        f->aside.len = a->fallback;
    }
    return KL_OK;
}

/* ---- elements ---- */

static enum kl_rc cell_begin(struct reader *r, const struct kl_xml_token *t)
{
    struct kl_flow *f = &r->flow;
    uint32_t index = attr_number(t, "Index"); /* Excel 2003: from 1 */
    if (index > f->col + 1 && f->n_asides == 0) {
        f->col = index - 1;
    }
    r->span = attr_number(t, "MergeAcross");
    return kl_flow_cell_begin(f);
}

static enum kl_rc slide(struct reader *r, const struct kl_xml_token *t)
{
    struct kl_span v;
    bool hidden = kl_xml_attr(t->attrs, "show", &v) && !kl_xml_attr_is_true(t->attrs, "show");
    return hidden ? kl_emit_anomaly(r->e, "pptx.hidden_slide") : KL_OK;
}

/* Text that is not shown is read as any other; that there is some is worth a word. */
static enum kl_rc vanish(struct reader *r, const struct kl_xml_token *t)
{
    struct kl_span v;
    bool is_off = kl_xml_attr(t->attrs, "val", &v) && !kl_xml_attr_is_true(t->attrs, "val");
    return r->n_runs > 0 && !is_off ? kl_emit_anomaly(r->e, "docx.hidden_text") : KL_OK;
}

static enum kl_rc on_start(struct reader *r, const struct kl_xml_token *t, enum tag tag)
{
    struct kl_flow *f = &r->flow;
    switch (tag) {
    case TAG_R:
        r->n_runs += !t->is_empty;
        return KL_OK;
    case TAG_TAB:
        return r->n_runs > 0 ? kl_flow_tab(f) : KL_OK;
    case TAG_BREAK:
        return kl_flow_line(f);
    case TAG_HYPHEN:
        return kl_flow_add(f, KL_SPAN_LIT("-"));
    case TAG_SYMBOL:
        return symbol(r, t);
    case TAG_SPAN: {
        uint32_t n = attr_number(t, "val");
        r->span = n > 1 ? n - 1 : 0;
        return KL_OK;
    }
    case TAG_VANISH:
        return vanish(r, t);
    case TAG_SLIDE:
        return slide(r, t);
    case TAG_VALUE:
        return read_attrs(r, t, true);
    case TAG_FIELD_MARK:
        return kl_flow_note_gap(f);
    case TAG_TABLE:
        KL_TRY(read_attrs(r, t, false));
        return t->is_empty ? KL_OK : kl_flow_table_begin(f);
    case TAG_CELL:
        return cell_begin(r, t);
    case TAG_ASIDE:
        if (!t->is_empty) {
            kl_flow_aside_begin(f);
        }
        return read_attrs(r, t, false);
    case TAG_ALTERNATE:
    case TAG_CHOICE:
    case TAG_FALLBACK:
        return t->is_empty ? KL_OK : alternate_tag(r, tag, true);
    case TAG_T:
    case TAG_DELETED:
    case TAG_FIELD_CODE:
    case TAG_NOISE:
        r->text = t->is_empty ? TAG_OTHER : tag;
        kl_flow_struck_set(f, r->text == TAG_DELETED);
        return KL_OK;
    case TAG_OTHER:
        return read_attrs(r, t, false);
    case TAG_P:
    case TAG_ROW:
    case TAG_PLAIN:
        return KL_OK;
    }
    return KL_OK;
}

static enum kl_rc on_end(struct reader *r, const struct kl_xml_token *t, enum tag tag)
{
    struct kl_flow *f = &r->flow;
    switch (tag) {
    case TAG_P:
        return kl_flow_line(f);
    case TAG_R:
        r->n_runs -= !t->is_empty && r->n_runs > 0;
        return KL_OK;
    case TAG_CELL:
        return kl_flow_cell_end(f, r->span);
    case TAG_ROW:
        return kl_flow_row_end(f);
    case TAG_TABLE:
        return t->is_empty ? KL_OK : kl_flow_table_end(f);
    case TAG_ASIDE:
        return t->is_empty ? KL_OK : kl_flow_aside_end(f);
    case TAG_ALTERNATE:
    case TAG_CHOICE:
    case TAG_FALLBACK:
        return t->is_empty ? KL_OK : alternate_tag(r, tag, false);
    case TAG_T:
    case TAG_DELETED:
    case TAG_FIELD_CODE:
    case TAG_NOISE:
        r->text = TAG_OTHER;
        kl_flow_struck_set(f, false);
        return KL_OK;
    case TAG_OTHER:
    case TAG_VALUE:
    case TAG_PLAIN:
    case TAG_SPAN:
    case TAG_TAB:
    case TAG_BREAK:
    case TAG_HYPHEN:
    case TAG_SYMBOL:
    case TAG_SLIDE:
    case TAG_VANISH:
    case TAG_FIELD_MARK:
        return KL_OK;
    }
    return KL_OK;
}

static enum kl_rc on_text(struct reader *r, const struct kl_xml_token *t)
{
    unsigned flags = KL_XML_ESCAPES | (t->kind == KL_XML_CDATA ? KL_XML_RAW : 0);
    switch ((int)r->text) {
    case TAG_T:
    case TAG_DELETED:
        return kl_flow_xml(&r->flow, t->text, flags);
    case TAG_FIELD_CODE:
        return kl_flow_note_part(&r->flow, t->text, flags);
    case TAG_NOISE:
        return KL_OK;
    default:
        return kl_xml_is_blank(t->text) ? KL_OK : kl_flow_note(&r->flow, t->text, flags);
    }
}

static enum kl_rc read_all(struct reader *r, struct kl_xml *x)
{
    struct kl_xml_token t;
    for (;;) {
        KL_TRY(kl_xml_next(x, &t));
        if (t.kind == KL_XML_NONE) {
            return kl_flow_finish(&r->flow);
        }
        if (t.kind == KL_XML_TEXT || t.kind == KL_XML_CDATA) {
            KL_TRY(on_text(r, &t));
            continue;
        }
        enum tag tag = (enum tag)kl_word_find(tags, sizeof tags / sizeof tags[0], t.name);
        if (t.kind == KL_XML_START) {
            KL_TRY(on_start(r, &t, tag));
        }
        if (t.kind == KL_XML_END || t.is_empty) {
            KL_TRY(on_end(r, &t, tag));
        }
    }
}

enum kl_rc kl_ooxml_read(struct kl_emit *e, struct kl_xml *x)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return KL_E_NOMEM;
    }
    r->e = e;
    enum kl_rc rc = kl_flow_init(&r->flow, e);
    if (rc == KL_OK) {
        rc = read_all(r, x);
    }
    kl_flow_done(&r->flow);
    free(r);
    return rc;
}

bool kl_ooxml_has_root(const struct kl_xml_token *root)
{
    static const struct kl_word roots[] = {
        KL_WORD("ftr", 1),
        KL_WORD("hdr", 1),
        KL_WORD("sld", 1),
        KL_WORD("wsDr", 1),
        KL_WORD("cmLst", 1),
        KL_WORD("notes", 1),
        KL_WORD("people", 1),
        KL_WORD("tagLst", 1),
        KL_WORD("drawing", 1),
        KL_WORD("package", 1),
        KL_WORD("comments", 1),
        KL_WORD("document", 1),
        KL_WORD("endnotes", 1),
        KL_WORD("authorLst", 1),
        KL_WORD("dataModel", 1),
        KL_WORD("footnotes", 1),
        KL_WORD("sldLayout", 1),
        KL_WORD("sldMaster", 1),
        KL_WORD("Properties", 1),
        KL_WORD("chartSpace", 1),
        KL_WORD("userShapes", 1),
        KL_WORD("cmAuthorLst", 1),
        KL_WORD("notesMaster", 1),
        KL_WORD("presentation", 1),
        KL_WORD("Relationships", 1),
        KL_WORD("handoutMaster", 1),
        KL_WORD("coreProperties", 1),
        KL_WORD("glossaryDocument", 1),
    };
    static const char *const spaces[] = {"openxmlformats.org/", "purl.oclc.org/ooxml/",
                                         "schemas.microsoft.com/office/"};
    bool known = kl_word_find(roots, sizeof roots / sizeof roots[0], root->name) != 0;
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0] && known; i++) {
        if (kl_xml_root_has(root, kl_span_str(spaces[i]))) {
            return true;
        }
    }
    return false;
}
