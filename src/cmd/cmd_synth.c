#include "cmd/cmd_synth.h"

#include "register/synth.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: kulla synth --people N --seed S --out DIR [--leaks all|none] [--format text|json]\n"
    "\n"
    "Make a synthetic nation: DIR/{civil,salaries,vehicles,voters}.csv with a .yaml schema each,\n"
    "and DIR/leaks/, one file for every way in which such a register leaks, each with its truth.\n"
    "Nobody in it exists: all are born in 1900-1909 or 2090-2099. The same N and S give the same\n"
    "bytes everywhere.\n"
    "\n"
    "  --people N     100 to 10000000 (default 100000)\n"
    "  --seed S       a whole number (default 1)\n"
    "  --out DIR      made when absent\n"
    "  --leaks WHICH  all (default) or none\n"
    "  --format F     text (default) or json\n";

struct args {
    struct kl_synth_opts opts;
    bool json;
};

static int wrong(const char *what)
{
    (void)fprintf(stderr, "kulla: synth: %s: see kulla synth --help\n", what);
    return 2;
}

static bool number_parse(const char *s, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno != 0 || end == s || *end != '\0' || s[0] == '-' || v > max) {
        return false;
    }
    *out = v;
    return true;
}

static void progress_show(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    (void)ctx;
    unsigned percent = total == 0 ? 0 : (unsigned)(done * 100 / total);
    (void)fprintf(stderr, "\r\033[K%s %u %%", what, percent);
    (void)fflush(stderr);
}

/* -1: go on; else the exit code. */
static int args_parse(int argc, char **argv, struct args *a)
{
    static const struct option options[] = {{"people", required_argument, NULL, 'p'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"leaks", required_argument, NULL, 'l'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    uint64_t v = 0;
    int c;
    opterr = 0;
    optind = 1;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, before any other starts */
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'p':
            if (!number_parse(optarg, KL_SYNTH_MAX_PEOPLE, &v) || v < KL_SYNTH_MIN_PEOPLE) {
                return wrong("--people takes a number from 100 to 10000000");
            }
            a->opts.n_people = (uint32_t)v;
            break;
        case 's':
            if (!number_parse(optarg, UINT64_MAX, &a->opts.seed)) {
                return wrong("--seed takes a whole number");
            }
            break;
        case 'o':
            a->opts.out_dir = optarg;
            break;
        case 'l':
            a->opts.leaks = strcmp(optarg, "all") == 0;
            if (!a->opts.leaks && strcmp(optarg, "none") != 0) {
                return wrong("--leaks takes all or none");
            }
            break;
        case 'f':
            a->json = strcmp(optarg, "json") == 0;
            if (!a->json && strcmp(optarg, "text") != 0) {
                return wrong("--format takes text or json");
            }
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return 0;
        default:
            return wrong("unknown option or missing value");
        }
    }
    if (optind != argc) {
        return wrong("it takes no further words");
    }
    return a->opts.out_dir == NULL ? wrong("--out DIR is missing") : -1;
}

int kl_cmd_synth(int argc, char **argv)
{
    struct args a = {.opts = {.n_people = 100000, .seed = 1, .leaks = true}};
    struct kl_synth_counts n = {0};
    struct kl_err err = {0};
    bool live = isatty(STDERR_FILENO) == 1;

    int code = args_parse(argc, argv, &a);
    if (code >= 0) {
        return code;
    }
    a.opts.progress = live ? progress_show : NULL;
    enum kl_rc rc = kl_synth_nation(&a.opts, &n, &err);
    if (live) {
        (void)fputs("\r\033[K", stderr);
    }
    if (rc != KL_OK) {
        (void)fprintf(stderr, "kulla: synth: %s%s%s\n",
                      err.what[0] != '\0' ? err.what : kl_rc_name(rc),
                      err.sys_errno != 0 ? ": " : "",
                      err.sys_errno != 0 ? strerrordesc_np(err.sys_errno) : "");
        return 3;
    }
    const char *form =
        a.json ? "{\"civil\":%" PRIu64 ",\"salaries\":%" PRIu64 ",\"vehicles\":%" PRIu64
                 ",\"voters\":%" PRIu64 ",\"leak_files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n"
               : "civil     %9" PRIu64 " rows\nsalaries  %9" PRIu64 " rows\nvehicles  %9" PRIu64
                 " rows\nvoters    %9" PRIu64 " rows\nleaks     %9" PRIu64
                 " files\ntables    %9" PRIu64 " bytes\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int printed = printf(form, n.civil_rows, n.salaries_rows, n.vehicles_rows, n.voters_rows,
                         n.leak_files, n.bytes);
#pragma GCC diagnostic pop
    return printed < 0 || fflush(stdout) != 0 ? 3 : 0;
}
