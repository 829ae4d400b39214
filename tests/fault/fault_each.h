/* The loop of the fault tests: an operation is repeated with its 1st, 2nd, … allocation failing. */
#ifndef FAULT_EACH_H
#define FAULT_EACH_H

#include "kt.h"

#include "base/result.h"
#include "fault.h"

#define FAULT_MAX 20000u /* allocations of one operation */

/** Does the whole thing and frees all it made. */
typedef enum kl_rc fault_op(void *ctx);

static inline void fault_each_mode(const char *name, fault_op *op, void *ctx, bool all_after)
{
    uint64_t nth = 1;
    for (; nth < FAULT_MAX; nth++) {
        size_t live = 0;
        fault_arm(nth, all_after);
        enum kl_rc rc = op(ctx);
        bool refused = fault_disarm(&live);
        enum kl_rc want = refused ? KL_E_NOMEM : KL_OK;
        if (live > 0 || rc != want) {
            KT_FAIL("%s, allocation %llu refused%s: %s, not %s; %zu not freed", name,
                    (unsigned long long)nth, all_after ? " and all after it" : "", kl_rc_name(rc),
                    kl_rc_name(want), live);
        }
        if (!refused) {
            break;
        }
    }
    KT_OK(nth > 1 && nth < FAULT_MAX);
    if (!all_after) {
        printf("# %s: %llu allocations\n", name, (unsigned long long)nth - 1);
    }
}

/** Fails the test when a run leaks, or says anything but KL_E_NOMEM. */
static inline void fault_each(const char *name, fault_op *op, void *ctx)
{
    fault_each_mode(name, op, ctx, false);
    fault_each_mode(name, op, ctx, true);
}

#endif
