/*
 * Targets: src/extract/pdf*.c, src/extract/image.c, kl_emit_outside.
 * Properties: the order of events, seen = inspected + not inspected = size; the file is handed on
 * as an outside part; text is well-formed UTF-8.
 */
#include "../unit/sink_mem.h"
#include "fuzz_password.h"

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
    struct kl_input in;
    struct kl_emit *e = NULL;

    if (size < 2) {
        return 0;
    }
    in = kl_input_mem(kl_span_make(data + 1, size - 1));
    check(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, in.len_bytes);
    fuzz_password(e);
    /* By itself, or inside something: then its bytes are copied. */
    if ((data[0] & 1) != 0) {
        check(kl_emit_enter(e, KL_SPAN_LIT("inside"), in.len_bytes) == KL_OK);
        check(kl_emit_charge_expanded(e, in.len_bytes) == KL_OK);
    }
    check((data[0] & 2) != 0 ? kl_extract_image(e, &in) == KL_OK : kl_extract_pdf(e, &in) == KL_OK);
    if ((data[0] & 1) != 0) {
        kl_emit_leave(e);
    }
    check(kl_emit_finish(e) == KL_OK);
    kl_emit_free(&e);
    check(m.done && !m.bad_order && m.inspected + m.not_inspected == in.len_bytes);
    check((data[0] & 2) != 0 || strstr(m.log, "B outside ") != NULL);
    for (size_t at = 0; at < m.log_len;) {
        size_t from = at;
        uint32_t cp = kl_utf8_next(kl_span_make(m.log, m.log_len), &at);
        check(cp != 0xFFFD || at - from == 3);
    }
    sink_mem_done(&m);
    return 0;
}
