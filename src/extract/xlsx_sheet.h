/*
 * A sheet on its way out: the state that the fast and the slow path share.
 * Private to extract/xlsx_sheet*.c.
 */
#ifndef KL_EXTRACT_XLSX_SHEET_H
#define KL_EXTRACT_XLSX_SHEET_H

#include "extract/xlsx.h"

#define KL_SHEET_MAX_GAP 1024u    /* empty fields written between two cells */
#define KL_SHEET_MAX_COL 16384u   /* columns of a sheet */
#define KL_SHEET_VALUE_BYTES 512u /* of a number, an index, a date */
#define KL_SHEET_PIECE_BYTES 8192u
#define KL_SHEET_SHORT_BYTES 64u /* a shared string about as long as the cell that names it */

enum kl_cell_type {
    KL_CELL_NUMBER = 0,
    KL_CELL_SHARED,
    KL_CELL_STRING, /* t="str": in <v> */
    KL_CELL_INLINE, /* t="inlineStr": in <is> */
    KL_CELL_BOOL,
    KL_CELL_ERROR,
    KL_CELL_DATE, /* t="d": ISO 8601 in <v> */
};

struct kl_sheet {
    struct kl_xlsx *x;
    struct kl_emit *e;
    /* The open stretch of the emitter's block. */
    uint8_t *o_start;
    uint8_t *o;
    uint8_t *o_end;
    /* The row. */
    bool in_row;
    bool has;      /* the row has put out something */
    bool cell_has; /* the cell has put out something */
    uint32_t col;  /* 0-based: of the field that o stands in */
    uint32_t next; /* of the next cell when it does not say */
    /* The cell. */
    bool in_cell;
    bool in_v;
    bool in_is;
    bool in_t;
    bool in_f;
    unsigned phonetic;
    enum kl_cell_type type;
    uint32_t style;
    uint32_t cell_col;
    size_t n_value;
    uint8_t value[KL_SHEET_VALUE_BYTES + 32]; /* decoded */
    /* Long shared strings, named again and again, are a bomb: they are charged. */
    uint64_t repeated;
    bool is_cut; /* the budget is used up: they are cut */
    /* What is not in cells: formulas with strings, headers and footers, prompts. */
    struct kl_buf side;
    bool side_is_full;
};

/** Hand over what was written and get room for n more bytes. */
KL_MUST enum kl_rc kl_sheet_room(struct kl_sheet *s, size_t n);

KL_MUST enum kl_rc kl_sheet_row_begin(struct kl_sheet *s);
KL_MUST enum kl_rc kl_sheet_row_end(struct kl_sheet *s);

/** The shared string i < n of its table, in the cell of column `col`. */
KL_MUST enum kl_rc kl_sheet_long_string(struct kl_sheet *s, uint32_t col, uint32_t i);

/** Text of the cell in column s->cell_col, piece after piece; raw as in the XML. */
KL_MUST enum kl_rc kl_sheet_text(struct kl_sheet *s, struct kl_span raw, unsigned flags);

/** The value of a number, boolean, error, date or shared string cell; decoded. */
KL_MUST enum kl_rc kl_sheet_value(struct kl_sheet *s, struct kl_span value);

/** Read cells and rows of the usual form at the front of the window, as many as there are. */
KL_MUST enum kl_rc kl_sheet_fast(struct kl_sheet *s);

/** One token the general way. */
KL_MUST enum kl_rc kl_sheet_token(struct kl_sheet *s, const struct kl_xml_token *t);

/** 0-based column of a cell reference, KL_SHEET_MAX_COL when it is none. */
uint32_t kl_sheet_col(struct kl_span ref);

static inline enum kl_rc kl_sheet_need(struct kl_sheet *s, size_t n)
{
    return (size_t)(s->o_end - s->o) < n ? kl_sheet_room(s, n) : KL_OK;
}

/* Tabs up to the cell's column: a field for each column that is left out. */
static inline void kl_sheet_seek(struct kl_sheet *s, uint32_t col)
{
    uint32_t at = s->has ? s->col : 0;
    uint32_t n = col > at ? col - at : s->has;
    if (n > KL_SHEET_MAX_GAP) {
        n = 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        s->o[i] = '\t';
    }
    s->o += n;
    s->col = col;
    s->has = true;
}

/** Write a decoded value of at most KL_SHEET_PIECE_BYTES with KL_XML_PAD bytes behind it. */
static inline enum kl_rc kl_sheet_put(struct kl_sheet *s, uint32_t col, struct kl_span text)
{
    KL_TRY(kl_sheet_need(s, text.len + KL_SHEET_MAX_GAP + KL_XML_PAD));
    kl_sheet_seek(s, col);
    memcpy(s->o, text.ptr, 32);
    if (text.len > 32) {
        memcpy(s->o + 32, text.ptr + 32, text.len - 32);
    }
    s->o += text.len;
    return KL_OK;
}

#endif
