/* Rows as text, and the schemas. Each register writes phones and dates in its own way. */
#include "register/synth_model.h"

#include "register/synth_words.h"

static char letter_get(uint32_t i) /* 24 letters: no I, no O */
{
    return "ABCDEFGHJKLMNPQRSTUVWXYZ"[i % 24];
}

static void digits_put(char *out, unsigned n, uint32_t v)
{
    while (n > 0) {
        out[--n] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* facts/law-identifiers.md 1.1: weights 1,1,2..8, mod 23, W stands for 0. */
void kl_synth_check_put(char nid[static 10])
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 9; i++) {
        char c = nid[i];
        uint32_t v = c >= 'A' ? (c == 'W' ? 0u : (uint32_t)(c - 'A' + 1)) : (uint32_t)(c - '0');
        sum += v * (i == 0 ? 1 : i);
    }
    nid[9] = "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}

/* Month lengths of the 20 birth years, walked once a call: 7,304 days are few. */
static void day_split(uint32_t day, uint32_t *out_rank, uint32_t *out_month, uint32_t *out_dom)
{
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const uint16_t from[21] = {0,    365,  730,  1095, 1460, 1826, 2191,
                                      2556, 2921, 3287, 3652, 4017, 4382, 4748,
                                      5113, 5478, 5843, 6209, 6574, 6939, 7304};
    uint32_t rank = day / 366;
    while (day >= from[rank + 1]) {
        rank++;
    }
    uint32_t d = day - from[rank];
    uint32_t month = 0;
    for (;; month++) {
        uint32_t n = month_days[month];
        if (month == 1 && from[rank + 1] - from[rank] == 366) {
            n = 29;
        }
        if (d < n) {
            break;
        }
        d -= n;
    }
    *out_rank = rank;
    *out_month = month + 1;
    *out_dom = d + 1;
}

void kl_synth_nid_put(uint32_t day, bool female, uint32_t serial, char out[static 10])
{
    uint32_t rank;
    uint32_t month;
    uint32_t dom;
    day_split(day, &rank, &month, &dom);
    out[0] = rank < 10 ? 'A' : 'T';
    out[1] = (char)('0' + rank % 10);
    digits_put(out + 2, 2, month + (female ? 50 : 0));
    digits_put(out + 4, 2, dom);
    digits_put(out + 6, 3, serial);
    kl_synth_check_put(out);
}

void kl_synth_day_put(uint32_t day, char out[static 10])
{
    uint32_t rank;
    uint32_t month;
    uint32_t dom;
    day_split(day, &rank, &month, &dom);
    digits_put(out, 4, rank < 10 ? 1900 + rank : 2080 + rank);
    out[4] = '-';
    digits_put(out + 5, 2, month);
    out[7] = '-';
    digits_put(out + 8, 2, dom);
}

/* 26 operators' blocks of a million: 6[78][2-9], 69d. */
void kl_synth_phone_put(uint32_t phone, char out[static 9])
{
    uint32_t block = phone / 1000000;
    uint32_t head = block < 8 ? 672 + block : block < 16 ? 682 + block - 8 : 690 + block - 16;
    digits_put(out, 3, head);
    digits_put(out + 3, 6, phone % 1000000);
}

size_t kl_synth_plate_put(uint32_t plate, char out[static 9])
{
    if (plate >> 31 != 0) {
        uint32_t k = plate & 0xFFFFF;
        const char *district = kl_words_place[plate >> 20 & 0x7FF].plate;
        memcpy(out, district, 2);
        out[2] = ' ';
        digits_put(out + 3, 4, k % 10000);
        out[7] = ' ';
        out[8] = letter_get(k / 10000);
        return 9;
    }
    out[8] = letter_get(plate);
    out[7] = letter_get(plate / 24);
    out[6] = ' ';
    digits_put(out + 3, 3, plate / 576 % 999 + 1);
    out[2] = ' ';
    out[1] = letter_get(plate / 576 / 999);
    out[0] = 'A';
    return 9;
}

/* --- cells ------------------------------------------------------------------------------------ */

struct row_writer {
    struct kl_synth_row *row;
    char *to;
};

static void cell_end(struct row_writer *w)
{
    w->row->n++;
    w->row->at[w->row->n] = (uint32_t)(w->to - w->row->text);
}

/* Names and words come from our own lists (each < 64 bytes); a row has at most 900 bytes. */
static void put(struct row_writer *w, const char *s)
{
    size_t n = strlen(s);
    memcpy(w->to, s, n);
    w->to += n;
}

static void put_number(struct row_writer *w, uint32_t v)
{
    unsigned n = 1;
    for (uint32_t x = v; x >= 10; x /= 10) {
        n++;
    }
    digits_put(w->to, n, v);
    w->to += n;
}

static void cell(struct row_writer *w, const char *s)
{
    put(w, s);
    cell_end(w);
}

static void cell_nid(struct row_writer *w, const struct kl_synth_person *p)
{
    kl_synth_nid_put(p->day, p->female != 0, p->serial, w->to);
    w->to += 10;
    cell_end(w);
}

static void cell_given(struct row_writer *w, const struct kl_synth_names *names,
                       const struct kl_synth_person *p)
{
    put(w, kl_synth_given_get(names, p->given));
    if (p->given2 != 0) {
        put(w, " ");
        put(w, kl_synth_given_get(names, p->given2));
    }
    cell_end(w);
}

static void cell_family(struct row_writer *w, const struct kl_synth_names *names,
                        const struct kl_synth_person *p)
{
    put(w, kl_synth_family_get(names, p->family));
    if (p->family2 != 0) {
        put(w, "-");
        put(w, kl_synth_family_get(names, p->family2));
    }
    cell_end(w);
}

/* dotted: 31.12.1905, else 1905-12-31 */
static void cell_day(struct row_writer *w, uint32_t day, bool dotted)
{
    char iso[10];
    kl_synth_day_put(day, iso);
    if (dotted) {
        const char form[10] = {iso[8], iso[9], '.',    iso[5], iso[6],
                               '.',    iso[0], iso[1], iso[2], iso[3]};
        memcpy(w->to, form, 10);
    } else {
        memcpy(w->to, iso, 10);
    }
    w->to += 10;
    cell_end(w);
}

/* form: '#' stands for the next national digit. */
static void cell_phone(struct row_writer *w, uint32_t phone, const char *form)
{
    char digits[9];
    if (phone != KL_SYNTH_NO_PHONE) {
        unsigned n = 0;
        kl_synth_phone_put(phone, digits);
        for (; *form != '\0'; form++) {
            *w->to++ = (char)(*form == '#' ? digits[n++] : *form);
        }
    }
    cell_end(w);
}

static void cell_address(struct row_writer *w, const struct kl_synth_house *h)
{
    put(w, "Rr. ");
    put(w, kl_words_street[h->street]);
    put(w, h->number % 9 == 0 ? ", nd. " : " nd. ");
    put_number(w, h->number);
    if (h->flat != 0) {
        put(w, " ap. ");
        put_number(w, h->flat);
    }
    cell_end(w);
}

static void row_civil(const struct kl_synth_model *m, uint32_t i, struct row_writer *w)
{
    const struct kl_synth_person *p = &m->people[i];
    const struct kl_synth_house *h = &m->houses[p->house];
    cell_nid(w, p);
    cell_given(w, m->names, p);
    cell(w, kl_synth_given_get(m->names, p->father));
    cell_family(w, m->names, p);
    cell_day(w, p->day, false);
    cell(w, p->female ? "F" : "M");
    cell(w, kl_words_place[h->place].name);
    cell_address(w, h);
    cell_phone(w, p->phone, "+355 ## ### ####");
}

static void row_salary(const struct kl_synth_model *m, uint32_t i, struct row_writer *w)
{
    const struct kl_synth_salary *s = &m->salaries[i];
    const struct kl_synth_person *p = &m->people[s->person];
    const struct kl_synth_employer *x = &m->employers[s->employer];
    cell_nid(w, p);
    cell_given(w, m->names, p);
    cell(w, kl_synth_given_get(m->names, p->father));
    cell_family(w, m->names, p);
    cell(w, x->nipt);
    cell(w, x->name);
    cell(w, kl_words_job[s->job].name);
    put_number(w, s->amount);
    cell_end(w);
    cell_phone(w, p->phone, "0#########");
}

static void row_vehicle(const struct kl_synth_model *m, uint32_t i, struct row_writer *w)
{
    const struct kl_synth_vehicle *v = &m->vehicles[i];
    const struct kl_synth_person *p = &m->people[v->person];
    w->to += kl_synth_plate_put(v->plate, w->to);
    cell_end(w);
    cell_nid(w, p);
    cell_given(w, m->names, p);
    cell_family(w, m->names, p);
    cell(w, kl_words_car[v->car].make);
    cell(w, kl_words_car[v->car].model);
    put_number(w, 1990u + v->year);
    cell_end(w);
    cell(w, kl_words_colour[v->colour]);
}

static void row_voter(const struct kl_synth_model *m, uint32_t i, struct row_writer *w)
{
    const struct kl_synth_voter *v = &m->voters[i];
    const struct kl_synth_person *p = &m->people[v->person];
    const struct kl_synth_house *h = &m->houses[p->house];
    cell_given(w, m->names, p);
    cell(w, kl_synth_given_get(m->names, p->father));
    cell_family(w, m->names, p);
    cell_day(w, p->day, true);
    put(w, "QV ");
    digits_put(w->to, 4, h->unit / 2 + 1);
    w->to += 4;
    put(w, h->unit % 2 == 0 ? "/1" : "/2");
    cell_end(w);
    cell_address(w, h);
    cell_phone(w, p->phone, "0##/##-##-###");
    *w->to++ = 'Z';
    digits_put(w->to, 5, h->unit);
    digits_put(w->to + 5, 4, v->at);
    w->to[9] = letter_get(h->unit * 7u + v->at * 3u);
    w->to += 10;
    cell_end(w);
    cell(w, kl_words_party[v->party]);
}

void kl_synth_row_get(const struct kl_synth_model *m, enum kl_synth_register reg, uint32_t i,
                      struct kl_synth_row *out)
{
    struct row_writer w = {out, out->text};
    out->n = 0;
    out->at[0] = 0;
    switch (reg) {
    case KL_SYNTH_CIVIL:
        row_civil(m, i, &w);
        break;
    case KL_SYNTH_SALARIES:
        row_salary(m, i, &w);
        break;
    case KL_SYNTH_VEHICLES:
        row_vehicle(m, i, &w);
        break;
    case KL_SYNTH_VOTERS:
        row_voter(m, i, &w);
        break;
    case KL_SYNTH_NONE:
        break;
    }
}

uint32_t kl_synth_rows_get(const struct kl_synth_model *m, enum kl_synth_register reg)
{
    const uint32_t n[] = {0, m->n_people, m->n_salaries, m->n_vehicles, m->n_voters};
    return n[reg];
}

uint32_t kl_synth_row_person(const struct kl_synth_model *m, enum kl_synth_register reg, uint32_t i)
{
    switch (reg) {
    case KL_SYNTH_SALARIES:
        return m->salaries[i].person;
    case KL_SYNTH_VEHICLES:
        return m->vehicles[i].person;
    case KL_SYNTH_VOTERS:
        return m->voters[i].person;
    case KL_SYNTH_CIVIL:
    case KL_SYNTH_NONE:
        break;
    }
    return i;
}

/* --- headers and schemas ---------------------------------------------------------------------- */

const char *kl_synth_register_name(enum kl_synth_register reg)
{
    static const char *const name[] = {"none", "civil", "salaries", "vehicles", "voters"};
    return name[reg];
}

const char *kl_synth_header(enum kl_synth_register reg)
{
    static const char *const header[] = {
        "", "nid,given,father,family,birth_date,sex,municipality,address,phone",
        "nid,given,father,family,employer_nipt,employer,profession,salary,phone",
        "plate,nid,given,family,make,model,year,colour",
        "given,father,family,birth_date,polling_unit,address,phone,list_number,party_preference"};
    return header[reg];
}

int kl_synth_column(enum kl_synth_register reg, const char *name)
{
    const char *h = kl_synth_header(reg);
    size_t n = strlen(name);
    for (int i = 0; *h != '\0'; i++) {
        size_t len = strcspn(h, ",");
        if (len == n && memcmp(h, name, n) == 0) {
            return i;
        }
        h += len + (h[len] == ',');
    }
    return -1;
}

#define COL(name, type, rest) "  - {name: " name ", type: " type ", " rest "}\n"
#define PEOPLE_COLS                                                                                \
    COL("given", "person.given", "role: identity")                                                 \
    COL("father", "person.father", "role: identity")                                               \
    COL("family", "person.family", "role: identity")

const char *kl_synth_schema(enum kl_synth_register reg)
{
    static const char *const schema[] = {
        "",
        "register: civil\njurisdiction: al\ncolumns:\n" COL("nid", "al.nid", "role: key")
            PEOPLE_COLS COL("birth_date", "date", "role: attribute")
                COL("sex", "text", "role: ignore") COL("municipality", "place", "role: attribute")
                    COL("address", "text", "role: attribute")
                        COL("phone", "phone",
                            "role: key-dense") "anchors: [[given, family, birth_date]]\n"
                                               "derived: {birth_date: nid}\n",
        "register: salaries\njurisdiction: al\ncolumns:\n" COL("nid", "al.nid", "role: key")
            PEOPLE_COLS COL("employer_nipt", "al.nipt", "role: attribute")
                COL("employer", "org.name", "role: attribute")
                    COL("profession", "text", "role: attribute")
                        COL("salary", "money", "role: attribute")
                            COL("phone", "phone",
                                "role: key-dense") "anchors: [[family, employer, salary]]\n",
        "register: vehicles\njurisdiction: al\ncolumns:\n" COL("plate", "al.plate",
                                                               "role: key-dense")
            COL("nid", "al.nid", "role: key") COL("given", "person.given", "role: identity")
                COL("family", "person.family", "role: identity")
                    COL("make", "text", "role: attribute") COL("model", "text", "role: attribute")
                        COL("year", "text", "role: attribute")
                            COL("colour", "text", "role: attribute"),
        "register: voters\njurisdiction: al\ncolumns:\n" PEOPLE_COLS COL(
            "birth_date", "date", "role: attribute") COL("polling_unit", "place", "role: attribute")
            COL("address", "text", "role: attribute") COL("phone", "phone", "role: key-dense")
                COL("list_number", "id", "role: exclusive")
                    COL("party_preference", "text",
                        "special: true") "anchors: [[given, family, birth_date]]\n"};
    return schema[reg];
}
