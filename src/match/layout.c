#include "match/document_int.h"

#define VOTES_NEEDED 8u
#define MAX_CELLS 320u
/* One form a column, up to eight columns: what a cell of 16 bits can prove at most. */
#define CELL_BITS_MAX (KL_CELL_BITS - 3)

void kl_layout_vote(struct kl_layout *l, const struct kl_evidence *ev)
{
    for (uint64_t m = ev->slots; m != 0; m &= m - 1) {
        unsigned s = (unsigned)__builtin_ctzll(m);
        if (ev->ordinal[s] < KL_LAYOUT_FIELDS) {
            l->votes[ev->ordinal[s]][s]++;
        }
        l->seen[s]++;
    }
    l->n_rows++;
    /* Settle at 8 rows, and again each time the count doubles. */
    if (l->n_rows < VOTES_NEEDED || (l->n_rows & (l->n_rows - 1)) != 0) {
        return;
    }
    l->slots = 0;
    l->version++;
    for (unsigned o = 0; o < KL_LAYOUT_FIELDS; o++) {
        unsigned best = 0;
        for (unsigned s = 1; s < KL_MAX_COLUMNS; s++) {
            best = l->votes[o][s] > l->votes[o][best] ? s : best;
        }
        bool clear = l->votes[o][best] * 2 > l->n_rows && (l->slots >> best & 1) == 0;
        l->slot_of[o] = -1;
        if (clear) {
            l->slot_of[o] = (int8_t)best;
            l->slots |= 1ull << best;
        }
    }
    /* A column that has no field of its own (words between spaces) would not be read. */
    for (unsigned s = 0; s < KL_MAX_COLUMNS; s++) {
        if (l->seen[s] * 2 > l->n_rows && (l->slots >> s & 1) == 0) {
            l->slots = 0;
        }
    }
}

/* Cells under way: those of several records go through the PRF together. */
struct pool {
    struct kl_cell32 cell[MAX_CELLS];
    struct kl_tag tag[MAX_CELLS];
    struct kl_tag block[MAX_CELLS]; /* until the PRF ran: the tag of a long text */
    uint8_t slot[MAX_CELLS];
    uint8_t is_long[MAX_CELLS];
    size_t n;
};

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* Lower-case 16 bytes of those `in`, zero the others. @return not zero where no letter is */
static inline bytes16 lower_letters(const uint8_t *from, const uint8_t *in, uint8_t *to)
{
    bytes16 v;
    bytes16 inside;

    memcpy(&v, from, sizeof v);
    memcpy(&inside, in, sizeof inside);
    v = (v | 0x20) & inside;
    memcpy(to, &v, sizeof v);
    return (bytes16)((v < 'a') | (v > 'z')) & inside;
}

/*
 * One word of ASCII letters, as most cells are: its normal form is its lower case. Whether a field
 * is one is seen without a loop over its length, which nobody can predict.
 * @param field  32 bytes from its first on are readable
 */
static bool set_one_word(struct kl_cell32 *c, struct kl_span field, uint8_t domain)
{
    static const uint8_t inside[64] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    size_t n = field.len < 32 ? field.len : 32;
    uint64_t bad[2];
    bytes16 b = lower_letters(field.ptr, inside + 32 - n, c->b) |
                lower_letters(field.ptr + 16, inside + 48 - n, c->b + 16);

    memcpy(bad, &b, sizeof bad);
    c->b[31] = (uint8_t)(n | (size_t)domain << 5);
    return n - 1 < 31 && (bad[0] | bad[1]) == 0;
}

/* One field to the pool. @return false when it is no value of its column */
static bool add_field(const struct kl_match *m, const struct kl_index *ix, uint8_t s,
                      struct kl_span field, struct pool *p)
{
    __attribute__((uninitialized)) struct kl_norm nm;
    uint8_t domain = ix->slot_domain[s];

    p->is_long[p->n] = false;
    if (domain == KL_DOMAIN_WORDS && (size_t)(m->text.ptr + m->text.len - field.ptr) >= 32 &&
        set_one_word(&p->cell[p->n], field, domain)) {
        return true;
    }
    if (!kl_norm_cell((enum kl_type)ix->slot_type[s], field, &nm) || nm.n == 0) {
        return false;
    }
    struct kl_span canon = kl_span_make(nm.bytes, nm.n);
    if (nm.n > 31) {
        p->is_long[p->n] = true;
        p->block[p->n] = kl_prf_text(&ix->prf, canon, domain);
        canon.len = 31;
    }
    kl_cell32_set(&p->cell[p->n], canon, domain);
    return true;
}

/* Fold the fields that the layout knows. The key that led here needs no second look. */
static void add_fields(const struct kl_match *m, const struct kl_doc_index *d,
                       const struct kl_layout_try *t, struct pool *p)
{
    __attribute__((uninitialized)) struct kl_unit units[KL_MAX_UNITS];
    size_t n = kl_record_split(t->text, m->is_table, units);

    for (size_t i = 0; i < n; i++) {
        const struct kl_unit *u = &units[i];
        int s = u->ordinal < KL_LAYOUT_FIELDS ? d->layout.slot_of[u->ordinal] : -1;
        if (s < 0 || (t->known >> s & 1) != 0) {
            continue;
        }
        p->slot[p->n] = (uint8_t)s;
        p->n += add_field(m, d->ix, (uint8_t)s, kl_span_part(t->text, u->at, u->at + u->len), p);
    }
}

/* Which of the cells [from, to) the row holds, and what they prove. */
static void weigh(const struct kl_index *ix, const struct pool *p, size_t from, size_t to,
                  struct kl_layout_try *t)
{
    __attribute__((uninitialized)) double rarity[KL_MAX_COLUMNS];

    t->slots = t->known;
    t->n_wrong = 0;
    for (size_t i = from; i < to; i++) {
        uint8_t s = p->slot[i];
        double bits = kl_index_rarity(ix, s, p->tag[i]);
        rarity[s] = bits < CELL_BITS_MAX ? bits : CELL_BITS_MAX;
        bool is = (uint16_t)p->block[i].lo == kl_index_cell(ix, t->row, s);
        t->slots |= (uint64_t)is << s;
        t->n_wrong += !is;
    }
    t->bits = 0;
    for (uint64_t b = kl_evidence_independent(ix, t->slots); b != 0; b &= b - 1) {
        unsigned s = (unsigned)__builtin_ctzll(b);
        t->bits += (t->known >> s & 1) != 0 ? ix->key_bits[s] : rarity[s];
    }
    t->bits -= ix->log2_rows;
}

void kl_layout_read(const struct kl_match *m, const struct kl_doc_index *d,
                    struct kl_layout_try *tries, size_t n)
{
    const struct kl_index *ix = d->ix;
    __attribute__((uninitialized)) struct pool p;
    size_t from[KL_LAYOUT_TRIES + 1];

    for (size_t done = 0; done < n;) {
        size_t k = 0;
        p.n = 0;
        for (; done + k < n && k < KL_LAYOUT_TRIES && p.n + KL_MAX_COLUMNS <= MAX_CELLS; k++) {
            from[k] = p.n;
            tries[done + k].version = d->layout.version;
            add_fields(m, d, &tries[done + k], &p);
        }
        from[k] = p.n;
        kl_prf_cells(&ix->prf, p.cell, p.n, p.tag);
        for (size_t t = 0; t < k; t++) {
            for (size_t i = from[t]; i < from[t + 1]; i++) {
                p.tag[i] = p.is_long[i] ? p.block[i] : p.tag[i];
                p.block[i] = kl_index_cell_block(p.tag[i], tries[done + t].row, p.slot[i]);
                __builtin_prefetch(kl_index_rarity_at(ix, p.slot[i], p.tag[i]));
            }
        }
        kl_prf_tweak(&ix->prf, p.block, p.n);
        for (size_t t = 0; t < k; t++) {
            weigh(ix, &p, from[t], from[t + 1], &tries[done + t]);
        }
        done += k;
    }
}
