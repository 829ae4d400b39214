/*
 * What the readers of xls and xlsb share: cells of records on their way out as rows.
 * Private to extract's biff, xls and xlsb files.
 * Source: [MS-XLS] 2.5, [MS-XLSB] 2.5.
 */
#ifndef KL_EXTRACT_BIFF_H
#define KL_EXTRACT_BIFF_H

#include "extract/flow.h"
#include "extract/sst.h"

#define KL_BIFF_MAX_XF 65536u

struct kl_biff {
    struct kl_emit *e;
    struct kl_flow flow;  /* its rows take the cells, its notes what is not in cells */
    struct kl_sst sst;    /* kl_sst_init was called when has_sst */
    uint8_t *is_date;     /* KL_BIFF_MAX_XF, 1: cells of this format are dates */
    uint8_t *date_format; /* KL_BIFF_MAX_XF, by number format: 1 a date, 2 defined and none */
    uint32_t n_xf;
    uint32_t row;
    bool has_sst;
    bool sst_is_full;
    bool in_row;
    bool is_1904;
};

KL_MUST enum kl_rc kl_biff_init(struct kl_biff *b, struct kl_emit *e);
void kl_biff_done(struct kl_biff *b);

/** The next cell stands here. */
KL_MUST enum kl_rc kl_biff_cell(struct kl_biff *b, uint32_t row, uint32_t col);

/* The content of the cell. */
KL_MUST enum kl_rc kl_biff_number(struct kl_biff *b, uint32_t xf, double v);
KL_MUST enum kl_rc kl_biff_rk(struct kl_biff *b, uint32_t xf, uint32_t rk);
KL_MUST enum kl_rc kl_biff_shared(struct kl_biff *b, uint32_t i);
KL_MUST enum kl_rc kl_biff_bool(struct kl_biff *b, bool is_error, uint8_t v);
/** UTF-16LE, or 8-bit characters that are its low halves. */
KL_MUST enum kl_rc kl_biff_text(struct kl_biff *b, struct kl_span raw, bool is_wide);

/** Text beside the cells, as a line of its own. */
KL_MUST enum kl_rc kl_biff_note(struct kl_biff *b, struct kl_span raw, bool is_wide);
/** The readable text in a record that is not taken apart, wide and narrow. */
KL_MUST enum kl_rc kl_biff_unknown(struct kl_biff *b, struct kl_span payload);

/** A number format: its id and code; then cell formats in their order. */
void kl_biff_format_set(struct kl_biff *b, uint32_t id, struct kl_span code);
void kl_biff_xf_add(struct kl_biff *b, uint32_t format);

/** Text of a shared string, piece after piece, and its end. */
KL_MUST enum kl_rc kl_biff_sst_text(struct kl_biff *b, struct kl_span raw, bool is_wide);
KL_MUST enum kl_rc kl_biff_sst_end(struct kl_biff *b);

/** Close the open part. */
KL_MUST enum kl_rc kl_biff_finish(struct kl_biff *b);

#endif
