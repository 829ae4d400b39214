/*
 * The pieces of the xlsx reader. Private to extract/xlsx*.c.
 * Source: ECMA-376 part 1 (SpreadsheetML 18), transitional and strict.
 */
#ifndef KL_EXTRACT_XLSX_H
#define KL_EXTRACT_XLSX_H

#include "extract/package.h"
#include "extract/sst.h"

#define KL_XLSX_MAX_XF 65536u /* cell formats; a style beyond is no date */
#define KL_XLSX_NUMBER_BYTES 128u

struct kl_xlsx {
    struct kl_package pk;
    struct kl_sst sst;
    struct kl_zip_member *sst_member;
    struct kl_zip_member *styles_member;
    struct kl_zip_member *workbook;
    uint8_t *is_date;   /* KL_XLSX_MAX_XF, 1: cells of this format are dates */
    uint8_t *is_hidden; /* per member: 1: a hidden sheet */
    bool is_1904;
    bool has_sheets;
    bool no_fast; /* tests: read every cell the slow way */
};

/* Readers of members, ctx: the struct kl_xlsx. */

/** Fill x->sst. Strings beyond KL_MAX_SST_BYTES come out as a TEXT part. */
KL_MUST enum kl_rc kl_xlsx_sst_read(void *ctx, const struct kl_zip_member *m);
/** Strings that no cell named, as a TEXT part. */
KL_MUST enum kl_rc kl_xlsx_sst_rest(struct kl_xlsx *x);

/** Fill x->is_date. */
KL_MUST enum kl_rc kl_xlsx_styles_read(void *ctx, const struct kl_zip_member *m);
/** A number format shows days, months or years (or times). */
bool kl_xlsx_format_is_date(struct kl_span code);

/** A sheet as a TABLE part, and a TEXT part for what is not in cells. */
KL_MUST enum kl_rc kl_xlsx_sheet_read(void *ctx, const struct kl_zip_member *m);

/** The text and the telling attributes of any other part, as a TEXT part. */
KL_MUST enum kl_rc kl_xlsx_text_read(void *ctx, const struct kl_zip_member *m);
/** Root elements that kl_xlsx_text_read knows. */
bool kl_xlsx_text_has_root(struct kl_span root);

/**
 * A cell's number as people see it: no exponent, integers exact, shortest decimals.
 * @param dst  KL_XLSX_NUMBER_BYTES
 */
size_t kl_xlsx_number(struct kl_span raw, uint8_t *dst);
size_t kl_xlsx_number_of(double v, uint8_t *dst);
/** A day number as YYYY-MM-DD, with HH:MM:SS when it has a time; 0: it is none. */
size_t kl_xlsx_date(struct kl_span raw, bool is_1904, uint8_t *dst);
size_t kl_xlsx_date_of(double v, bool is_1904, uint8_t *dst);

#endif
