/* The recall list as databases: dBASE, SQLite, and the dumps of MySQL and PostgreSQL. */
#include "register/synth_leak_int.h"

#include <stdio.h>

#define COLUMNS "nid,given,family,employer,salary,phone"
#define N_COLUMNS 6u
#define PURPOSE 400u /* of the samples: a stream of its own for each file */
#define PAGE_BYTES 4096u
#define ROWS_PER_INSERT 500u

static const char *const names[N_COLUMNS] = {"nid",      "given",  "family",
                                             "employer", "salary", "phone"};

struct db {
    struct kl_synth_leaker *l;
    struct kl_synth_text out;
    struct kl_synth_text cell;
};

/* A cell of the k-th row of the sample; borrowed until the next. */
static struct kl_span cell_make(struct db *d, uint32_t k, unsigned i)
{
    struct kl_synth_row row;
    uint32_t no = d->l->sample.rows[k];

    kl_synth_row_get(d->l->m, d->l->sample.reg, no, &row);
    d->cell.buf.len = 0;
    kl_synth_cell_put(&d->cell, d->l, &row, no, names[i], KL_SYNTH_AS_IS);
    return kl_buf_span(&d->cell.buf);
}

static void put_le(struct db *d, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t byte = i < 8 ? (uint8_t)(v >> 8 * i) : 0;
        kl_synth_text_add(&d->out, &byte, 1);
    }
}

static void put_zeros(struct db *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kl_synth_text_char(&d->out, '\0');
    }
}

/* ---- dBASE III, DOS code page 852; every tenth record is deleted ---- */

static void dbf_make(struct db *d)
{
    static const unsigned widths[N_COLUMNS] = {10, 30, 30, 60, 10, 20};
    struct kl_synth_text coded;

    put_le(d, 0x1F017D03, 4); /* dBASE III, 31 January 2025 */
    put_le(d, d->l->sample.n, 4);
    put_le(d, 33 + 32 * N_COLUMNS, 2);
    put_le(d, 161, 2);
    put_zeros(d, 17);
    put_le(d, 0x64, 3);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        kl_synth_text_str(&d->out, names[i]);
        put_zeros(d, 11 - strlen(names[i]));
        put_le(d, 'C', 5);
        put_le(d, widths[i], 16);
    }
    kl_synth_text_char(&d->out, '\r');
    kl_synth_text_init(&coded);
    for (uint32_t k = 0; k < d->l->sample.n; k++) {
        kl_synth_text_char(&d->out, k % 10 == 9 ? '*' : ' ');
        for (unsigned i = 0; i < N_COLUMNS; i++) {
            coded.buf.len = 0;
            kl_synth_code_put(&coded, cell_make(d, k, i), KL_SYNTH_CP852);
            struct kl_span s = kl_span_part(kl_buf_span(&coded.buf), 0, widths[i]);
            kl_synth_text_span(&d->out, s);
            for (size_t n = s.len; n < widths[i]; n++) {
                kl_synth_text_char(&d->out, ' ');
            }
        }
    }
    kl_buf_done(&coded.buf);
    kl_synth_text_char(&d->out, '\x1a');
}

/* ---- SQLite: a schema, one inner page, leaves ---- */

static size_t put_varint(uint8_t *p, uint32_t v)
{
    if (v < 128) {
        p[0] = (uint8_t)v;
        return 1;
    }
    p[0] = (uint8_t)(0x80 | (v >> 7 & 0x7F));
    p[1] = (uint8_t)(v & 0x7F);
    return 2; /* no number here reaches 16384 */
}

static void put_page16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* Put a cell on a page whose tree's head is at `head`. False: no room. */
static bool cell_add(uint8_t *page, size_t head, const uint8_t *cell, size_t len)
{
    size_t n = (size_t)(page[head + 3] << 8 | page[head + 4]);
    size_t content = (size_t)(page[head + 5] << 8 | page[head + 6]);
    size_t list = head + (page[head] == 5 ? 12 : 8);

    if (list + 2 * n + 2 + len > content) {
        return false;
    }
    memcpy(page + content - len, cell, len);
    put_page16(page + list + 2 * n, content - len);
    put_page16(page + head + 3, n + 1);
    put_page16(page + head + 5, content - len);
    return true;
}

/* A row of texts as a cell of a leaf; returns its length. */
static size_t cell_encode(struct db *d, uint32_t k, uint8_t out[2048])
{
    uint8_t types[2 * N_COLUMNS];
    uint8_t body[1600];
    size_t types_len = 0;
    size_t body_len = 0;

    for (unsigned i = 0; i < N_COLUMNS; i++) {
        struct kl_span s = kl_span_part(cell_make(d, k, i), 0, 250);
        types_len += put_varint(types + types_len, (uint32_t)(13 + 2 * s.len));
        if (s.len > 0) {
            memcpy(body + body_len, s.ptr, s.len);
        }
        body_len += s.len;
    }
    size_t at = put_varint(out, (uint32_t)(1 + types_len + body_len));
    at += put_varint(out + at, k + 1);
    out[at++] = (uint8_t)(1 + types_len);
    memcpy(out + at, types, types_len);
    memcpy(out + at + types_len, body, body_len);
    return at + types_len + body_len;
}

static void page_begin(uint8_t *page, size_t head, uint8_t type)
{
    memset(page + head, 0, PAGE_BYTES - head);
    page[head] = type;
    put_page16(page + head + 5, PAGE_BYTES);
}

static void schema_make(uint8_t *page)
{
    static const char sql[] = "CREATE TABLE paga(nid,given,family,employer,salary,phone)";
    _Static_assert(13 + 2 * (sizeof sql - 1) < 128, "a type of one byte");
    static const uint8_t versions[] = {1, 1, 0, 64, 32, 32};
    static const uint8_t types[] = {6, 23, 21, 21, 1};
    static const uint8_t values[] = {'t', 'a', 'b', 'l', 'e', 'p', 'a',
                                     'g', 'a', 'p', 'a', 'g', 'a', 2};
    uint8_t cell[128] = {0};

    memcpy(page, "SQLite format 3", 16);
    put_page16(page + 16, PAGE_BYTES);
    memcpy(page + 18, versions, sizeof versions);
    page[47] = 4; /* the format of the schema */
    page[59] = 1; /* UTF-8 */
    page_begin(page, 100, 13);
    size_t at = 2;
    cell[1] = 1;
    memcpy(cell + at, types, sizeof types);
    cell[at + 5] = (uint8_t)(13 + 2 * (sizeof sql - 1));
    memcpy(cell + at + 6, values, sizeof values);
    memcpy(cell + at + 20, sql, sizeof sql - 1);
    cell[0] = (uint8_t)(20 + sizeof sql - 1);
    (void)cell_add(page, 100, cell, at + 20 + sizeof sql - 1);
}

static void sqlite_make(struct db *d)
{
    uint8_t pages[3][PAGE_BYTES]; /* the schema, the root, the leaf at hand */
    uint8_t cell[2048];
    struct kl_synth_text leaves;
    uint32_t no = 3;

    memset(pages, 0, sizeof pages);
    schema_make(pages[0]);
    page_begin(pages[1], 0, 5);
    page_begin(pages[2], 0, 13);
    kl_synth_text_init(&leaves);
    for (uint32_t k = 0; k < d->l->sample.n; k++) {
        size_t len = cell_encode(d, k, cell);
        if (!cell_add(pages[2], 0, cell, len)) {
            uint8_t child[6] = {0, 0, (uint8_t)(no >> 8), (uint8_t)no};
            (void)cell_add(pages[1], 0, child, 4 + put_varint(child + 4, k));
            kl_synth_text_add(&leaves, pages[2], PAGE_BYTES);
            no++;
            page_begin(pages[2], 0, 13);
            (void)cell_add(pages[2], 0, cell, len);
        }
    }
    put_page16(pages[1] + 10, no);
    put_page16(pages[0] + 30, no);
    kl_synth_text_add(&d->out, pages[0], PAGE_BYTES);
    kl_synth_text_add(&d->out, pages[1], PAGE_BYTES);
    kl_synth_text_span(&d->out, kl_buf_span(&leaves.buf));
    kl_synth_text_add(&d->out, pages[2], PAGE_BYTES);
    d->out.rc = d->out.rc == KL_OK ? leaves.rc : d->out.rc;
    kl_buf_done(&leaves.buf);
}

/* ---- dumps ---- */

static void put_quoted(struct db *d, struct kl_span s)
{
    kl_synth_text_char(&d->out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\') {
            kl_synth_text_char(&d->out, '\\');
        }
        kl_synth_text_char(&d->out, (char)s.ptr[i]);
    }
    kl_synth_text_char(&d->out, '\'');
}

/* As mysqldump writes it: hundreds of rows an INSERT, all on one line. */
static void mysql_make(struct db *d)
{
    kl_synth_text_str(&d->out, "-- MySQL dump 10.19\n/*!40101 SET NAMES utf8mb4 */;\n"
                               "DROP TABLE IF EXISTS `paga`;\nLOCK TABLES `paga` WRITE;\n");
    for (uint32_t k = 0; k < d->l->sample.n; k++) {
        bool is_first = k % ROWS_PER_INSERT == 0;
        bool is_last = k % ROWS_PER_INSERT == ROWS_PER_INSERT - 1 || k + 1 == d->l->sample.n;
        kl_synth_text_str(&d->out, is_first ? "INSERT INTO `paga` VALUES (" : ",(");
        for (unsigned i = 0; i < N_COLUMNS; i++) {
            kl_synth_text_str(&d->out, i > 0 ? "," : "");
            put_quoted(d, cell_make(d, k, i));
        }
        kl_synth_text_str(&d->out, is_last ? ");\n" : ")");
    }
    kl_synth_text_str(&d->out, "UNLOCK TABLES;\n");
}

/* As pg_dump writes it: one COPY. */
static void postgres_make(struct db *d)
{
    kl_synth_text_str(&d->out,
                      "--\n-- PostgreSQL database dump\n--\n\nSET standard_conforming_strings"
                      " = on;\n\nCOPY public.paga (" COLUMNS ") FROM stdin;\n");
    for (uint32_t k = 0; k < d->l->sample.n; k++) {
        for (unsigned i = 0; i < N_COLUMNS; i++) {
            struct kl_span s = cell_make(d, k, i);
            kl_synth_text_str(&d->out, i > 0 ? "\t" : "");
            kl_synth_text_span(&d->out, s.len > 0 ? s : KL_SPAN_LIT("\\N"));
        }
        kl_synth_text_char(&d->out, '\n');
    }
    kl_synth_text_str(&d->out, "\\.\n\n--\n-- PostgreSQL database dump complete\n--\n");
}

enum kl_rc kl_synth_leaks_db(struct kl_synth_leaker *l)
{
    static const struct {
        const char *file;
        const char *label;
        void (*make)(struct db *d);
    } cases[] = {
        {"25-dbf.dbf", "25a dBASE table", dbf_make},
        {"25-sqlite.db", "25b SQLite database", sqlite_make},
        {"25-mysqldump.sql", "25c dump of mysqldump", mysql_make},
        {"25-pgdump.sql", "25d dump of pg_dump", postgres_make},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct db d = {.l = l};
        struct kl_synth_truth truth = {.name = cases[i].file,
                                       .label = cases[i].label,
                                       .columns = COLUMNS,
                                       .expect = "found",
                                       .with_rows = true};
        kl_synth_sample_draw(l, KL_SYNTH_SALARIES, KL_SYNTH_NEED_ANY, PURPOSE + i);
        kl_synth_text_init(&d.out);
        kl_synth_text_init(&d.cell);
        cases[i].make(&d);
        enum kl_rc rc = d.out.rc != KL_OK ? d.out.rc : d.cell.rc;
        if (rc == KL_OK) {
            rc = kl_synth_leak_write(l, cases[i].file, kl_buf_span(&d.out.buf));
        }
        if (rc == KL_OK) {
            rc = kl_synth_truth_write(l, &truth);
        }
        kl_buf_done(&d.out.buf);
        kl_buf_done(&d.cell.buf);
        KL_TRY(rc);
    }
    return KL_OK;
}
