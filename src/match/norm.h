/*
 * Typed normal forms: the same value, however written, gives the same bytes. The index
 * builder and the scanner use these functions and no others.
 *
 *   words   folded tokens, sorted, one space between: "Hoxha, Arben" = "ARBEN HOXHA"
 *   nid     9 characters, upper case (the check letter follows from them)
 *   phone   national digits; plate, code, iban: upper case without separators
 *   date    YYYYMMDD; number: digits, '.' and fraction without trailing zeros
 *
 * Thread rule: pure.
 */
#ifndef KL_MATCH_NORM_H
#define KL_MATCH_NORM_H

#include "base/limits.h"
#include "base/span.h"
#include "match/scan.h"

enum kl_type {
    KL_TYPE_NONE = 0,
    KL_TYPE_TEXT,
    KL_TYPE_GIVEN,
    KL_TYPE_FAMILY,
    KL_TYPE_FATHER,
    KL_TYPE_ORG,
    KL_TYPE_PLACE,
    KL_TYPE_NID,
    KL_TYPE_NIPT,
    KL_TYPE_PHONE,
    KL_TYPE_PLATE,
    KL_TYPE_DATE,
    KL_TYPE_MONEY,
    KL_TYPE_INT,
    KL_TYPE_CODE,
    KL_TYPE_EMAIL,
    KL_TYPE_IBAN,
};

/* PRF domains: forms of different kinds never collide. */
enum kl_domain {
    KL_DOMAIN_NONE = 0,
    KL_DOMAIN_WORDS,
    KL_DOMAIN_CODE, /* nid, nipt, plate, code, iban */
    KL_DOMAIN_PHONE,
    KL_DOMAIN_DATE,
    KL_DOMAIN_NUMBER,
    KL_DOMAIN_EMAIL,
};

/** "person.given", "al.nid", …; NULL for KL_TYPE_NONE. */
const char *kl_type_name(enum kl_type t);
/** @return KL_TYPE_NONE when the name is unknown */
enum kl_type kl_type_parse(struct kl_span name);
enum kl_domain kl_type_domain(enum kl_type t);
/** The scan kind that finds values of this type in text; KL_CAND_NONE for words. */
enum kl_cand_kind kl_type_cand(enum kl_type t);

static inline bool kl_type_is_words(enum kl_type t)
{
    return kl_type_domain(t) == KL_DOMAIN_WORDS;
}

struct kl_norm {
    uint8_t n; /* 0: the cell is empty */
    uint8_t bytes[KL_MAX_CELL_BYTES];
};

/**
 * Normal form of a whole cell.
 * @return false when the cell is not empty and not a value of the type (out->n is 0)
 */
bool kl_norm_cell(enum kl_type t, struct kl_span cell, struct kl_norm *out);

/** The eight bytes of the normal form of "1984-03-12", "12.03.1984" or "12/03/1984"; 0: none of
 * these, which says nothing. */
uint64_t kl_norm_usual_date(struct kl_span cell);

/** Words of any text (<= KL_MAX_CELL_BYTES folded; the rest is cut). At most 16 tokens. */
void kl_norm_words(struct kl_span text, struct kl_norm *out);

#endif
