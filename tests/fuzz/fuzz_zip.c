/*
 * A recipe of a zip (zip_recipe.h), or a zip itself.
 * Targets: zip*.c, inflate.c and what they hand members to.
 * Properties: the order of events, seen = inspected + not inspected, well-formed text, and the
 * same events from a source as from memory.
 */
#include "extract/extract.h"
#include "zip_recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum kl_rc read_span(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct kl_input in = kl_input_mem(*(const struct kl_span *)ctx);
    return kl_input_read(&in, at, dst, n, out_n);
}

static void run(const struct kl_input *in, struct sink_mem *m)
{
    struct kl_sink sink = sink_mem_sink(m);
    struct kl_emit *e = NULL;

    must(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, in->len_bytes);
    must(kl_extract_zip(e, in) == KL_OK);
    must(kl_emit_finish(e) == KL_OK);
    kl_emit_free(&e);
    recipe_check(m, in->len_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recipe r = {0};
    struct sink_mem m = {0};
    struct sink_mem again = {0};
    struct kl_span in = kl_span_make(data, size);

    if (size >= 2 && data[0] == 'P' && data[1] == 'K') {
        zm_put(&r.level[0].before, data, size);
        r.level[0].z.no_end = true;
    } else {
        recipe_read(&r, in);
    }
    struct kl_span zip = recipe_end(&r);
    struct kl_source source = {&zip, read_span};
    struct kl_input from_mem = kl_input_mem(zip);
    struct kl_input from_source = kl_input_source(&source, zip.len);
    run(&from_mem, &m);
    run(&from_source, &again);
    must(m.log_len == again.log_len && m.not_inspected == again.not_inspected &&
         (m.log_len == 0 || memcmp(m.log, again.log, m.log_len) == 0));
    sink_mem_done(&m);
    sink_mem_done(&again);
    free((void *)(uintptr_t)zip.ptr);
    return 0;
}
