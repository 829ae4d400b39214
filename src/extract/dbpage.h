/*
 * Pages of a database file, through a small cache; pages encoded with a key are decoded.
 * Thread rule: one owner.
 */
#ifndef KL_EXTRACT_DBPAGE_H
#define KL_EXTRACT_DBPAGE_H

#include "extract/input.h"

#define KL_DBPAGE_LINES 64u

struct kl_dbpage {
    const struct kl_input *in; /* borrowed */
    uint32_t page_bytes;
    uint32_t line_bytes; /* pages are read in groups */
    uint32_t rc4_key;    /* 0: as they are; else xor the number of the page (Jet) */
    uint64_t n_pages;    /* the last may be cut */
    unsigned n_lines;    /* of the cache: no more than the input has */
    uint64_t line_no[KL_DBPAGE_LINES];
    uint8_t *lines; /* owned; what lies behind the end of the input is zero */
    struct kl_source source;
};

/** @param page_bytes  a power of two, 512 to 65536 */
KL_MUST enum kl_rc kl_dbpage_init(struct kl_dbpage *p, const struct kl_input *in,
                                  uint32_t page_bytes);
void kl_dbpage_done(struct kl_dbpage *p);

/**
 * Page `no` from 0, page_bytes long, borrowed until the next call.
 * @return KL_E_FORMAT: there is no such page; KL_E_IO: it cannot be read
 */
KL_MUST enum kl_rc kl_dbpage_get(struct kl_dbpage *p, uint64_t no, const uint8_t **out_ptr);

/** The decoded bytes as an input, for views; borrows p. */
struct kl_input kl_dbpage_input(struct kl_dbpage *p);

/** `no`, or the next page that may hold something other than zeros (sparse files). */
uint64_t kl_dbpage_next(const struct kl_dbpage *p, uint64_t no);

#endif
