#include "register/row_prints.h"

#include "crypt/digest.h"
#include "match/cell_cache.h"
#include "match/index.h"

#include <assert.h>
#include <stdlib.h>

#define BATCH_ROWS 64u
#define MAX_BATCH_CELLS (BATCH_ROWS * KL_MAX_COLUMNS)
#define MAX_BATCH_WORDS 4096u
#define VOCAB_MASK ((1ull << KL_PRINTS_VOCAB_LOG2) - 1)
#define CACHE_LOG2 11u /* 128 KiB: leaves room in a core's own cache */

/* The cache serves a column while one cell in four is found; then it rests and tries again. */
#define CACHE_TRIAL_CELLS 8192u
#define CACHE_REST_BATCHES 2048u

enum { NOTE_FILLED = 1, NOTE_UNUSABLE = 2 };

struct slot_plan {
    enum kl_type type;
    uint8_t domain;
    bool is_key;
    bool in_tuple; /* its words go to the vocabulary */
    bool repeats;  /* worth a look into the cache */
    uint8_t kind;  /* for the cache: equal cells of one kind have one fingerprint */
    unsigned n_tries;
    unsigned n_hits;
    unsigned rest; /* batches until the cache is tried again */
};

struct kl_prints_batch {
    struct slot_plan slots[KL_MAX_COLUMNS];
    struct kl_cell_cache seen;
    unsigned n_rows;
    unsigned n_cells;
    unsigned n_words;
    uint64_t filled[BATCH_ROWS];             /* bit mask by slot */
    struct kl_tag tags[MAX_BATCH_CELLS];     /* row * n_slots + slot */
    struct kl_tag blocks[MAX_BATCH_CELLS];   /* the same */
    struct kl_tag sums[BATCH_ROWS];          /* of one anchor */
    struct kl_cell32 cells[MAX_BATCH_CELLS]; /* those not found in the cache, one after another */
    struct kl_tag cell_tags[MAX_BATCH_CELLS];
    struct {
        struct kl_cell_key key;
        uint32_t at; /* in tags */
        uint32_t note;
    } origin[MAX_BATCH_CELLS];               /* of cells[i] */
    struct kl_cell32 words[MAX_BATCH_WORDS]; /* tokens for the vocabulary */
    struct kl_tag word_tags[MAX_BATCH_WORDS];
};

/* Key columns become anchors of one column, in schema order; tuples follow. */
static void plan(struct kl_row_prints *rp)
{
    const struct kl_schema *s = rp->schema;

    for (unsigned i = 0; i < s->n_columns; i++) {
        rp->column_slot[i] = KL_INDEX_NO_SLOT;
        if (kl_schema_is_indexed(&s->columns[i])) {
            rp->slot_column[rp->n_slots] = i;
            rp->column_slot[i] = rp->n_slots++;
        }
        if (kl_schema_is_key(&s->columns[i])) {
            rp->anchors[rp->n_anchors++] = (struct kl_schema_anchor){1, {i}};
        }
    }
    for (unsigned t = 0; t < s->n_tuples; t++) {
        rp->anchors[rp->n_anchors++] = s->tuples[t];
        for (unsigned k = 0; k < s->tuples[t].n_columns; k++) {
            unsigned col = s->tuples[t].columns[k];
            rp->in_tuple[rp->column_slot[col]] = kl_type_is_words(s->columns[col].type);
        }
    }
    for (unsigned a = 0; a < rp->n_anchors; a++) {
        for (unsigned k = 0; k < rp->anchors[a].n_columns; k++) {
            rp->anchor_slots[a] |= 1ull << rp->column_slot[rp->anchors[a].columns[k]];
        }
    }
}

static enum kl_rc batch_new(const struct kl_row_prints *rp, struct kl_prints_batch **out_b)
{
    struct kl_prints_batch *b = NULL;

    if (posix_memalign((void **)&b, 64, sizeof *b) != 0) {
        return KL_E_NOMEM;
    }
    b->n_rows = 0;
    b->n_cells = 0;
    b->n_words = 0;
    for (unsigned s = 0; s < rp->n_slots; s++) {
        const struct kl_schema_column *col = &rp->schema->columns[rp->slot_column[s]];
        bool words = kl_type_is_words(col->type);
        b->slots[s] = (struct slot_plan){.type = col->type,
                                         .domain = (uint8_t)kl_type_domain(col->type),
                                         .is_key = kl_schema_is_key(col),
                                         .in_tuple = rp->in_tuple[s],
                                         .repeats = !kl_schema_is_key(col)};
        /* All words have one normal form. Those of a tuple are in the vocabulary when found. */
        b->slots[s].kind =
            (uint8_t)((words ? KL_TYPE_TEXT : col->type) | (rp->in_tuple[s] ? 128u : 0));
    }
    if (kl_cell_cache_init(&b->seen, CACHE_LOG2) != KL_OK) {
        free(b);
        return KL_E_NOMEM;
    }
    *out_b = b;
    return KL_OK;
}

enum kl_rc kl_row_prints_new(const struct kl_schema *schema, const struct kl_prf *prf,
                             struct kl_row_prints **out_rp)
{
    struct kl_row_prints *rp = NULL;

    if (posix_memalign((void **)&rp, 64, sizeof *rp) != 0) {
        return KL_E_NOMEM;
    }
    memset(rp, 0, sizeof *rp);
    rp->schema = schema;
    rp->prf = *prf;
    plan(rp);
    rp->counts = calloc((size_t)rp->n_slots << KL_PRINTS_RARITY_LOG2, sizeof *rp->counts);
    rp->vocab = calloc(1, 1u << (KL_PRINTS_VOCAB_LOG2 - 3));
    rp->prefix_rows = calloc(rp->n_slots, sizeof *rp->prefix_rows);
    rp->prefix_size = calloc(rp->n_slots, sizeof *rp->prefix_size);
    if (rp->counts == NULL || rp->vocab == NULL || rp->prefix_rows == NULL ||
        rp->prefix_size == NULL || batch_new(rp, &rp->batch) != KL_OK) {
        kl_row_prints_free(&rp);
        return KL_E_NOMEM;
    }
    *out_rp = rp;
    return KL_OK;
}

void kl_row_prints_free(struct kl_row_prints **rp)
{
    struct kl_row_prints *r = *rp;

    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->n_chunks; i++) {
        free(r->chunks[i].sketch);
        free(r->chunks[i].record);
    }
    if (r->batch != NULL) {
        kl_cell_cache_done(&r->batch->seen);
        kl_wipe(r->batch, sizeof *r->batch);
        free(r->batch);
    }
    free(r->chunks);
    free(r->counts);
    free(r->vocab);
    free(r->prefix_rows);
    free(r->prefix_size);
    kl_prf_done(&r->prf);
    free(r);
    *rp = NULL;
}

static unsigned base36(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10) {
        return (unsigned)(c - '0');
    }
    uint8_t lower = c | 0x20;
    return (uint8_t)(lower - 'a') < 26 ? (unsigned)(lower - 'a') + 10 : 0;
}

/* How many well-formed values share the prefix: the space a chance value is drawn from. */
unsigned kl_key_space(enum kl_type type, struct kl_span canon, double *out_size)
{
    static const double powers[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    size_t n = canon.len;
    bool digits = true;

    for (size_t i = 0; i < n; i++) {
        digits = digits && (uint8_t)(canon.ptr[i] - '0') < 10;
    }
    if (n < 2) {
        *out_size = 36;
        return 0;
    }
    unsigned two = base36(canon.ptr[0]) * 36 + base36(canon.ptr[1]);
    if (type == KL_TYPE_NID) {
        *out_size = 365.25 * 2 * 1000; /* decade and year: days, sexes, serials */
    } else if (type == KL_TYPE_PHONE && n > 3) {
        *out_size = powers[n < 15 ? n - 2 : 13];
    } else if (type == KL_TYPE_PLATE) {
        *out_size = 999.0 * 24 * 24;
    } else if (digits) {
        two = (unsigned)n;
        *out_size = powers[n < 18 ? n : 18];
    } else {
        two = 36 + (unsigned)(n < 32 ? n : 32);
        *out_size = powers[n < 18 ? n : 18];
    }
    return two < KL_PRINTS_PREFIXES ? two : 0;
}

double kl_row_prints_density(const struct kl_row_prints *rp, unsigned slot)
{
    double hit = 0;
    double all = 0;

    for (unsigned p = 0; p < KL_PRINTS_PREFIXES; p++) {
        double n = (double)rp->prefix_rows[slot][p];
        if (n > 0) {
            double share = n / rp->prefix_size[slot][p];
            hit += n * (share < 1 ? share : 1);
            all += n;
        }
    }
    return all > 0 ? hit / all : 0;
}

/* Room for n more rows, at most a chunk's. */
static enum kl_rc chunk_room(struct kl_row_prints *rp, unsigned n)
{
    if (rp->n_rows + n <= (uint64_t)rp->n_chunks * KL_PRINTS_CHUNK_ROWS) {
        return KL_OK;
    }
    if (rp->n_chunks == rp->cap_chunks) {
        size_t cap = rp->cap_chunks == 0 ? 16 : rp->cap_chunks * 2;
        void *p = realloc(rp->chunks, cap * sizeof *rp->chunks);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        rp->chunks = p;
        rp->cap_chunks = cap;
    }
    struct kl_prints_chunk c;
    assert(rp->n_slots > 0 && rp->n_anchors > 0); /* the schema checks promise it */
    c.sketch = malloc((size_t)KL_PRINTS_CHUNK_ROWS * rp->n_slots * sizeof *c.sketch);
    c.record = malloc((size_t)KL_PRINTS_CHUNK_ROWS * rp->n_anchors * sizeof *c.record);
    if (c.sketch == NULL || c.record == NULL) {
        free(c.sketch);
        free(c.record);
        return KL_E_NOMEM;
    }
    rp->chunks[rp->n_chunks++] = c;
    return KL_OK;
}

static void vocab_set(struct kl_row_prints *rp, struct kl_tag t)
{
    uint64_t a = t.lo & VOCAB_MASK;
    uint64_t b = t.lo >> 32 & VOCAB_MASK;

    rp->vocab[a >> 3] |= (uint8_t)(1u << (a & 7));
    rp->vocab[b >> 3] |= (uint8_t)(1u << (b & 7));
}

/* The tokens of a words cell, one by one: what the scanner meets in free text. */
static void add_words(struct kl_row_prints *rp, const struct kl_norm *nm)
{
    struct kl_prints_batch *b = rp->batch;
    size_t from = 0;

    for (size_t i = 0; i <= nm->n; i++) {
        if (i < nm->n && nm->bytes[i] != ' ') {
            continue;
        }
        size_t len = i - from;
        if (len > 31) {
            vocab_set(rp,
                      kl_prf_text(&rp->prf, kl_span_make(nm->bytes + from, len), KL_DOMAIN_WORDS));
        } else if (len > 0 && b->n_words < MAX_BATCH_WORDS) {
            kl_cell32_set(&b->words[b->n_words++], kl_span_make(nm->bytes + from, len),
                          KL_DOMAIN_WORDS);
        }
        from = i + 1;
    }
}

/* The anchor's fingerprints of all rows of the batch, one AES call for a tuple's. */
static void store_anchor(struct kl_row_prints *rp, unsigned number)
{
    struct kl_prints_batch *b = rp->batch;
    const struct kl_schema_anchor *a = &rp->anchors[number];
    struct kl_tag *sums = b->sums;
    uint64_t need = rp->anchor_slots[number];

    for (unsigned r = 0; r < b->n_rows; r++) {
        sums[r] = (struct kl_tag){0, 0};
        for (unsigned k = 0; k < a->n_columns; k++) {
            unsigned slot = rp->column_slot[a->columns[k]];
            sums[r] = kl_tag_add(sums[r], b->tags[(size_t)r * rp->n_slots + slot]);
        }
    }
    if (a->n_columns > 1) {
        kl_index_tuple_tags(&rp->prf, sums, b->n_rows, number);
    }
    for (unsigned r = 0; r < b->n_rows; r++) {
        uint64_t row = rp->n_rows + r;
        uint64_t *record = rp->chunks[row / KL_PRINTS_CHUNK_ROWS].record;
        record[(size_t)number * KL_PRINTS_CHUNK_ROWS + row % KL_PRINTS_CHUNK_ROWS] =
            (b->filled[r] & need) == need
                ? (sums[r].lo & ~KL_INDEX_TAG_MASK) | kl_index_tag(sums[r])
                : 0;
    }
}

static inline uint32_t *count_of(const struct kl_row_prints *rp, unsigned slot, struct kl_tag t)
{
    return &rp->counts[((size_t)slot << KL_PRINTS_RARITY_LOG2) + (t.hi & 0xFFFF)];
}

static void store_row(struct kl_row_prints *rp, unsigned r)
{
    const struct kl_prints_batch *b = rp->batch;
    const struct kl_tag *tags = b->tags + (size_t)r * rp->n_slots;
    const struct kl_tag *blocks = b->blocks + (size_t)r * rp->n_slots;
    uint64_t row = rp->n_rows + r;
    uint16_t *sketch =
        rp->chunks[row / KL_PRINTS_CHUNK_ROWS].sketch + row % KL_PRINTS_CHUNK_ROWS * rp->n_slots;

    for (unsigned s = 0; s < rp->n_slots; s++) {
        unsigned filled = b->filled[r] >> s & 1;
        sketch[s] = (uint16_t)blocks[s].lo;
        rp->n_filled[s] += filled;
        *count_of(rp, s, tags[s]) += filled;
    }
}

/* A column whose cells are rarely found there does without the cache for a while. */
static void weigh_cache(struct slot_plan *sl)
{
    if (sl->rest > 0) {
        sl->rest--;
    } else if (sl->n_tries >= CACHE_TRIAL_CELLS) {
        sl->rest = sl->n_hits < sl->n_tries / 4 ? CACHE_REST_BATCHES : 0;
        sl->n_tries = 0;
        sl->n_hits = 0;
    }
}

static void flush_cells(struct kl_row_prints *rp)
{
    struct kl_prints_batch *b = rp->batch;

    kl_prf_cells(&rp->prf, b->cells, b->n_cells, b->cell_tags);
    for (unsigned i = 0; i < b->n_cells; i++) {
        b->tags[b->origin[i].at] = b->cell_tags[i];
        if (b->origin[i].key.what != 0) {
            kl_cell_cache_put(&b->seen, &b->origin[i].key, b->cell_tags[i], b->origin[i].note);
        }
    }
    b->n_cells = 0;
    for (unsigned r = 0; r < b->n_rows; r++) {
        size_t at = (size_t)r * rp->n_slots;
        for (unsigned s = 0; s < rp->n_slots; s++) {
            struct kl_tag t = b->tags[at + s];
            __builtin_prefetch(count_of(rp, s, t), 0, 2); /* 512 lines: for the second level */
            b->blocks[at + s] = kl_index_cell_block(t, (uint32_t)(rp->n_rows + r), s);
        }
    }
    kl_prf_tweak(&rp->prf, b->blocks, (size_t)b->n_rows * rp->n_slots);
    for (unsigned s = 0; s < rp->n_slots; s++) {
        weigh_cache(&b->slots[s]);
    }
}

static void flush_words(struct kl_row_prints *rp)
{
    enum { AHEAD = 16 };
    struct kl_prints_batch *b = rp->batch;

    kl_prf_cells(&rp->prf, b->words, b->n_words, b->word_tags);
    for (unsigned w = 0; w < b->n_words; w++) {
        if (w + AHEAD < b->n_words) {
            struct kl_tag t = b->word_tags[w + AHEAD];
            __builtin_prefetch(&rp->vocab[(t.lo & VOCAB_MASK) >> 3], 1);
            __builtin_prefetch(&rp->vocab[(t.lo >> 32 & VOCAB_MASK) >> 3], 1);
        }
        vocab_set(rp, b->word_tags[w]);
    }
    b->n_words = 0;
}

enum kl_rc kl_row_prints_flush(struct kl_row_prints *rp)
{
    struct kl_prints_batch *b = rp->batch;

    KL_TRY(chunk_room(rp, b->n_rows));
    flush_cells(rp);
    for (unsigned r = 0; r < b->n_rows; r++) {
        store_row(rp, r);
    }
    for (unsigned a = 0; a < rp->n_anchors; a++) {
        store_anchor(rp, a);
    }
    flush_words(rp);
    rp->n_rows += b->n_rows;
    b->n_rows = 0;
    return KL_OK;
}

static bool has_anchor(const struct kl_row_prints *rp, uint64_t filled)
{
    for (unsigned a = 0; a < rp->n_anchors; a++) {
        if ((filled & rp->anchor_slots[a]) == rp->anchor_slots[a]) {
            return true;
        }
    }
    return false;
}

/* Its first n <= 31 bytes: without a branch on n, which nobody can predict. */
static inline void set_cell(struct kl_cell32 *c, const struct kl_norm *nm, size_t n, uint8_t domain)
{
    static const uint8_t mask[64] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    for (size_t i = 0; i < sizeof c->b; i += 8) {
        uint64_t v;
        uint64_t m;
        memcpy(&v, nm->bytes + i, 8);
        memcpy(&m, mask + 32 - n + i, 8);
        v &= m;
        memcpy(c->b + i, &v, 8);
    }
    c->b[31] = (uint8_t)(n | (size_t)domain << 5);
}

/* Fold one cell into the batch. @return true when it holds a value */
static bool add_new_cell(struct kl_row_prints *rp, unsigned slot, struct kl_span field,
                         const struct kl_cell_key *key, uint64_t *unusable)
{
    struct kl_prints_batch *b = rp->batch;
    const struct slot_plan *sl = &b->slots[slot];
    uint32_t at = b->n_rows * rp->n_slots + slot;
    __attribute__((uninitialized)) struct kl_norm nm; /* zeroing it cost a cell's half */
    bool usable = kl_norm_cell(sl->type, field, &nm);

    *unusable |= (uint64_t)!usable << slot;
    if (nm.n > 31) {
        b->tags[at] = kl_prf_text(&rp->prf, kl_span_make(nm.bytes, nm.n), sl->domain);
    } else {
        unsigned i = b->n_cells++;
        set_cell(&b->cells[i], &nm, nm.n, sl->domain);
        b->origin[i].key = *key;
        b->origin[i].at = at;
        b->origin[i].note = (nm.n > 0 ? NOTE_FILLED : 0) | (usable ? 0 : NOTE_UNUSABLE);
    }
    if (nm.n == 0) {
        return false;
    }
    if (sl->in_tuple) {
        add_words(rp, &nm);
    }
    if (sl->is_key) {
        double size = 1;
        unsigned p = kl_key_space(sl->type, kl_span_make(nm.bytes, nm.n < 31 ? nm.n : 31), &size);
        rp->prefix_rows[slot][p]++;
        rp->prefix_size[slot][p] = size;
    }
    return true;
}

static bool add_cell(struct kl_row_prints *rp, unsigned slot, struct kl_span field,
                     uint64_t *unusable)
{
    struct kl_prints_batch *b = rp->batch;
    struct slot_plan *sl = &b->slots[slot];
    __attribute__((uninitialized)) struct kl_cell_key key;

    key.what = 0;
    if (sl->repeats && sl->rest == 0 && kl_cell_key_set(&key, field, sl->kind) != 0) {
        const struct kl_cell_entry *e = kl_cell_cache_get(&b->seen, &key);
        sl->n_tries++;
        if (e != NULL) {
            sl->n_hits++;
            b->tags[(size_t)b->n_rows * rp->n_slots + slot] = e->tag;
            *unusable |= (uint64_t)((e->note & NOTE_UNUSABLE) != 0) << slot;
            return (e->note & NOTE_FILLED) != 0;
        }
    }
    return add_new_cell(rp, slot, field, &key, unusable);
}

enum kl_rc kl_row_prints_add(struct kl_row_prints *rp, const struct kl_span *fields,
                             uint64_t *out_unusable)
{
    struct kl_prints_batch *b = rp->batch;
    uint64_t filled = 0;
    uint64_t unusable = 0;
    unsigned n_words = b->n_words;
    unsigned n_cells = b->n_cells;

    for (unsigned s = 0; s < rp->n_slots; s++) {
        filled |= (uint64_t)add_cell(rp, s, fields[rp->slot_column[s]], &unusable) << s;
    }
    *out_unusable = unusable;
    for (uint64_t m = unusable; m != 0; m &= m - 1) {
        rp->n_unusable[__builtin_ctzll(m)]++;
    }
    if (!has_anchor(rp, filled)) {
        b->n_words = n_words; /* a run of such rows must not crowd out those of the next good one */
        b->n_cells = n_cells;
        return KL_E_FORMAT;
    }
    b->filled[b->n_rows++] = filled;
    if (b->n_rows == BATCH_ROWS || b->n_words + 16 * rp->n_slots > MAX_BATCH_WORDS) {
        return kl_row_prints_flush(rp);
    }
    return KL_OK;
}
