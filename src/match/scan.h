/*
 * The hot path over text: find what is shaped like an identifier.
 *
 * 64 bytes at a time become bit masks (digit, letter, …); masks are combined into starting
 * points; each start is verified by table, never by a regular expression. AVX-512, AVX2 and
 * portable paths give the same candidates (tests compare them). Candidates come in text order with
 * their canonical form. Thread rule: pure.
 */
#ifndef KL_MATCH_SCAN_H
#define KL_MATCH_SCAN_H

#include "base/span.h"

enum kl_cand_kind {
    KL_CAND_NONE = 0,
    KL_CAND_NID,    /* al.nid: canon = 9 bytes, upper case, without the check letter */
    KL_CAND_NIPT,   /* al.nipt: same form; only when it cannot be told from a NID is it NID */
    KL_CAND_PHONE,  /* Albanian mobile or land line: canon = national digits ("691234567") */
    KL_CAND_PLATE,  /* canon = "AA123BB" or old "TR1234A", upper case */
    KL_CAND_IBAN,   /* canon = upper case, no spaces, 28 bytes for AL */
    KL_CAND_EMAIL,  /* canon = lower case */
    KL_CAND_DATE,   /* canon = "YYYYMMDD" */
    KL_CAND_NUMBER, /* whole or decimal number of >= 4 digits: canon = digits, '.', no grouping */
    KL_CAND_CODE,   /* alphanumeric token of 4..31 bytes with >= 4 digits: canon = upper case */
    KL_CAND_MRZ,    /* machine-readable zone line pair/triple; canon = the document number */
    KL_CAND_CARD,   /* payment card number, Luhn: canon = digits */
};
#define KL_WANT(kind) (1u << (unsigned)(kind))

enum kl_cand_flag {
    KL_CAND_CHECKED = 1, /* a check digit or letter was there and is right */
    KL_CAND_WRONG = 2,   /* … was there and is wrong (still an anchor candidate: typing errors) */
    KL_CAND_PARTIAL = 4, /* NID without its check letter */
    KL_CAND_LOSSY = 8,   /* 3.55E+11: digits were lost; never an anchor, counted as anomaly */
};

struct kl_cand {
    uint32_t at;       /* offset of its first byte in the text */
    uint16_t len;      /* bytes in the text */
    uint8_t kind;      /* enum kl_cand_kind */
    uint8_t flags;     /* enum kl_cand_flag */
    uint8_t n_canon;   /* <= 31 */
    uint8_t canon[31]; /* zero-padded */
};

/**
 * Find candidates of the wanted kinds in text[from..).
 *
 * @param text      UTF-8, at most 2^31 bytes; ASCII shapes are looked for
 * @param want      KL_WANT bits
 * @param out       room for cap (>= 64) candidates; sorted by `at`
 * @param out_from  where to go on when out was full; text.len when all was scanned
 * @return candidates written
 */
size_t kl_scan(struct kl_span text, uint32_t want, size_t from, struct kl_cand *out, size_t cap,
               size_t *out_from);

/**
 * Is this whole cell (trimmed, <= 64 bytes) one value of `kind`? Same rules as kl_scan; used by the
 * index builder.
 * @return true and *out filled
 */
bool kl_scan_cell(struct kl_span cell, enum kl_cand_kind kind, struct kl_cand *out);

/** Check letter of an Albanian NID or NIPT for its first 9 characters ('W'/'A' both stand for 0).
 */
char kl_al_check_letter(const uint8_t nine[static 9]);

#endif
