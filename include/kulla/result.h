/*
 * Result codes and the detail of a failure. Part of libkulla's interface; the program itself
 * uses them through base/result.h.
 */
#ifndef KULLA_RESULT_H
#define KULLA_RESULT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KL_API __attribute__((visibility("default")))
#define KL_MUST __attribute__((warn_unused_result))

/* Numbers are never given anew; new codes come at the end. */
enum kl_rc {
    KL_OK = 0,
    KL_E_NOMEM = 1,   /* memory is exhausted */
    KL_E_IO = 2,      /* the system refused; sys_errno says why */
    KL_E_FORMAT = 3,  /* the input is not what it claims to be */
    KL_E_LIMIT = 4,   /* a limit of kulla-limits(7) was reached */
    KL_E_MORE = 5,    /* inside only; libkulla never returns it */
    KL_E_KEY = 6,     /* a key is wrong, missing or not readable as a key */
    KL_E_VERSION = 7, /* the worker program is of another version than the library */
    KL_E_USE = 8,     /* an argument is wrong */
};

/* Detail of a failure, in memory of the caller. */
struct kl_err {
    enum kl_rc rc;
    int sys_errno;    /* 0 unless rc is KL_E_IO */
    uint64_t at_byte; /* offset in the input; 0 when unknown */
    uint64_t at_line; /* 1-based line in the input; 0 when unknown */
    uint64_t at_item; /* 1-based number in the array that was given; 0 when unknown */
    char what[160];   /* a fixed English phrase with its remedy; never input bytes */
};

/** Short English name of a result code; static storage. */
KL_API const char *kl_rc_name(enum kl_rc rc);

#ifdef __cplusplus
}
#endif

#endif
