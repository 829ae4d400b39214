/*
 * Rows to fingerprints: the growing heart of an index while it is built. Rows are folded and
 * hashed in batches; what stays is the row sketch, one 8-byte record an anchor, and the
 * counters behind rarity, density and vocabulary. No value is kept.
 * Thread rule: one owner.
 */
#ifndef KL_REGISTER_ROW_PRINTS_H
#define KL_REGISTER_ROW_PRINTS_H

#include "crypt/prf.h"
#include "register/schema.h"

#define KL_PRINTS_CHUNK_ROWS 65536u
#define KL_PRINTS_RARITY_LOG2 16u
#define KL_PRINTS_VOCAB_LOG2 22u
#define KL_PRINTS_PREFIXES 1296u

/* KL_PRINTS_CHUNK_ROWS rows: sketch[row * n_slots + slot], record[anchor * CHUNK_ROWS + row]. */
struct kl_prints_chunk {
    uint16_t *sketch;
    uint64_t *record; /* 0: this row has no such anchor */
};

struct kl_row_prints {
    const struct kl_schema *schema;
    struct kl_prf prf;
    unsigned n_slots;
    unsigned slot_column[KL_MAX_COLUMNS];
    unsigned column_slot[KL_SCHEMA_MAX_COLUMNS]; /* KL_INDEX_NO_SLOT */
    unsigned n_anchors;                          /* key columns first, then tuples */
    struct kl_schema_anchor anchors[KL_MAX_ANCHORS];
    uint64_t anchor_slots[KL_MAX_ANCHORS]; /* bit mask: slots an anchor needs */
    bool in_tuple[KL_MAX_COLUMNS];         /* by slot: its words go to the vocabulary */
    struct kl_prints_chunk *chunks;
    size_t n_chunks;
    size_t cap_chunks;
    uint64_t n_rows;
    uint64_t n_filled[KL_MAX_COLUMNS];
    uint64_t n_unusable[KL_MAX_COLUMNS];
    uint32_t *counts;                            /* n_slots << KL_PRINTS_RARITY_LOG2 */
    uint8_t *vocab;                              /* 2^KL_PRINTS_VOCAB_LOG2 bits */
    uint64_t (*prefix_rows)[KL_PRINTS_PREFIXES]; /* by slot, of key columns */
    double (*prefix_size)[KL_PRINTS_PREFIXES];
    struct kl_prints_batch *batch;
};

KL_MUST enum kl_rc kl_row_prints_new(const struct kl_schema *schema, const struct kl_prf *prf,
                                     struct kl_row_prints **out_rp);
void kl_row_prints_free(struct kl_row_prints **rp);

/**
 * Add a row.
 * @param fields       one span a schema column, in schema order
 * @param out_unusable bit mask by slot of cells that are not of their type; the row is kept
 * @return KL_E_FORMAT when no anchor of the row can be used: the row is not added
 */
KL_MUST enum kl_rc kl_row_prints_add(struct kl_row_prints *rp, const struct kl_span *fields,
                                     uint64_t *out_unusable);

/** Hash what is still in the batch; then chunks, counts and vocab are complete. */
KL_MUST enum kl_rc kl_row_prints_flush(struct kl_row_prints *rp);

/** Measured chance that a random well-formed value of this key column's space is in the register.
 */
double kl_row_prints_density(const struct kl_row_prints *rp, unsigned slot);

/** Where a value of a type lies in its space: prefix number and the size of that prefix. */
unsigned kl_key_space(enum kl_type type, struct kl_span canon, double *out_size);

#endif
