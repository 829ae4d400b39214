#include "match/document_int.h"
#include "match/norm_words.h"

#define VOTES_NEEDED 8u
#define MAX_CELLS 320u
/* One form a column, up to eight columns: what a cell of 16 bits can prove at most. */
#define CELL_EIGHTHS_MAX ((unsigned)(8 * (KL_CELL_BITS - 3)))

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

/* Cells under way: those of several records are normalised and go through the PRF together. */
struct pool {
    struct kl_cell32 cell[MAX_CELLS];
    struct kl_tag tag[MAX_CELLS];
    struct kl_tag block[MAX_CELLS];
    struct kl_span field[MAX_CELLS];
    uint32_t row[MAX_CELLS];
    uint8_t slot[MAX_CELLS];
    uint8_t is_value[MAX_CELLS];       /* of its column */
    uint16_t word_field[MAX_CELLS];    /* those of words */
    uint16_t long_field[MAX_CELLS];    /* those whose form fits no cell … */
    struct kl_tag long_tag[MAX_CELLS]; /* … and its tag */
    size_t n;
    size_t n_long;
    size_t n_word_fields;
    struct kl_words_batch words;
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

/* The cell of a form; of one too long for it the tag. */
static void set_form(const struct kl_index *ix, struct pool *p, size_t i, struct kl_span form)
{
    uint8_t domain = ix->slot_domain[p->slot[i]];

    p->is_value[i] = form.len > 0;
    if (form.len > 31) {
        p->long_field[p->n_long] = (uint16_t)i;
        p->long_tag[p->n_long++] = kl_prf_text(&ix->prf, form, domain);
        form.len = 0;
    }
    kl_cell32_set(&p->cell[i], form, domain);
}

/* Register to cell: a form that is stored and read again at once would make the processor wait. */
static bool set_date(struct pool *p, size_t i)
{
    uint64_t date = kl_norm_usual_date(p->field[i]);

    p->is_value[i] = true;
    memset(p->cell[i].b, 0, sizeof p->cell[i].b);
    memcpy(p->cell[i].b, &date, sizeof date);
    p->cell[i].b[31] = (uint8_t)(sizeof date | (size_t)KL_DOMAIN_DATE << 5);
    return date != 0;
}

static void set_any(const struct kl_index *ix, struct pool *p, size_t i)
{
    __attribute__((uninitialized)) struct kl_norm nm;

    (void)kl_norm_cell((enum kl_type)ix->slot_type[p->slot[i]], p->field[i], &nm);
    set_form(ix, p, i, kl_span_make(nm.bytes, nm.n));
}

/* Some fields of words at once. @return false: not this processor */
static bool set_words_wide(const struct kl_index *ix, struct pool *p, const uint16_t *which,
                           size_t n)
{
    struct kl_words_batch *b = &p->words;

    b->n = n;
    for (size_t k = 0; k < n; k++) {
        b->text[k] = p->field[which[k]];
        b->cell[k] = p->cell[which[k]].b;
    }
    if (!kl_words_batch(b)) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        size_t i = which[k];
        p->is_value[i] = b->len[k] > 0;
        p->cell[i].b[31] = (uint8_t)(b->len[k] | (size_t)KL_DOMAIN_WORDS << 5);
        if (b->len[k] == SIZE_MAX) {
            set_any(ix, p, i);
        } else if (b->len[k] > 31) {
            set_form(ix, p, i, kl_span_make(b->form[k], b->len[k]));
        }
    }
    return true;
}

static void set_words(const struct kl_match *m, const struct kl_index *ix, struct pool *p)
{
    for (size_t at = 0; at < p->n_word_fields; at += KL_WORDS_BATCH) {
        size_t n = p->n_word_fields - at;
        n = n < KL_WORDS_BATCH ? n : KL_WORDS_BATCH;
        if (set_words_wide(ix, p, p->word_field + at, n)) {
            continue;
        }
        for (size_t k = at; k < at + n; k++) {
            size_t i = p->word_field[k];
            bool room = (size_t)(m->text.ptr + m->text.len - p->field[i].ptr) >= 32;
            if (room && set_one_word(&p->cell[i], p->field[i], KL_DOMAIN_WORDS)) {
                p->is_value[i] = true;
            } else {
                set_any(ix, p, i);
            }
        }
    }
}

/* The fields that the layout knows. The key that led here needs no second look. */
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
        p->row[p->n] = t->row;
        p->field[p->n] = kl_span_part(t->text, u->at, u->at + u->len);
        p->word_field[p->n_word_fields] = (uint16_t)p->n;
        p->n_word_fields += d->ix->slot_domain[s] == KL_DOMAIN_WORDS;
        p->n++;
    }
}

/* The tags of all fields, and the cells that these would be in their rows. */
static void print_fields(const struct kl_match *m, const struct kl_index *ix, struct pool *p)
{
    set_words(m, ix, p);
    for (size_t i = 0; i < p->n; i++) {
        uint8_t domain = ix->slot_domain[p->slot[i]];
        if (domain != KL_DOMAIN_WORDS && !(domain == KL_DOMAIN_DATE && set_date(p, i))) {
            set_any(ix, p, i);
        }
    }
    kl_prf_cells(&ix->prf, p->cell, p->n, p->tag);
    for (size_t i = 0; i < p->n_long; i++) {
        p->tag[p->long_field[i]] = p->long_tag[i];
    }
    for (size_t i = 0; i < p->n; i++) {
        p->block[i] = kl_index_cell_block(p->tag[i], p->row[i], p->slot[i]);
        __builtin_prefetch(kl_index_rarity_at(ix, p->slot[i], p->tag[i]));
    }
    kl_prf_tweak(&ix->prf, p->block, p->n);
}

/* Which of the cells [from, to) the row holds, and what they prove. */
static void weigh(const struct kl_index *ix, const struct pool *p, size_t from, size_t to,
                  struct kl_layout_try *t)
{
    __attribute__((uninitialized)) unsigned rarity[KL_MAX_COLUMNS];
    unsigned eighths = 0; /* of bits */
    unsigned n_wrong = 0;
    uint64_t found = 0;
    double bits = -ix->log2_rows;

    for (size_t i = from; i < to; i++) {
        uint8_t s = p->slot[i];
        bool is = (uint16_t)p->block[i].lo == kl_index_cell(ix, t->row, s);
        unsigned r = *kl_index_rarity_at(ix, s, p->tag[i]);
        rarity[s] = r < CELL_EIGHTHS_MAX ? r : CELL_EIGHTHS_MAX;
        unsigned value = p->is_value[i];
        unsigned equal = value & is;
        eighths += rarity[s] & -equal;
        found |= (uint64_t)equal << s;
        n_wrong += value - equal;
    }
    t->slots = t->known | found;
    t->n_wrong = n_wrong;
    uint64_t counted = kl_evidence_independent(ix, t->slots);
    for (uint64_t b = found & ~counted; b != 0; b &= b - 1) {
        eighths -= rarity[__builtin_ctzll(b)];
    }
    for (uint64_t b = counted & t->known; b != 0; b &= b - 1) {
        bits += ix->key_bits[__builtin_ctzll(b)];
    }
    t->bits = bits + eighths / 8.0;
}

void kl_layout_read(const struct kl_match *m, const struct kl_doc_index *d,
                    struct kl_layout_try *tries, size_t n)
{
    const struct kl_index *ix = d->ix;
    __attribute__((uninitialized)) struct pool p;
    size_t from[KL_LAYOUT_TRIES + 1];

#ifdef __clang_analyzer__ /* it does not see that what is read was written by add_fields */
    memset(&p, 0, sizeof p);
#endif
    for (size_t done = 0; done < n;) {
        size_t k = 0;
        p.n = 0;
        p.n_word_fields = 0;
        p.n_long = 0;
        for (; done + k < n && k < KL_LAYOUT_TRIES && p.n + KL_MAX_COLUMNS <= MAX_CELLS; k++) {
            from[k] = p.n;
            tries[done + k].version = d->layout.version;
            add_fields(m, d, &tries[done + k], &p);
        }
        from[k] = p.n;
        print_fields(m, ix, &p);
        for (size_t t = 0; t < k; t++) {
            weigh(ix, &p, from[t], from[t + 1], &tries[done + t]);
        }
        done += k;
    }
}
