/*
 * libkulla without memory: each allocation of a call fails once, in turn. The call says
 * KL_E_NOMEM, gives nothing out, and works when it is called again. Linked with --wrap.
 */
#include "kulla/kulla.h"

#include "extract/worker.h"
#include "os/tool.h"
#include "kt.h"
#include "libkulla_files.h"

#define NEVER UINT64_MAX

static uint64_t countdown = NEVER; /* allocations until one fails */

static bool fails(void)
{
    return countdown != NEVER && countdown-- == 0;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

static struct kl_engine *engine;
static struct kl_scanner *scanner;
static struct kl_finding *finding;
static char *json;
static char *leak;
static size_t leak_len;
static struct kl_err err;

static enum kl_rc make_engine(void)
{
    static char program[4096];
    struct kl_engine_opts opts = {.size_bytes = sizeof opts,
                                  .indexes = &good_index,
                                  .n_indexes = 1,
                                  .packs = "al",
                                  .program = program};

    (void)!readlink("/proc/self/exe", program, sizeof program - 1);
    return kl_engine_new(&opts, &engine, &err);
}

static enum kl_rc make_scanner(void)
{
    return kl_scanner_new(engine, &scanner, &err);
}

static enum kl_rc make_finding(void)
{
    return kl_scanner_bytes(scanner, leak, leak_len, "doc", &finding, &err);
}

static enum kl_rc make_json(void)
{
    return kl_finding_json_get(finding, &json, NULL, &err);
}

/* Until a run in which nothing failed. @return how many allocations one run has */
static uint64_t exhaust(enum kl_rc (*call)(void), void *const *out)
{
    for (uint64_t n = 0;; n++) {
        countdown = n;
        enum kl_rc rc = call();
        bool failed = countdown == NEVER; /* it went below 0 */
        countdown = NEVER;
        if (!failed) {
            printf("# %llu allocations\n", (unsigned long long)n);
            KT_EQ(rc, KL_OK);
            return n;
        }
        KT_EQ(rc, KL_E_NOMEM);
        KT_EQ(err.rc, KL_E_NOMEM);
        KT_OK(*out == NULL && strlen(err.what) > 5);
        if (rc == KL_OK) {
            return n;
        }
    }
}

KT_TEST(every_allocation_may_fail)
{
    KT_OK(exhaust(make_engine, (void *const *)&engine) > 5);
    KT_OK(exhaust(make_scanner, (void *const *)&scanner) > 3);
    KT_OK(exhaust(make_finding, (void *const *)&finding) > 3);
    KT_EQ(kl_finding_verdict_get(finding), KL_VERDICT_BLOCK);
    KT_OK(exhaust(make_json, (void *const *)&json) > 0);
    free(json);
    kl_finding_free(&finding);
    kl_scanner_free(&scanner);
    kl_engine_free(&engine);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "tool") == 0) {
        return kl_tool_role_main();
    }
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "extract") == 0) {
        return kl_extract_worker_main();
    }
    if (getenv("KULLA_EMULATED") != NULL) { /* tools/test, arm64 under qemu-user */
        puts("TAP version 13\n1..0 # SKIP no caged worker under user-mode emulation");
        return 0;
    }
    make_folder();
    leak = leak_text(&leak_len);
    int status = kt_run(argc, argv);
    free(leak);
    return status;
}
