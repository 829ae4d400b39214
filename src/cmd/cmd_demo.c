/*
 * kulla demo: the 2021 leak, replayed on a synthetic nation. Everything it shows is done by
 * the commands a user has; this file only makes the office around the leak and runs them.
 */
#include "cmd/cmd.h"
#include "cmd/cmd_synth.h"
#include "cmd/demo_office.h"
#include "register/synth.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEMO_PEOPLE 3000000ul
#define PATH_BYTES 1024

static const char *const registers[] = {"salaries", "voters", "vehicles", "civil"};
#define N_REGISTERS (sizeof registers / sizeof registers[0])

/* getopt wants words it could write to. */
static char w_keygen[] = "keygen";
static char w_register[] = "register";
static char w_build[] = "build";
static char w_scan[] = "scan";
static char w_schema[] = "--schema";
static char w_index[] = "--index";
static char w_key[] = "--key";
static char w_out[] = "-o";

struct demo {
    const char *dir;
    unsigned long people;
    char nation[PATH_BYTES];
    char office[PATH_BYTES];
    char key[PATH_BYTES];
};

static void say(const char *text)
{
    (void)printf("\n== %s\n", text);
    (void)fflush(stdout);
}

static double now_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int failed(const char *where, const struct kl_err *err)
{
    return kl_cmd_failed(where, err);
}

static int make_dirs(struct demo *d)
{
    struct kl_err err = {.rc = KL_OK};
    const char *const dirs[] = {d->dir, d->office};

    (void)snprintf(d->nation, sizeof d->nation, "%s/nation", d->dir);
    (void)snprintf(d->office, sizeof d->office, "%s/office", d->dir);
    (void)snprintf(d->key, sizeof d->key, "%s/keys/demo.key", d->dir);
    for (size_t i = 0; i < 2; i++) {
        if (mkdir(dirs[i], 0755) != 0 && errno != EEXIST) {
            (void)kl_fail_errno(&err, "cannot make the directory");
            return failed(dirs[i], &err);
        }
    }
    char keys[PATH_BYTES];
    (void)snprintf(keys, sizeof keys, "%s/keys", d->dir);
    if (mkdir(keys, 0700) != 0 && errno != EEXIST) {
        (void)kl_fail_errno(&err, "cannot make the directory");
        return failed(keys, &err);
    }
    return KL_EXIT_DONE;
}

static int make_nation(const struct demo *d)
{
    struct kl_err err = {.rc = KL_OK};
    struct kl_synth_counts counts;
    struct kl_synth_opts opts = {
        .n_people = (uint32_t)d->people, .seed = 2021, .out_dir = d->nation, .leaks = true};

    say("A nation of synthetic people (nobody in it exists)");
    if (kl_synth_nation(&opts, &counts, &err) != KL_OK) {
        return failed(d->nation, &err);
    }
    (void)printf("civil register %llu, salaries %llu, vehicles %llu, voters %llu rows\n",
                 (unsigned long long)counts.civil_rows, (unsigned long long)counts.salaries_rows,
                 (unsigned long long)counts.vehicles_rows, (unsigned long long)counts.voters_rows);
    return KL_EXIT_DONE;
}

static int make_indexes(const struct demo *d)
{
    say("Each register becomes a keyed index; the register itself is not needed again");
    if (access(d->key, F_OK) != 0) {
        char *argv[] = {w_keygen, (char *)(uintptr_t)d->key, NULL};
        int rc = kl_cmd_keygen(2, argv);
        if (rc != KL_EXIT_DONE) {
            return rc;
        }
    }
    for (size_t i = 0; i < N_REGISTERS; i++) {
        char schema[PATH_BYTES + 32];
        char csv[PATH_BYTES + 32];
        char out[PATH_BYTES + 32];
        (void)snprintf(schema, sizeof schema, "%s/%s.yaml", d->nation, registers[i]);
        (void)snprintf(csv, sizeof csv, "%s/%s.csv", d->nation, registers[i]);
        (void)snprintf(out, sizeof out, "%s/%s.kidx", d->dir, registers[i]);
        char *argv[] = {w_register, w_build, w_schema, schema, w_key, (char *)(uintptr_t)d->key,
                        w_out,      out,     csv,      NULL};
        optind = 0;
        int rc = kl_cmd_register(9, argv);
        if (rc != KL_EXIT_DONE) {
            return rc;
        }
    }
    return KL_EXIT_DONE;
}

static int make_leak(const struct demo *d)
{
    struct kl_err err = {.rc = KL_OK};
    char csv[PATH_BYTES + 32];
    char xlsx[PATH_BYTES + 32];

    say("An office: thousands of ordinary files, innocent look-alikes - and the leak");
    (void)snprintf(csv, sizeof csv, "%s/salaries.csv", d->nation);
    (void)snprintf(xlsx, sizeof xlsx, "%s/paga-dhjetor.xlsx", d->office);
    if (kl_synth_leak_workbook(csv, xlsx, false, 3, NULL, NULL, &err) != KL_OK) {
        return failed(xlsx, &err);
    }
    unsigned n_files = 0;
    if (kl_demo_office(d->nation, d->office, &n_files, &err) != KL_OK) {
        return failed(d->office, &err);
    }
    (void)printf("%u files in %s\n", n_files + 1, d->office);
    return KL_EXIT_DONE;
}

static int scan(const struct demo *d)
{
    char index[N_REGISTERS][PATH_BYTES + 32];
    char *argv[4 * N_REGISTERS + 4];
    int n = 0;

    say("kulla scan");
    argv[n++] = w_scan;
    for (size_t i = 0; i < N_REGISTERS; i++) {
        (void)snprintf(index[i], sizeof index[i], "%s/%s.kidx", d->dir, registers[i]);
        argv[n++] = w_index;
        argv[n++] = index[i];
        argv[n++] = w_key;
        argv[n++] = (char *)(uintptr_t)d->key;
    }
    argv[n++] = (char *)(uintptr_t)d->office;
    argv[n] = NULL;
    optind = 0;
    double start = now_seconds();
    int rc = kl_cmd_scan(n, argv);
    (void)printf("scanned in %.1f s\n", now_seconds() - start);
    if (rc == KL_EXIT_DONE) {
        return KL_EXIT_FAILED; /* the leak is there: a scan that passes it is broken */
    }
    return rc == KL_EXIT_FOUND ? KL_EXIT_DONE : rc;
}

const char kl_usage_demo[] =
    "usage: kulla demo [--dir DIR] [--people N]\n"
    "\n"
    "Replay the 2021 salary leak on a synthetic nation: make the nation, index its registers,\n"
    "drop a workbook made of three pieces among ordinary files, scan.\n"
    "\n"
    "  --dir DIR     where everything is made (default: var/demo)\n"
    "  --people N    size of the nation (default: 3000000)\n"
    "  --help        this text\n"
    "\n"
    "exit: 0 the leak was found · 2 wrong use · 3 could not do it\n";

int kl_cmd_demo(int argc, char **argv)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"people", required_argument, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    struct demo d = {.dir = "var/demo", .people = DEMO_PEOPLE};
    double start = now_seconds();
    int got;

    if (kl_cmd_help(kl_usage_demo, argc, argv)) {
        return kl_cmd_flush(KL_EXIT_DONE);
    }
    optind = 0;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs */
    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        char *end = NULL;
        if (got == 'd') {
            d.dir = optarg;
        } else if (got == 'p') {
            d.people = strtoul(optarg, &end, 10);
            if (*end != '\0' || d.people < 10000 || d.people > KL_SYNTH_MAX_PEOPLE) {
                return kl_cmd_wrong("--people is out of range", optarg, "use 10000 to 10000000");
            }
        } else {
            return kl_cmd_bad_option(got, argv, "see 'kulla demo --help'");
        }
    }
    if (optind < argc || strlen(d.dir) > PATH_BYTES - 64) {
        return kl_cmd_wrong("too many words or too long a path", "demo", "see 'kulla demo --help'");
    }
    if (strcmp(d.dir, "var/demo") == 0) {
        (void)mkdir("var", 0755); /* make_dirs says what is wrong when this did not help */
    }
    (void)snprintf(d.office, sizeof d.office, "%s/office", d.dir);
    int (*const steps[])(const struct demo *) = {make_nation, make_indexes, make_leak, scan};
    int rc = make_dirs(&d);
    for (size_t i = 0; rc == KL_EXIT_DONE && i < sizeof steps / sizeof steps[0]; i++) {
        rc = steps[i](&d);
    }
    (void)printf("\nall of it in %.0f s; everything lies in %s\n", now_seconds() - start, d.dir);
    return kl_cmd_flush(rc);
}
