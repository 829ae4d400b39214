#include "register/synth_model.h"

#include "register/synth_words.h"

#include <stdlib.h>

#define UNIT_VOTERS 700u /* as in 2023: 3,650,550 voters, 5,211 units */

enum purpose { FOR_PEOPLE = 1 };

struct builder {
    struct kl_synth_model *m;
    struct kl_synth_rng rng;
    uint32_t day_from[21]; /* first day of each birth year */
    uint32_t n_streets;
    uint8_t place;
};

static bool is_leap(uint32_t rank)
{
    return rank == 4 || rank == 8 || rank == 12 || rank == 16; /* 1904 1908 2092 2096 */
}

static void days_init(struct builder *b)
{
    b->day_from[0] = 0;
    for (uint32_t rank = 0; rank < 20; rank++) {
        b->day_from[rank + 1] = b->day_from[rank] + (is_leap(rank) ? 366 : 365);
    }
}

/* Start and step by seed: two nations share numbers as chance has it, not row by row. */
uint32_t kl_synth_serial_get(uint64_t seed, uint32_t day, bool female, uint32_t k)
{
    static const uint32_t ends[4] = {1, 3, 7, 9};
    uint64_t r = kl_synth_mix(seed * 0x9E3779B97F4A7C15u + day * 2u + female);
    uint32_t from = (uint32_t)(r % 1000);
    uint32_t step = (uint32_t)(r >> 20) % 100 * 10 + ends[r >> 40 & 3]; /* coprime to 1000 */

    return (from + k * step) % 1000;
}

/* A day of that birth year with a serial left; the year before when it is full. */
static bool birth_take(struct builder *b, struct kl_synth_person *p)
{
    struct kl_synth_model *m = b->m;
    uint32_t from = b->day_from[p->rank];
    uint32_t n = b->day_from[p->rank + 1] - from;
    uint32_t day = from + kl_synth_below(&b->rng, n);

    for (uint32_t i = 0; i < KL_SYNTH_DAYS; i++) {
        uint16_t *used = &m->used[day * 2 + p->female];
        if (*used < 1000) {
            p->day = (uint16_t)day;
            p->serial = (uint16_t)kl_synth_serial_get(m->seed, day, p->female, (*used)++);
            return true;
        }
        day = (day + KL_SYNTH_DAYS - 1) % KL_SYNTH_DAYS;
        while (day < b->day_from[p->rank]) {
            if (p->rank == 0) {
                break;
            }
            p->rank--;
        }
    }
    return false;
}

static uint32_t phone_take(struct builder *b)
{
    for (;;) {
        uint32_t phone = kl_synth_below(&b->rng, KL_SYNTH_PHONES);
        if (kl_synth_bit_take(b->m->phone_bits, phone)) {
            return phone;
        }
    }
}

/* A new member of the last household; NULL when the nation is complete. */
static struct kl_synth_person *person_add(struct builder *b, bool female, int rank)
{
    struct kl_synth_model *m = b->m;
    struct kl_synth_names *names = m->names;
    if (m->n_people == m->n_voters) { /* n_voters holds the goal while building */
        return NULL;
    }
    struct kl_synth_person *p = &m->people[m->n_people];
    *p = (struct kl_synth_person){.house = m->n_houses - 1, .female = female};
    p->rank = (uint8_t)(rank < 0 ? 0 : rank > 19 ? 19 : rank);
    if (!birth_take(b, p)) {
        return NULL;
    }
    uint32_t first = female ? KL_SYNTH_GIVEN : 0;
    p->given = (uint16_t)(first + kl_synth_alias_draw(&names->by_given, &b->rng));
    if (kl_synth_below(&b->rng, 1000) < (female ? 22 : 8)) {
        p->given2 = (uint16_t)(first + 1 + kl_synth_below(&b->rng, 60));
        p->given2 = p->given2 == p->given ? (uint16_t)(p->given2 + 1) : p->given2;
    }
    p->father = (uint16_t)kl_synth_alias_draw(&names->by_given, &b->rng);
    p->phone = KL_SYNTH_NO_PHONE;
    if (kl_synth_is_adult(p) && kl_synth_chance(&b->rng, 94)) {
        p->phone = phone_take(b);
    }
    m->n_people++;
    return p;
}

static uint16_t family_draw(struct builder *b)
{
    return (uint16_t)kl_synth_alias_draw(&b->m->names->by_family, &b->rng);
}

static void wife_add(struct builder *b, uint16_t family, int rank)
{
    struct kl_synth_person *w = person_add(b, true, rank + (int)kl_synth_below(&b->rng, 2));
    if (w == NULL) {
        return;
    }
    uint32_t kind = kl_synth_below(&b->rng, 100);
    uint16_t maiden = family_draw(b);
    w->family = kind < 12 ? maiden : family;
    if (kind >= 93 && maiden != 0 && maiden != family) {
        w->family2 = maiden;
    }
}

/* Parents, children, grandparents: one family name, one father, one address. */
static void household_fill(struct builder *b, uint16_t family)
{
    struct kl_synth_rng *rng = &b->rng;
    uint32_t kind = kl_synth_below(rng, 100);
    int head_rank = 2 + (int)kl_synth_below(rng, 12);
    bool single_woman = kind < 8 && kl_synth_chance(rng, 50);
    struct kl_synth_person *head = person_add(b, single_woman, head_rank);
    if (head == NULL) {
        return;
    }
    head->family = family;
    uint16_t given = head->given;
    uint16_t grandfather = head->father;
    if (kind < 8) {
        return;
    }
    if (kind >= 14) {
        wife_add(b, family, head_rank);
    }
    if (kind >= 26) {
        uint32_t n = 1 + kl_synth_below(rng, 3) + (kl_synth_chance(rng, 15) ? 1 : 0);
        int rank = head_rank + 5 + (int)kl_synth_below(rng, 3);
        for (uint32_t i = 0; i < n && rank <= 19; i++, rank += (int)kl_synth_below(rng, 2)) {
            bool girl = kl_synth_chance(rng, 49);
            if (rank <= 13 && kl_synth_chance(rng, girl ? 80 : 55)) {
                continue; /* grown up and gone */
            }
            struct kl_synth_person *c = person_add(b, girl, rank);
            if (c != NULL) {
                c->family = family;
                c->father = given;
            }
        }
    }
    if (kind >= 82 && head_rank >= 5) {
        struct kl_synth_person *old = person_add(b, false, head_rank - 5);
        if (old != NULL) {
            old->family = family;
            old->given = grandfather;
            old->given2 = 0;
        }
        if (kl_synth_chance(rng, 70)) {
            wife_add(b, family, head_rank - 5);
        }
    }
}

static void household_add(struct builder *b)
{
    struct kl_synth_model *m = b->m;
    struct kl_synth_house *h = &m->houses[m->n_houses++];
    /* Each place has its own part of the streets, so that an address hints at the place. */
    uint32_t street = (kl_synth_below(&b->rng, 12) * 7 + b->place * 13u) % b->n_streets;
    *h = (struct kl_synth_house){.street = (uint16_t)street, .place = b->place};
    h->number = (uint16_t)(1 + kl_synth_below(&b->rng, 180));
    h->flat = kl_synth_chance(&b->rng, 60) ? (uint8_t)(1 + kl_synth_below(&b->rng, 40)) : 0;
    household_fill(b, family_draw(b));
}

static void places_fill(struct builder *b, uint32_t n_people)
{
    struct kl_synth_model *m = b->m;
    uint64_t sum = 0;
    uint64_t done = 0;
    for (uint32_t i = 0; kl_words_place[i].name != NULL; i++) {
        sum += kl_words_place[i].weight;
    }
    for (uint32_t i = 0; kl_words_place[i].name != NULL; i++) {
        done += kl_words_place[i].weight;
        uint32_t goal = (uint32_t)(n_people * done / sum);
        b->place = (uint8_t)i;
        while (m->n_people < goal) {
            household_add(b);
        }
    }
}

static void units_number(struct kl_synth_model *m)
{
    uint16_t unit = 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_people; i++) {
        struct kl_synth_house *h = &m->houses[m->people[i].house];
        bool first = i == 0 || m->people[i - 1].house != m->people[i].house;
        bool moved = i > 0 && m->houses[m->people[i - 1].house].place != h->place;
        if (first && (moved || n >= UNIT_VOTERS)) {
            unit++;
            n = 0;
        }
        h->unit = unit;
        n += kl_synth_is_adult(&m->people[i]);
    }
}

enum kl_rc kl_synth_model_new(uint32_t n_people, uint64_t seed, struct kl_synth_model **out_model,
                              struct kl_err *err)
{
    if (n_people < KL_SYNTH_MIN_PEOPLE || n_people > KL_SYNTH_MAX_PEOPLE) {
        return kl_fail(err, KL_E_LIMIT, "the number of people is out of range: give %u to %u",
                       KL_SYNTH_MIN_PEOPLE, KL_SYNTH_MAX_PEOPLE);
    }
    struct kl_synth_model *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return kl_fail(err, KL_E_NOMEM, "no memory for the nation: give fewer people");
    }
    struct builder b = {.m = m, .rng = kl_synth_rng_init(seed, FOR_PEOPLE)};
    m->seed = seed;
    m->people = calloc(n_people, sizeof *m->people);
    m->houses = calloc(n_people, sizeof *m->houses);
    m->used = calloc(KL_SYNTH_DAYS * 2, sizeof *m->used);
    m->phone_bits = calloc(KL_SYNTH_PHONES / 64 + 1, sizeof *m->phone_bits);
    bool ok = m->people != NULL && m->houses != NULL && m->used != NULL && m->phone_bits != NULL &&
              kl_synth_names_new(&m->names) == KL_OK;
    if (ok) {
        days_init(&b);
        while (kl_words_street[b.n_streets] != NULL) {
            b.n_streets++;
        }
        m->n_voters = n_people;
        places_fill(&b, n_people);
        m->n_voters = 0;
        units_number(m);
        ok = kl_synth_model_jobs(m) == KL_OK;
    }
    if (!ok) {
        kl_synth_model_free(&m);
        return kl_fail(err, KL_E_NOMEM, "no memory for the nation: give fewer people");
    }
    *out_model = m;
    return KL_OK;
}

void kl_synth_model_free(struct kl_synth_model **model)
{
    struct kl_synth_model *m = *model;
    if (m == NULL) {
        return;
    }
    kl_synth_names_free(&m->names);
    free(m->people);
    free(m->houses);
    free(m->employers);
    free(m->salaries);
    free(m->vehicles);
    free(m->voters);
    free(m->used);
    free(m->phone_bits);
    free(m);
    *model = NULL;
}
