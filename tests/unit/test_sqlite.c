#include "extract/sqlite.h"
#include "extract/extract.h"
#include "kt.h"

#include "reader_run.h"
#include "sqlite_make.h"

static void run_sqlite(struct sink_mem *s, const struct sm *m)
{
    reader_run(s, kl_extract_sqlite, m->ptr, (size_t)m->n_pages * SM_PAGE);
}

static void put_person(struct sm *m, uint32_t page, uint8_t rowid, const char *nid,
                       const char *name)
{
    struct sm_value v[] = {sm_text(nid), sm_text(name), {0, NULL, 0}};
    KT_OK(sm_row(m, page, rowid, v, 3));
}

/* Page 2: the leaf of "paga". */
static void make_people(struct sm *m)
{
    sm_begin(m, 1);
    KT_OK(sm_schema(m, "table", "paga", 2));
    uint32_t leaf = sm_add(m, 13, 0);
    put_person(m, leaf, 1, "T00202186H", "Arben");
    put_person(m, leaf, 2, "T00202187J", "Bes\303\253");
}

KT_TEST(rows_come_out_under_the_name_of_their_table)
{
    struct sm m;
    struct sink_mem s = {0};
    make_people(&m);
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "B table /sqlite_schema\ntable\tpaga\tpaga\t2\tCREATE\nE\n"));
    KT_OK(reader_has(&s, "B table /paga\nT00202186H\tArben\t1\nT00202187J\tBes\303\253\t2\nE\n"));
    KT_EQ(s.not_inspected, 0);
    struct kl_input in = kl_input_mem(kl_span_make(m.ptr, (size_t)m.n_pages * SM_PAGE));
    KT_EQ(kl_sniff(in.mem), KL_FORMAT_SQLITE);
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(every_serial_type_has_its_text)
{
    static const uint8_t neg[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE};
    static const uint8_t real[8] = {0x3F, 0xF8, 0, 0, 0, 0, 0, 0};
    static const uint8_t big[8] = {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct sm_value v[] = {{1, neg, 1},  {2, "\1\0", 2},       {3, neg, 3},        {4, neg, 4},
                           {5, big, 6},  {6, big, 8},          {7, real, 8},       {8, NULL, 0},
                           {9, NULL, 0}, {12, "blob text", 9}, sm_text("a\tb\nc"), sm_text("")};
    struct sm m;
    struct sink_mem s = {0};
    sm_begin(&m, 1);
    KT_OK(sm_schema(&m, "table", "t", 2));
    KT_OK(sm_row(&m, sm_add(&m, 13, 0), 5, v, 12));
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "B table /t\n-1\t256\t-1\t-1\t140737488355327\t9223372036854775807\t1.5\t0"
                         "\t1\tblob text\ta b c\t\nE\n"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(utf16_databases_are_read)
{
    for (uint32_t code = 2; code <= 3; code++) {
        struct sm m;
        struct sink_mem s = {0};
        struct sm_value v[] = {{13, code == 2 ? "B\0\353\0" : "\0B\0\353", 4}};
        sm_begin(&m, code);
        KT_OK(sm_row(&m, 1, 1, v, 1));
        run_sqlite(&s, &m);
        KT_OK(reader_has(&s, "B table /sqlite_schema\nB\303\253\n"));
        sink_mem_done(&s);
        sm_done(&m);
    }
}

KT_TEST(trees_of_several_pages_and_without_rowid_are_walked)
{
    struct sm m;
    struct sink_mem s = {0};
    uint8_t cell[300];
    sm_begin(&m, 1);
    KT_OK(sm_schema(&m, "table", "t", 2));
    KT_OK(sm_schema(&m, "table", "w", 5));
    KT_EQ(sm_add(&m, 5, 4), 2);
    uint32_t left = sm_add(&m, 13, 0);
    uint32_t right = sm_add(&m, 13, 0);
    put_person(&m, left, 1, "T00202186H", "Left");
    put_person(&m, right, 2, "T00202187J", "Right");
    KT_OK(sm_cell(&m, 2, "\0\0\0\3\1", 5));
    KT_EQ(sm_add(&m, 2, 7), 5);
    uint32_t leaf = sm_add(&m, 10, 0);
    (void)sm_add(&m, 10, 0);
    struct sm_value low[] = {sm_text("low"), sm_text("1")};
    struct sm_value mid[] = {sm_text("middle"), sm_text("2")};
    size_t n = sm_record(low, 2, cell + 1);
    cell[0] = (uint8_t)n;
    KT_OK(sm_cell(&m, leaf, cell, n + 1));
    n = sm_record(mid, 2, cell + 5);
    memcpy(cell, "\0\0\0\6", 4);
    cell[4] = (uint8_t)n;
    KT_OK(sm_cell(&m, 5, cell, n + 5));
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "B table /t\nT00202186H\tLeft\t1\nT00202187J\tRight\t2\nE\n"));
    KT_OK(reader_has(&s, "B table /w\nmiddle\t2\nlow\t1\nE\n"));
    KT_OK(!reader_has(&s, "sqlite."));
    sink_mem_done(&s);
    sm_done(&m);
}

/* A row of one text of `len` bytes whose rest lies on overflow pages from `first` on. */
static void put_long(struct sm *m, uint32_t page, uint32_t len, uint32_t first)
{
    uint32_t payload = len + 3;
    uint32_t min = (SM_PAGE - 12) * 32 / 255 - 23;
    uint32_t local = min + (payload - min) % (SM_PAGE - 4);
    uint8_t cell[600];
    local = local <= SM_PAGE - 35 ? local : min;
    size_t at = sm_varint(cell, payload);
    at += sm_varint(cell + at, 1);
    memset(cell + at, 'x', local);
    cell[at] = 3;
    (void)sm_varint(cell + at + 1, 13 + 2 * (uint64_t)len);
    at += local;
    sm_be(cell + at, first, 4);
    KT_OK(sm_cell(m, page, cell, at + 4));
}

static void make_long(struct sm *m, uint32_t len, uint32_t first)
{
    sm_begin(m, 1);
    KT_OK(sm_schema(m, "table", "t", 2));
    put_long(m, sm_add(m, 13, 0), len, first);
    for (uint32_t no = 3; no < 6; no++) {
        (void)sm_add(m, 0, 0);
        memset(sm_page(m, no), 'y', SM_PAGE);
        sm_be(sm_page(m, no), no < 5 ? no + 1 : 0, 4);
    }
}

KT_TEST(overflow_pages_are_joined_and_their_slack_is_seen)
{
    struct sm m;
    struct sink_mem s = {0};
    make_long(&m, 1500, 3);
    memcpy(sm_page(&m, 5) + 490, " old slack ", 11);
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "xxxyyy") && reader_has(&s, " old slack "));
    KT_OK(!reader_has(&s, "sqlite.overflow") && !reader_has(&s, "unreached"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(overflow_chains_that_lie_are_said_and_all_is_seen)
{
    static const uint32_t lies[] = {0, 1, 2, 99, 0xFFFFFFFF};
    for (size_t i = 0; i < 5; i++) {
        struct sm m;
        struct sink_mem s = {0};
        make_long(&m, 1500, lies[i]);
        memcpy(sm_page(&m, 4) + 100, "nobody points here", 18);
        run_sqlite(&s, &m);
        KT_OK(reader_has(&s, "sqlite.overflow") && reader_has(&s, "nobody points here"));
        sink_mem_done(&s);
        sm_done(&m);
    }
    struct sm m;
    struct sink_mem s = {0};
    make_long(&m, 16000, 3);
    sm_be(sm_page(&m, 5), 3, 4); /* a circle */
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "sqlite.overflow"));
    KT_OK(s.text_bytes < 20000);
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(trees_that_lie_end_and_all_is_seen)
{
    static const uint8_t roots[] = {0, 1, 3, 99};
    for (size_t i = 0; i < 4; i++) {
        struct sm m;
        struct sink_mem s = {0};
        sm_begin(&m, 1);
        KT_OK(sm_schema(&m, "table", "t", 2));
        KT_OK(sm_schema(&m, "table", "u", roots[i]));
        (void)sm_add(&m, 5, 2); /* its own child */
        KT_OK(sm_cell(&m, 2, "\0\0\0\2\1", 5));
        KT_OK(sm_cell(&m, 2, "\0\0\0\0\1", 5));
        uint32_t lost = sm_add(&m, 13, 0);
        put_person(&m, lost, 1, "T00202186H", "Hidden");
        run_sqlite(&s, &m);
        KT_OK(reader_has(&s, "sqlite.tree") && reader_has(&s, "T00202186H\tHidden\t1\n"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        sm_done(&m);
    }
}

KT_TEST(a_deep_tree_ends_at_the_limit_and_all_is_seen)
{
    struct sm m;
    struct sink_mem s = {0};
    sm_begin(&m, 1);
    KT_OK(sm_schema(&m, "table", "t", 2));
    for (uint32_t no = 2; no < 100; no++) {
        (void)sm_add(&m, 5, no + 1);
    }
    uint32_t leaf = sm_add(&m, 13, 0);
    put_person(&m, leaf, 1, "T00202186H", "Deep");
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "sqlite.tree"));
    KT_OK(reader_has(&s, "B table /unreached\nT00202186H\tDeep\t1\n"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(free_space_and_free_pages_are_seen)
{
    struct sm m;
    struct sink_mem s = {0};
    make_people(&m);
    memcpy(sm_page(&m, 2) + 40, "words in the gap", 16);
    uint32_t bare = sm_add(&m, 0, 0);
    memcpy(sm_page(&m, bare) + 200, "words on a free page", 20);
    uint32_t gone = sm_add(&m, 13, 0);
    put_person(&m, gone, 3, "T00202188K", "Gone");
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "words in the gap") && reader_has(&s, "words on a free page"));
    KT_OK(reader_has(&s, "B table /unreached\nT00202188K\tGone\t3\nE\n"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(bytes_between_cells_that_no_list_names_are_seen)
{
    struct sm m;
    struct sink_mem s = {0};
    make_people(&m);
    /* The second row's pointer is taken away, its bytes stay. */
    uint8_t *p = sm_page(&m, 2);
    sm_be(p + 3, 1, 2);
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "T00202187J"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(deleted_rows_are_read_where_they_still_stand)
{
    struct sm m;
    struct sink_mem gap = {0};
    struct sink_mem block = {0};
    sm_begin(&m, 1);
    KT_OK(sm_schema(&m, "table", "paga", 2));
    uint32_t leaf = sm_add(&m, 13, 0);
    put_person(&m, leaf, 1, "T00202186H", "Arben");
    uint8_t *p = sm_page(&m, leaf);
    uint32_t first = sm_get(p + 5);
    struct sm_value v[] = {sm_text("T00202187J"), sm_text("Besa"), {0, NULL, 0}};
    KT_OK(sm_row(&m, leaf, 200, v, 3));
    uint32_t second = sm_get(p + 5);
    /* The last row that was added lies in the gap again. */
    sm_be(p + 3, 1, 2);
    sm_be(p + 5, first, 2);
    run_sqlite(&gap, &m);
    KT_OK(reader_has(&gap, "B table /paga/deleted\nT00202187J\tBesa\t\nE\n"));
    /* It is a free block: four bytes of it are overwritten. */
    sm_be(p + 5, second, 2);
    sm_be(p + 1, second, 2);
    sm_be(p + second, 0, 2);
    sm_be(p + second + 2, first - second, 2);
    run_sqlite(&block, &m);
    KT_OK(reader_has(&block, "B table /paga/deleted\nT00202187J\tBesa\t\nE\n"));
    sink_mem_done(&gap);
    sink_mem_done(&block);
    sm_done(&m);
}

KT_TEST(cells_that_lie_are_said_and_the_page_is_seen)
{
    struct sm m;
    struct sink_mem s = {0};
    make_people(&m);
    sm_be(sm_page(&m, 2) + 8, 511, 2);
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, "sqlite.page") && reader_has(&s, "T00202186H"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(files_in_blobs_are_members)
{
    static const char zip[] = "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\10\0a comment";
    struct sm m;
    struct sink_mem s = {0};
    struct sm_value v[] = {sm_text("name"), {12, zip, sizeof zip - 1}};
    struct sm_value raw[] = {sm_text("raw"), {12, "\1\2\3\4hidden words\5\6\7", 19}};
    sm_begin(&m, 1);
    KT_OK(sm_schema(&m, "table", "t", 2));
    uint32_t leaf = sm_add(&m, 13, 0);
    KT_OK(sm_row(&m, leaf, 1, v, 2));
    KT_OK(sm_row(&m, leaf, 2, raw, 2));
    run_sqlite(&s, &m);
    KT_OK(reader_has(&s, " /t/page-2-row-1"));
    KT_OK(reader_has(&s, "hidden words"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(a_header_that_lies_is_said_and_all_is_seen)
{
    static const uint16_t sizes[] = {0, 2, 100, 511, 513, 3000};
    for (size_t i = 0; i < 6; i++) {
        struct sm m;
        struct sink_mem s = {0};
        make_people(&m);
        sm_be(m.ptr + 16, sizes[i], 2);
        run_sqlite(&s, &m);
        KT_OK(reader_has(&s, "A  sqlite.header\n") && reader_has(&s, "T00202186H"));
        sink_mem_done(&s);
        sm_done(&m);
    }
    struct sm m;
    make_people(&m);
    for (unsigned reserved = 32; reserved <= 33; reserved++) {
        struct sink_mem s = {0};
        m.ptr[20] = (uint8_t)reserved;
        run_sqlite(&s, &m);
        KT_EQ(reader_has(&s, "A  sqlite.header\n"), reserved == 33);
        sink_mem_done(&s);
    }
    sm_done(&m);
}

/* ---- logs ---- */

static size_t make_wal(const struct sm *m, uint8_t *out)
{
    memset(out, 0, 32);
    sm_be(out, 0x377f0682, 4);
    sm_be(out + 8, SM_PAGE, 4);
    size_t at = 32;
    for (uint32_t no = 1; no <= m->n_pages; no++) {
        memset(out + at, 0, 24);
        sm_be(out + at, no, 4);
        memcpy(out + at + 24, m->ptr + (size_t)(no - 1) * SM_PAGE, SM_PAGE);
        at += 24 + SM_PAGE;
    }
    return at;
}

KT_TEST(a_write_ahead_log_has_its_pages_read)
{
    struct sm m;
    struct sink_mem s = {0};
    uint8_t log[4096];
    make_people(&m);
    size_t n = make_wal(&m, log);
    KT_EQ(kl_sniff(kl_span_make(log, n)), KL_FORMAT_SQLITE_LOG);
    memcpy(log + n, "a frame that is cut", 19);
    reader_run(&s, kl_extract_sqlite_log, log, n + 19);
    KT_OK(reader_has(&s, "B table /pages\ntable\tpaga\tpaga\t2\tCREATE\nT00202186H\tArben\t1\n"));
    KT_OK(reader_has(&s, "a frame that is cut"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    reader_run_damaged(kl_extract_sqlite_log, log, n, 5);
    sm_done(&m);
}

KT_TEST(a_journal_has_its_pages_read)
{
    struct sm m;
    struct sink_mem s = {0};
    uint8_t log[4096] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, 0xFF, 0xFF, 0xFF, 0xFF};
    make_people(&m);
    sm_be(log + 20, 512, 4);
    sm_be(log + 24, SM_PAGE, 4);
    sm_be(log + 512, 2, 4);
    memcpy(log + 516, sm_page(&m, 2), SM_PAGE);
    KT_EQ(kl_sniff(kl_span_make(log, 4096)), KL_FORMAT_SQLITE_LOG);
    reader_run(&s, kl_extract_sqlite_log, log, 516 + SM_PAGE + 4);
    KT_OK(reader_has(&s, "B table /pages\nT00202186H\tArben\t1\nT00202187J\tBes\303\253\t2\nE\n"));
    sink_mem_done(&s);
    sm_done(&m);
}

/* ---- the rest ---- */

KT_TEST(read_forward_it_says_the_same_rows)
{
    struct sm m;
    struct sink_mem s = {0};
    make_people(&m);
    reader_run_forward(&s, kl_extract_sqlite, m.ptr, (size_t)m.n_pages * SM_PAGE);
    KT_OK(reader_has(&s, "T00202186H\tArben\t1\nT00202187J\tBes\303\253\t2\n"));
    sink_mem_done(&s);
    sm_done(&m);
}

KT_TEST(a_reader_of_events_that_leaves_is_returned)
{
    for (uint64_t n = 1; n < 10; n++) {
        struct sm m;
        struct sink_mem s = {.fail_after = n};
        struct kl_sink sink = sink_mem_sink(&s);
        struct kl_emit *e = NULL;
        make_people(&m);
        memcpy(sm_page(&m, 2) + 40, "words in the gap", 16);
        struct kl_input in = kl_input_mem(kl_span_make(m.ptr, (size_t)m.n_pages * SM_PAGE));
        KT_EQ(kl_emit_new(&sink, &e), KL_OK);
        kl_emit_start(e, in.len_bytes);
        KT_EQ(kl_extract_sqlite(e, &in), KL_E_IO);
        kl_emit_free(&e);
        sink_mem_done(&s);
        sm_done(&m);
    }
}

KT_TEST(no_damage_breaks_the_accounting)
{
    struct sm m;
    make_long(&m, 1500, 3);
    put_person(&m, 2, 2, "T00202186H", "Arben");
    reader_run_damaged(kl_extract_sqlite, m.ptr, (size_t)m.n_pages * SM_PAGE, 1);
    sm_done(&m);
}

KT_MAIN()
