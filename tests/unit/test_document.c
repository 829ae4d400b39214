#include "kt.h"
#include "small_register.h"

#include "base/buf.h"
#include "match/document.h"

#include <unistd.h>

#define ROWS 300u

static struct kl_index *ix;
static struct kl_key *key;
static struct kl_finding found;
static struct kl_buf text;
static double threshold = 17;

static void start(void)
{
    char path[] = "/tmp/kulla-doc-XXXXXX";
    struct kl_err err = {0};
    int fd = mkstemp(path);

    KT_OK(fd >= 0);
    (void)close(fd);
    KT_EQ(kl_key_from_bytes(small_secret, &key), KL_OK);
    KT_EQ(small_index_write(path, ROWS, true, &err), KL_OK);
    KT_EQ(kl_index_open(path, key, &ix, &err), KL_OK);
    (void)unlink(path);
    kl_buf_init(&text, 1u << 26);
}

static void stop(void)
{
    kl_index_free(&ix);
    kl_key_free(&key);
    kl_buf_done(&text);
}

/* The text in blocks of about `block` bytes, cut at line ends. @return rows accepted */
static uint64_t scan_blocks(size_t block, bool is_table)
{
    const struct kl_index *const indexes[] = {ix};
    const double bits[] = {threshold};
    struct kl_match *m = NULL;
    struct kl_span t = kl_buf_span(&text);

    KT_EQ(kl_finding_init(&found, "doc"), KL_OK);
    KT_EQ(kl_match_new(indexes, 1, bits, &m), KL_OK);
    kl_match_begin(m);
    KT_EQ(kl_match_part_begin(m, KL_SPAN_LIT("part"), is_table), KL_OK);
    for (size_t at = 0; at < t.len;) {
        size_t end = t.len - at > block ? at + block : t.len;
        const uint8_t *nl = memchr(t.ptr + end, '\n', t.len - end);
        end = nl != NULL && end < t.len ? (size_t)(nl - t.ptr) + 1 : t.len;
        uint8_t *exact = malloc(end - at);
        memcpy(exact, t.ptr + at, end - at);
        KT_EQ(kl_match_block(m, kl_span_make(exact, end - at)), KL_OK);
        free(exact);
        at = end;
    }
    KT_EQ(kl_match_part_end(m), KL_OK);
    uint64_t n = kl_match_rows_get(m);
    KT_EQ(kl_match_finish(m, &found), KL_OK);
    KT_EQ(found.n_registers > 0 ? found.registers[0].n_rows : 0, n);
    kl_match_free(&m);
    return n;
}

static uint64_t scan(void)
{
    uint64_t n = scan_blocks(1u << 20, false);
    kl_finding_done(&found);
    return n;
}

/* Append person i of `nation`: the columns of `order` (digits; '.' ends), sep between, end behind.
 */
static void add(uint32_t nation, uint32_t i, const char *order, const char *sep, const char *end)
{
    small_row r;
    small_person(nation, i, r);
    for (size_t k = 0; order[k] != '\0'; k++) {
        KT_EQ(kl_buf_addf(&text, "%s%s", k > 0 ? sep : "", r[order[k] - '0']), KL_OK);
    }
    KT_EQ(kl_buf_add_str(&text, end), KL_OK);
}

static void list(uint32_t nation, const char *order, const char *sep, const char *end)
{
    text.len = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        add(nation, i, order, sep, end);
    }
}

static uint64_t cells(const char *column)
{
    for (size_t i = 0; found.n_registers > 0 && i < found.registers[0].n_columns; i++) {
        if (strcmp(found.registers[0].columns[i].name, column) == 0) {
            return found.registers[0].columns[i].n_cells;
        }
    }
    return 0;
}

KT_TEST(a_copy_is_found_whole_with_all_its_columns)
{
    static const char *const names[] = {"nid",      "given", "family", "birth_date",
                                        "employer", "phone", "salary", "plate"};
    start();
    list(1, "012345678", ",", "\n");
    KT_EQ(scan_blocks(1u << 20, false), ROWS);
    KT_EQ(found.n_registers, 1);
    const struct kl_finding_register *r = &found.registers[0];
    KT_STR(r->name, "small");
    KT_EQ(r->n_columns, 8);
    KT_EQ(r->n_index_rows, ROWS);
    KT_EQ(r->n_weak_rows, 0);
    KT_EQ(r->first_row, 1);
    KT_EQ(r->last_row, ROWS);
    KT_OK(r->in_order && r->log10_chance < -100 && r->evidence_bits > 17.0 * ROWS);
    KT_EQ(r->n_parts, 1);
    KT_STR(r->parts[0].path, "part");
    KT_EQ(r->parts[0].n_rows, ROWS);
    for (size_t c = 0; c < 8; c++) {
        KT_EQ(cells(names[c]), ROWS);
    }
    KT_EQ(cells("vote"), 0);
    KT_EQ(found.n_samples, KL_MAX_SAMPLES);
    kl_finding_done(&found);
    stop();
}

KT_TEST(separators_order_and_tables_do_not_matter)
{
    start();
    list(1, "73150246", ",", "\n");
    KT_EQ(scan(), ROWS);
    list(1, "01234567", ";", "\r\n");
    KT_EQ(scan(), ROWS);
    list(1, "40136527", "\t", "\n");
    KT_EQ(scan(), ROWS);
    KT_EQ(scan_blocks(4096, true), ROWS);
    KT_EQ(cells("salary"), ROWS);
    kl_finding_done(&found);
    list(1, "01234567", "\",\"", "\n");
    KT_EQ(scan(), ROWS);
    list(1, "0125", "','", "'), ('"); /* one long line */
    KT_EQ(scan(), ROWS);
    stop();
}

KT_TEST(one_value_a_line_is_found)
{
    start();
    list(1, "01234567", "\n", "\n\n");
    KT_EQ(scan(), ROWS);
    stop();
}

KT_TEST(the_key_column_alone_is_found_by_its_ratio)
{
    start();
    list(1, "0", "", "\n");
    KT_EQ(scan_blocks(1u << 20, false), ROWS);
    KT_EQ(cells("nid"), ROWS);
    KT_OK(found.registers[0].hit_ratio > 0.99 && found.registers[0].log10_chance < -12);
    kl_finding_done(&found);
    list(9, "0", "", "\n");
    KT_EQ(scan(), 0);
    stop();
}

KT_TEST(tuples_are_found_without_a_key)
{
    start();
    list(1, "123", ",", "\n");
    KT_EQ(scan_blocks(1u << 20, false), ROWS);
    KT_EQ(cells("birth_date"), ROWS);
    KT_EQ(cells("nid"), 0);
    kl_finding_done(&found);
    list(1, "321", ";", "\n");
    KT_EQ(scan(), ROWS);
    list(1, "246", "\t", "\n");
    KT_EQ(scan(), ROWS);
    stop();
}

KT_TEST(other_people_are_not_found)
{
    static const char *const orders[] = {"012345678", "123", "0", "5", "246", "7654321"};
    start();
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        list(9, orders[i], ",", "\n");
        KT_EQ(scan(), 0);
    }
    stop();
}

KT_TEST(one_citizen_is_one_row)
{
    start();
    text.len = 0;
    add(1, 77, "01234567", ",", "\n");
    KT_EQ(scan(), 1);
    for (uint32_t i = 0; i < 50; i++) {
        add(9, i, "01234567", ",", "\n");
    }
    KT_EQ(scan(), 1);
    text.len = 0;
    for (unsigned i = 0; i < 200; i++) { /* again and again */
        add(1, 77, "01234567", ",", "\n");
    }
    KT_EQ(scan(), 1);
    stop();
}

KT_TEST(one_key_said_often_is_no_list)
{
    start();
    text.len = 0;
    add(1, 5, "0", "", "\n");
    KT_EQ(scan(), 0);
    for (unsigned i = 0; i < 200; i++) {
        add(1, 5, "0", "", i % 2 == 0 ? " " : "\n");
    }
    KT_EQ(scan(), 0);
    text.len = 0;
    for (unsigned i = 0; i < 50; i++) {
        add(1, 5, "0", "", " and ");
    }
    KT_EQ(scan(), 0);
    threshold = 60; /* a tuple is weak then */
    list(1, "123", ",", "\n");
    KT_EQ(scan(), ROWS); /* by its ratio */
    text.len = 0;
    for (unsigned i = 0; i < 300; i++) {
        add(1, 5, "123", ",", "\n");
    }
    KT_EQ(scan(), 0);
    threshold = 17;
    stop();
}

KT_TEST(blocks_of_any_size_give_the_same_rows)
{
    static const size_t sizes[] = {1, 100, 777, 4096, 65536};
    start();
    for (unsigned k = 0; k < 3; k++) {
        list(1, k == 0 ? "01234567" : k == 1 ? "123" : "0", ",", "\n");
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            KT_EQ(scan_blocks(sizes[i], false), ROWS);
            KT_EQ(found.registers[0].n_columns, k == 0 ? 8 : k == 1 ? 3 : 1);
            kl_finding_done(&found);
        }
    }
    stop();
}

KT_TEST(documents_do_not_know_each_other)
{
    static const double bits[] = {17};
    struct kl_match *m = NULL;

    start();
    const struct kl_index *const opened[] = {ix};
    KT_EQ(kl_match_new(opened, 1, bits, &m), KL_OK);
    for (unsigned round = 0; round < 4; round++) {
        list(round % 2 == 0 ? 1 : 9, "012345", ",", "\n");
        KT_EQ(kl_finding_init(&found, "doc"), KL_OK);
        kl_match_begin(m);
        KT_EQ(kl_match_part_begin(m, KL_SPAN_LIT("p"), false), KL_OK);
        KT_EQ(kl_match_block(m, kl_buf_span(&text)), KL_OK);
        KT_EQ(kl_match_part_end(m), KL_OK);
        KT_EQ(kl_match_finish(m, &found), KL_OK);
        KT_EQ(found.n_registers, round % 2 == 0 ? 1 : 0);
        KT_EQ(kl_match_rows_get(m), round % 2 == 0 ? ROWS : 0);
        kl_finding_done(&found);
    }
    kl_match_free(&m);
    KT_OK(m == NULL);
    stop();
}

KT_MAIN()
