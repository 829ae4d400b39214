/* Employers and salaries, vehicles, the voters' list. */
#include "register/synth_model.h"

#include "register/synth_words.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum purpose { FOR_EMPLOYERS = 2, FOR_SALARIES, FOR_VEHICLES, FOR_VOTERS };

static const char *const office[] = {"Bashkia",
                                     "Drejtoria Arsimore",
                                     "Spitali Rajonal",
                                     "Komisariati",
                                     "Gjykata",
                                     "Zyra e Punës",
                                     "Drejtoria Tatimore",
                                     "Ujësjellës Kanalizime",
                                     "Njësia Vendore e Shëndetësisë",
                                     "Drejtoria Rajonale e Rrugëve",
                                     "Qendra Shëndetësore",
                                     "Kopshti Nr. 1"};
#define N_OFFICES (sizeof office / sizeof office[0])

static uint32_t words_count(const char *const *words)
{
    uint32_t n = 0;
    while (words[n] != NULL) {
        n++;
    }
    return n;
}

static uint32_t places_count(void)
{
    uint32_t n = 0;
    while (kl_words_place[n].name != NULL) {
        n++;
    }
    return n;
}

static void company_name(const struct kl_synth_model *m, uint32_t e, char *out, size_t cap)
{
    static const char *const form[] = {"SHPK", "SH.A.", "PF"};
    uint32_t n_first = words_count(kl_words_company);
    uint32_t n_trade = words_count(kl_words_trade);
    assert(n_first > 0 && n_trade > 0);
    if (e < n_first * n_trade) {
        (void)snprintf(out, cap, "%s %s SHPK", kl_words_company[e % n_first],
                       kl_words_trade[e / n_first]);
    } else {
        (void)snprintf(out, cap, "%s %s %s", kl_synth_family_get(m->names, e * 7 % KL_SYNTH_FAMILY),
                       kl_words_trade[e % n_trade], form[e / KL_SYNTH_FAMILY % 3]);
    }
}

/* A company number looks like a NID; 15 % even have a date that a NID could have [facts: 15 of 97].
 */
static void nipt_put(const struct kl_synth_model *m, struct kl_synth_rng *rng, uint32_t e,
                     char out[static 11])
{
    uint32_t day = kl_synth_below(rng, KL_SYNTH_DAYS);
    bool female = kl_synth_chance(rng, 50);
    uint32_t used = m->used[day * 2 + female];
    kl_synth_nid_put(day, female,
                     kl_synth_serial_get(m->seed, day, female, used + e % (1001 - used)), out);
    out[10] = '\0';
    if (used < 1000 && kl_synth_chance(rng, 15)) {
        return;
    }
    /* Otherwise month 13..30, 63..80 or 93..99, which no NID has; e makes it unique. */
    uint32_t month = 13 + e % 18;
    month = female ? month + 50 : month;
    uint32_t rest = e / 18;
    out[2] = (char)('0' + month / 10);
    out[3] = (char)('0' + month % 10);
    for (unsigned i = 8; i >= 4; i--) {
        out[i] = (char)('0' + rest % 10);
        rest /= 10;
    }
    kl_synth_check_put(out);
}

static enum kl_rc employers_fill(struct kl_synth_model *m)
{
    struct kl_synth_rng rng = kl_synth_rng_init(m->seed, FOR_EMPLOYERS);
    uint32_t n_places = places_count();
    uint32_t n_office = 0;
    uint32_t n_company = 0;

    m->n_employers = m->n_salaries / 32 < 20 ? 20 : m->n_salaries / 32;
    m->employers = calloc(m->n_employers, sizeof *m->employers);
    if (m->employers == NULL) {
        return KL_E_NOMEM;
    }
    for (uint32_t e = 0; e < m->n_employers; e++) {
        struct kl_synth_employer *x = &m->employers[e];
        bool public_office =
            n_office < n_places * N_OFFICES && kl_synth_chance(&rng, e < 400 ? 60 : 6);
        x->factor = (uint8_t)(75 + kl_synth_below(&rng, 70));
        if (public_office) {
            (void)snprintf(x->name, sizeof x->name, "%s %s", office[n_office % N_OFFICES],
                           kl_words_place[n_office / N_OFFICES].name);
            n_office++;
        } else {
            x->sector = (uint8_t)(1 + kl_synth_below(&rng, 3));
            company_name(m, n_company++, x->name, sizeof x->name);
        }
        nipt_put(m, &rng, e, x->nipt);
    }
    return KL_OK;
}

/* Job lists by sector, so that a hospital has no welders. */
struct jobs {
    uint32_t n[4];
    uint32_t id[4][32];
};

static void jobs_init(struct jobs *jobs)
{
    *jobs = (struct jobs){0};
    for (uint32_t i = 0; kl_words_job[i].name != NULL; i++) {
        uint32_t s = kl_words_job[i].sector;
        if (jobs->n[s] < 32) {
            jobs->id[s][jobs->n[s]++] = i;
        }
    }
}

static uint32_t amount_draw(struct kl_synth_rng *rng, const struct kl_synth_employer *x,
                            uint32_t job, uint32_t rank)
{
    uint32_t years = rank < 15 ? 15 - rank : 0;
    uint32_t a = kl_words_job[job].base * 10u * x->factor; /* thousands * percent = ALL * 10 / 10 */
    a = a / 100 * (92 + years * 2 + kl_synth_below(rng, 17)); /* + 2 % for each 4.75 years */
    uint32_t kind = kl_synth_below(rng, 100);
    uint32_t step = kind < 60 ? 1000 : kind < 90 ? 100 : 1;
    a = a / step * step;
    return a < 40000 ? 40000 : a > 300000 ? 300000 : a;
}

static enum kl_rc salaries_fill(struct kl_synth_model *m)
{
    struct kl_synth_rng rng = kl_synth_rng_init(m->seed, FOR_SALARIES);
    struct kl_synth_alias by_size;
    struct jobs jobs;
    uint32_t n_left = 0;
    uint32_t n_need = m->n_salaries;
    uint64_t *weights = calloc(m->n_employers + 1, sizeof *weights);
    uint32_t *from = calloc(m->n_employers + 1, sizeof *from);
    uint32_t *chosen = calloc(m->n_salaries + 1, sizeof *chosen);
    uint32_t *where = calloc(m->n_salaries + 1, sizeof *where);
    m->salaries = calloc(m->n_salaries + 1, sizeof *m->salaries);
    bool ok =
        weights != NULL && from != NULL && chosen != NULL && where != NULL && m->salaries != NULL;
    if (ok) {
        kl_synth_zipf(weights, m->n_employers, 1000);
        ok = kl_synth_alias_init(&by_size, weights, m->n_employers) == KL_OK;
    }
    if (!ok) {
        goto out;
    }
    jobs_init(&jobs);
    for (uint32_t i = 0; i < m->n_people; i++) {
        n_left += m->people[i].rank >= 5 && m->people[i].rank <= 15;
    }
    for (uint32_t i = 0, n = 0; i < m->n_people && n_need > 0; i++) {
        if (m->people[i].rank < 5 || m->people[i].rank > 15) {
            continue;
        }
        if (kl_synth_below(&rng, n_left--) < n_need) {
            n_need--;
            chosen[n] = i;
            where[n] = kl_synth_alias_draw(&by_size, &rng);
            from[where[n++] + 1]++;
        }
    }
    m->n_salaries -= n_need;
    for (uint32_t e = 0; e < m->n_employers; e++) {
        from[e + 1] += from[e];
    }
    for (uint32_t n = 0; n < m->n_salaries; n++) {
        struct kl_synth_salary *s = &m->salaries[from[where[n]]++];
        const struct kl_synth_employer *x = &m->employers[where[n]];
        s->person = chosen[n];
        s->employer = where[n];
        s->job = jobs.id[x->sector][kl_synth_below(&rng, jobs.n[x->sector])];
        s->amount = amount_draw(&rng, x, s->job, m->people[chosen[n]].rank);
    }
    kl_synth_alias_done(&by_size);
out:
    free(weights);
    free(from);
    free(chosen);
    free(where);
    return ok ? KL_OK : KL_E_NOMEM;
}

static int vehicle_order(const void *a, const void *b)
{
    uint32_t x = ((const struct kl_synth_vehicle *)a)->plate;
    uint32_t y = ((const struct kl_synth_vehicle *)b)->plate;
    return x < y ? -1 : x > y;
}

/* Plates are unique: the k-th vehicle of a place has the k-th old number, or a free new one. */
static uint32_t plate_take(struct kl_synth_rng *rng, uint64_t *bits, uint32_t *old_next,
                           uint32_t place, bool old)
{
    if (old && old_next[place] < 200000) {
        uint32_t k = old_next[place]++;
        return 1u << 31 | place << 20 | k * 7919u % 200000u;
    }
    for (;;) {
        uint32_t plate = kl_synth_below(rng, KL_SYNTH_PLATES);
        if (kl_synth_bit_take(bits, plate)) {
            return plate;
        }
    }
}

/* Places share district letters: numbers are counted by the first place with the same ones. */
static uint32_t district_get(uint32_t place)
{
    uint32_t first = 0;
    while (strcmp(kl_words_place[first].plate, kl_words_place[place].plate) != 0) {
        first++;
    }
    return first;
}

static enum kl_rc vehicles_fill(struct kl_synth_model *m)
{
    struct kl_synth_rng rng = kl_synth_rng_init(m->seed, FOR_VEHICLES);
    uint64_t weights[64] = {0};
    uint32_t old_next[64] = {0};
    uint32_t n_cars = 0;
    uint32_t n_colours = words_count(kl_words_colour);
    uint32_t n_left = 0;
    uint32_t n = 0;
    struct kl_synth_alias by_car;
    uint64_t *bits = calloc(KL_SYNTH_PLATES / 64 + 1, sizeof *bits);

    m->vehicles = calloc(m->n_vehicles + 1, sizeof *m->vehicles);
    for (; kl_words_car[n_cars].make != NULL; n_cars++) {
        weights[n_cars] = kl_words_car[n_cars].weight;
    }
    if (bits == NULL || m->vehicles == NULL ||
        kl_synth_alias_init(&by_car, weights, n_cars) != KL_OK) {
        free(bits);
        return KL_E_NOMEM;
    }
    for (uint32_t i = 0; i < m->n_people; i++) {
        n_left += kl_synth_is_adult(&m->people[i]);
    }
    for (uint32_t i = 0; i < m->n_people && n < m->n_vehicles; i++) {
        if (!kl_synth_is_adult(&m->people[i])) {
            continue;
        }
        bool owner = kl_synth_below(&rng, n_left--) < m->n_vehicles - n;
        uint32_t n_own = !owner ? 0 : kl_synth_chance(&rng, 7) ? 2 : 1;
        for (uint32_t k = 0; k < n_own && n < m->n_vehicles; k++) {
            uint32_t place = m->houses[m->people[i].house].place;
            struct kl_synth_vehicle *v = &m->vehicles[n++];
            bool old = kl_synth_chance(&rng, 12);
            v->person = i;
            v->car = (uint8_t)kl_synth_alias_draw(&by_car, &rng);
            v->year = (uint8_t)((old ? 0 : 8) + kl_synth_below(&rng, old ? 20 : 26));
            v->colour = (uint8_t)kl_synth_below(&rng, n_colours);
            v->plate = plate_take(&rng, bits, old_next, district_get(place), old);
        }
    }
    m->n_vehicles = n;
    qsort(m->vehicles, n, sizeof *m->vehicles, vehicle_order);
    kl_synth_alias_done(&by_car);
    free(bits);
    return KL_OK;
}

static enum kl_rc voters_fill(struct kl_synth_model *m)
{
    struct kl_synth_rng rng = kl_synth_rng_init(m->seed, FOR_VOTERS);
    uint32_t n_parties = words_count(kl_words_party);
    uint32_t unit = 0;
    uint16_t at = 0;
    for (uint32_t i = 0; i < m->n_people; i++) {
        m->n_voters += kl_synth_is_adult(&m->people[i]);
    }
    m->voters = calloc(m->n_voters + 1, sizeof *m->voters);
    if (m->voters == NULL) {
        return KL_E_NOMEM;
    }
    for (uint32_t i = 0, n = 0; i < m->n_people; i++) {
        if (!kl_synth_is_adult(&m->people[i])) {
            continue;
        }
        uint32_t own = m->houses[m->people[i].house].unit;
        at = own == unit ? (uint16_t)(at + 1) : 1;
        unit = own;
        m->voters[n++] = (struct kl_synth_voter){i, at, (uint8_t)kl_synth_below(&rng, n_parties)};
    }
    return KL_OK;
}

enum kl_rc kl_synth_model_jobs(struct kl_synth_model *m)
{
    m->n_salaries = (uint32_t)(((uint64_t)m->n_people * 637138 + 1500000) / 3000000);
    m->n_vehicles = (uint32_t)(((uint64_t)m->n_people * 530452 + 1500000) / 3000000);
    KL_TRY(employers_fill(m));
    KL_TRY(salaries_fill(m));
    KL_TRY(vehicles_fill(m));
    return voters_fill(m);
}
