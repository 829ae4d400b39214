/*
 * Target: src/match/ocr_view.c.
 * Properties: the view is at most as long as said and holds the text in order.
 */
#include "match/ocr_view.h"

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
    size_t max = kl_ocr_view_max(size);
    uint8_t *out = malloc(max);
    size_t at = 0;

    check(out != NULL);
    size_t n = kl_ocr_view(kl_span_make(data, size), out);
    check(n >= size && n <= max);
    for (size_t i = 0; i < n && at < size; i++) {
        at += out[i] == data[at];
    }
    check(at == size);
    free(out);
    return 0;
}
