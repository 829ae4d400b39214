#include "base/buf.h"
#include "extract/binary.h"
#include "extract/extract.h"

#define TAIL_BYTES 65536u

/* Does the trailer name an encryption dictionary? It stands at the end; in a cross-reference
 * stream its dictionary is plain too. */
static bool says_encrypted(const struct kl_input *in, struct kl_buf *buf)
{
    uint64_t at = in->len_bytes > TAIL_BYTES ? in->len_bytes - TAIL_BYTES : 0;
    size_t n = 0;

    if (kl_input_read(in, at, buf->ptr, TAIL_BYTES, &n) != KL_OK) {
        return false;
    }
    struct kl_span tail = kl_span_make(buf->ptr, n);
    return kl_span_find(tail, 0, KL_SPAN_LIT("/Encrypt")) < tail.len;
}

enum kl_rc kl_extract_pdf(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_buf buf;

    kl_buf_init(&buf, TAIL_BYTES);
    enum kl_rc rc = kl_buf_room(&buf, TAIL_BYTES);
    bool locked = rc == KL_OK && says_encrypted(in, &buf);
    kl_buf_done(&buf);
    KL_TRY(rc);
    KL_TRY(kl_emit_outside(e, locked ? KL_PART_PDF_LOCKED : KL_PART_PDF, in));
    return kl_extract_binary(e, in);
}
