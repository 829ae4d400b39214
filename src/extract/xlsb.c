/*
 * xlsb: a package whose parts are records (BIFF12) instead of XML.
 * Source: [MS-XLSB] 2.1, 2.4.
 */
#include <stdlib.h>

#include "extract/biff.h"
#include "extract/office.h"

#define WINDOW_BYTES 262144u
#define HEAD_BYTES 6u /* of a record at most: type 1-2, size 1-4 */
#define MAX_HIDDEN 10000u
#define ID_BYTES 255u
#define MAX_COL 16384u

enum record {
    ROW_HDR = 0,
    CELL_RK = 2,
    CELL_ERROR = 3,
    CELL_BOOL = 4,
    CELL_REAL = 5,
    CELL_ST = 6,
    CELL_ISST = 7,
    FMLA_STRING = 8,
    FMLA_NUM = 9,
    FMLA_BOOL = 10,
    FMLA_ERROR = 11,
    SHORT_RK = 13,
    SHORT_ERROR = 14,
    SHORT_BOOL = 15,
    SHORT_REAL = 16,
    SHORT_ST = 17,
    SHORT_ISST = 18,
    SST_ITEM = 19,
    FMT = 44,
    XF = 47,
    CELL_RSTRING = 62,
    BEGIN_SHEET = 129,
    BEGIN_BOOK = 131,
    WB_PROP = 153,
    BUNDLE_SH = 156,
    BEGIN_SST = 159,
    BEGIN_STYLES = 278,
    BEGIN_CELL_XFS = 617,
    END_CELL_XFS = 618,
    BEGIN_COMMENTS = 628,
    LONG = 0x10000, /* a piece of a record that is longer than the window */
    END = 0x10001,
};

struct xlsb {
    struct kl_package pk;
    struct kl_biff b;
    struct kl_zip_member *workbook;
    struct kl_zip_member *sst;
    struct kl_zip_member *styles;
    uint8_t *is_hidden;   /* per member */
    struct kl_buf hidden; /* relation ids of hidden sheets, each behind its length byte */
    size_t n_hidden;
    uint32_t col; /* of the cell before */
    bool in_cell_xfs;
    /* The window. */
    uint8_t *buf;
    size_t at;
    size_t len;
    uint64_t long_left; /* of a record that is longer than the window */
    bool eof;
};

/* ---- records ---- */

static void start(struct xlsb *x)
{
    x->at = 0;
    x->len = 0;
    x->long_left = 0;
    x->eof = false;
}

/* Have at least n bytes in the window, if the part has them. */
static enum kl_rc need(struct xlsb *x, size_t n)
{
    if (x->len - x->at >= n || x->eof) {
        return KL_OK;
    }
    memmove(x->buf, x->buf + x->at, x->len - x->at);
    x->len -= x->at;
    x->at = 0;
    while (x->len < n && !x->eof) {
        size_t got = 0;
        KL_TRY(kl_zip_read(&x->pk.stream, x->buf + x->len, WINDOW_BYTES - x->len, &got));
        x->eof = got == 0;
        x->len += got;
    }
    return KL_OK;
}

static enum kl_rc take(struct xlsb *x, size_t n, struct kl_span *out)
{
    KL_TRY(need(x, n));
    *out = kl_span_part(kl_span_make(x->buf + x->at, x->len - x->at), 0, n);
    x->at += out->len;
    return KL_OK;
}

/* The next record: *out_type and its payload, shorter than it says at the end of the part. */
static enum kl_rc next(struct xlsb *x, uint32_t *out_type, struct kl_span *out)
{
    if (x->long_left > 0) {
        size_t n = x->long_left < WINDOW_BYTES / 2 ? (size_t)x->long_left : WINDOW_BYTES / 2;
        KL_TRY(take(x, n, out));
        x->long_left = out->len < n ? 0 : x->long_left - n;
        *out_type = LONG;
        return KL_OK;
    }
    KL_TRY(need(x, HEAD_BYTES));
    struct kl_rd r = kl_rd_init(kl_span_make(x->buf + x->at, x->len - x->at));
    uint32_t type = kl_rd_u8(&r);
    if ((type & 0x80) != 0) {
        type = (type & 0x7F) | (uint32_t)(kl_rd_u8(&r) & 0x7F) << 7;
    }
    uint32_t size = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t c = kl_rd_u8(&r);
        size |= (uint32_t)(c & 0x7F) << shift;
        if ((c & 0x80) == 0) {
            break;
        }
    }
    if (!kl_rd_ok(&r)) {
        *out_type = END;
        *out = kl_span_make(x->buf + x->at, x->len - x->at);
        x->at = x->len;
        return KL_OK;
    }
    x->at += r.at;
    if (size > WINDOW_BYTES / 2) {
        x->long_left = size;
        return next(x, out_type, out); /* once: long_left is set */
    }
    *out_type = type;
    return take(x, size, out);
}

/* XLWideString: a count of UTF-16 units, then they. The nullable form has no other look. */
static struct kl_span wide(struct kl_rd *r)
{
    uint32_t n = kl_rd_le32(r);
    if (n == UINT32_MAX) {
        return kl_span_make("", 0);
    }
    size_t left = kl_rd_left(r) / 2;
    if (n > left) {
        n = (uint32_t)left; /* cut short: what is there counts */
    }
    return kl_rd_take(r, (size_t)n * 2);
}

/* ---- the workbook and its tables ---- */

static enum kl_rc on_bundle(struct xlsb *x, struct kl_span p)
{
    struct kl_rd r = kl_rd_init(p);
    uint32_t state = kl_rd_le32(&r);
    kl_rd_skip(&r, 4);
    struct kl_span id = wide(&r);
    struct kl_span name = wide(&r);
    if ((state & 3) != 0 && x->n_hidden < MAX_HIDDEN && id.len / 2 <= ID_BYTES) {
        KL_TRY(kl_buf_add_u8(&x->hidden, (uint8_t)(id.len / 2)));
        for (size_t i = 0; i < id.len; i += 2) {
            KL_TRY(kl_buf_add_u8(&x->hidden, id.ptr[i]));
        }
        x->n_hidden++;
    }
    return kl_biff_note(&x->b, name, true);
}

static enum kl_rc read_workbook(void *ctx, const struct kl_zip_member *m)
{
    struct xlsb *x = ctx;
    uint32_t type = 0;
    struct kl_span p;
    kl_package_open(&x->pk, m);
    start(x);
    do {
        KL_TRY(next(x, &type, &p));
        if (type == BUNDLE_SH) {
            KL_TRY(on_bundle(x, p));
        } else if (type == WB_PROP) {
            x->b.is_1904 = p.len > 0 && (p.ptr[0] & 1) != 0;
            KL_TRY(kl_biff_unknown(&x->b, kl_span_part(p, 4, p.len)));
        } else {
            KL_TRY(kl_biff_unknown(&x->b, p));
        }
    } while (type != END);
    KL_TRY(kl_biff_finish(&x->b));
    return kl_package_close(&x->pk);
}

static enum kl_rc on_style(struct xlsb *x, uint32_t type, struct kl_span p)
{
    struct kl_rd r = kl_rd_init(p);
    if (type == BEGIN_CELL_XFS || type == END_CELL_XFS) {
        x->in_cell_xfs = type == BEGIN_CELL_XFS;
        return KL_OK;
    }
    if (type == FMT) {
        uint8_t code[256];
        size_t n = 0;
        uint32_t id = kl_rd_le16(&r);
        struct kl_span text = wide(&r);
        for (size_t i = 0; i < text.len && n < sizeof code; i += 2) {
            code[n++] = text.ptr[i + 1] == 0 ? text.ptr[i] : '?';
        }
        kl_biff_format_set(&x->b, id, kl_span_make(code, n));
    } else if (type == XF) {
        kl_rd_skip(&r, 2);
        uint32_t format = kl_rd_le16(&r);
        if (x->in_cell_xfs) {
            kl_biff_xf_add(&x->b, format);
        }
        return KL_OK;
    }
    return kl_biff_unknown(&x->b, p);
}

static enum kl_rc read_styles(void *ctx, const struct kl_zip_member *m)
{
    struct xlsb *x = ctx;
    uint32_t type = 0;
    struct kl_span p;
    kl_package_open(&x->pk, m);
    start(x);
    do {
        KL_TRY(next(x, &type, &p));
        KL_TRY(on_style(x, type, p));
    } while (type != END);
    KL_TRY(kl_biff_finish(&x->b));
    return kl_package_close(&x->pk);
}

/* RichStr: a byte of flags, the string, then runs and phonetics, which are not read. */
static struct kl_span rich(struct kl_span p)
{
    struct kl_rd r = kl_rd_init(p);
    kl_rd_skip(&r, 1);
    return wide(&r);
}

static enum kl_rc read_sst(void *ctx, const struct kl_zip_member *m)
{
    struct xlsb *x = ctx;
    uint32_t type = 0;
    struct kl_span p;
    KL_TRY(kl_sst_init(&x->b.sst));
    x->b.has_sst = true;
    kl_package_open(&x->pk, m);
    start(x);
    do {
        KL_TRY(next(x, &type, &p));
        if (type == SST_ITEM) {
            KL_TRY(kl_biff_sst_text(&x->b, rich(p), true));
            KL_TRY(kl_biff_sst_end(&x->b));
        } else if (type != BEGIN_SST) {
            KL_TRY(kl_biff_unknown(&x->b, p));
        }
    } while (type != END);
    KL_TRY(kl_sst_close(&x->b.sst));
    KL_TRY(kl_biff_finish(&x->b));
    return kl_package_close(&x->pk);
}

/* ---- sheets ---- */

static double real_of(struct kl_rd *r)
{
    uint64_t bits = kl_rd_le64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The content of a cell whose place was read. */
static enum kl_rc on_value(struct xlsb *x, uint32_t type, uint32_t xf, struct kl_rd *r)
{
    struct kl_biff *b = &x->b;
    switch (type) {
    case CELL_RK:
    case SHORT_RK:
        return kl_biff_rk(b, xf, kl_rd_le32(r));
    case CELL_REAL:
    case SHORT_REAL:
    case FMLA_NUM:
        return kl_biff_number(b, xf, real_of(r));
    case CELL_ISST:
    case SHORT_ISST:
        return kl_biff_shared(b, kl_rd_le32(r));
    case CELL_RSTRING:
        kl_rd_skip(r, 1);
        return kl_biff_text(b, wide(r), true);
    case CELL_ST:
    case SHORT_ST:
    case FMLA_STRING:
        return kl_biff_text(b, wide(r), true);
    case CELL_ERROR:
    case SHORT_ERROR:
    case FMLA_ERROR:
        return kl_biff_bool(b, true, kl_rd_u8(r));
    default:
        return kl_biff_bool(b, false, kl_rd_u8(r));
    }
}

static bool is_cell(uint32_t type)
{
    return (type >= CELL_RK && type <= FMLA_ERROR) || type == CELL_RSTRING;
}

static enum kl_rc on_record(struct xlsb *x, uint32_t type, struct kl_span p)
{
    struct kl_biff *b = &x->b;
    struct kl_rd r = kl_rd_init(p);
    bool is_short = type >= SHORT_RK && type <= SHORT_ISST;
    if (type == ROW_HDR) {
        b->row = kl_rd_le32(&r);
        x->col = UINT32_MAX;
        KL_TRY(kl_grid_end(&b->flow.rows));
        bool hidden = p.len > 11 && (p.ptr[11] & 0x10) != 0;
        return hidden ? kl_emit_anomaly(b->e, "xlsx.hidden_row") : KL_OK;
    }
    if (type == 1 || type == 12) { /* blank */
        x->col = type == 1 ? kl_rd_le32(&r) : x->col + 1;
        return KL_OK;
    }
    if (!is_cell(type) && !is_short) {
        return kl_biff_unknown(b, p);
    }
    uint32_t col = is_short ? x->col + 1 : kl_rd_le32(&r);
    uint32_t xf = kl_rd_le32(&r) & 0xFFFFFF;
    if (!kl_rd_ok(&r) || col >= MAX_COL) {
        KL_TRY(kl_emit_anomaly(b->e, "xlsb.cell"));
        return kl_biff_unknown(b, p);
    }
    x->col = col;
    KL_TRY(kl_biff_cell(b, b->row, col));
    KL_TRY(on_value(x, type, xf, &r));
    if (type >= FMLA_STRING && type <= FMLA_ERROR) {
        /* The formula: its string constants. */
        return kl_biff_unknown(b, kl_span_part(p, r.at, p.len));
    }
    return kl_rd_ok(&r) ? KL_OK : kl_emit_anomaly(b->e, "xlsb.cell");
}

static enum kl_rc read_sheet(void *ctx, const struct kl_zip_member *m)
{
    struct xlsb *x = ctx;
    uint32_t type = 0;
    struct kl_span p;
    kl_package_open(&x->pk, m);
    start(x);
    x->b.row = 0;
    x->col = UINT32_MAX;
    do {
        KL_TRY(next(x, &type, &p));
        KL_TRY(on_record(x, type, p));
    } while (type != END);
    KL_TRY(kl_biff_finish(&x->b));
    return kl_package_close(&x->pk);
}

/* Comments, tables, external links, pivot caches: what of them is text. */
static enum kl_rc read_other(void *ctx, const struct kl_zip_member *m)
{
    struct xlsb *x = ctx;
    uint32_t type = 0;
    struct kl_span p;
    kl_package_open(&x->pk, m);
    start(x);
    do {
        KL_TRY(next(x, &type, &p));
        KL_TRY(kl_biff_unknown(&x->b, p));
    } while (type != END);
    KL_TRY(kl_biff_finish(&x->b));
    return kl_package_close(&x->pk);
}

/* ---- the package ---- */

/* Type of the first record; END: it does not look like records. */
static enum kl_rc first_of(struct xlsb *x, const struct kl_zip_member *m, uint32_t *out_type)
{
    *out_type = END;
    if (!kl_zip_is_readable(m) || m->comp_bytes == 0) {
        return KL_OK;
    }
    uint8_t head[3];
    size_t n = 0;
    kl_package_peek(&x->pk, m);
    KL_TRY(kl_zip_read(&x->pk.stream, head, sizeof head, &n));
    if (n == sizeof head && head[0] >= 0x80 && head[1] > 0 && head[1] < 0x80) {
        *out_type = (head[0] & 0x7Fu) | (uint32_t)head[1] << 7;
    }
    return KL_OK;
}

static enum kl_rc mark_hidden(struct xlsb *x)
{
    struct kl_package_wanted *w = calloc(x->n_hidden + 1, sizeof *w);
    struct kl_rd r = kl_rd_init(kl_buf_span(&x->hidden));
    if (w == NULL) {
        return KL_E_NOMEM;
    }
    for (size_t i = 0; i < x->n_hidden; i++) {
        w[i].id = kl_rd_take(&r, kl_rd_u8(&r));
    }
    enum kl_rc rc = kl_package_rels(&x->pk, kl_zip_name(x->pk.zip, x->workbook), w, x->n_hidden);
    for (size_t i = 0; i < x->n_hidden && rc == KL_OK; i++) {
        if (w[i].found != NULL) {
            x->is_hidden[w[i].found - x->pk.zip->m] = 1;
        }
    }
    free(w);
    return rc;
}

static enum kl_rc read_package(struct xlsb *x)
{
    struct kl_zip *zip = x->pk.zip;
    uint32_t type = 0;
    for (size_t i = 0; i < zip->n_real; i++) {
        struct kl_zip_member *m = &zip->m[i];
        KL_TRY(first_of(x, m, &type));
        x->workbook = x->workbook == NULL && type == BEGIN_BOOK ? m : x->workbook;
        x->sst = x->sst == NULL && type == BEGIN_SST ? m : x->sst;
        x->styles = x->styles == NULL && type == BEGIN_STYLES ? m : x->styles;
    }
    if (x->workbook == NULL) {
        return KL_OK;
    }
    KL_TRY(kl_package_tell(&x->pk, x->workbook, read_workbook, x, NULL));
    KL_TRY(x->n_hidden > 0 ? mark_hidden(x) : KL_OK);
    if (x->styles != NULL) {
        KL_TRY(kl_package_with_level(&x->pk, x->styles, read_styles, x, NULL));
    }
    if (x->sst != NULL) {
        KL_TRY(kl_package_with_level(&x->pk, x->sst, read_sst, x, NULL));
    }
    for (size_t i = 0; i < zip->n_real; i++) {
        struct kl_zip_member *m = &zip->m[i];
        if (m->state != KL_ZIP_STATE_NONE) {
            continue;
        }
        KL_TRY(first_of(x, m, &type));
        if (type == BEGIN_SHEET) {
            const char *note = x->is_hidden[i] != 0 ? "xlsx.hidden_sheet" : NULL;
            KL_TRY(kl_package_tell(&x->pk, m, read_sheet, x, note));
        } else if (type == BEGIN_COMMENTS) {
            KL_TRY(kl_package_tell(&x->pk, m, read_other, x, NULL));
        }
    }
    return KL_OK;
}

static enum kl_rc read_rest(struct xlsb *x)
{
    enum kl_rc rc = kl_emit_enter(x->pk.e, kl_zip_name(x->pk.zip, x->sst), x->sst->share_bytes);
    if (rc == KL_OK) {
        rc = kl_sst_rest(&x->b.sst, x->pk.e);
        kl_emit_leave(x->pk.e);
    }
    return rc == KL_E_LIMIT ? KL_OK : rc;
}

enum kl_rc kl_xlsb_extract(struct kl_zip *zip)
{
    struct xlsb x = {.buf = malloc(WINDOW_BYTES), .is_hidden = calloc(1, zip->n + 1)};
    enum kl_rc rc = kl_package_init(&x.pk, zip);
    enum kl_rc biff = kl_biff_init(&x.b, zip->e);
    kl_buf_init(&x.hidden, MAX_HIDDEN * (ID_BYTES + 1));
    rc = rc == KL_OK ? biff : rc;
    rc = rc == KL_OK && (x.buf == NULL || x.is_hidden == NULL) ? KL_E_NOMEM : rc;
    rc = rc == KL_OK ? read_package(&x) : rc;
    if (rc == KL_OK && x.b.has_sst) {
        rc = read_rest(&x);
    }
    kl_buf_done(&x.hidden);
    kl_biff_done(&x.b);
    kl_package_done(&x.pk);
    free(x.is_hidden);
    free(x.buf);
    return rc;
}
