/*
 * Result codes and the optional detail of a failure.
 *
 * Three kinds of wrong: our bug aborts (assert); the world is KL_E_IO or
 * KL_E_NOMEM, returned; the input is KL_E_FORMAT or KL_E_LIMIT, returned and
 * recorded as an anomaly in the finding.
 */
#ifndef KL_BASE_RESULT_H
#define KL_BASE_RESULT_H

#include <stdint.h>

enum kl_rc {
    KL_OK = 0,
    KL_E_NOMEM,  /* memory is exhausted */
    KL_E_IO,     /* the system refused; errno says why */
    KL_E_FORMAT, /* the input is not what it claims to be */
    KL_E_LIMIT,  /* a limit of base/limits.h was reached */
    KL_E_MORE,   /* more input or more room is needed; call again */
    KL_E_KEY,    /* a key is wrong, missing or not readable as a key */
};

/* Optional detail, filled by the first failing call. */
struct kl_err {
    enum kl_rc rc;
    int sys_errno;    /* 0 unless rc is KL_E_IO */
    uint64_t at_byte; /* offset in the input; 0 when unknown */
    uint64_t at_line; /* 1-based line in the input; 0 when unknown */
    char what[160];   /* a fixed English phrase with its remedy; never input bytes */
};

#define KL_MUST __attribute__((warn_unused_result))
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

/** Short English name of a result code; static storage. */
const char *kl_rc_name(enum kl_rc rc);

#endif
