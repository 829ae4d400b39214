#include "kt.h"

#include "finding/baseline.h"
#include "finding_sample.h"
#include "json_check.h"

/* The baseline that holds f, read back. */
static struct kl_baseline baseline_of(const struct kl_finding *f)
{
    struct kl_buf b;
    struct kl_baseline base = {0};
    struct kl_err err = {0};
    kl_buf_init(&b, 1u << 20);
    KT_EQ(kl_baseline_write_begin(&b), KL_OK);
    KT_EQ(kl_baseline_write(f, &b), KL_OK);
    KT_EQ(kl_baseline_parse(kl_buf_span(&b), &base, &err), KL_OK);
    kl_buf_done(&b);
    return base;
}

KT_TEST(what_was_written_is_known)
{
    struct kl_finding f = sample_finding();
    struct kl_baseline b = baseline_of(&f);
    KT_EQ(b.n_entries, 3); /* the register, the identifier, the reason */
    KT_OK(kl_baseline_has(&b, &f));
    kl_baseline_done(&b);
    KT_OK(!kl_baseline_has(&b, &f));
    kl_finding_done(&f);
}

KT_TEST(what_has_grown_is_not_known)
{
    struct kl_finding f = sample_finding();
    struct kl_baseline b = baseline_of(&f);
    f.registers[0].n_rows--;
    KT_OK(kl_baseline_has(&b, &f));
    f.registers[0].n_rows += 2;
    KT_OK(!kl_baseline_has(&b, &f));
    f.registers[0].n_rows--;
    f.identifiers[0].n_distinct++;
    KT_OK(!kl_baseline_has(&b, &f));
    f.identifiers[0].n_distinct--;
    f.gaps[0].bytes++;
    KT_OK(!kl_baseline_has(&b, &f));
    f.gaps[0].bytes--;
    KT_OK(kl_baseline_has(&b, &f));
    kl_baseline_done(&b);
    kl_finding_done(&f);
}

KT_TEST(another_path_register_or_column_is_not_known)
{
    struct kl_finding f = sample_finding();
    struct kl_baseline b = baseline_of(&f);
    f.path[1] ^= 1;
    KT_OK(!kl_baseline_has(&b, &f));
    f.path[1] ^= 1;
    f.registers[0].name[0] ^= 1;
    KT_OK(!kl_baseline_has(&b, &f));
    f.registers[0].name[0] ^= 1;
    f.registers[0].columns[4].name[0] ^= 1;
    KT_OK(!kl_baseline_has(&b, &f));
    f.registers[0].columns[4].name[0] ^= 1;
    KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT("a"), "format", 1), KL_OK);
    KT_OK(!kl_baseline_has(&b, &f));
    kl_baseline_done(&b);
    kl_finding_done(&f);
}

KT_TEST(gaps_with_one_reason_are_one_item)
{
    struct kl_finding f;
    struct kl_finding_item item;
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    for (uint64_t i = 1; i <= 10; i++) {
        KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT("a"), i % 2 == 0 ? "io" : "limit", i), KL_OK);
    }
    KT_EQ(kl_finding_items_get(&f), 2);
    KT_EQ(kl_finding_item(&f, 0, &item), KL_OK);
    KT_EQ(item.count, 25);
    KT_EQ(kl_finding_item(&f, 1, &item), KL_OK);
    KT_EQ(item.count, 30);
    kl_finding_done(&f);
}

KT_TEST(a_finding_without_items_is_not_known)
{
    struct kl_finding f;
    struct kl_baseline b = {0};
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    KT_OK(!kl_baseline_has(&b, &f));
    kl_finding_done(&f);
}

KT_TEST(every_line_is_valid_json)
{
    struct kl_finding f = sample_finding();
    struct kl_buf b;
    kl_buf_init(&b, 1u << 20);
    KT_EQ(kl_baseline_write_begin(&b), KL_OK);
    KT_EQ(kl_baseline_write(&f, &b), KL_OK);
    unsigned n = 0;
    for (size_t at = 0; at < b.len; n++) {
        size_t end = kl_span_find(kl_buf_span(&b), at, KL_SPAN_LIT("\n"));
        KT_OK(json_is_valid(b.ptr + at, end - at));
        at = end + 1;
    }
    KT_EQ(n, 4);
    kl_buf_done(&b);
    kl_finding_done(&f);
}

/* The error of a text, as an exact-size heap copy. */
static void expect_error(const char *text, size_t n, uint64_t line, const char *phrase)
{
    struct kl_baseline b = {0};
    struct kl_err err = {0};
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, text, n);
    KT_EQ(kl_baseline_parse(kl_span_make(copy, n), &b, &err), KL_E_FORMAT);
    KT_EQ(err.at_line, line);
    KT_OK(strstr(err.what, phrase) != NULL);
    KT_OK(b.entries == NULL);
    free(copy);
}

#define HEAD "{\"kulla_baseline\":1}\n"
#define FP "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define REFUSED(text, line, phrase) expect_error(text, sizeof(text) - 1, line, phrase)

KT_TEST(what_is_no_baseline_is_refused_with_its_line)
{
    REFUSED("", 1, "not a kulla baseline");
    REFUSED("hello\n", 1, "not a kulla baseline");
    REFUSED("{\"kulla_baseline\":0}\n", 1, "not a kulla baseline");
    REFUSED("{\"kulla_baseline\":2}\n", 1, "a baseline of a newer kulla");
    REFUSED(HEAD "x\n", 2, "not a line of a baseline");
    REFUSED(HEAD "\n{}\n", 3, "not a line of a baseline");
    REFUSED(HEAD "{\"fingerprint\":\"" FP "\"}\n", 2, "not a line");
    REFUSED(HEAD "{\"count\":1}\n", 2, "not a line");
    REFUSED(HEAD "{\"fingerprint\":\"" FP "0\",\"count\":1}\n", 2, "not a line");
    REFUSED(HEAD "{\"fingerprint\":\"" FP "\",\"count\":18446744073709551616}\n", 2, "not a line");
    REFUSED(HEAD "{\"fingerprint\":\"" FP "\",\"count\":-1}\n", 2, "not a line");
    REFUSED(HEAD "{\"fingerprint\":\"" FP "\",\"count\":1} x\n", 2, "not a line");
}

KT_TEST(line_ends_blanks_unknown_fields_and_repeats_are_taken)
{
    static const char text[] = "{\"kulla_baseline\":1}\r\n"
                               "{ \"fingerprint\" : \"" FP "\" , \"count\" : 5 }\r\n\r\n"
                               "{\"new\":\"a\\\"b\",\"fingerprint\":\"" FP "\",\"count\":3}";
    struct kl_baseline b = {0};
    struct kl_err err = {0};
    KT_EQ(kl_baseline_parse(kl_span_make(text, sizeof text - 1), &b, &err), KL_OK);
    KT_EQ(b.n_entries, 1);
    KT_EQ(b.entries[0].count, 5);
    kl_baseline_done(&b);
}

KT_TEST(every_truncation_is_refused_or_a_shorter_baseline)
{
    static const char text[] = HEAD "{\"fingerprint\":\"" FP "\",\"count\":5}\n";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct kl_baseline b = {0};
        struct kl_err err = {0};
        char *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, text, n);
        enum kl_rc rc = kl_baseline_parse(kl_span_make(copy, n), &b, &err);
        bool whole = n == sizeof HEAD - 1 || n == sizeof HEAD - 2 || n == sizeof text - 2;
        KT_EQ(rc, whole ? KL_OK : KL_E_FORMAT);
        kl_baseline_done(&b);
        free(copy);
    }
}

KT_TEST(a_missing_file_is_an_error_of_the_system)
{
    struct kl_baseline b = {0};
    struct kl_err err = {0};
    KT_EQ(kl_baseline_read("tests/unit/no-such-file", &b, &err), KL_E_IO);
    KT_OK(strstr(err.what, "cannot be opened") != NULL);
}

KT_MAIN()
