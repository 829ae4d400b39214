/*
 * A compound file: any bytes.
 * Targets: kl_cfb_open and all that asks it.
 * Properties: streams, rest and slack together have no more bytes than the file; what a stream
 * has can be read, from front to back and from any place, and is the same both ways.
 */
#include <assert.h>
#include <stdlib.h>

#include "extract/cfb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_both_ways(struct kl_cfb_stream *s)
{
    uint64_t len = s->in.len_bytes;
    uint8_t piece[97];
    uint8_t *all = malloc((size_t)len + 1);
    size_t n = 0;

    assert(kl_input_read(&s->in, 0, all, (size_t)len + 1, &n) == KL_OK && n == len);
    for (uint64_t at = len; at > 0; at -= at < 1531 ? at : 1531) {
        uint64_t from = at < sizeof(piece) ? 0 : at - sizeof(piece);
        assert(kl_input_read(&s->in, from, piece, (size_t)(at - from), &n) == KL_OK);
        assert(n == at - from && memcmp(piece, all + from, n) == 0);
    }
    free(all);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kl_input in = kl_input_mem(kl_span_make(data, size));
    struct kl_cfb *cfb = NULL;
    struct kl_cfb_stream s;
    uint8_t slack[65536];
    uint64_t sum = 0;

    if (kl_cfb_open(&in, &cfb) != KL_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < kl_cfb_count_get(cfb); i++) {
        const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, i);
        struct kl_span name = kl_cfb_name(cfb, i);
        assert(e->len_bytes <= e->claim_bytes && name.len <= 96);
        assert(e->parent == KL_CFB_NONE || e->parent < kl_cfb_count_get(cfb));
        if (e->kind == KL_CFB_KIND_STREAM) {
            kl_cfb_stream_open(cfb, i, &s);
            uint64_t n = read_both_ways(&s) + kl_cfb_slack_read(cfb, i, slack, sizeof(slack));
            sum += e->is_mini ? 0 : n;
        }
    }
    kl_cfb_rest_open(cfb, false, &s);
    sum += read_both_ways(&s);
    assert(sum <= size);
    kl_cfb_rest_open(cfb, true, &s);
    (void)read_both_ways(&s);
    (void)kl_cfb_find(cfb, 0, "Workbook");
    kl_cfb_free(&cfb);
    return 0;
}
