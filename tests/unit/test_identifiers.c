#include "kt.h"

#include "match/identifiers.h"

static struct kl_ident_packs *packs;
static struct kl_ident *ident;

static void start(void)
{
    struct kl_err err = {0};
    KT_EQ(kl_ident_packs_new("al", &packs, &err), KL_OK);
    KT_EQ(kl_ident_new(packs, &ident), KL_OK);
    kl_ident_begin(ident);
}

static void stop(void)
{
    kl_ident_free(&ident);
    kl_ident_packs_free(&packs);
    KT_OK(ident == NULL && packs == NULL);
}

static void feed(const char *text, bool is_table)
{
    KT_EQ(kl_ident_part_begin(ident, is_table), KL_OK);
    KT_EQ(kl_ident_block(ident, kl_span_str(text)), KL_OK);
    KT_EQ(kl_ident_part_end(ident), KL_OK);
}

/* The entry of a type after one text; zeroed when there is none. */
static struct kl_finding_identifier result(const char *type)
{
    struct kl_finding f;
    struct kl_finding_identifier e = {0};
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    KT_EQ(kl_ident_finish(ident, &f), KL_OK);
    for (size_t i = 0; i < f.n_identifiers; i++) {
        if (strcmp(f.identifiers[i].type, type) == 0) {
            e = f.identifiers[i];
        }
    }
    kl_finding_done(&f);
    return e;
}

static uint64_t distinct_of(const char *text, const char *type)
{
    kl_ident_begin(ident);
    feed(text, false);
    return result(type).n_distinct;
}

static void add_nid(char out[static 17], unsigned i, bool right)
{
    char nine[16];
    snprintf(nine, sizeof nine, "A%u%02u%02u%03u", i % 10, 1 + i % 12, 1 + i / 12 % 28,
             i / 336 % 1000);
    char letter = kl_al_check_letter((const uint8_t *)nine);
    snprintf(out, 17, "%s%c", nine, right ? letter : letter == 'K' ? 'L' : 'K');
}

KT_TEST(an_unknown_pack_is_refused)
{
    struct kl_err err = {0};
    KT_EQ(kl_ident_packs_new("al,zz", &packs, &err), KL_E_FORMAT);
    KT_OK(err.what[0] != '\0');
    KT_EQ(kl_ident_packs_new("al, al", &packs, &err), KL_OK);
    kl_ident_packs_free(&packs);
}

KT_TEST(one_valid_nid_counts_and_a_wrong_one_does_not)
{
    start();
    KT_EQ(distinct_of("x A11028261V y", "al.nid"), 1);
    KT_EQ(distinct_of("x A11028261W y", "al.nid"), 0);
    KT_EQ(distinct_of("x A11028261 y", "al.nid"), 0);
    KT_EQ(distinct_of("A11028261V a11028261v A 1102 8261 V", "al.nid"), 1);
    KT_EQ(distinct_of("AL72999933880000221424467094", "iban"), 1);
    KT_EQ(distinct_of("AL52999045850000252563702788", "iban"), 0);
    KT_EQ(distinct_of("DE89370400440532013000", "iban"), 0);
    stop();
}

KT_TEST(one_valid_among_many_shapes_is_chance)
{
    static char text[20000];
    size_t n = 0;
    start();
    for (unsigned i = 0; i < 1000; i++) {
        char nid[17];
        add_nid(nid, i, i < 2);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s x\n", nid);
    }
    KT_EQ(distinct_of(text, "al.nid"), 0);
    stop();
}

KT_TEST(one_value_said_again_and_again_is_one_chance)
{
    char nid[17];
    char text[2000] = "";
    start();
    add_nid(nid, 1, true);
    kl_ident_begin(ident);
    feed(nid, false);
    double once = result("al.nid").log10_chance;
    for (size_t i = 0; i < 100; i++) {
        snprintf(text + 11 * i, sizeof text - 11 * i, "%.10s\n", nid);
    }
    kl_ident_begin(ident);
    feed(text, false);
    struct kl_finding_identifier e = result("al.nid");
    KT_EQ(e.n_values, 100);
    KT_EQ(e.n_distinct, 1);
    KT_OK(e.log10_chance >= once - 0.001 && e.log10_chance < 0);
    stop();
}

KT_TEST(class_b_needs_a_word_or_a_number_of_values)
{
    start();
    KT_EQ(distinct_of("code T41313802C end", "al.nipt"), 0);
    KT_EQ(distinct_of("Subjekti me NIPT: T41313802C", "al.nipt"), 1);
    KT_EQ(distinct_of("NUIS T41313802C", "al.nipt"), 1);
    KT_EQ(distinct_of("snipts T41313802C", "al.nipt"), 0);
    KT_EQ(distinct_of("nipt a b c d T41313802C", "al.nipt"), 1);
    KT_EQ(distinct_of("nipt a b c d e T41313802C", "al.nipt"), 0);
    KT_EQ(distinct_of("Kartë krediti 4111111111111111", "card"), 1);
    KT_EQ(distinct_of("nr 4111111111111111", "card"), 0);
    stop();
}

KT_TEST(phones_and_plates_only_come_with_company)
{
    start();
    KT_EQ(distinct_of("tel 0692123456, 0692123457 targa AA123BB", "phone"), 0);
    KT_EQ(distinct_of("A11028261V tel 0692123456, 0692123457 targa AA123BB", "phone"), 2);
    KT_EQ(distinct_of("A11028261V tel 0692123456, 0692123457 targa AA123BB", "plate"), 1);
    stop();
}

KT_TEST(a_column_is_judged_by_itself)
{
    static char text[200000];
    size_t n = 0;
    start();
    /* column 1: wrong letters; column 3: right ones */
    for (unsigned i = 0; i < 300; i++) {
        char bad[17];
        char good[17];
        add_nid(bad, i, false);
        add_nid(good, i, true);
        n += (size_t)snprintf(text + n, sizeof text - n, "%u;%s;name;\"%s\"\n", i, bad, good);
    }
    kl_ident_begin(ident);
    feed(text, false);
    struct kl_finding_identifier e = result("al.nid");
    KT_EQ(e.n_values, 600);
    KT_EQ(e.n_valid, 300);
    KT_EQ(e.n_distinct, 300);
    KT_EQ(e.rank, 'A');
    KT_OK(e.log10_chance < -700); /* 300 of 300 at 0.26 %: the other column is not in the way */
    stop();
}

KT_TEST(a_table_part_and_the_next_document_start_afresh)
{
    start();
    feed("A11028261V\tAgim\t0692123456\nA08825483Q\tBesa\t0692123457\n", true);
    KT_EQ(result("al.nid").n_distinct, 2);
    KT_EQ(result("phone").n_distinct, 2);
    kl_ident_begin(ident);
    KT_EQ(result("al.nid").n_values, 0);
    feed("", true);
    KT_EQ(result("al.nid").n_values, 0);
    stop();
}

KT_MAIN()
