/*
 * Stands in for the dispatcher when zip and xlsx are tested alone: a zip is a zip, all else
 * comes out as it is, in one TEXT part (the tests' members are UTF-8).
 */
#ifndef NESTED_FAKE_H
#define NESTED_FAKE_H

#include "extract/extract.h"

static inline enum kl_rc nested_as_text(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t buf[4096];
    size_t n = 1;
    KL_TRY(kl_emit_part_begin(e, KL_PART_TEXT));
    for (uint64_t at = 0; at < in->len_bytes && n > 0; at += n) {
        uint64_t left = in->len_bytes - at;
        size_t want = left < sizeof buf ? (size_t)left : sizeof buf;
        if (kl_input_read(in, at, buf, want, &n) != KL_OK) {
            KL_TRY(kl_emit_not_inspected(e, KL_REASON_IO, left));
            break;
        }
        KL_TRY(kl_emit_text(e, kl_span_make(buf, n)));
    }
    return kl_emit_part_end(e);
}

enum kl_rc kl_extract_nested(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[4] = {0};
    size_t n = 0;
    kl_ignore(kl_input_read(in, 0, head, sizeof head, &n), "a short head is no zip");
    if (n == 4 && memcmp(head, "PK\3\4", 4) == 0) {
        return kl_extract_zip(e, in);
    }
    return nested_as_text(e, in);
}

enum kl_rc kl_extract_binary(struct kl_emit *e, const struct kl_input *in)
{
    return nested_as_text(e, in);
}

enum kl_rc kl_extract_text(struct kl_emit *e, const struct kl_input *in)
{
    return nested_as_text(e, in);
}

#endif
