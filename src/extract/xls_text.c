#include "extract/xls_int.h"
#include "extract/xml.h"

#define FLAG_WIDE 1u
#define FLAG_EXT 4u
#define FLAG_RICH 8u
#define PIECE_BYTES 4096u

/* ---- strings in one record ---- */

struct kl_span kl_xls_string(const struct kl_xls *x, struct kl_rd *r, bool is_short, bool *out_wide)
{
    size_t n = is_short ? kl_rd_u8(r) : kl_rd_le16(r);
    *out_wide = false;
    if (x->biff == 8) {
        uint8_t flags = kl_rd_u8(r);
        *out_wide = (flags & FLAG_WIDE) != 0;
        if ((flags & FLAG_RICH) != 0) {
            kl_rd_skip(r, 2);
        }
        if ((flags & FLAG_EXT) != 0) {
            kl_rd_skip(r, 4);
        }
    }
    n *= 1 + (size_t)*out_wide;
    if (n > kl_rd_left(r)) {
        n = kl_rd_left(r) & ~(size_t)*out_wide; /* cut short: what is there counts */
    }
    return kl_rd_take(r, n);
}

size_t kl_xls_narrow(const struct kl_xls *x, struct kl_span raw, uint8_t *out)
{
    struct kl_charset_seen seen = {false, false, false};
    size_t used = 0;
    enum kl_charset set = x->biff == 8 ? KL_CHARSET_LATIN1 : x->set;
    struct kl_decoder d = kl_decoder_init(x->page);
    bool is_paged = x->biff < 8 && x->page.kind == KL_CODEPAGE_SINGLE && !x->page.is_latin;
    size_t n = is_paged ? kl_decoder_add(&d, raw, out)
                        : kl_charset_single(raw, set, true, out, &used, &seen);
    for (size_t i = 0; i < n; i++) {
        out[i] = out[i] < 0x20 ? ' ' : out[i];
    }
    return n;
}

enum kl_rc kl_xls_text(struct kl_xls *x, struct kl_span raw, bool is_wide)
{
    uint8_t out[PIECE_BYTES * 3 + 8];
    if (is_wide || x->biff == 8) {
        return kl_biff_text(&x->b, raw, is_wide);
    }
    while (raw.len > 0) {
        struct kl_span piece = kl_span_part(raw, 0, PIECE_BYTES);
        KL_TRY(kl_grid_add(&x->b.flow.rows, kl_span_make(out, kl_xls_narrow(x, piece, out))));
        raw = kl_span_part(raw, piece.len, raw.len);
    }
    return KL_OK;
}

enum kl_rc kl_xls_note(struct kl_xls *x, struct kl_span raw, bool is_wide)
{
    uint8_t out[PIECE_BYTES * 3 + 8 + KL_XML_PAD];
    if (is_wide || x->biff == 8) {
        return kl_biff_note(&x->b, raw, is_wide);
    }
    while (raw.len > 0) {
        struct kl_span piece = kl_span_part(raw, 0, PIECE_BYTES);
        size_t n = kl_xls_narrow(x, piece, out);
        memset(out + n, 0, KL_XML_PAD);
        KL_TRY(kl_flow_note_part(&x->b.flow, kl_span_make(out, n), KL_XML_RAW));
        raw = kl_span_part(raw, piece.len, raw.len);
    }
    return kl_flow_note_end(&x->b.flow);
}

/* ---- strings over several records ---- */

/* The bytes of a record and of the CONTINUEs behind it. */
struct chain {
    struct kl_xls *x;
    size_t at; /* in x->p */
    bool is_end;
};

/* There is a byte to read; a CONTINUE is fetched for it. */
static enum kl_rc chain_have(struct chain *c, bool *out_have)
{
    while (c->at >= c->x->p.len && !c->is_end) {
        bool more = false;
        KL_TRY(kl_xls_more(c->x, &more));
        c->is_end = !more;
        c->at = more ? 0 : c->at;
    }
    *out_have = !c->is_end;
    return KL_OK;
}

/* A little-endian number; zeros behind the end. */
static enum kl_rc chain_number(struct chain *c, unsigned n, uint32_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < n; i++) {
        bool have = false;
        KL_TRY(chain_have(c, &have));
        if (have) {
            *out |= (uint32_t)c->x->p.ptr[c->at++] << (8 * i);
        }
    }
    return KL_OK;
}

static enum kl_rc chain_skip(struct chain *c, uint64_t n)
{
    bool have = true;
    while (n > 0) {
        KL_TRY(chain_have(c, &have));
        if (!have) {
            break;
        }
        size_t left = c->x->p.len - c->at;
        size_t step = n < left ? (size_t)n : left;
        c->at += step;
        n -= step;
    }
    return KL_OK;
}

/* n characters of a shared string; in each CONTINUE a byte of flags goes before them. */
static enum kl_rc chain_text(struct chain *c, uint32_t n, bool is_wide)
{
    while (n > 0) {
        struct kl_span left = kl_span_part(c->x->p, c->at, c->x->p.len);
        size_t width = 1 + (size_t)is_wide;
        size_t bytes = left.len / width < n ? left.len / width * width : n * width;
        KL_TRY(kl_biff_sst_text(&c->x->b, kl_span_part(left, 0, bytes), is_wide));
        c->at += bytes;
        n -= (uint32_t)(bytes / width);
        if (n == 0) {
            break;
        }
        c->at = c->x->p.len; /* half a character is none */
        bool have = false;
        KL_TRY(chain_have(c, &have));
        if (!have) {
            break;
        }
        is_wide = (c->x->p.ptr[c->at++] & FLAG_WIDE) != 0;
    }
    return KL_OK;
}

static enum kl_rc sst_string(struct chain *c)
{
    uint32_t n = 0;
    uint32_t flags = 0;
    uint32_t n_runs = 0;
    uint32_t n_ext = 0;
    KL_TRY(chain_number(c, 2, &n));
    KL_TRY(chain_number(c, 1, &flags));
    if ((flags & FLAG_RICH) != 0) {
        KL_TRY(chain_number(c, 2, &n_runs));
    }
    if ((flags & FLAG_EXT) != 0) {
        KL_TRY(chain_number(c, 4, &n_ext));
    }
    KL_TRY(chain_text(c, n, (flags & FLAG_WIDE) != 0));
    KL_TRY(kl_biff_sst_end(&c->x->b));
    return chain_skip(c, (uint64_t)n_runs * 4 + n_ext);
}

enum kl_rc kl_xls_sst(struct kl_xls *x)
{
    struct chain c = {.x = x};
    uint32_t n = 0;
    bool have = true;
    if (x->b.has_sst) {
        return kl_biff_unknown(&x->b, x->p); /* there is one only */
    }
    KL_TRY(kl_sst_init(&x->b.sst));
    x->b.has_sst = true;
    KL_TRY(chain_skip(&c, 4));
    KL_TRY(chain_number(&c, 4, &n));
    for (uint32_t i = 0; i < n; i++) {
        KL_TRY(chain_have(&c, &have));
        if (!have) {
            KL_TRY(kl_emit_anomaly(x->e, "xls.sst"));
            break;
        }
        KL_TRY(sst_string(&c));
    }
    KL_TRY(kl_sst_close(&x->b.sst));
    /* More than was counted: as text. */
    while (have && !c.is_end) {
        KL_TRY(kl_biff_unknown(&x->b, kl_span_part(x->p, c.at, x->p.len)));
        c.at = x->p.len;
        KL_TRY(chain_have(&c, &have));
    }
    return KL_OK;
}

enum kl_rc kl_xls_txo(struct kl_xls *x)
{
    struct kl_rd r = kl_rd_init(x->p);
    bool more = false;
    kl_rd_skip(&r, 10);
    uint32_t left = kl_rd_le16(&r);
    while (left > 0 && kl_rd_ok(&r)) {
        KL_TRY(kl_xls_more(x, &more));
        if (!more || x->p.len == 0) {
            break;
        }
        bool is_wide = (x->p.ptr[0] & FLAG_WIDE) != 0;
        size_t width = 1 + (size_t)is_wide;
        size_t n = (x->p.len - 1) / width;
        n = n < left ? n : left;
        KL_TRY(kl_xls_note(x, kl_span_part(x->p, 1, 1 + n * width), is_wide));
        left -= (uint32_t)n;
    }
    return KL_OK;
}
