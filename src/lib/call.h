/*
 * Both ends of a public call that can fail: the thread's locale is C inside (numbers and messages
 * of the host's language would get into policies, JSON and errors) and the host's again
 * outside; the error is filled whatever failed. Thread rule: a call belongs to its thread.
 */
#ifndef KL_LIB_CALL_H
#define KL_LIB_CALL_H

#include "base/result.h"

#include <locale.h>

struct kl_call {
    locale_t c;
    locale_t host;
    struct kl_err *err;
};

/** @param err  the caller's, not yet written; NULL: none */
struct kl_call kl_call_begin(struct kl_err *err);

/** @return rc; when it is a failure, err has it with a phrase and a remedy */
enum kl_rc kl_call_end(struct kl_call *call, enum kl_rc rc);

#endif
