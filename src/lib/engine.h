/* An engine as the scanner sees it; the contract is kulla/inspect.h. */
#ifndef KL_LIB_ENGINE_H
#define KL_LIB_ENGINE_H

#include "inspect/inspect.h"

struct kl_engine {
    struct kl_policy policy;
    char *program;
    struct kl_inspect *ctx; /* borrows the two above */
};

#endif
