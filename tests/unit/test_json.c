#include "kt.h"

#include "finding/json.h"
#include "finding/utf8.h"
#include "json_check.h"

#include <math.h>

static uint64_t state = 88172645463325252u;

static uint8_t next_byte(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint8_t)(state >> 24);
}

static void expect(const char *bytes, size_t n, const char *want)
{
    struct kl_buf b;
    struct kl_json j;
    uint8_t *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, bytes, n);
    kl_buf_init(&b, 65536);
    kl_json_init(&j, &b);
    kl_json_bytes(&j, kl_span_make(copy, n));
    KT_EQ(j.rc, KL_OK);
    KT_EQ(kl_buf_add_u8(&b, 0), KL_OK);
    KT_STR((char *)b.ptr, want);
    kl_buf_done(&b);
    free(copy);
}

KT_TEST(text_stays_and_controls_are_escaped)
{
    expect("Gjok\xc3\xab", 6, "\"Gjok\xc3\xab\"");
    expect("a\"b\\c\n\t\x01", 8, "\"a\\\"b\\\\c\\n\\t\\u0001\"");
    expect("\x7f\xc2\x9b", 3, "\"\\u007f\\u009b\"");
    expect("", 0, "\"\"");
}

KT_TEST(what_reorders_or_hides_text_is_escaped)
{
    expect("\xe2\x80\xae", 3, "\"\\u202e\"");
    expect("\xe2\x80\x8b", 3, "\"\\u200b\"");
    expect("\xf3\xa0\x80\x81", 4, "\"\\udb40\\udc01\"");
}

KT_TEST(malformed_utf8_becomes_the_replacement_character)
{
    expect("\xff", 1, "\"\\ufffd\"");
    expect("\xc3", 1, "\"\\ufffd\"");                       /* truncated */
    expect("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");            /* overlong */
    expect("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
    expect("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    expect("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
}

KT_TEST(any_bytes_give_valid_json)
{
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    for (int round = 0; round < 20000; round++) {
        size_t n = next_byte() % 40;
        uint8_t *bytes = malloc(n > 0 ? n : 1);
        for (size_t i = 0; i < n; i++) {
            /* Half of them where multi-byte sequences begin and go on. */
            bytes[i] = (uint8_t)(next_byte() % 2 == 0 ? next_byte() : 0x80 | next_byte());
        }
        struct kl_json j;
        b.len = 0;
        kl_json_init(&j, &b);
        kl_json_bytes(&j, kl_span_make(bytes, n));
        KT_EQ(j.rc, KL_OK);
        KT_OK(json_is_valid(b.ptr, b.len));
        KT_OK(kl_utf8_is_wellformed(kl_buf_span(&b)));
        free(bytes);
    }
    kl_buf_done(&b);
}

KT_TEST(the_checker_refuses_what_is_not_json)
{
    static const char *const bad[] = {"",      "{",       "[1,]",        "\"\x01\"", "\"\xff\"",
                                      "01",    "{\"a\"}", "\"\\ud800\"", "nul",      "1 2",
                                      "[1 2]", "\"a",     "{\"a\":1,}",  "\"\\x\"",  "-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        KT_OK(!json_is_valid(bad[i], strlen(bad[i])));
    }
    static const char good[] = "{\"a\":[1,-2.5e3,null,true,\"\\ud83d\\ude00\"]}";
    KT_OK(json_is_valid(good, sizeof good - 1));
}

KT_TEST(objects_arrays_and_numbers_are_written)
{
    struct kl_buf b;
    struct kl_json j;
    kl_buf_init(&b, 4096);
    kl_json_init(&j, &b);
    kl_json_object(&j);
    kl_json_key(&j, "a");
    kl_json_array(&j);
    kl_json_u64(&j, UINT64_MAX);
    kl_json_f64(&j, 0.1, 6);
    kl_json_f64(&j, (double)NAN, 6);
    kl_json_f64(&j, -(double)INFINITY, 6);
    kl_json_array(&j);
    kl_json_end(&j);
    kl_json_object(&j);
    kl_json_end(&j);
    kl_json_end(&j);
    kl_json_key(&j, "b");
    kl_json_bool(&j, false);
    kl_json_key(&j, "c");
    kl_json_hex(&j, KL_SPAN_LIT("\x00\xff"));
    kl_json_end(&j);
    KT_EQ(j.rc, KL_OK);
    KT_EQ(kl_buf_add_u8(&b, 0), KL_OK);
    KT_STR((char *)b.ptr, "{\"a\":[18446744073709551615,0.1,null,-1e308,[],{}],\"b\":false,"
                          "\"c\":\"00ff\"}");
    kl_buf_done(&b);
}

KT_TEST(the_ceiling_of_the_buffer_sticks)
{
    struct kl_buf b;
    struct kl_json j;
    kl_buf_init(&b, 8);
    kl_json_init(&j, &b);
    kl_json_array(&j);
    kl_json_str(&j, "longer than eight");
    kl_json_end(&j);
    KT_EQ(j.rc, KL_E_LIMIT);
    KT_OK(b.len <= 8);
    kl_buf_done(&b);
}

KT_MAIN()
