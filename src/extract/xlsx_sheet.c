#include "extract/xlsx_sheet.h"

#include <stdlib.h>

#define SIDE_BYTES 1048576u
#define ROOM_BYTES 65536u
#define CHARGE_BYTES 1048576u

enum kl_rc kl_sheet_room(struct kl_sheet *s, size_t n)
{
    size_t cap = 0;
    if (s->o > s->o_start) {
        KL_TRY(kl_emit_commit(s->e, (size_t)(s->o - s->o_start)));
    }
    s->o_start = NULL;
    s->o = NULL;
    s->o_end = NULL;
    KL_TRY(kl_emit_space(s->e, n < ROOM_BYTES ? ROOM_BYTES : n, &s->o_start, &cap));
    s->o = s->o_start;
    s->o_end = s->o_start + cap;
    return KL_OK;
}

enum kl_rc kl_sheet_row_end(struct kl_sheet *s)
{
    s->in_row = false;
    if (!s->has) {
        return KL_OK;
    }
    s->has = false;
    KL_TRY(kl_sheet_need(s, 1));
    *s->o++ = '\n';
    return KL_OK;
}

enum kl_rc kl_sheet_row_begin(struct kl_sheet *s)
{
    if (s->has) {
        KL_TRY(kl_sheet_row_end(s));
    }
    s->in_row = true;
    s->next = 0;
    return KL_OK;
}

uint32_t kl_sheet_col(struct kl_span ref)
{
    uint32_t col = 0;
    size_t i = 0;
    for (; i < ref.len && i < 4 && (uint8_t)((ref.ptr[i] & ~32) - 'A') < 26; i++) {
        col = col * 26 + (uint32_t)((ref.ptr[i] & ~32) - 'A') + 1;
    }
    return i == 0 || i > 3 || col > KL_SHEET_MAX_COL ? KL_SHEET_MAX_COL : col - 1;
}

enum kl_rc kl_sheet_text(struct kl_sheet *s, struct kl_span raw, unsigned flags)
{
    while (raw.len > 0) {
        size_t n = kl_xml_piece(raw, KL_SHEET_PIECE_BYTES);
        KL_TRY(kl_sheet_need(s, n * 3 + KL_SHEET_MAX_GAP + KL_XML_PAD));
        if (!s->cell_has) {
            kl_sheet_seek(s, s->cell_col);
            s->cell_has = true;
        }
        s->o += kl_xml_decode(kl_span_part(raw, 0, n), flags, s->o);
        raw = kl_span_part(raw, n, raw.len);
    }
    return KL_OK;
}

/* The index of a shared string; false: there is none. */
static bool index_of(struct kl_span v, uint32_t *out_i)
{
    uint64_t i = 0;
    v = kl_span_trim(v);
    for (size_t k = 0; k < v.len; k++) {
        if (v.ptr[k] < '0' || v.ptr[k] > '9' || i > UINT32_MAX) {
            return false;
        }
        i = i * 10 + (v.ptr[k] - '0');
    }
    *out_i = (uint32_t)i;
    return v.len > 0 && i <= UINT32_MAX;
}

enum kl_rc kl_sheet_long_string(struct kl_sheet *s, uint32_t col, uint32_t i)
{
    struct kl_sst *sst = &s->x->sst;
    struct kl_span text = kl_sst_get(sst, i);
    s->repeated += text.len;
    if (s->repeated > CHARGE_BYTES && !s->is_cut) {
        enum kl_rc rc = kl_emit_charge_repeated(s->e, s->repeated);
        s->is_cut = rc == KL_E_LIMIT;
        s->repeated = 0;
        if (!s->is_cut) {
            KL_TRY(rc);
        }
    }
    if (s->is_cut && text.len > KL_SHEET_SHORT_BYTES) {
        /* Not marked as used: what was never written whole is written once at the end. */
        text = kl_span_part(text, 0, kl_xml_piece(text, KL_SHEET_SHORT_BYTES));
    } else {
        sst->used.ptr[i / 8] |= (uint8_t)(1u << i % 8);
    }
    s->cell_col = col;
    s->cell_has = false;
    return kl_sheet_text(s, text, KL_XML_RAW);
}

static enum kl_rc shared_value(struct kl_sheet *s, struct kl_span v)
{
    struct kl_sst *sst = &s->x->sst;
    uint32_t i = 0;
    if (!index_of(v, &i)) {
        return kl_emit_anomaly(s->e, "xlsx.index");
    }
    if (i >= sst->n) {
        return kl_emit_anomaly(s->e, "xlsx.index");
    }
    return kl_sheet_long_string(s, s->cell_col, i);
}

/* ISO 8601 in t="d": a midnight is left out. */
static struct kl_span iso_value(struct kl_span v)
{
    struct kl_span head = kl_span_part(v, 0, 11);
    struct kl_span time = kl_span_part(v, 11, v.len);
    bool midnight = head.len == 11 && head.ptr[10] == 'T' && time.len >= 5;
    for (size_t i = 0; i < time.len && midnight; i++) {
        midnight = strchr("0:.Z", time.ptr[i]) != NULL && time.ptr[i] != 0;
    }
    return midnight ? kl_span_part(v, 0, 10) : v;
}

enum kl_rc kl_sheet_value(struct kl_sheet *s, struct kl_span value)
{
    uint8_t out[KL_SHEET_VALUE_BYTES + KL_XML_PAD];
    size_t n = 0;
    value = kl_span_trim(value);
    if (value.len == 0) {
        return KL_OK;
    }
    bool is_date = s->style < KL_XLSX_MAX_XF && s->x->is_date[s->style] != 0;
    if (s->type == KL_CELL_SHARED) {
        return shared_value(s, value);
    }
    if (s->type == KL_CELL_BOOL && value.len == 1) {
        value = value.ptr[0] == '1' ? KL_SPAN_LIT("TRUE") : KL_SPAN_LIT("FALSE");
    } else if (s->type == KL_CELL_DATE) {
        value = iso_value(value);
    } else if (s->type == KL_CELL_NUMBER) {
        n = is_date ? kl_xlsx_date(value, s->x->is_1904, out) : 0;
        n = n > 0 || value.len > KL_XLSX_NUMBER_BYTES ? n : kl_xlsx_number(value, out);
    }
    if (n == 0) {
        memcpy(out, value.ptr, value.len);
        n = value.len;
    }
    memset(out + n, 0, KL_XML_PAD / 2);
    return kl_sheet_put(s, s->cell_col, kl_span_make(out, n));
}

/* ---- the whole sheet ---- */

static enum kl_rc read_all(struct kl_sheet *s)
{
    struct kl_xml *xml = &s->x->pk.xml;
    struct kl_xml_token t;
    for (;;) {
        if (!s->x->no_fast) {
            KL_TRY(kl_sheet_fast(s));
        }
        KL_TRY(kl_xml_next(xml, &t));
        if (t.kind == KL_XML_NONE) {
            return KL_OK;
        }
        KL_TRY(kl_sheet_token(s, &t));
    }
}

static enum kl_rc read_part(struct kl_sheet *s)
{
    KL_TRY(kl_emit_part_begin(s->e, KL_PART_TABLE));
    enum kl_rc rc = read_all(s);
    if (rc == KL_OK && s->has) {
        rc = kl_sheet_row_end(s);
    }
    if (rc == KL_OK && s->o > s->o_start) {
        rc = kl_emit_commit(s->e, (size_t)(s->o - s->o_start));
    }
    return rc == KL_OK ? kl_emit_part_end(s->e) : rc;
}

static enum kl_rc put_side(const struct kl_sheet *s)
{
    if (s->side_is_full) {
        KL_TRY(kl_emit_anomaly(s->e, "xlsx.side_text"));
    }
    if (s->side.len == 0) {
        return KL_OK;
    }
    KL_TRY(kl_emit_part_begin(s->e, KL_PART_TEXT));
    KL_TRY(kl_emit_text(s->e, kl_buf_span(&s->side)));
    return kl_emit_part_end(s->e);
}

enum kl_rc kl_xlsx_sheet_read(void *ctx, const struct kl_zip_member *m)
{
    struct kl_xlsx *x = ctx;
    struct kl_sheet *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return KL_E_NOMEM;
    }
    s->x = x;
    s->e = x->pk.e;
    kl_buf_init(&s->side, SIDE_BYTES);
    kl_package_open(&x->pk, m);
    enum kl_rc rc = read_part(s);
    if (rc == KL_OK) {
        rc = put_side(s);
    }
    if (rc == KL_OK) {
        rc = kl_package_close(&x->pk);
    }
    kl_buf_done(&s->side);
    free(s);
    return rc;
}
