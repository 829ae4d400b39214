/* Rows of a document: accepted, weak, and what becomes of the weak at a part's end. */
#include "match/document_int.h"

#include <math.h>
#include <stdlib.h>

#define PART_LOG10 (-12.0) /* a part's ratio must be this unlikely by chance */
#define FALSE_SHARE 0.01   /* of the weak rows accepted by the ratio */

static void settle_tally(struct kl_doc_index *d, struct kl_column_tally *t)
{
    for (uint64_t m = t->slots; m != 0; m &= m - 1) {
        unsigned s = (unsigned)__builtin_ctzll(m);
        bool exclusive = d->ix->columns[d->ix->slot_column[s]].role == KL_ROLE_EXCLUSIVE;
        d->n_cells[s] += t->n_rows;
        d->n_exclusive += exclusive ? t->n_rows : 0;
    }
    *t = (struct kl_column_tally){0, 0};
}

void kl_doc_settle_columns(struct kl_doc_index *d)
{
    for (size_t i = 0; i < KL_TALLIES; i++) {
        settle_tally(d, &d->tally[i]);
    }
}

static void add_columns(struct kl_doc_index *d, uint64_t *mask, uint64_t slots)
{
    uint64_t fresh = slots & ~*mask & KL_ROW_COLUMNS;
    struct kl_column_tally *t = &d->tally[fresh * 0x9e3779b97f4a7c15ull >> 61];

    if (t->slots != fresh) {
        settle_tally(d, t);
        t->slots = fresh;
    }
    t->n_rows++;
    *mask |= fresh;
}

static void accept_row(struct kl_doc_index *d, uint32_t row, uint64_t *mask, double bits)
{
    uint64_t columns = *mask & KL_ROW_COLUMNS;

    if ((*mask & KL_ROW_WEAK) != 0) {
        d->n_weak--;
    }
    *mask = KL_ROW_ACCEPTED;
    add_columns(d, mask, columns);
    d->n_accepted++;
    d->bits += bits;
    d->part_rows++;
    if (d->n_accepted == 1 || row < d->first_row) {
        d->first_row = row;
    }
    if (d->n_accepted == 1 || row > d->last_row) {
        d->last_row = row;
    }
    d->n_ascending += d->n_accepted > 1 && row > d->prev_row;
    d->prev_row = row;
}

enum kl_rc kl_doc_accept(struct kl_match *m, struct kl_doc_index *d, uint32_t row, uint64_t slots,
                         double bits)
{
    uint64_t *mask = kl_rowset_at(&d->rows, row);

    (void)m;
    if (mask == NULL) {
        return KL_E_NOMEM;
    }
    d->part_slots |= slots;
    if ((*mask & KL_ROW_ACCEPTED) != 0) {
        add_columns(d, mask, slots);
        return KL_OK;
    }
    *mask |= slots;
    accept_row(d, row, mask, bits);
    return KL_OK;
}

enum kl_rc kl_doc_weak(struct kl_doc_index *d, uint32_t row, uint64_t slots, double bits,
                       unsigned anchor)
{
    uint64_t *mask = kl_rowset_at(&d->rows, row);

    if (mask == NULL) {
        return KL_E_NOMEM;
    }
    if ((*mask & KL_ROW_ACCEPTED) != 0) {
        add_columns(d, mask, slots);
        return KL_OK;
    }
    d->n_weak += (*mask & KL_ROW_WEAK) == 0;
    bool listed = (*mask & KL_ROW_LISTED) != 0 && (slots & ~*mask & KL_ROW_COLUMNS) == 0;
    *mask |= slots | KL_ROW_WEAK | KL_ROW_LISTED;
    if (listed) { /* a document that repeats one key for ever costs no memory */
        return KL_OK;
    }
    if (d->n_weak_part == d->cap_weak) {
        size_t cap = d->cap_weak == 0 ? 256 : d->cap_weak * 2;
        void *p = realloc(d->weak, cap * sizeof *d->weak);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        d->weak = p;
        d->cap_weak = cap;
    }
    d->weak[d->n_weak_part++] = (struct kl_weak_row){row, (uint8_t)anchor, (float)bits};
    return KL_OK;
}

/* log10 P(X >= hits) of a binomial, from above (Chernoff). */
static double log10_tail(double n, double hits, double d)
{
    double r = hits / n;

    if (r <= d) {
        return 0;
    }
    double kl = r * log(r / d) + (r < 1 ? (1 - r) * log((1 - r) / (1 - d)) : 0);
    return -n * kl / log(10);
}

static double anchor_density(const struct kl_doc_index *d, unsigned a)
{
    const struct kl_index_anchor *an = &d->ix->anchors[a];
    const struct kl_anchor_stats *s = &d->stats[a];
    double density = an->n_columns == 1 ? d->ix->columns[an->columns[0]].density
                     : s->n_rows > 0    ? s->chance_sum / (double)s->n_rows
                                        : 1;
    return density < 1e-6 ? 1e-6 : density > 0.999 ? 0.999 : density;
}

/* Does this anchor's hit ratio prove the part a copy? Keep the best ratio for the report. */
static bool ratio_speaks(struct kl_doc_index *d, unsigned a, double *out_log10)
{
    const struct kl_anchor_stats *s = &d->stats[a];
    double n = (double)(s->n_shaped - (s->n_repeats < s->n_shaped ? s->n_repeats : s->n_shaped));
    double hits = (double)s->n_rows;

    if (s->n_rows == 0) {
        return false;
    }
    n = n < hits ? hits : n;
    double density = anchor_density(d, a);
    double r = hits / n;
    double tail = log10_tail(n, hits, density);
    if (tail < d->best_log10 || d->best_ratio == 0) {
        d->best_log10 = tail;
        d->best_ratio = r;
        d->best_keys = (uint64_t)n;
        d->best_density = density;
    }
    *out_log10 = tail;
    /* Share of chance hits among the hits when genuine ones make up the rest. */
    double genuine = (r - density) / (1 - density);
    double false_share = (1 - genuine) * density / r;
    return tail <= PART_LOG10 && genuine > 0 && false_share <= FALSE_SHARE;
}

static enum kl_rc keep_part(struct kl_match *m, struct kl_doc_index *d)
{
    if (d->part_rows == 0 && d->part_slots == 0) {
        return KL_OK;
    }
    if (d->n_parts == KL_MAX_PARTS) {
        d->parts[KL_MAX_PARTS - 1].n_rows += d->part_rows;
        d->parts[KL_MAX_PARTS - 1].slots |= d->part_slots;
        return KL_OK;
    }
    if (d->parts == NULL) {
        d->parts = calloc(KL_MAX_PARTS, sizeof *d->parts);
        if (d->parts == NULL) {
            return KL_E_NOMEM;
        }
    }
    char *path = malloc(m->path.len + 1);
    if (path == NULL) {
        return KL_E_NOMEM;
    }
    if (m->path.len > 0) {
        memcpy(path, m->path.ptr, m->path.len);
    }
    path[m->path.len] = '\0';
    d->parts[d->n_parts++] = (struct kl_part_sum){path, d->part_rows, d->part_slots};
    return KL_OK;
}

enum kl_rc kl_doc_end_part(struct kl_match *m, struct kl_doc_index *d)
{
    double tail[KL_MAX_ANCHORS] = {0};
    uint32_t speaks = 0;

    for (unsigned a = 0; a < d->ix->head->n_anchors; a++) {
        d->n_chances += d->stats[a].n_shaped;
        if (d->stats[a].n_shaped > 0 && ratio_speaks(d, a, &tail[a])) {
            speaks |= 1u << a;
        }
    }
    double best = 0;
    for (size_t i = 0; i < d->n_weak_part; i++) {
        const struct kl_weak_row *w = &d->weak[i];
        uint64_t *mask = kl_rowset_at(&d->rows, w->row);
        if (mask == NULL) {
            return KL_E_NOMEM;
        }
        *mask &= ~KL_ROW_LISTED;
        if ((speaks >> w->anchor & 1) == 0 || (*mask & KL_ROW_ACCEPTED) != 0) {
            continue;
        }
        d->part_slots |= *mask & KL_ROW_COLUMNS;
        accept_row(d, w->row, mask, w->bits > 0 ? (double)w->bits : 0);
        best = tail[w->anchor] < best ? tail[w->anchor] : best;
    }
    d->log10_parts += best;
    return keep_part(m, d);
}
