/*
 * Reading mapped files that others may truncate. A page that is no longer there raises SIGBUS
 * (mmap(2)); here it reads as zeros instead, and the reader is told.
 * Thread rule: for a process of one thread. A SIGBUS outside the watched range ends the process.
 */
#ifndef KL_OS_BUS_H
#define KL_OS_BUS_H

#include "base/result.h"

#include <stdbool.h>

/** Install the handler; before the cage, which lets no handler be set. */
KL_MUST enum kl_rc kl_bus_install(void);

/** False: nothing may be mapped, a truncated file would end the process. */
bool kl_bus_is_installed(void);

/** Watch the pages of ptr[0, len) and no others; NULL: none. Forgets what was lost before. */
void kl_bus_watch(void *ptr, size_t len);

/** Whether a watched page was lost: from it on zeros are read. */
bool kl_bus_is_lost(void);

#endif
