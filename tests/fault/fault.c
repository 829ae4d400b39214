#include "fault.h"

#include <errno.h>
#include <libdeflate.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define SLOTS 65536u /* a power of two, far above what is live at a time */

static uint64_t nth;
static uint64_t count;
static bool all_after;
static bool armed;
static bool refused;
static const void *live[SLOTS]; /* open addressing; &gone where one was */
static size_t n_live;
static const char gone;

void fault_arm(uint64_t at, bool all)
{
    memset(live, 0, sizeof live);
    n_live = 0;
    nth = at;
    all_after = all;
    count = 0;
    refused = false;
    armed = true;
}

bool fault_disarm(size_t *out_live)
{
    armed = false;
    *out_live = n_live;
    return refused;
}

void fault_pause(void)
{
    armed = false;
}

void fault_resume(void)
{
    armed = true;
}

static bool must_fail(void)
{
    if (!armed) {
        return false;
    }
    count++;
    bool now = count == nth || (all_after && count > nth);
    refused = refused || now;
    if (now) {
        errno = ENOMEM;
    }
    return now;
}

static size_t slot_of(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * 0x9E3779B97F4A7C15u >> 48) & (SLOTS - 1);
}

static void *note(void *p)
{
    if (!armed || p == NULL) {
        return p;
    }
    size_t i = slot_of(p);
    for (size_t n = 0; n < SLOTS; n++, i = (i + 1) & (SLOTS - 1)) {
        if (live[i] == NULL || live[i] == &gone) {
            live[i] = p;
            n_live++;
            return p;
        }
    }
    abort();
}

/* True: it was noted. */
static bool forget(const void *p)
{
    size_t i = slot_of(p);
    for (size_t n = 0; p != NULL && n < SLOTS && live[i] != NULL; n++, i = (i + 1) & (SLOTS - 1)) {
        if (live[i] == p) {
            live[i] = &gone;
            n_live--;
            return true;
        }
    }
    return false;
}

/* The names are the linker's. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void __real_free(void *p);
void *__real_sodium_malloc(size_t n);
void __real_sodium_free(void *p);
struct libdeflate_decompressor *__real_libdeflate_alloc_decompressor(void);
void __real_libdeflate_free_decompressor(struct libdeflate_decompressor *d);
int __real_yaml_parser_initialize(yaml_parser_t *y);
int __real_yaml_parser_load(yaml_parser_t *y, yaml_document_t *doc);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);
void *__wrap_sodium_malloc(size_t n);
void __wrap_sodium_free(void *p);
struct libdeflate_decompressor *__wrap_libdeflate_alloc_decompressor(void);
void __wrap_libdeflate_free_decompressor(struct libdeflate_decompressor *d);
int __wrap_yaml_parser_initialize(yaml_parser_t *y);
int __wrap_yaml_parser_load(yaml_parser_t *y, yaml_document_t *doc);

void *__wrap_malloc(size_t n)
{
    return must_fail() ? NULL : note(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : note(__real_calloc(n, size));
}

/* What was not noted before (the test's own) is not noted after. */
static void *moved(const void *from, bool was_noted, void *to)
{
    return to != NULL && (from == NULL || was_noted) ? note(to) : to;
}

void *__wrap_realloc(void *p, size_t n)
{
    if (must_fail()) {
        return NULL;
    }
    const void *from = p;
    bool was_noted = forget(p);
    return moved(from, was_noted, __real_realloc(p, n));
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    const void *from = p;
    bool was_noted = forget(p);
    return moved(from, was_noted, __real_reallocarray(p, n, size));
}

int __wrap_posix_memalign(void **out, size_t align, size_t n)
{
    if (must_fail()) {
        return ENOMEM;
    }
    int rc = __real_posix_memalign(out, align, n);
    if (rc == 0) {
        (void)note(*out);
    }
    return rc;
}

char *__wrap_strdup(const char *s)
{
    return must_fail() ? NULL : note(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
    return must_fail() ? NULL : note(__real_strndup(s, n));
}

void __wrap_free(void *p)
{
    (void)forget(p);
    __real_free(p);
}

void *__wrap_sodium_malloc(size_t n)
{
    return must_fail() ? NULL : note(__real_sodium_malloc(n));
}

void __wrap_sodium_free(void *p)
{
    (void)forget(p);
    __real_sodium_free(p);
}

struct libdeflate_decompressor *__wrap_libdeflate_alloc_decompressor(void)
{
    return must_fail() ? NULL : note(__real_libdeflate_alloc_decompressor());
}

void __wrap_libdeflate_free_decompressor(struct libdeflate_decompressor *d)
{
    (void)forget(d);
    __real_libdeflate_free_decompressor(d);
}

/* libyaml allocates inside its own library: here it says itself that it had no memory. */
int __wrap_yaml_parser_initialize(yaml_parser_t *y)
{
    if (must_fail()) {
        memset(y, 0, sizeof *y);
        y->error = YAML_MEMORY_ERROR;
        return 0;
    }
    return __real_yaml_parser_initialize(y);
}

int __wrap_yaml_parser_load(yaml_parser_t *y, yaml_document_t *doc)
{
    if (must_fail()) {
        memset(doc, 0, sizeof *doc);
        y->error = YAML_MEMORY_ERROR;
        return 0;
    }
    return __real_yaml_parser_load(y, doc);
}
