/*
 * Any bytes as a document, with seeds of every container: 7z, rar, tar, cpio, ar, cab, lha, .Z,
 * single streams, archives behind other things, messages that are encrypted.
 * Targets: archives.c, stream.c, codec.c, rar.c, appended.c, openpgp.c, iso.c, zip_lock.c,
 * zip_codec.c and what they call.
 * Properties: the order of events, seen = inspected + not inspected = size, and no text without
 * bytes: what comes out is bounded by the budget.
 */
#include "../unit/sink_mem.h"

#include "extract/extract.h"
#include "fuzz_password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sink_mem m = {.quiet = true};
    struct kl_sink sink = sink_mem_sink(&m);
    struct kl_input in = kl_input_mem(kl_span_make(data, size));
    struct kl_emit *e = NULL;

    check(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, size);
    fuzz_password(e);
    check(kl_extract_nested(e, &in) == KL_OK);
    check(kl_emit_finish(e) == KL_OK);
    kl_emit_free(&e);
    check(m.done && !m.bad_order && m.seen == size && m.inspected + m.not_inspected == size);
    check(m.text_bytes <= 64 * (size + 1) * KL_MAX_RATIO);
    sink_mem_done(&m);
    return 0;
}
