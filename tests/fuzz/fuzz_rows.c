/*
 * HTML, XML, JSON and vCards as rows: any bytes, by each of the readers.
 * Targets: kl_rows_markup, kl_rows_json, kl_rows_vcard, kl_rows_sniff, kl_extract_rows.
 * Properties: no more than three bytes a byte; any cut of the input gives the same rows;
 * inspected + not inspected = seen.
 */
#include "extract/rows.h"
#include "fuzz_extract.h"

static void feed(struct kl_rows *r, struct kl_span in)
{
    switch (r->kind) {
    case KL_ROWS_JSON:
        kl_rows_json(r, in);
        break;
    case KL_ROWS_VCARD:
        kl_rows_vcard(r, in);
        break;
    case KL_ROWS_NONE:
    case KL_ROWS_HTML:
    case KL_ROWS_XML:
        kl_rows_markup(r, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_rows whole;
    static struct kl_rows parts;

    size = size < KL_ROWS_RAW_BYTES ? size : KL_ROWS_RAW_BYTES;
    for (int kind = KL_ROWS_HTML; kind <= KL_ROWS_VCARD; kind++) {
        memset(&whole, 0, offsetof(struct kl_rows, out));
        memset(&parts, 0, offsetof(struct kl_rows, out));
        whole.kind = parts.kind = (enum kl_rows_kind)kind;
        feed(&whole, kl_span_make(data, size));
        for (size_t at = 0; at < size; at += 7) {
            feed(&parts, kl_span_make(data + at, size - at < 7 ? size - at : 7));
        }
        assert(whole.n_out <= 3 * size && whole.n_out == parts.n_out);
        assert(memcmp(whole.out, parts.out, whole.n_out) == 0);
    }
    (void)fuzz_extract(kl_extract_rows, data, size);
    return 0;
}
