#include "kt.h"

#include "base/cpu.h"
#include "base/fold.h"
#include "base/fold_bulk.h"

/* Fold an exact-size heap copy; the result is a C string in a static buffer. */
static const char *folded(const char *s, bool view)
{
    static char out[4096];
    size_t n = strlen(s);
    uint8_t *in = malloc(n + 1);
    uint8_t *copy = realloc(in, n > 0 ? n : 1);
    memcpy(copy, s, n);
    size_t len = view ? kl_fold_view(kl_span_make(copy, n), (uint8_t *)out, sizeof(out) - 1)
                      : kl_fold_text(kl_span_make(copy, n), (uint8_t *)out, sizeof(out) - 1);
    out[len] = 0;
    free(copy);
    return out;
}

static bool odd(const char *s)
{
    return kl_fold_is_odd(kl_span_str(s));
}

KT_TEST(latin_letters_lose_case_and_marks)
{
    KT_STR(folded("SHKËLQIM Çela, Đorđe Straße ÆØŁ", false), "shkelqim cela, dorde strasse aeol");
    KT_STR(folded("e\xcc\x88 E\xcc\x88 c\xcc\xa7", false), "e e c");
    KT_STR(folded("a\tb\r\nC;\"d\"", false), "a\tb\r\nc;\"d\"");
}

KT_TEST(disguises_are_seen_through)
{
    KT_STR(folded("Ａ１２３４５６７８Ｂ", false), "a12345678b");
    KT_STR(folded("A9\u200b12\u00ad34\u206056", false), "a9123456");
    KT_STR(folded("𝐀𝟏𝟐 ﬁ ①", false), "a12 fi 1");
    KT_STR(folded("٠٦٩ ۰۶۹ ०६९", false), "069 069 069");
    KT_STR(folded("069\u202f21\u00a034\u201156", false), "069 21 34-56");
}

KT_TEST(greek_and_cyrillic_words_become_albanian_spelling)
{
    KT_STR(folded("Χότζα", false), "hoxha");
    KT_STR(folded("Ходжа", false), "hoxha");
    KT_STR(folded("Хоџа", false), "hoxha");
    KT_STR(folded("Ντούρρες Μπεράτ Γκίνη", false), "durres berat gini");
    KT_STR(folded("Ђорђевић Жељко Њ", false), "gjorgjeviq zheljko nj");
    KT_STR(folded("Николай и\xcc\x86", false), "nikolaj j");
    KT_STR(folded("ХОЏА", false), "hoxha");
}

KT_TEST(look_alikes_are_mapped_by_look)
{
    KT_STR(folded("А91234567В", false), "a91234567b"); /* Cyrillic A and B */
    KT_STR(folded("Аgim", false), "agim");
    KT_STR(folded("AА123ВB", false), "aa123bb");
    KT_STR(folded("ΑΒΕ", false), "abe");
    KT_STR(folded("сосо", false), "coco");
    KT_STR(folded("g\u200bі", false), "gi");
}

KT_TEST(the_view_keeps_letter_case)
{
    KT_STR(folded("Ｊ6 Agim HOXHA Хоџа АА ë É", true), "J6 Agim HOXHA Hoxha AA e E");
    KT_STR(folded("plain ASCII Text 12", true), "plain ASCII Text 12");
}

KT_TEST(odd_is_said_only_of_what_a_plain_scan_misses)
{
    KT_OK(!odd("plain text, 12345"));
    KT_OK(!odd("Shkëlqim Çela – “tha” … €5 §3 «po» ½ m² ™ Łódź ș ț"));
    KT_OK(!odd("1 – 2"));
    KT_OK(odd("069–21"));
    KT_OK(odd("e\xcc\x88"));
    KT_OK(odd("a\u200b"));
    KT_OK(odd("a\u00ad"));
    KT_OK(odd("\u202ea"));
    KT_OK(odd("Ａ"));
    KT_OK(odd("𝟏"));
    KT_OK(odd("Ж"));
    KT_OK(odd("ά"));
    KT_OK(odd("٣"));
    KT_OK(odd("1\u00a02"));
    KT_OK(!odd("漢字かな"));
    KT_OK(!odd("\xff\xfe\xc2"));
}

KT_TEST(odd_is_found_at_every_offset)
{
    for (int level = KL_CPU_PORTABLE; level <= KL_CPU_AVX512; level++) {
        kl_cpu_level_set((enum kl_cpu_level)level);
        for (size_t at = 0; at + 2 <= 600; at++) {
            uint8_t *b = malloc(600);
            memset(b, 'x', 600);
            KT_OK(!kl_fold_is_odd(kl_span_make(b, 600)));
            memcpy(b + at, "\u00ad", 2);
            KT_OK(kl_fold_is_odd(kl_span_make(b, 600)));
            free(b);
        }
    }
    kl_cpu_level_set(KL_CPU_AVX512);
}

KT_TEST(malformed_bytes_become_the_replacement_character)
{
    KT_STR(folded("a\xff\x62\xc3", false), "a\uFFFDb\uFFFD");
    KT_STR(folded("\xed\xa0\x80", false), "\uFFFD\uFFFD\uFFFD");
    KT_STR(folded("\xc0\x80\xf5", false), "\uFFFD\uFFFD\uFFFD");
}

static uint32_t seed = 7;

static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Text of pieces that meet the borders of every path. */
static size_t random_text(uint8_t *b, size_t max)
{
    static const char *const bits[] = {"ë",    "Ç",    "ß",  "æ",  "×",      "đ",
                                       "Ж",    "А",    "Χό", "Ｂ", "\u200b", "\xcc\x88",
                                       "\xc3", "\xff", "漢", "𝟏",  "–",      "и\xcc\x86"};
    size_t n = 0;
    size_t want = rnd((uint32_t)max);
    while (n + 8 < want) {
        if (rnd(9) == 0) {
            const char *s = bits[rnd(sizeof(bits) / sizeof(bits[0]))];
            memcpy(b + n, s, strlen(s));
            n += strlen(s);
        } else {
            b[n++] = (uint8_t)(' ' + rnd(95));
        }
    }
    return n;
}

KT_TEST(every_path_gives_the_portable_result)
{
    static uint8_t in[2048];
    static uint8_t want[8192];
    for (unsigned round = 0; round < 3000; round++) {
        size_t n = random_text(in, sizeof(in));
        bool view = round % 2 == 1;
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, in, n);
        struct kl_span t = kl_span_make(copy, n);
        kl_cpu_level_set(KL_CPU_PORTABLE);
        size_t n_want =
            view ? kl_fold_view(t, want, sizeof(want)) : kl_fold_text(t, want, sizeof(want));
        bool odd_want = kl_fold_is_odd(t);
        for (int level = KL_CPU_AVX2; level <= KL_CPU_AVX512; level++) {
            kl_cpu_level_set((enum kl_cpu_level)level);
            uint8_t *got = malloc(4 * n + 1);
            size_t n_got = view ? kl_fold_view(t, got, 4 * n) : kl_fold_text(t, got, 4 * n);
            KT_EQ(n_got, n_want);
            KT_MEM(got, want, n_got < n_want ? n_got : n_want);
            KT_EQ(kl_fold_is_odd(t), odd_want);
            free(got);
        }
        free(copy);
    }
    kl_cpu_level_set(KL_CPU_AVX512);
}

KT_TEST(a_small_buffer_is_filled_and_never_passed)
{
    const char *s = "SHKËLQIM Ходжа Ａ１ ß 12345678901234567890123456789012345678901234567890";
    static uint8_t whole[1024];
    struct kl_span t = kl_span_str(s);
    size_t n = kl_fold_text(t, whole, sizeof(whole));
    for (size_t cap = 0; cap <= n; cap++) {
        uint8_t *out = malloc(cap > 0 ? cap : 1);
        size_t got = kl_fold_text(t, out, cap);
        KT_OK(got <= cap);
        KT_MEM(out, whole, got);
        free(out);
    }
}

KT_TEST(no_code_point_needs_more_room_than_promised)
{
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        uint8_t in[4];
        uint8_t out[64];
        uint32_t chars[4];
        size_t n = kl_utf8_put(cp, in);
        size_t at = 0;
        KT_OK(kl_fold_char(cp, chars) <= 4);
        if (cp < 0xD800 || cp > 0xDFFF) {
            KT_EQ(kl_utf8_next(kl_span_make(in, n), &at), cp);
            KT_EQ(at, n);
        }
        size_t len = kl_fold_text(kl_span_make(in, n), out, sizeof(out));
        KT_OK(len <= 4 * n);
        /* Folding is done once and for all. */
        uint8_t again[64];
        size_t len2 = kl_fold_text(kl_span_make(out, len), again, sizeof(again));
        KT_EQ(len2, len);
        KT_MEM(again, out, len < len2 ? len : len2);
        if (kt_failures > 10) {
            KT_FAIL("code point U+%04X", cp);
            return;
        }
    }
    KT_OK(kl_fold_table_id() != 0);
}

KT_MAIN()
