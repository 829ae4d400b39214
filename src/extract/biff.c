#include "extract/biff.h"

#include <math.h>
#include <stdlib.h>

#include "base/fold.h"
#include "extract/xlsx.h"

#define PIECE_BYTES 4096u /* raw bytes decoded in one go; even */
#define LEAST_RUN 4u      /* characters of a run in a record that is not taken apart */
#define CUT_BYTES 64u     /* of a shared string when the budget is used up */

enum kl_rc kl_biff_init(struct kl_biff *b, struct kl_emit *e)
{
    *b = (struct kl_biff){.e = e};
    KL_TRY(kl_flow_init(&b->flow, e));
    b->is_date = calloc(1, KL_BIFF_MAX_XF);
    b->date_format = calloc(1, KL_BIFF_MAX_XF);
    return b->is_date != NULL && b->date_format != NULL ? KL_OK : KL_E_NOMEM;
}

void kl_biff_done(struct kl_biff *b)
{
    kl_flow_done(&b->flow);
    if (b->has_sst) {
        kl_sst_done(&b->sst);
    }
    free(b->is_date);
    free(b->date_format);
}

/* ---- text ---- */

static uint32_t unit_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

/* dst: room for 3 * raw.len / 2 + 4. */
static size_t put_wide(struct kl_span raw, uint8_t *dst)
{
    size_t w = 0;
    for (size_t at = 0; raw.len - at >= 2; at += 2) {
        uint32_t cp = unit_at(raw.ptr + at);
        if (cp < 0x80) {
            dst[w++] = cp < 0x20 ? ' ' : (uint8_t)cp;
            continue;
        }
        if (cp >= 0xD800 && cp < 0xE000) {
            uint32_t low = cp < 0xDC00 && raw.len - at >= 4 ? unit_at(raw.ptr + at + 2) : 0;
            bool pair = low >= 0xDC00 && low < 0xE000;
            cp = pair ? 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            at += pair ? 2 : 0;
        }
        uint8_t four[4];
        size_t n = kl_utf8_put(cp, four);
        memcpy(dst + w, four, n);
        w += n;
    }
    return w;
}

/* dst: room for 2 * raw.len. */
static size_t put_narrow(struct kl_span raw, uint8_t *dst)
{
    size_t w = 0;
    for (size_t at = 0; at < raw.len; at++) {
        uint8_t c = raw.ptr[at];
        if (c < 0x80) {
            dst[w++] = c < 0x20 ? ' ' : c;
        } else {
            dst[w++] = (uint8_t)(0xC0 | c >> 6);
            dst[w++] = (uint8_t)(0x80 | (c & 0x3F));
        }
    }
    return w;
}

/* Decode a first piece of *raw and take it off. dst: room for 2 * PIECE_BYTES. */
static size_t put_piece(struct kl_span *raw, bool is_wide, uint8_t *dst)
{
    size_t n = raw->len < PIECE_BYTES ? raw->len : PIECE_BYTES;
    if (is_wide && n < raw->len && (raw->ptr[n - 1] & 0xFC) == 0xD8) {
        n -= 2; /* a pair stays together */
    }
    struct kl_span piece = kl_span_part(*raw, 0, n);
    *raw = kl_span_part(*raw, n, raw->len);
    return is_wide ? put_wide(piece, dst) : put_narrow(piece, dst);
}

enum kl_rc kl_biff_text(struct kl_biff *b, struct kl_span raw, bool is_wide)
{
    uint8_t out[PIECE_BYTES * 2];
    while (raw.len > 0) {
        size_t n = put_piece(&raw, is_wide, out);
        KL_TRY(kl_grid_add(&b->flow.rows, kl_span_make(out, n)));
    }
    return KL_OK;
}

enum kl_rc kl_biff_note(struct kl_biff *b, struct kl_span raw, bool is_wide)
{
    uint8_t out[PIECE_BYTES * 2 + KL_XML_PAD];
    KL_TRY(kl_flow_note_end(&b->flow));
    while (raw.len > 0) {
        size_t n = put_piece(&raw, is_wide, out);
        memset(out + n, 0, KL_XML_PAD);
        KL_TRY(kl_flow_note_part(&b->flow, kl_span_make(out, n), KL_XML_RAW));
    }
    return kl_flow_note_end(&b->flow);
}

static bool is_letter(uint32_t c)
{
    return (c >= 0x20 && c < 0x7F) || (c >= 0xC0 && c < 0x180) || (c >= 0x370 && c < 0x530);
}

static size_t wide_run(struct kl_span s, size_t at)
{
    size_t end = at;
    while (s.len - end >= 2 && is_letter(unit_at(s.ptr + end))) {
        end += 2;
    }
    return end - at;
}

static size_t narrow_run(struct kl_span s, size_t at)
{
    size_t end = at;
    while (end < s.len && s.ptr[end] >= 0x20 && s.ptr[end] < 0x7F) {
        end++;
    }
    return end - at;
}

enum kl_rc kl_biff_unknown(struct kl_biff *b, struct kl_span payload)
{
    for (size_t at = 0; at < payload.len;) {
        size_t n = wide_run(payload, at);
        if (n >= (size_t)LEAST_RUN * 2) {
            KL_TRY(kl_biff_note(b, kl_span_part(payload, at, at + n), true));
            at += n;
            continue;
        }
        n = narrow_run(payload, at);
        if (n >= LEAST_RUN) {
            KL_TRY(kl_biff_note(b, kl_span_part(payload, at, at + n), false));
        }
        at += n > 1 ? n - 1 : 1; /* its last byte may begin a wide run */
    }
    return KL_OK;
}

/* ---- cells ---- */

enum kl_rc kl_biff_cell(struct kl_biff *b, uint32_t row, uint32_t col)
{
    if (!b->in_row || row != b->row) {
        KL_TRY(kl_grid_end(&b->flow.rows));
        b->row = row;
        b->in_row = true;
    }
    kl_grid_cell(&b->flow.rows, col);
    return KL_OK;
}

static enum kl_rc put_integer(struct kl_biff *b, int64_t v)
{
    uint8_t out[24];
    size_t at = sizeof out;
    uint64_t n = v < 0 ? (uint64_t)-v : (uint64_t)v;
    do {
        out[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    if (v < 0) {
        out[--at] = '-';
    }
    return kl_grid_add(&b->flow.rows, kl_span_make(out + at, sizeof out - at));
}

enum kl_rc kl_biff_number(struct kl_biff *b, uint32_t xf, double v)
{
    uint8_t out[KL_XLSX_NUMBER_BYTES];
    size_t n = 0;
    if (!isfinite(v)) {
        return KL_OK;
    }
    if (xf < KL_BIFF_MAX_XF && b->is_date[xf] != 0) {
        n = kl_xlsx_date_of(v, b->is_1904, out);
    }
    if (n == 0 && v >= -1e15 && v <= 1e15 && v >= floor(v) && v <= floor(v)) {
        return put_integer(b, (int64_t)v);
    }
    n = n > 0 ? n : kl_xlsx_number_of(v, out);
    return kl_grid_add(&b->flow.rows, kl_span_make(out, n));
}

enum kl_rc kl_biff_rk(struct kl_biff *b, uint32_t xf, uint32_t rk)
{
    double v;
    if ((rk & 2) != 0) {
        int32_t n = (int32_t)(rk & ~3u) / 4; /* the sign stays */
        v = n;
    } else {
        uint64_t bits = (uint64_t)(rk & ~3u) << 32;
        memcpy(&v, &bits, sizeof v);
    }
    return kl_biff_number(b, xf, (rk & 1) != 0 ? v / 100 : v);
}

enum kl_rc kl_biff_shared(struct kl_biff *b, uint32_t i)
{
    if (!b->has_sst || i >= b->sst.n) {
        /* Strings past a full table went out as text. */
        return b->sst_is_full ? KL_OK : kl_emit_anomaly(b->e, "xls.index");
    }
    struct kl_span text = kl_sst_get(&b->sst, i);
    if (text.len > CUT_BYTES) {
        enum kl_rc rc = kl_grid_again(&b->flow.rows, text.len);
        if (rc == KL_E_LIMIT) {
            /* Not marked as used: it is written whole once at the end. */
            text = kl_span_part(text, 0, CUT_BYTES);
            while (text.len > 0 && (text.ptr[text.len] & 0xC0) == 0x80) {
                text.len--;
            }
            return kl_grid_add(&b->flow.rows, text);
        }
        KL_TRY(rc);
    }
    kl_sst_use(&b->sst, i);
    return kl_grid_add(&b->flow.rows, text);
}

enum kl_rc kl_biff_bool(struct kl_biff *b, bool is_error, uint8_t v)
{
    static const struct {
        uint8_t code;
        const char *name;
    } errors[] = {{0x00, "#NULL!"}, {0x07, "#DIV/0!"}, {0x0F, "#VALUE!"}, {0x17, "#REF!"},
                  {0x1D, "#NAME?"}, {0x24, "#NUM!"},   {0x2A, "#N/A"}};
    const char *text = v != 0 ? "TRUE" : "FALSE";
    for (size_t i = 0; i < sizeof errors / sizeof errors[0] && is_error; i++) {
        if (errors[i].code == v) {
            text = errors[i].name;
        }
    }
    return kl_grid_add(&b->flow.rows, kl_span_str(text));
}

/* ---- formats ---- */

void kl_biff_format_set(struct kl_biff *b, uint32_t id, struct kl_span code)
{
    if (id < KL_BIFF_MAX_XF) {
        b->date_format[id] = kl_xlsx_format_is_date(code) ? 1 : 2;
    }
}

static bool is_builtin_date(uint32_t id)
{
    return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
           (id >= 50 && id <= 58);
}

void kl_biff_xf_add(struct kl_biff *b, uint32_t format)
{
    if (b->n_xf >= KL_BIFF_MAX_XF || format >= KL_BIFF_MAX_XF) {
        return;
    }
    uint8_t custom = b->date_format[format];
    b->is_date[b->n_xf++] = custom == 1 || (custom == 0 && is_builtin_date(format));
}

/* ---- shared strings ---- */

/* The table takes no more: strings go out as text. */
static enum kl_rc overflow(struct kl_biff *b)
{
    struct kl_sst *s = &b->sst;
    uint32_t from = kl_sst_off(s, s->n);
    struct kl_span begun = kl_span_part(kl_buf_span(&s->arena), from, s->arena.len);
    b->sst_is_full = true;
    KL_TRY(kl_emit_anomaly(b->e, "limit.sst"));
    return kl_flow_add(&b->flow, begun);
}

enum kl_rc kl_biff_sst_text(struct kl_biff *b, struct kl_span raw, bool is_wide)
{
    uint8_t out[PIECE_BYTES * 2];
    while (raw.len > 0) {
        size_t n = put_piece(&raw, is_wide, out);
        if (!b->sst_is_full) {
            enum kl_rc rc = kl_buf_add(&b->sst.arena, out, n);
            if (rc != KL_E_LIMIT) {
                KL_TRY(rc);
                continue;
            }
            KL_TRY(overflow(b));
        }
        KL_TRY(kl_flow_add(&b->flow, kl_span_make(out, n)));
    }
    return KL_OK;
}

enum kl_rc kl_biff_sst_end(struct kl_biff *b)
{
    if (!b->sst_is_full) {
        enum kl_rc rc = kl_sst_push(&b->sst);
        if (rc != KL_E_LIMIT) {
            return rc;
        }
        KL_TRY(overflow(b));
    }
    return kl_flow_line(&b->flow);
}

enum kl_rc kl_biff_finish(struct kl_biff *b)
{
    b->in_row = false;
    return kl_flow_finish(&b->flow);
}
