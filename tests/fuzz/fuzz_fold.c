/*
 * Targets: src/base/fold.c, src/base/fold_bulk.c.
 * Properties: every path gives the portable result, the result fits in four times the input,
 * is well-formed, and folding it again changes nothing that folding promised (no odd letters).
 */
#include "base/cpu.h"
#include "base/fold.h"

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
    struct kl_span in = kl_span_make(data, size);
    uint8_t *want = malloc(4 * size + 1);
    uint8_t *got = malloc(4 * size + 1);

    for (int view = 0; view < 2; view++) {
        size_t n_want = 0;
        bool odd = false;
        for (int level = KL_CPU_PORTABLE; level <= KL_CPU_AVX512; level++) {
            kl_cpu_level_set((enum kl_cpu_level)level);
            size_t n =
                view != 0 ? kl_fold_view(in, got, 4 * size) : kl_fold_text(in, got, 4 * size);
            check(n <= 4 * size);
            if (level == KL_CPU_PORTABLE) {
                n_want = n;
                memcpy(want, got, n);
                odd = kl_fold_is_odd(in);
            }
            check(n == n_want && memcmp(got, want, n) == 0);
            check(kl_fold_is_odd(in) == odd);
        }
        for (size_t at = 0; at < n_want;) {
            size_t from = at;
            uint32_t cp = kl_utf8_next(kl_span_make(want, n_want), &at);
            check(cp != 0xFFFD || at - from == 3);
        }
    }
    free(want);
    free(got);
    return 0;
}
