#include "extract/jet.h"
#include "extract/extract.h"
#include "kt.h"

#include "jet_make.h"
#include "reader_run.h"

static const struct jm_column people[] = {{"nid", 10, 0, 0}, {"emri", 10, 0, 0}, {"paga", 4, 4, 0}};

static size_t person(const struct jm *m, const char *nid, const char *name, int32_t pay,
                     uint8_t row[4096])
{
    uint8_t a[600];
    uint8_t b[600];
    uint8_t p[4];
    jm_le(p, (uint32_t)pay, 4);
    struct jm_value v[] = {jm_text(m, nid, false, a), jm_text(m, name, true, b), {p, 4}};
    return jm_row(m, people, 3, v, row);
}

/* Pages 0 to 3 as always, 4: the definition of "paga", 5: its rows, the second deleted. */
static void make_people(struct jm *m, unsigned version, uint32_t key)
{
    uint8_t row[4096];
    jm_begin(m, version, key);
    jm_begin_catalogue(m);
    uint32_t t = jm_table(m, people, 3);
    KT_OK(jm_name(m, t, "paga", 1));
    uint32_t d = jm_data(m, t);
    KT_OK(jm_put(m, d, row, person(m, "T00202186H", "Arben", 61300, row), 0));
    KT_OK(jm_put(m, d, row, person(m, "T00202187J", "Besa", 52000, row), 0x8000));
    KT_OK(jm_put(m, d, row, person(m, "T00202188K", "Drita", -1, row), 0));
    if (key != 0) {
        jm_encode(m, key);
    }
}

static void run_jet(struct sink_mem *s, const struct jm *m)
{
    reader_run(s, kl_extract_jet, m->ptr, m->n_pages * m->page_bytes);
}

KT_TEST(rows_come_out_under_the_name_of_their_table)
{
    for (unsigned version = 0; version <= 6; version++) {
        struct jm m;
        struct sink_mem s = {0};
        make_people(&m, version, 0);
        run_jet(&s, &m);
        KT_OK(reader_has(&s, "B table /paga\nnid\temri\tpaga\nT00202186H\tArben\t61300\n"
                             "T00202188K\tDrita\t-1\nE\n"));
        KT_OK(reader_has(&s, "B table /paga/deleted\nnid\temri\tpaga\n"
                             "T00202187J\tBesa\t52000\nE\n"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        jm_done(&m);
    }
}

KT_TEST(the_sniffer_knows_them)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 2, 0);
    struct kl_input in = kl_input_mem(kl_span_make(m.ptr, m.n_pages * m.page_bytes));
    KT_EQ(kl_sniff(in.mem), KL_FORMAT_JET);
    reader_run_input(&s, kl_extract_nested, &in);
    KT_OK(reader_has(&s, "T00202186H\tArben\t61300\n"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(pages_encoded_with_the_key_in_the_header_are_decoded)
{
    for (unsigned version = 0; version <= 1; version++) {
        struct jm m;
        struct sink_mem s = {0};
        make_people(&m, version, 0x5EC0DE00);
        run_jet(&s, &m);
        KT_OK(reader_has(&s, "A  jet.encoded\n"));
        KT_OK(reader_has(&s, "T00202186H\tArben\t61300\n"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        jm_done(&m);
    }
}

KT_TEST(encrypted_files_are_not_inspected)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 3, 0x5EC0DE00); /* with ACE a key means true encryption */
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "N  encrypted 24576\n"));
    KT_EQ(s.not_inspected, 24576);
    sink_mem_done(&s);
    jm_done(&m);
    struct sink_mem s2 = {0};
    make_people(&m, 1, 0x5EC0DE00);
    jm_encode(&m, 0x11111111); /* once more, with a key that the header has not */
    run_jet(&s2, &m);
    KT_OK(reader_has(&s2, "N  encrypted 24576\n"));
    sink_mem_done(&s2);
    jm_done(&m);
}

KT_TEST(every_type_has_its_text)
{
    static const struct jm_column c[] = {
        {"bool", 1, 0, 0},   {"byte", 2, 1, 0},   {"int16", 3, 2, 0},  {"money", 5, 8, 0},
        {"float", 6, 4, 0},  {"double", 7, 8, 0}, {"date", 8, 8, 0},   {"time", 8, 8, 0},
        {"guid", 15, 16, 0}, {"num", 16, 17, 2},  {"int64", 19, 8, 0}, {"null", 4, 4, 0},
        {"far", 8, 8, 0},    {"early", 8, 8, 0},  {"zero", 16, 17, 3}};
    struct jm m;
    struct sink_mem s = {0};
    uint8_t row[4096];
    uint8_t byte = 200;
    int16_t i16 = -5;
    int64_t money = -613005000;
    float f = 0.1F;
    double d = 1e-7;
    double date = 1849; /* 1905-01-22 */
    double time = 1849.75;
    double far = 1e9;
    double early = -1.25; /* the day before, 6 in the morning */
    uint8_t num[17] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x39, 0x30, 0, 0};
    uint8_t zero[17] = {0x80};
    int64_t i64 = INT64_MIN;
    struct jm_value v[] = {{"", 0},     {&byte, 1},  {&i16, 2},
                           {&money, 8}, {&f, 4},     {&d, 8},
                           {&date, 8},  {&time, 8},  {"0123456789abcdef", 16},
                           {num, 17},   {&i64, 8},   {NULL, 0},
                           {&far, 8},   {&early, 8}, {zero, 17}};
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t t = jm_table(&m, c, 15);
    uint32_t p = jm_data(&m, t);
    KT_OK(jm_put(&m, p, row, jm_row(&m, c, 15, v, row), 0));
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "B table /table-4\n"));
    KT_OK(reader_has(&s, "\n1\t200\t-5\t-61300.5\t0.1\t1e-07\t1905-01-22\t"
                         "1905-01-22 18:00:00\t33323130-3534-3736-3839-616263646566\t"
                         "-42949796.41\t-9223372036854775808\t\t1000000000\t"
                         "1899-12-29 06:00:00\t0\n"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(compressed_text_changes_over_to_utf16_and_back)
{
    static const struct jm_column c[] = {{"t", 10, 0, 0}};
    static const char text[] = "\377\376Besa \353\0\x61\1\x7d\1\0 end\tx";
    struct jm m;
    struct sink_mem s = {0};
    uint8_t row[4096];
    struct jm_value v[] = {{text, sizeof text - 1}};
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t p = jm_data(&m, jm_table(&m, c, 1));
    KT_OK(jm_put(&m, p, row, jm_row(&m, c, 1, v, row), 0));
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "\nBesa \303\253\305\241\305\275 end x\n") ||
          reader_has(&s, "\nBesa \303\253\305\241\305\275 end x"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(jet3_rows_longer_than_256_bytes_use_the_jump_table)
{
    struct jm_column c[12];
    struct jm_value v[12];
    char text[12][64];
    for (unsigned n = 1; n <= 12; n++) {
        struct jm m;
        struct sink_mem s = {0};
        uint8_t row[4096];
        for (unsigned i = 0; i < n; i++) {
            c[i] = (struct jm_column){"c", 10, 0, 0};
            memset(text[i], 'a' + (int)i, 60);
            v[i] = (struct jm_value){text[i], 60};
        }
        jm_begin(&m, 0, 0);
        jm_begin_catalogue(&m);
        uint32_t p = jm_data(&m, jm_table(&m, c, n));
        KT_OK(jm_put(&m, p, row, jm_row(&m, c, n, v, row), 0));
        run_jet(&s, &m);
        char want[80] = "\t";
        memset(want + (n > 1), 'a' + (int)n - 1, 60);
        want[60 + (n > 1)] = 0;
        KT_OK(reader_has(&s, want));
        KT_OK(!reader_has(&s, "jet.page"));
        sink_mem_done(&s);
        jm_done(&m);
    }
}

/* ---- long values ---- */

static const struct jm_column memo[] = {{"id", 4, 4, 0}, {"m", 12, 0, 0}, {"o", 11, 0, 0}};

static void put_memo(struct jm *m, uint32_t page, uint32_t m_len, uint32_t m_at, uint32_t o_len,
                     uint32_t o_at)
{
    uint8_t a[12] = {0};
    uint8_t b[12] = {0};
    uint8_t id[4] = {7};
    uint8_t row[4096];
    jm_le(a, m_len, 4);
    jm_le(a + 4, m_at, 4);
    jm_le(b, o_len, 4);
    jm_le(b + 4, o_at, 4);
    struct jm_value v[] = {{id, 4}, {a, 12}, {o_len != 0 ? b : NULL, 12}};
    KT_OK(jm_put(m, page, row, jm_row(m, memo, 3, v, row), 0));
}

#define SINGLE 0x40000000u

KT_TEST(memos_in_one_piece_and_in_several_are_read)
{
    struct jm m;
    struct sink_mem s = {0};
    uint8_t piece[2048];
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t d = jm_data(&m, jm_table(&m, memo, 3));
    uint32_t one = jm_long(&m);
    uint32_t two = jm_long(&m);
    KT_OK(jm_put(&m, one, "\377\376in one piece", 14, 0));
    jm_le(piece, two << 8, 4);
    for (unsigned i = 0; i < 500; i++) {
        piece[4 + 2 * i] = (uint8_t)('a' + i % 26);
        piece[5 + 2 * i] = 0;
    }
    KT_OK(jm_put(&m, one, piece, 1004, 0));
    KT_OK(jm_put(&m, two, "\0\0\0\0e\0n\0d\0", 10, 0));
    put_memo(&m, d, SINGLE | 14, one << 8, 0, 0);
    put_memo(&m, d, 1006, one << 8 | 1, 0, 0);
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "7\tin one piece\t\n"));
    KT_OK(reader_has(&s, "abcdefend\t\n") && !reader_has(&s, "jet.long"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(long_values_that_lead_in_circles_end)
{
    struct jm m;
    struct sink_mem s = {0};
    uint8_t piece[2000] = {0};
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t d = jm_data(&m, jm_table(&m, memo, 3));
    uint32_t l = jm_long(&m);
    memset(piece, 'x', sizeof piece);
    jm_le(piece, l << 8, 4);
    KT_OK(jm_put(&m, l, piece, sizeof piece, 0));
    for (unsigned i = 0; i < 60; i++) {
        put_memo(&m, d, 0x3FFFFFFF, l << 8, 0, 0);
    }
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "jet.long"));
    KT_OK(s.text_bytes < 8 * m.n_pages * m.page_bytes);
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(pointers_to_nowhere_are_said_and_what_nothing_reaches_is_seen)
{
    static const uint32_t lies[] = {99u << 8, 0xFFFFFFFF, 3u << 8 | 200, 4u << 8, 0};
    for (size_t i = 0; i < 5; i++) {
        struct jm m;
        struct sink_mem s = {0};
        jm_begin(&m, 1, 0);
        jm_begin_catalogue(&m);
        uint32_t d = jm_data(&m, jm_table(&m, memo, 3));
        uint32_t l = jm_long(&m);
        KT_OK(jm_put(&m, l, "\377\376nobody points here", 20, 0));
        put_memo(&m, d, SINGLE | 20, lies[i], 0, 0);
        put_memo(&m, d, 20, lies[i], 0, 0);
        run_jet(&s, &m);
        KT_OK(reader_has(&s, "jet.long"));
        KT_OK(reader_has(&s, "B text /leftover/8bit\n") && reader_has(&s, "nobody points here"));
        sink_mem_done(&s);
        jm_done(&m);
    }
}

KT_TEST(files_in_values_are_members)
{
    /* An attachment: 1, length, zlib: head of 16 bytes, then a text. */
    static const uint8_t attached[] = {1,    0,    0,    0,    34,   0,    0,    0,    0x78, 0x01,
                                       0x01, 0x22, 0x00, 0xdd, 0xff, 0x10, 0x00, 0x00, 0x00, 1,
                                       0,    0,    0,    4,    0,    0,    0,    't',  0,    'x',
                                       0,    'f',  'i',  'l',  'e',  ' ',  'i',  'n',  's',  'i',
                                       'd',  'e',  ' ',  'a',  ' ',  'v',  'a',  'l',  'u'};
    struct jm m;
    struct sink_mem s = {0};
    jm_begin(&m, 2, 0);
    jm_begin_catalogue(&m);
    uint32_t t = jm_table(&m, memo, 3);
    uint32_t d = jm_data(&m, t);
    uint32_t l = jm_long(&m);
    KT_OK(jm_put(&m, l, attached, sizeof attached, 0));
    KT_OK(jm_put(&m, l, "plain text in an OLE field", 26, 0));
    KT_OK(jm_put(&m, l, "\1\2\3\4\5\6\7 nothing known \1\2\3", 26, 0));
    put_memo(&m, d, 0, 0, SINGLE | sizeof attached, l << 8);
    put_memo(&m, d, 0, 0, SINGLE | 26, l << 8 | 1);
    put_memo(&m, d, 0, 0, SINGLE | 26, l << 8 | 2);
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "B text /value-1\nfile inside a valuE\n"));
    KT_OK(reader_has(&s, "7\t\tplain text in an OLE field\n"));
    KT_OK(reader_has(&s, "B text /leftover/8bit\n") && reader_has(&s, "nothing known"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    jm_done(&m);
}

/* ---- rows elsewhere, rows that are lies ---- */

KT_TEST(rows_that_moved_are_read_where_they_are)
{
    struct jm m;
    struct sink_mem s = {0};
    uint8_t row[4096];
    uint8_t pointer[4];
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t t = jm_table(&m, people, 3);
    uint32_t d = jm_data(&m, t);
    uint32_t d2 = jm_data(&m, t);
    jm_le(pointer, d2 << 8, 4);
    KT_OK(jm_put(&m, d, pointer, 4, 0x4000));
    KT_OK(jm_put(&m, d2, row, person(&m, "T00202186H", "Moved", 1, row), 0x8000));
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "B table /table-4\nnid\temri\tpaga\nT00202186H\tMoved\t1\nE\n"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(many_pointers_to_one_row_end_at_the_budget)
{
    struct jm m;
    struct sink_mem s = {.quiet = true};
    uint8_t row[4096];
    uint8_t big[600];
    uint8_t pointer[4];
    static const struct jm_column c[] = {{"t", 10, 0, 0}};
    memset(big, 'x', sizeof big);
    struct jm_value v[] = {{big, sizeof big}};
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t t = jm_table(&m, c, 1);
    uint32_t target = jm_data(&m, t);
    KT_OK(jm_put(&m, target, row, jm_row(&m, c, 1, v, row), 0));
    jm_le(pointer, target << 8, 4);
    for (unsigned k = 0; k < 20; k++) {
        uint32_t d = jm_data(&m, t);
        while (jm_put(&m, d, pointer, 4, 0x4000)) {
        }
    }
    run_jet(&s, &m);
    KT_OK(s.text_bytes < 4 * m.n_pages * m.page_bytes);
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(a_page_with_lying_offsets_is_seen_as_it_is)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 1, 0);
    jm_le(jm_page(&m, 5) + 14, 0x1FFF, 2);
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "jet.page") && reader_has(&s, "B text /leftover/8bit\n"));
    KT_OK(reader_has(&s, "T00202186H"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(pages_without_a_table_and_free_space_are_seen)
{
    struct jm m;
    struct sink_mem s = {0};
    uint8_t row[4096];
    make_people(&m, 1, 0);
    uint32_t lost = jm_data(&m, 77);
    KT_OK(jm_put(&m, lost, row, person(&m, "T09999999Z", "Orphan", 1, row), 0));
    memcpy(jm_page(&m, 5) + 1000, "old words in free space", 23);
    uint32_t other = jm_add_page(&m);
    memcpy(jm_page(&m, other), "\4\1 an index page", 16);
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "T09999999Z") && reader_has(&s, "old words in free space") &&
          reader_has(&s, " an index page"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(values_of_deleted_columns_are_seen)
{
    static const struct jm_column three[] = {{"a", 10, 0, 0}, {"b", 10, 0, 0}, {"c", 10, 0, 0}};
    struct jm m;
    struct sink_mem s = {0};
    uint8_t row[4096];
    struct jm_value v[] = {{"\377\376one", 5}, {"\377\376two", 5}, {"\377\376gone!", 7}};
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t d = jm_data(&m, jm_table(&m, three, 2));
    KT_OK(jm_put(&m, d, row, jm_row(&m, three, 3, v, row), 0));
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "one\ttwo\n") && reader_has(&s, "gone!"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(columns_that_share_bytes_do_not_multiply_them)
{
    struct jm_column c[200];
    struct jm_value v[200];
    struct jm m;
    struct sink_mem s = {.quiet = true};
    uint8_t row[4096];
    static char text[1000];
    memset(text, 'x', sizeof text);
    for (unsigned i = 0; i < 200; i++) {
        c[i] = (struct jm_column){"c", 10, i == 0 ? 200 : 1, 0};
        v[i] = (struct jm_value){text, c[i].len};
    }
    jm_begin(&m, 1, 0);
    jm_begin_catalogue(&m);
    uint32_t t = jm_table(&m, c, 100);
    uint8_t *definition = jm_page(&m, t);
    for (unsigned i = 0; i < 100; i++) {
        /* All columns are the first 300 bytes of the row. */
        jm_le(definition + 63 + 25 * i + 21, 0, 2);
        jm_le(definition + 63 + 25 * i + 23, 300, 2);
    }
    for (unsigned k = 0; k < 20; k++) {
        uint32_t d = jm_data(&m, t);
        size_t n = jm_row(&m, c, 100, v, row);
        while (jm_put(&m, d, row, n, 0)) {
        }
    }
    run_jet(&s, &m);
    KT_OK(s.text_bytes < 4 * m.n_pages * m.page_bytes);
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(a_table_with_two_columns_of_one_number_is_said)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 1, 0);
    jm_le(jm_page(&m, 4) + 63 + 25 + 5, 0, 2);
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "A  jet.table\n") && reader_has(&s, "T00202186H"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(linked_tables_are_said)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 1, 0);
    KT_OK(jm_name(&m, 0, "elsewhere", 6));
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "A  jet.linked\n"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(a_table_of_too_many_columns_is_said_and_its_pages_are_seen)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 1, 0);
    jm_le(jm_page(&m, 4) + 45, 257, 2);
    run_jet(&s, &m);
    KT_OK(reader_has(&s, "A  jet.table\n") && reader_has(&s, "T00202186H"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(read_forward_it_says_the_same_rows)
{
    struct jm m;
    struct sink_mem s = {0};
    make_people(&m, 1, 0x77);
    reader_run_forward(&s, kl_extract_jet, m.ptr, m.n_pages * m.page_bytes);
    KT_OK(reader_has(&s, "B table /paga\nnid\temri\tpaga\nT00202186H\tArben\t61300\n"));
    KT_OK(reader_has(&s, "T00202187J\tBesa\t52000\n"));
    sink_mem_done(&s);
    jm_done(&m);
}

KT_TEST(a_reader_of_events_that_leaves_is_returned)
{
    for (uint64_t n = 1; n < 12; n++) {
        struct jm m;
        struct sink_mem s = {.fail_after = n};
        struct kl_sink sink = sink_mem_sink(&s);
        struct kl_emit *e = NULL;
        make_people(&m, 1, 0);
        struct kl_input in = kl_input_mem(kl_span_make(m.ptr, m.n_pages * m.page_bytes));
        KT_EQ(kl_emit_new(&sink, &e), KL_OK);
        kl_emit_start(e, in.len_bytes);
        KT_EQ(kl_extract_jet(e, &in), KL_E_IO);
        kl_emit_free(&e);
        sink_mem_done(&s);
        jm_done(&m);
    }
}

KT_TEST(no_damage_breaks_the_accounting)
{
    struct jm m;
    make_people(&m, 0, 0);
    reader_run_damaged(kl_extract_jet, m.ptr, m.n_pages * m.page_bytes, 7);
    jm_done(&m);
}

KT_MAIN()
