#include "register/build.h"

#include "extract/session.h"
#include "match/index.h"
#include "register/index_write.h"
#include "register/row_prints.h"
#include "register/table_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct build {
    const struct kl_build_opts *opts;
    struct kl_build_report *report;
    struct kl_row_prints *prints;
    FILE *rejects;
    size_t input;
    uint64_t bytes_before; /* of the inputs that are done */
    uint64_t bytes_total;
    struct kl_err *err;
};

static double now_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum kl_rc note(struct build *b, uint64_t line, const char *column, const char *reason)
{
    if (b->rejects == NULL) {
        return KL_OK;
    }
    int n = column == NULL
                ? fprintf(b->rejects, "%s:%llu: %s\n", b->opts->inputs[b->input],
                          (unsigned long long)line, reason)
                : fprintf(b->rejects, "%s:%llu: column %s: %s\n", b->opts->inputs[b->input],
                          (unsigned long long)line, column, reason);
    return n >= 0 ? KL_OK : kl_fail_errno(b->err, "cannot write the rejects file");
}

static enum kl_rc on_reject(void *ctx, uint64_t line, const char *reason)
{
    struct build *b = ctx;
    struct kl_build_report *r = b->report;

    r->n_rows_read++;
    r->n_rows_rejected++;
    if (r->n_rejects < KL_BUILD_REJECTS_SHOWN) {
        r->rejects[r->n_rejects++] = (struct kl_build_reject){b->input, line, reason};
    }
    return note(b, line, NULL, reason);
}

static enum kl_rc on_row(void *ctx, const struct kl_span *fields, uint64_t line)
{
    struct build *b = ctx;
    uint64_t unusable = 0;

    enum kl_rc rc = kl_row_prints_add(b->prints, fields, &unusable);
    if (rc == KL_E_FORMAT) {
        return on_reject(b, line, "no key and no complete anchor: nothing to find the row by");
    }
    for (uint64_t m = unusable; m != 0 && rc == KL_OK; m &= m - 1) {
        unsigned column = b->prints->slot_column[__builtin_ctzll(m)];
        rc = note(b, line, b->prints->schema->columns[column].name,
                  "not a value of the column's type; the row is kept without it");
    }
    b->report->n_rows_read++;
    return rc;
}

static enum kl_rc on_progress(void *ctx, uint64_t bytes_done)
{
    struct build *b = ctx;

    if (b->opts->progress != NULL &&
        b->opts->progress(b->opts->user, b->report->n_rows_read, b->bytes_before + bytes_done,
                          b->bytes_total)) {
        return kl_fail(b->err, KL_E_MORE, "stopped; no index was written");
    }
    return KL_OK;
}

static enum kl_rc read_inputs(struct build *b, const struct kl_schema *schema)
{
    const struct kl_table_sink sink = {b, on_row, on_reject, on_progress};
    const struct kl_session_opts so = {.program = NULL};
    struct kl_session *session = NULL;
    enum kl_rc rc = kl_session_new(&so, &session, b->err);

    for (size_t i = 0; rc == KL_OK && i < b->opts->n_inputs; i++) {
        struct stat st;
        b->bytes_total += stat(b->opts->inputs[i], &st) == 0 ? (uint64_t)st.st_size : 0;
    }
    for (size_t i = 0; rc == KL_OK && i < b->opts->n_inputs; i++) {
        uint64_t bytes = 0;
        b->input = i;
        rc = kl_table_input_read(session, b->opts->inputs[i], schema, &sink, &bytes, b->err);
        b->bytes_before += bytes;
    }
    kl_session_free(&session);
    if (rc == KL_OK) {
        rc = kl_row_prints_flush(b->prints);
    }
    if (rc == KL_OK && b->prints->n_rows == 0) {
        rc = kl_fail(b->err, KL_E_FORMAT, "no row could be used; see the rejected rows");
    }
    return rc == KL_OK ? KL_OK
                       : kl_fail(b->err, rc, "the index cannot be built (%s)", kl_rc_name(rc));
}

/* @param header  with its columns and anchors behind it */
static enum kl_rc describe(const struct kl_index_header *h, struct kl_build_report *r)
{
    const struct kl_index_column *columns = (const struct kl_index_column *)(const void *)(h + 1);
    const struct kl_index_anchor *anchors =
        (const struct kl_index_anchor *)(const void *)(columns + h->n_columns);

    (void)snprintf(r->name, sizeof r->name, "%.63s", h->name);
    for (size_t i = 0; i < sizeof h->index_id; i++) {
        (void)snprintf(r->index_id + 2 * i, 3, "%02x", h->index_id[i]);
    }
    memcpy(r->key_id, h->key_id, sizeof h->key_id);
    r->key_id[16] = '\0';
    r->n_rows_indexed = h->n_rows;
    r->n_bytes = h->file_bytes;
    r->columns = calloc(h->n_columns, sizeof *r->columns);
    if (r->columns == NULL) {
        return KL_E_NOMEM;
    }
    r->n_columns = h->n_columns;
    for (uint32_t i = 0; i < h->n_columns; i++) {
        static const char *const roles[] = {"",          "key",       "key-dense", "identity",
                                            "attribute", "exclusive", "ignore"};
        const struct kl_index_column *c = &columns[i];
        struct kl_build_column *out = &r->columns[i];
        (void)snprintf(out->name, sizeof out->name, "%.63s", c->name);
        (void)snprintf(out->type, sizeof out->type, "%s", kl_type_name((enum kl_type)c->type));
        (void)snprintf(out->role, sizeof out->role, "%s",
                       (c->flags & KL_INDEX_SPECIAL) != 0 ? "special" : roles[c->role]);
        out->n_cells = c->n_filled;
        if (c->slot == KL_INDEX_NO_SLOT || c->n_filled == 0) {
            continue;
        }
        /* What the column costs: its sketch cells, its rarity table, its share of the anchors. */
        double bytes = 2.0 * (double)h->n_rows + (double)(1ull << h->rarity_log2);
        for (uint32_t a = 0; a < h->n_anchors; a++) {
            for (uint32_t k = 0; k < anchors[a].n_columns; k++) {
                if (anchors[a].columns[k] == i) {
                    bytes +=
                        (double)anchors[a].n_buckets * KL_INDEX_BUCKET_BYTES / anchors[a].n_columns;
                }
            }
        }
        out->cell_bytes = bytes / (double)c->n_filled;
    }
    return KL_OK;
}

enum kl_rc kl_build_info(const char *path, struct kl_build_report *out, struct kl_err *err)
{
    struct kl_index *ix = NULL;
    struct kl_build_report r = {.n_rows_read = 0};

    KL_TRY(kl_index_open(path, NULL, &ix, err));
    enum kl_rc rc = describe(ix->head, &r);
    kl_index_free(&ix);
    if (rc != KL_OK) {
        return kl_fail(err, rc, "out of memory");
    }
    *out = r;
    return KL_OK;
}

static enum kl_rc open_rejects(struct build *b)
{
    if (b->opts->rejects_path == NULL) {
        return KL_OK;
    }
    b->rejects = fopen(b->opts->rejects_path, "we");
    return b->rejects != NULL ? KL_OK : kl_fail_errno(b->err, "cannot make the rejects file");
}

static enum kl_rc close_rejects(struct build *b, enum kl_rc rc)
{
    if (b->rejects != NULL && fclose(b->rejects) != 0 && rc == KL_OK) {
        rc = kl_fail_errno(b->err, "cannot write the rejects file");
    }
    b->rejects = NULL;
    return rc;
}

static enum kl_rc prepare(struct build *b, struct kl_schema *schema, struct kl_key **key)
{
    _Alignas(64) struct kl_prf prf;

    KL_TRY(kl_schema_read(b->opts->schema_path, schema, b->err));
    KL_TRY(kl_key_read(b->opts->key_path, key, b->err));
    kl_key_prf(*key, schema->name, &prf);
    enum kl_rc rc = kl_row_prints_new(schema, &prf, &b->prints);
    kl_prf_done(&prf);
    return rc == KL_OK ? open_rejects(b) : kl_fail(b->err, rc, "out of memory");
}

enum kl_rc kl_build(const struct kl_build_opts *opts, struct kl_build_report *out,
                    struct kl_err *err)
{
    struct kl_build_report report = {.n_rows_read = 0};
    struct build b = {.opts = opts, .report = &report, .err = err};
    struct kl_key *key = NULL;
    double start = now_seconds();
    uint8_t *header = NULL;
    enum kl_rc rc;

    struct kl_schema *schema = calloc(1, sizeof *schema);
    if (schema == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    rc = prepare(&b, schema, &key);
    if (rc == KL_OK) {
        rc = close_rejects(&b, read_inputs(&b, schema));
    }
    if (rc == KL_OK) {
        rc = kl_index_write(b.prints, key, opts->out_path, &header, err);
    }
    if (rc == KL_OK) {
        rc = describe((const struct kl_index_header *)(const void *)header, &report);
        if (rc != KL_OK) {
            rc = kl_fail(err, rc, "out of memory for the report; the index is written");
        }
    }
    if (rc == KL_OK) {
        report.n_in_bytes = b.bytes_before;
        report.seconds = now_seconds() - start;
        *out = report;
    }
    if (rc != KL_OK && b.rejects != NULL) {
        rc = close_rejects(&b, rc);
    }
    kl_row_prints_free(&b.prints);
    kl_key_free(&key);
    free(header);
    free(schema);
    return rc;
}

void kl_build_report_done(struct kl_build_report *r)
{
    free(r->columns);
    *r = (struct kl_build_report){.n_rows_read = 0};
}
