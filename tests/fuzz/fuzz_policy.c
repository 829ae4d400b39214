/* Targets: kl_policy_parse, kl_policy_decide, kl_policy_is_ignored (inspect/policy.c,
 * policy_yaml.c). */
#include "inspect/policy.h"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kl_policy p;
    struct kl_err err = {0};
    struct kl_finding f;
    struct kl_finding_register *r = NULL;

    enum kl_rc rc = kl_policy_parse(kl_span_make(data, size), &p, &err);
    if (rc != KL_OK) {
        /* A refusal says why, what to do, and where unless the whole is too long. */
        assert(err.rc == rc && err.what[0] != '\0' && strchr(err.what, ';') != NULL);
        assert(rc != KL_E_FORMAT || err.at_line > 0);
        return 0;
    }
    assert(err.rc == KL_OK && err.at_line == 0);
    assert(p.limits.row_bits >= 1 && p.limits.max_log10_chance <= 0);
    assert(p.n_allow <= KL_POLICY_MAX_ITEMS && p.n_ignore <= KL_POLICY_MAX_ITEMS);
    (void)kl_policy_is_ignored(&p, "/srv/a.iso");
    if (kl_finding_init(&f, "/srv/a.csv") == KL_OK && kl_finding_add_register(&f, &r) == KL_OK) {
        (void)snprintf(r->name, sizeof r->name, "salaries");
        r->n_rows = 500;
        r->evidence_bits = 1e4;
        kl_policy_decide(&p, &f); /* coincidence is certain: 10^0 */
        assert(f.verdict <= KL_VERDICT_LOG || p.limits.max_log10_chance == 0 || p.n_registers > 0);
        r->log10_chance = -400;
        enum kl_verdict before = f.verdict;
        kl_policy_decide(&p, &f); /* better odds never lower a verdict */
        assert(f.verdict >= before && f.verdict <= KL_VERDICT_BLOCK);
        kl_finding_done(&f);
    }
    kl_policy_done(&p);
    return 0;
}
