/*
 * Targets: match/identifiers.c, match/distinct.c. The first byte chooses table or text; zero bytes
 * part blocks. Counts are consistent and the odds are a probability.
 */
#include <assert.h>

#include "match/identifiers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_ident_packs *packs;
    static struct kl_ident *ident;
    struct kl_finding f;

    if (packs == NULL &&
        (kl_ident_packs_new("al", &packs, NULL) != KL_OK || kl_ident_new(packs, &ident) != KL_OK)) {
        return 0;
    }
    if (size == 0 || kl_finding_init(&f, "x") != KL_OK) {
        return 0;
    }
    kl_ident_begin(ident);
    assert(kl_ident_part_begin(ident, (data[0] & 1) != 0) == KL_OK);
    for (size_t i = 1; i < size;) {
        const uint8_t *end = memchr(data + i, 0, size - i);
        size_t n = end != NULL ? (size_t)(end - (data + i)) : size - i;
        assert(kl_ident_block(ident, kl_span_make(data + i, n)) == KL_OK);
        i += n + 1;
    }
    assert(kl_ident_part_end(ident) == KL_OK);
    assert(kl_ident_finish(ident, &f) == KL_OK);
    for (size_t i = 0; i < f.n_identifiers; i++) {
        const struct kl_finding_identifier *e = &f.identifiers[i];
        assert(e->n_valid <= e->n_values && e->n_distinct <= e->n_valid && e->n_distinct > 0);
        assert(e->log10_chance <= 0 && e->rank >= 'A' && e->rank <= 'D');
    }
    kl_finding_done(&f);
    return 0;
}
