#include "match/document_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG10_2 0.30102999566398120

static void plan_keys(struct kl_doc_index *d)
{
    const struct kl_index *ix = d->ix;

    while (d->n_keys < ix->head->n_anchors && ix->anchors[d->n_keys].n_columns == 1) {
        const struct kl_index_column *c = &ix->columns[ix->anchors[d->n_keys].columns[0]];
        d->anchors_of_kind[kl_type_cand((enum kl_type)c->type)] |= (uint16_t)(1u << d->n_keys);
        d->key_slot[d->n_keys++] = (uint8_t)c->slot;
    }
}

static void plan_wants(struct kl_match *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct kl_index *ix = m->di[i].ix;
        for (uint32_t a = 0; a < ix->head->n_anchors; a++) {
            const struct kl_index_anchor *an = &ix->anchors[a];
            for (uint32_t k = 0; k < an->n_columns; k++) {
                enum kl_type t = (enum kl_type)ix->columns[an->columns[k]].type;
                uint32_t want = kl_type_is_words(t) ? 0 : KL_WANT(kl_type_cand(t));
                if (an->n_columns == 1) {
                    m->want_keys |= want;
                } else {
                    m->want_tuples |= want;
                }
            }
            m->has_tuples = m->has_tuples || an->n_columns > 1;
        }
    }
}

static enum kl_rc scratch_new(struct kl_match *m)
{
    m->cands = calloc(KL_SCAN_BATCH, sizeof *m->cands);
    m->tags = calloc(KL_SCAN_BATCH, sizeof *m->tags);
    m->hits = calloc(KL_MAX_KEY_HITS, sizeof *m->hits);
    m->hit_blocks = calloc(KL_MAX_KEY_HITS, sizeof *m->hit_blocks);
    m->forms = calloc(1, sizeof *m->forms);
    bool ok = m->cands != NULL && m->tags != NULL && m->hits != NULL && m->hit_blocks != NULL &&
              m->forms != NULL &&
              posix_memalign((void **)&m->cells, 64, KL_SCAN_BATCH * sizeof *m->cells) == 0;
    return ok ? KL_OK : KL_E_NOMEM;
}

enum kl_rc kl_match_new(const struct kl_index *const *indexes, size_t n_indexes,
                        const double *threshold_bits, struct kl_match **out_m)
{
    struct kl_match *m = calloc(1, sizeof *m);
    enum kl_rc rc = KL_E_NOMEM;

    if (m == NULL) {
        return KL_E_NOMEM;
    }
    kl_buf_init(&m->path, KL_MAX_PATH_BYTES);
    m->di = calloc(n_indexes + 1, sizeof *m->di);
    if (m->di != NULL) {
        rc = scratch_new(m);
    }
    for (size_t i = 0; rc == KL_OK && i < n_indexes; i++) {
        struct kl_doc_index *d = &m->di[m->n++];
        d->ix = indexes[i];
        d->threshold = threshold_bits[i];
        plan_keys(d);
        rc = kl_rowset_init(&d->rows, d->ix->head->n_rows);
        d->spans = calloc(KL_MAX_SPANS, sizeof *d->spans);
        rc = rc == KL_OK && d->spans == NULL ? KL_E_NOMEM : rc;
    }
    if (rc != KL_OK) {
        kl_match_free(&m);
        return rc;
    }
    plan_wants(m);
    *out_m = m;
    return KL_OK;
}

static void parts_clear(struct kl_doc_index *d)
{
    for (size_t i = 0; i < d->n_parts; i++) {
        free(d->parts[i].path);
    }
    d->n_parts = 0;
}

void kl_match_free(struct kl_match **mp)
{
    struct kl_match *m = *mp;

    if (m == NULL) {
        return;
    }
    for (size_t i = 0; m->di != NULL && i < m->n; i++) {
        kl_rowset_done(&m->di[i].rows);
        parts_clear(&m->di[i]);
        free(m->di[i].parts);
        free(m->di[i].weak);
        free(m->di[i].spans);
    }
    free(m->di);
    free(m->cands);
    free(m->cells);
    free(m->tags);
    free(m->hits);
    free(m->hit_blocks);
    free(m->forms);
    kl_buf_done(&m->path);
    free(m);
    *mp = NULL;
}

static void part_reset(struct kl_doc_index *d)
{
    memset(d->stats, 0, sizeof d->stats);
    d->n_weak_part = 0;
    if (d->layout.n_rows > 0) {
        memset(&d->layout, 0, sizeof d->layout);
    }
    d->layout.n_fast = 0;
    d->layout.n_slow = 0;
    d->n_window = 0;
    d->n_window_ok = 0;
    d->part_rows = 0;
    d->part_slots = 0;
}

void kl_match_begin(struct kl_match *m)
{
    m->n_samples = 0;
    for (size_t i = 0; i < m->n; i++) {
        struct kl_doc_index *d = &m->di[i];
        kl_rowset_clear(&d->rows);
        parts_clear(d);
        part_reset(d);
        d->n_accepted = 0;
        d->n_weak = 0;
        memset(d->tally, 0, sizeof d->tally);
        memset(d->n_cells, 0, sizeof d->n_cells);
        d->n_exclusive = 0;
        d->bits = 0;
        d->log10_parts = 0;
        d->n_chances = 0;
        d->n_ascending = 0;
        d->best_ratio = 0;
        d->best_keys = 0;
        d->best_density = 0;
        d->best_log10 = 0;
    }
}

enum kl_rc kl_match_part_begin(struct kl_match *m, struct kl_span path, bool is_table)
{
    m->is_table = is_table;
    m->path.len = 0;
    for (size_t i = 0; i < m->n; i++) {
        part_reset(&m->di[i]);
    }
    return kl_buf_add(&m->path, path.ptr,
                      path.len < KL_MAX_PATH_BYTES ? path.len : KL_MAX_PATH_BYTES);
}

void kl_doc_record_init(struct kl_record *out, struct kl_span text, uint32_t from)
{
    out->text = text;
    out->from = from;
    out->n_units = 0;
    out->split = false;
    out->forms_for = NULL;
}

void kl_doc_record_at(struct kl_match *m, size_t at, struct kl_record *out)
{
    size_t from = 0;
    size_t to = 0;

    kl_record_find(m->text, at, &from, &to);
    kl_doc_record_init(out, kl_span_part(m->text, from, to), (uint32_t)from);
}

void kl_doc_forms(struct kl_match *m, const struct kl_index *ix, struct kl_record *r)
{
    if (!r->split) {
        r->n_units = kl_record_split(r->text, m->is_table, r->units);
        r->split = true;
    }
    if (r->forms_for != ix) {
        kl_forms_build(ix, r->text, r->units, r->n_units, m->forms);
        r->forms_for = ix;
    }
}

enum kl_rc kl_match_block(struct kl_match *m, struct kl_span text)
{
    m->text = text;
    for (size_t i = 0; i < m->n; i++) {
        m->di[i].n_spans = 0;
    }
    KL_TRY(kl_doc_keys(m));
    for (size_t i = 0; m->has_tuples && i < m->n; i++) {
        KL_TRY(kl_doc_tuples(m, &m->di[i]));
    }
    return KL_OK;
}

enum kl_rc kl_match_part_end(struct kl_match *m)
{
    for (size_t i = 0; i < m->n; i++) {
        KL_TRY(kl_doc_end_part(m, &m->di[i]));
    }
    return KL_OK;
}

uint64_t kl_match_rows_get(const struct kl_match *m)
{
    uint64_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        n += m->di[i].n_accepted;
    }
    return n;
}

/* log10 of "n choose k", from above: the document had n chances for its k rows. */
static double log10_choose(double n, double k)
{
    if (k <= 0 || n <= k) {
        return 0;
    }
    int sign = 0; /* lgamma itself writes a global */

    return (lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign)) / log(10);
}

static enum kl_rc fill_columns(const struct kl_doc_index *d, struct kl_finding_register *r)
{
    const struct kl_index *ix = d->ix;
    uint64_t found = 0;

    r->columns = calloc(ix->head->n_slots, sizeof *r->columns);
    if (r->columns == NULL) {
        return KL_E_NOMEM;
    }
    for (uint32_t s = 0; s < ix->head->n_slots; s++) {
        found |= (uint64_t)(d->n_cells[s] > 0) << s;
    }
    uint64_t independent = kl_evidence_independent(ix, found);
    for (uint32_t s = 0; s < ix->head->n_slots; s++) {
        /* A chance equality of 16 bits here and there is no leaked column. */
        if (d->n_cells[s] == 0 || d->n_cells[s] * 200 < d->n_accepted) {
            continue;
        }
        struct kl_finding_column *c = &r->columns[r->n_columns++];
        (void)snprintf(c->name, sizeof c->name, "%.63s", ix->columns[ix->slot_column[s]].name);
        c->n_cells = d->n_cells[s];
        c->ordinal = (uint8_t)s;
        c->derived = (independent >> s & 1) == 0;
    }
    return KL_OK;
}

static enum kl_rc fill_parts(struct kl_doc_index *d, struct kl_finding_register *r)
{
    r->parts = calloc(d->n_parts + 1, sizeof *r->parts);
    if (r->parts == NULL) {
        return KL_E_NOMEM;
    }
    for (size_t i = 0; i < d->n_parts; i++) {
        struct kl_finding_part *p = &r->parts[r->n_parts++];
        p->path = d->parts[i].path; /* moved */
        d->parts[i].path = NULL;
        p->n_rows = d->parts[i].n_rows;
        p->columns = d->parts[i].slots;
    }
    d->n_parts = 0;
    return KL_OK;
}

static void fill_numbers(const struct kl_doc_index *d, struct kl_finding_register *r)
{
    const struct kl_index *ix = d->ix;
    double rows = (double)d->n_accepted;

    (void)snprintf(r->name, sizeof r->name, "%.63s", ix->head->name);
    memcpy(r->index_id, ix->id, sizeof r->index_id);
    r->n_rows = d->n_accepted;
    r->n_index_rows = ix->head->n_rows;
    r->n_weak_rows = d->n_weak;
    r->evidence_bits = d->bits;
    r->hit_ratio = d->best_ratio;
    r->n_keys = d->best_keys;
    r->chance_ratio = d->best_density;
    double log10_chance = -d->bits * LOG10_2 + log10_choose((double)d->n_chances, rows);
    log10_chance = log10_chance < d->log10_parts ? log10_chance : d->log10_parts;
    r->log10_chance = log10_chance < 0 ? log10_chance : 0;
    if (d->n_accepted > 0) {
        r->first_row = (uint64_t)d->first_row + 1;
        r->last_row = (uint64_t)d->last_row + 1;
    }
    r->exclusive = d->n_exclusive >= 3;
    r->in_order = d->n_accepted >= 50 && d->n_ascending * 20 >= (d->n_accepted - 1) * 19;
}

enum kl_rc kl_match_finish(struct kl_match *m, struct kl_finding *f)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        kl_doc_settle_columns(&m->di[i]);
        n += m->di[i].n_accepted + m->di[i].n_weak > 0;
    }
    if (n == 0) {
        return KL_OK;
    }
    f->registers = calloc(n, sizeof *f->registers);
    if (f->registers == NULL) {
        return KL_E_NOMEM;
    }
    for (size_t i = 0; i < m->n; i++) {
        struct kl_doc_index *d = &m->di[i];
        if (d->n_accepted + d->n_weak == 0) {
            continue;
        }
        struct kl_finding_register *r = &f->registers[f->n_registers++];
        fill_numbers(d, r);
        KL_TRY(fill_columns(d, r));
        KL_TRY(fill_parts(d, r));
    }
    for (size_t i = 0; i < m->n_samples; i++) {
        struct kl_pii v = {kl_span_make(m->samples[i], m->sample_len[i])};
        KL_TRY(kl_finding_add_sample(f, v));
    }
    return KL_OK;
}
