/* The three outputs of one fixed finding, byte by byte; tests/unit/expect holds the texts. */
#include "kt.h"

#include "finding/write.h"
#include "finding_sample.h"
#include "json_check.h"

/* Compare with a file; KULLA_EXPECT=write in the environment writes it anew, to be read by a
 * person. */
static void expect_file(const struct kl_buf *got, const char *path)
{
    char want[16384];
    const char *mode = getenv("KULLA_EXPECT");
    if (mode != NULL && strcmp(mode, "write") == 0) {
        FILE *out = fopen(path, "wb");
        KT_OK(out != NULL && fwrite(got->ptr, 1, got->len, out) == got->len);
        if (out != NULL) {
            (void)fclose(out);
        }
        return;
    }
    FILE *in = fopen(path, "rb");
    KT_OK(in != NULL);
    if (in == NULL) {
        return;
    }
    size_t n = fread(want, 1, sizeof want, in);
    (void)fclose(in);
    KT_EQ(got->len, n);
    KT_MEM(got->ptr, want, n < got->len ? n : got->len);
}

KT_TEST(the_text_report_says_what_was_found)
{
    struct kl_finding f = sample_finding();
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    KT_EQ(kl_write_text(&f, &(struct kl_text_style){false}, &b), KL_OK);
    expect_file(&b, "tests/unit/expect/report.txt");
    KT_OK(memchr(b.ptr, 0x1b, b.len) == NULL);
    b.len = 0;
    KT_EQ(kl_write_text(&f, &(struct kl_text_style){true}, &b), KL_OK);
    KT_MEM(b.ptr, "\x1b[1;31mBLOCK\x1b[0m", 16);
    kl_buf_done(&b);
    kl_finding_done(&f);
}

KT_TEST(the_json_line_is_as_in_the_contract)
{
    struct kl_finding f = sample_finding();
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    KT_EQ(kl_write_json(&f, &b), KL_OK);
    expect_file(&b, "tests/unit/expect/report.json");
    KT_OK(json_is_valid(b.ptr, b.len));
    KT_OK(memchr(b.ptr, '\n', b.len) == b.ptr + b.len - 1);
    kl_buf_done(&b);
    kl_finding_done(&f);
}

KT_TEST(a_path_that_is_not_utf8_is_also_given_in_hex)
{
    struct kl_finding f;
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    KT_EQ(kl_finding_init(&f, "a\xff\x1b[m"), KL_OK);
    KT_EQ(kl_write_json(&f, &b), KL_OK);
    static const char want[] = "{\"path\":\"a\\ufffd\\u001b[m\",\"path_hex\":\"61ff1b5b6d\"";
    KT_MEM(b.ptr, want, sizeof want - 1);
    b.len = 0;
    KT_EQ(kl_write_text(&f, &(struct kl_text_style){false}, &b), KL_OK);
    KT_MEM(b.ptr, "pass  a\\xff\\x1b[m\n", 18);
    b.len = 0;
    struct kl_sarif s;
    KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT(""), "io", 0), KL_OK);
    KT_EQ(kl_write_sarif_begin(&s, &b), KL_OK);
    KT_EQ(kl_write_sarif(&s, &f, &b), KL_OK);
    KT_EQ(kl_write_sarif_end(&s, true, &b), KL_OK);
    KT_OK(json_is_valid(b.ptr, b.len));
    KT_OK(kl_span_find(kl_buf_span(&b), 0, KL_SPAN_LIT("\"uri\":\"a%FF%1B%5Bm\"")) < b.len);
    kl_buf_done(&b);
    kl_finding_done(&f);
}

KT_TEST(the_sarif_document_holds_a_result_for_each_item)
{
    struct kl_finding f = sample_finding();
    struct kl_sarif s;
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    KT_EQ(kl_write_sarif_begin(&s, &b), KL_OK);
    KT_EQ(kl_write_sarif(&s, &f, &b), KL_OK);
    KT_EQ(kl_write_sarif(&s, &f, &b), KL_OK);
    KT_EQ(kl_write_sarif_end(&s, false, &b), KL_OK);
    KT_OK(json_is_valid(b.ptr, b.len));
    expect_file(&b, "tests/unit/expect/report.sarif");
    kl_buf_done(&b);
    kl_finding_done(&f);
}

KT_TEST(an_empty_sarif_document_is_valid_json)
{
    struct kl_sarif s;
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    KT_EQ(kl_write_sarif_begin(&s, &b), KL_OK);
    KT_EQ(kl_write_sarif_end(&s, true, &b), KL_OK);
    KT_OK(json_is_valid(b.ptr, b.len));
    kl_buf_done(&b);
}

static void expect_count(uint64_t n, const char *count, const char *size)
{
    struct kl_buf b;
    kl_buf_init(&b, 256);
    KT_EQ(kl_write_count(n, &b), KL_OK);
    KT_EQ(kl_buf_add_u8(&b, 0), KL_OK);
    KT_STR((char *)b.ptr, count);
    b.len = 0;
    KT_EQ(kl_write_size(n, &b), KL_OK);
    KT_EQ(kl_buf_add_u8(&b, 0), KL_OK);
    KT_STR((char *)b.ptr, size);
    kl_buf_done(&b);
}

KT_TEST(numbers_are_grouped_and_sizes_have_units)
{
    expect_count(0, "0", "0 bytes");
    expect_count(1, "1", "1 byte");
    expect_count(999, "999", "999 bytes");
    expect_count(1000, "1,000", "1.0 kB");
    expect_count(1000007, "1,000,007", "1.0 MB");
    expect_count(999999999, "999,999,999", "1.0 GB");
    expect_count(UINT64_MAX, "18,446,744,073,709,551,615", "18.4 EB");
}

static void expect_rows(uint64_t n_rows, uint64_t n_index_rows, double log10_chance,
                        const char *want)
{
    struct kl_finding f;
    struct kl_finding_register *r = NULL;
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    KT_EQ(kl_finding_add_register(&f, &r), KL_OK);
    (void)snprintf(r->name, sizeof r->name, "r");
    r->n_rows = n_rows;
    r->n_index_rows = n_index_rows;
    r->log10_chance = log10_chance;
    KT_EQ(kl_write_text(&f, &(struct kl_text_style){false}, &b), KL_OK);
    KT_EQ(kl_buf_add_u8(&b, 0), KL_OK);
    KT_OK(strstr((char *)b.ptr, want) != NULL);
    kl_buf_done(&b);
    kl_finding_done(&f);
}

KT_TEST(shares_and_odds_are_never_rounded_to_more_than_they_are)
{
    expect_rows(10, 10, -12.7, "10 of 10 (100.0 %); chance of this by coincidence below 1e-12\n");
    expect_rows(9999999, 10000000, -301, "(> 99.9 %); chance of this by coincidence below 1e-300");
    expect_rows(1, 10000000, -0.5, "(< 0.1 %); this may well be coincidence\n");
    expect_rows(0, 0, 0, "0 of 0; this may well be coincidence\n");
}

KT_MAIN()
