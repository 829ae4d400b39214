/*
 * dBASE III to 7 and FoxPro tables. Source: the layouts of the dBASE and Visual FoxPro manuals.
 */
#include <stdlib.h>

#include "extract/dbrow.h"
#include "extract/extract.h"
#include "extract/leftover.h"

#define MAX_HEADER 65536u
#define MAX_FIELDS 2048u
#define CHUNK_BYTES 65536u
#define DAY_1970 2440588 /* Julian day */

struct field {
    uint32_t at; /* in the record */
    uint16_t len;
    char type;
    uint8_t decimals;
    struct kl_span name; /* in the header */
};

struct dbf {
    struct kl_emit *e;
    const struct kl_input *in;
    uint32_t header_bytes;
    uint32_t record_bytes;
    uint64_t n_records; /* that are there */
    bool is_dbase7;     /* binary values big-endian, with signs turned */
    bool is_foxpro;     /* binary values little-endian */
    unsigned n_fields;
    struct kl_leftover left;
    struct kl_dbrow row;
    struct field fields[MAX_FIELDS + 1];
    uint8_t header[MAX_HEADER];
    uint8_t chunk[CHUNK_BYTES * 2];
};

/* ---- the header ---- */

static enum kl_charset charset_of(uint8_t driver)
{
    switch (driver) {
    case 0x01:
    case 0x0B:
    case 0x0D:
    case 0x0F:
        return KL_CHARSET_CP437;
    case 0x02:
    case 0x0A:
    case 0x0E:
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x16:
    case 0x1A:
    case 0x1D:
    case 0x25:
    case 0x37:
        return KL_CHARSET_CP850;
    case 0x03:
    case 0x57:
    case 0x58:
    case 0x59:
        return KL_CHARSET_CP1252;
    case 0x1F:
    case 0x22:
    case 0x23:
    case 0x40:
    case 0x64:
    case 0x87:
        return KL_CHARSET_CP852;
    case 0xC8:
        return KL_CHARSET_CP1250;
    default:
        return KL_CHARSET_NONE;
    }
}

static void add_field(struct dbf *d, struct kl_span one, uint32_t *at)
{
    size_t name_bytes = d->is_dbase7 ? 32 : 11;
    struct kl_span name = kl_span_part(one, 0, name_bytes);
    const uint8_t *zero = memchr(name.ptr, 0, name.len);
    struct field *f = &d->fields[d->n_fields++];

    name.len = zero != NULL ? (size_t)(zero - name.ptr) : name.len;
    *f = (struct field){*at, one.ptr[d->is_dbase7 ? 33 : 16], (char)one.ptr[name_bytes],
                        one.ptr[d->is_dbase7 ? 34 : 17], name};
    if (f->type == 'C' && !d->is_dbase7) {
        /* Long text fields have the high byte of their length where others count decimals. */
        f->len = (uint16_t)(f->len + f->decimals * 256u);
    }
    uint32_t left = d->record_bytes - *at;
    f->len = f->len < left ? f->len : (uint16_t)left;
    *at += f->len;
}

/* False: no field fits. */
static bool read_fields(struct dbf *d)
{
    uint32_t step = d->is_dbase7 ? 48 : 32;
    uint32_t at = 1;
    uint32_t from = d->is_dbase7 ? 68 : 32;

    for (; from + step <= d->header_bytes && d->header[from] != 0x0D && d->n_fields < MAX_FIELDS;
         from += step) {
        add_field(d, kl_span_make(d->header + from, step), &at);
        /* A field without bytes would be a cell for nothing, thousands of times a record. */
        d->n_fields -= d->fields[d->n_fields - 1].len == 0;
    }
    if (d->n_fields > 0 && at < d->record_bytes) {
        /* Bytes of the record that no field claims. */
        d->fields[d->n_fields++] =
            (struct field){at, (uint16_t)(d->record_bytes - at), 'C', 0, {d->header, 0}};
    }
    return d->n_fields > 0;
}

/* *out_good false: not a table after all. */
static enum kl_rc read_header(struct dbf *d, bool *out_good)
{
    size_t n = 0;

    *out_good = false;
    KL_TRY(kl_input_read(d->in, 0, d->header, 32, &n));
    struct kl_rd r = kl_rd_init(kl_span_make(d->header, n));
    uint8_t version = kl_rd_u8(&r);
    kl_rd_skip(&r, 3);
    uint64_t claimed = kl_rd_le32(&r);
    d->header_bytes = kl_rd_le16(&r);
    d->record_bytes = kl_rd_le16(&r);
    d->is_dbase7 = (version & 7) == 4;
    d->is_foxpro = version == 0x30 || version == 0x31 || version == 0x32;
    if (n < 32 || d->header_bytes < 33 || d->record_bytes < 2) {
        return KL_OK;
    }
    KL_TRY(kl_input_read(d->in, 0, d->header, d->header_bytes, &n));
    if (n < d->header_bytes || n > d->in->len_bytes || !read_fields(d)) {
        return KL_OK;
    }
    *out_good = true;
    d->n_records = (d->in->len_bytes - d->header_bytes) / d->record_bytes;
    if (claimed > d->n_records) {
        KL_TRY(kl_emit_anomaly(d->e, "dbf.cut"));
    }
    d->n_records = claimed < d->n_records ? claimed : d->n_records;
    KL_TRY(kl_leftover_add_bytes(&d->left, 0, kl_span_make(d->header, d->header_bytes)));
    return kl_leftover_add(&d->left, d->header_bytes + d->n_records * d->record_bytes,
                           d->in->len_bytes);
}

/* ---- values ---- */

static uint64_t number_of(const struct dbf *d, const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        v |= (uint64_t)p[i] << 8 * (d->is_dbase7 ? n - 1 - i : i);
    }
    return v;
}

static void put_real(struct dbf *d, const uint8_t *p)
{
    uint64_t bits = number_of(d, p, 8);
    double v;
    if (d->is_dbase7) {
        bits = bits >> 63 != 0 ? bits ^ 1ull << 63 : ~bits;
    }
    memcpy(&v, &bits, sizeof v);
    kl_dbrow_real(&d->row, v);
}

static void put_int32(struct dbf *d, const uint8_t *p)
{
    uint32_t v = (uint32_t)number_of(d, p, 4) ^ (d->is_dbase7 ? 1u << 31 : 0);
    kl_dbrow_int(&d->row, (int32_t)v);
}

/* Julian day and milliseconds. */
static void put_time(struct dbf *d, const uint8_t *p)
{
    int32_t day = (int32_t)(uint32_t)number_of(d, p, 4);
    uint32_t ms = (uint32_t)number_of(d, p + 4, 4);
    if (day > 0 && ms < 86400000) {
        kl_dbrow_date(&d->row, (int64_t)day - DAY_1970, ms / 1000);
    }
}

static void put_date(struct dbf *d, struct kl_span v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.len != 8 || v.ptr[i] < '0' || v.ptr[i] > '9') {
            kl_dbrow_text(&d->row, kl_span_trim(v));
            return;
        }
    }
    kl_dbrow_text(&d->row, kl_span_part(v, 0, 4));
    kl_dbrow_text(&d->row, KL_SPAN_LIT("-"));
    kl_dbrow_text(&d->row, kl_span_part(v, 4, 6));
    kl_dbrow_text(&d->row, KL_SPAN_LIT("-"));
    kl_dbrow_text(&d->row, kl_span_part(v, 6, 8));
}

/* Text, without the blanks around it. */
static void put_trimmed(struct dbf *d, struct kl_span v)
{
    while (v.len > 0 && v.ptr[v.len - 1] <= ' ') {
        v.len--;
    }
    while (v.len > 0 && v.ptr[0] <= ' ') {
        v = kl_span_part(v, 1, v.len);
    }
    kl_dbrow_text(&d->row, v);
}

/* A value that is stored as a number; false: it is text. */
static bool put_binary(struct dbf *d, char type, struct kl_span v)
{
    if (v.len == 4 && (type == 'I' || type == '+')) {
        put_int32(d, v.ptr);
    } else if (v.len == 8 && (type == 'O' || (type == 'B' && d->is_foxpro))) {
        put_real(d, v.ptr);
    } else if (v.len == 8 && type == 'Y' && d->is_foxpro) {
        kl_dbrow_decimal(&d->row, (int64_t)number_of(d, v.ptr, 8), 4);
    } else if (v.len == 8 && (type == 'T' || type == '@')) {
        put_time(d, v.ptr);
    } else {
        return false;
    }
    return true;
}

static void put_value(struct dbf *d, const struct field *f, struct kl_span v)
{
    if (f->type == 'D') {
        put_date(d, v);
    } else if (!(d->is_foxpro || d->is_dbase7) || !put_binary(d, f->type, v)) {
        put_trimmed(d, v);
    }
}

static enum kl_rc put_record(struct dbf *d, const uint8_t *record)
{
    for (unsigned i = 0; i < d->n_fields; i++) {
        const struct field *f = &d->fields[i];
        kl_dbrow_cell(&d->row);
        put_value(d, f, kl_span_make(record + f->at, f->len));
    }
    return kl_dbrow_end(&d->row);
}

/* ---- records ---- */

static enum kl_rc put_names(struct dbf *d)
{
    for (unsigned i = 0; i < d->n_fields; i++) {
        kl_dbrow_cell(&d->row);
        kl_dbrow_text(&d->row, d->fields[i].name);
    }
    return kl_dbrow_end(&d->row);
}

/* All records that are, or are not, deleted; *out_other: there are some of the other kind. */
static enum kl_rc put_records(struct dbf *d, bool deleted, bool *out_other)
{
    uint64_t per_chunk = CHUNK_BYTES / d->record_bytes + 1;

    KL_TRY(put_names(d));
    for (uint64_t no = 0; no < d->n_records;) {
        uint64_t want = d->n_records - no < per_chunk ? d->n_records - no : per_chunk;
        uint64_t at = d->header_bytes + no * d->record_bytes;
        size_t n = 0;
        if (kl_input_read(d->in, at, d->chunk, (size_t)want * d->record_bytes, &n) != KL_OK ||
            n < d->record_bytes) {
            return kl_leftover_add(&d->left, at, d->in->len_bytes);
        }
        for (size_t i = 0; i < n / d->record_bytes; i++) {
            const uint8_t *record = d->chunk + i * d->record_bytes;
            if ((record[0] == '*') != deleted) {
                *out_other = true;
                continue;
            }
            KL_TRY(put_record(d, record));
        }
        no += n / d->record_bytes;
    }
    return KL_OK;
}

static enum kl_rc put_part(struct dbf *d, bool deleted, bool *out_other)
{
    KL_TRY(kl_emit_part_begin(d->e, KL_PART_TABLE));
    enum kl_rc rc = put_records(d, deleted, out_other);
    enum kl_rc flushed = kl_dbrow_flush(&d->row);
    enum kl_rc ended = kl_emit_part_end(d->e);
    return rc != KL_OK ? rc : flushed != KL_OK ? flushed : ended;
}

static enum kl_rc extract_all(struct dbf *d)
{
    bool is_good = false;
    bool has_deleted = false;
    bool ignored = false;
    enum kl_rc rc = read_header(d, &is_good);

    if (rc == KL_E_IO) {
        return kl_emit_not_inspected(d->e, KL_REASON_IO, d->in->len_bytes);
    }
    KL_TRY(rc);
    if (!is_good) {
        KL_TRY(kl_emit_anomaly(d->e, "dbf.header"));
        return kl_extract_binary(d->e, d->in);
    }
    kl_dbrow_init(&d->row, d->e, charset_of(d->header[29]));
    KL_TRY(put_part(d, false, &has_deleted));
    if (has_deleted) {
        bool is_entered = kl_emit_depth(d->e) < KL_MAX_NESTING;
        if (is_entered) {
            KL_TRY(kl_emit_enter(d->e, KL_SPAN_LIT("deleted"), 0));
        }
        rc = put_part(d, true, &ignored);
        if (is_entered) {
            kl_emit_leave(d->e);
        }
        KL_TRY(rc);
    }
    return kl_leftover_extract(&d->left, d->e, d->in, "leftover");
}

enum kl_rc kl_extract_dbf(struct kl_emit *e, const struct kl_input *in)
{
    struct dbf *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return KL_E_NOMEM;
    }
    d->e = e;
    d->in = in;
    kl_leftover_init(&d->left);
    enum kl_rc rc = extract_all(d);
    kl_leftover_done(&d->left);
    free(d);
    return rc;
}
