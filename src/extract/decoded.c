#include "extract/decoded.h"

#include "extract/extract.h"
#include "extract/member.h"
#include "extract/pull.h"

#define PIECE_BYTES 4096u

struct decoded {
    const struct kl_input *in;
    uint64_t at;
    struct kl_codepage set;
    struct kl_decoder decoder;
    struct kl_pull pull;
    uint8_t out[3 * PIECE_BYTES + 8];
};

static void decoded_begin(void *ctx)
{
    struct decoded *d = ctx;
    d->at = 0;
    d->decoder = kl_decoder_init(d->set);
}

/* Strings end in one, and a zero in a short text looks like UTF-16. */
static size_t drop_zeros(uint8_t *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        text[n] = text[i];
        n += text[i] != 0;
    }
    return n;
}

static bool decoded_more(void *ctx)
{
    struct decoded *d = ctx;
    uint8_t raw[PIECE_BYTES];
    uint64_t left = d->in->len_bytes - d->at;
    size_t want = left < sizeof(raw) ? (size_t)left : sizeof(raw);
    size_t n = 0;

    if (want == 0 || d->pull.lost != KL_REASON_NONE) {
        return false;
    }
    if (kl_input_read(d->in, d->at, raw, want, &n) != KL_OK) {
        d->pull.lost = KL_REASON_IO;
    } else if (n < want) {
        d->pull.lost = KL_REASON_CHANGED;
    }
    d->at += n;
    size_t len = kl_decoder_add(&d->decoder, kl_span_make(raw, n), d->out);
    d->pull.out = kl_span_make(d->out, drop_zeros(d->out, len));
    return n > 0;
}

enum kl_rc kl_decoded_extract(struct kl_emit *e, const struct kl_input *in, struct kl_codepage set,
                              struct kl_span name)
{
    if (set.kind <= KL_CODEPAGE_UTF8 || set.is_latin) {
        return kl_plain_extract(e, in, name);
    }
    struct decoded d = {.in = in, .set = set};
    d.pull = (struct kl_pull){.ctx = &d,
                              .begin = decoded_begin,
                              .more = decoded_more,
                              .bad_code = "text.data",
                              .claim_bytes = KL_MEMBER_UNKNOWN};
    return kl_pull_extract_at(e, &d.pull, name, in->len_bytes);
}

enum kl_rc kl_plain_extract(struct kl_emit *e, const struct kl_input *in, struct kl_span name)
{
    enum kl_rc rc = kl_emit_enter(e, name, in->len_bytes);

    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, in->len_bytes);
    }
    KL_TRY(rc);
    kl_emit_set_size(e, in->len_bytes);
    rc = kl_extract_nested(e, in);
    kl_emit_leave(e);
    return rc;
}
