/*
 * A loaded register index: mapped, verified, read-only.
 * Thread rule: an open index may be shared by all threads.
 * Source: docs/adr/0004-edm-index.md.
 */
#ifndef KL_MATCH_INDEX_H
#define KL_MATCH_INDEX_H

#include "crypt/key.h"
#include "match/index_format.h"
#include "match/norm.h"

#define KL_MAX_ROWS_PER_KEY 8u
#define KL_INDEX_TRIES 128u

struct kl_index {
    const uint8_t *map;
    size_t map_len;
    const struct kl_index_header *head;
    const struct kl_index_column *columns;
    const struct kl_index_anchor *anchors;
    const uint16_t *sketch;
    const uint8_t *rarity;
    const uint8_t *vocab;
    struct kl_prf prf;
    double log2_rows;
    double key_bits[KL_MAX_COLUMNS];      /* by slot of a key: log2 of the values of its space */
    uint32_t slot_column[KL_MAX_COLUMNS]; /* slot -> column */
    uint8_t slot_type[KL_MAX_COLUMNS];    /* enum kl_type … */
    uint8_t slot_domain[KL_MAX_COLUMNS];  /* … and its enum kl_domain */
    uint64_t derived;                     /* slots whose column follows from that of … */
    uint8_t derived_from[KL_MAX_COLUMNS]; /* … this slot */
    char id[33];
};

/** Header facts without a key: `register info`. Verifies everything but the signature. Caller frees
 * with kl_index_free. */
KL_MUST enum kl_rc kl_index_open(const char *path, const struct kl_key *key_or_null,
                                 struct kl_index **out_ix, struct kl_err *err);
void kl_index_free(struct kl_index **ix);

/** The same from memory (64-byte aligned, kept by the caller); for fuzzing. */
KL_MUST enum kl_rc kl_index_check(struct kl_span file, const struct kl_key *key_or_null,
                                  struct kl_index *out_ix, struct kl_err *err);

static inline uint64_t kl_index_bucket(const struct kl_index_anchor *a, struct kl_tag t)
{
    return (uint64_t)((unsigned __int128)(t.lo & ~KL_INDEX_TAG_MASK) * a->n_buckets >> 64);
}

/** The tag of a fingerprint: what an entry keeps of it. */
static inline uint32_t kl_index_tag(struct kl_tag t)
{
    return (uint32_t)(t.hi >> 40);
}

static inline struct kl_tag kl_tag_add(struct kl_tag a, struct kl_tag b)
{
    return (struct kl_tag){a.lo + b.lo, a.hi + b.hi};
}

/* One fingerprint to look up in one anchor's table, and the rows whose entry has its tag
 * (chance: 16 * 2^-tag_bits). */
struct kl_index_try {
    struct kl_tag tag;
    const struct kl_index_anchor *anchor;
    uint32_t n;
    uint32_t row[KL_MAX_ROWS_PER_KEY + 1]; /* the last is scratch */
};

/** Look up n fingerprints, at most KL_INDEX_TRIES; together, so that their cache misses overlap. */
void kl_index_probe(const struct kl_index *ix, struct kl_index_try *tries, size_t n);

/** The block whose kl_prf_tweak gives the sketch cell of value T at (row, slot). */
static inline struct kl_tag kl_index_cell_block(struct kl_tag t, uint32_t row, uint32_t slot)
{
    t.lo ^= (uint64_t)row | (uint64_t)slot << 40;
    return t;
}

static inline uint16_t kl_index_cell(const struct kl_index *ix, uint32_t row, uint32_t slot)
{
    return ix->sketch[(size_t)row * ix->head->n_slots + slot];
}

static inline void kl_index_prefetch_row(const struct kl_index *ix, uint32_t row)
{
    const uint16_t *p = ix->sketch + (size_t)row * ix->head->n_slots;
    __builtin_prefetch(p);
    __builtin_prefetch(p + ix->head->n_slots - 1);
}

/* Where the rarity of a value of a slot stands. */
static inline const uint8_t *kl_index_rarity_at(const struct kl_index *ix, uint32_t slot,
                                                struct kl_tag t)
{
    uint64_t mask = (1ull << ix->head->rarity_log2) - 1;
    return ix->rarity + ((size_t)slot << ix->head->rarity_log2) + (t.hi & mask);
}

/** Rarity in bits of a value of a slot: log2(rows / rows that have it), from the table. */
static inline double kl_index_rarity(const struct kl_index *ix, uint32_t slot, struct kl_tag t)
{
    return *kl_index_rarity_at(ix, slot, t) / 8.0;
}

/** Is this word among those of tuple columns (false alarms are possible)? */
static inline bool kl_index_has_word(const struct kl_index *ix, struct kl_tag t)
{
    if (ix->head->vocab_bits == 0) {
        return false;
    }
    uint64_t mask = ix->head->vocab_bits - 1;
    uint64_t a = t.lo & mask;
    uint64_t b = (t.lo >> 32) & mask;
    return (ix->vocab[a >> 3] >> (a & 7) & 1) != 0 && (ix->vocab[b >> 3] >> (b & 7) & 1) != 0;
}

/**
 * From the sums of the components' T to the T of a tuple, in place.
 * @param anchor  its number in the index
 */
void kl_index_tuple_tags(const struct kl_prf *prf, struct kl_tag *sums, size_t n, uint32_t anchor);

#endif
