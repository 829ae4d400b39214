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

/* Fold the fields that the layout knows. The key that led here needs no second look. */
static void fold_fields(const struct kl_match *m, const struct kl_doc_index *d,
                        const struct kl_layout_try *t, struct pool *p)
{
    __attribute__((uninitialized)) struct kl_unit units[KL_MAX_UNITS];
    __attribute__((uninitialized)) struct kl_norm nm;
    size_t n = kl_record_split(t->text, m->is_table, units);

    for (size_t i = 0; i < n; i++) {
        const struct kl_unit *u = &units[i];
        int s = u->ordinal < KL_LAYOUT_FIELDS ? d->layout.slot_of[u->ordinal] : -1;
        if (s < 0 || (t->known >> s & 1) != 0) {
            continue;
        }
        struct kl_span field = kl_span_part(t->text, u->at, u->at + u->len);
        if (!kl_norm_cell((enum kl_type)d->ix->slot_type[s], field, &nm) || nm.n == 0) {
            continue;
        }
        struct kl_span canon = kl_span_make(nm.bytes, nm.n);
        p->is_long[p->n] = nm.n > 31;
        if (nm.n > 31) {
            p->block[p->n] = kl_prf_text(&d->ix->prf, canon, d->ix->slot_domain[s]);
            canon.len = 31;
        }
        kl_cell32_set(&p->cell[p->n], canon, d->ix->slot_domain[s]);
        p->slot[p->n++] = (uint8_t)s;
    }
}

/* Which of the cells [from, to) the row holds, and what they prove. */
static void weigh(const struct kl_index *ix, const struct pool *p, size_t from, size_t to,
                  struct kl_layout_try *t)
{
    __attribute__((uninitialized)) double rarity[KL_MAX_COLUMNS];

    t->slots = t->known;
    for (size_t i = from; i < to; i++) {
        uint8_t s = p->slot[i];
        double bits = kl_index_rarity(ix, s, p->tag[i]);
        rarity[s] = bits < CELL_BITS_MAX ? bits : CELL_BITS_MAX;
        bool is = (uint16_t)p->block[i].lo == kl_index_cell(ix, t->row, s);
        t->slots |= (uint64_t)is << s;
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
            fold_fields(m, d, &tries[done + k], &p);
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
