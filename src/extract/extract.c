#include "extract/extract.h"

#include "extract/binary.h"
#include "extract/sniff.h"

#define HEAD_BYTES 4096u

static enum kl_rc extract_packed(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_not_inspected(e, KL_REASON_FORMAT, in->len_bytes));
    return kl_extract_binary(e, in);
}

static enum kl_rc extract_known_binary(struct kl_emit *e, const struct kl_input *in,
                                       enum kl_magic magic)
{
    if (magic == KL_MAGIC_OLE2 && kl_binary_is_encrypted(in)) {
        KL_TRY(kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, in->len_bytes));
        return kl_extract_binary(e, in);
    }
    KL_TRY(kl_emit_anomaly(e, "binary.view"));
    return kl_extract_binary(e, in);
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
    switch (kl_sniff(head)) {
    case KL_FORMAT_NONE:
        /* Nothing where bytes were promised: it was cut since it was opened. */
        return in->len_bytes > 0 ? kl_emit_not_inspected(e, KL_REASON_CHANGED, in->len_bytes)
                                 : KL_OK;
    case KL_FORMAT_TEXT:
        return kl_extract_text(e, in);
    case KL_FORMAT_BINARY:
        return extract_known_binary(e, in, kl_sniff_magic(head));
    case KL_FORMAT_ZIP:
        return kl_extract_zip(e, in);
    case KL_FORMAT_OPAQUE:
        return extract_packed(e, in);
    }
    return KL_OK;
}

enum kl_rc kl_extract_document(struct kl_emit *e, const struct kl_input *in)
{
    kl_emit_start(e, in->len_bytes);
    KL_TRY(kl_extract_nested(e, in));
    return kl_emit_finish(e);
}
