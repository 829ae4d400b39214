/* What looks like a leak and is none: other people of the same population, one citizen's own file,
 * companies, prose. */
#include "register/synth_leak_int.h"

#include "register/synth_words.h"

enum { FOR_CONTROLS = 4096 };

struct control {
    struct kl_synth_leaker *l;
    struct kl_synth_rng rng;
    struct kl_synth_text text;
    uint16_t
        *taken; /* serials given to foreign people, beyond the register's, by day * 2 + female */
};

/* Somebody of the same population whose NID nobody in the registers has. */
static void foreign_draw(struct control *c, struct kl_synth_person *p, char nid[static 10])
{
    const struct kl_synth_model *m = c->l->m;
    uint32_t slot;
    do {
        slot = kl_synth_below(&c->rng, KL_SYNTH_DAYS * 2);
    } while (m->used[slot] + c->taken[slot] >= 1000);
    *p = (struct kl_synth_person){.day = (uint16_t)(slot / 2), .female = slot % 2};
    uint32_t serial = kl_synth_serial_get(m->seed, p->day, p->female != 0,
                                          (uint32_t)(m->used[slot] + c->taken[slot]++));
    kl_synth_nid_put(p->day, p->female != 0, serial, nid);
    uint32_t first = p->female != 0 ? KL_SYNTH_GIVEN : 0;
    p->given = (uint16_t)(first + kl_synth_alias_draw(&m->names->by_given, &c->rng));
    p->family = (uint16_t)kl_synth_alias_draw(&m->names->by_family, &c->rng);
    p->phone = kl_synth_below(&c->rng, KL_SYNTH_PHONES);
}

/* A million people ask for lists of 200,000; small nations for 20,000. */
static uint32_t foreign_rows(const struct control *c)
{
    return c->l->m->n_people >= 1000000 ? 200000 : 20000;
}

static void phone_book_put(struct control *c)
{
    struct kl_synth_names *names = c->l->m->names;
    struct kl_synth_person p;
    char nid[10];
    char phone[9];
    kl_synth_text_str(&c->text, "emri;mbiemri;celular;adresa\n");
    for (uint32_t i = 0; i < foreign_rows(c); i++) {
        foreign_draw(c, &p, nid);
        kl_synth_phone_put(p.phone, phone);
        kl_synth_text_str(&c->text, kl_synth_given_get(names, p.given));
        kl_synth_text_char(&c->text, ';');
        kl_synth_text_str(&c->text, kl_synth_family_get(names, p.family));
        kl_synth_text_str(&c->text, ";0");
        kl_synth_text_add(&c->text, phone, 9);
        kl_synth_text_str(&c->text, ";Rr. ");
        kl_synth_text_str(&c->text, kl_words_street[kl_synth_below(&c->rng, 60)]);
        kl_synth_text_str(&c->text, " nd. ");
        kl_synth_text_number(&c->text, 1 + kl_synth_below(&c->rng, 180));
        kl_synth_text_char(&c->text, '\n');
    }
}

/* The same shape as a salary list, of people of another country's register. */
static void foreign_list_put(struct control *c)
{
    const struct kl_synth_model *m = c->l->m;
    struct kl_synth_person p;
    char nid[10];
    char phone[9];
    kl_synth_text_str(&c->text, "nid,given,family,birth_date,employer,salary,phone\n");
    for (uint32_t i = 0; i < foreign_rows(c); i++) {
        char day[10];
        foreign_draw(c, &p, nid);
        kl_synth_phone_put(p.phone, phone);
        kl_synth_day_put(p.day, day);
        kl_synth_text_add(&c->text, nid, 10);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_str(&c->text, kl_synth_given_get(m->names, p.given));
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_str(&c->text, kl_synth_family_get(m->names, p.family));
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_add(&c->text, day, 10);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_str(&c->text, m->employers[kl_synth_below(&c->rng, m->n_employers)].name);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_number(&c->text, 40000 + 1000 * kl_synth_below(&c->rng, 120));
        kl_synth_text_str(&c->text, ",0");
        kl_synth_text_add(&c->text, phone, 9);
        kl_synth_text_char(&c->text, '\n');
    }
}

static void own_file_put(struct control *c)
{
    static const char *const before[] = {"Vërtetim\n\nVërtetojmë se z./znj. ",
                                         ", i/e biri/bija i/e ",
                                         ", me numër personal ",
                                         ", punon pranë ",
                                         " si ",
                                         " me pagë mujore ",
                                         " lekë. Kontakt: "};
    static const char *const columns[] = {"name",       "father", "nid",  "employer",
                                          "profession", "salary", "phone"};
    struct kl_synth_row row;
    uint32_t no;
    kl_synth_sample_draw(c->l, KL_SYNTH_SALARIES, KL_SYNTH_NEED_PHONE, FOR_CONTROLS);
    if (c->l->sample.n == 0) {
        return;
    }
    c->l->sample.rows[0] = c->l->sample.rows[c->l->sample.n / 2];
    c->l->sample.n = 1;
    no = c->l->sample.rows[0];
    kl_synth_row_get(c->l->m, KL_SYNTH_SALARIES, no, &row);
    for (unsigned i = 0; i < 7; i++) {
        kl_synth_text_str(&c->text, before[i]);
        kl_synth_cell_put(&c->text, c->l, &row, no, columns[i], KL_SYNTH_AS_IS);
    }
    kl_synth_text_str(&c->text, ".\n\nLëshohet me kërkesë të të interesuarit, për t'u paraqitur në "
                                "bankë.\nTiranë, 12 janar 2022\n");
}

static void procurement_put(struct control *c)
{
    static const char *const what[] = {"rikonstruksion rruge",  "blerje pajisje zyre",
                                       "shërbim pastrimi",      "furnizim me karburant",
                                       "mirëmbajtje sistemi",   "blerje medikamente",
                                       "projektim ujësjellësi", "shërbim ruajtjeje"};
    const struct kl_synth_model *m = c->l->m;
    kl_synth_text_str(&c->text,
                      "nr,autoriteti,objekti,operatori,nipt,fondi limit,vlera fituese,data\n");
    for (uint32_t i = 0; i < 5000; i++) {
        const struct kl_synth_employer *x = &m->employers[kl_synth_below(&c->rng, m->n_employers)];
        uint32_t fund = 800000 + 500 * kl_synth_below(&c->rng, 90000);
        char day[10];
        kl_synth_day_put(kl_synth_below(&c->rng, 3652), day);
        kl_synth_text_str(&c->text, "REF-");
        kl_synth_text_number(&c->text, 10000 + i);
        kl_synth_text_str(&c->text, ",Bashkia ");
        kl_synth_text_str(&c->text, kl_words_place[kl_synth_below(&c->rng, 61)].name);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_str(&c->text, what[kl_synth_below(&c->rng, 8)]);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_str(&c->text, x->name);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_add(&c->text, x->nipt, 10);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_number(&c->text, fund);
        kl_synth_text_char(&c->text, ',');
        kl_synth_text_number(&c->text, fund / 100 * (70 + kl_synth_below(&c->rng, 30)));
        kl_synth_text_str(&c->text, ",2021");
        kl_synth_text_add(&c->text, day + 4, 6);
        kl_synth_text_char(&c->text, '\n');
    }
}

/* Sentences of three parts, with a name and numbers now and then as office text has. */
struct prose {
    const char *who[8];
    const char *what[8];
    const char *how[8];
};

static const struct prose prose_sq = {
    {"Drejtoria", "Komisioni", "Zyra e protokollit", "Njësia e prokurimit", "Sekretaria",
     "Grupi i punës", "Këshilli bashkiak", "Specialisti i sektorit"},
    {"shqyrtoi kërkesën e paraqitur", "miratoi raportin vjetor",
     "dërgoi për dijeni dokumentacionin", "mblodhi të dhënat e tremujorit",
     "shtyu afatin e dorëzimit", "njoftoi subjektet e interesuara", "përgatiti projektvendimin",
     "kontrolloi inventarin e zyrës"},
    {"sipas ligjit në fuqi", "brenda afatit të caktuar", "pa vërejtje", "me shumicë votash",
     "për shkak të mungesës së fondeve", "në bashkëpunim me ministrinë",
     "gjatë mbledhjes së radhës", "dhe e ktheu për plotësim"}};
static const struct prose prose_en = {
    {"The department", "The committee", "Our office", "The project team", "The supplier",
     "The ministry", "The auditor", "The working group"},
    {"reviewed the request", "approved the annual report", "circulated the minutes",
     "collected the quarterly figures", "postponed the deadline", "informed all parties",
     "prepared the draft decision", "checked the inventory"},
    {"in line with the rules", "within the agreed time", "without remarks",
     "by a majority of votes", "for lack of funds", "together with the region",
     "during the regular meeting", "and returned it for completion"}};

static void prose_put(struct control *c, const struct prose *p)
{
    struct kl_synth_names *names = c->l->m->names;
    for (uint32_t i = 0; i < 4000; i++) {
        kl_synth_text_str(&c->text, p->who[kl_synth_below(&c->rng, 8)]);
        kl_synth_text_char(&c->text, ' ');
        kl_synth_text_str(&c->text, p->what[kl_synth_below(&c->rng, 8)]);
        kl_synth_text_char(&c->text, ' ');
        kl_synth_text_str(&c->text, p->how[kl_synth_below(&c->rng, 8)]);
        if (kl_synth_chance(&c->rng, 15)) {
            kl_synth_text_str(&c->text, ", nr. ");
            kl_synth_text_number(&c->text, kl_synth_below(&c->rng, 90000));
            kl_synth_text_str(&c->text, "/2021");
        }
        if (kl_synth_chance(&c->rng, 10)) {
            kl_synth_text_str(&c->text, " (");
            kl_synth_text_str(&c->text, kl_synth_given_get(
                                            names, kl_synth_alias_draw(&names->by_given, &c->rng)));
            kl_synth_text_char(&c->text, ' ');
            kl_synth_text_str(
                &c->text,
                kl_synth_family_get(names, kl_synth_alias_draw(&names->by_family, &c->rng)));
            kl_synth_text_char(&c->text, ')');
        }
        kl_synth_text_str(&c->text, i % 7 == 6 ? ".\n\n" : ". ");
    }
}

static enum kl_rc control_write(struct control *c, const char *file, const char *label,
                                const char *at_most, bool with_rows)
{
    struct kl_synth_truth truth = {
        .name = file,
        .label = label,
        .columns = with_rows ? "nid,given,father,family,employer,profession,salary,phone" : "",
        .expect = "none",
        .at_most = at_most,
        .with_rows = with_rows};
    enum kl_rc rc = c->text.rc;
    if (rc == KL_OK) {
        rc = kl_synth_leak_write(c->l, file, kl_buf_span(&c->text.buf));
    }
    c->text.buf.len = 0;
    return rc == KL_OK ? kl_synth_truth_write(c->l, &truth) : rc;
}

enum kl_rc kl_synth_leaks_control(struct kl_synth_leaker *l)
{
    struct control c = {.l = l, .rng = kl_synth_rng_init(l->m->seed, FOR_CONTROLS)};
    struct kl_synth_text taken;

    kl_synth_text_init(&c.text);
    kl_synth_text_init(&taken);
    enum kl_rc rc = kl_buf_room(&taken.buf, KL_SYNTH_DAYS * 2 * sizeof *c.taken);
    if (rc == KL_OK) {
        memset(taken.buf.ptr, 0, KL_SYNTH_DAYS * 2 * sizeof *c.taken);
        c.taken = (uint16_t *)(void *)taken.buf.ptr;
        phone_book_put(&c);
        rc = control_write(&c, "30-phone-book.csv", "30a foreign phone book", "log", false);
    }
    if (rc == KL_OK) {
        foreign_list_put(&c);
        rc = control_write(&c, "30-foreign-list.csv", "30b foreign list of the same shape", "log",
                           false);
    }
    if (rc == KL_OK) {
        own_file_put(&c);
        rc = control_write(&c, "30-own-file.txt", "30c one citizen's own file", "log", true);
    }
    if (rc == KL_OK) {
        procurement_put(&c);
        rc = control_write(&c, "30-procurement.csv", "30d public procurement", "pass", false);
    }
    if (rc == KL_OK) {
        prose_put(&c, &prose_sq);
        rc = control_write(&c, "30-prose-sq.txt", "30e office prose, Albanian", "pass", false);
    }
    if (rc == KL_OK) {
        prose_put(&c, &prose_en);
        rc = control_write(&c, "30-prose-en.txt", "30f office prose, English", "pass", false);
    }
    kl_buf_done(&c.text.buf);
    kl_buf_done(&taken.buf);
    return rc;
}
