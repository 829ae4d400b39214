/* libkulla as an embedder meets it: public headers only, but for the register it is tried on. */
#include "kulla/kulla.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "extract/worker.h"
#include "os/tool.h"
#include "json_check.h"
#include "kt.h"
#include "libkulla_files.h"

static const char *self_path(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    path[n > 0 ? n : 0] = '\0';
    return path;
}

static struct kl_engine_opts opts_of(const struct kl_inspect_index *ix)
{
    return (struct kl_engine_opts){
        .size_bytes = sizeof(struct kl_engine_opts),
        .indexes = ix,
        .n_indexes = ix != NULL,
        .program = self_path(),
    };
}

static struct kl_engine *engine_of(const struct kl_engine_opts *opts)
{
    struct kl_engine *e = NULL;
    struct kl_err err;

    if (kl_engine_new(opts, &e, &err) != KL_OK) {
        printf("Bail out! %s\n", err.what);
        exit(1);
    }
    KT_EQ(err.rc, KL_OK);
    return e;
}

static struct kl_scanner *scanner_of(const struct kl_engine *e)
{
    struct kl_scanner *s = NULL;
    struct kl_err err;

    if (kl_scanner_new(e, &s, &err) != KL_OK) {
        printf("Bail out! %s\n", err.what);
        exit(1);
    }
    return s;
}

/* The engine most tests use, and a scanner of it. */
static struct kl_engine *the_engine;
static struct kl_scanner *the_scanner;

static struct kl_finding *scan(const char *bytes, size_t len)
{
    struct kl_finding *f = NULL;
    struct kl_err err;

    KT_EQ(kl_scanner_bytes(the_scanner, bytes, len, "doc", &f, &err), KL_OK);
    KT_STR(err.what, "");
    if (f == NULL) {
        abort();
    }
    return f;
}

static void check_leak(const struct kl_finding *f, uint64_t len)
{
    struct kl_finding_bytes b = kl_finding_bytes_get(f);
    const struct kl_finding_register *r = kl_finding_register_get(f, 0);
    uint64_t cells = 0;

    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_BLOCK);
    KT_STR(kl_finding_rule_get(f), "block.rows (small)");
    KT_EQ(b.seen, len);
    KT_EQ(b.inspected, len);
    KT_EQ(b.not_inspected, 0);
    KT_EQ(kl_finding_is_partial(f), 0);
    if (r == NULL) {
        KT_FAIL("no register was found");
        return;
    }
    KT_STR(kl_finding_register_name_get(r), "small");
    KT_EQ(kl_finding_register_rows_get(r), LEAK_ROWS);
    KT_OK(kl_finding_register_log10_chance_get(r) < -100);
    KT_STR(kl_finding_column_get(r, 0, &cells), "nid");
    KT_EQ(cells, LEAK_ROWS);
    KT_STR(kl_finding_column_get(r, 1, NULL), "given");
    KT_OK(kl_finding_column_get(r, 60, &cells) == NULL);
    KT_OK(kl_finding_register_get(f, 1) == NULL);
    KT_OK(kl_finding_gap_get(f, 0, NULL, NULL) == NULL);
    KT_OK(kl_finding_identifier_get(f, 0, NULL) == NULL);
}

KT_TEST(a_leak_in_memory_in_a_file_and_behind_a_descriptor_is_one_finding)
{
    size_t len;
    char *leak = leak_text(&len);
    struct kl_finding *f = scan(leak, len);
    struct kl_err err;

    check_leak(f, len);
    kl_finding_free(&f);
    KT_OK(f == NULL);

    write_file("leak.csv", leak, len, 0600);
    KT_EQ(kl_scanner_path(the_scanner, in_folder("leak.csv"), &f, &err), KL_OK);
    check_leak(f, len);
    kl_finding_free(&f);

    int fd = open(in_folder("leak.csv"), O_RDWR | O_CLOEXEC);
    KT_EQ(lseek(fd, 100, SEEK_SET), 100);
    KT_EQ(kl_scanner_fd(the_scanner, fd, "upload", &f, &err), KL_OK);
    check_leak(f, len);
    KT_EQ(lseek(fd, 0, SEEK_CUR), 100); /* neither used nor moved */
    kl_finding_free(&f);
    (void)close(fd);

    fd = memfd_create("host", MFD_CLOEXEC);
    KT_EQ(write(fd, leak, len), (ssize_t)len);
    KT_EQ(kl_scanner_fd(the_scanner, fd, "upload", &f, NULL), KL_OK);
    check_leak(f, len);
    kl_finding_free(&f);
    (void)close(fd);
    free(leak);
}

KT_TEST(what_is_clean_passes)
{
    struct kl_finding *f = scan("nothing to see here\n", 20);
    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_PASS);
    KT_STR(kl_finding_rule_get(f), "");
    KT_OK(kl_finding_register_get(f, 0) == NULL);
    kl_finding_free(&f);

    f = scan(NULL, 0);
    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_PASS);
    KT_EQ(kl_finding_bytes_get(f).seen, 0);
    kl_finding_free(&f);
}

KT_TEST(what_cannot_be_read_is_not_clean_and_says_why)
{
    static const char pdf[] = "%PDF-1.4\n\x01\x02\x03\xff\xfe\x00\x00\x00 stream";
    struct kl_finding *f = scan(pdf, sizeof pdf - 1);
    const char *at = NULL;
    uint64_t bytes = 0;

    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_NOT_INSPECTED);
    KT_STR(kl_finding_gap_get(f, 0, &at, &bytes), "format");
    KT_STR(at, "");
    KT_EQ(bytes, sizeof pdf - 1);
    KT_EQ(kl_finding_bytes_get(f).not_inspected, sizeof pdf - 1);
    KT_STR(kl_finding_gap_get(f, 0, NULL, NULL), "format");
    KT_OK(kl_finding_gap_get(f, 1, &at, &bytes) == NULL);
    kl_finding_free(&f);
}

KT_TEST(json_is_one_line_of_the_contract)
{
    size_t n;
    char *leak = leak_text(&n);
    struct kl_finding *f = scan(leak, n);
    char *json = NULL;
    size_t len = 0;
    struct kl_err err;

    KT_EQ(kl_finding_json_get(f, &json, &len, &err), KL_OK);
    KT_EQ(strlen(json), len);
    KT_OK(len > 2 && json[len - 1] == '\n' && memchr(json, '\n', len - 1) == NULL);
    KT_OK(json_is_valid(json, len - 1));
    KT_OK(strncmp(json, "{\"path\":\"doc\",\"verdict\":\"block\"", 31) == 0);
    free(json);
    KT_EQ(kl_finding_json_get(f, &json, NULL, NULL), KL_OK);
    free(json);

    json = NULL;
    KT_EQ(kl_finding_json_get(NULL, &json, &len, &err), KL_E_USE);
    KT_EQ(kl_finding_json_get(f, NULL, &len, &err), KL_E_USE);
    KT_OK(json == NULL && err.rc == KL_E_USE && strstr(err.what, "; ") != NULL);
    kl_finding_free(&f);
    kl_finding_free(&f);
    kl_finding_free(NULL);
    free(leak);
}

KT_TEST(packs_find_identifiers_without_an_index)
{
    struct kl_engine_opts opts = opts_of(NULL);
    size_t len;
    char *leak = leak_text(&len);
    struct kl_finding *f = NULL;
    uint64_t n = 0;

    opts.packs = "al";
    struct kl_engine *e = engine_of(&opts);
    struct kl_scanner *s = scanner_of(e);
    KT_EQ(kl_scanner_bytes(s, leak, len, "doc", &f, NULL), KL_OK);
    KT_STR(kl_finding_identifier_get(f, 0, &n), "al.nid");
    KT_EQ(n, LEAK_ROWS);
    KT_OK(kl_finding_identifier_get(f, 60, &n) == NULL);
    kl_finding_free(&f);
    kl_scanner_free(&s);
    kl_engine_free(&e);
    free(leak);
}

KT_TEST(a_policy_file_decides)
{
    struct kl_engine_opts opts = opts_of(&good_index);
    static const char yaml[] = "allow:\n  - {path: \"home/*\", register: small, max_rows: 1000}\n";
    size_t len;
    char *leak = leak_text(&len);
    struct kl_finding *f = NULL;

    opts.policy_path = write_file("policy.yaml", yaml, sizeof yaml - 1, 0600);
    struct kl_engine *e = engine_of(&opts);
    struct kl_scanner *s = scanner_of(e);
    KT_EQ(kl_scanner_bytes(s, leak, len, "home/pay.csv", &f, NULL), KL_OK);
    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_PASS);
    kl_finding_free(&f);
    KT_EQ(kl_scanner_bytes(s, leak, len, "away/pay.csv", &f, NULL), KL_OK);
    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_BLOCK);
    kl_finding_free(&f);
    kl_scanner_free(&s);
    kl_engine_free(&e);
    free(leak);
}

/* ---- errors ---- */

static struct kl_err last;

static enum kl_rc try_engine(const struct kl_engine_opts *opts)
{
    struct kl_engine *e = NULL;

    memset(&last, 0x55, sizeof last); /* a caller need not clear it */
    enum kl_rc rc = kl_engine_new(opts, &e, &last);
    KT_OK((rc == KL_OK) == (e != NULL));
    KT_EQ(last.rc, rc);
    KT_OK(rc == KL_OK || strlen(last.what) > 10);
    kl_engine_free(&e);
    return rc;
}

static enum kl_rc try_index(const char *index, const char *key)
{
    const struct kl_inspect_index two[2] = {good_index, {index, key}};
    struct kl_engine_opts opts = opts_of(two);

    opts.n_indexes = 2;
    return try_engine(&opts);
}

KT_TEST(wrong_options_are_wrong_use)
{
    static struct kl_inspect_index many[65];
    struct kl_engine_opts opts = opts_of(&good_index);

    KT_EQ(try_engine(&opts), KL_OK);
    KT_EQ(kl_engine_new(&opts, NULL, &last), KL_E_USE);
    KT_EQ(try_engine(NULL), KL_E_USE);
    opts.size_bytes = 0;
    KT_EQ(try_engine(&opts), KL_E_USE);
    opts.size_bytes = sizeof opts - 1;
    KT_EQ(try_engine(&opts), KL_E_USE);
    opts.size_bytes = SIZE_MAX;
    KT_EQ(try_engine(&opts), KL_E_USE);

    opts = opts_of(NULL);
    KT_EQ(try_engine(&opts), KL_E_USE);
    opts.packs = "";
    KT_EQ(try_engine(&opts), KL_E_USE);
    opts.n_indexes = 1;
    KT_EQ(try_engine(&opts), KL_E_USE);

    KT_EQ(try_index(NULL, good_index.key_path), KL_E_USE);
    KT_EQ(last.at_item, 2);
    KT_EQ(try_index(good_index.index_path, ""), KL_E_USE);
    KT_EQ(last.at_item, 2);

    opts = opts_of(&good_index);
    opts.program = "kulla";
    KT_EQ(try_engine(&opts), KL_E_USE);

    for (size_t i = 0; i < 65; i++) {
        many[i] = good_index;
    }
    opts = opts_of(many);
    opts.n_indexes = 64;
    KT_EQ(try_engine(&opts), KL_OK);
    opts.n_indexes = 65;
    KT_EQ(try_engine(&opts), KL_E_LIMIT);
}

KT_TEST(options_of_a_later_version_are_taken_while_they_are_unset)
{
    struct {
        struct kl_engine_opts opts;
        uint64_t later;
    } o = {opts_of(&good_index), 0};

    o.opts.size_bytes = sizeof o;
    KT_EQ(try_engine(&o.opts), KL_OK);
    o.later = 1;
    KT_EQ(try_engine(&o.opts), KL_E_USE);
}

KT_TEST(an_index_or_key_that_is_wrong_is_named)
{
    const char *junk = write_file("junk.kidx", "no index at all", 15, 0600);
    KT_EQ(try_index(junk, good_index.key_path), KL_E_FORMAT);
    KT_EQ(last.at_item, 2);
    KT_EQ(try_index(in_folder("none.kidx"), good_index.key_path), KL_E_IO);
    KT_EQ(last.at_item, 2);
    KT_EQ(last.sys_errno, ENOENT);
    KT_OK(strstr(last.what, "; ") != NULL);
    KT_EQ(try_index(good_index.index_path, write_key("other.key", 9, 0600)), KL_E_KEY);
    KT_EQ(last.at_item, 2);
    KT_EQ(try_index(good_index.index_path, write_key("open.key", 1, 0644)), KL_E_KEY);
}

KT_TEST(a_policy_or_pack_that_is_wrong_is_said)
{
    struct kl_engine_opts opts = opts_of(&good_index);

    opts.policy_path = write_file("bad.yaml", "allow: []\nnonsense: 1\n", 22, 0600);
    KT_EQ(try_engine(&opts), KL_E_FORMAT);
    KT_EQ(last.at_line, 2);
    opts.policy_path = in_folder("none.yaml");
    KT_EQ(try_engine(&opts), KL_E_IO);
    opts.policy_path = NULL;
    opts.packs = "zz";
    KT_EQ(try_engine(&opts), KL_E_FORMAT);
    KT_EQ(last.at_item, 0);
}

KT_TEST(a_worker_program_that_is_wrong_is_said_when_the_engine_starts)
{
    struct kl_engine_opts opts = opts_of(&good_index);
    char script[5000];

    opts.program = "/nowhere/kulla";
    KT_EQ(try_engine(&opts), KL_E_IO);
    KT_EQ(last.sys_errno, ENOENT);
    opts.program = "/bin/true";
    KT_EQ(try_engine(&opts), KL_E_IO);
    KT_OK(strstr(last.what, "worker program") != NULL);
    int n = snprintf(script, sizeof script, "#!/bin/sh\nexec '%s' --other\n", self_path());
    opts.program = write_file("kulla", script, (size_t)n, 0700);
    KT_EQ(try_engine(&opts), KL_E_VERSION);
    KT_OK(strstr(last.what, kl_version()) != NULL);
}

KT_TEST(wrong_arguments_of_a_scanner_are_wrong_use)
{
    struct kl_scanner *s = NULL;
    struct kl_finding *f = NULL;
    int ends[2];

    KT_EQ(kl_scanner_new(NULL, &s, &last), KL_E_USE);
    KT_EQ(kl_scanner_new(the_engine, NULL, &last), KL_E_USE);
    KT_EQ(kl_scanner_bytes(NULL, "x", 1, "doc", &f, &last), KL_E_USE);
    KT_EQ(kl_scanner_bytes(the_scanner, "x", 1, NULL, &f, &last), KL_E_USE);
    KT_EQ(kl_scanner_bytes(the_scanner, "x", 1, "doc", NULL, &last), KL_E_USE);
    KT_EQ(kl_scanner_bytes(the_scanner, NULL, 1, "doc", &f, &last), KL_E_USE);
    KT_EQ(kl_scanner_path(the_scanner, NULL, &f, &last), KL_E_USE);
    KT_EQ(kl_scanner_path(the_scanner, "/tmp", &f, &last), KL_E_USE);
    KT_EQ(kl_scanner_path(the_scanner, in_folder("none"), &f, &last), KL_E_IO);
    KT_EQ(last.sys_errno, ENOENT);
    KT_EQ(kl_scanner_fd(the_scanner, -1, "doc", &f, &last), KL_E_USE);
    KT_EQ(pipe2(ends, O_CLOEXEC), 0);
    KT_EQ(kl_scanner_fd(the_scanner, ends[0], "doc", &f, &last), KL_E_USE);
    KT_OK(f == NULL && strstr(last.what, "; ") != NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
    kl_scanner_free(&s);
    kl_scanner_free(NULL);
    kl_engine_free(NULL);
    f = scan("good again", 10);
    kl_finding_free(&f);
}

/* ---- the host ---- */

KT_TEST(a_stop_ends_one_document_and_no_more)
{
    size_t len;
    char *leak = leak_text(&len);

    kl_scanner_stop(the_scanner);
    struct kl_finding *f = scan(leak, len);
    KT_EQ(kl_finding_is_partial(f), 1);
    KT_STR(kl_finding_gap_get(f, 0, NULL, NULL), "stopped");
    KT_OK(kl_finding_gap_get(f, 1, NULL, NULL) == NULL);
    KT_EQ(kl_finding_bytes_get(f).not_inspected, len);
    kl_finding_free(&f);
    f = scan(leak, len);
    check_leak(f, len);
    kl_finding_free(&f);
    free(leak);
}

/* The host's descriptors as a set; all others must be close-on-exec and no standard stream. */
static uint64_t open_set(void)
{
    uint64_t set = 0;
    for (int fd = 0; fd < 64; fd++) {
        set |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    }
    return set;
}

KT_TEST(the_host_is_left_as_it_was)
{
    struct kl_engine_opts opts = opts_of(&good_index);
    struct sigaction before[32] = {0};
    sigset_t mask_before;
    sigset_t mask;
    uint64_t set = open_set();
    locale_t mine = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    locale_t old = uselocale(mine);

    for (int i = 1; i < 32; i++) {
        (void)sigaction(i, NULL, &before[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    struct kl_engine *e = engine_of(&opts);
    KT_EQ(open_set(), set); /* the worker that was tried is gone, and indexes hold none */
    struct kl_scanner *s = scanner_of(e);
    for (int fd = 0; fd < 64; fd++) {
        if ((set >> fd & 1) == 0 && fcntl(fd, F_GETFD) >= 0) {
            KT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
            KT_OK(fd > 2);
        }
    }
    struct kl_finding *f = NULL;
    KT_EQ(kl_scanner_bytes(s, "x", 1, "doc", &f, NULL), KL_OK);
    KT_OK(uselocale((locale_t)0) == mine);
    for (int i = 1; i < 32; i++) {
        struct sigaction now = {0};
        (void)sigaction(i, NULL, &now);
        KT_OK(now.sa_handler == before[i].sa_handler && now.sa_flags == before[i].sa_flags);
    }
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < 32; i++) {
        KT_EQ(sigismember(&mask, i), sigismember(&mask_before, i));
    }
    kl_finding_free(&f);
    kl_scanner_free(&s);
    kl_engine_free(&e);
    KT_EQ(open_set(), set);
    KT_OK(uselocale(old) == mine);
    freelocale(mine);
}

KT_TEST(a_host_that_ignores_its_children_does_no_harm)
{
    (void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
    struct kl_scanner *s = scanner_of(the_engine);
    kl_scanner_free(&s);
    (void)signal(SIGCHLD, SIG_DFL);
    struct kl_finding *f = scan("x", 1);
    kl_finding_free(&f);
}

KT_TEST(numbers_are_the_same_in_every_language)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "sq_AL.UTF-8", "de_DE"};
    struct kl_engine_opts opts = opts_of(&good_index);
    locale_t comma = (locale_t)0;
    size_t len;

    for (size_t i = 0; i < 4 && comma == (locale_t)0; i++) {
        comma = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
    }
    if (comma == (locale_t)0) {
        KT_SKIP("no locale with a decimal comma is installed");
    }
    locale_t old = uselocale(comma);
    opts.policy_path = write_file("half.yaml", "thresholds: {row_bits: 17.5}\n", 29, 0600);
    KT_EQ(try_engine(&opts), KL_OK);
    char *leak = leak_text(&len);
    struct kl_finding *f = scan(leak, len);
    char *json = NULL;
    KT_EQ(kl_finding_json_get(f, &json, &len, NULL), KL_OK);
    KT_OK(json_is_valid(json, len - 1));
    (void)uselocale(old);
    freelocale(comma);
    free(json);
    free(leak);
    kl_finding_free(&f);
}

static void *thread_main(void *ctx)
{
    size_t len;
    char *leak = leak_text(&len);
    struct kl_scanner *s = scanner_of(the_engine);

    for (int i = 0; i < 20; i++) {
        struct kl_finding *f = NULL;
        if (kl_scanner_bytes(s, leak, len, "doc", &f, NULL) == KL_OK &&
            kl_finding_verdict_get(f) == KL_VERDICT_BLOCK) {
            atomic_fetch_add((atomic_int *)ctx, 1);
        }
        kl_finding_free(&f);
    }
    kl_scanner_free(&s);
    free(leak);
    return NULL;
}

KT_TEST(threads_share_an_engine)
{
    pthread_t threads[3];
    atomic_int n_found = 0;

    for (size_t i = 0; i < 3; i++) {
        KT_EQ(pthread_create(&threads[i], NULL, thread_main, &n_found), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    KT_EQ(n_found, 60);
}

static void *make_scanner(void *ctx)
{
    *(struct kl_scanner **)ctx = scanner_of(the_engine);
    return NULL;
}

KT_TEST(a_scanner_outlives_the_thread_that_made_it)
{
    struct kl_scanner *s = NULL;
    struct kl_finding *f = NULL;
    pthread_t t;

    KT_EQ(pthread_create(&t, NULL, make_scanner, &s), 0);
    (void)pthread_join(t, NULL);
    siginfo_t info; /* its worker dies with the thread: wait for that, do not reap it */
    KT_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    KT_EQ(kl_scanner_bytes(s, "x", 1, "doc", &f, NULL), KL_OK);
    KT_EQ(kl_finding_is_partial(f), 0);
    KT_EQ(kl_finding_verdict_get(f), KL_VERDICT_PASS);
    kl_finding_free(&f);
    kl_scanner_free(&s);
}

/* ---- what callers were compiled with ---- */

KT_TEST(the_version_is_that_of_the_headers)
{
    char want[32];

    (void)snprintf(want, sizeof want, "%d.%d.%d", KULLA_VERSION_MAJOR, KULLA_VERSION_MINOR,
                   KULLA_VERSION_PATCH);
    KT_STR(kl_version(), want);
}

KT_TEST(names_of_codes_and_verdicts)
{
    static const char *const verdicts[] = {"pass", "not_inspected", "log", "hold", "block"};

    for (unsigned i = 0; i < 5; i++) {
        KT_STR(kl_verdict_name((enum kl_verdict)i), verdicts[i]);
    }
    for (unsigned i = 0; i <= KL_E_USE; i++) {
        KT_OK(strcmp(kl_rc_name((enum kl_rc)i), "unknown") != 0);
    }
    KT_EQ(KL_E_USE, 8);
}

KT_TEST(shapes_of_the_public_structs_have_not_moved)
{
    if (sizeof(void *) != 8) {
        KT_SKIP("written down for 64 bits");
    }
    KT_EQ(sizeof(struct kl_err), 192);
    KT_EQ(offsetof(struct kl_err, what), 32);
    KT_EQ(sizeof(struct kl_inspect_index), 16);
    KT_EQ(sizeof(struct kl_finding_bytes), 24);
    KT_EQ(sizeof(struct kl_engine_opts), 48);
    KT_EQ(offsetof(struct kl_engine_opts, program), 40);
}

KT_TEST(no_worker_is_left_behind)
{
    kl_scanner_free(&the_scanner);
    kl_engine_free(&the_engine);
    KT_OK(the_scanner == NULL && the_engine == NULL);
    KT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    KT_EQ(errno, ECHILD);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "tool") == 0) {
        return kl_tool_role_main();
    }
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "extract") == 0) {
        return kl_extract_worker_main();
    }
    if (argc == 2 && strcmp(argv[1], "--other") == 0) {
        return greet_as_another_version();
    }
    if (getenv("KULLA_EMULATED") != NULL) { /* tools/test, arm64 under qemu-user */
        puts("TAP version 13\n1..0 # SKIP no caged worker under user-mode emulation");
        return 0;
    }
    make_folder();
    struct kl_engine_opts opts = opts_of(&good_index);
    the_engine = engine_of(&opts);
    the_scanner = scanner_of(the_engine);
    return kt_run(argc, argv);
}
