#include "extract/extract.h"
#include "kt.h"

#include "reader_run.h"

struct dm_field {
    const char *name;
    char type;
    uint8_t len;
    uint8_t decimals;
};

/* A table of `n` records, each the bytes of `records` (record_bytes long, with its flag). */
static size_t make_dbf(uint8_t *out, uint8_t version, uint8_t driver, const struct dm_field *f,
                       unsigned n_fields, const char *const *records, unsigned n)
{
    bool seven = (version & 7) == 4;
    size_t at = seven ? 68 : 32;
    size_t record_bytes = 1;
    memset(out, 0, 4096);
    for (unsigned i = 0; i < n_fields; i++) {
        memcpy(out + at, f[i].name, strlen(f[i].name));
        out[at + (seven ? 32 : 11)] = (uint8_t)f[i].type;
        out[at + (seven ? 33 : 16)] = f[i].len;
        out[at + (seven ? 34 : 17)] = f[i].decimals;
        record_bytes += f[i].len;
        at += seven ? 48 : 32;
    }
    out[at++] = 0x0D;
    at += version == 0x30 ? 263 : 0;
    out[0] = version;
    out[1] = 5;
    out[2] = 11;
    out[3] = 25;
    out[4] = (uint8_t)n;
    out[8] = (uint8_t)at;
    out[9] = (uint8_t)(at >> 8);
    out[10] = (uint8_t)record_bytes;
    out[29] = driver;
    for (unsigned i = 0; i < n; i++) {
        memcpy(out + at, records[i], record_bytes);
        at += record_bytes;
    }
    out[at++] = 0x1A;
    return at;
}

static const struct dm_field people[] = {
    {"NID", 'C', 10, 0}, {"EMRI", 'C', 6, 0}, {"LINDUR", 'D', 8, 0}, {"PAGA", 'N', 8, 2}};
static const char *const three[] = {" T00202186HArben 19050122   61300",
                                    "*T00202187JBes\211  19050225 52000.5",
                                    " T00202188KDrita 1905-2         "};

KT_TEST(records_and_deleted_records_are_rows)
{
    uint8_t file[4096];
    struct sink_mem s = {0};
    size_t n = make_dbf(file, 3, 0x64, people, 4, three, 3);
    KT_EQ(kl_sniff(kl_span_make(file, n)), KL_FORMAT_DBF);
    reader_run(&s, kl_extract_dbf, file, n);
    KT_OK(reader_has(&s, "B table \nNID\tEMRI\tLINDUR\tPAGA\nT00202186H\tArben\t1905-01-22\t61300\n"
                         "T00202188K\tDrita\t1905-2\t\nE\n"));
    KT_OK(reader_has(&s, "B table /deleted\nNID\tEMRI\tLINDUR\tPAGA\n"
                         "T00202187J\tBes\303\253\t1905-02-25\t52000.5\nE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(the_code_page_byte_is_used)
{
    static const struct {
        uint8_t driver;
        char letter;
    } cases[] = {{0x64, '\211'}, {0x02, '\211'}, {0x01, '\211'},
                 {0x03, '\353'}, {0xC8, '\353'}, {0, '\353'}};
    for (size_t i = 0; i < 6; i++) {
        uint8_t file[4096];
        struct sink_mem s = {0};
        char record[40];
        const char *one[] = {record};
        snprintf(record, sizeof record, " T00202187JBes%c  19050225 52000.5", cases[i].letter);
        size_t n = make_dbf(file, 3, cases[i].driver, people, 4, one, 1);
        reader_run(&s, kl_extract_dbf, file, n);
        KT_OK(reader_has(&s, "\tBes\303\253\t"));
        sink_mem_done(&s);
    }
}

KT_TEST(foxpro_values_are_little_endian)
{
    static const struct dm_field f[] = {
        {"I", 'I', 4, 0}, {"T", 'T', 8, 0}, {"Y", 'Y', 8, 0}, {"B", 'B', 8, 0}};
    static const char record[] = " \5\0\0\0\xf7\xe0\x24\0\x80\xee\x36\0"
                                 "\x40\xa3\x89\x24\0\0\0\0\0\0\0\0\0\0\xf4\x3f";
    const char *const one[] = {record};
    uint8_t file[4096];
    struct sink_mem s = {0};
    size_t n = make_dbf(file, 0x30, 0xC8, f, 4, one, 1);
    KT_EQ(kl_sniff(kl_span_make(file, n)), KL_FORMAT_DBF);
    reader_run(&s, kl_extract_dbf, file, n);
    KT_OK(reader_has(&s, "I\tT\tY\tB\n5\t1905-02-10 01:00:00\t61300\t1.25\n"));
    sink_mem_done(&s);
}

KT_TEST(dbase7_values_are_big_endian_with_signs_turned)
{
    static const struct dm_field f[] = {
        {"WHOLE NUMBER", 'I', 4, 0}, {"O", 'O', 8, 0}, {"N", 'O', 8, 0}};
    static const char record[] = " \x80\0\0\5\xbf\xf8\0\0\0\0\0\0\x40\x07\xff\xff\xff\xff\xff\xff";
    const char *const one[] = {record};
    uint8_t file[4096];
    struct sink_mem s = {0};
    size_t n = make_dbf(file, 4, 0x57, f, 3, one, 1);
    KT_EQ(kl_sniff(kl_span_make(file, n)), KL_FORMAT_DBF);
    reader_run(&s, kl_extract_dbf, file, n);
    KT_OK(reader_has(&s, "WHOLE NUMBER\tO\tN\n5\t1.5\t-1.5\n"));
    sink_mem_done(&s);
}

KT_TEST(bytes_that_no_field_claims_are_a_cell)
{
    uint8_t file[4096];
    struct sink_mem s = {0};
    size_t n = make_dbf(file, 3, 0, people, 4, three, 1);
    file[32 + 3 * 32 + 16] = 3; /* the last field says it is shorter than the record has room */
    reader_run(&s, kl_extract_dbf, file, n);
    KT_OK(reader_has(&s, "\t1905-01-22\t\t61300\n"));
    sink_mem_done(&s);
}

KT_TEST(long_text_fields_have_the_high_byte_of_their_length)
{
    static const struct dm_field f[] = {{"NOTE", 'C', 0x2C, 1}};
    uint8_t file[8192] = {0};
    struct sink_mem s = {0};
    size_t at = make_dbf(file, 3, 0, f, 1, NULL, 0);
    file[4] = 1;
    file[10] = 0x2D;
    file[11] = 1;
    at--;
    memset(file + at, ' ', 301);
    memcpy(file + at + 280, "far behind", 10);
    reader_run(&s, kl_extract_dbf, file, at + 301);
    KT_OK(reader_has(&s, "NOTE\nfar behind\nE\n"));
    sink_mem_done(&s);
}

KT_TEST(counts_that_lie_are_said_and_all_is_seen)
{
    uint8_t file[4096];
    struct sink_mem more = {0};
    struct sink_mem less = {0};
    size_t n = make_dbf(file, 3, 0, people, 4, three, 3);
    file[4] = 4; /* with the end mark there are not bytes enough for a fourth */
    reader_run(&more, kl_extract_dbf, file, n);
    KT_OK(reader_has(&more, "A  dbf.cut\n") && reader_has(&more, "T00202188K\tDrita"));
    file[4] = 1;
    reader_run(&less, kl_extract_dbf, file, n);
    KT_OK(!reader_has(&less, "dbf.cut") && reader_has(&less, "T00202186H\tArben"));
    KT_OK(reader_has(&less, "B text /leftover/8bit\n") && reader_has(&less, "T00202188KDrita"));
    sink_mem_done(&more);
    sink_mem_done(&less);
}

KT_TEST(a_header_that_lies_is_said_and_all_is_seen)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } lies[] = {{8, 20}, {9, 0xFF}, {10, 1}, {32, 0x0D}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t file[4096];
        struct sink_mem s = {0};
        size_t n = make_dbf(file, 3, 0, people, 4, three, 3);
        file[lies[i].at] = lies[i].value;
        reader_run(&s, kl_extract_dbf, file, n);
        KT_OK(reader_has(&s, "A  dbf.header\n") && reader_has(&s, "T00202186HArben"));
        sink_mem_done(&s);
    }
}

KT_TEST(fields_without_bytes_are_no_cells)
{
    static struct dm_field f[60];
    const char *const one[] = {" x", " y"};
    uint8_t file[4096];
    struct sink_mem s = {0};
    for (unsigned i = 0; i < 60; i++) {
        f[i] = (struct dm_field){"F", 'C', i == 30, 0};
    }
    size_t n = make_dbf(file, 3, 0, f, 60, one, 2);
    reader_run(&s, kl_extract_dbf, file, n);
    KT_OK(reader_has(&s, "B table \nF\nx\ny\nE\n"));
    sink_mem_done(&s);
}

KT_TEST(text_that_begins_with_a_version_byte_is_no_table)
{
    static const char text[] = "0123456789;Agron;Hoxha;1905-01-22\r\n"
                               "0123456780;Besa;Hoxha;1905-01-22\r\n0123456780;Besa;Hoxha\r\n";
    KT_EQ(kl_sniff(kl_span_str(text)), KL_FORMAT_TEXT);
    KT_EQ(kl_sniff(kl_span_str("Created by hand\n\n\n")), KL_FORMAT_TEXT);
}

KT_TEST(read_forward_it_says_the_same)
{
    uint8_t file[4096];
    struct sink_mem a = {0};
    struct sink_mem b = {0};
    size_t n = make_dbf(file, 3, 0x64, people, 4, three, 3);
    reader_run(&a, kl_extract_dbf, file, n);
    reader_run_forward(&b, kl_extract_dbf, file, n);
    KT_STR(b.log, a.log);
    sink_mem_done(&a);
    sink_mem_done(&b);
}

KT_TEST(no_damage_breaks_the_accounting)
{
    uint8_t file[4096];
    size_t n = make_dbf(file, 3, 0x64, people, 4, three, 3);
    reader_run_damaged(kl_extract_dbf, file, n, 1);
}

KT_MAIN()
