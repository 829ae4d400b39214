#include <stdlib.h>

#include "extract/odf_int.h"
#include "extract/ooxml.h"
#include "extract/word.h"

#define EXTRA_BYTES 65536u

enum tag {
    TAG_OTHER = 0,
    TAG_P,
    TAG_SPACES,
    TAG_TAB,
    TAG_BREAK,
    TAG_TABLE,
    TAG_COLUMN,
    TAG_ROW,
    TAG_CELL,
    TAG_ASIDE,
    TAG_STYLE,
    TAG_TABLE_STYLE,
    TAG_NAMED, /* its name is what somebody wrote */
    TAG_BASE64,
    TAG_LABEL, /* of a box or a comment: a line of its own */
    TAG_PLAIN, /* frequent, nothing of interest */
};

static const struct kl_word tags[] = {
    KL_WORD("g", TAG_ASIDE),
    KL_WORD("h", TAG_P),
    KL_WORD("p", TAG_P),
    KL_WORD("s", TAG_SPACES),
    KL_WORD("tab", TAG_TAB),
    KL_WORD("date", TAG_LABEL),
    KL_WORD("desc", TAG_LABEL),
    KL_WORD("line", TAG_ASIDE),
    KL_WORD("note", TAG_ASIDE),
    KL_WORD("page", TAG_NAMED),
    KL_WORD("path", TAG_ASIDE),
    KL_WORD("rect", TAG_ASIDE),
    KL_WORD("span", TAG_PLAIN),
    KL_WORD("frame", TAG_ASIDE),
    KL_WORD("style", TAG_STYLE),
    KL_WORD("table", TAG_TABLE),
    KL_WORD("title", TAG_LABEL),
    KL_WORD("circle", TAG_ASIDE),
    KL_WORD("caption", TAG_ASIDE),
    KL_WORD("control", TAG_ASIDE),
    KL_WORD("creator", TAG_LABEL),
    KL_WORD("ellipse", TAG_ASIDE),
    KL_WORD("measure", TAG_ASIDE),
    KL_WORD("polygon", TAG_ASIDE),
    KL_WORD("section", TAG_NAMED),
    KL_WORD("bookmark", TAG_NAMED),
    KL_WORD("polyline", TAG_ASIDE),
    KL_WORD("text-box", TAG_ASIDE),
    KL_WORD("connector", TAG_ASIDE),
    KL_WORD("ruby-text", TAG_ASIDE),
    KL_WORD("table-row", TAG_ROW),
    KL_WORD("annotation", TAG_ASIDE),
    KL_WORD("line-break", TAG_BREAK),
    KL_WORD("table-cell", TAG_CELL),
    KL_WORD("binary-data", TAG_BASE64),
    KL_WORD("named-range", TAG_NAMED),
    KL_WORD("custom-shape", TAG_ASIDE),
    KL_WORD("table-column", TAG_COLUMN),
    KL_WORD("user-defined", TAG_NAMED),
    KL_WORD("bookmark-start", TAG_NAMED),
    KL_WORD("database-range", TAG_NAMED),
    KL_WORD("regular-polygon", TAG_ASIDE),
    KL_WORD("user-field-decl", TAG_NAMED),
    KL_WORD("table-properties", TAG_TABLE_STYLE),
    KL_WORD("covered-table-cell", TAG_CELL),
};

struct reader {
    struct kl_odf o;
    bool no_fast;
    unsigned n_frames; /* TAG_ASIDE elements that are open */
    uint64_t framed;   /* a bit for each: it began an aside */
};

static uint32_t hash_of(struct kl_span s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ s.ptr[i]) * 16777619u;
    }
    return h;
}

/* ---- what is hidden ---- */

static enum kl_rc hidden(struct kl_odf *o, const struct kl_xml_token *t, const char *code)
{
    struct kl_span v;
    bool is = kl_xml_attr(t->attrs, "visibility", &v) &&
              (kl_span_is(v, "collapse") || kl_span_is(v, "filter"));
    return is ? kl_emit_anomaly(o->e, code) : KL_OK;
}

static enum kl_rc table_begin(struct kl_odf *o, const struct kl_xml_token *t)
{
    struct kl_span v;
    if (kl_xml_attr(t->attrs, "style-name", &v)) {
        uint32_t h = hash_of(v);
        for (unsigned i = 0; i < o->n_hidden; i++) {
            if (o->hidden[i] == h) {
                KL_TRY(kl_emit_anomaly(o->e, "ods.hidden_sheet"));
            }
        }
    }
    if (kl_xml_attr(t->attrs, "name", &v)) {
        KL_TRY(kl_flow_note(&o->flow, v, 0));
    }
    if (t->is_empty) {
        return KL_OK;
    }
    if (o->in_cell && o->flow.n_asides == 0) {
        o->in_cell = false;
        KL_TRY(o->has_value ? kl_odf_end_shown(o) : KL_OK);
    }
    return kl_flow_table_begin(&o->flow);
}

static void style_tag(struct kl_odf *o, const struct kl_xml_token *t, enum tag tag)
{
    struct kl_span v;
    if (tag == TAG_STYLE) {
        o->style = kl_xml_attr(t->attrs, "name", &v) ? hash_of(v) : 0;
    } else if (kl_xml_attr(t->attrs, "display", &v) && kl_span_is(v, "false") &&
               o->n_hidden < KL_ODF_HIDDEN) {
        o->hidden[o->n_hidden++] = o->style;
    }
}

/* ---- elements ---- */

static enum kl_rc read_attrs(struct kl_odf *o, const struct kl_xml_token *t, bool is_named)
{
    static const char *const telling[] = {"href", "title", "string-value", "description", "author"};
    struct kl_span name;
    struct kl_span v;
    size_t at = 0;
    while (kl_xml_attr_next(t->attrs, &at, &name, &v)) {
        bool wanted = is_named && kl_span_is(name, "name");
        for (size_t i = 0; i < sizeof telling / sizeof telling[0] && !wanted; i++) {
            wanted = kl_span_is(name, telling[i]);
        }
        if (wanted && v.len > 0) {
            KL_TRY(kl_flow_note(&o->flow, v, 0));
        }
    }
    return KL_OK;
}

/* A box beside the text it is anchored in; where it is anchored in a page its text is text. */
static enum kl_rc frame_tag(struct reader *r, bool open)
{
    struct kl_flow *f = &r->o.flow;
    if (open) {
        uint64_t bit = r->n_frames < 64 ? (uint64_t)1 << r->n_frames : 0;
        r->n_frames++;
        if (bit != 0 && (r->o.n_paragraphs > 0 || f->in_cell)) {
            r->framed |= bit;
            kl_flow_aside_begin(f);
        }
        return KL_OK;
    }
    if (r->n_frames == 0) {
        return KL_OK;
    }
    r->n_frames--;
    uint64_t bit = r->n_frames < 64 ? (uint64_t)1 << r->n_frames : 0;
    if ((r->framed & bit) != 0) {
        r->framed &= ~bit;
        return kl_flow_aside_end(f);
    }
    return KL_OK;
}

static enum kl_rc paragraph(struct kl_odf *o, bool open)
{
    struct kl_flow *f = &o->flow;
    if (open) {
        /* One in another stands in something that is anchored there. */
        if (o->n_paragraphs++ > 0) {
            kl_flow_aside_begin(f);
        } else if (o->copy.len > 0 && o->in_cell && f->n_asides == 0) {
            enum kl_rc rc = kl_buf_add_u8(&o->copy, ' ');
            return rc == KL_E_LIMIT ? KL_OK : rc;
        }
        return KL_OK;
    }
    if (o->has_value && f->n_asides == 0 && o->n_shown < KL_ODF_SHOWN_BYTES) {
        o->shown[o->n_shown++] = ' ';
    }
    KL_TRY(kl_flow_line(f));
    if (o->n_paragraphs > 0 && --o->n_paragraphs > 0) {
        return kl_flow_aside_end(f);
    }
    return KL_OK;
}

static enum kl_rc spaces(struct kl_odf *o, uint32_t n)
{
    if (o->in_cell && o->flow.n_asides == 0 && o->has_value) {
        return KL_OK;
    }
    if (o->in_cell && o->flow.n_asides == 0 && o->repeated > 1) {
        return kl_odf_put_copied(o, KL_SPAN_LIT(" "));
    }
    return kl_flow_spaces(&o->flow, n);
}

static enum kl_rc on_start(struct reader *r, const struct kl_xml_token *t, enum tag tag)
{
    struct kl_odf *o = &r->o;
    struct kl_span v;
    switch (tag) {
    case TAG_P:
        return t->is_empty ? KL_OK : paragraph(o, true);
    case TAG_SPACES:
        return spaces(o, kl_xml_attr(t->attrs, "c", &v) ? kl_odf_count(v) : 1);
    case TAG_TAB:
        return kl_flow_tab(&o->flow);
    case TAG_BREAK:
        return kl_flow_line(&o->flow);
    case TAG_TABLE:
        return table_begin(o, t);
    case TAG_COLUMN:
        return hidden(o, t, "ods.hidden_column");
    case TAG_ROW:
        return hidden(o, t, "ods.hidden_row");
    case TAG_CELL:
        if (o->in_cell && o->flow.n_asides == 0) {
            KL_TRY(kl_odf_cell_end(o)); /* it was not closed */
        }
        return kl_odf_cell_begin(o, t);
    case TAG_ASIDE:
        KL_TRY(t->is_empty ? KL_OK : frame_tag(r, true));
        return read_attrs(o, t, false);
    case TAG_STYLE:
    case TAG_TABLE_STYLE:
        style_tag(o, t, tag);
        return KL_OK;
    case TAG_BASE64:
        r->o.in_base64 = !t->is_empty;
        return kl_flow_note_end(&o->flow);
    case TAG_NAMED:
        return read_attrs(o, t, true);
    case TAG_LABEL:
        return o->flow.n_asides > 0 ? kl_flow_line(&o->flow) : KL_OK;
    case TAG_OTHER:
        return read_attrs(o, t, false);
    case TAG_PLAIN:
        return KL_OK;
    }
    return KL_OK;
}

static enum kl_rc on_end(struct reader *r, const struct kl_xml_token *t, enum tag tag)
{
    struct kl_odf *o = &r->o;
    switch (tag) {
    case TAG_P:
        return t->is_empty ? KL_OK : paragraph(o, false);
    case TAG_TABLE:
        return t->is_empty ? KL_OK : kl_flow_table_end(&o->flow);
    case TAG_ROW:
        return kl_odf_row_end(o);
    case TAG_CELL:
        return kl_odf_cell_end(o);
    case TAG_ASIDE:
        return t->is_empty ? KL_OK : frame_tag(r, false);
    case TAG_BASE64:
        r->o.in_base64 = false;
        return kl_flow_note_end(&o->flow);
    case TAG_LABEL:
        return o->flow.n_asides > 0 ? kl_flow_line(&o->flow) : KL_OK;
    case TAG_OTHER:
    case TAG_SPACES:
    case TAG_TAB:
    case TAG_BREAK:
    case TAG_COLUMN:
    case TAG_STYLE:
    case TAG_TABLE_STYLE:
    case TAG_NAMED:
    case TAG_PLAIN:
        return KL_OK;
    }
    return KL_OK;
}

/* ---- text ---- */

/* What a cell shows beside its value: short; more of it is a line of its own. */
static enum kl_rc put_shown(struct kl_odf *o, struct kl_span raw, unsigned flags)
{
    if (raw.len > KL_ODF_SHOWN_BYTES - o->n_shown) {
        return kl_flow_note(&o->flow, raw, flags);
    }
    size_t n = kl_xml_decode(raw, flags, o->shown + o->n_shown);
    o->n_shown += n;
    o->n_shown = o->n_shown < KL_ODF_SHOWN_BYTES ? o->n_shown : KL_ODF_SHOWN_BYTES;
    return KL_OK;
}

/* Base64 is wrapped and indented: without that it is one run. */
static enum kl_rc put_base64(struct kl_odf *o, struct kl_span raw)
{
    uint8_t out[4096 + KL_XML_PAD];
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] > ' ') {
            out[n++] = raw.ptr[i];
        }
        if (n == 4096 || i + 1 == raw.len) {
            memset(out + n, 0, KL_XML_PAD);
            KL_TRY(kl_flow_note_part(&o->flow, kl_span_make(out, n), KL_XML_RAW));
            n = 0;
        }
    }
    return KL_OK;
}

static enum kl_rc on_text(struct reader *r, const struct kl_xml_token *t)
{
    struct kl_odf *o = &r->o;
    unsigned flags = t->kind == KL_XML_CDATA ? KL_XML_RAW : 0;
    if (r->o.in_base64) {
        return put_base64(o, t->text);
    }
    if (o->n_paragraphs == 0) {
        return kl_xml_is_blank(t->text) ? KL_OK : kl_flow_note(&o->flow, t->text, flags);
    }
    if (o->in_cell && o->flow.n_asides == 0 && o->has_value) {
        return put_shown(o, t->text, flags);
    }
    if (o->in_cell && o->flow.n_asides == 0 && o->repeated > 1) {
        uint8_t out[1024 * 3 + 32];
        struct kl_span rest = t->text;
        while (rest.len > 0) {
            size_t n = kl_xml_piece(rest, 1024);
            size_t len = kl_xml_decode(kl_span_part(rest, 0, n), flags, out);
            KL_TRY(kl_odf_put_copied(o, kl_span_make(out, len)));
            rest = kl_span_part(rest, n, rest.len);
        }
        return KL_OK;
    }
    return kl_flow_xml(&o->flow, t->text, flags);
}

static enum kl_rc read_all(struct reader *r)
{
    struct kl_odf *o = &r->o;
    struct kl_xml_token t;
    for (;;) {
        if (!r->no_fast) {
            KL_TRY(kl_odf_fast(o));
        }
        KL_TRY(kl_xml_next(o->xml, &t));
        if (t.kind == KL_XML_NONE) {
            KL_TRY(kl_odf_row_end(o));
            return kl_flow_finish(&o->flow);
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

enum kl_rc kl_odf_read_opts(struct kl_emit *e, struct kl_xml *x, bool no_fast)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return KL_E_NOMEM;
    }
    r->o.e = e;
    r->o.xml = x;
    r->no_fast = no_fast;
    kl_buf_init(&r->o.extra, EXTRA_BYTES);
    kl_buf_init(&r->o.copy, EXTRA_BYTES);
    enum kl_rc rc = kl_flow_init(&r->o.flow, e);
    if (rc == KL_OK) {
        rc = read_all(r);
    }
    kl_flow_done(&r->o.flow);
    kl_buf_done(&r->o.extra);
    kl_buf_done(&r->o.copy);
    free(r);
    return rc;
}

enum kl_rc kl_odf_read(struct kl_emit *e, struct kl_xml *x)
{
    return kl_odf_read_opts(e, x, false);
}

bool kl_odf_has_root(const struct kl_xml_token *root)
{
    static const char *const roots[] = {"document", "document-content", "document-styles",
                                        "document-meta"};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        if (kl_span_is(root->name, roots[i])) {
            /* OpenOffice 1 named its elements alike in a name space of its own. */
            return kl_xml_root_has(root, KL_SPAN_LIT("opendocument")) ||
                   kl_xml_root_has(root, KL_SPAN_LIT("openoffice.org/2000/"));
        }
    }
    return false;
}
