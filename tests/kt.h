/*
 * The unit-test harness: TAP 13, self-registering tests, goes on after a failure.
 *
 *   KT_TEST(every_truncation_is_refused) { KT_EQ(f(x), 3); KT_OK(cond); KT_MEM(got, want, n); }
 *   KT_MAIN()
 *
 * Run with an argument to filter by substring.
 */
#ifndef KT_H
#define KT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kt_test {
    const char *name;
    void (*run)(void);
    struct kt_test *next;
};

static struct kt_test *kt_first;
static struct kt_test **kt_last = &kt_first;
static unsigned kt_failures;
static const char *kt_skipped;

#define KT_TEST(id)                                                                                \
    static void id(void);                                                                          \
    static struct kt_test kt_test_##id = {#id, id, NULL};                                          \
    __attribute__((constructor)) static void kt_add_##id(void)                                     \
    {                                                                                              \
        *kt_last = &kt_test_##id;                                                                  \
        kt_last = &kt_test_##id.next;                                                              \
    }                                                                                              \
    static void id(void)

#define KT_FAIL(...)                                                                               \
    do {                                                                                           \
        kt_failures++;                                                                             \
        printf("# %s:%d: ", __FILE__, __LINE__);                                                   \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
    } while (0)

#define KT_OK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            KT_FAIL("not true: %s", #cond);                                                        \
        }                                                                                          \
    } while (0)

#define KT_EQ(got, want)                                                                           \
    do {                                                                                           \
        long long kt_g_ = (long long)(got);                                                        \
        long long kt_w_ = (long long)(want);                                                       \
        if (kt_g_ != kt_w_) {                                                                      \
            KT_FAIL("%s is %lld, not %lld", #got, kt_g_, kt_w_);                                   \
        }                                                                                          \
    } while (0)

#define KT_STR(got, want)                                                                          \
    do {                                                                                           \
        const char *kt_g_ = (got);                                                                 \
        const char *kt_w_ = (want);                                                                \
        if (kt_g_ == NULL || strcmp(kt_g_, kt_w_) != 0) {                                          \
            KT_FAIL("%s is \"%s\", not \"%s\"", #got, kt_g_ == NULL ? "(null)" : kt_g_, kt_w_);    \
        }                                                                                          \
    } while (0)

#define KT_MEM(got, want, n)                                                                       \
    do {                                                                                           \
        const unsigned char *kt_g_ = (const unsigned char *)(got);                                 \
        const unsigned char *kt_w_ = (const unsigned char *)(want);                                \
        for (size_t kt_i_ = 0; kt_i_ < (size_t)(n); kt_i_++) {                                     \
            if (kt_g_[kt_i_] != kt_w_[kt_i_]) {                                                    \
                KT_FAIL("%s differs at byte %zu: %02x, not %02x", #got, kt_i_, kt_g_[kt_i_],       \
                        kt_w_[kt_i_]);                                                             \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* Say why a test cannot run here; it counts as skipped. */
#define KT_SKIP(why)                                                                               \
    do {                                                                                           \
        kt_skipped = (why);                                                                        \
        return;                                                                                    \
    } while (0)

static int kt_run(int argc, char **argv)
{
    unsigned n = 0;
    unsigned bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("TAP version 13\n");
    for (struct kt_test *t = kt_first; t != NULL; t = t->next) {
        if (argc > 1 && strstr(t->name, argv[1]) == NULL) {
            continue;
        }
        kt_failures = 0;
        kt_skipped = NULL;
        t->run();
        n++;
        bad += kt_failures > 0;
        if (kt_skipped != NULL && kt_failures == 0) {
            printf("ok %u %s # SKIP %s\n", n, t->name, kt_skipped);
        } else {
            printf("%s %u %s\n", kt_failures > 0 ? "not ok" : "ok", n, t->name);
        }
    }
    printf("1..%u\n", n);
    return bad > 0 ? 1 : 0;
}

#define KT_MAIN()                                                                                  \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return kt_run(argc, argv);                                                                 \
    }

#endif
