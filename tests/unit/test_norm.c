#include "kt.h"

#include "base/cpu.h"
#include "match/norm.h"
#include "match/norm_words.h"

static char form[KL_MAX_CELL_BYTES + 1];

/* The normal form as a string; "!" when the cell is not of the type. */
static const char *norm_n(enum kl_type t, const char *cell, size_t n)
{
    struct kl_norm nm;
    uint8_t *copy = malloc(n + 1);
    uint8_t *exact = realloc(copy, n > 0 ? n : 1);

    memcpy(exact, cell, n);
    bool ok = kl_norm_cell(t, kl_span_make(exact, n), &nm);
    free(exact);
    if (!ok) {
        KT_EQ(nm.n, 0);
        return "!";
    }
    memcpy(form, nm.bytes, nm.n);
    form[nm.n] = '\0';
    return form;
}

static const char *norm(enum kl_type t, const char *cell)
{
    return norm_n(t, cell, strlen(cell));
}

KT_TEST(names_are_known_in_any_order_case_and_spelling)
{
    KT_STR(norm(KL_TYPE_GIVEN, "Hoxha, Arben"), "arben hoxha");
    KT_STR(norm(KL_TYPE_GIVEN, "ARBEN  HOXHA"), "arben hoxha");
    KT_STR(norm(KL_TYPE_FAMILY, "  Çela-Gjergji "), "cela gjergji");
    KT_STR(norm(KL_TYPE_FAMILY, "GJERGJI C\xcc\xa7"
                                "ela"),
           "cela gjergji");
    KT_STR(norm(KL_TYPE_FATHER, "Shkëlqim"), "shkelqim");
    KT_STR(norm(KL_TYPE_TEXT, "Shkelqim"), "shkelqim");
    KT_STR(norm(KL_TYPE_ORG, "\"Alba\" sh.p.k. 2"), "2 alba k p sh");
    KT_STR(norm(KL_TYPE_PLACE, "--- ..."), "!");
    KT_STR(norm(KL_TYPE_PLACE, " \t "), "");
}

KT_TEST(long_words_are_cut_at_the_cell_and_stay_equal)
{
    char long_word[600];
    memset(long_word, 'k', sizeof long_word);
    KT_EQ(strlen(norm_n(KL_TYPE_TEXT, long_word, 31)), 31);
    KT_EQ(strlen(norm_n(KL_TYPE_TEXT, long_word, 32)), 32);
    KT_EQ(strlen(norm_n(KL_TYPE_TEXT, long_word, 255)), 255);
    KT_EQ(strlen(norm_n(KL_TYPE_TEXT, long_word, 600)), 255);
    KT_STR(norm(KL_TYPE_TEXT, "q p o n m l k j i h g f e d c b a"),
           "b c d e f g h i j k l m n o p q");
    for (size_t n = 1; n < sizeof long_word; n++) { /* cut inside a letter of two bytes or three */
        memcpy(long_word, "aa\xc3\xab\xe1\xba\x9e", 7);
        KT_OK(strlen(norm_n(KL_TYPE_TEXT, long_word, n)) <= KL_MAX_CELL_BYTES);
    }
    for (size_t i = 0; i + 3 <= sizeof long_word; i += 3) {
        memcpy(long_word + i, "\xef\xac\x83", 3); /* ffi: one letter folds to three */
    }
    for (size_t n = 3; n < 300; n += 3) {
        KT_OK(strlen(norm_n(KL_TYPE_TEXT, long_word, n)) == (n < 255 ? n : 255));
    }
}

KT_TEST(identifiers_have_one_form)
{
    char nid[11] = "T05512012X";
    nid[9] = kl_al_check_letter((const uint8_t *)nid);
    KT_STR(norm(KL_TYPE_NID, nid), "T05512012");
    KT_STR(norm(KL_TYPE_NID, " T05512012 "), "T05512012");
    nid[0] = 't';
    KT_STR(norm(KL_TYPE_NID, nid), "T05512012");
    KT_STR(norm(KL_TYPE_NID, "T05992012A"), "!");
    KT_STR(norm(KL_TYPE_NID, "n/a"), "!");
    static const char *const phones[] = {"0691234567",    "+355691234567",    "+355 69 123 4567",
                                         "069 12 34 567", "00355 69 1234567", "069-123-4567"};
    for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++) {
        KT_STR(norm(KL_TYPE_PHONE, phones[i]), "691234567");
    }
    KT_STR(norm(KL_TYPE_PHONE, "06-9-1234-567"), "!"); /* 6 September 1234 */
    static const char *const plates[] = {"AA123BB", "AA 123 BB", "aa123bb", "AA-123-BB"};
    for (size_t i = 0; i < sizeof plates / sizeof plates[0]; i++) {
        KT_STR(norm(KL_TYPE_PLATE, plates[i]), "AA123BB");
    }
    KT_STR(norm(KL_TYPE_EMAIL, "Arben.H@Example.AL"), "arben.h@example.al");
}

KT_TEST(dates_and_numbers_have_one_form)
{
    static const char *const dates[] = {"1905-03-07",          "07.03.1905",
                                        "07/03/1905",          "7.3.1905",
                                        "1905-03-07 00:00:00", "1905-03-07T00:00:00Z"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        KT_STR(norm(KL_TYPE_DATE, dates[i]), "19050307");
    }
    KT_STR(norm(KL_TYPE_DATE, "1905-02-30"), "!");
    KT_STR(norm(KL_TYPE_DATE, "1904-02-29"), "19040229");
    KT_STR(norm(KL_TYPE_DATE, "31.12.1905"), "19051231");
    static const char *const sums[] = {"45000",  "45,000",    "45.000",   "45000.00",
                                       "45 000", "45,000.00", "45.000,00"};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        KT_STR(norm(KL_TYPE_MONEY, sums[i]), "45000");
    }
    KT_STR(norm(KL_TYPE_INT, "7"), "7");
    KT_STR(norm(KL_TYPE_INT, "0"), "0");
    KT_STR(norm(KL_TYPE_INT, "x"), "!");
}

/* The quick path takes 48 bytes; with blanks behind it the same text takes the long one. */
KT_TEST(words_have_one_form_on_the_quick_path_and_the_long_one)
{
    static const char *const parts[] = {"a",   "ab", "B",  "abcdefgh", "ABCDEFGHI", "abcdefghij",
                                        "7",   "45", "ë",  "Ç",        "\xc3",      "é",
                                        "\0x", " ",  "  ", "-",        ", ",        "."};
    enum { N_PARTS = sizeof parts / sizeof parts[0], BLANKS = 60 };
    uint32_t x = 11;

    for (unsigned round = 0; round < 200000; round++) {
        uint8_t text[320];
        size_t n = 0;
        struct kl_norm quick;
        struct kl_norm slow;
        unsigned n_parts = 1 + (x >> 20) % 24;
        for (unsigned i = 0; i < n_parts; i++) {
            x = x * 1664525 + 1013904223;
            /* most of them plain: one odd part sends the whole text the long way */
            unsigned k = (x >> 12) % 16 != 0 ? (x >> 16) % 10 + (x >> 11) % 2 * 8 : (x >> 16);
            k %= N_PARTS;
            size_t len = k == 12 ? 2 : strlen(parts[k]);
            memcpy(text + n, parts[k], len);
            n += len;
        }
        uint8_t *exact = malloc(n);
        memcpy(exact, text, n);
        kl_cpu_level_set(round % 2 == 0 ? KL_CPU_AVX512 : KL_CPU_PORTABLE);
        kl_norm_words(kl_span_make(exact, n), &quick);
        free(exact);
        memset(text + n, ' ', BLANKS);
        kl_norm_words(kl_span_make(text, n + BLANKS), &slow);
        if (quick.n != slow.n || memcmp(quick.bytes, slow.bytes, slow.n) != 0) {
            KT_FAIL("round %u: \"%.*s\" is \"%.*s\", not \"%.*s\"", round, (int)n, (char *)text,
                    quick.n, (char *)quick.bytes, slow.n, (char *)slow.bytes);
            break;
        }
    }
}

/* Words as a batch gives them: in the cell, or beside it, or not at all. */
static void same_as_batch(const struct kl_words_batch *b, size_t i, const uint8_t *cell)
{
    struct kl_norm nm;
    uint8_t want[32] = {0};

    kl_norm_words(b->text[i], &nm);
    if (b->len[i] == SIZE_MAX) {
        return;
    }
    KT_EQ(b->len[i], nm.n);
    if (nm.n < 32) {
        memcpy(want, nm.bytes, nm.n);
        KT_OK(memcmp(want, cell, 31) == 0);
    } else {
        KT_OK(memcmp(nm.bytes, b->form[i], nm.n) == 0);
    }
}

KT_TEST(many_words_at_once_have_the_same_form)
{
    static const char letters[] = "aabcdeXYZ019 ,.-  \xc3\xab";
    static struct kl_words_batch b;
    static uint8_t text[KL_WORDS_BATCH][80];
    static uint8_t cells[KL_WORDS_BATCH][32];
    uint32_t x = 7;
    size_t n_done = 0;

    kl_cpu_level_set(KL_CPU_AVX512);
    for (unsigned round = 0; round < 3000; round++) {
        b.n = 1 + round % KL_WORDS_BATCH;
        for (size_t i = 0; i < b.n; i++) {
            size_t n = 0;
            size_t len = x >> 9 & 1 ? (x >> 12) % 12 : (x >> 12) % 72;
            while (n < len) {
                x = x * 1664525 + 1013904223;
                uint8_t c = (uint8_t)letters[(x >> 16) % (sizeof letters - 1 - (x >> 13 & 6))];
                if (c < 0x80) {
                    text[i][n++] = c;
                } else {
                    memcpy(text[i] + n, (x >> 7 & 1) != 0 ? "ë" : "Ç", 2);
                    n += 2;
                }
            }
            b.text[i] = kl_span_make(text[i], n);
            b.cell[i] = cells[i];
        }
        if (!kl_words_batch(&b)) {
            KT_SKIP("this processor has no way of its own");
        }
        kl_cpu_level_set(KL_CPU_PORTABLE);
        for (size_t i = 0; i < b.n; i++) {
            same_as_batch(&b, i, cells[i]);
            n_done += b.len[i] != SIZE_MAX;
        }
        kl_cpu_level_set(KL_CPU_AVX512);
    }
    KT_OK(n_done > 20000);
}

/* The short cuts of kl_norm_cell may know less than the scanner, never something else. */
KT_TEST(the_short_cuts_agree_with_the_scanner)
{
    static const struct {
        enum kl_type type;
        enum kl_cand_kind kind;
        const char *shape;
    } shapes[] = {
        {KL_TYPE_NID, KL_CAND_NID, "T########A"},
        {KL_TYPE_NID, KL_CAND_NID, "A0#1#####W"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "06########"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "+3556########"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "6########"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "+355 6# ### ####"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "+355-6#-##/##-###"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "+3556/########"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "06# ### ####"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "06#/##-##-###"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "06#-#-#-#-#-#-#-#"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "06##-##-##-##"},
        {KL_TYPE_PHONE, KL_CAND_PHONE, "06## ##-##-##"},
        {KL_TYPE_NID, KL_CAND_NID, "T#0#3####A"},
        {KL_TYPE_NID, KL_CAND_NID, "A#022####K"},
        {KL_TYPE_DATE, KL_CAND_DATE, "####-0#-1#"},
        {KL_TYPE_DATE, KL_CAND_DATE, "19##-0#-3#"},
        {KL_TYPE_DATE, KL_CAND_DATE, "2#.02.19##"},
        {KL_TYPE_DATE, KL_CAND_DATE, "1#.0#.19##"},
        {KL_TYPE_DATE, KL_CAND_DATE, "0#/1#/20##"},
        {KL_TYPE_MONEY, KL_CAND_NUMBER, "1####"},
        {KL_TYPE_INT, KL_CAND_NUMBER, "9#"},
        {KL_TYPE_INT, KL_CAND_NUMBER, "1##############"},
    };
    uint32_t x = 3;

    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        unsigned bad = 0;
        unsigned fine = 0;
        for (unsigned round = 0; round < 4000; round++) {
            char cell[32];
            struct kl_cand c;
            struct kl_norm nm;
            size_t n = strlen(shapes[k].shape);
            for (size_t i = 0; i < n; i++) {
                x = x * 1664525 + 1013904223;
                char d = (char)('0' + (x >> 16) % 10);
                cell[i] = shapes[k].shape[i] == '#' ? d : shapes[k].shape[i];
            }
            if (round % 4 == 0) { /* one wrong byte, near the digits where there is one */
                cell[(x >> 8) % n] = "*+,-./:;?@ A6\xb1"[(x >> 20) % 14];
            }
            bool slow = kl_scan_cell(kl_span_make(cell, n), shapes[k].kind, &c);
            bool ok = kl_norm_cell(shapes[k].type, kl_span_make(cell, n), &nm);
            bad +=
                ok != slow || (ok && (nm.n != c.n_canon || memcmp(nm.bytes, c.canon, nm.n) != 0));
            fine += ok;
        }
        if (bad > 0) {
            KT_STR(shapes[k].shape, "equal");
        }
        KT_OK(fine > 0);
    }
}

KT_TEST(types_have_names_both_ways)
{
    for (enum kl_type t = KL_TYPE_TEXT; t <= KL_TYPE_IBAN; t++) {
        KT_EQ(kl_type_parse(kl_span_str(kl_type_name(t))), t);
        KT_OK(kl_type_domain(t) != KL_DOMAIN_NONE);
        KT_EQ(kl_type_is_words(t), kl_type_cand(t) == KL_CAND_NONE);
    }
    KT_EQ(kl_type_parse(KL_SPAN_LIT("al.nix")), KL_TYPE_NONE);
}

KT_MAIN()
