/*
 * Ctrl-C: a flag that long work looks at, so that what was found is still reported.
 * The first SIGINT, SIGTERM or SIGHUP sets it; the second ends the process the usual way
 * (one within 250 ms counts as the first: it may come to the process and to its group).
 * Thread rule: install once from main; the others from any thread.
 */
#ifndef KL_OS_SIGNALS_H
#define KL_OS_SIGNALS_H

#include "base/result.h"

#include <stdbool.h>

KL_MUST enum kl_rc kl_stop_install(struct kl_err *err);

bool kl_stop_is_asked(void);

/** Ask for it from code, or (false) take it back: tests, and a loop that starts anew. */
void kl_stop_set(bool asked);

#endif
