#include "extract/xls_int.h"

#define MAX_COL 16384u

static double real_of(struct kl_rd *r)
{
    uint64_t bits = kl_rd_le64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Row, column and format: BIFF2 has three bytes of attributes. */
static enum kl_rc cell_begin(struct kl_xls *x, struct kl_rd *r, bool is_biff2, uint32_t *out_xf)
{
    uint32_t row = kl_rd_le16(r);
    uint32_t col = kl_rd_le16(r);
    if (is_biff2) {
        kl_rd_skip(r, 3);
        *out_xf = KL_BIFF_MAX_XF;
    } else {
        *out_xf = kl_rd_le16(r);
    }
    x->has_string = false;
    return kl_biff_cell(&x->b, row, col < MAX_COL ? col : 0);
}

static enum kl_rc on_mulrk(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    uint32_t row = kl_rd_le16(&r);
    uint32_t col = kl_rd_le16(&r);
    for (; kl_rd_left(&r) >= 6; col++) {
        uint32_t xf = kl_rd_le16(&r);
        uint32_t rk = kl_rd_le32(&r);
        KL_TRY(kl_biff_cell(&x->b, row, col < MAX_COL ? col : 0));
        KL_TRY(kl_biff_rk(&x->b, xf, rk));
    }
    return KL_OK;
}

static enum kl_rc on_formula(struct kl_xls *x, bool is_biff2)
{
    struct kl_rd r = kl_rd_init(x->p);
    uint32_t xf = 0;
    KL_TRY(cell_begin(x, &r, is_biff2, &xf));
    struct kl_span v = kl_rd_take(&r, 8);
    if (!kl_rd_ok(&r)) {
        return kl_biff_unknown(&x->b, x->p);
    }
    if (v.ptr[6] == 0xFF && v.ptr[7] == 0xFF) {
        x->has_string = v.ptr[0] == 0;
        if (v.ptr[0] == 1 || v.ptr[0] == 2) {
            KL_TRY(kl_biff_bool(&x->b, v.ptr[0] == 2, v.ptr[2]));
        }
    } else {
        struct kl_rd number = kl_rd_init(v);
        KL_TRY(kl_biff_number(&x->b, xf, real_of(&number)));
    }
    /* The string constants of the formula. */
    return kl_biff_unknown(&x->b, kl_span_part(x->p, r.at + 8, x->p.len));
}

/* A string in a record of its own, perhaps with CONTINUEs: the result of a formula. */
static enum kl_rc on_string(struct kl_xls *x, bool is_short)
{
    struct kl_rd r = kl_rd_init(x->p);
    bool is_wide = false;
    size_t n = is_short ? kl_rd_u8(&r) : kl_rd_le16(&r);
    r.at = 0;
    struct kl_span s = kl_xls_string(x, &r, is_short, &is_wide);
    if (!x->has_string) {
        return kl_xls_note(x, s, is_wide);
    }
    KL_TRY(kl_xls_text(x, s, is_wide));
    for (n -= s.len >> is_wide; n > 0 && x->biff == 8;) {
        bool more = false;
        KL_TRY(kl_xls_more(x, &more));
        if (!more || x->p.len == 0) {
            break;
        }
        is_wide = (x->p.ptr[0] & 1) != 0;
        s = kl_span_part(x->p, 1, 1 + (n << is_wide));
        KL_TRY(kl_xls_text(x, s, is_wide));
        n -= s.len >> is_wide < n ? s.len >> is_wide : n;
    }
    x->has_string = false;
    return KL_OK;
}

static enum kl_rc on_label(struct kl_xls *x, bool is_biff2)
{
    struct kl_rd r = kl_rd_init(x->p);
    uint32_t xf = 0;
    bool is_wide = false;
    KL_TRY(cell_begin(x, &r, is_biff2, &xf));
    struct kl_span s = kl_xls_string(x, &r, is_biff2, &is_wide);
    return kl_xls_text(x, s, is_wide);
}

static enum kl_rc on_value(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    uint32_t xf = 0;
    KL_TRY(cell_begin(x, &r, x->type < 0x80 && x->type != 0x7E, &xf));
    switch (x->type) {
    case 0x0002: /* INTEGER */
        return kl_biff_number(&x->b, xf, kl_rd_le16(&r));
    case 0x0003: /* NUMBER */
    case 0x0203:
        return kl_biff_number(&x->b, xf, real_of(&r));
    case 0x007E: /* RK */
    case 0x027E:
        return kl_biff_rk(&x->b, xf, kl_rd_le32(&r));
    case 0x00FD: /* LABELSST */
        return kl_biff_shared(&x->b, kl_rd_le32(&r));
    default: { /* BOOLERR */
        uint8_t v = kl_rd_u8(&r);
        return kl_biff_bool(&x->b, kl_rd_u8(&r) == 1, v);
    }
    }
}

/* NOTE: in BIFF8 its author, the text is a TXO; before that the text, 2048 bytes a record. */
static enum kl_rc on_note(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    bool is_wide = false;
    if (x->biff < 8) {
        return kl_xls_note(x, kl_span_part(x->p, 6, x->p.len), false);
    }
    kl_rd_skip(&r, 8);
    struct kl_span author = kl_xls_string(x, &r, false, &is_wide);
    return kl_xls_note(x, author, is_wide);
}

static enum kl_rc on_header(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    bool is_wide = false;
    struct kl_span s = kl_xls_string(x, &r, x->biff < 8, &is_wide);
    return kl_xls_note(x, s, is_wide);
}

enum kl_rc kl_xls_record(struct kl_xls *x)
{
    bool hidden = false;
    switch (x->type) {
    case 0x0002:
    case 0x0003:
    case 0x0005:
    case 0x007E:
    case 0x00FD:
    case 0x0203:
    case 0x0205:
    case 0x027E:
        return on_value(x);
    case 0x0004: /* LABEL */
        return on_label(x, true);
    case 0x0204:
    case 0x00D6: /* RSTRING */
        return on_label(x, false);
    case 0x00BD:
        return on_mulrk(x);
    case 0x0006: /* FORMULA */
    case 0x0206:
    case 0x0406:
        return on_formula(x, x->type == 6 && x->biff == 2);
    case 0x0007: /* STRING */
        return on_string(x, true);
    case 0x0207:
        return on_string(x, false);
    case 0x0014: /* HEADER, FOOTER */
    case 0x0015:
        return on_header(x);
    case 0x001C:
        return on_note(x);
    case 0x0208: /* ROW */
        hidden = x->p.len > 12 && (x->p.ptr[12] & 0x20) != 0;
        return hidden ? kl_emit_anomaly(x->e, "xls.hidden_row") : KL_OK;
    case 0x007D: /* COLINFO */
        hidden = x->p.len > 8 && (x->p.ptr[8] & 1) != 0;
        return hidden ? kl_emit_anomaly(x->e, "xls.hidden_column") : KL_OK;
    case 0x0201: /* BLANK */
    case 0x00BE: /* MULBLANK */
    case 0x00D7: /* DBCELL */
    case 0x00FF: /* EXTSST */
        return KL_OK;
    default:
        return kl_biff_unknown(&x->b, x->p);
    }
}
