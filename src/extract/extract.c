#include "extract/extract.h"

#include "extract/appended.h"
#include "extract/binary.h"
#include "extract/charset.h"
#include "extract/openpgp.h"
#include "extract/stream.h"

#define HEAD_BYTES 4096u

bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

static enum kl_rc extract_packed(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_not_inspected(e, KL_REASON_FORMAT, in->len_bytes));
    return kl_extract_binary(e, in);
}

static enum kl_rc extract_encrypted(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, in->len_bytes));
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

static enum kl_rc extract_heif(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_outside(e, KL_PART_HEIF, in));
    return kl_extract_binary(e, in);
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
    [KL_FORMAT_OLE2] = kl_extract_ole2,
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
    [KL_FORMAT_HEIF] = extract_heif,
    [KL_FORMAT_PST] = extract_pst,
    [KL_FORMAT_MAIL] = kl_extract_mail,
    [KL_FORMAT_TNEF] = kl_extract_tnef,
    [KL_FORMAT_ROWS] = kl_extract_rows,
    [KL_FORMAT_RTF] = kl_extract_rtf,
    [KL_FORMAT_STREAM] = kl_extract_stream,
    [KL_FORMAT_LHA] = NULL, /* the others: archives.c */
    [KL_FORMAT_OPENPGP] = kl_extract_openpgp,
    [KL_FORMAT_ENCRYPTED] = extract_encrypted,
};

static bool is_container(enum kl_format format)
{
    return format == KL_FORMAT_ZIP || format == KL_FORMAT_STREAM || format == KL_FORMAT_OPENPGP ||
           (format >= KL_FORMAT_COMPRESS && format <= KL_FORMAT_LHA);
}

/* What is no container by its head: one without a signature there, or with one further on. */
static enum kl_rc extract_other(struct kl_emit *e, const struct kl_input *in, enum kl_format format,
                                struct kl_span head)
{
    if (kl_is_iso(in)) {
        return kl_extract_iso(e, in);
    }
    /* Packed text can pass for text of a single-byte set. */
    if (format == KL_FORMAT_BINARY ||
        (format == KL_FORMAT_TEXT && !kl_utf8_is_valid(head.ptr, kl_charset_whole(head)))) {
        enum kl_codec_kind kind = KL_CODEC_NONE;
        bool message = false;
        KL_TRY(kl_codec_guess(head, head.len == in->len_bytes, &kind));
        if (kind != KL_CODEC_NONE) {
            return kl_extract_stream_of(e, in, kind);
        }
        KL_TRY(kl_openpgp_guess(head, &message));
        if (message) {
            return kl_extract_openpgp(e, in);
        }
    }
    KL_TRY(readers[format](e, in));
    /* A compound file looks for it stream by stream: its sectors are in any order. */
    bool is_left = format == KL_FORMAT_NONE || format == KL_FORMAT_OLE2;
    return is_left ? KL_OK : kl_extract_appended(e, in, format);
}

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
    struct kl_span head = kl_span_make(buf, n);
    enum kl_format format = kl_sniff(head);
    if (!is_container(format)) {
        return extract_other(e, in, format, head);
    }
    return readers[format] != NULL ? readers[format](e, in) : kl_extract_archive(e, in, format);
}

enum kl_rc kl_extract_document(struct kl_emit *e, const struct kl_input *in)
{
    kl_emit_start(e, in->len_bytes);
    KL_TRY(kl_extract_nested(e, in));
    return kl_emit_finish(e);
}
