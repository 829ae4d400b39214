/*
 * One document against the indexes: blocks of text in, rows and columns out.
 *
 * Keys are looked for in every block; tuples only where no key explained the text. A row is
 * accepted when its evidence reaches the threshold; rows with less ("weak") are accepted at the end
 * of a part when the part's hit ratio cannot be the chance density of the key space. Thread rule:
 * one owner; the indexes are shared.
 */
#ifndef KL_MATCH_DOCUMENT_H
#define KL_MATCH_DOCUMENT_H

#include "finding/finding.h"
#include "match/index.h"

struct kl_match; /* opaque */

/**
 * @param indexes         opened with their keys; borrowed, outlive the matcher
 * @param threshold_bits  evidence a row needs, by index (policy; 17 = one false row in 131,072
 * chances)
 */
KL_MUST enum kl_rc kl_match_new(const struct kl_index *const *indexes, size_t n_indexes,
                                const double *threshold_bits, struct kl_match **out_m);
void kl_match_free(struct kl_match **m);

/** A new document. */
void kl_match_begin(struct kl_match *m);
KL_MUST enum kl_rc kl_match_part_begin(struct kl_match *m, struct kl_span path, bool is_table);
/** @param text  a block, at most 2^31 bytes; it may change under our feet (shared memory) */
KL_MUST enum kl_rc kl_match_block(struct kl_match *m, struct kl_span text);
KL_MUST enum kl_rc kl_match_part_end(struct kl_match *m);

/** Add what was found to the finding: one register entry an index with hits. */
KL_MUST enum kl_rc kl_match_finish(struct kl_match *m, struct kl_finding *f);

/** Rows accepted so far, all indexes; for live progress and early verdicts. */
uint64_t kl_match_rows_get(const struct kl_match *m);

#endif
