/*
 * A mail or an mbox: any bytes, read as such whatever they look like.
 * Targets: kl_extract_mail and all that a part may be.
 * Properties: inspected + not inspected = seen; parts do not overlap; text is valid UTF-8.
 */
#include <assert.h>

#include "../unit/sink_mem.h"
#include "extract/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

static enum kl_rc event(void *ctx, const struct kl_event *ev)
{
    assert(ev->kind != KL_EVENT_BLOCK || kl_utf8_is_valid(ev->text.ptr, ev->text.len));
    return sink_mem_event(ctx, ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sink_mem s = {.quiet = true};
    struct kl_sink sink = {&s, sink_mem_block, event};
    struct kl_input in = kl_input_mem(kl_span_make(data, size));
    struct kl_emit *e = NULL;

    assert(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, size);
    assert(kl_extract_mail(e, &in) == KL_OK);
    assert(kl_emit_finish(e) == KL_OK);
    assert(s.done && !s.bad_order && s.seen == size);
    kl_emit_free(&e);
    sink_mem_done(&s);
    return 0;
}
