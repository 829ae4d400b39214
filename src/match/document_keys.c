/* Keys of a block: candidates to hits to evidence, in batches so that memory latency overlaps. */
#include "match/document_int.h"

#define MAX_ROWS_A_RECORD 8u

static uint8_t key_domain(uint8_t kind)
{
    switch ((enum kl_cand_kind)kind) {
    case KL_CAND_PHONE:
        return KL_DOMAIN_PHONE;
    case KL_CAND_EMAIL:
        return KL_DOMAIN_EMAIL;
    case KL_CAND_DATE:
        return KL_DOMAIN_DATE;
    case KL_CAND_NUMBER:
        return KL_DOMAIN_NUMBER;
    case KL_CAND_NONE:
    case KL_CAND_NID:
    case KL_CAND_NIPT:
    case KL_CAND_PLATE:
    case KL_CAND_IBAN:
    case KL_CAND_CODE:
    case KL_CAND_MRZ:
    case KL_CAND_CARD:
        break;
    }
    return KL_DOMAIN_CODE;
}

/* Look the tries up; what they find are hits, the sketch yet to be asked. @return hits so far */
static size_t probe(struct kl_match *m, struct kl_doc_index *d, size_t n, size_t n_hits)
{
    kl_index_probe(d->ix, m->tries, n);
    for (size_t i = 0; i < n; i++) {
        const struct kl_index_try *t = &m->tries[i];
        unsigned a = (unsigned)(t->anchor - d->ix->anchors);
        for (unsigned r = 0; r < t->n && n_hits < KL_MAX_KEY_HITS; r++) {
            kl_index_prefetch_row(d->ix, t->row[r]);
            m->hits[n_hits] = (struct kl_key_hit){m->try_at[i], t->row[r], (uint8_t)a};
            m->hit_blocks[n_hits++] = kl_index_cell_block(t->tag, t->row[r], d->key_slot[a]);
        }
    }
    return n_hits;
}

/* Probe all candidates of the batch; what the sketch confirms goes to m->hits, in text order. */
static size_t find_hits(struct kl_match *m, struct kl_doc_index *d, size_t n)
{
    const struct kl_index *ix = d->ix;
    size_t n_tries = 0;
    size_t n_hits = 0;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        for (unsigned b = d->anchors_of_kind[m->cands[i].kind]; b != 0; b &= b - 1) {
            unsigned a = (unsigned)__builtin_ctz(b);
            d->stats[a].n_shaped += (m->cands[i].flags & KL_CAND_WRONG) == 0;
            m->tries[n_tries].tag = m->tags[i];
            m->tries[n_tries].anchor = &ix->anchors[a];
            m->try_at[n_tries++] = (uint16_t)i;
            if (n_tries == KL_INDEX_TRIES) {
                n_hits = probe(m, d, n_tries, n_hits);
                n_tries = 0;
            }
        }
    }
    n_hits = probe(m, d, n_tries, n_hits);
    kl_prf_tweak(&ix->prf, m->hit_blocks, n_hits);
    for (size_t h = 0; h < n_hits; h++) {
        uint32_t slot = d->key_slot[m->hits[h].anchor];
        bool is = (uint16_t)m->hit_blocks[h].lo == kl_index_cell(ix, m->hits[h].row, slot);
        m->hits[kept] = m->hits[h];
        kept += is;
    }
    return kept;
}

/* The rows that the keys of one record point to, each with the slots its keys established. */
struct row_keys {
    uint32_t row[MAX_ROWS_A_RECORD];
    uint64_t slots[MAX_ROWS_A_RECORD];
    uint8_t anchor[MAX_ROWS_A_RECORD];
    uint32_t cand[MAX_ROWS_A_RECORD];  /* the first key that pointed to the row */
    uint64_t cands[MAX_ROWS_A_RECORD]; /* all of them: bit i, the record's i-th candidate */
    size_t n;
    uint32_t first_cand;
};

static void collect(struct kl_doc_index *d, const struct kl_key_hit *h, struct row_keys *rk)
{
    uint64_t slot = 1ull << d->key_slot[h->anchor];
    uint64_t mask = kl_rowset_get(&d->rows, h->row);
    size_t i = 0;

    while (i < rk->n && rk->row[i] != h->row) {
        i++;
    }
    if (i < rk->n) { /* in this record too: one key said twice is one hit */
        mask |= rk->slots[i];
        rk->slots[i] |= slot;
    }
    if ((mask & slot) != 0) {
        d->stats[h->anchor].n_repeats++;
    } else {
        d->stats[h->anchor].n_rows++;
    }
    uint64_t bit = 1ull << (h->at - rk->first_cand < 63 ? h->at - rk->first_cand : 63);
    if (i < rk->n) {
        rk->cands[i] |= bit;
        return;
    }
    if (rk->n < MAX_ROWS_A_RECORD) {
        rk->row[rk->n] = h->row;
        rk->slots[rk->n] = slot;
        rk->anchor[rk->n] = h->anchor;
        rk->cands[rk->n] = bit;
        rk->cand[rk->n++] = h->at;
    }
}

static bool layout_is_used(const struct kl_layout *l)
{
    return l->slots != 0 && (l->n_fast < 64 || l->n_slow < l->n_fast / 2);
}

/* @param ahead  what was read ahead of the record, NULL: nothing; it may be of an old layout
 * @return true when the evidence reaches the threshold */
static bool weigh_by_layout(struct kl_match *m, struct kl_doc_index *d, const struct kl_record *r,
                            const struct kl_layout_try *ahead, uint32_t row, uint64_t known,
                            struct kl_evidence *ev)
{
    __attribute__((uninitialized)) struct kl_layout_try try;

    if (ahead == NULL || ahead->version != d->layout.version) {
        try = (struct kl_layout_try){.text = r->text, .row = row, .known = known};
        kl_layout_read(m, d, &try, 1);
        ahead = &try;
    }
    bool good = ahead->bits >= d->threshold && ahead->n_wrong == 0;
    ev->slots = ahead->slots;
    ev->bits = ahead->bits;
    d->layout.n_fast++;
    d->layout.n_slow += !good;
    return good;
}

/* Evidence of the text around a lone key. */
static bool weigh_window(struct kl_match *m, struct kl_doc_index *d, struct kl_record *r,
                         uint32_t row, uint64_t known, size_t at, struct kl_evidence *ev)
{
    __attribute__((uninitialized)) struct kl_record w;
    __attribute__((uninitialized)) struct kl_evidence wide;
    uint32_t from = (uint32_t)(at > KL_WINDOW ? at - KL_WINDOW : 0);

    kl_doc_record_init(&w, kl_span_part(m->text, from, at + KL_WINDOW), from);
    kl_doc_forms(m, d->ix, &w);
    r->forms_for = NULL; /* the forms are the window's now */
    kl_evidence_weigh(d->ix, m->forms, row, known, &wide);
    wide.bits -= d->ix->log2_rows;
    d->n_window++;
    if (wide.bits < d->threshold) {
        return false;
    }
    d->n_window_ok++;
    *ev = wide;
    return true;
}

/* Evidence of the record; when a lone key stands on its line, of the window around it. */
static bool weigh(struct kl_match *m, struct kl_doc_index *d, struct kl_record *r,
                  const struct kl_layout_try *ahead, uint32_t row, uint64_t known, size_t at,
                  struct kl_evidence *ev)
{
    struct kl_layout *l = &d->layout;

    if (layout_is_used(l) && weigh_by_layout(m, d, r, ahead, row, known, ev)) {
        return true; /* what the layout promises may be empty; nothing speaks against it */
    }
    kl_doc_forms(m, d->ix, r);
    kl_evidence_weigh(d->ix, m->forms, row, known, ev);
    ev->bits -= d->ix->log2_rows;
    if (ev->bits >= d->threshold) {
        kl_layout_vote(l, ev);
        return true;
    }
    bool lonely = r->n_units <= 3 && r->text.len < 200;
    bool worth = d->n_window < 200 || d->n_window_ok * 20 > d->n_window;
    return !m->is_table && lonely && worth && weigh_window(m, d, r, row, known, at, ev);
}

static void keep_sample(struct kl_match *m, const struct kl_cand *c)
{
    if (m->n_samples < KL_MAX_SAMPLES) {
        memcpy(m->samples[m->n_samples], c->canon, c->n_canon);
        m->sample_len[m->n_samples++] = c->n_canon;
    }
}

/*
 * A key that two rows share (a household's phone) speaks for one of them in a record: the one
 * with more evidence. Rows known by keys of their own stand beside each other.
 */
static bool outdone(const struct row_keys *rk, const double *bits, size_t i)
{
    for (size_t k = 0; k < rk->n; k++) {
        bool better = bits[k] > bits[i] || (bits[k] >= bits[i] && k < i);
        if (k != i && better && (rk->cands[i] & ~rk->cands[k]) == 0) {
            return true;
        }
    }
    return false;
}

/* Met before in this document, and a record of this layout has nothing to add. */
static bool is_settled(const struct kl_doc_index *d, uint32_t row)
{
    uint64_t before = kl_rowset_get(&d->rows, row);

    return (before & KL_ROW_ACCEPTED) != 0 && d->layout.slots != 0 &&
           (d->layout.slots & ~before) == 0;
}

static enum kl_rc judge(struct kl_match *m, struct kl_doc_index *d, struct kl_record *r,
                        const struct row_keys *rk, const struct kl_layout_try *ahead)
{
    __attribute__((uninitialized)) struct kl_evidence ev[MAX_ROWS_A_RECORD];
    double bits[MAX_ROWS_A_RECORD];
    bool any = false;

    for (size_t i = 0; i < rk->n; i++) {
        if (rk->n == 1 && is_settled(d, rk->row[i])) {
            ev[i].slots = rk->slots[i];
            ev[i].bits = d->threshold;
        } else {
            (void)weigh(m, d, r, ahead, rk->row[i], rk->slots[i], m->cands[rk->cand[i]].at, &ev[i]);
        }
        bits[i] = ev[i].bits;
    }
    for (size_t i = 0; i < rk->n; i++) {
        if (outdone(rk, bits, i)) {
            continue;
        }
        if (bits[i] >= d->threshold) {
            any = true;
            keep_sample(m, &m->cands[rk->cand[i]]);
            KL_TRY(kl_doc_accept(m, d, rk->row[i], ev[i].slots, bits[i]));
        } else {
            KL_TRY(kl_doc_weak(d, rk->row[i], ev[i].slots, bits[i], rk->anchor[i]));
        }
    }
    if (any && d->n_spans < KL_MAX_SPANS) {
        d->spans[d->n_spans++] = (struct kl_text_span){r->from, r->from + (uint32_t)r->text.len};
    }
    return KL_OK;
}

/* Some records with hits, and what the layout says of those whose keys all point to one row. */
struct keyed_records {
    struct kl_span text[KL_LAYOUT_TRIES];
    uint32_t from[KL_LAYOUT_TRIES];   /* in the block */
    size_t hits[KL_LAYOUT_TRIES + 1]; /* where its hits begin */
    uint8_t try_of[KL_LAYOUT_TRIES];  /* its number + 1; 0: none */
    struct kl_layout_try try[KL_LAYOUT_TRIES];
    size_t n;
    size_t n_tries;
};

static void plan_try(struct kl_match *m, struct kl_doc_index *d, struct keyed_records *k)
{
    const struct kl_key_hit *h = &m->hits[k->hits[k->n]];
    const struct kl_key_hit *end = &m->hits[k->hits[k->n + 1]];
    struct kl_layout_try t = {.text = k->text[k->n], .row = h->row};

    for (; h < end; h++) {
        if (h->row != t.row) {
            return;
        }
        t.known |= 1ull << d->key_slot[h->anchor];
    }
    if (!is_settled(d, t.row)) {
        k->try[k->n_tries++] = t;
        k->try_of[k->n] = (uint8_t)k->n_tries;
    }
}

/* The next records from hit `h` on. @return the first hit behind them */
static size_t next_records(struct kl_match *m, struct kl_doc_index *d, size_t h, size_t n_hits,
                           struct keyed_records *k)
{
    k->n = 0;
    k->n_tries = 0;
    while (k->n < KL_LAYOUT_TRIES && h < n_hits) {
        size_t from = 0;
        size_t to = 0;
        kl_record_find(m->text, m->cands[m->hits[h].at].at, &from, &to);
        k->text[k->n] = kl_span_part(m->text, from, to);
        k->from[k->n] = (uint32_t)from;
        k->hits[k->n] = h++; /* at least one, also when the block changed under us */
        while (h < n_hits && m->cands[m->hits[h].at].at < to) {
            h++;
        }
        k->hits[k->n + 1] = h;
        k->try_of[k->n] = 0;
        if (layout_is_used(&d->layout)) {
            plan_try(m, d, k);
        }
        k->n++;
    }
    kl_layout_read(m, d, k->try, k->n_tries);
    return h;
}

static enum kl_rc match_batch(struct kl_match *m, struct kl_doc_index *d, size_t n)
{
    __attribute__((uninitialized)) struct keyed_records k;
    __attribute__((uninitialized)) struct kl_record r;

    kl_prf_cells(&d->ix->prf, m->cells, n, m->tags);
    size_t n_hits = find_hits(m, d, n);
    for (size_t h = 0; h < n_hits;) {
        h = next_records(m, d, h, n_hits, &k);
        for (size_t i = 0; i < k.n; i++) {
            __attribute__((uninitialized)) struct row_keys rk;
            rk.n = 0;
            rk.first_cand = m->hits[k.hits[i]].at;
            for (size_t x = k.hits[i]; x < k.hits[i + 1]; x++) {
                collect(d, &m->hits[x], &rk);
            }
            kl_doc_record_init(&r, k.text[i], k.from[i]);
            KL_TRY(judge(m, d, &r, &rk, k.try_of[i] > 0 ? &k.try[k.try_of[i] - 1] : NULL));
        }
    }
    return KL_OK;
}

/* The cell of a candidate: its canon is padded with zeros as a cell is. */
static void set_cell(struct kl_cell32 *cell, const struct kl_cand *c)
{
    _Static_assert(sizeof c->canon == sizeof cell->b - 1, "a canon fills a cell but its last byte");
    memcpy(cell->b, c->canon, sizeof c->canon);
    cell->b[31] = (uint8_t)(c->n_canon | (unsigned)key_domain(c->kind) << 5);
}

/* What can be a key, to the front. @return how many */
static size_t keep_keys(struct kl_match *m, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct kl_cand *c = &m->cands[i];
        if ((c->flags & KL_CAND_LOSSY) != 0) {
            continue;
        }
        set_cell(&m->cells[kept], c);
        if (kept != i) {
            m->cands[kept] = *c;
        }
        kept++;
    }
    return kept;
}

enum kl_rc kl_doc_keys(struct kl_match *m)
{
    size_t from = 0;

    while (m->want_keys != 0 && from < m->text.len) {
        size_t n = kl_scan(m->text, m->want_keys, from, m->cands, KL_SCAN_BATCH, &from);
        size_t kept = keep_keys(m, n);
        for (size_t i = 0; i < m->n && kept > 0; i++) {
            KL_TRY(match_batch(m, &m->di[i], kept));
        }
    }
    return KL_OK;
}
