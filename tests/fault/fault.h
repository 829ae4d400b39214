/*
 * Memory that runs out on demand: the n-th allocation of what is under test fails.
 *
 * The linker sends the allocation calls of our objects (not those inside the C library) through
 * fault.c; tests/fault/meson.build has the list. It works with a sanitizer's allocator as well.
 * What was allocated while armed and is not freed by the end is counted, so leaks show in every
 * build. Thread rule: one thread.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Count from now on; the nth allocation (from 1) fails, and when `all_after` all behind it too. */
void fault_arm(uint64_t nth, bool all_after);

/** @return whether an allocation was refused; *out_live: what was allocated and not freed. */
bool fault_disarm(size_t *out_live);

/* Between them the test itself allocates: neither counted nor refused. */
void fault_pause(void);
void fault_resume(void);

#endif
