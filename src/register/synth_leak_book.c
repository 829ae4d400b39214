/* The recall list as workbooks, through libxlsxwriter. */
#include "register/synth_leak_int.h"

#include <stdio.h>
#include <xlsxwriter.h>

#define MAX_COLUMNS 10u

enum book_flag {
    INLINE_STRINGS = 1,
    NUMBERS = 2, /* phones and salaries are numbers: the leading 0 is gone */
    SERIAL_DATES = 4,
    FOUR_SHEETS = 8,
    HIDDEN_SHEET = 16, /* the visible sheet is harmless */
    HIDDEN_COLUMNS = 32,
    COMMENTS = 64, /* the cells are row numbers, the people stand in comments */
    THREE_PIECES = 128,
};

struct book_case {
    const char *file;
    const char *label;
    enum kl_synth_register reg;
    const char *columns;
    unsigned need;
    unsigned flags;
};

#define ALL9 "nid,given,father,family,employer_nipt,employer,profession,salary,phone"

static const struct book_case cases[] = {
    {"01-xlsx-shared.xlsx", "1a workbook, shared strings", KL_SYNTH_SALARIES, ALL9, 0, 0},
    {"01b-xlsx-inline.xlsx", "1b workbook, inline strings", KL_SYNTH_SALARIES, ALL9, 0,
     INLINE_STRINGS},
    {"01c-xlsx-numeric-phone.xlsx", "1c phones and salaries as numbers, no NID", KL_SYNTH_SALARIES,
     "phone,given,family,employer,salary", KL_SYNTH_NEED_PHONE, NUMBERS},
    {"01d-xlsx-serial-dates.xlsx", "1d birth dates as serials", KL_SYNTH_VOTERS,
     "given,father,family,birth_date", KL_SYNTH_NEED_UNIQUE, SERIAL_DATES},
    {"01e-xlsx-sheets.xlsx", "1e four sheets", KL_SYNTH_SALARIES,
     "nid,given,family,employer,salary", 0, FOUR_SHEETS},
    {"01f-xlsx-hidden-sheet.xlsx", "1f hidden sheet", KL_SYNTH_SALARIES,
     "nid,given,family,employer,salary", 0, HIDDEN_SHEET},
    {"01g-xlsx-hidden-columns.xlsx", "1g hidden columns", KL_SYNTH_SALARIES,
     "given,nid,family,phone,salary", 0, HIDDEN_COLUMNS | NUMBERS},
    {"01h-xlsx-comments.xlsx", "1h comments", KL_SYNTH_SALARIES, "nid,given,family,salary", 0,
     COMMENTS},
    {"01i-xlsx-shuffled.xlsx", "1i shuffled columns", KL_SYNTH_SALARIES,
     "salary,family,employer,phone,given,nid", 0, NUMBERS},
    {"01j-xlsx-three-pieces.xlsx", "1j three pieces, sheet 2 adds phone", KL_SYNTH_SALARIES,
     "nid,given,father,family,employer,salary,phone", 0, THREE_PIECES | NUMBERS},
    {"01k-xlsx-three-pieces-inline.xlsx", "1k three pieces, inline strings", KL_SYNTH_SALARIES,
     "nid,given,father,family,employer,salary,phone", 0, THREE_PIECES | INLINE_STRINGS},
};

static const char *const piece_columns[3] = {"employer,family,given,nid,salary,father",
                                             "nid,phone,salary,given,family,employer",
                                             "family,given,salary,employer,nid"};

struct book {
    struct kl_synth_leaker *l;
    const struct book_case *c;
    lxw_workbook *workbook;
    lxw_worksheet *sheet;
    lxw_format *date_format;
    struct kl_synth_text cell;
    lxw_error error;
};

static void note(struct book *b, lxw_error e)
{
    b->error = b->error == LXW_NO_ERROR ? e : b->error;
}

static void cell_write(struct book *b, const struct kl_synth_row *row, uint32_t no,
                       const char *name, uint32_t to_row, uint16_t to_col)
{
    bool phone = strcmp(name, "phone") == 0;
    bool number = (b->c->flags & NUMBERS) != 0 && (phone || strcmp(name, "salary") == 0);

    b->cell.buf.len = 0;
    kl_synth_cell_put(&b->cell, b->l, row, no, name, KL_SYNTH_AS_IS);
    kl_synth_text_char(&b->cell, '\0');
    if (b->cell.rc != KL_OK) {
        note(b, LXW_ERROR_MEMORY_MALLOC_FAILED);
        return;
    }
    const char *text = (const char *)b->cell.buf.ptr;
    if (strcmp(name, "birth_date") == 0 && (b->c->flags & SERIAL_DATES) != 0) {
        char iso[10];
        kl_synth_day_put(b->l->m->people[kl_synth_row_person(b->l->m, b->l->sample.reg, no)].day,
                         iso);
        lxw_datetime d = {.year = (iso[0] - '0') * 1000 + (iso[1] - '0') * 100 +
                                  (iso[2] - '0') * 10 + iso[3] - '0',
                          .month = (iso[5] - '0') * 10 + iso[6] - '0',
                          .day = (iso[8] - '0') * 10 + iso[9] - '0'};
        note(b, worksheet_write_datetime(b->sheet, to_row, to_col, &d, b->date_format));
    } else if (number && text[0] != '\0') {
        double v = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            v = v * 10 + (*text - '0');
        }
        note(b, worksheet_write_number(b->sheet, to_row, to_col, v, NULL));
    } else {
        note(b, worksheet_write_string(b->sheet, to_row, to_col, text, NULL));
    }
}

static void row_write(struct book *b, uint32_t no, const char *columns, uint32_t to_row)
{
    struct kl_synth_row row;
    uint16_t col = 0;
    char name[24];

    kl_synth_row_get(b->l->m, b->l->sample.reg, no, &row);
    for (const char *c = columns; *c != '\0'; col++) {
        size_t n = strcspn(c, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, c);
        cell_write(b, &row, no, name, to_row, col);
        c += n + (c[n] == ',');
    }
}

static void header_write(struct book *b, const char *columns)
{
    uint16_t col = 0;
    char name[24];
    for (const char *c = columns; *c != '\0'; col++) {
        size_t n = strcspn(c, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, c);
        note(b, worksheet_write_string(b->sheet, 0, col, name, NULL));
        c += n + (c[n] == ',');
    }
}

static void comment_write(struct book *b, uint32_t no, uint32_t to_row)
{
    static const char *const names[] = {"nid", "given", "family", "salary"};
    struct kl_synth_row row;
    kl_synth_row_get(b->l->m, b->l->sample.reg, no, &row);
    b->cell.buf.len = 0;
    for (unsigned i = 0; i < 4; i++) {
        kl_synth_text_str(&b->cell, i > 0 ? " " : "");
        kl_synth_cell_put(&b->cell, b->l, &row, no, names[i], KL_SYNTH_AS_IS);
    }
    kl_synth_text_char(&b->cell, '\0');
    note(b, worksheet_write_number(b->sheet, to_row, 0, to_row, NULL));
    if (b->cell.rc == KL_OK) {
        note(b, worksheet_write_comment(b->sheet, to_row, 0, (const char *)b->cell.buf.ptr));
    }
}

static bool sheet_add(struct book *b, const char *name)
{
    b->sheet = workbook_add_worksheet(b->workbook, name);
    return b->sheet != NULL;
}

/* Rows [from, to) of the sample on a sheet of their own. */
static void sheet_fill(struct book *b, const char *name, const char *columns, uint32_t from,
                       uint32_t to)
{
    if (!sheet_add(b, name)) {
        note(b, LXW_ERROR_MEMORY_MALLOC_FAILED);
        return;
    }
    header_write(b, (b->c->flags & COMMENTS) != 0 ? "nr" : columns);
    for (uint32_t k = from; k < to; k++) {
        if ((b->c->flags & COMMENTS) != 0) {
            comment_write(b, b->l->sample.rows[k], k - from + 1);
        } else {
            row_write(b, b->l->sample.rows[k], columns, k - from + 1);
        }
    }
}

static void sheets_fill(struct book *b)
{
    uint32_t n = b->l->sample.n;
    unsigned flags = b->c->flags;
    char name[16];
    if ((flags & HIDDEN_SHEET) != 0 && sheet_add(b, "Buxheti")) {
        note(b, worksheet_write_string(b->sheet, 0, 0, "Shpenzime zyre, tremujori i parë", NULL));
        note(b, worksheet_write_number(b->sheet, 1, 0, 125000, NULL));
    }
    unsigned n_sheets = (flags & FOUR_SHEETS) != 0 ? 4 : (flags & THREE_PIECES) != 0 ? 3 : 1;
    for (unsigned i = 0; i < n_sheets; i++) {
        (void)snprintf(name, sizeof name, "Fleta%u", i + 1);
        sheet_fill(b, name, n_sheets == 3 ? piece_columns[i] : b->c->columns, n * i / n_sheets,
                   n * (i + 1) / n_sheets);
    }
    if (b->sheet != NULL && (flags & HIDDEN_SHEET) != 0) {
        worksheet_hide(b->sheet);
    }
    if (b->sheet != NULL && (flags & HIDDEN_COLUMNS) != 0) {
        lxw_row_col_options hidden = {.hidden = LXW_TRUE};
        note(b, worksheet_set_column_opt(b->sheet, 1, 1, LXW_DEF_COL_WIDTH, NULL, &hidden));
        note(b, worksheet_set_column_opt(b->sheet, 3, 3, LXW_DEF_COL_WIDTH, NULL, &hidden));
    }
}

static enum kl_rc case_write(struct kl_synth_leaker *l, const struct book_case *c, uint64_t no)
{
    struct book b = {.l = l, .c = c};
    lxw_doc_properties when = {.created =
                                   1640167920}; /* 22 December 2021: the same bytes each time */
    char path[4200];

    kl_synth_sample_draw(l, c->reg, c->need, 1000 + no);
    (void)snprintf(path, sizeof path, "%s/%s", l->dir, c->file);
    lxw_workbook_options options = {.constant_memory =
                                        (c->flags & INLINE_STRINGS) != 0 ? LXW_TRUE : LXW_FALSE};
    b.workbook = workbook_new_opt(path, &options);
    if (b.workbook == NULL) {
        return kl_fail(l->err, KL_E_NOMEM, "no memory for a workbook: give --leaks none");
    }
    b.date_format = workbook_add_format(b.workbook);
    format_set_num_format(b.date_format, "dd.mm.yyyy");
    note(&b, workbook_set_properties(b.workbook, &when));
    kl_synth_text_init(&b.cell);
    sheets_fill(&b);
    kl_buf_done(&b.cell.buf);
    lxw_error closed = workbook_close(b.workbook);
    if (b.error != LXW_NO_ERROR || closed != LXW_NO_ERROR) {
        return kl_fail(l->err, KL_E_IO, "cannot write a workbook: check the free space");
    }
    struct kl_synth_truth truth = {.name = c->file,
                                   .label = c->label,
                                   .columns = c->columns,
                                   .expect = "found",
                                   .with_rows = true};
    return kl_synth_truth_write(l, &truth);
}

enum kl_rc kl_synth_leaks_book(struct kl_synth_leaker *l)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KL_TRY(case_write(l, &cases[i], i));
    }
    return KL_OK;
}
