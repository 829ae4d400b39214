#include "register/table_input.h"

#include "extract/session.h"
#include "register/csv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOT_IN_FILE UINT32_MAX

struct reading {
    const struct kl_schema *schema;
    const struct kl_table_sink *sink;
    struct kl_err *err;
    struct kl_csv *csv; /* of the open table; NULL between parts */
    bool is_sheet;
    bool have_header;
    unsigned n_tables;
    size_t n_fields; /* of the header */
    uint32_t field_of[KL_SCHEMA_MAX_COLUMNS];
    struct kl_span fields[KL_SCHEMA_MAX_COLUMNS];
    uint64_t bytes;
};

static bool name_eq(struct kl_span a, const char *name)
{
    a = kl_span_trim(a);
    if (a.len >= 3 && memcmp(a.ptr, "\xEF\xBB\xBF", 3) == 0) {
        a = kl_span_part(a, 3, a.len);
    }
    return a.len == strlen(name) && strncasecmp((const char *)a.ptr, name, a.len) == 0;
}

static enum kl_rc read_header(struct reading *r, const struct kl_csv_row *row)
{
    for (unsigned c = 0; c < r->schema->n_columns; c++) {
        const char *name = r->schema->columns[c].name;
        r->field_of[c] = NOT_IN_FILE;
        for (size_t f = 0; f < row->n_fields; f++) {
            if (!name_eq(row->fields[f], name)) {
                continue;
            }
            if (r->field_of[c] != NOT_IN_FILE) {
                return kl_fail(r->err, KL_E_FORMAT, "the header has column %s twice", name);
            }
            r->field_of[c] = (uint32_t)f;
        }
        if (r->field_of[c] == NOT_IN_FILE && kl_schema_is_indexed(&r->schema->columns[c])) {
            return kl_fail(r->err, KL_E_FORMAT,
                           "the header row lacks column %s of the schema; mend one of the two",
                           name);
        }
    }
    r->n_fields = row->n_fields;
    r->have_header = true;
    return KL_OK;
}

static enum kl_rc on_row(void *ctx, const struct kl_csv_row *row)
{
    struct reading *r = ctx;
    size_t n = row->n_fields;

    if (row->reject != NULL) {
        return r->sink->reject(r->sink->ctx, row->line, row->reject);
    }
    if (!r->have_header) {
        return read_header(r, row);
    }
    if (r->is_sheet) { /* a sheet leaves out empty cells at the end of a row */
        bool empty = true;
        for (size_t i = 0; i < n && empty; i++) {
            empty = row->fields[i].len == 0;
        }
        if (empty) {
            return KL_OK;
        }
    } else if (n != r->n_fields) {
        return r->sink->reject(r->sink->ctx, row->line,
                               n < r->n_fields ? "fewer fields than the header has"
                                               : "more fields than the header has");
    }
    for (unsigned c = 0; c < r->schema->n_columns; c++) {
        uint32_t f = r->field_of[c];
        r->fields[c] = f < n ? row->fields[f] : kl_span_make("", 0);
    }
    return r->sink->row(r->sink->ctx, r->fields, row->line);
}

/* Only the document itself or its sheets are tables; decoded runs and other members are not. */
static bool is_table_part(const struct kl_event *ev)
{
    if (ev->part_kind == KL_PART_TABLE) {
        return true;
    }
    return ev->part_kind == KL_PART_TEXT && ev->text.len == 0;
}

/* What is left of such a workbook can be read, but a sheet may be lost or a cell wrong. */
static bool is_damage(const char *anomaly)
{
    return strcmp(anomaly, "zip.truncated") == 0 || strcmp(anomaly, "zip.central") == 0 ||
           strcmp(anomaly, "zip.crc") == 0;
}

static enum kl_rc end_table(struct reading *r)
{
    enum kl_rc rc = KL_OK;

    if (r->csv != NULL) {
        rc = kl_csv_finish(r->csv);
        r->n_tables += r->have_header;
        kl_csv_free(&r->csv);
    }
    return rc;
}

static enum kl_rc on_event(struct reading *r, const struct kl_event *ev)
{
    switch (ev->kind) {
    case KL_EVENT_PART_BEGIN:
        KL_TRY(end_table(r));
        if (is_table_part(ev)) {
            r->is_sheet = ev->part_kind == KL_PART_TABLE;
            r->have_header = false;
            return kl_csv_new(r->is_sheet ? '\t' : 0, !r->is_sheet, on_row, r, &r->csv);
        }
        return KL_OK;
    case KL_EVENT_BLOCK:
        r->bytes += ev->text.len;
        if (r->csv != NULL) {
            KL_TRY(kl_csv_feed(r->csv, ev->text));
        }
        return r->sink->progress != NULL ? r->sink->progress(r->sink->ctx, r->bytes) : KL_OK;
    case KL_EVENT_PART_END:
        return end_table(r);
    case KL_EVENT_NOT_INSPECTED:
        return kl_fail(r->err, KL_E_FORMAT,
                       "part of the file cannot be read (%s); no index is made from a part",
                       kl_reason_name(ev->reason));
    case KL_EVENT_ANOMALY:
        return !is_damage(ev->code)
                   ? KL_OK
                   : kl_fail(r->err, KL_E_FORMAT,
                             "the workbook is cut off or damaged; no index is made from a part");
    case KL_EVENT_NONE:
    case KL_EVENT_DONE:
        break;
    }
    return KL_OK;
}

static enum kl_rc read_events(struct reading *r, struct kl_session *session)
{
    struct kl_event ev = {.kind = KL_EVENT_NONE};

    while (ev.kind != KL_EVENT_DONE) {
        KL_TRY(kl_session_next(session, &ev, r->err));
        KL_TRY(on_event(r, &ev));
    }
    if (r->n_tables == 0) {
        return kl_fail(r->err, KL_E_FORMAT, "there is no table with a header row in the file");
    }
    return KL_OK;
}

enum kl_rc kl_table_input_read(struct kl_session *session, const char *path,
                               const struct kl_schema *schema, const struct kl_table_sink *sink,
                               uint64_t *out_bytes, struct kl_err *err)
{
    struct stat st;
    enum kl_rc rc;
    struct reading *r = calloc(1, sizeof *r);

    if (r == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    r->schema = schema;
    r->sink = sink;
    r->err = err;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        rc = kl_fail_errno(err, "cannot open the input file");
    } else if (!S_ISREG(st.st_mode)) {
        rc = kl_fail(err, KL_E_IO, "the input is not a regular file");
    } else {
        rc = kl_session_submit(session, fd, (uint64_t)st.st_size, err);
        if (rc == KL_OK) {
            rc = read_events(r, session);
            if (rc != KL_OK) {
                kl_session_cancel(session);
            }
        }
        *out_bytes = (uint64_t)st.st_size;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    kl_csv_free(&r->csv);
    free(r);
    return rc;
}
