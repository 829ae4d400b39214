#include "kt.h"

#include "base/cpu.h"
#include "match/scan.h"
#include "match/scan_masks.h"

#define ALL_KINDS 0xffeu

/* An exact-size heap copy, so that a byte too far is seen by the sanitizer. */
static uint8_t *copy_of(const void *p, size_t n)
{
    uint8_t *c = malloc(n == 0 ? 1 : n);
    if (c == NULL) {
        abort();
    }
    if (n > 0) {
        memcpy(c, p, n);
    }
    return c;
}

static size_t scan_text(const char *text, uint32_t want, struct kl_cand *out, size_t cap)
{
    size_t n = strlen(text);
    uint8_t *c = copy_of(text, n);
    size_t from = 0;
    size_t got = kl_scan(kl_span_make(c, n), want, 0, out, cap, &from);
    KT_EQ(from, n);
    free(c);
    return got;
}

static void expect(const char *text, enum kl_cand_kind kind, const char *canon, int flags)
{
    struct kl_cand out[64];
    char got[40] = "";
    size_t n = scan_text(text, KL_WANT(kind), out, 64);
    if (canon == NULL) {
        if (n != 0) {
            KT_FAIL("\"%s\": %zu candidates, first %.31s", text, n, (char *)out[0].canon);
        }
        return;
    }
    if (n != 1) {
        KT_FAIL("\"%s\": %zu candidates, not 1", text, n);
        return;
    }
    memcpy(got, out[0].canon, out[0].n_canon);
    if (strcmp(got, canon) != 0 || out[0].flags != flags || out[0].kind != kind) {
        KT_FAIL("\"%s\": %s kind %d flags %d", text, got, out[0].kind, out[0].flags);
    }
}

static void cell(const char *text, enum kl_cand_kind kind, const char *canon)
{
    struct kl_cand c;
    char got[40] = "";
    uint8_t *copy = copy_of(text, strlen(text));
    bool is = kl_scan_cell(kl_span_make(copy, strlen(text)), kind, &c);
    if (is) {
        memcpy(got, c.canon, c.n_canon);
    }
    if (is != (canon != NULL) || (is && strcmp(got, canon) != 0)) {
        KT_FAIL("cell \"%s\": %d %s", text, is, got);
    }
    free(copy);
}

struct vector {
    const char *value;
    const char *canon; /* NULL: no candidate */
    int flags;
};

KT_TEST(nid_vectors_of_the_facts)
{
    static const struct vector v[] = {
        {"A11028261V", "A11028261", KL_CAND_CHECKED},
        {"A08825483Q", "A08825483", KL_CAND_CHECKED},
        {"A38404029W", "A38404029", KL_CAND_CHECKED},
        {"A30720712F", "A30720712", KL_CAND_CHECKED},
        {"A33524605N", "A33524605", KL_CAND_CHECKED},
        {"A00601026Q", "A00601026", KL_CAND_CHECKED},
        {"A43113992E", "A43113992", KL_CAND_CHECKED},
        {"A34201782V", "A34201782", KL_CAND_CHECKED},
        {"A33818353Q", "A33818353", KL_CAND_CHECKED},
        {"A19108975V", "A19108975", KL_CAND_CHECKED},
        {"A20114190G", "A20114190", KL_CAND_CHECKED},
        {"A25224917C", "A25224917", KL_CAND_CHECKED},
        {"A00230001D", NULL, 0},
        {"A01301001B", NULL, 0},
        {"A00101001R", "A00101001", KL_CAND_WRONG},
        {"A0010100X1", NULL, 0},
        {"U00101001A", NULL, 0},
        {"A21012470W", "A21012470", KL_CAND_CHECKED},
        {"A21012470A", "A21012470", KL_CAND_CHECKED},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        expect(v[i].value, KL_CAND_NID, v[i].canon, v[i].flags);
        cell(v[i].value, KL_CAND_NID, v[i].canon);
    }
    expect("T41313802C", KL_CAND_NIPT, "T41313802", KL_CAND_CHECKED);
    expect("T81717796M", KL_CAND_NIPT, "T81717796", KL_CAND_CHECKED);
    expect("T81914972P", KL_CAND_NIPT, "T81914972", KL_CAND_CHECKED);
    expect("T02828373C", KL_CAND_NIPT, "T02828373", KL_CAND_CHECKED);
    expect("T41313802C", KL_CAND_NID, NULL, 0);
}

KT_TEST(nid_spellings)
{
    static const char *const same[] = {
        "a11028261v",     "A 1102 8261 V",     "A110 28261V",     "A-11028261-V",
        "A 11028261 V",   "A11 02 82 61V",     "A 11 02 82 61 V", "A.1102.8261.V",
        "(A11028261V)",   "\"A11028261V\"",    "id=A11028261V;",  ",A11028261V,",
        "nr_A11028261V_", "<v>A11028261V</v>",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        expect(same[i], KL_CAND_NID, "A11028261", KL_CAND_CHECKED);
    }
    expect("A11028261", KL_CAND_NID, "A11028261", KL_CAND_PARTIAL);
    expect("A11028261 e datës", KL_CAND_NID, "A11028261", KL_CAND_PARTIAL);
    expect("A 1102 8261", KL_CAND_NID, "A11028261", KL_CAND_PARTIAL);
    expect("xA11028261V", KL_CAND_NID, NULL, 0);
    expect("A11028261Vx", KL_CAND_NID, NULL, 0);
    expect("A110282611", KL_CAND_NID, NULL, 0);
    expect("e 10.12.2020 ", KL_CAND_NID, NULL, 0);
    expect("a 2010-12-01 b", KL_CAND_NID, NULL, 0);
}

KT_TEST(nid_and_nipt_share_a_shape)
{
    struct kl_cand out[64];
    uint32_t both = KL_WANT(KL_CAND_NID) | KL_WANT(KL_CAND_NIPT);
    KT_EQ(scan_text("A11028261V T41313802C", both, out, 64), 2);
    KT_EQ(out[0].kind, KL_CAND_NID);
    KT_EQ(out[1].kind, KL_CAND_NIPT);
    KT_EQ(scan_text("A11028261V T41313802C", KL_WANT(KL_CAND_NIPT), out, 64), 2);
    KT_EQ(out[0].kind, KL_CAND_NIPT);
    KT_EQ(kl_al_check_letter((const uint8_t *)"A11028261"), 'V');
    KT_EQ(kl_al_check_letter((const uint8_t *)"A21012470"), 'W');
}

KT_TEST(mobile_spellings)
{
    static const char *const same[] = {
        "0692123456",          "692123456",          "+355692123456",       "00355692123456",
        "355692123456",        "+355 69 212 3456",   "+355 69 21 23 456",   "+355-69-212-3456",
        "+355.69.212.3456",    "+355/69/212/3456",   "+355 (0)69 212 3456", "+355(0)692123456",
        "+355 (0) 69 2123456", "(069) 2123456",      "(069)2123456",        "(+355) 692123456",
        "+3550692123456",      "00355 69 21 23 456", "069 212 3456",        "069-212-3456",
        "069.212.3456",        "069/212/3456",       "069/21-23-456",       "069 21 23 456",
        "06 92 12 34 56",      "0 69 212 3456",      "0692 123 456",        "0692-123-456",
        "069 2123456",         "069-2123456",        "069/2123456",         "69 212 3456",
        "69-212-3456",         "692 123 456",        "692-123-456",         "69 2123456",
        "tel:+355692123456",   "Cel. 069 212 3456.", ";0692123456;",        "\t0692123456\t",
        "\"0692123456\"",      "'0692123456",        "692123456.0",         "6.92123456E+08",
        "6.92123456E8",        "3.55692123456E+11",  "3.55692123456e11",    "12,692123456,45000",
        "069 - 212 - 3456",    "+ 355 69 212 3456",  "355 69 212 3456",     "1 0692123456",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        expect(same[i], KL_CAND_PHONE, "692123456", 0);
    }
    KT_OK(sizeof same / sizeof same[0] >= 40);
}

/* What stands around it decides as for any other spelling, here one with a space more. */
KT_TEST(the_usual_spelling_of_a_mobile_has_no_rules_of_its_own)
{
    static const char around[] = "  .,;(a0-+/)'\"5";
    uint32_t x = 1;

    for (unsigned round = 0; round < 20000; round++) {
        struct kl_cand a[64];
        struct kl_cand b[64];
        char text[2][48];
        char mark[4][2] = {{0}};
        x = x * 1664525 + 1013904223;
        for (unsigned i = 0; i < 4; i++) {
            mark[i][0] = around[(x >> (10 + 4 * i)) % (sizeof around - 1)];
        }
        for (unsigned k = 0; k < 2; k++) {
            (void)snprintf(text[k], sizeof text[k], "x%s%s+355%s6%u%s%03u 4%03u%s%s,", mark[0],
                           mark[1], k == 0 ? " " : "  ",
                           x >> 20 & 7 ? 7 + (x >> 23) % 3 : (x >> 23) % 10,
                           x >> 29 != 0 ? " " : "-", x >> 8 & 511, x >> 12 & 511, mark[2], mark[3]);
        }
        size_t n = scan_text(text[0], KL_WANT(KL_CAND_PHONE), a, 64);
        KT_EQ(n, scan_text(text[1], KL_WANT(KL_CAND_PHONE), b, 64));
        for (size_t i = 0; i < n; i++) {
            if (memcmp(a[i].canon, b[i].canon, sizeof a[i].canon) != 0 || a[i].at != b[i].at ||
                a[i].len + 1 != b[i].len || a[i].flags != b[i].flags) {
                KT_FAIL("\"%s\" is read otherwise than \"%s\"", text[0], text[1]);
                return;
            }
        }
    }
}

KT_TEST(mobile_cells_are_whole)
{
    static const char *const same[] = {
        "0692123456",  "692123456",   "+355 69 212 3456", "(069) 2123456",    "tel:+355692123456",
        "'0692123456", "692123456.0", "6.92123456E+08",   "(+355) 692123456", " 069/21-23-456 ",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        cell(same[i], KL_CAND_PHONE, "692123456");
    }
    cell("0692123456, 0672123456", KL_CAND_PHONE, NULL);
    cell("06921234567", KL_CAND_PHONE, NULL);
    cell("", KL_CAND_PHONE, NULL);
}

KT_TEST(lost_digits_are_flagged)
{
    expect("3.556922E+11", KL_CAND_PHONE, "692200000", KL_CAND_LOSSY);
    expect("3.55E+11", KL_CAND_PHONE, "000000000", KL_CAND_LOSSY);
    expect("6.92E+08", KL_CAND_PHONE, "692000000", KL_CAND_LOSSY);
    expect("7.12E+08", KL_CAND_PHONE, NULL, 0);
    expect("6.92E+07", KL_CAND_PHONE, NULL, 0);
    expect("1.2345E+11", KL_CAND_PHONE, NULL, 0);
}

KT_TEST(phones_are_not_in_longer_numbers)
{
    static const char *const none[] = {
        "4111069212345678",   "06921234567",         "0.692123456",       "1.0692123456",
        "6921234567",         "x692123456",          "692123456x",        "69.212.34.56",
        "0612123456",         "0662123456",          "0671123456",        "02.12.2012 1200",
        "12.06.2012",         "2012-06-29 12:00:00", "6 9 2 1 2 3 4 5 6", "12 692 123 456 789",
        "deadbeef0692123456", "692123456.78",        "06.09.2012 123",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        expect(none[i], KL_CAND_PHONE, NULL, 0);
    }
}

KT_TEST(two_phones_side_by_side)
{
    struct kl_cand out[64];
    static const char *const two[] = {
        "069 212 3456 069 212 3457", "0692123456/0692123457", "0692123456-0672123457",
        "0692123456 0672123457",     "692123456,672123457",   "+355692123456;+355692123457",
    };
    for (size_t i = 0; i < sizeof two / sizeof two[0]; i++) {
        KT_EQ(scan_text(two[i], KL_WANT(KL_CAND_PHONE), out, 64), 2);
    }
}

KT_TEST(land_lines_need_a_prefix)
{
    expect("+355 4 2234567", KL_CAND_PHONE, "42234567", 0);
    expect("00355 42 234 567", KL_CAND_PHONE, "42234567", 0);
    expect("+355 (0)4 223 4567", KL_CAND_PHONE, "42234567", 0);
    expect("04 223 4567", KL_CAND_PHONE, "42234567", 0);
    expect("042234567", KL_CAND_PHONE, "42234567", 0);
    expect("(04) 2234567", KL_CAND_PHONE, "42234567", 0);
    expect("042/234567", KL_CAND_PHONE, "42234567", 0);
    expect("022 345 678", KL_CAND_PHONE, "22345678", 0);
    expect("42234567", KL_CAND_PHONE, NULL, 0);
    expect("091234567", KL_CAND_PHONE, NULL, 0);
    expect("02/12/2012 1:00", KL_CAND_PHONE, NULL, 0);
    expect("0.42234567", KL_CAND_PHONE, NULL, 0);
}

KT_TEST(plates)
{
    expect("AA 123 BB", KL_CAND_PLATE, "AA123BB", 0);
    expect("AA123BB", KL_CAND_PLATE, "AA123BB", 0);
    expect("aa123bb", KL_CAND_PLATE, "AA123BB", 0);
    expect("AA-123-BB", KL_CAND_PLATE, "AA123BB", 0);
    expect("AA123 BB", KL_CAND_PLATE, "AA123BB", 0);
    expect("AA 123BB", KL_CAND_PLATE, "AA123BB", 0);
    expect("aa 123 bb", KL_CAND_PLATE, "AA123BB", 0);
    expect("TR 1234 A", KL_CAND_PLATE, "TR1234A", 0);
    expect("tr1234a", KL_CAND_PLATE, "TR1234A", 0);
    expect("TR-1234-A", KL_CAND_PLATE, "TR1234A", 0);
    expect("QQ 1234 A", KL_CAND_PLATE, NULL, 0);
    expect("xAA123BB", KL_CAND_PLATE, NULL, 0);
    expect("AA123BBx", KL_CAND_PLATE, NULL, 0);
    expect("AA1234BB", KL_CAND_PLATE, NULL, 0);
    expect("of 200 in", KL_CAND_PLATE, NULL, 0);
    expect("A11028261V", KL_CAND_PLATE, NULL, 0);
}

KT_TEST(ibans)
{
    static const char *const good[] = {
        "AL72999933880000221424467094", "AL49999826940000534351484381",
        "AL26999584590000379737061807", "AL69999002500000595018235650",
        "AL72999542590000659097721795", "AL77999045840000252563702788",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect(good[i], KL_CAND_IBAN, good[i], KL_CAND_CHECKED);
    }
    expect("AL72 9999 3388 0000 2214 2446 7094", KL_CAND_IBAN, good[0], KL_CAND_CHECKED);
    expect("al72 9999 3388 0000 2214 2446 7094.", KL_CAND_IBAN, good[0], KL_CAND_CHECKED);
    expect("AL52999045850000252563702788", KL_CAND_IBAN, "AL52999045850000252563702788",
           KL_CAND_WRONG);
    expect("DE89370400440532013000", KL_CAND_IBAN, "DE89370400440532013000", KL_CAND_CHECKED);
    expect("DE89370400440532013001", KL_CAND_IBAN, NULL, 0);
    expect("AL729999338800002214244670945", KL_CAND_IBAN, NULL, 0);
}

KT_TEST(emails)
{
    expect("mail: Agim.Test@Example.AL.", KL_CAND_EMAIL, "agim.test@example.al", 0);
    expect("<a@b.al>", KL_CAND_EMAIL, "a@b.al", 0);
    expect("a@b", KL_CAND_EMAIL, NULL, 0);
    expect("@b.al", KL_CAND_EMAIL, NULL, 0);
    expect("a@b.1", KL_CAND_EMAIL, NULL, 0);
    struct kl_cand c[64];
    KT_EQ(scan_text("a.very.long.local.part@some.example.org", KL_WANT(KL_CAND_EMAIL), c, 64), 1);
    KT_EQ(c[0].n_canon, 31);
}

KT_TEST(dates)
{
    static const char *const same[] = {"12.03.1984",
                                       "12/03/1984",
                                       "12-03-1984",
                                       "1984-03-12",
                                       "12.3.1984",
                                       "1984/03/12",
                                       "12.03.84",
                                       "12 Mars 1984",
                                       "12 mars, 1984",
                                       "March 12, 1984",
                                       "12-MAR-84",
                                       "12-Mar-1984",
                                       "1984-03-12T00:00:00Z",
                                       "12.03.1984 00:00:00",
                                       "March 12 1984",
                                       "3/12/1984 x"};
    for (size_t i = 0; i + 1 < sizeof same / sizeof same[0]; i++) {
        expect(same[i], KL_CAND_DATE, "19840312", 0);
        cell(same[i], KL_CAND_DATE, "19840312");
    }
    expect("5 nëntor 1901", KL_CAND_DATE, "19011105", 0);
    expect("3/25/1984", KL_CAND_DATE, "19840325", 0);
    expect("01.02.30", KL_CAND_DATE, "20300201", 0);
    expect("01.02.31", KL_CAND_DATE, "19310201", 0);
    expect("30.02.1984", KL_CAND_DATE, NULL, 0);
    expect("1.2.3.1984", KL_CAND_DATE, NULL, 0);
    expect("192.168.1.84", KL_CAND_DATE, NULL, 0);
    expect("19840312", KL_CAND_DATE, NULL, 0);
    cell("19840312", KL_CAND_DATE, "19840312");
    cell("1", KL_CAND_DATE, "19000101");
    cell("59", KL_CAND_DATE, "19000228");
    cell("60", KL_CAND_DATE, NULL);
    cell("61", KL_CAND_DATE, "19000301");
    cell("30753", KL_CAND_DATE, "19840312");
    cell("30753.5", KL_CAND_DATE, "19840312");
    cell("80000", KL_CAND_DATE, "21190111");
    cell("80001", KL_CAND_DATE, NULL);
    cell("0", KL_CAND_DATE, NULL);
    cell("12.03.1984 abc", KL_CAND_DATE, NULL);
}

KT_TEST(numbers)
{
    expect("45000", KL_CAND_NUMBER, "45000", 0);
    expect("45,000", KL_CAND_NUMBER, "45000", 0);
    expect("1.234.567,50", KL_CAND_NUMBER, "1234567.5", 0);
    expect("1,234,567.50", KL_CAND_NUMBER, "1234567.5", 0);
    expect("1 234 567", KL_CAND_NUMBER, "1234567", 0);
    expect("1'234", KL_CAND_NUMBER, "1234", 0);
    expect("1234.50", KL_CAND_NUMBER, "1234.5", 0);
    expect("45000,00", KL_CAND_NUMBER, "45000", 0);
    expect("45000.00", KL_CAND_NUMBER, "45000", 0);
    expect("0045000", KL_CAND_NUMBER, "45000", 0);
    expect("12.50", KL_CAND_NUMBER, "12.5", 0);
    expect("1.2.3.4567", KL_CAND_NUMBER, NULL, 0);
    expect("abc4500", KL_CAND_NUMBER, NULL, 0);
    expect("4500abc", KL_CAND_NUMBER, NULL, 0);
    expect("450", KL_CAND_NUMBER, NULL, 0);
    cell("4", KL_CAND_NUMBER, "4");
    cell("0", KL_CAND_NUMBER, "0");
    cell("0.0", KL_CAND_NUMBER, "0");
    cell("45.000 ALL", KL_CAND_NUMBER, "45000");
    cell("45 000 lekë", KL_CAND_NUMBER, "45000");
    cell("€ 1,234.50", KL_CAND_NUMBER, "1234.5");
    cell("0.5", KL_CAND_NUMBER, "0.5");
    cell("4 5", KL_CAND_NUMBER, NULL);
    struct kl_cand out[64];
    KT_EQ(scan_text("1,45000,99000,7", KL_WANT(KL_CAND_NUMBER), out, 64), 2);
}

KT_TEST(codes_cards_and_zones)
{
    expect("x AB12345 y", KL_CAND_CODE, "AB12345", 0);
    expect("a1b2c3d4", KL_CAND_CODE, "A1B2C3D4", 0);
    expect("abc123", KL_CAND_CODE, NULL, 0);
    expect("0123456789012345678901234567890", KL_CAND_CODE, "0123456789012345678901234567890", 0);
    expect("01234567890123456789012345678901", KL_CAND_CODE, NULL, 0);
    expect("4111111111111111", KL_CAND_CARD, "4111111111111111", KL_CAND_CHECKED);
    expect("4111 1111 1111 1111", KL_CAND_CARD, "4111111111111111", KL_CAND_CHECKED);
    expect("4111-1111-1111-1111 12/27", KL_CAND_CARD, "4111111111111111", KL_CAND_CHECKED);
    expect("4111 1111 1111 1111 12/27", KL_CAND_CARD, "4111111111111111", KL_CAND_CHECKED);
    expect("3782 822463 10005", KL_CAND_CARD, "378282246310005", KL_CAND_CHECKED);
    expect("4111111111111112", KL_CAND_CARD, NULL, 0);
    expect("41111111111111111111", KL_CAND_CARD, NULL, 0);
    expect("I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\n"
           "ERIKSSON<<ANNA<MARIA<<<<<<<<<<\n",
           KL_CAND_MRZ, "D23145890", KL_CAND_CHECKED);
    expect("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\r\n"
           "L898902C36UTO7408122F1204159ZE184226B<<<<<10\r\n",
           KL_CAND_MRZ, "L898902C3", KL_CAND_CHECKED);
    expect("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
           KL_CAND_MRZ, "D23145890", KL_CAND_CHECKED);
}

static uint64_t seed = 1;

static uint32_t rnd(uint32_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((seed >> 33) % n);
}

static const char *const pieces[] = {
    "A11028261V",
    "A 1102 8261 V",
    "a-11028261",
    "+355 69 212 3456",
    "069/21-23-456",
    "692123456",
    "3.556922E+11",
    "6.92123456E8",
    "AA 123 BB",
    "TR1234A",
    "AL72999933880000221424467094",
    "AL72 9999 3388 0000 2214 2446 7094",
    "a.b@example.al",
    "12.03.1984",
    "12 nëntor 1984",
    "12-MAR-84",
    "1.234.567,50",
    "45000",
    "4111 1111 1111 1111",
    "3782 822463 10005",
    ("I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\n"
     "ERIKSSON<<ANNA<MARIA<<<<<<<<<<\n"),
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10\n",
    "1984-03-12T10:00:00",
    "042 234 567",
    "+3554 2234567",
    ",",
    ";",
    "\n",
    " ",
    "\t",
    "abc",
    "0",
    "6",
    "69",
    "355",
    "<<",
    "@",
    ".",
    "-",
    "(",
    ")",
    "E",
    "e",
    "9",
    "1 2 3 4",
};

/* Identifiers glued together and some bytes changed. */
static size_t structured(uint8_t *out, size_t cap)
{
    static const char odd[] = "0123456789 -./()ABEKTabet@<+,'\n\xc3\xab_x";
    size_t n = 0;
    while (n + 100 < cap) {
        const char *p = pieces[rnd((uint32_t)(sizeof pieces / sizeof pieces[0]))];
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
    }
    for (uint32_t k = rnd((uint32_t)n / 8 + 1); k > 0; k--) {
        out[rnd((uint32_t)n)] = (uint8_t)odd[rnd((uint32_t)sizeof odd - 1)];
    }
    return n;
}

static void same_on_all_paths(const uint8_t *p, size_t n, uint32_t want)
{
    static struct kl_cand a[8192];
    static struct kl_cand b[8192];
    size_t from_a = 0;
    size_t from_b = 0;
    uint8_t *c = copy_of(p, n);
    enum kl_cpu_level top = kl_cpu_level_get();

    kl_cpu_level_set(KL_CPU_PORTABLE);
    size_t n_a = kl_scan(kl_span_make(c, n), want, 0, a, 8192, &from_a);
    for (int level = KL_CPU_AVX2; level <= (int)top; level++) {
        kl_cpu_level_set((enum kl_cpu_level)level);
        size_t n_b = kl_scan(kl_span_make(c, n), want, 0, b, 8192, &from_b);
        KT_EQ(n_b, n_a);
        KT_EQ(from_b, from_a);
        KT_MEM(b, a, (n_a < n_b ? n_a : n_b) * sizeof a[0]);
    }
    kl_cpu_level_set(top);
    /* in pieces, with little room */
    size_t at = 0;
    size_t from = 0;
    while (from < n) {
        size_t before = from;
        size_t k = kl_scan(kl_span_make(c, n), want, from, b, 64, &from);
        KT_OK(from > before);
        KT_OK(at + k <= n_a);
        if (from <= before || at + k > n_a) {
            break;
        }
        KT_MEM(b, a + at, k * sizeof a[0]);
        at += k;
    }
    KT_EQ(at, n_a);
    for (size_t i = 0; i < n_a; i++) {
        KT_OK(a[i].at + a[i].len <= n && a[i].len > 0 && a[i].n_canon > 0 && a[i].n_canon <= 31);
        KT_OK(i == 0 || a[i - 1].at <= a[i].at);
        KT_OK((want & KL_WANT(a[i].kind)) != 0);
        for (size_t z = a[i].n_canon; z < sizeof a[i].canon; z++) {
            KT_OK(a[i].canon[z] == 0); /* cells of keys are made of it whole */
        }
    }
    free(c);
}

KT_TEST(every_path_gives_the_same_on_structured_input)
{
    static uint8_t text[8192];
    for (unsigned round = 0; round < 1500; round++) {
        size_t n = structured(text, 200 + rnd(4000));
        same_on_all_paths(text, n, round % 3 == 0 ? ALL_KINDS : rnd(ALL_KINDS) & ALL_KINDS);
    }
}

KT_TEST(every_path_gives_the_same_on_random_bytes)
{
    static uint8_t text[4096];
    static const char few[] = "0123456789 -.A6E";
    for (unsigned round = 0; round < 600; round++) {
        size_t n = rnd(sizeof text);
        for (size_t i = 0; i < n; i++) {
            text[i] = round % 2 == 0 ? (uint8_t)rnd(256) : (uint8_t)few[rnd(sizeof few - 1)];
        }
        same_on_all_paths(text, n, ALL_KINDS);
    }
}

/* Identifiers far apart in words without digits, and some that reach over blocks of 64. */
static size_t sparse(uint8_t *out, size_t cap)
{
    size_t n = 0;

    while (n + 400 < cap) {
        for (uint32_t k = rnd(250); k > 0; k--) {
            out[n++] = (uint8_t) "abcdefgh ijklmnop qrstuvwz.,\n"[rnd(30)];
        }
        const char *p = pieces[rnd((uint32_t)(sizeof pieces / sizeof pieces[0]))];
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
    }
    return n;
}

/* Numbers are not sifted: asked for as well, every block is looked at. */
KT_TEST(the_sift_loses_nothing)
{
    static const uint32_t sifted = KL_WANT(KL_CAND_NID) | KL_WANT(KL_CAND_NIPT) |
                                   KL_WANT(KL_CAND_PHONE) | KL_WANT(KL_CAND_PLATE) |
                                   KL_WANT(KL_CAND_IBAN) | KL_WANT(KL_CAND_EMAIL) |
                                   KL_WANT(KL_CAND_MRZ) | KL_WANT(KL_CAND_CARD);
    static uint8_t text[16384];
    static struct kl_cand a[8192];
    static struct kl_cand b[8192];
    size_t found = 0;

    for (unsigned round = 0; round < 1000; round++) {
        uint32_t want = round % 2 == 0 ? sifted : rnd(ALL_KINDS) & sifted;
        size_t n = round % 4 == 0 ? structured(text, sizeof text / 2) : sparse(text, sizeof text);
        size_t end = 0;
        uint8_t *c = copy_of(text, n);
        size_t n_a = kl_scan(kl_span_make(c, n), want, 0, a, 8192, &end);
        KT_EQ(end, n);
        size_t n_all =
            kl_scan(kl_span_make(c, n), want | KL_WANT(KL_CAND_NUMBER), 0, b, 8192, &end);
        KT_EQ(end, n);
        size_t n_b = 0;
        for (size_t i = 0; i < n_all; i++) {
            if (b[i].kind != KL_CAND_NUMBER) {
                b[n_b++] = b[i];
            }
        }
        KT_EQ(n_a, n_b);
        KT_MEM(a, b, (n_a < n_b ? n_a : n_b) * sizeof a[0]);
        found += n_a;
        free(c);
    }
    KT_OK(found > 10000);
}

KT_TEST(an_identifier_is_found_at_every_alignment)
{
    static const char *const one[] = {
        "A11028261V",
        "A 1102 8261 V",
        "+355 (0)69 212 3456",
        "AA 123 BB",
        "6.92123456E+08",
        "AL72 9999 3388 0000 2214 2446 7094",
        "12 nëntor 1984",
        "4111 1111 1111 1111",
        "1.234.567,50",
        "a.b@example.al",
        "042 234 567",
        "A1B2C3D4",
        "12-MAR-84",
        "3782 822463 10005",
        "TR1234A",
        ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<"
         "10"),
    };
    static struct kl_cand first[64];
    static struct kl_cand out[64];
    uint8_t text[512];
    size_t from = 0;
    enum kl_cpu_level top = kl_cpu_level_get();

    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        size_t len = strlen(one[i]);
        size_t n0 = kl_scan(kl_span_make(one[i], len), ALL_KINDS, 0, first, 64, &from);
        KT_OK(n0 > 0);
        for (int level = 0; level <= (int)top; level++) {
            kl_cpu_level_set((enum kl_cpu_level)level);
            for (size_t shift = 0; shift < 200; shift++) {
                memset(text, ';', sizeof text);
                memcpy(text + shift, one[i], len);
                size_t tail = shift % 2 == 0 ? 0 : 70;
                uint8_t *c = copy_of(text, shift + len + tail);
                size_t n =
                    kl_scan(kl_span_make(c, shift + len + tail), ALL_KINDS, 0, out, 64, &from);
                KT_EQ(n, n0);
                for (size_t k = 0; k < n && k < n0; k++) {
                    KT_EQ(out[k].at, first[k].at + shift);
                    KT_EQ(out[k].kind, first[k].kind);
                    KT_MEM(out[k].canon, first[k].canon, sizeof out[k].canon);
                }
                free(c);
            }
        }
        kl_cpu_level_set(top);
    }
}

KT_TEST(every_truncation_stays_inside)
{
    struct kl_cand out[64];
    struct kl_cand c;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (size_t n = 0; n <= strlen(pieces[i]); n++) {
            uint8_t *copy = copy_of(pieces[i], n);
            size_t from = 99;
            size_t got = kl_scan(kl_span_make(copy, n), ALL_KINDS, 0, out, 64, &from);
            KT_EQ(from, n);
            for (size_t k = 0; k < got; k++) {
                KT_OK(out[k].at + out[k].len <= n);
            }
            for (int kind = 0; kind <= KL_CAND_CARD; kind++) {
                (void)kl_scan_cell(kl_span_make(copy, n), (enum kl_cand_kind)kind, &c);
            }
            free(copy);
        }
    }
}

KT_TEST(a_cell_and_the_text_agree)
{
    struct kl_cand out[64];
    struct kl_cand c;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        size_t n = strlen(pieces[i]);
        size_t from = 0;
        for (int kind = KL_CAND_NID; kind <= KL_CAND_CARD; kind++) {
            size_t got = kl_scan(kl_span_make(pieces[i], n), KL_WANT(kind), 0, out, 64, &from);
            if (got == 1 && out[0].at == 0 && out[0].len == n && n <= 64 && kind != KL_CAND_MRZ) {
                KT_OK(kl_scan_cell(kl_span_make(pieces[i], n), (enum kl_cand_kind)kind, &c));
                KT_MEM(c.canon, out[0].canon, sizeof c.canon);
            }
        }
    }
}

KT_MAIN()
