/* The whole salary register as a workbook, as in December 2021. */
#include "register/csv.h"
#include "register/synth_model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define READ_BYTES 262144u
#define CELL_BYTES 256u
#define N_COLUMNS 9u /* of salaries.csv */
#define N_WRITTEN 8u /* on each sheet */
#define SALARY 7u
#define PHONE 8u

static const char *const sheet_name[3] = {"Janar", "Prill", "Shtojca"};
/* Positions in salaries.csv; one sheet: as the register has them, without phone. */
static const uint8_t order_one[N_WRITTEN] = {0, 1, 2, 3, 4, 5, 6, 7};
static const uint8_t order_three[3][N_WRITTEN] = {
    {5, 3, 1, 2, 0, 7, 6, 4}, {0, 1, 3, 8, 7, 6, 5, 4}, {3, 2, 1, 7, 4, 5, 0, 6}};

struct workbook {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_error error;
    const uint8_t *order;
    uint64_t n_rows; /* data rows in the file */
    uint64_t row;    /* data rows written */
    uint32_t sheet_row;
    unsigned pieces;
    unsigned piece; /* sheets begun */
    bool counting;  /* first pass */
    kl_synth_progress *progress;
    void *progress_ctx;
};

static void note(struct workbook *w, lxw_error e)
{
    w->error = w->error == LXW_NO_ERROR ? e : w->error;
}

static void cell_write(struct workbook *w, uint16_t col, uint8_t from, struct kl_span cell,
                       bool head)
{
    char text[CELL_BYTES];
    size_t n = cell.len < sizeof text - 1 ? cell.len : sizeof text - 1;
    if (!head && (from == SALARY || from == PHONE)) {
        double v = 0; /* as Excel has it: the 0 of the phone is lost */
        for (size_t i = 0; i < n; i++) {
            v = v * 10 + (cell.ptr[i] & 15);
        }
        if (n > 0) {
            note(w, worksheet_write_number(w->sheet, w->sheet_row, col, v, NULL));
        }
        return;
    }
    memcpy(text, cell.ptr, n);
    text[n] = '\0';
    note(w, worksheet_write_string(w->sheet, w->sheet_row, col, text, NULL));
}

static void names_split(struct kl_span name[static N_COLUMNS])
{
    const char *h = kl_synth_header(KL_SYNTH_SALARIES);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        size_t n = strcspn(h, ",");
        name[i] = kl_span_make(h, n);
        h += n + (h[n] == ',');
    }
}

static enum kl_rc header_check(const struct kl_csv_row *row)
{
    struct kl_span name[N_COLUMNS];
    bool same = true;
    names_split(name);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        same = same && kl_span_eq(name[i], row->fields[i]);
    }
    return same ? KL_OK : KL_E_FORMAT;
}

static enum kl_rc sheet_begin(struct workbook *w)
{
    struct kl_span name[N_COLUMNS];
    names_split(name);
    w->sheet = workbook_add_worksheet(w->book, w->pieces == 1 ? "Paga" : sheet_name[w->piece]);
    if (w->sheet == NULL) {
        return KL_E_NOMEM;
    }
    w->order = w->pieces == 1 ? order_one : order_three[w->piece];
    w->piece++;
    w->sheet_row = 0;
    for (uint16_t i = 0; i < N_WRITTEN; i++) {
        cell_write(w, i, w->order[i], name[w->order[i]], true);
    }
    return KL_OK;
}

static enum kl_rc row_take(void *ctx, const struct kl_csv_row *row)
{
    struct workbook *w = ctx;
    if (row->reject != NULL || row->n_fields != N_COLUMNS) {
        return KL_E_FORMAT;
    }
    if (row->line == 1) {
        return header_check(row);
    }
    if (w->counting) {
        w->n_rows++;
        return KL_OK;
    }
    if (w->piece < w->pieces && w->row >= w->n_rows * w->piece / w->pieces) {
        KL_TRY(sheet_begin(w));
    }
    w->row++;
    w->sheet_row++;
    for (uint16_t i = 0; i < N_WRITTEN; i++) {
        cell_write(w, i, w->order[i], row->fields[w->order[i]], false);
    }
    if (w->progress != NULL && (w->row & 0x3FFF) == 0) {
        w->progress(w->progress_ctx, "workbook", w->row, w->n_rows);
    }
    return w->error == LXW_NO_ERROR ? KL_OK : KL_E_IO;
}

static enum kl_rc pass_run(struct workbook *w, const char *csv_path, struct kl_err *err)
{
    struct kl_csv *csv = NULL;
    uint8_t *buf = malloc(READ_BYTES);
    enum kl_rc rc = KL_E_NOMEM;
    int fd = open(csv_path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        rc = kl_fail_errno(err, "cannot open the salaries register: make it with kulla synth");
    } else if (buf != NULL) {
        rc = kl_csv_new(',', true, row_take, w, &csv);
    }
    while (rc == KL_OK) {
        ssize_t n = read(fd, buf, READ_BYTES);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rc = kl_fail_errno(err, "cannot read the salaries register: check the medium");
        } else if (n == 0) {
            rc = kl_csv_finish(csv);
            break;
        } else {
            rc = kl_csv_feed(csv, kl_span_make(buf, (size_t)n));
        }
    }
    kl_csv_free(&csv);
    free(buf);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (rc == KL_E_FORMAT) {
        return kl_fail(err, rc, "this is no salaries.csv of kulla synth: make one");
    }
    return rc;
}

enum kl_rc kl_synth_leak_workbook(const char *csv_path, const char *out_path, bool shared,
                                  unsigned pieces, kl_synth_progress *progress, void *progress_ctx,
                                  struct kl_err *err)
{
    struct workbook w = {.pieces = pieces == 3 ? 3 : 1,
                         .counting = true,
                         .progress = progress,
                         .progress_ctx = progress_ctx};
    lxw_workbook_options options = {.constant_memory = shared ? LXW_FALSE : LXW_TRUE};
    lxw_doc_properties when = {.created =
                                   1640167920}; /* 22 December 2021: the same bytes each time */

    KL_TRY(pass_run(&w, csv_path, err));
    if (w.n_rows / w.pieces >= LXW_ROW_MAX - 2) {
        return kl_fail(err, KL_E_LIMIT, "a sheet ends at 1048576 rows: take three pieces");
    }
    w.counting = false;
    w.book = workbook_new_opt(out_path, &options);
    if (w.book == NULL) {
        return kl_fail(err, KL_E_NOMEM, "no memory for the workbook: take inline strings");
    }
    note(&w, workbook_set_properties(w.book, &when));
    enum kl_rc rc = pass_run(&w, csv_path, err);
    if (w.piece == 0 && rc == KL_OK) {
        rc = sheet_begin(&w);
    }
    lxw_error closed = workbook_close(w.book);
    if (rc == KL_OK && (w.error != LXW_NO_ERROR || closed != LXW_NO_ERROR)) {
        rc = KL_E_IO;
    }
    if (rc != KL_OK) {
        (void)unlink(out_path);
        return kl_fail(err, rc, "cannot write the workbook: check the free space");
    }
    return KL_OK;
}
