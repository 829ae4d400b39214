#include "kt.h"

#include "finding/finding.h"
#include "finding/redact.h"
#include "finding/utf8.h"

static void expect_masked(const char *value, size_t n, const char *want)
{
    char out[KL_REDACT_BYTES];
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, value, n);
    kl_redact((struct kl_pii){kl_span_make(copy, n)}, out);
    KT_STR(out, want);
    free(copy);
}

#define MASKED(value, want) expect_masked(value, sizeof(value) - 1, want)

KT_TEST(a_value_is_masked_by_its_length)
{
    MASKED("A12345678K", "A1\xe2\x80\xa6"
                         "8K");
    MASKED("12345678", "12\xe2\x80\xa6"
                       "78");
    MASKED("1234567", "1\xe2\x80\xa6"
                      "7");
    MASKED("1234", "1\xe2\x80\xa6"
                   "4");
    MASKED("123", "\xe2\x80\xa6");
    MASKED("", "\xe2\x80\xa6");
    MASKED("  123  ", "\xe2\x80\xa6");
}

KT_TEST(masking_never_cuts_a_character)
{
    MASKED("\xc3\xab\xc3\xa7"
           "aaaa\xc3\xab\xc3\xa7",
           "\xc3\xab\xc3\xa7\xe2\x80\xa6\xc3\xab\xc3\xa7");
    /* Two and two of four bytes each do not fit: one and one do. */
    MASKED("\xf0\x9f\x98\x80\xf0\x9f\x98\x81zzzz\xf0\x9f\x98\x82\xf0\x9f\x98\x83",
           "\xf0\x9f\x98\x80\xe2\x80\xa6\xf0\x9f\x98\x83");
    MASKED("\xff\x01zzzz\x02\xfe", "??\xe2\x80\xa6??");
}

KT_TEST(any_bytes_are_masked_to_short_valid_text)
{
    uint64_t s = 42;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[24];
        char out[KL_REDACT_BYTES];
        for (size_t i = 0; i < sizeof bytes; i++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)(s >> 56 | (s >> 40 & 0x80));
        }
        kl_redact((struct kl_pii){kl_span_make(bytes, (size_t)(s >> 33) % sizeof bytes)}, out);
        KT_OK(memchr(out, 0, sizeof out) != NULL);
        KT_OK(kl_utf8_is_wellformed(kl_span_str(out)));
    }
}

KT_TEST(verdicts_have_names_in_their_order)
{
    enum kl_verdict v = KL_VERDICT_PASS;
    for (int i = KL_VERDICT_PASS; i <= KL_VERDICT_BLOCK; i++) {
        KT_OK(kl_verdict_parse(kl_verdict_name((enum kl_verdict)i), &v));
        KT_EQ(v, i);
    }
    KT_OK(!kl_verdict_parse("Block", &v));
    KT_OK(!kl_verdict_parse("", &v));
    KT_STR(kl_verdict_name((enum kl_verdict)99), "unknown");
}

KT_TEST(gaps_past_the_maximum_are_only_counted)
{
    struct kl_finding f;
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    for (unsigned i = 0; i < KL_MAX_FINDING_GAPS; i++) {
        KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT("a"), "limit", i), KL_OK);
    }
    KT_EQ(f.n_gaps_more, 0);
    KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT("a"), "limit", 1), KL_OK);
    KT_EQ(f.n_gaps, KL_MAX_FINDING_GAPS);
    KT_EQ(f.n_gaps_more, 1);
    KT_EQ(f.gaps[999].bytes, 999);
    kl_finding_done(&f);
}

KT_TEST(anomalies_past_the_maximum_are_only_counted)
{
    struct kl_finding f;
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    for (unsigned i = 0; i <= KL_MAX_FINDING_ANOMALIES; i++) {
        KT_EQ(kl_finding_add_anomaly(&f, KL_SPAN_LIT("a"),
                                     "a.code.that.is.longer.than.its.thirty.two.bytes"),
              KL_OK);
    }
    KT_EQ(f.n_anomalies, KL_MAX_FINDING_ANOMALIES);
    KT_EQ(f.n_anomalies_more, 1);
    KT_EQ(strlen(f.anomalies[0].code), 31);
    kl_finding_done(&f);
}

KT_TEST(samples_are_few_and_differ)
{
    struct kl_finding f;
    char value[16];
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(value, sizeof value, "A1234567%02d", i / 2);
        KT_EQ(kl_finding_add_sample(&f, (struct kl_pii){kl_span_str(value)}), KL_OK);
    }
    KT_EQ(f.n_samples, KL_MAX_SAMPLES);
    KT_STR(f.samples[1], "A1\xe2\x80\xa6"
                         "01");
    kl_finding_done(&f);
    kl_finding_done(&f); /* a second time does nothing */
}

KT_MAIN()
