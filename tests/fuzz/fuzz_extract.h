/* One reader over a document: what holds for every reader of extract.h. */
#ifndef FUZZ_EXTRACT_H
#define FUZZ_EXTRACT_H

#include <assert.h>

#include "../unit/sink_mem.h"
#include "fuzz_password.h"
#include "extract/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

static inline enum kl_rc fuzz_event(void *ctx, const struct kl_event *ev)
{
    /* What goes to the programs of others is bytes. */
    bool text = ev->part_kind == KL_PART_TEXT || ev->part_kind == KL_PART_TABLE;
    assert(ev->kind != KL_EVENT_BLOCK || !text || kl_utf8_is_valid(ev->text.ptr, ev->text.len));
    return sink_mem_event(ctx, ev);
}

/* One block for all parts: a fresh one for each makes the fuzzer ten times slower. */
static inline uint8_t *fuzz_block(void *ctx)
{
    static uint8_t block[KL_BLOCK_BYTES];
    struct sink_mem *s = ctx;
    s->block = block;
    return block;
}

/* How many bytes of text came out. */
static inline uint64_t fuzz_extract(enum kl_rc (*reader)(struct kl_emit *e,
                                                         const struct kl_input *in),
                                    const uint8_t *data, size_t size)
{
    struct sink_mem s = {.quiet = true};
    struct kl_sink sink = {&s, fuzz_block, fuzz_event};
    struct kl_input in = kl_input_mem(kl_span_make(data, size));
    struct kl_emit *e = NULL;

    assert(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, size);
    fuzz_password(e);
    assert(reader(e, &in) == KL_OK);
    assert(kl_emit_finish(e) == KL_OK);
    assert(s.done && !s.bad_order && s.seen == size);
    uint64_t text = s.text_bytes;
    kl_emit_free(&e);
    s.block = NULL;
    sink_mem_done(&s);
    return text;
}

#endif
