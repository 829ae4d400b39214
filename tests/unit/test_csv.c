#include "kt.h"

#include "register/csv.h"

/* Rows as text: fields in <>, rejects as "!line"; lines in front. */
struct log {
    struct kl_buf out;
    size_t n_rows;
    size_t n_rejects;
    size_t widest;
    enum kl_rc answer;
};

static enum kl_rc on_row(void *ctx, const struct kl_csv_row *row)
{
    struct log *l = ctx;
    char line[32];

    (void)snprintf(line, sizeof line, "%llu%s", (unsigned long long)row->line,
                   row->reject != NULL ? "!" : "");
    KT_EQ(kl_buf_add_str(&l->out, line), KL_OK);
    for (size_t i = 0; i < row->n_fields; i++) {
        KT_EQ(kl_buf_add_str(&l->out, "<"), KL_OK);
        KT_EQ(kl_buf_add(&l->out, row->fields[i].ptr, row->fields[i].len), KL_OK);
        KT_EQ(kl_buf_add_str(&l->out, ">"), KL_OK);
    }
    KT_EQ(kl_buf_add_str(&l->out, "\n"), KL_OK);
    l->n_rows += row->reject == NULL;
    l->n_rejects += row->reject != NULL;
    l->widest = row->n_fields > l->widest ? row->n_fields : l->widest;
    return l->answer;
}

/* Feed pieces of `step` bytes, each an exact heap copy. */
static struct log run(struct kl_span text, size_t step, char separator, bool quotes)
{
    struct log l = {.n_rows = 0};
    struct kl_csv *c = NULL;

    kl_buf_init(&l.out, 1u << 26);
    KT_EQ(kl_csv_new(separator, quotes, on_row, &l, &c), KL_OK);
    for (size_t at = 0; at < text.len; at += step) {
        struct kl_span p = kl_span_part(text, at, at + step);
        uint8_t *copy = malloc(p.len);
        memcpy(copy, p.ptr, p.len);
        KT_EQ(kl_csv_feed(c, kl_span_make(copy, p.len)), KL_OK);
        free(copy);
    }
    KT_EQ(kl_csv_finish(c), KL_OK);
    kl_csv_free(&c);
    KT_OK(c == NULL);
    KT_EQ(kl_buf_add_u8(&l.out, 0), KL_OK);
    return l;
}

static void same(const char *text, char separator, bool quotes, const char *want)
{
    for (size_t step = 1; step <= strlen(text); step++) {
        struct log l = run(kl_span_str(text), step, separator, quotes);
        KT_STR((char *)l.out.ptr, want);
        kl_buf_done(&l.out);
    }
}

KT_TEST(plain_rows_crlf_empty_lines_and_a_last_row_without_end)
{
    same("a,b\r\n\r\n1,2\n\n,\n3,4", 0, true, "1<a><b>\n3<1><2>\n5<><>\n6<3><4>\n");
}

KT_TEST(quotes_hold_separators_line_ends_and_pairs)
{
    same("a;b\n\"x;\"\"y\"\"\";\"1\r\n2\"\nz;w\n", 0, true,
         "1<a><b>\n2<x;\"y\"><1\r\n2>\n4<z><w>\n");
    same("\"a;x\";\"b\nc\"\n1;2\n", 0, true, "1<a;x><b\nc>\n3<1><2>\n");
    same("\"\",\"\"\"\"\n", ',', true, "1<><\">\n");
}

KT_TEST(a_quote_inside_a_plain_field_is_a_byte)
{
    same("n,s\nthe \"\"Bar\"\" x,1\ny,2\n", 0, true, "1<n><s>\n2<the \"\"Bar\"\" x><1>\n3<y><2>\n");
    same("5\",6\"\"\n7,8\n", ',', true, "1<5\"><6\"\">\n2<7><8>\n");
}

KT_TEST(broken_quotes_reject_their_row_only)
{
    same("a,b\n\"x\"y,1\n2,3\n", 0, true, "1<a><b>\n2!\n3<2><3>\n");
    same("a,b\n1,\"open\n2,3\n", 0, true, "1<a><b>\n2!\n");
}

KT_TEST(a_tab_table_knows_no_quotes)
{
    same("a\tb\n\"x\ty\"\n", '\t', false, "1<a><b>\n2<\"x><y\">\n");
}

KT_TEST(the_separator_is_the_most_frequent_outside_quotes)
{
    same("a|b|c,d\n", 0, true, "1<a><b><c,d>\n");
    same("\"a,b,c\"\tx\n", 0, true, "1<a,b,c><x>\n");
    same("only\n", 0, true, "1<only>\n");
}

KT_TEST(any_cut_of_random_text_gives_the_same_rows)
{
    static const char alphabet[] = "ab,,;\"\"\n\n\r\t ";
    uint32_t x = 7;
    char text[96];

    for (unsigned round = 0; round < 3000; round++) {
        size_t n = 1 + round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            text[i] = alphabet[(x >> 16) % (sizeof alphabet - 1)];
        }
        char sep = round % 3 == 0 ? 0 : round % 3 == 1 ? ',' : '\t';
        struct log whole = run(kl_span_make(text, n), n, sep, round % 4 != 0);
        for (size_t step = 1; step < 8; step++) {
            struct log cut = run(kl_span_make(text, n), step, sep, round % 4 != 0);
            KT_STR((char *)cut.out.ptr, (char *)whole.out.ptr);
            kl_buf_done(&cut.out);
        }
        kl_buf_done(&whole.out);
    }
}

/* Long texts are cut 64 bytes at a time, pieces of a few bytes are not: both must say the same. */
KT_TEST(plain_rows_are_cut_alike_in_one_piece_and_in_crumbs)
{
    static const char *const parts[] = {
        "a",
        "bc,",
        ",",
        "d e f g h",
        "\n",
        "\r\n",
        "\"q\",",
        "\"x,y\"\n",
        "\"",
        "\"\"",
        "\r",
        "long field of more than sixty-four bytes, with a comma in it",
        ",\"z;\"\r\n",
        ";",
        "\"two\nlines\",",
        ",\"pa\"\"ir\",",
    };
    enum { N_PARTS = sizeof parts / sizeof parts[0], BYTES = 1500 };
    uint32_t x = 5;
    char text[BYTES + 80];

    for (unsigned round = 0; round < 2000; round++) {
        size_t n = 0;
        size_t want = 64 + round % (BYTES - 64);
        unsigned kinds = round % 2 == 0 ? 8 : N_PARTS; /* the first 8 make good rows mostly */
        while (n < want) {
            x = x * 1664525 + 1013904223;
            const char *p = parts[(x >> 16) % kinds];
            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        char sep = round % 3 == 0 ? 0 : round % 3 == 1 ? ',' : ';';
        struct log whole = run(kl_span_make(text, n), n, sep, round % 8 != 0);
        for (size_t step = 1; step < 12; step += 5) {
            struct log cut = run(kl_span_make(text, n), step, sep, round % 8 != 0);
            KT_STR((char *)cut.out.ptr, (char *)whole.out.ptr);
            kl_buf_done(&cut.out);
        }
        kl_buf_done(&whole.out);
    }
}

/* Rows and rejects of `text` in pieces of several sizes, 64 KiB the smallest. */
static void counts(struct kl_span text, size_t rows, size_t rejects)
{
    static const size_t steps[] = {65536, 262144, 999999, SIZE_MAX / 4};
    struct log first = run(text, steps[0], ',', true);

    KT_EQ(first.n_rows, rows);
    KT_EQ(first.n_rejects, rejects);
    for (size_t i = 1; i < sizeof steps / sizeof steps[0]; i++) {
        struct log l = run(text, steps[i], ',', true);
        KT_EQ(l.out.len, first.out.len);
        KT_OK(l.out.len == first.out.len && memcmp(l.out.ptr, first.out.ptr, l.out.len) == 0);
        kl_buf_done(&l.out);
    }
    kl_buf_done(&first.out);
}

static char *big(size_t n, char fill)
{
    char *t = malloc(n);
    memset(t, fill, n);
    return t;
}

KT_TEST(a_row_of_one_mib_is_read_and_one_byte_more_is_rejected)
{
    size_t max = KL_CSV_MAX_ROW_BYTES;
    char *t = big(max + 8, 'x');
    memcpy(t + max, "\na,b\n", 5);
    counts(kl_span_make(t, max + 5), 2, 0);
    t[max] = 'x';
    memcpy(t + max + 1, "\na,b\n", 5);
    counts(kl_span_make(t, max + 6), 1, 1);
    free(t);
}

KT_TEST(the_tail_of_an_over_long_line_is_no_row)
{
    size_t n = 3 * KL_CSV_MAX_ROW_BYTES + 17;
    char *t = big(n, ',');
    memcpy(t, "1,2\n", 4);
    memcpy(t + n - 5, "\n3,4\n", 5);
    counts(kl_span_make(t, n), 2, 1);
    free(t);
}

KT_TEST(an_open_quote_costs_one_row)
{
    size_t n = 2 * KL_CSV_MAX_ROW_BYTES;
    char *t = big(n, '1');
    for (size_t i = 3; i < n; i += 4) {
        t[i] = '\n';
        t[i - 2] = ',';
    }
    t[8] = '"';
    counts(kl_span_make(t, n), n / 4 - 1, 1);
    free(t);
}

KT_TEST(a_file_of_open_quotes_is_read_in_linear_time)
{
    size_t n = 40u * KL_CSV_MAX_ROW_BYTES;
    char *t = big(n, 'z');
    for (size_t i = 0; i + 8 <= n; i += 8) {
        memcpy(t + i, "a\",\"bcd\n", 8);
    }
    struct log l = run(kl_span_make(t, n), 262144, ',', true);
    KT_OK(l.n_rejects >= 40 && l.n_rejects < 100);
    kl_buf_done(&l.out);
    free(t);
}

KT_TEST(fields_up_to_the_limit)
{
    char *t = big(KL_CSV_MAX_FIELDS, ',');
    struct log l = run(kl_span_make(t, KL_CSV_MAX_FIELDS - 1), 100, ',', true);
    KT_EQ(l.widest, KL_CSV_MAX_FIELDS);
    KT_EQ(l.n_rejects, 0);
    kl_buf_done(&l.out);
    l = run(kl_span_make(t, KL_CSV_MAX_FIELDS), 100, ',', true);
    KT_EQ(l.n_rejects, 1);
    kl_buf_done(&l.out);
    free(t);
}

KT_TEST(the_reader_stops_with_the_answer_of_its_caller)
{
    struct log l = {.answer = KL_E_MORE};
    struct kl_csv *c = NULL;
    kl_buf_init(&l.out, 1024);
    KT_EQ(kl_csv_new(',', true, on_row, &l, &c), KL_OK);
    KT_EQ(kl_csv_feed(c, KL_SPAN_LIT("a\nb\n")), KL_E_MORE);
    KT_EQ(l.n_rows, 1);
    kl_csv_free(&c);
    kl_buf_done(&l.out);
}

KT_MAIN()
