#include "cmd/cmd.h"

#include "base/progress.h"
#include "finding/json.h"
#include "finding/write.h"
#include "os/signals.h"
#include "register/build.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char remedy[] = "see 'kulla help register'";

struct options {
    struct kl_build_opts build;
    bool json;
};

/* The progress line of a build, at most ten times a second. */
struct watch {
    struct kl_progress line;
    struct timespec start;
    double shown_at;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static bool on_progress(void *user, uint64_t n_rows, uint64_t bytes_done, uint64_t bytes_total)
{
    struct watch *w = user;
    double seconds = seconds_since(&w->start);

    if (seconds - w->shown_at >= 0.1) {
        w->shown_at = seconds;
        kl_progress_show(&w->line, &(struct kl_progress_state){.unit = "rows",
                                                               .n_done = n_rows,
                                                               .bytes_done = bytes_done,
                                                               .bytes_total = bytes_total,
                                                               .seconds = seconds});
    }
    return kl_stop_is_asked();
}

static bool read_format(const char *name, bool *out_json)
{
    *out_json = strcmp(name, "json") == 0;
    return *out_json || strcmp(name, "text") == 0;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"schema", required_argument, NULL, 's'}, {"key", required_argument, NULL, 'k'},
        {"out", required_argument, NULL, 'o'},    {"rejects", required_argument, NULL, 'r'},
        {"format", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0},
    };
    optind = 0; /* glibc: start anew, also with another argv */
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet */
    for (int c = 0; (c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1;) {
        switch (c) {
        case 's':
            o->build.schema_path = optarg;
            break;
        case 'k':
            o->build.key_path = optarg;
            break;
        case 'o':
            o->build.out_path = optarg;
            break;
        case 'r':
            o->build.rejects_path = optarg;
            break;
        case 'f':
            if (!read_format(optarg, &o->json)) {
                return kl_cmd_wrong("unknown format", optarg, "use text or json");
            }
            break;
        default:
            return kl_cmd_bad_option(c, argv, remedy);
        }
    }
    return -1;
}

static void print_json(const struct kl_build_report *r, struct kl_json *j)
{
    kl_json_object(j);
    kl_json_key(j, "register");
    kl_json_str(j, r->name);
    kl_json_key(j, "index");
    kl_json_str(j, r->index_id);
    kl_json_key(j, "key");
    kl_json_str(j, r->key_id);
    kl_json_key(j, "rows_read");
    kl_json_u64(j, r->n_rows_read);
    kl_json_key(j, "rows");
    kl_json_u64(j, r->n_rows_indexed);
    kl_json_key(j, "rows_rejected");
    kl_json_u64(j, r->n_rows_rejected);
    kl_json_key(j, "bytes");
    kl_json_u64(j, r->n_bytes);
    kl_json_key(j, "input_bytes");
    kl_json_u64(j, r->n_in_bytes);
    kl_json_key(j, "seconds");
    kl_json_f64(j, r->seconds, 6);
    kl_json_key(j, "columns");
    kl_json_array(j);
    for (size_t i = 0; i < r->n_columns; i++) {
        kl_json_object(j);
        kl_json_key(j, "name");
        kl_json_str(j, r->columns[i].name);
        kl_json_key(j, "type");
        kl_json_str(j, r->columns[i].type);
        kl_json_key(j, "role");
        kl_json_str(j, r->columns[i].role);
        kl_json_key(j, "cells");
        kl_json_u64(j, r->columns[i].n_cells);
        kl_json_key(j, "cell_bytes");
        kl_json_f64(j, r->columns[i].cell_bytes, 4);
        kl_json_end(j);
    }
    kl_json_end(j);
    kl_json_end(j);
}

static enum kl_rc print_text(const struct kl_build_report *r, struct kl_buf *out)
{
    KL_TRY(kl_buf_add_str(out, "register "));
    KL_TRY(kl_write_safe(kl_span_str(r->name), out));
    KL_TRY(kl_buf_addf(out, ", index %s, key %s\n  rows: ", r->index_id, r->key_id));
    KL_TRY(kl_write_count(r->n_rows_indexed, out));
    if (r->n_rows_read > 0) {
        KL_TRY(kl_buf_add_str(out, " indexed of "));
        KL_TRY(kl_write_count(r->n_rows_read, out));
        KL_TRY(kl_buf_add_str(out, " read, "));
        KL_TRY(kl_write_count(r->n_rows_rejected, out));
        KL_TRY(kl_buf_addf(out, " rejected, in %.1f s", r->seconds));
    }
    KL_TRY(kl_buf_add_str(out, "\n  size: "));
    KL_TRY(kl_write_size(r->n_bytes, out));
    KL_TRY(kl_buf_add_str(out, "\n  columns (role, type, cells, bytes per cell):\n"));
    for (size_t i = 0; i < r->n_columns; i++) {
        const struct kl_build_column *c = &r->columns[i];
        KL_TRY(kl_buf_add_str(out, "    "));
        KL_TRY(kl_write_safe(kl_span_str(c->name), out));
        KL_TRY(kl_buf_addf(out, ": %s, %s, ", c->role, c->type));
        KL_TRY(kl_write_count(c->n_cells, out));
        KL_TRY(kl_buf_addf(out, ", %.2f\n", c->cell_bytes));
    }
    return KL_OK;
}

static int print_report(const struct kl_build_report *r, bool as_json)
{
    struct kl_buf out;
    enum kl_rc rc = KL_OK;

    kl_buf_init(&out, 1u << 20);
    if (as_json) {
        struct kl_json j;
        kl_json_init(&j, &out);
        print_json(r, &j);
        rc = j.rc == KL_OK ? kl_buf_add_u8(&out, '\n') : j.rc;
    } else {
        rc = print_text(r, &out);
    }
    if (rc == KL_OK) {
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    kl_buf_done(&out);
    return rc == KL_OK ? kl_cmd_flush(KL_EXIT_DONE)
                       : kl_cmd_failed(NULL, &(struct kl_err){.rc = rc});
}

static void print_rejects(const struct kl_build_report *r, const struct kl_build_opts *o)
{
    for (size_t i = 0; i < r->n_rejects; i++) {
        char what[160];
        const struct kl_build_reject *x = &r->rejects[i];
        (void)snprintf(what, sizeof what, "row rejected, line %" PRIu64 ": %s", x->line, x->reason);
        kl_cmd_note(what, x->input < o->n_inputs ? o->inputs[x->input] : "", "");
    }
    if (r->n_rows_rejected > r->n_rejects) {
        char what[96];
        (void)snprintf(what, sizeof what, "%" PRIu64 " more rows rejected",
                       r->n_rows_rejected - r->n_rejects);
        kl_cmd_note(what, NULL,
                    o->rejects_path != NULL ? "all stand in the file of --rejects"
                                            : "give --rejects FILE to see all");
    }
}

static const char *missing(const struct kl_build_opts *o)
{
    return o->schema_path == NULL ? "no --schema"
           : o->key_path == NULL  ? "no --key"
           : o->out_path == NULL  ? "no -o"
           : o->n_inputs == 0     ? "no INPUT"
                                  : NULL;
}

static int run_build(int argc, char **argv)
{
    struct options o = {0};
    struct kl_err err = {0};
    struct kl_build_report report = {0};
    struct watch watch = {0};

    int code = read_options(argc, argv, &o);
    if (code >= 0) {
        return code;
    }
    o.build.inputs = (const char *const *)(argv + optind);
    o.build.n_inputs = (size_t)(argc - optind);
    if (missing(&o.build) != NULL) {
        return kl_cmd_wrong(missing(&o.build), "kulla register build", remedy);
    }
    if (kl_stop_install(&err) != KL_OK) {
        return kl_cmd_failed(NULL, &err);
    }
    kl_progress_init(&watch.line, STDERR_FILENO);
    (void)clock_gettime(CLOCK_MONOTONIC, &watch.start);
    o.build.progress = on_progress;
    o.build.user = &watch;
    enum kl_rc rc = kl_build(&o.build, &report, &err);
    kl_progress_clear(&watch.line);
    if (rc == KL_E_MORE) {
        kl_cmd_note("stopped before the end", o.build.out_path, "nothing was written");
        return KL_EXIT_FAILED;
    }
    if (rc != KL_OK) {
        return kl_cmd_failed(NULL, &err);
    }
    print_rejects(&report, &o.build);
    code = print_report(&report, o.json);
    kl_build_report_done(&report);
    return code;
}

static int run_info(int argc, char **argv)
{
    struct options o = {0};
    struct kl_err err = {0};
    struct kl_build_report report = {0};

    int code = read_options(argc, argv, &o);
    if (code >= 0) {
        return code;
    }
    if (o.build.schema_path != NULL || o.build.key_path != NULL || o.build.out_path != NULL ||
        o.build.rejects_path != NULL) {
        return kl_cmd_wrong("an option of register build", "kulla register info", remedy);
    }
    if (argc - optind != 1) {
        return kl_cmd_wrong(argc > optind ? "more than one index" : "no index",
                            "kulla register info", remedy);
    }
    if (kl_build_info(argv[optind], &report, &err) != KL_OK) {
        return kl_cmd_failed(argv[optind], &err);
    }
    code = print_report(&report, o.json);
    kl_build_report_done(&report);
    return code;
}

int kl_cmd_register(int argc, char **argv)
{
    if (kl_cmd_help(kl_usage_register, argc, argv)) {
        return kl_cmd_flush(KL_EXIT_DONE);
    }
    if (argc >= 2 && strcmp(argv[1], "build") == 0) {
        return run_build(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "info") == 0) {
        return run_info(argc - 1, argv + 1);
    }
    return kl_cmd_wrong(argc < 2 ? "neither build nor info" : "unknown part of register",
                        argc < 2 ? "kulla register" : argv[1], remedy);
}
