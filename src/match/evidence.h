/*
 * Evidence in bits that a record holds a register row.
 *
 * Forms are what the record's text could mean: words (a unit, its tokens, runs of two and
 * three tokens), numbers, dates, phones … each with its fingerprint. A form equals a cell when the
 * row's sketch says so; the bits are the rarity of the value, less the bits of the chances it had.
 * A column that follows from another found one adds nothing. A place in the text counts once.
 * Source: docs/adr/0004-edm-index.md, ../facts measured in docs/BENCHMARKS.md.
 */
#ifndef KL_MATCH_EVIDENCE_H
#define KL_MATCH_EVIDENCE_H

#include "match/index.h"
#include "match/record.h"

#define KL_MAX_FORMS 160u

/* Two values share a 16-bit sketch cell by chance: no cell proves more than this. */
#define KL_CELL_BITS 16.0

struct kl_form {
    uint32_t at; /* in the record */
    uint32_t len;
    uint8_t domain;
    uint8_t ordinal; /* of its unit when it is the whole unit; 255 otherwise */
    bool is_token;   /* one word out of a unit of several */
};

struct kl_forms {
    size_t n;
    size_t n_domain[8];
    struct kl_form form[KL_MAX_FORMS];
    struct kl_tag tag[KL_MAX_FORMS];
};

struct kl_evidence {
    uint64_t slots;                  /* matched columns, by slot */
    double bits;                     /* independent columns only */
    unsigned n_columns;              /* that counted */
    uint8_t ordinal[KL_MAX_COLUMNS]; /* by matched slot: field of the record; 255 unknown */
};

/** All forms of a record for an index. @param units from kl_record_split */
void kl_forms_build(const struct kl_index *ix, struct kl_span record, const struct kl_unit *units,
                    size_t n_units, struct kl_forms *out);

/**
 * Which cells of `row` are among the forms.
 * @param known  slots already established (the anchor's own): they count their bits without
 *               a form
 */
void kl_evidence_weigh(const struct kl_index *ix, const struct kl_forms *forms, uint32_t row,
                       uint64_t known, struct kl_evidence *out);

/** Drop from `slots` the columns that follow from another one in it. */
static inline uint64_t kl_evidence_independent(const struct kl_index *ix, uint64_t slots)
{
    uint64_t kept = slots;

    for (uint64_t m = slots & ix->derived; m != 0; m &= m - 1) {
        unsigned s = (unsigned)__builtin_ctzll(m);
        kept &= ~((slots >> ix->derived_from[s] & 1) << s);
    }
    return kept;
}

#endif
