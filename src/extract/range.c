#include "extract/range.h"

static enum kl_rc range_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct kl_range *r = ctx;
    uint64_t left = at < r->in.len_bytes ? r->in.len_bytes - at : 0;

    return kl_input_read(r->of, r->from + at, dst, left < n ? (size_t)left : n, out_n);
}

void kl_range_init(struct kl_range *r, const struct kl_input *of, uint64_t from, uint64_t to)
{
    to = to < of->len_bytes ? to : of->len_bytes;
    from = from < to ? from : to;
    r->of = of;
    r->from = from;
    if (of->fd < 0 && of->source == NULL) {
        r->in = kl_input_mem(kl_span_part(of->mem, (size_t)from, (size_t)to));
        return;
    }
    r->source = (struct kl_source){r, range_read};
    r->in = kl_input_source(&r->source, to - from);
}
