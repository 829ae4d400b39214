/*
 * Targets: all of src/extract but the channel: kl_extract_document in process.
 * Properties: the order of events, seen = inspected + not inspected = size, text is
 * well-formed UTF-8 in blocks that follow one another.
 */
#include "../unit/sink_mem.h"

#include "base/fold.h"
#include "extract/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sink_mem m = {0};
    struct kl_sink sink = sink_mem_sink(&m);
    struct kl_input in = kl_input_mem(kl_span_make(data, size));
    struct kl_emit *e = NULL;

    check(kl_emit_new(&sink, &e) == KL_OK);
    check(kl_extract_document(e, &in) == KL_OK);
    kl_emit_free(&e);
    check(m.done && !m.bad_order && m.seen == size && m.inspected + m.not_inspected == size);
    for (size_t at = 0; at < m.log_len;) {
        size_t from = at;
        uint32_t cp = kl_utf8_next(kl_span_make(m.log, m.log_len), &at);
        check(cp != 0xFFFD || at - from == 3);
    }
    sink_mem_done(&m);
    return 0;
}
