#include "match/identifiers.h"

#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/fold.h"
#include "match/distinct.h"
#include "match/pack_table.h"

#define N_TYPES (sizeof pack_types / sizeof pack_types[0])
#define MAX_FIELDS 64u
#define MAX_LINE 4096u    /* bytes: fields of longer lines are not told apart */
#define CONTEXT_BYTES 96u /* looked at in front of a value */
#define CONTEXT_TOKENS 5u
#define COLUMN_LOG10 (-6.0) /* a column is no coincidence from here on … */
#define COLUMN_SHARE 0.5    /* … and at least half of its values are valid */
#define VALUE_LOG10 (-2.0)  /* class A: fewer valid ones among many shapes are chance */

struct kl_ident_packs {
    bool on[N_TYPES];
    uint32_t want;
};

struct tally {
    uint64_t n_shape;
    uint64_t n_valid;
};

struct counter {
    uint64_t n_values;
    uint64_t n_valid;
    uint64_t n_repeats;           /* of n_valid: met before in this document */
    bool column;                  /* a column passed the run test */
    double column_log10;          /* of the best column */
    struct kl_distinct all;       /* valid values */
    struct kl_distinct near_word; /* class B: those behind a context word */
    struct tally field[MAX_FIELDS];
};

struct kl_ident {
    const struct kl_ident_packs *packs;
    uint64_t seed[4];
    bool is_table;
    bool has_fields; /* the open part: something was counted */
    struct counter types[N_TYPES];
    struct kl_cand cands[256];
};

static bool pack_is_known(struct kl_span name)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        if (kl_span_is(name, pack_types[i].pack)) {
            return true;
        }
    }
    return false;
}

enum kl_rc kl_ident_packs_new(const char *names, struct kl_ident_packs **out, struct kl_err *err)
{
    struct kl_ident_packs *p = calloc(1, sizeof *p);
    struct kl_span left = kl_span_str(names);

    if (p == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    while (left.len > 0) {
        size_t n = kl_span_find(left, 0, KL_SPAN_LIT(","));
        struct kl_span name = kl_span_trim(kl_span_part(left, 0, n));
        if (!pack_is_known(name)) {
            free(p);
            return kl_fail(err, KL_E_FORMAT, "there is no such jurisdiction pack; known is: al");
        }
        for (size_t i = 0; i < N_TYPES; i++) {
            if (kl_span_is(name, pack_types[i].pack)) {
                p->on[i] = true;
                p->want |= KL_WANT(pack_types[i].kind);
            }
        }
        left = kl_span_part(left, n + 1, left.len);
    }
    *out = p;
    return KL_OK;
}

void kl_ident_packs_free(struct kl_ident_packs **packs)
{
    free(*packs);
    *packs = NULL;
}

enum kl_rc kl_ident_new(const struct kl_ident_packs *packs, struct kl_ident **out)
{
    struct kl_ident *id = calloc(1, sizeof *id);

    if (id == NULL) {
        return KL_E_NOMEM;
    }
    id->packs = packs;
    if (getrandom(id->seed, sizeof id->seed, 0) != (ssize_t)sizeof id->seed) {
        free(id);
        return KL_E_IO;
    }
    *out = id;
    return KL_OK;
}

void kl_ident_free(struct kl_ident **ident)
{
    if (*ident == NULL) {
        return;
    }
    for (size_t i = 0; i < N_TYPES; i++) {
        kl_distinct_done(&(*ident)->types[i].all);
        kl_distinct_done(&(*ident)->types[i].near_word);
    }
    explicit_bzero(*ident, sizeof **ident);
    free(*ident);
    *ident = NULL;
}

void kl_ident_begin(struct kl_ident *ident)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        struct counter *c = &ident->types[i];
        kl_distinct_clear(&c->all);
        kl_distinct_clear(&c->near_word);
        c->n_values = 0;
        c->n_valid = 0;
        c->n_repeats = 0;
        c->column = false;
        c->column_log10 = 0;
        memset(c->field, 0, sizeof c->field);
    }
    ident->is_table = false;
}

/* Upper bound (Chernoff) of log10 of the odds that chance makes k of n valid. */
static double log10_chance(uint64_t n, uint64_t k, double p)
{
    if (n == 0 || p >= 1) {
        return 0;
    }
    double share = (double)k / (double)n;
    if (share <= p) {
        return 0;
    }
    double d = share * log10(share / p);
    if (share < 1) {
        d += (1 - share) * log10((1 - share) / (1 - p));
    }
    return -(double)n * d;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash_of(const struct kl_ident *id, const struct kl_cand *c)
{
    uint64_t w[4] = {0};
    memcpy(w, c->canon, sizeof c->canon);
    uint64_t a = mix(w[0] ^ id->seed[0], w[1] ^ id->seed[1]);
    uint64_t b = mix(w[2] ^ id->seed[2], w[3] ^ id->seed[3]);
    return mix(a ^ c->n_canon ^ 0x9e3779b97f4a7c15ull, b ^ id->seed[0] ^ 0xc2b2ae3d27d4eb4full);
}

static bool is_word_char(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c >= 0x80;
}

/* Does one of the type's words stand within five tokens in front of text[at]? */
static bool has_context(struct kl_span text, size_t at, const struct kl_ident_type *type)
{
    uint8_t folded[4 * CONTEXT_BYTES];
    char tokens[4 * CONTEXT_BYTES + 3];
    size_t from = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;

    while (from > 0 && from < at && is_word_char(text.ptr[from - 1])) {
        from++; /* not in the middle of a word */
    }
    size_t n = kl_fold_text(kl_span_part(text, from, at), folded, sizeof folded);
    size_t w = sizeof tokens - 1;
    unsigned n_tokens = 0;
    tokens[w] = '\0';
    tokens[--w] = ' ';
    while (n > 0 && n_tokens < CONTEXT_TOKENS) {
        if (!is_word_char(folded[n - 1])) {
            n--;
            continue;
        }
        while (n > 0 && is_word_char(folded[n - 1])) {
            tokens[--w] = (char)folded[--n];
        }
        tokens[--w] = ' ';
        n_tokens++;
    }
    for (size_t i = 0; i < KL_IDENT_CONTEXT && type->context[i] != NULL; i++) {
        if (strstr(tokens + w, type->context[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_separator(uint8_t c)
{
    return c == '\t' || c == ';' || c == ',' || c == '|';
}

/* Where the walk over one block's candidates is: fields are counted from a line's start. */
struct walk {
    size_t at;
    uint8_t sep;
    unsigned n_seps;
};

static unsigned count_in(struct kl_span t, size_t from, size_t to, uint8_t sep, bool *out_new_line)
{
    unsigned n = 0;
    *out_new_line = memchr(t.ptr + from, '\n', to - from) != NULL;
    if (*out_new_line) {
        const uint8_t *line = memrchr(t.ptr + from, '\n', to - from);
        from = (size_t)(line - t.ptr) + 1;
    }
    for (size_t i = from; i < to; i++) {
        n += t.ptr[i] == sep ? 1u : 0u;
    }
    return n;
}

static bool is_wrap(uint8_t c)
{
    return c == '"' || c == '\'' || c == ' ';
}

/* What parts a value from its neighbours: in front of it, at a line's start behind it. */
static uint8_t separator_of(const struct kl_ident *id, struct kl_span t, const struct kl_cand *c)
{
    size_t before = c->at;
    size_t after = (size_t)c->at + c->len;

    if (id->is_table) {
        return '\t';
    }
    while (before > 0 && is_wrap(t.ptr[before - 1])) {
        before--;
    }
    while (after < t.len && is_wrap(t.ptr[after])) {
        after++;
    }
    uint8_t left = before == 0 ? '\n' : t.ptr[before - 1];
    uint8_t right = after < t.len ? t.ptr[after] : '\n';
    return left == '\n' || left == '\r' ? right : left;
}

/* The field a value stands in, from 0; MAX_FIELDS when it stands in none. */
static unsigned field_of(const struct kl_ident *id, struct kl_span t, const struct kl_cand *c,
                         struct walk *w)
{
    bool new_line = false;
    uint8_t sep = separator_of(id, t, c);

    if (!is_separator(sep)) {
        /* a line that holds nothing else is a list: one field */
        return sep == '\n' || sep == '\r' ? 0 : MAX_FIELDS;
    }
    size_t to = c->at;
    bool goes_on = sep == w->sep && to - w->at <= MAX_LINE;
    size_t from = goes_on ? w->at : to > MAX_LINE ? to - MAX_LINE : 0;
    unsigned n = count_in(t, from, to, sep, &new_line);
    if (!new_line && goes_on) {
        n += w->n_seps;
    } else if (!new_line && from != 0) {
        n = MAX_FIELDS; /* the line's start is too far away */
    }
    *w = (struct walk){to, sep, n < MAX_FIELDS ? n : MAX_FIELDS};
    return w->n_seps;
}

static enum kl_rc count(struct kl_ident *id, struct kl_span text, const struct kl_cand *c, size_t i,
                        unsigned field)
{
    const struct kl_ident_type *type = &pack_types[i];
    struct counter *k = &id->types[i];
    bool valid = (c->flags & (KL_CAND_WRONG | KL_CAND_PARTIAL | KL_CAND_LOSSY)) == 0;

    id->has_fields = true;
    k->n_values++;
    uint64_t h = valid ? hash_of(id, c) : 0;
    size_t before = k->all.n;
    if (valid) {
        k->n_valid++;
        KL_TRY(kl_distinct_add(&k->all, h));
    }
    /* One value said a thousand times is one chance, not a thousand. */
    bool repeated = valid && kl_distinct_is_exact(&k->all) && k->all.n == before;
    k->n_repeats += repeated;
    if (field < MAX_FIELDS && !repeated) {
        k->field[field].n_shape++;
        k->field[field].n_valid += valid ? 1 : 0;
    }
    if (!valid) {
        return KL_OK;
    }
    /* once the number alone decides, words need not be looked for */
    bool enough = type->min_distinct > 0 && k->all.n >= type->min_distinct && k->all.n > 64;
    if (type->rank == 'B' && !enough && has_context(text, c->at, type)) {
        return kl_distinct_add(&k->near_word, h);
    }
    return KL_OK;
}

static bool belongs(const struct kl_ident_type *type, const struct kl_cand *c)
{
    if (type->kind == KL_CAND_IBAN) { /* only the pack's own country */
        return (c->canon[0] | 0x20) == type->pack[0] && (c->canon[1] | 0x20) == type->pack[1] &&
               c->kind == KL_CAND_IBAN;
    }
    return type->kind == (enum kl_cand_kind)c->kind;
}

enum kl_rc kl_ident_part_begin(struct kl_ident *ident, bool is_table)
{
    ident->is_table = is_table;
    return KL_OK;
}

enum kl_rc kl_ident_block(struct kl_ident *ident, struct kl_span text)
{
    struct walk w = {0, 0, 0};
    size_t from = 0;

    while (from < text.len) {
        size_t n = kl_scan(text, ident->packs->want, from, ident->cands,
                           sizeof ident->cands / sizeof ident->cands[0], &from);
        for (size_t k = 0; k < n; k++) {
            const struct kl_cand *c = &ident->cands[k];
            unsigned field = field_of(ident, text, c, &w);
            for (size_t i = 0; i < N_TYPES; i++) {
                if (ident->packs->on[i] && belongs(&pack_types[i], c)) {
                    KL_TRY(count(ident, text, c, i, field));
                }
            }
        }
    }
    return KL_OK;
}

/* NID and NIPT have one shape: what is valid as one is of the shape of the other. */
static uint64_t shapes(const struct kl_ident *id, size_t i, unsigned field)
{
    uint64_t n = 0;
    bool twin = pack_types[i].kind == KL_CAND_NID || pack_types[i].kind == KL_CAND_NIPT;
    for (size_t k = 0; k < N_TYPES; k++) {
        bool other =
            twin && (pack_types[k].kind == KL_CAND_NID || pack_types[k].kind == KL_CAND_NIPT);
        if (k == i || other) {
            n += field < MAX_FIELDS ? id->types[k].field[field].n_shape
                                    : id->types[k].n_values - id->types[k].n_repeats;
        }
    }
    return n;
}

enum kl_rc kl_ident_part_end(struct kl_ident *ident)
{
    if (!ident->has_fields) {
        return KL_OK;
    }
    ident->has_fields = false;
    for (size_t i = 0; i < N_TYPES; i++) {
        struct counter *c = &ident->types[i];
        for (unsigned f = 0; f < MAX_FIELDS; f++) {
            uint64_t n = shapes(ident, i, f);
            double chance = log10_chance(n, c->field[f].n_valid, pack_types[i].pass_rate);
            bool most = (double)c->field[f].n_valid >= COLUMN_SHARE * (double)n;
            if (chance < c->column_log10) {
                c->column_log10 = chance;
            }
            c->column = c->column || (most && chance <= COLUMN_LOG10);
        }
    }
    for (size_t i = 0; i < N_TYPES; i++) {
        memset(ident->types[i].field, 0, sizeof ident->types[i].field);
    }
    return KL_OK;
}

/* The distinct values of a type that count; class D is decided by its companions. */
static uint64_t counting(const struct counter *c, const struct kl_ident_type *type, double chance,
                         bool companions)
{
    uint64_t n = kl_distinct_count(&c->all);
    switch (type->rank) {
    case 'A':
        return c->column || chance <= VALUE_LOG10 ? n : 0;
    case 'B':
        if ((c->column && type->min_distinct > 0) ||
            (type->min_distinct > 0 && n >= type->min_distinct && chance <= COLUMN_LOG10)) {
            return n;
        }
        return kl_distinct_count(&c->near_word);
    case 'C':
        return c->column ? n : 0;
    default:
        return companions ? n : 0;
    }
}

static enum kl_rc add_entry(const struct kl_ident *id, size_t i, bool companions,
                            struct kl_finding *f, bool *out_counts)
{
    const struct counter *c = &id->types[i];
    struct kl_finding_identifier *e = NULL;
    double chance =
        log10_chance(shapes(id, i, MAX_FIELDS), c->n_valid - c->n_repeats, pack_types[i].pass_rate);

    chance = c->column_log10 < chance ? c->column_log10 : chance;
    uint64_t n = counting(c, &pack_types[i], chance, companions);
    *out_counts = n > 0;
    if (n == 0) {
        return KL_OK;
    }
    KL_TRY(kl_finding_add_identifier(f, &e));
    memcpy(e->type, pack_types[i].type, sizeof e->type);
    e->n_values = c->n_values;
    e->n_valid = c->n_valid;
    e->n_distinct = n;
    e->is_estimate = !kl_distinct_is_exact(&c->all);
    e->log10_chance = chance;
    e->rank = pack_types[i].rank;
    return KL_OK;
}

enum kl_rc kl_ident_finish(struct kl_ident *ident, struct kl_finding *f)
{
    bool companions = false;
    bool counts = false;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < N_TYPES; i++) {
            if (ident->packs->on[i] && (pack_types[i].rank == 'D') == (pass == 1)) {
                KL_TRY(add_entry(ident, i, companions, f, &counts));
                companions = companions || counts;
            }
        }
    }
    return KL_OK;
}
