/* The version of libkulla: of these headers, and of the library that was loaded. */
#ifndef KULLA_VERSION_H
#define KULLA_VERSION_H

#include <kulla/result.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KULLA_VERSION_MAJOR 0
#define KULLA_VERSION_MINOR 1
#define KULLA_VERSION_PATCH 0

/** "0.1.0"; static storage. */
KL_API const char *kl_version(void);

#ifdef __cplusplus
}
#endif

#endif
