/* Workbooks of records: xlsb (BIFF12 in a zip), xls (BIFF8 in a compound file). */
#include "register/synth_leak_office.h"

#define RECORD_BYTES 8224u /* of a BIFF8 payload at most */
#define SECTOR 512u
#define STREAM_LEAST 4096u /* a shorter stream would be a short one */
#define END_OF_CHAIN 0xFFFFFFFEu
#define FAT_SECTOR 0xFFFFFFFDu
#define FREE_SECTOR 0xFFFFFFFFu

/* A cell that is all digits without a leading zero is a number. */
static bool number_of(struct kl_span text, uint32_t *out)
{
    uint32_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        v = v * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    *out = v;
    return text.len > 0 && text.len < 9 && text.ptr[0] != '0';
}

static uint32_t rk_of(uint32_t v)
{
    return v << 2 | 2;
}

/* ---- BIFF12 ---- */

static void head12(struct kl_synth_text *t, uint32_t type, size_t len)
{
    if (type < 128) {
        kl_synth_le(t, type, 1);
    } else {
        kl_synth_le(t, (type & 127) | 128 | (type >> 7) << 8, 2);
    }
    for (; len > 127; len >>= 7) {
        kl_synth_le(t, (len & 127) | 128, 1);
    }
    kl_synth_le(t, len, 1);
}

static size_t wide_units(struct kl_span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += (text.ptr[i] & 0xC0) != 0x80;
        n += text.ptr[i] >= 0xF0;
    }
    return n;
}

static void wide_string(struct kl_synth_text *t, struct kl_span text)
{
    kl_synth_le(t, wide_units(text), 4);
    (void)kl_synth_wide(t, text);
}

static void cell12(struct kl_synth_text *sheet, struct kl_synth_text *sst, uint32_t col,
                   struct kl_span text, uint32_t *n_strings)
{
    uint32_t v = 0;
    bool is_number = number_of(text, &v);
    head12(sheet, is_number ? 2 : 7, 12);
    kl_synth_le(sheet, col, 4);
    kl_synth_le(sheet, 0, 4);
    if (is_number) {
        kl_synth_le(sheet, rk_of(v), 4);
        return;
    }
    kl_synth_le(sheet, (*n_strings)++, 4);
    head12(sst, 19, 5 + 2 * wide_units(text));
    kl_synth_le(sst, 0, 1);
    wide_string(sst, text);
}

static void rows12(struct kl_synth_table *t, struct kl_synth_text *sheet, struct kl_synth_text *sst)
{
    uint32_t n_strings = 0;
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        head12(sheet, 0, 17);
        kl_synth_le(sheet, k, 4);
        kl_synth_le(sheet, 0, 8);
        kl_synth_le(sheet, 0, 5);
        for (size_t i = 0; i < t->n; i++) {
            cell12(sheet, sst, (uint32_t)i, kl_synth_table_cell(t, i), &n_strings);
        }
    }
}

void kl_synth_xlsb_write(struct kl_synth_table *t, struct kl_synth_zip *z,
                         struct kl_synth_text *out)
{
    struct kl_synth_text sst;
    kl_synth_text_init(&sst);
    kl_synth_zip_add_str(
        z, "[Content_Types].xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types "
        "xmlns=\"http://schemas.openxmlformats.org/"
        "package/2006/content-types\"><Default Extension=\"bin\" ContentType=\"application/vnd.ms-"
        "excel.sheet.binary.macroEnabled.main\"/></Types>");
    head12(out, 131, 0); /* the workbook: one sheet */
    head12(out, 156, 8 + 4 + 8 + 4 + 8);
    kl_synth_le(out, 0, 4);
    kl_synth_le(out, 1, 4);
    wide_string(out, KL_SPAN_LIT("rId1"));
    wide_string(out, KL_SPAN_LIT("Paga"));
    head12(out, 132, 0);
    kl_synth_zip_add(z, "xl/workbook.bin", kl_buf_span(&out->buf));
    kl_synth_zip_add_str(
        z, "xl/_rels/workbook.bin.rels",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships xmlns=\"http://schemas."
        "openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://"
        "schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" "
        "Target=\"worksheets/sheet1.bin\"/></Relationships>");
    out->buf.len = 0;
    head12(out, 129, 0);
    head12(&sst, 159, 8);
    kl_synth_le(&sst, 0, 8);
    rows12(t, out, &sst);
    head12(out, 130, 0);
    head12(&sst, 160, 0);
    kl_synth_zip_add(z, "xl/worksheets/sheet1.bin", kl_buf_span(&out->buf));
    kl_synth_zip_add(z, "xl/sharedStrings.bin", kl_buf_span(&sst.buf));
    out->rc = out->rc == KL_OK ? sst.rc : out->rc;
    kl_buf_done(&sst.buf);
}

/* ---- BIFF8 ---- */

static void head8(struct kl_synth_text *t, uint32_t type, size_t len)
{
    kl_synth_le(t, type, 2);
    kl_synth_le(t, len, 2);
}

static void bof8(struct kl_synth_text *t, uint32_t type)
{
    head8(t, 0x809, 16);
    kl_synth_le(t, 0x600, 2);
    kl_synth_le(t, type, 2);
    kl_synth_le(t, 0, 8);
    kl_synth_le(t, 0, 4);
}

/* The shared strings as they are written: split over CONTINUEs where a record is full. */
struct sst8 {
    struct kl_synth_text out;
    size_t head_at; /* of the record that is being filled */
    uint32_t n;
};

static void sst8_close(struct sst8 *s)
{
    size_t len = s->out.buf.len - s->head_at - 4;
    if (s->out.rc == KL_OK) {
        s->out.buf.ptr[s->head_at + 2] = (uint8_t)len;
        s->out.buf.ptr[s->head_at + 3] = (uint8_t)(len >> 8);
    }
}

static void sst8_room(struct sst8 *s, size_t n, bool in_text)
{
    if (s->out.buf.len - s->head_at - 4 + n <= RECORD_BYTES) {
        return;
    }
    sst8_close(s);
    s->head_at = s->out.buf.len;
    head8(&s->out, 0x3C, 0);
    if (in_text) {
        kl_synth_le(&s->out, 1, 1);
    }
}

static void sst8_add(struct sst8 *s, struct kl_span text)
{
    sst8_room(s, 3, false);
    kl_synth_le(&s->out, wide_units(text), 2);
    kl_synth_le(&s->out, 1, 1);
    for (size_t at = 0; at < text.len;) {
        size_t end = at + 1;
        while (end < text.len && (text.ptr[end] & 0xC0) == 0x80) {
            end++;
        }
        sst8_room(s, 2, true);
        (void)kl_synth_wide(&s->out, kl_span_part(text, at, end));
        at = end;
    }
    s->n++;
}

static void row8(struct kl_synth_table *t, struct kl_synth_text *sheet, struct sst8 *sst,
                 uint32_t row)
{
    for (size_t i = 0; i < t->n; i++) {
        struct kl_span text = kl_synth_table_cell(t, i);
        uint32_t v = 0;
        bool is_number = number_of(text, &v);
        head8(sheet, is_number ? 0x27E : 0xFD, 10);
        kl_synth_le(sheet, row, 2);
        kl_synth_le(sheet, i, 2);
        kl_synth_le(sheet, 0, 2);
        kl_synth_le(sheet, is_number ? rk_of(v) : sst->n, 4);
        if (!is_number) {
            sst8_add(sst, text);
        }
    }
}

/* Globals and one sheet into `out`. */
static void stream8(struct kl_synth_table *t, struct kl_synth_text *out)
{
    struct sst8 sst = {.n = 0};
    struct kl_synth_text sheet;
    kl_synth_text_init(&sst.out);
    kl_synth_text_init(&sheet);
    head8(&sst.out, 0xFC, 0);
    kl_synth_le(&sst.out, 0, 8);
    bof8(&sheet, 0x10);
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        row8(t, &sheet, &sst, k);
    }
    head8(&sheet, 0x0A, 0);
    sst8_close(&sst);
    for (unsigned i = 0; i < 8 && sst.out.rc == KL_OK; i++) {
        sst.out.buf.ptr[4 + i] = (uint8_t)(sst.n >> (8 * (i % 4)));
    }
    bof8(out, 0x05);
    head8(out, 0x85, 12);
    kl_synth_le(out, out->buf.len + 12 + sst.out.buf.len + 4, 4);
    kl_synth_le(out, 0, 2);
    kl_synth_le(out, 4, 2);
    kl_synth_text_str(out, "Paga");
    kl_synth_text_span(out, kl_buf_span(&sst.out.buf));
    head8(out, 0x0A, 0);
    kl_synth_text_span(out, kl_buf_span(&sheet.buf));
    out->rc = out->rc == KL_OK ? sst.out.rc : out->rc;
    out->rc = out->rc == KL_OK ? sheet.rc : out->rc;
    kl_buf_done(&sst.out.buf);
    kl_buf_done(&sheet.buf);
}

/* ---- the compound file ---- */

static void pad_to(struct kl_synth_text *t, size_t unit, uint8_t with)
{
    while (t->rc == KL_OK && t->buf.len % unit != 0) {
        kl_synth_le(t, with, 1);
    }
}

static void entry(struct kl_synth_text *t, const char *name, uint32_t type, uint32_t child,
                  uint64_t start_len)
{
    size_t at = t->buf.len;
    (void)kl_synth_wide(t, kl_span_str(name));
    size_t len = t->buf.len - at;
    for (size_t i = len; i < 64; i++) {
        kl_synth_le(t, 0, 1);
    }
    kl_synth_le(t, type != 0 ? len + 2 : 0, 2);
    kl_synth_le(t, type | 1u << 8, 2); /* black */
    kl_synth_le(t, FREE_SECTOR, 4);
    kl_synth_le(t, FREE_SECTOR, 4);
    kl_synth_le(t, child, 4);
    for (unsigned i = 0; i < 36; i++) {
        kl_synth_le(t, 0, 1);
    }
    kl_synth_le(t, start_len, 8);
    kl_synth_le(t, 0, 4);
}

/* Header, FAT, directory, stream, in this order. */
void kl_synth_xls_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    struct kl_synth_text stream;
    (void)z;
    kl_synth_text_init(&stream);
    stream8(t, &stream);
    while (stream.rc == KL_OK && stream.buf.len < STREAM_LEAST) {
        kl_synth_le(&stream, 0, 1);
    }
    size_t len = stream.buf.len;
    pad_to(&stream, SECTOR, 0);
    size_t n_data = stream.buf.len / SECTOR;
    size_t n_fat = (n_data + 1) / (SECTOR / 4 - 1) + 1;
    size_t first = n_fat + 1; /* sector of the stream */
    kl_synth_text_add(out, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    kl_synth_le(out, 0, 8);
    kl_synth_le(out, 0, 8);
    kl_synth_le(out, 0x3E | 3u << 16, 4);
    kl_synth_le(out, 0xFFFE | 9u << 16, 4);
    kl_synth_le(out, 6, 8); /* and 6 reserved bytes in it */
    kl_synth_le(out, 0, 4);
    kl_synth_le(out, n_fat, 4);
    kl_synth_le(out, n_fat, 4); /* the directory */
    kl_synth_le(out, 0, 4);
    kl_synth_le(out, STREAM_LEAST, 4);
    kl_synth_le(out, END_OF_CHAIN, 4);
    kl_synth_le(out, 0, 4);
    kl_synth_le(out, END_OF_CHAIN, 4);
    kl_synth_le(out, 0, 4);
    for (size_t i = 0; i < 109; i++) {
        kl_synth_le(out, i < n_fat ? i : FREE_SECTOR, 4);
    }
    for (size_t i = 0; i < n_fat * (SECTOR / 4); i++) {
        bool in_chain = i >= first && i + 1 < first + n_data;
        kl_synth_le(out,
                    i < n_fat                               ? FAT_SECTOR
                    : in_chain                              ? i + 1
                    : i + 1 == first + n_data || i == n_fat ? END_OF_CHAIN
                                                            : FREE_SECTOR,
                    4);
    }
    entry(out, "Root Entry", 5, 1, END_OF_CHAIN);
    entry(out, "Workbook", 2, FREE_SECTOR, first | (uint64_t)len << 32);
    entry(out, "", 0, FREE_SECTOR, 0);
    entry(out, "", 0, FREE_SECTOR, 0);
    kl_synth_text_span(out, kl_buf_span(&stream.buf));
    out->rc = out->rc == KL_OK ? stream.rc : out->rc;
    kl_buf_done(&stream.buf);
}
