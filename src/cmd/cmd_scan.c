#include "cmd/cmd.h"

#include "base/limits.h"
#include "cmd/password_file.h"
#include "cmd/scan_run.h"
#include "os/signals.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS 256u
static const char remedy[] = "see 'kulla help scan'";

struct options {
    const char *indexes[KL_MAX_INDEXES];
    const char *keys[KL_MAX_INDEXES]; /* NULL: none was given behind the index */
    size_t n_indexes;
    const char *lone_key; /* given before any index, or the only one */
    size_t n_keys;
    const char *packs;
    const char *policy;
    const char *baseline;
    const char *passwords;
    unsigned n_jobs;
    bool ocr;
    struct kl_scan_out_opts out;
};

/* What a scan holds open. */
struct scan {
    struct kl_passwords passwords;
    struct kl_policy policy;
    struct kl_baseline baseline;
    struct kl_inspect *ctx;
    struct kl_scan_out *out;
};

static int add_index(struct options *o, const char *path)
{
    if (o->n_indexes == KL_MAX_INDEXES) {
        return kl_cmd_wrong("more than 64 indexes", "kulla scan", "scan in several runs");
    }
    o->indexes[o->n_indexes++] = path;
    return -1;
}

static int add_key(struct options *o, const char *path)
{
    size_t last = o->n_indexes;

    o->n_keys++;
    if (last > 0 && o->keys[last - 1] == NULL) {
        o->keys[last - 1] = path;
    } else if (o->n_keys > 1) {
        return kl_cmd_wrong("a --key without its --index", path, "give --index R --key K in pairs");
    }
    o->lone_key = path;
    return -1;
}

static int read_fail_on(struct options *o, const char *name)
{
    if (!kl_verdict_parse(name, &o->out.fail_on) || o->out.fail_on == KL_VERDICT_PASS) {
        return kl_cmd_wrong("unknown verdict for --fail-on", name,
                            "use not_inspected, log, hold or block");
    }
    return -1;
}

static int read_jobs(struct options *o, const char *text)
{
    char *end = NULL;
    unsigned long v = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < 1 || v > MAX_JOBS) {
        return kl_cmd_wrong("not a number of jobs", text, "use 1 to 256");
    }
    o->n_jobs = (unsigned)v;
    return -1;
}

static int read_format(struct options *o, const char *name)
{
    static const char *const names[] = {"text", "json", "sarif"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            o->out.format = (enum kl_scan_format)i;
            return -1;
        }
    }
    return kl_cmd_wrong("unknown format", name, "use text, json or sarif");
}

static int read_ocr(struct options *o, const char *text)
{
    o->ocr = strcmp(text, "on") == 0;
    if (!o->ocr && strcmp(text, "off") != 0) {
        return kl_cmd_wrong("neither on nor off for --ocr", text, "use on or off");
    }
    return -1;
}

/* -1: go on; else the exit code. */
static int read_option(struct options *o, int c, const char *value)
{
    switch (c) {
    case 'i':
        return add_index(o, value);
    case 'k':
        return add_key(o, value);
    case 'F':
        return read_fail_on(o, value);
    case 'j':
        return read_jobs(o, value);
    case 'f':
        return read_format(o, value);
    case 'p':
        o->packs = value;
        break;
    case 'P':
        o->policy = value;
        break;
    case 'b':
        o->baseline = value;
        break;
    case 'B':
        o->out.write_baseline = value;
        break;
    case 'a':
        o->out.all = true;
        break;
    case 'w':
        o->passwords = value;
        break;
    case 'O':
        return read_ocr(o, value);
    default: /* 'o' */
        o->out.out_path = value;
        break;
    }
    return -1;
}

static int check_keys(struct options *o)
{
    if (o->n_indexes == 0 && o->n_keys > 0) {
        return kl_cmd_wrong("a --key without an --index", "kulla scan",
                            "give --index R --key K in pairs");
    }
    for (size_t i = 0; i < o->n_indexes; i++) {
        if (o->keys[i] != NULL) {
            continue;
        }
        if (o->n_keys != 1) {
            return kl_cmd_wrong("an --index without its --key", o->indexes[i],
                                "give --index R --key K in pairs, or one --key for all");
        }
        o->keys[i] = o->lone_key;
    }
    return -1;
}

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"index", required_argument, NULL, 'i'},
        {"key", required_argument, NULL, 'k'},
        {"packs", required_argument, NULL, 'p'},
        {"policy", required_argument, NULL, 'P'},
        {"fail-on", required_argument, NULL, 'F'},
        {"jobs", required_argument, NULL, 'j'},
        {"format", required_argument, NULL, 'f'},
        {"out", required_argument, NULL, 'o'},
        {"all", no_argument, NULL, 'a'},
        {"ocr", required_argument, NULL, 'O'},
        {"passwords", required_argument, NULL, 'w'},
        {"baseline", required_argument, NULL, 'b'},
        {"write-baseline", required_argument, NULL, 'B'},
        {NULL, 0, NULL, 0},
    };
    optind = 0; /* glibc: start anew, also with another argv */
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet */
    for (int c = 0; (c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1;) {
        int code =
            c == '?' || c == ':' ? kl_cmd_bad_option(c, argv, remedy) : read_option(o, c, optarg);
        if (code >= 0) {
            return code;
        }
    }
    int code = check_keys(o);
    if (code >= 0) {
        return code;
    }
    if (optind == argc) {
        return kl_cmd_wrong("no PATH", "kulla scan", remedy);
    }
    size_t n_stdin = 0;
    for (int i = optind; i < argc; i++) {
        n_stdin += strcmp(argv[i], "-") == 0;
    }
    return n_stdin > 1 ? kl_cmd_wrong("stdin (-) given twice", "kulla scan", "give it once") : -1;
}

/* -1: all is open; else the exit code. */
static int open_scan(struct options *o, struct scan *s)
{
    struct kl_inspect_index indexes[KL_MAX_INDEXES];
    struct kl_err err = {0};
    size_t failed = o->n_indexes;

    kl_policy_default(&s->policy);
    if (o->policy != NULL && kl_policy_read(o->policy, &s->policy, &err) != KL_OK) {
        return kl_cmd_failed(o->policy, &err);
    }
    if (o->baseline != NULL) {
        if (kl_baseline_read(o->baseline, &s->baseline, &err) != KL_OK) {
            return kl_cmd_failed(o->baseline, &err);
        }
        o->out.baseline = &s->baseline;
    }
    if (o->passwords != NULL && kl_password_file_read(o->passwords, &s->passwords, &err) != KL_OK) {
        return kl_cmd_failed(o->passwords, &err);
    }
    for (size_t i = 0; i < o->n_indexes; i++) {
        indexes[i] = (struct kl_inspect_index){o->indexes[i], o->keys[i]};
    }
    const struct kl_inspect_opts opts = {.indexes = indexes,
                                         .n_indexes = o->n_indexes,
                                         .packs = o->packs,
                                         .policy = &s->policy,
                                         .passwords = &s->passwords};
    if (kl_inspect_new(&opts, &s->ctx, &failed, &err) != KL_OK) {
        return kl_cmd_failed(failed < o->n_indexes ? o->indexes[failed] : NULL, &err);
    }
    if (kl_stop_install(&err) != KL_OK) {
        return kl_cmd_failed(NULL, &err);
    }
    s->out = kl_scan_out_new(&o->out);
    return s->out != NULL ? -1 : KL_EXIT_FAILED;
}

static int exit_code(const struct kl_scan_totals *t, enum kl_scan_end end, bool written)
{
    if (end == KL_SCAN_FAILED || !written) {
        return KL_EXIT_FAILED;
    }
    if (t->n_failing > 0) {
        return KL_EXIT_FOUND;
    }
    if (end != KL_SCAN_COMPLETE) {
        return KL_EXIT_FAILED;
    }
    return t->n_gaps > 0 ? KL_EXIT_NOT_INSPECTED : KL_EXIT_DONE;
}

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned default_jobs(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > (long)MAX_JOBS ? MAX_JOBS : (unsigned)n;
}

int kl_cmd_scan(int argc, char **argv)
{
    struct options o = {.out = {.fail_on = KL_VERDICT_LOG}, .n_jobs = default_jobs(), .ocr = true};
    struct scan s = {0};

    if (kl_cmd_help(kl_usage_scan, argc, argv)) {
        return kl_cmd_flush(KL_EXIT_DONE);
    }
    int code = read_options(argc, argv, &o);
    if (code >= 0) {
        return code;
    }
    code = open_scan(&o, &s);
    if (code < 0) {
        struct kl_scan_totals totals = {0};
        double start = now_seconds();
        const struct kl_scan_opts opts = {.ctx = s.ctx,
                                          .policy = &s.policy,
                                          .paths = argv + optind,
                                          .n_paths = (size_t)(argc - optind),
                                          .n_jobs = o.n_jobs,
                                          .ocr = o.ocr};
        enum kl_scan_end end = kl_scan_run(&opts, s.out);
        bool written =
            kl_scan_out_end(&s.out, end <= KL_SCAN_MISSING, now_seconds() - start, &totals);
        code = exit_code(&totals, end, written);
    }
    kl_inspect_free(&s.ctx);
    kl_baseline_done(&s.baseline);
    kl_policy_done(&s.policy);
    kl_passwords_done(&s.passwords);
    return code;
}
