/*
 * One reader over an input, from memory and as a source that is best read forward. Properties: the
 * order of events, seen = inspected + not inspected = size, text is well-formed UTF-8.
 */
#ifndef READER_FUZZ_H
#define READER_FUZZ_H

#include "../unit/sink_mem.h"

#include "base/fold.h"
#include "extract/extract.h"

typedef enum kl_rc (*reader_fuzz_fn)(struct kl_emit *e, const struct kl_input *in);

static inline void reader_fuzz_check(int ok)
{
    if (!ok) {
        abort();
    }
}

static inline enum kl_rc reader_fuzz_read(void *ctx, uint64_t at, void *dst, size_t n,
                                          size_t *out_n)
{
    return kl_input_read(ctx, at, dst, n, out_n);
}

static inline void reader_fuzz_run(const struct kl_input *in, reader_fuzz_fn reader)
{
    struct sink_mem m = {0};
    struct kl_sink sink = sink_mem_sink(&m);
    struct kl_emit *e = NULL;

    reader_fuzz_check(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, in->len_bytes);
    reader_fuzz_check(reader(e, in) == KL_OK && kl_emit_finish(e) == KL_OK);
    kl_emit_free(&e);
    reader_fuzz_check(m.done && !m.bad_order && m.seen == in->len_bytes &&
                      m.inspected + m.not_inspected == m.seen);
    for (size_t at = 0; at < m.log_len;) {
        size_t from = at;
        uint32_t cp = kl_utf8_next(kl_span_make(m.log, m.log_len), &at);
        reader_fuzz_check(cp != 0xFFFD || at - from == 3);
    }
    sink_mem_done(&m);
}

static inline int reader_fuzz(const uint8_t *data, size_t size, reader_fuzz_fn reader)
{
    struct kl_input in = kl_input_mem(kl_span_make(data, size));
    struct kl_source source = {&in, reader_fuzz_read};
    struct kl_input forward = kl_input_source(&source, size);

    reader_fuzz_run(&in, reader);
    reader_fuzz_run(&forward, reader);
    return 0;
}

#endif
