#include "match/document_int.h"

#define VOTES_NEEDED 8u
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

/* Fold the fields the layout knows; one hash batch a record. */
static size_t fold_fields(const struct kl_index *ix, const struct kl_layout *l,
                          const struct kl_record *r, uint64_t known, struct kl_cell32 *cells,
                          uint8_t *slots, struct kl_tag *long_tags, uint64_t *is_long)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_units && n < KL_MAX_COLUMNS; i++) {
        const struct kl_unit *u = &r->units[i];
        int s = u->ordinal < KL_LAYOUT_FIELDS ? l->slot_of[u->ordinal] : -1;
        if (s < 0 || (known >> s & 1) != 0) {
            continue; /* the key that led here needs no second look */
        }
        __attribute__((uninitialized)) struct kl_norm nm;
        enum kl_type t = (enum kl_type)ix->columns[ix->slot_column[s]].type;
        if (!kl_norm_cell(t, kl_span_part(r->text, u->at, u->at + u->len), &nm) || nm.n == 0) {
            continue;
        }
        struct kl_span canon = kl_span_make(nm.bytes, nm.n);
        if (nm.n > 31) {
            long_tags[n] = kl_prf_text(&ix->prf, canon, (uint8_t)kl_type_domain(t));
            *is_long |= 1ull << n;
            canon.len = 31;
        }
        kl_cell32_set(&cells[n], canon, (uint8_t)kl_type_domain(t));
        slots[n++] = (uint8_t)s;
    }
    return n;
}

bool kl_layout_weigh(struct kl_match *m, struct kl_doc_index *d, struct kl_record *r, uint32_t row,
                     uint64_t known, struct kl_evidence *out)
{
    const struct kl_index *ix = d->ix;
    __attribute__((uninitialized)) struct kl_cell32 cells[KL_MAX_COLUMNS];
    __attribute__((uninitialized)) struct kl_tag tags[KL_MAX_COLUMNS];
    __attribute__((uninitialized)) struct kl_tag blocks[KL_MAX_COLUMNS];
    __attribute__((uninitialized)) struct kl_tag long_tags[KL_MAX_COLUMNS];
    __attribute__((uninitialized)) uint8_t slots[KL_MAX_COLUMNS];
    double rarity[KL_MAX_COLUMNS];
    uint64_t is_long = 0;

    if (d->layout.slots == 0) {
        return false;
    }
    if (!r->split) {
        r->n_units = kl_record_split(r->text, m->is_table, r->units);
        r->split = true;
    }
    size_t n = fold_fields(ix, &d->layout, r, known, cells, slots, long_tags, &is_long);
    kl_prf_cells(&ix->prf, cells, n, tags);
    for (uint64_t b = is_long; b != 0; b &= b - 1) {
        tags[__builtin_ctzll(b)] = long_tags[__builtin_ctzll(b)];
    }
    for (size_t i = 0; i < n; i++) {
        blocks[i] = kl_index_cell_block(tags[i], row, slots[i]);
    }
    kl_prf_tweak(&ix->prf, blocks, n);
    out->slots = known;
    for (size_t i = 0; i < n; i++) {
        if ((uint16_t)blocks[i].lo == kl_index_cell(ix, row, slots[i])) {
            out->slots |= 1ull << slots[i];
            double bits = kl_index_rarity(ix, slots[i], tags[i]);
            rarity[slots[i]] = bits < CELL_BITS_MAX ? bits : CELL_BITS_MAX;
        }
    }
    out->bits = 0;
    for (uint64_t b = kl_evidence_independent(ix, out->slots); b != 0; b &= b - 1) {
        unsigned s = (unsigned)__builtin_ctzll(b);
        out->bits += (known >> s & 1) != 0 ? ix->key_bits[s] : rarity[s];
    }
    out->bits -= ix->log2_rows;
    d->layout.n_fast++;
    /* Columns the layout promises but this row lacks: accept, the evidence is there. */
    return out->bits >= d->threshold;
}
