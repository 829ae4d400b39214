/*
 * Pattern mode: identifiers of a jurisdiction, without a register.
 *
 * A shape alone says little: each type has a class (packs/…/identifiers.tsv). A: one valid value
 * counts. B: behind a context word, in a column, or from so many distinct values on. C: only in a
 * column. D (phones, plates, mails): only beside values that count. Columns are judged by the run
 * test: the share of valid values in one field of many lines against what chance gives. Thread
 * rule: packs are read-only and shared; an ident has one owner.
 */
#ifndef KL_MATCH_IDENTIFIERS_H
#define KL_MATCH_IDENTIFIERS_H

#include "finding/finding.h"
#include "match/scan.h"

#define KL_IDENT_CONTEXT 24u

struct kl_ident_type {
    const char *context[KL_IDENT_CONTEXT]; /* folded, a space at both ends; NULL behind the last */
    double pass_rate;                      /* of random strings of the shape; 1: no check exists */
    enum kl_cand_kind kind;
    unsigned min_distinct; /* class B: counts from here on without context; 0: never */
    char pack[4];
    char type[16];
    char rank; /* 'A' … 'D' */
};

struct kl_ident_packs;
struct kl_ident;

/**
 * Choose packs by name.
 * @param names  "al" or "al,xk"; never NULL
 * @return KL_OK, KL_E_FORMAT for an unknown name (err says which are known), KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_ident_packs_new(const char *names, struct kl_ident_packs **out,
                                      struct kl_err *err);
void kl_ident_packs_free(struct kl_ident_packs **packs);

/** Counters for one document at a time; `packs` must outlive it. */
KL_MUST enum kl_rc kl_ident_new(const struct kl_ident_packs *packs, struct kl_ident **out);
void kl_ident_free(struct kl_ident **ident);

/** Forget the document before. */
void kl_ident_begin(struct kl_ident *ident);
/** A part begins; is_table: cells by tab, rows by line end. */
KL_MUST enum kl_rc kl_ident_part_begin(struct kl_ident *ident, bool is_table);
/** A block of UTF-8 text; what straddles two blocks is not seen. KL_E_NOMEM. */
KL_MUST enum kl_rc kl_ident_block(struct kl_ident *ident, struct kl_span text);
KL_MUST enum kl_rc kl_ident_part_end(struct kl_ident *ident);
/** Add an identifier entry to the finding for each type that counts. KL_E_NOMEM. */
KL_MUST enum kl_rc kl_ident_finish(struct kl_ident *ident, struct kl_finding *f);

#endif
