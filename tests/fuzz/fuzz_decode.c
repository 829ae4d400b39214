/*
 * Targets: src/extract/escape.c, src/extract/run.c, src/extract/glance.c.
 * Properties: undoing escapes never lengthens; a run lies inside the input, decoding it in
 * pieces gives what decoding it whole gives; the glance says the same on every path.
 */
#include "base/buf.h"
#include "extract/escape.h"
#include "extract/glance.h"
#include "extract/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct kl_span text = kl_span_make(data + 1, size - 1);
    struct kl_input in = kl_input_mem(text);
    uint8_t *copy = malloc(text.len);
    static const uint8_t steps[3] = {1, 2, 4};
    struct kl_run run = {KL_RUN_NONE, steps[data[0] % 3], 0, 0, 0};
    struct kl_buf whole;
    struct kl_buf parts;
    uint64_t at = 0;
    struct kl_escape_style style = kl_escape_style(text);

    memcpy(copy, text.ptr, text.len);
    check(kl_escape_undo(copy, text.len, &style) <= text.len);
    check(kl_escape_whole(text) <= text.len);
    check(kl_glance(text) == kl_glance_portable(text, text.len));
    run.phase = (data[0] & 8) != 0 ? (uint8_t)(run.step - 1) : 0;
    struct kl_run again = run;
    check(kl_run_measure(&in, kl_span_make(NULL, 0), &run) == KL_OK);
    check(kl_run_measure(&in, kl_span_part(text, 0, data[0]), &again) == KL_OK);
    check(again.to == run.to && again.kind == run.kind);
    check(run.to <= text.len);
    if (run.kind != KL_RUN_NONE) {
        kl_buf_init(&whole, size);
        kl_buf_init(&parts, size);
        check(kl_run_decode(&in, &run, &at, size, &whole) == KL_OK);
        check(at == run.to && whole.len > 0);
        at = 0;
        for (size_t want = 30; at < run.to; want = parts.len + 30) {
            uint64_t before = at;
            check(kl_run_decode(&in, &run, &at, want, &parts) == KL_OK);
            check(at > before);
        }
        check(parts.len == whole.len && memcmp(parts.ptr, whole.ptr, whole.len) == 0);
        kl_buf_done(&whole);
        kl_buf_done(&parts);
    }
    free(copy);
    return 0;
}
