#include "extract/extract.h"

#include "extract/binary.h"
#include "extract/xls.h"

#define HEAD_BYTES 4096u

static enum kl_rc extract_packed(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_not_inspected(e, KL_REASON_FORMAT, in->len_bytes));
    return kl_extract_binary(e, in);
}

static enum kl_rc extract_views(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_anomaly(e, "binary.view"));
    return kl_extract_binary(e, in);
}

static enum kl_rc extract_parquet(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_anomaly(e, "parquet.unread"));
    return extract_packed(e, in);
}

static enum kl_rc extract_avro(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_anomaly(e, "avro.unread"));
    return extract_packed(e, in);
}

/* Streams beside the workbook: embedded documents, macros, properties. */
static enum kl_rc extract_streams(struct kl_emit *e, struct kl_cfb *cfb)
{
    struct kl_cfb_stream s;
    for (uint32_t i = 0; i < kl_cfb_count_get(cfb); i++) {
        const struct kl_cfb_entry *entry = kl_cfb_entry_get(cfb, i);
        if (entry->kind != KL_CFB_KIND_STREAM || entry->is_done || entry->len_bytes == 0) {
            continue;
        }
        kl_cfb_stream_open(cfb, i, &s);
        enum kl_rc rc = kl_emit_enter(e, kl_cfb_name(cfb, i), s.in.len_bytes);
        if (rc == KL_E_LIMIT) {
            KL_TRY(kl_emit_not_inspected(e, KL_REASON_LIMIT, s.in.len_bytes));
            continue;
        }
        KL_TRY(rc);
        kl_emit_set_size(e, s.in.len_bytes);
        rc = kl_extract_nested(e, &s.in);
        kl_emit_leave(e);
        KL_TRY(rc);
    }
    kl_cfb_rest_open(cfb, false, &s);
    return s.in.len_bytes > 0 ? kl_extract_binary(e, &s.in) : KL_OK;
}

/* An old workbook; *out_done: it was one. */
static enum kl_rc extract_workbook(struct kl_emit *e, const struct kl_input *in, bool *out_done)
{
    static const char *const names[] = {"Workbook", "Book"};
    struct kl_cfb *cfb = NULL;
    enum kl_rc rc = kl_cfb_open(in, &cfb);
    if (rc != KL_OK) {
        return rc == KL_E_NOMEM ? rc : KL_OK; /* damaged: as bytes */
    }
    for (size_t k = 0; k < 2 && rc == KL_OK; k++) {
        uint32_t i = kl_cfb_find(cfb, 0, names[k]);
        if (i != KL_CFB_NONE && kl_cfb_entry_get(cfb, i)->kind == KL_CFB_KIND_STREAM) {
            *out_done = true;
            rc = kl_xls_extract(e, cfb, i);
        }
    }
    if (rc == KL_OK && *out_done) {
        rc = kl_cfb_is_damaged(cfb) ? kl_emit_anomaly(e, "ole2.damaged") : KL_OK;
        rc = rc == KL_OK ? extract_streams(e, cfb) : rc;
    }
    kl_cfb_free(&cfb);
    return rc;
}

static enum kl_rc extract_ole2(struct kl_emit *e, const struct kl_input *in)
{
    bool is_done = false;
    if (kl_binary_is_encrypted(in)) {
        KL_TRY(kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, in->len_bytes));
        return kl_extract_binary(e, in);
    }
    KL_TRY(extract_workbook(e, in, &is_done));
    return is_done ? KL_OK : extract_views(e, in);
}

static enum kl_rc extract_pst(struct kl_emit *e, const struct kl_input *in)
{
    return kl_emit_outside(e, KL_PART_PST, in);
}

static enum kl_rc extract_nothing(struct kl_emit *e, const struct kl_input *in)
{
    /* Nothing where bytes were promised: it was cut since it was opened. */
    return in->len_bytes > 0 ? kl_emit_not_inspected(e, KL_REASON_CHANGED, in->len_bytes) : KL_OK;
}

/* Who reads what. */
static enum kl_rc (*const readers[])(struct kl_emit *e, const struct kl_input *in) = {
    [KL_FORMAT_NONE] = extract_nothing,
    [KL_FORMAT_TEXT] = kl_extract_text,
    [KL_FORMAT_BINARY] = extract_views,
    [KL_FORMAT_PACKED] = extract_packed,
    [KL_FORMAT_ZIP] = kl_extract_zip,
    [KL_FORMAT_OLE2] = extract_ole2,
    [KL_FORMAT_JET] = kl_extract_jet,
    [KL_FORMAT_SQLITE] = kl_extract_sqlite,
    [KL_FORMAT_DBF] = kl_extract_dbf,
    [KL_FORMAT_PGDUMP] = kl_extract_pgdump,
    [KL_FORMAT_PARQUET] = extract_parquet,
    [KL_FORMAT_AVRO] = extract_avro,
    [KL_FORMAT_SQLITE_LOG] = kl_extract_sqlite_log,
    [KL_FORMAT_PDF] = kl_extract_pdf,
    [KL_FORMAT_IMAGE] = kl_extract_image,
    [KL_FORMAT_FLAT] = kl_extract_flat,
    [KL_FORMAT_XLS] = kl_extract_xls,
    [KL_FORMAT_PST] = extract_pst,
};

enum kl_rc kl_extract_nested(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t buf[HEAD_BYTES];
    size_t n = 0;

    if (kl_input_read(in, 0, buf, sizeof(buf), &n) != KL_OK) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    if (n > in->len_bytes) {
        n = (size_t)in->len_bytes;
    }
    return readers[kl_sniff(kl_span_make(buf, n))](e, in);
}

enum kl_rc kl_extract_document(struct kl_emit *e, const struct kl_input *in)
{
    kl_emit_start(e, in->len_bytes);
    KL_TRY(kl_extract_nested(e, in));
    return kl_emit_finish(e);
}
