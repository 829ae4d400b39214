/*
 * Rows of cells on their way out, as a TABLE part: cells by tab, rows by line end.
 *
 * The part is opened by the first cell and closed by kl_grid_close. Disguised text (full-width,
 * look-alikes …) goes out in its scan view, as in text. A tab or a line end inside a cell is
 * the caller's to turn into a space; kl_xml_decode does.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_GRID_H
#define KL_EXTRACT_GRID_H

#include "extract/emit.h"

#define KL_GRID_BYTES 65536u
#define KL_GRID_PIECE 8192u   /* raw bytes of a cell decoded in one go */
#define KL_GRID_MAX_GAP 1024u /* empty fields written between two cells */
#define KL_GRID_PAD 64u       /* a wide store may write that far */

struct kl_grid {
    struct kl_emit *e;
    uint8_t *buf; /* KL_GRID_BYTES and room for one more cell */
    size_t len;
    uint32_t col;      /* of the field that buf ends in */
    uint32_t cell_col; /* of the cell to come */
    bool has;          /* the row has put out something */
    bool cell_has;     /* the cell has put out something */
    bool gap;          /* a space goes before the cell's next text */
    bool in_part;
    uint64_t repeated; /* bytes not yet charged, see kl_grid_again */
    bool is_cut;       /* the budget of repeated text is used up */
};

KL_MUST enum kl_rc kl_grid_init(struct kl_grid *r, struct kl_emit *e);
void kl_grid_done(struct kl_grid *r);

/** The next text belongs to the cell in this column (from 0; it should not go back). */
static inline void kl_grid_cell(struct kl_grid *r, uint32_t col)
{
    r->cell_col = col;
    r->cell_has = false;
    r->gap = false;
}

/** Append text to the cell: UTF-8 without controls. */
KL_MUST enum kl_rc kl_grid_add(struct kl_grid *r, struct kl_span text);

/** Append XML text (KL_XML_PAD readable bytes behind it), decoded with the flags of xml.h. */
KL_MUST enum kl_rc kl_grid_xml(struct kl_grid *r, struct kl_span raw, unsigned flags);

/** What comes next in the cell stands apart from what it has. */
static inline void kl_grid_gap(struct kl_grid *r)
{
    r->gap = r->cell_has;
}

/**
 * Text that one place holds and many cells show (a shared string): charged as such.
 * @return KL_E_LIMIT: the budget is used up, write no more than a few bytes of it
 */
KL_MUST enum kl_rc kl_grid_again(struct kl_grid *r, size_t bytes);

/** End the row, if it has anything. */
KL_MUST enum kl_rc kl_grid_end(struct kl_grid *r);

/** End the row and the part, if one is open. */
KL_MUST enum kl_rc kl_grid_close(struct kl_grid *r);

#endif
