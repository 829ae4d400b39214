#include "extract/xlsx_sheet.h"

/* ---- text beside the cells ---- */

static enum kl_rc side_add(struct kl_sheet *s, struct kl_span raw, unsigned flags)
{
    bool blank = true;
    for (size_t i = 0; i < raw.len && blank; i++) {
        blank = raw.ptr[i] <= ' ';
    }
    while (!blank && raw.len > 0 && !s->side_is_full) {
        size_t n = kl_xml_piece(raw, KL_SHEET_PIECE_BYTES);
        enum kl_rc rc = kl_buf_room(&s->side, n * 3 + KL_XML_PAD);
        if (rc == KL_E_LIMIT) {
            s->side_is_full = true;
            return KL_OK;
        }
        KL_TRY(rc);
        s->side.len += kl_xml_decode(kl_span_part(raw, 0, n), flags, s->side.ptr + s->side.len);
        raw = kl_span_part(raw, n, raw.len);
        if (raw.len == 0) {
            s->side.ptr[s->side.len++] = '\n';
        }
    }
    return KL_OK;
}

/* Attributes of elements outside the rows that hold text of people. */
static enum kl_rc side_attrs(struct kl_sheet *s, struct kl_span attrs)
{
    static const char *const telling[] = {"display", "tooltip",     "location",   "prompt",
                                          "error",   "promptTitle", "errorTitle", "name",
                                          "title",   "text"};
    struct kl_span name;
    struct kl_span value;
    size_t at = 0;
    while (kl_xml_attr_next(attrs, &at, &name, &value)) {
        for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
            if (kl_span_is(name, telling[i])) {
                KL_TRY(side_add(s, value, 0));
            }
        }
    }
    return KL_OK;
}

/* ---- cells ---- */

static enum kl_cell_type type_of(struct kl_span t)
{
    static const struct {
        const char *name;
        enum kl_cell_type type;
    } types[] = {{"n", KL_CELL_NUMBER},   {"s", KL_CELL_SHARED},
                 {"str", KL_CELL_STRING}, {"inlineStr", KL_CELL_INLINE},
                 {"b", KL_CELL_BOOL},     {"e", KL_CELL_ERROR},
                 {"d", KL_CELL_DATE}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (kl_span_is(t, types[i].name)) {
            return types[i].type;
        }
    }
    return KL_CELL_STRING; /* unknown: as it stands */
}

static uint32_t style_of(struct kl_span v)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9' || n >= KL_XLSX_MAX_XF) {
            return KL_XLSX_MAX_XF;
        }
        n = n * 10 + (v.ptr[i] - '0');
    }
    return n;
}

static void cell_begin(struct kl_sheet *s, const struct kl_xml_token *t)
{
    struct kl_span v;
    uint32_t col = KL_SHEET_MAX_COL;
    if (kl_xml_attr(t->attrs, "r", &v)) {
        col = kl_sheet_col(v);
    }
    s->cell_col = col < KL_SHEET_MAX_COL ? col : s->next;
    s->next = s->cell_col + 1;
    s->style = kl_xml_attr(t->attrs, "s", &v) ? style_of(v) : 0;
    s->type = kl_xml_attr(t->attrs, "t", &v) ? type_of(v) : KL_CELL_NUMBER;
    s->n_value = 0;
    s->cell_has = false;
    s->in_v = false;
    s->in_is = false;
    s->in_t = false;
    s->in_f = false;
    s->phonetic = 0;
    s->in_cell = !t->is_empty;
}

static enum kl_rc cell_end(struct kl_sheet *s)
{
    s->in_cell = false;
    size_t n = s->n_value;
    s->n_value = 0;
    /* A cell that has put out inline text and also holds a value: the text stands. */
    return n > 0 && !s->cell_has ? kl_sheet_value(s, kl_span_make(s->value, n)) : KL_OK;
}

static enum kl_rc value_add(struct kl_sheet *s, struct kl_span raw, unsigned flags)
{
    /* Decoding shrinks or, at worst, trebles: what does not fit is no number anyway. */
    uint8_t out[KL_SHEET_VALUE_BYTES * 3 + 32];
    size_t n = raw.len < KL_SHEET_VALUE_BYTES ? raw.len : KL_SHEET_VALUE_BYTES;
    size_t len = kl_xml_decode(kl_span_part(raw, 0, n), flags, out);
    bool is_long = n < raw.len || len > KL_SHEET_VALUE_BYTES - s->n_value;
    if (len > KL_SHEET_VALUE_BYTES - s->n_value) {
        len = 0;
    }
    memcpy(s->value + s->n_value, out, len);
    s->n_value += len;
    if (is_long) {
        KL_TRY(kl_emit_anomaly(s->e, "xlsx.value"));
        return side_add(s, raw, flags);
    }
    return KL_OK;
}

static enum kl_rc on_text(struct kl_sheet *s, const struct kl_xml_token *t)
{
    unsigned raw = t->kind == KL_XML_CDATA ? KL_XML_RAW : 0;
    if (s->in_cell && s->phonetic > 0) {
        return KL_OK;
    }
    if (s->in_cell && s->in_is && s->in_t) {
        return kl_sheet_text(s, t->text, raw | KL_XML_ESCAPES);
    }
    if (s->in_cell && s->in_v) {
        bool is_string = s->type == KL_CELL_STRING || s->type == KL_CELL_INLINE;
        return is_string ? kl_sheet_text(s, t->text, raw | KL_XML_ESCAPES)
                         : value_add(s, t->text, raw);
    }
    if (s->in_cell && s->in_f && memchr(t->text.ptr, '"', t->text.len) == NULL &&
        memmem(t->text.ptr, t->text.len, "&quot;", 6) == NULL) {
        return KL_OK; /* a formula without a string constant */
    }
    return side_add(s, t->text, raw);
}

static enum kl_rc in_cell_tag(struct kl_sheet *s, const struct kl_xml_token *t, bool open)
{
    if (kl_span_is(t->name, "v")) {
        s->in_v = open;
    } else if (kl_span_is(t->name, "is")) {
        s->in_is = open;
    } else if (kl_span_is(t->name, "t")) {
        s->in_t = open;
    } else if (kl_span_is(t->name, "f")) {
        s->in_f = open;
    } else if (kl_span_is(t->name, "rPh")) {
        s->phonetic = open ? s->phonetic + 1 : s->phonetic - (!t->is_empty && s->phonetic > 0);
    } else if (kl_span_is(t->name, "c") && t->kind == KL_XML_END) {
        return cell_end(s);
    }
    return KL_OK;
}

static enum kl_rc row_tag(struct kl_sheet *s, const struct kl_xml_token *t, bool open)
{
    if (t->kind == KL_XML_END) {
        return kl_sheet_row_end(s);
    }
    if (kl_xml_attr_is_true(t->attrs, "hidden")) {
        KL_TRY(kl_emit_anomaly(s->e, "xlsx.hidden_row"));
    }
    KL_TRY(kl_sheet_row_begin(s));
    return open ? KL_OK : kl_sheet_row_end(s);
}

enum kl_rc kl_sheet_token(struct kl_sheet *s, const struct kl_xml_token *t)
{
    if (t->kind == KL_XML_TEXT || t->kind == KL_XML_CDATA) {
        return on_text(s, t);
    }
    bool open = t->kind == KL_XML_START && !t->is_empty;
    bool is_row = kl_span_is(t->name, "row");
    bool is_cell = kl_span_is(t->name, "c") && t->kind == KL_XML_START;
    if (s->in_cell && !is_row && !is_cell) {
        return in_cell_tag(s, t, open);
    }
    if (s->in_cell) {
        KL_TRY(cell_end(s)); /* it was not closed */
    }
    if (is_row) {
        return row_tag(s, t, open);
    }
    if (is_cell) {
        cell_begin(s, t);
        return KL_OK;
    }
    if (t->kind != KL_XML_START) {
        return KL_OK;
    }
    if (kl_span_is(t->name, "col") && kl_xml_attr_is_true(t->attrs, "hidden")) {
        KL_TRY(kl_emit_anomaly(s->e, "xlsx.hidden_column"));
    }
    return side_attrs(s, t->attrs);
}
