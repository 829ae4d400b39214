/* The password of the seeds, "abc", and no more hashes than a fuzzer has time for. */
#ifndef FUZZ_PASSWORD_H
#define FUZZ_PASSWORD_H

#include <assert.h>

#include "extract/emit.h"
#include "extract/password.h"

#define FUZZ_HASHES 250000u

/* Behind kl_emit_start, which forgets what was tried. */
static inline void fuzz_password(struct kl_emit *e)
{
    static struct kl_passwords given;
    if (given.n == 0) {
        assert(kl_passwords_add(&given, KL_SPAN_LIT("abc")) == KL_OK);
    }
    kl_emit_candidates(e)->given = &given;
    kl_emit_candidates(e)->n_hashes = KL_MAX_PASSWORD_HASHES - FUZZ_HASHES;
}

#endif
