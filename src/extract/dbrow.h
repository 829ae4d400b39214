/*
 * Rows of a database as the text of a TABLE part: cells by tab, rows by line end; a control
 * character inside a cell becomes a space, odd code points are folded (base/fold.h).
 *
 * The first failure sticks and is returned by kl_dbrow_end and kl_dbrow_flush, so that writers of
 * cells need not look at each. Between kl_dbrow_flush and the next row nothing is held.
 * Thread rule: one owner.
 */
#ifndef KL_EXTRACT_DBROW_H
#define KL_EXTRACT_DBROW_H

#include "extract/charset.h"
#include "extract/emit.h"

#define KL_DBROW_BYTES 16384u

struct kl_dbrow {
    struct kl_emit *e;
    enum kl_rc rc;
    enum kl_charset set; /* of 8-bit text; KL_CHARSET_NONE: told by the text */
    bool is_begun;       /* the row has a cell */
    bool is_high;        /* letters beyond ASCII are held */
    size_t len;
    uint8_t buf[KL_DBROW_BYTES + 64];
};

void kl_dbrow_init(struct kl_dbrow *r, struct kl_emit *e, enum kl_charset set);

/** The next cell; what follows until the next call is its text. */
void kl_dbrow_cell(struct kl_dbrow *r);

/** UTF-8; bytes that are not are taken from the single-byte set. */
void kl_dbrow_text(struct kl_dbrow *r, struct kl_span text);
/** UTF-16; an odd byte at the end is dropped. */
void kl_dbrow_wide(struct kl_dbrow *r, struct kl_span text, bool is_big);
/** Each byte a code point. */
void kl_dbrow_latin(struct kl_dbrow *r, struct kl_span text);

void kl_dbrow_int(struct kl_dbrow *r, int64_t v);
/** v / 10^decimals, decimals <= 18, without trailing zeros. */
void kl_dbrow_decimal(struct kl_dbrow *r, int64_t v, unsigned decimals);
/** Shortest decimals, integers without exponent; what is no number is nothing. */
void kl_dbrow_real(struct kl_dbrow *r, double v);
/** YYYY-MM-DD, with HH:MM:SS when seconds > 0. */
void kl_dbrow_date(struct kl_dbrow *r, int64_t days_since_1970, unsigned seconds);
void kl_dbrow_hex(struct kl_dbrow *r, struct kl_span bytes);

/** The row is whole. An empty one is written too: the n-th line is the n-th row. */
KL_MUST enum kl_rc kl_dbrow_end(struct kl_dbrow *r);
/** Before the part ends. */
KL_MUST enum kl_rc kl_dbrow_flush(struct kl_dbrow *r);

/** Most bytes are printable: taken for text where the database says nothing. */
bool kl_dbrow_is_text(struct kl_span bytes);

#endif
