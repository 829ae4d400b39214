/*
 * Tuples: records without a usable key, known by a combination of values ({given, family,
 * birth_date}). A number or a date drives the search; the words around it must be words of the
 * register.
 */
#include "match/document_int.h"

#include <math.h>

#define MAX_COMBOS 512u
#define MAX_WORDS 24u

struct tuple_try {
    struct kl_tag sum[MAX_COMBOS];
    uint16_t pick[MAX_COMBOS][KL_INDEX_MAX_TUPLE]; /* form of each column */
    size_t n;
};

static bool has_words(const struct kl_index *ix, const struct kl_index_anchor *a)
{
    for (uint32_t k = 0; k < a->n_columns; k++) {
        if (!kl_type_is_words((enum kl_type)ix->columns[a->columns[k]].type)) {
            return false;
        }
    }
    return true;
}

static bool gate_unit(const struct kl_index *ix, struct kl_span unit)
{
    __attribute__((uninitialized)) struct kl_norm nm;
    size_t i = 0;

    while (i < unit.len && (uint8_t)((unit.ptr[i] | 0x20) - 'a') >= 26 && unit.ptr[i] < 0x80) {
        i++;
    }
    size_t from = i;
    while (i < unit.len && ((uint8_t)((unit.ptr[i] | 0x20) - 'a') < 26 || unit.ptr[i] >= 0x80)) {
        i++;
    }
    if (i - from < 2) {
        return false;
    }
    kl_norm_words(kl_span_part(unit, from, i), &nm);
    return kl_index_has_word(ix,
                             kl_prf_text(&ix->prf, kl_span_make(nm.bytes, nm.n), KL_DOMAIN_WORDS));
}

/* Cheap test before any form is built: enough words of the record are register words. */
static bool gate(const struct kl_index *ix, struct kl_span record, unsigned need)
{
    unsigned found = 0;
    size_t i = 0;

    for (unsigned words = 0; i < record.len && words < MAX_WORDS; words++) {
        while (i < record.len && (uint8_t)((record.ptr[i] | 0x20) - 'a') >= 26 &&
               record.ptr[i] < 0x80) {
            i++;
        }
        size_t from = i;
        while (i < record.len &&
               ((uint8_t)((record.ptr[i] | 0x20) - 'a') < 26 || record.ptr[i] >= 0x80)) {
            i++;
        }
        if (i > from && gate_unit(ix, kl_span_part(record, from, i)) && ++found >= need) {
            return true;
        }
    }
    return false;
}

/* Words of no tuple column cannot be part of a tuple: every token must be known. */
static bool words_known(const struct kl_index *ix, const struct kl_forms *f, size_t i)
{
    const struct kl_form *form = &f->form[i];
    bool has_token = false;

    if (form->is_token) {
        return kl_index_has_word(ix, f->tag[i]);
    }
    for (size_t k = 0; k < f->n; k++) {
        const struct kl_form *t = &f->form[k];
        if (t->is_token && t->at >= form->at && t->at + t->len <= form->at + form->len) {
            if (!kl_index_has_word(ix, f->tag[k])) {
                return false;
            }
            has_token = true;
        }
    }
    /* A unit of one token has no token form beside it. */
    return has_token || form->len > 31 || kl_index_has_word(ix, f->tag[i]);
}

/* Forms that can stand for a column: right domain, and words only if the gate knows them. */
static size_t forms_of(const struct kl_index *ix, const struct kl_forms *f, uint32_t column,
                       uint16_t *out, size_t cap)
{
    enum kl_type t = (enum kl_type)ix->columns[column].type;
    size_t n = 0;

    for (size_t i = 0; i < f->n && n < cap; i++) {
        if (f->form[i].domain == kl_type_domain(t) &&
            (f->form[i].domain != KL_DOMAIN_WORDS || words_known(ix, f, i))) {
            out[n++] = (uint16_t)i;
        }
    }
    return n;
}

static void combine(const struct kl_index *ix, const struct kl_forms *f,
                    const struct kl_index_anchor *a, struct tuple_try *t)
{
    __attribute__((uninitialized)) struct {
        struct kl_tag sum;
        uint16_t pick[KL_INDEX_MAX_TUPLE];
    } level[2][MAX_COMBOS];
    size_t n[2] = {1, 0};
    unsigned now = 0;

    level[0][0].sum = (struct kl_tag){0, 0};
    for (uint32_t k = 0; k < a->n_columns; k++) {
        uint16_t opt[MAX_WORDS];
        size_t n_opt = forms_of(ix, f, a->columns[k], opt, MAX_WORDS);
        n[1 - now] = 0;
        for (size_t i = 0; i < n[now]; i++) {
            for (size_t o = 0; o < n_opt && n[1 - now] < MAX_COMBOS; o++) {
                const struct kl_form *form = &f->form[opt[o]];
                bool clash = false;
                for (uint32_t p = 0; p < k && !clash; p++) {
                    const struct kl_form *other = &f->form[level[now][i].pick[p]];
                    /* Order-free: of two columns of one domain take the earlier form first. */
                    clash =
                        (form->at < other->at + other->len && other->at < form->at + form->len) ||
                        (p + 1 == k && form->domain == other->domain &&
                         ix->columns[a->columns[p]].type == ix->columns[a->columns[k]].type &&
                         form->at < other->at);
                }
                if (!clash) {
                    size_t to = n[1 - now]++;
                    level[1 - now][to] = level[now][i];
                    level[1 - now][to].sum = kl_tag_add(level[now][i].sum, f->tag[opt[o]]);
                    level[1 - now][to].pick[k] = opt[o];
                }
            }
        }
        now = 1 - now;
    }
    t->n = n[now];
    for (size_t i = 0; i < t->n; i++) {
        t->sum[i] = level[now][i].sum;
        memcpy(t->pick[i], level[now][i].pick, sizeof t->pick[i]);
    }
}

/* All components must equal the row's cells: the tag alone is no proof. */
static bool confirm(const struct kl_index *ix, const struct kl_forms *f,
                    const struct kl_index_anchor *a, const uint16_t *pick, uint32_t row)
{
    struct kl_tag b[KL_INDEX_MAX_TUPLE];

    for (uint32_t k = 0; k < a->n_columns; k++) {
        b[k] = kl_index_cell_block(f->tag[pick[k]], row, ix->columns[a->columns[k]].slot);
    }
    kl_prf_tweak(&ix->prf, b, a->n_columns);
    for (uint32_t k = 0; k < a->n_columns; k++) {
        if ((uint16_t)b[k].lo != kl_index_cell(ix, row, ix->columns[a->columns[k]].slot)) {
            return false;
        }
    }
    return true;
}

/* What a tuple of a record found: the row with the most evidence; a record is one row. */
struct tuple_best {
    uint32_t row;
    bool found;
    struct kl_evidence ev;
    double chance; /* that a record of such words hits some row */
};

static void weigh_hit(struct kl_match *m, const struct kl_index *ix,
                      const struct kl_index_anchor *a, uint32_t row, const uint16_t *pick,
                      size_t n_combos, struct tuple_best *best)
{
    struct kl_evidence ev;
    double own = 0;

    for (uint32_t k = 0; k < a->n_columns; k++) {
        own += kl_index_rarity(ix, ix->columns[a->columns[k]].slot, m->forms->tag[pick[k]]);
    }
    kl_evidence_weigh(ix, m->forms, row, 0, &ev);
    ev.bits -= ix->log2_rows + (n_combos > 4 ? log2((double)n_combos / 4) : 0);
    if (!best->found || ev.bits > best->ev.bits) {
        double chance = (double)n_combos * exp2(ix->log2_rows - own);
        *best = (struct tuple_best){row, true, ev, chance < 1 ? chance : 1};
    }
}

static enum kl_rc keep_hit(struct kl_match *m, struct kl_doc_index *d, const struct kl_record *r,
                           unsigned number, const struct tuple_best *best)
{
    struct kl_anchor_stats *s = &d->stats[number];
    if ((kl_rowset_get(&d->rows, best->row) & (KL_ROW_ACCEPTED | KL_ROW_WEAK)) != 0) {
        s->n_repeats++; /* one person told twice is one hit */
    } else {
        s->n_rows++;
        s->chance_sum += best->chance;
    }
    if (best->ev.bits < d->threshold) {
        return kl_doc_weak(d, best->row, best->ev.slots, best->ev.bits, number);
    }
    kl_layout_vote(&d->layout, &best->ev);
    if (d->n_spans < KL_MAX_SPANS) {
        d->spans[d->n_spans++] = (struct kl_text_span){r->from, r->from + (uint32_t)r->text.len};
    }
    return kl_doc_accept(m, d, best->row, best->ev.slots, best->ev.bits);
}

/* Look the tuples up that the record's forms make. */
static void probe(struct kl_match *m, const struct kl_index *ix, const struct kl_index_anchor *a,
                  const struct tuple_try *t, struct tuple_best *best)
{
    for (size_t from = 0; from < t->n; from += KL_INDEX_TRIES) {
        size_t n = t->n - from < KL_INDEX_TRIES ? t->n - from : KL_INDEX_TRIES;
        for (size_t i = 0; i < n; i++) {
            m->tries[i].tag = t->sum[from + i];
            m->tries[i].anchor = a;
        }
        kl_index_probe(ix, m->tries, n);
        for (size_t i = 0; i < n; i++) {
            const uint16_t *pick = t->pick[from + i];
            for (unsigned k = 0; k < m->tries[i].n; k++) {
                if (confirm(ix, m->forms, a, pick, m->tries[i].row[k])) {
                    weigh_hit(m, ix, a, m->tries[i].row[k], pick, t->n, best);
                }
            }
        }
    }
}

static enum kl_rc try_record(struct kl_match *m, struct kl_doc_index *d, struct kl_record *r)
{
    const struct kl_index *ix = d->ix;
    __attribute__((uninitialized)) struct tuple_try t;

    for (uint32_t number = 0; number < ix->head->n_anchors; number++) {
        const struct kl_index_anchor *a = &ix->anchors[number];
        struct tuple_best best = {.found = false};
        if (a->n_columns == 1) {
            continue;
        }
        kl_doc_forms(m, ix, r);
        combine(ix, m->forms, a, &t);
        d->stats[number].n_shaped += t.n > 0;
        kl_index_tuple_tags(&ix->prf, t.sum, t.n, number);
        probe(m, ix, a, &t, &best);
        if (best.found) {
            return keep_hit(m, d, r, number, &best);
        }
    }
    return KL_OK;
}

/* The fewest register words a record must hold for some tuple of this index. */
static unsigned words_needed(const struct kl_index *ix)
{
    unsigned least = KL_INDEX_MAX_TUPLE;

    for (uint32_t a = 0; a < ix->head->n_anchors; a++) {
        unsigned n = 0;
        for (uint32_t k = 0; k < ix->anchors[a].n_columns; k++) {
            n += kl_type_is_words((enum kl_type)ix->columns[ix->anchors[a].columns[k]].type);
        }
        if (ix->anchors[a].n_columns > 1 && n < least) {
            least = n;
        }
    }
    return least;
}

static enum kl_rc try_at(struct kl_match *m, struct kl_doc_index *d, size_t at, unsigned need,
                         size_t *out_end)
{
    __attribute__((uninitialized)) struct kl_record r;

    kl_doc_record_at(m, at, &r);
    *out_end = r.from + r.text.len;
    if (r.text.len < 8 || !gate(d->ix, r.text, need)) {
        return KL_OK;
    }
    return try_record(m, d, &r);
}

/* Records of text[from, to) that a number or date candidate stands in. */
static enum kl_rc by_numbers(struct kl_match *m, struct kl_doc_index *d, size_t from, size_t to,
                             unsigned need)
{
    struct kl_span part = kl_span_part(m->text, 0, to);
    size_t done = from;

    while (from < to) {
        size_t n = kl_scan(part, m->want_tuples, from, m->cands, KL_SCAN_BATCH, &from);
        for (size_t i = 0; i < n; i++) {
            if (m->cands[i].at >= done) {
                KL_TRY(try_at(m, d, m->cands[i].at, need, &done));
            }
        }
    }
    return KL_OK;
}

static enum kl_rc by_lines(struct kl_match *m, struct kl_doc_index *d, size_t from, size_t to,
                           unsigned need)
{
    while (from < to) {
        size_t end = from;
        KL_TRY(try_at(m, d, from, need, &end));
        from = (end > from ? end : from) + 1;
    }
    return KL_OK;
}

enum kl_rc kl_doc_tuples(struct kl_match *m, struct kl_doc_index *d)
{
    unsigned need = words_needed(d->ix);
    size_t n_spans = d->n_spans; /* those of the keys; tuple hits add theirs behind */
    size_t from = 0;
    bool lines = false;

    for (uint32_t a = 0; a < d->ix->head->n_anchors; a++) {
        lines = lines || (d->ix->anchors[a].n_columns > 1 && has_words(d->ix, &d->ix->anchors[a]));
    }
    for (size_t i = 0; i <= n_spans; i++) {
        size_t to = i < n_spans ? d->spans[i].from : m->text.len;
        if (to > from + 8) {
            KL_TRY(lines ? by_lines(m, d, from, to, need) : by_numbers(m, d, from, to, need));
        }
        size_t behind = i < n_spans ? d->spans[i].to : to;
        from = behind > from ? behind : from;
    }
    return KL_OK;
}
