/* Cells of ODF tables: their value, what they show beside it, how often they stand there. */
#include "extract/odf_int.h"
#include "extract/xlsx.h"

uint32_t kl_odf_count(struct kl_span v)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v.len && n < UINT32_MAX / 16; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9') {
            return 1;
        }
        n = n * 10 + (uint32_t)(v.ptr[i] - '0');
    }
    return n > 0 ? n : 1;
}

/* ---- what a cell shows beside its value ---- */

/* The digits, but for a lone zero in front of the point and zeros at the end. */
static size_t digits_of(struct kl_span s, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < cap; i++) {
        bool is_digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';
        bool is_last = i + 1 == s.len || s.ptr[i + 1] < '0' || s.ptr[i + 1] > '9';
        if (is_digit && !(n == 0 && s.ptr[i] == '0' && is_last)) {
            out[n++] = s.ptr[i];
        }
    }
    while (n > 0 && out[n - 1] == '0') {
        n--;
    }
    return n;
}

/* 1234.5 and "1,234.50 lek" have the same digits. */
static bool same_number(struct kl_span value, struct kl_span shown)
{
    uint8_t a[64];
    uint8_t b[64];
    size_t n = digits_of(value, a, sizeof a);
    return n == digits_of(shown, b, sizeof b) && memcmp(a, b, n) == 0;
}

/* Every group of digits of the shown date is one of 1905-05-03. */
static bool same_date(struct kl_span value, struct kl_span shown)
{
    for (size_t at = 0; at < shown.len;) {
        size_t end = at;
        while (end < shown.len && shown.ptr[end] >= '0' && shown.ptr[end] <= '9') {
            end++;
        }
        struct kl_span group = kl_span_part(shown, at, end);
        if (group.len > 0 && kl_span_find(value, 0, group) == value.len) {
            return false;
        }
        at = end + (end == at);
    }
    return true;
}

enum kl_rc kl_odf_end_shown(struct kl_odf *o)
{
    struct kl_span value = kl_span_make(o->value, o->n_value);
    struct kl_span shown = kl_span_trim(kl_span_make(o->shown, o->n_shown));
    bool same = kl_span_eq(value, shown) ||
                (o->type == KL_ODF_DATE ? same_date(value, shown) : same_number(value, shown));
    o->has_value = false;
    o->n_shown = 0;
    if (same || shown.len == 0) {
        return KL_OK;
    }
    enum kl_rc rc = kl_buf_room(&o->extra, shown.len + 1);
    if (rc != KL_OK) {
        return rc == KL_E_LIMIT ? kl_flow_note(&o->flow, shown, KL_XML_RAW) : rc;
    }
    KL_TRY(kl_buf_add_u8(&o->extra, '\t'));
    return kl_buf_add(&o->extra, shown.ptr, shown.len);
}

/* ---- cells ---- */

static enum kl_odf_type type_of(struct kl_span v)
{
    if (kl_span_is(v, "float") || kl_span_is(v, "percentage") || kl_span_is(v, "currency")) {
        return KL_ODF_NUMBER;
    }
    if (kl_span_is(v, "date")) {
        return KL_ODF_DATE;
    }
    return kl_span_is(v, "boolean") || kl_span_is(v, "time") ? KL_ODF_OTHER : KL_ODF_STRING;
}

static void keep_value(struct kl_odf *o, struct kl_span raw)
{
    if (raw.len <= KL_ODF_VALUE_BYTES && o->n_value == 0) {
        o->n_value = kl_xml_decode(raw, 0, o->value);
    }
}

static bool is_value(struct kl_span name)
{
    static const char *const names[] = {"value", "date-value", "string-value", "boolean-value",
                                        "time-value"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (kl_span_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static enum kl_rc cell_attrs(struct kl_odf *o, const struct kl_xml_token *t)
{
    struct kl_span name;
    struct kl_span v;
    size_t at = 0;
    bool has_type = false;
    while (kl_xml_attr_next(t->attrs, &at, &name, &v)) {
        if (kl_span_is(name, "value-type") && !has_type) {
            o->type = type_of(v);
            has_type = true;
        } else if (kl_span_is(name, "number-columns-repeated")) {
            o->repeated = kl_odf_count(v);
        } else if (is_value(name)) {
            keep_value(o, v);
            if (v.len > KL_ODF_VALUE_BYTES) {
                KL_TRY(kl_flow_note(&o->flow, v, 0));
            }
        } else if (kl_span_is(name, "formula") &&
                   (memchr(v.ptr, '"', v.len) != NULL ||
                    kl_span_find(v, 0, KL_SPAN_LIT("&quot;")) < v.len)) {
            KL_TRY(kl_flow_note(&o->flow, v, 0));
        }
    }
    return KL_OK;
}

enum kl_rc kl_odf_put_copied(struct kl_odf *o, struct kl_span text)
{
    if (o->repeated > 1) {
        enum kl_rc rc = kl_buf_add(&o->copy, text.ptr, text.len);
        if (rc != KL_OK && rc != KL_E_LIMIT) {
            return rc;
        }
    }
    return kl_flow_add(&o->flow, text);
}

static enum kl_rc put_value(struct kl_odf *o)
{
    uint8_t out[KL_XLSX_NUMBER_BYTES];
    struct kl_span v = kl_span_trim(kl_span_make(o->value, o->n_value));
    if (o->type == KL_ODF_NUMBER && v.len < KL_XLSX_NUMBER_BYTES) {
        v = kl_span_make(out, kl_xlsx_number(v, out));
    } else if (o->type == KL_ODF_DATE && v.len > 10 &&
               kl_span_is(kl_span_part(v, 10, 19), "T00:00:00")) {
        v = kl_span_part(v, 0, 10);
    }
    return kl_odf_put_copied(o, v);
}

enum kl_rc kl_odf_cell_begin(struct kl_odf *o, const struct kl_xml_token *t)
{
    struct kl_flow *f = &o->flow;
    KL_TRY(kl_flow_cell_begin(f));
    if (f->n_asides > 0) {
        return KL_OK;
    }
    o->in_cell = true;
    o->has_value = false;
    o->repeated = 1;
    o->type = KL_ODF_STRING;
    o->n_value = 0;
    o->n_shown = 0;
    o->copy.len = 0;
    KL_TRY(cell_attrs(o, t));
    if (o->n_value > 0 && (o->type == KL_ODF_NUMBER || o->type == KL_ODF_DATE)) {
        o->has_value = true;
        return put_value(o);
    }
    return KL_OK;
}

enum kl_rc kl_odf_cell_end(struct kl_odf *o)
{
    struct kl_flow *f = &o->flow;
    if (f->n_asides > 0 || !o->in_cell) {
        return kl_flow_cell_end(f, 0);
    }
    o->in_cell = false;
    if (o->has_value) {
        KL_TRY(kl_odf_end_shown(o));
    } else if (!f->rows.cell_has && o->n_value > 0) {
        KL_TRY(put_value(o));
    }
    uint32_t col = f->col;
    for (uint32_t i = 1; i < o->repeated && i < KL_ODF_MAX_REPEAT && o->copy.len > 0; i++) {
        enum kl_rc rc = kl_grid_again(&f->rows, o->copy.len);
        if (rc == KL_E_LIMIT) {
            break;
        }
        KL_TRY(rc);
        kl_grid_cell(&f->rows, col + i);
        KL_TRY(kl_grid_add(&f->rows, kl_buf_span(&o->copy)));
    }
    return kl_flow_cell_end(f, o->repeated - 1);
}

enum kl_rc kl_odf_row_end(struct kl_odf *o)
{
    struct kl_flow *f = &o->flow;
    struct kl_span rest = kl_buf_span(&o->extra);
    if (o->in_cell && f->n_asides == 0) {
        KL_TRY(kl_odf_cell_end(o)); /* it was not closed */
    }
    uint32_t col = f->rows.has ? f->rows.col + 1 : 0;
    while (f->n_asides == 0 && rest.len > 1) {
        const uint8_t *tab = memchr(rest.ptr + 1, '\t', rest.len - 1);
        size_t end = tab != NULL ? (size_t)(tab - rest.ptr) : rest.len;
        kl_grid_cell(&f->rows, col++);
        KL_TRY(kl_grid_add(&f->rows, kl_span_part(rest, 1, end)));
        rest = kl_span_part(rest, end, rest.len);
    }
    if (f->n_asides == 0) {
        o->extra.len = 0;
    }
    return kl_flow_row_end(f);
}
