/* Targets: kl_baseline_parse, kl_baseline_has (finding/baseline.c). */
#include "finding/baseline.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kl_baseline b;
    struct kl_err err = {0};
    struct kl_finding f;

    enum kl_rc rc = kl_baseline_parse(kl_span_make(data, size), &b, &err);
    if (rc != KL_OK) {
        assert(err.rc == rc && err.at_line > 0 && err.what[0] != '\0');
        return 0;
    }
    for (size_t i = 1; i < b.n_entries; i++) { /* sorted, no fingerprint twice */
        assert(memcmp(b.entries[i - 1].fingerprint, b.entries[i].fingerprint,
                      KL_FINGERPRINT_BYTES) < 0);
    }
    if (kl_finding_init(&f, "x") == KL_OK) {
        assert(!kl_baseline_has(&b, &f)); /* nothing is never known */
        kl_finding_done(&f);
    }
    kl_baseline_done(&b);
    return 0;
}
