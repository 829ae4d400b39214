#include "extract/xls.h"

#include <stdlib.h>

#include "extract/extract.h"
#include "extract/password.h"
#include "extract/xls_int.h"

#define HEAD_BYTES 4u

/* ---- records ---- */

static enum kl_rc fill(struct kl_xls *x, size_t n)
{
    while (x->len - x->at < n && !x->eof) {
        memmove(x->buf, x->buf + x->at, x->len - x->at);
        x->base += x->at;
        x->len -= x->at;
        x->at = 0;
        uint64_t from = x->base + x->len;
        uint64_t left = x->in->len_bytes > from ? x->in->len_bytes - from : 0;
        size_t want = KL_XLS_WINDOW - x->len < left ? KL_XLS_WINDOW - x->len : (size_t)left;
        size_t got = 0;
        if (want > 0 && kl_input_read(x->in, from, x->buf + x->len, want, &got) != KL_OK) {
            x->io = true;
            got = 0;
        }
        x->len += got;
        x->eof = got == 0;
    }
    return KL_OK;
}

static struct kl_span window(const struct kl_xls *x)
{
    return kl_span_make(x->buf + x->at, x->len - x->at);
}

/* Bytes at the front that are never encrypted. */
static size_t clear_bytes(uint32_t type, size_t len)
{
    switch (type) {
    case 0x0009: /* BOF */
    case 0x0209:
    case 0x0409:
    case 0x0809:
    case KL_XLS_FILEPASS:
    case 0x00E1: /* INTERFACEHDR */
    case 0x0194: /* USREXCL */
    case 0x0195: /* FILELOCK */
    case 0x0196: /* RRDINFO */
    case 0x0138: /* RRDHEAD */
        return len;
    case KL_XLS_BOUNDSHEET:
        return 4;
    default:
        return 0;
    }
}

enum kl_rc kl_xls_next(struct kl_xls *x)
{
    KL_TRY(fill(x, HEAD_BYTES));
    struct kl_rd r = kl_rd_init(window(x));
    uint32_t type = kl_rd_le16(&r);
    size_t len = kl_rd_le16(&r);
    x->rec_at = x->base + x->at;
    if (!kl_rd_ok(&r)) {
        x->type = KL_XLS_END;
        x->p = window(x);
        x->at = x->len;
        return KL_OK;
    }
    KL_TRY(fill(x, HEAD_BYTES + len));
    x->type = type;
    x->p = kl_span_part(window(x), HEAD_BYTES, HEAD_BYTES + len);
    if (x->crypt.kind != KL_XLS_CIPHER_NONE) {
        kl_xls_decrypt(&x->crypt, x->rec_at + HEAD_BYTES, len, x->buf + x->at + HEAD_BYTES,
                       x->p.len, clear_bytes(type, len));
    }
    x->at += HEAD_BYTES + x->p.len;
    return KL_OK;
}

enum kl_rc kl_xls_more(struct kl_xls *x, bool *out_more)
{
    KL_TRY(fill(x, HEAD_BYTES));
    struct kl_rd r = kl_rd_init(window(x));
    *out_more = kl_rd_le16(&r) == KL_XLS_CONTINUE && kl_rd_left(&r) >= 2;
    return *out_more ? kl_xls_next(x) : KL_OK;
}

/* ---- substreams ---- */

static int by_place(const void *a, const void *b)
{
    uint32_t x = ((const struct kl_xls_sheet *)a)->at;
    uint32_t y = ((const struct kl_xls_sheet *)b)->at;
    return x < y ? -1 : x > y;
}

static const struct kl_xls_sheet *sheet_at(const struct kl_xls *x, uint64_t at)
{
    struct kl_xls_sheet want = {.at = (uint32_t)at};
    if (at > UINT32_MAX) {
        return NULL;
    }
    return bsearch(&want, x->sheets, x->n_sheets, sizeof want, by_place);
}

/* Close what is open: the part, and the level of the sheet. */
static enum kl_rc leave_sheet(struct kl_xls *x)
{
    KL_TRY(kl_biff_finish(&x->b));
    if (x->in_level) {
        kl_emit_leave(x->e);
        x->in_level = false;
    }
    return KL_OK;
}

/* Of BIFF5 and 8 the workbook's own BOF: new Excels say 8 in the sheets of a BIFF5 one. */
static void set_version(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    uint32_t version = kl_rd_le16(&r);
    bool is_globals = x->type == 0x0809 && kl_rd_le16(&r) == 5;

    switch (x->type) {
    case 0x0009:
        x->biff = 2;
        break;
    case 0x0209:
        x->biff = 3;
        break;
    case 0x0409:
        x->biff = 4;
        break;
    default:
        if (is_globals || !x->has_globals) {
            x->biff = version == 0x0600 ? 8 : 5;
        }
        x->has_globals = x->has_globals || is_globals;
    }
}

static enum kl_rc on_bof(struct kl_xls *x)
{
    const struct kl_xls_sheet *s = sheet_at(x, x->rec_at);
    if (x->depth++ > 0 && s == NULL) {
        return KL_OK; /* a chart in a sheet */
    }
    x->depth = 1;
    KL_TRY(leave_sheet(x));
    set_version(x);
    x->b.row = 0;
    if (s == NULL) {
        return KL_OK;
    }
    enum kl_rc rc = kl_emit_enter(x->e, kl_span_make(s->name, s->name_len), 0);
    if (rc == KL_E_LIMIT) {
        return KL_OK;
    }
    KL_TRY(rc);
    x->in_level = true;
    return s->state != 0 ? kl_emit_anomaly(x->e, "xls.hidden_sheet") : KL_OK;
}

static enum kl_rc on_eof(struct kl_xls *x)
{
    x->depth -= x->depth > 0;
    return x->depth > 0 ? KL_OK : leave_sheet(x);
}

/* By place; they come in order nearly always, and there are few. */
static void add_sheet(struct kl_xls *x, const struct kl_xls_sheet *s)
{
    size_t i = x->n_sheets;
    if (i == KL_XLS_SHEETS) {
        return;
    }
    while (i > 0 && x->sheets[i - 1].at > s->at) {
        i--;
    }
    memmove(&x->sheets[i + 1], &x->sheets[i], (x->n_sheets - i) * sizeof *s);
    x->sheets[i] = *s;
    x->n_sheets++;
}

static enum kl_rc on_boundsheet(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    struct kl_xls_sheet s = {.at = kl_rd_le32(&r)};
    uint8_t out[255 * 3 + 8];
    bool is_wide = false;
    s.state = kl_rd_u8(&r) & 3;
    kl_rd_skip(&r, 1);
    struct kl_span name = kl_xls_string(x, &r, true, &is_wide);
    size_t n = 0;
    if (is_wide) {
        struct kl_charset_seen seen = {false, false, false};
        size_t used = 0;
        n = kl_charset_wide(name, KL_CHARSET_UTF16LE, true, out, &used, &seen);
    } else {
        n = kl_xls_narrow(x, name, out);
    }
    n = n < KL_XLS_NAME ? n : kl_charset_whole(kl_span_make(out, KL_XLS_NAME));
    memcpy(s.name, out, n);
    s.name_len = (uint8_t)n;
    add_sheet(x, &s);
    return kl_xls_note(x, name, is_wide);
}

static enum kl_rc filepass_fits(void *ctx, struct kl_span password, bool *out_fits)
{
    struct kl_xls *x = ctx;
    *out_fits = kl_xls_crypt_open(&x->crypt, x->p, x->biff == 8, password);
    return KL_OK;
}

static enum kl_rc on_filepass(struct kl_xls *x)
{
    /* A file that is only protected has the password that Excel itself sets. */
    const struct kl_lock lock = {.fits = filepass_fits,
                                 .ctx = x,
                                 .hashes = 32,
                                 .usual = KL_PASSWORD_OF_EXCEL,
                                 .usual_code = "xls.default_password"};
    bool open = false;
    if (x->crypt.kind != KL_XLS_CIPHER_NONE) {
        return KL_OK;
    }
    KL_TRY(kl_emit_try_passwords(x->e, &lock, &open));
    x->is_encrypted = !open;
    return KL_OK;
}

static enum kl_charset set_of(uint16_t codepage)
{
    switch (codepage) {
    case 437:
        return KL_CHARSET_CP437;
    case 850:
        return KL_CHARSET_CP850;
    case 852:
        return KL_CHARSET_CP852;
    case 1250:
        return KL_CHARSET_CP1250;
    case 10000:
    case 32768:
        return KL_CHARSET_MAC_ROMAN;
    default:
        return KL_CHARSET_CP1252;
    }
}

static void on_codepage(struct kl_xls *x, uint16_t codepage)
{
    x->set = set_of(codepage);
    x->page = kl_codepage_by_number(codepage);
}

static void on_format(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    bool is_wide = false;
    uint8_t code[256];
    size_t n = 0;
    uint32_t id = kl_rd_le16(&r);
    struct kl_span s = kl_xls_string(x, &r, x->biff < 8, &is_wide);
    for (size_t i = 0; i < s.len && n < sizeof code; i += 1 + is_wide) {
        code[n++] = !is_wide || s.ptr[i + 1] == 0 ? s.ptr[i] : '?';
    }
    kl_biff_format_set(&x->b, id, kl_span_make(code, n));
}

static enum kl_rc on_record(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    switch (x->type) {
    case 0x0009:
    case 0x0209:
    case 0x0409:
    case 0x0809:
        return on_bof(x);
    case KL_XLS_EOF:
        return on_eof(x);
    case KL_XLS_FILEPASS:
        return on_filepass(x);
    case 0x0042: /* CODEPAGE */
        on_codepage(x, kl_rd_le16(&r));
        return KL_OK;
    case 0x0022: /* DATEMODE */
        x->b.is_1904 = kl_rd_le16(&r) == 1;
        return KL_OK;
    case 0x041E: /* FORMAT */
        on_format(x);
        return KL_OK;
    case 0x00E0: /* XF */
        kl_rd_skip(&r, 2);
        kl_biff_xf_add(&x->b, kl_rd_le16(&r));
        return KL_OK;
    case KL_XLS_BOUNDSHEET:
        return on_boundsheet(x);
    case KL_XLS_SST:
        return kl_xls_sst(x);
    case KL_XLS_TXO:
        return kl_xls_txo(x);
    default:
        return kl_xls_record(x);
    }
}

/* ---- the stream ---- */

static enum kl_rc say_encrypted(struct kl_xls *x)
{
    uint64_t len = x->in->len_bytes;
    uint64_t rest = len > x->base + x->at ? len - x->base - x->at : 0;
    KL_TRY(leave_sheet(x));
    return kl_emit_not_inspected(x->e, KL_REASON_ENCRYPTED, rest);
}

static enum kl_rc read_stream(struct kl_xls *x)
{
    do {
        KL_TRY(kl_xls_next(x));
        if (x->type == KL_XLS_END) {
            KL_TRY(kl_biff_unknown(&x->b, x->p));
            break;
        }
        KL_TRY(on_record(x));
        if (x->is_encrypted) {
            return say_encrypted(x);
        }
    } while (x->type != KL_XLS_END);
    KL_TRY(leave_sheet(x));
    uint64_t had = x->base + x->len;
    if (had < x->in->len_bytes) {
        KL_TRY(kl_emit_not_inspected(x->e, x->io ? KL_REASON_IO : KL_REASON_CHANGED,
                                     x->in->len_bytes - had));
    }
    return x->b.has_sst ? kl_sst_rest(&x->b.sst, x->e) : KL_OK;
}

enum kl_rc kl_extract_xls(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_xls *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return KL_E_NOMEM;
    }
    x->e = e;
    x->in = in;
    x->biff = 8;
    x->set = KL_CHARSET_CP1252;
    x->buf = malloc(KL_XLS_WINDOW + 16);
    x->sheets = calloc(KL_XLS_SHEETS, sizeof *x->sheets);
    enum kl_rc rc = kl_biff_init(&x->b, e);
    if (rc == KL_OK) {
        rc = x->buf != NULL && x->sheets != NULL ? read_stream(x) : KL_E_NOMEM;
    }
    kl_biff_done(&x->b);
    free(x->sheets);
    free(x->buf);
    free(x);
    return rc;
}

enum kl_rc kl_xls_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i)
{
    struct kl_cfb_stream s;
    kl_cfb_done_set(cfb, i);
    kl_cfb_stream_open(cfb, i, &s);
    if (s.in.len_bytes == 0) {
        return KL_OK;
    }
    enum kl_rc rc = kl_emit_enter(e, kl_cfb_name(cfb, i), s.in.len_bytes);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, s.in.len_bytes);
    }
    KL_TRY(rc);
    kl_emit_set_size(e, s.in.len_bytes);
    rc = kl_extract_xls(e, &s.in);
    kl_emit_leave(e);
    return rc;
}
