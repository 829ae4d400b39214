/*
 * Which register rows a document holds, and which of their columns: a sparse array of
 * 64-bit masks by row, in chunks that are made when first touched.
 * Thread rule: one owner.
 */
#ifndef KL_MATCH_ROWSET_H
#define KL_MATCH_ROWSET_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KL_ROWSET_CHUNK 4096u
#define KL_ROW_ACCEPTED (1ull << 63) /* the evidence passed */
#define KL_ROW_WEAK (1ull << 62)     /* a key was met, the evidence did not pass */
#define KL_ROW_LISTED (1ull << 61)   /* among the weak rows of the open part */
#define KL_ROW_COLUMNS (~(7ull << 61))

struct kl_rowset {
    uint64_t **chunks; /* by row / KL_ROWSET_CHUNK; NULL: untouched */
    size_t n_chunks;
    uint32_t *touched;
    size_t n_touched;
};

KL_MUST enum kl_rc kl_rowset_init(struct kl_rowset *s, uint64_t n_rows);
void kl_rowset_done(struct kl_rowset *s);
/** Forget all rows; costs what was touched. */
void kl_rowset_clear(struct kl_rowset *s);

/** The mask of a row (< n_rows) for writing; NULL when memory is exhausted. */
uint64_t *kl_rowset_at(struct kl_rowset *s, uint32_t row);

/** The mask of a row; 0 when untouched. */
static inline uint64_t kl_rowset_get(const struct kl_rowset *s, uint32_t row)
{
    const uint64_t *c = s->chunks[row / KL_ROWSET_CHUNK];
    return c != NULL ? c[row % KL_ROWSET_CHUNK] : 0;
}

#endif
