#include "extract/event.h"

#include <stddef.h>

const char *kl_reason_name(enum kl_reason reason)
{
    switch (reason) {
    case KL_REASON_NONE:
        return "none";
    case KL_REASON_ENCRYPTED:
        return "encrypted";
    case KL_REASON_FORMAT:
        return "format";
    case KL_REASON_LIMIT:
        return "limit";
    case KL_REASON_TIMEOUT:
        return "timeout";
    case KL_REASON_CRASH:
        return "crash";
    case KL_REASON_IO:
        return "io";
    case KL_REASON_CHANGED:
        return "changed";
    case KL_REASON_SPECIAL:
        return "special";
    case KL_REASON_STOPPED:
        return "stopped";
    }
    return "unknown";
}
