#include "base/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum kl_rc kl_fail(struct kl_err *err, enum kl_rc rc, const char *fmt, ...)
{
    if (err != NULL && err->rc == KL_OK) {
        va_list ap;
        err->rc = rc;
        va_start(ap, fmt);
        (void)vsnprintf(err->what, sizeof err->what, fmt, ap);
        va_end(ap);
    }
    return rc;
}

enum kl_rc kl_fail_errno(struct kl_err *err, const char *what)
{
    int saved = errno;

    if (err != NULL && err->rc == KL_OK) {
        char text[96];
        err->rc = KL_E_IO;
        err->sys_errno = saved;
        (void)snprintf(err->what, sizeof err->what, "%s: %s", what,
                       strerror_r(saved, text, sizeof text));
    }
    errno = saved;
    return KL_E_IO;
}

const char *kl_rc_name(enum kl_rc rc)
{
    switch (rc) {
    case KL_OK:
        return "ok";
    case KL_E_NOMEM:
        return "out of memory";
    case KL_E_IO:
        return "input/output error";
    case KL_E_FORMAT:
        return "malformed input";
    case KL_E_LIMIT:
        return "limit reached";
    case KL_E_MORE:
        return "more needed";
    case KL_E_KEY:
        return "wrong key";
    case KL_E_VERSION:
        return "another version";
    case KL_E_USE:
        return "wrong use";
    }
    return "unknown";
}
