#include "lib/call.h"

#include <stdio.h>
#include <string.h>

struct kl_call kl_call_begin(struct kl_err *err)
{
    struct kl_call call = {.c = newlocale(LC_ALL_MASK, "C", (locale_t)0), .err = err};

    call.host = uselocale(call.c);
    if (err != NULL) {
        *err = (struct kl_err){.rc = KL_OK};
    }
    return call;
}

/* For what the functions below say without one, as on the command line. */
static const char *remedy_of(enum kl_rc rc)
{
    return rc == KL_E_IO      ? "; check the path, its permissions and the disk"
           : rc == KL_E_NOMEM ? "; free memory"
                              : "";
}

enum kl_rc kl_call_end(struct kl_call *call, enum kl_rc rc)
{
    struct kl_err *err = call->err;

    if (rc != KL_OK && err != NULL) {
        (void)kl_fail(err, rc, "%s", kl_rc_name(rc));
        err->rc = rc;
        if (strstr(err->what, "; ") == NULL) {
            size_t len = strlen(err->what);
            (void)snprintf(err->what + len, sizeof err->what - len, "%s", remedy_of(rc));
        }
    }
    if (call->c != (locale_t)0) {
        (void)uselocale(call->host);
        freelocale(call->c);
    }
    return rc;
}
