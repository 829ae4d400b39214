/*
 * How functions fail; the codes and struct kl_err themselves are public (kulla/result.h).
 *
 * Three kinds of wrong: our bug aborts (assert); the world is KL_E_IO or
 * KL_E_NOMEM, returned; the input is KL_E_FORMAT or KL_E_LIMIT, returned and
 * recorded as an anomaly in the finding.
 */
#ifndef KL_BASE_RESULT_H
#define KL_BASE_RESULT_H

#include "kulla/result.h"

#define KL_PRINTF(a, b) __attribute__((format(printf, a, b)))

/* The only macro that hides a return; only in functions that own nothing. */
#define KL_TRY(e)                                                                                  \
    do {                                                                                           \
        enum kl_rc kl_try_rc_ = (e);                                                               \
        if (kl_try_rc_ != KL_OK) {                                                                 \
            return kl_try_rc_;                                                                     \
        }                                                                                          \
    } while (0)

/**
 * Record a failure in `err` unless one is recorded there already, and return rc.
 *
 * @param err  may be NULL
 * @param fmt  a fixed phrase; arguments are numbers, column or type names, never content
 */
enum kl_rc kl_fail(struct kl_err *err, enum kl_rc rc, const char *fmt, ...) KL_PRINTF(3, 4);

/** kl_fail with errno kept: rc is KL_E_IO. */
enum kl_rc kl_fail_errno(struct kl_err *err, const char *what);

/** Drop a result on purpose; `why` is for the reader. */
static inline void kl_ignore(enum kl_rc rc, const char *why)
{
    (void)rc;
    (void)why;
}

#endif
