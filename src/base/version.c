#include "kulla/version.h"

#ifndef KL_VERSION
#define KL_VERSION "(no version)" /* the build sets it */
#endif

const char *kl_version(void)
{
    return KL_VERSION;
}
