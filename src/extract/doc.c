/*
 * The text of a Word 97-2003 document by its piece table; cells by tab, rows by line.
 * What else its streams hold (formatting, deleted text) is seen when they are read as members.
 * Source: [MS-DOC] 2.4.1, 2.5, 2.8.35, 2.9.38.
 */
#include "extract/extract.h"
#include "extract/member.h"
#include "extract/ole2.h"
#include "extract/pull.h"

#include "base/fold.h"
#include "extract/codepage.h"

#define FIB_BYTES 0x1AAu
#define PIECE_BYTES 4096u
#define MAX_PIECES 1000000u
#define ENCRYPTED 0x0100u
#define TABLE_1 0x0200u
#define COMPRESSED 0x40000000u

struct doc {
    struct kl_cfb_stream main;
    struct kl_cfb_stream table;
    uint64_t plc_at; /* of the piece table, in the table stream */
    uint32_t n_pieces;
    uint32_t piece;
    uint32_t at;     /* characters of this piece that are done */
    uint64_t budget; /* bytes: the pieces are no longer than what they lie in */
    struct kl_pull pull;
    struct kl_codepage set;
    /* Where the cells of a row end: the mark of the row looks like one of an empty cell. */
    unsigned cells;   /* in this row so far */
    unsigned columns; /* of the table, by its first row; 0: none */
    bool is_empty;    /* nothing since the last mark */
    size_t len;
    uint8_t out[3 * PIECE_BYTES + 64];
};

static void doc_begin(void *ctx)
{
    struct doc *d = ctx;
    d->piece = d->at = 0;
    d->budget = d->main.in.len_bytes;
    d->cells = d->columns = 0;
    d->is_empty = true;
    d->len = 0;
}

static uint32_t table_le32(struct doc *d, uint64_t at)
{
    uint8_t b[4] = {0};
    size_t n = 0;
    kl_ignore(kl_input_read(&d->table.in, at, b, sizeof(b), &n), "zeros stand for what is lost");
    struct kl_rd r = kl_rd_init(kl_span_make(b, sizeof(b)));
    return kl_rd_le32(&r);
}

/* The mark of a cell: a tab, or the end of the row when it is the mark behind the last cell. */
static uint8_t cell_mark(struct doc *d)
{
    bool row = d->is_empty && d->cells > 0 && (d->columns == 0 || d->cells == d->columns);

    if (d->is_empty && d->cells > 0 && d->columns != 0 && d->cells > d->columns) {
        row = true; /* a wider row: its end is guessed as that of the first was */
    }
    if (row) {
        d->columns = d->cells;
        d->cells = 0;
    } else {
        d->cells++;
    }
    d->is_empty = true;
    return row ? '\n' : '\t';
}

static void put(struct doc *d, uint32_t c)
{
    switch (c) {
    case 0x07:
        d->out[d->len++] = cell_mark(d);
        return;
    case 0x0D:
        /* In a cell of a table that goes on it is a blank: the row is one line. */
        if (d->cells == 0) {
            d->columns = 0;
        }
        d->out[d->len++] = d->cells == 0 ? '\n' : ' ';
        return;
    case 0x0B:
    case 0x0C:
    case 0x0E:
        d->out[d->len++] = '\n';
        return;
    case 0x1E:
        d->out[d->len++] = '-';
        break;
    case 0x00:
    case 0x1F:
        return;
    case 0x01:
    case 0x02:
    case 0x05:
    case 0x08:
    case 0x13:
    case 0x14:
    case 0x15:
        d->out[d->len++] = ' ';
        return;
    default:
        d->len += kl_utf8_put(c, d->out + d->len);
        break;
    }
    d->is_empty = false;
}

static void put_bytes(struct doc *d, struct kl_span raw)
{
    struct kl_decoder decoder = kl_decoder_init(d->set);
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t text[16];
        size_t at = 0;
        size_t n = kl_decoder_add(&decoder, kl_span_part(raw, i, i + 1), text);
        put(d, n > 0 ? kl_utf8_next(kl_span_make(text, n), &at) : 0);
    }
}

static void put_wide(struct doc *d, struct kl_span raw)
{
    for (size_t i = 0; i + 1 < raw.len; i += 2) {
        uint32_t c = raw.ptr[i] | (uint32_t)raw.ptr[i + 1] << 8;
        uint32_t low = i + 3 < raw.len ? raw.ptr[i + 2] | (uint32_t)raw.ptr[i + 3] << 8 : 0;
        if (c >= 0xD800 && c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
            i += 2;
        } else if (c >= 0xD800 && c < 0xE000) {
            c = 0xFFFD;
        }
        put(d, c);
    }
}

/* Up to PIECE_BYTES of the piece that is due; false at the end. */
static bool doc_more(void *ctx)
{
    struct doc *d = ctx;
    uint8_t raw[PIECE_BYTES];
    size_t n = 0;

    d->len = 0;
    while (d->piece < d->n_pieces && d->pull.lost == KL_REASON_NONE) {
        uint64_t cps = d->plc_at + 4ull * d->piece;
        uint32_t from = table_le32(d, cps);
        uint32_t to = table_le32(d, cps + 4);
        uint32_t fc = table_le32(d, d->plc_at + 4ull * (d->n_pieces + 1) + 8ull * d->piece + 2);
        bool narrow = (fc & COMPRESSED) != 0;
        if (to <= from || d->at >= to - from) {
            d->piece++;
            d->at = 0;
            continue;
        }
        uint64_t at = narrow ? ((fc & (COMPRESSED - 1)) >> 1) + (uint64_t)d->at
                             : (fc & (COMPRESSED - 1)) + 2ull * d->at;
        uint64_t want = narrow ? to - from - d->at : 2ull * (to - from - d->at);
        want = want < sizeof(raw) ? want : sizeof(raw);
        want = want < d->budget ? want : d->budget;
        if (kl_input_read(&d->main.in, at, raw, (size_t)want, &n) != KL_OK) {
            d->pull.lost = KL_REASON_IO;
            return false;
        }
        n -= narrow ? 0 : n % 2;
        if (n == 0) { /* the piece points past the end, or where another did */
            d->pull.lost = KL_REASON_FORMAT;
            return false;
        }
        d->budget -= n;
        d->at += (uint32_t)(narrow ? n : n / 2);
        if (narrow) {
            put_bytes(d, kl_span_make(raw, n));
        } else {
            put_wide(d, kl_span_make(raw, n));
        }
        d->pull.out = kl_span_make(d->out, d->len);
        return true;
    }
    return false;
}

/* The piece table behind the property runs of the Clx; false: there is none. */
static bool find_pieces(struct doc *d, uint32_t at, uint32_t len)
{
    uint64_t end = (uint64_t)at + len;
    uint64_t pos = at;
    uint8_t head[5];
    size_t n = 0;

    end = end < d->table.in.len_bytes ? end : d->table.in.len_bytes;
    for (unsigned k = 0; k < 65536 && pos < end; k++) {
        if (kl_input_read(&d->table.in, pos, head, sizeof(head), &n) != KL_OK || n < 3) {
            return false;
        }
        if (head[0] == 1) {
            pos += 3u + (head[1] | (unsigned)head[2] << 8);
            continue;
        }
        if (head[0] != 2 || n < sizeof(head)) {
            return false;
        }
        struct kl_rd r = kl_rd_init(kl_span_make(head + 1, 4));
        uint64_t size = kl_rd_le32(&r);
        size = size < end - pos - 5 ? size : end - pos - 5;
        d->plc_at = pos + 5;
        d->n_pieces = size < 16 ? 0 : (uint32_t)((size - 4) / 12);
        d->n_pieces = d->n_pieces < MAX_PIECES ? d->n_pieces : MAX_PIECES;
        return d->n_pieces > 0;
    }
    return false;
}

static enum kl_rc extract_text(struct kl_emit *e, struct doc *d)
{
    d->pull = (struct kl_pull){.ctx = d,
                               .begin = doc_begin,
                               .more = doc_more,
                               .bad_code = "doc.pieces",
                               .claim_bytes = KL_MEMBER_UNKNOWN};
    /* 0 bytes stand for it: the stream is still to be read as such. */
    return kl_pull_extract_at(e, &d->pull, KL_SPAN_LIT("text"), 0);
}

enum kl_rc kl_doc_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t stream)
{
    uint8_t fib[FIB_BYTES];
    struct doc d = {.set = kl_codepage_by_number(1252)};
    size_t n = 0;

    kl_cfb_stream_open(cfb, stream, &d.main);
    if (kl_input_read(&d.main.in, 0, fib, sizeof(fib), &n) != KL_OK || n < sizeof(fib) ||
        fib[0] != 0xEC || fib[1] != 0xA5) {
        return kl_emit_anomaly(e, "doc.head");
    }
    unsigned flags = fib[10] | (unsigned)fib[11] << 8;
    if ((flags & ENCRYPTED) != 0) {
        kl_cfb_done_set(cfb, stream);
        return kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, d.main.in.len_bytes);
    }
    uint32_t parent = kl_cfb_entry_get(cfb, stream)->parent;
    parent = parent == KL_CFB_NONE ? 0 : parent;
    uint32_t table = kl_cfb_find(cfb, parent, (flags & TABLE_1) != 0 ? "1Table" : "0Table");
    if (table == KL_CFB_NONE) {
        return kl_emit_anomaly(e, "doc.head");
    }
    kl_cfb_stream_open(cfb, table, &d.table);
    struct kl_rd r = kl_rd_init(kl_span_make(fib + 0x1A2, 8));
    uint32_t at = kl_rd_le32(&r);
    if (!find_pieces(&d, at, kl_rd_le32(&r))) {
        return kl_emit_anomaly(e, "doc.pieces");
    }
    return extract_text(e, &d);
}
