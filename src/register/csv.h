/*
 * A strict, streaming reader of CSV and TSV text (RFC 4180 with any separator): text comes
 * in pieces of any size, rows go out with their line number.
 * Thread rule: one owner.
 */
#ifndef KL_REGISTER_CSV_H
#define KL_REGISTER_CSV_H

#include "base/buf.h"

#define KL_CSV_MAX_FIELDS 4096u
#define KL_CSV_MAX_ROW_BYTES 1048576u

struct kl_csv_row {
    const struct kl_span *fields; /* borrowed until the next row; quotes undone */
    size_t n_fields;
    uint64_t line;      /* 1-based line the row begins on */
    const char *reject; /* NULL, or why this row cannot be read; fields are then empty */
};

typedef enum kl_rc (*kl_csv_on_row)(void *ctx, const struct kl_csv_row *row);

struct kl_csv; /* opaque */

/**
 * @param separator  ',' ';' '\t' '|' or 0: chosen from the first line
 * @param quotes     RFC 4180 quotes count; false for extract's tables, whose cells are plain
 */
KL_MUST enum kl_rc kl_csv_new(char separator, bool quotes, kl_csv_on_row on_row, void *ctx,
                              struct kl_csv **out_csv);
void kl_csv_free(struct kl_csv **csv);

/** Feed text. Returns what on_row returned when that is not KL_OK, or KL_E_NOMEM. */
KL_MUST enum kl_rc kl_csv_feed(struct kl_csv *csv, struct kl_span text);

/** The end: the last row without a line end, an open quote is a rejected row. */
KL_MUST enum kl_rc kl_csv_finish(struct kl_csv *csv);

#endif
