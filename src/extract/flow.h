/*
 * Prose and tables as they come out of an office document: the reader says where paragraphs,
 * rows and cells begin and end, flow makes lines of them.
 *
 * Tables go out as TABLE parts. Prose is gathered and goes through kl_extract_text (disguises,
 * escapes, base64 are looked for there). What stands apart from the paragraph or the cell it is
 * anchored in (a note, a comment, a text box, a field's code) is an aside: lines of its own, so
 * that it tears no word or record apart.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_FLOW_H
#define KL_EXTRACT_FLOW_H

#include "base/buf.h"
#include "extract/grid.h"

struct kl_flow {
    struct kl_emit *e;
    struct kl_grid rows;
    struct kl_buf prose;  /* whole lines */
    struct kl_buf line;   /* the paragraph that is being read, outside of cells */
    struct kl_buf aside;  /* lines of asides, moved to prose when the outermost ends */
    struct kl_buf struck; /* deleted text of the paragraph */
    struct kl_buf notes;  /* lines of attributes and other text that is no paragraph's */
    unsigned n_moved;     /* how often aside was handed on */
    unsigned n_asides;    /* inside that many */
    unsigned n_tables;    /* inside that many tables, outside of asides */
    bool in_cell;         /* of a table outside of asides */
    bool is_struck;       /* text is deleted text */
    uint32_t col;
};

KL_MUST enum kl_rc kl_flow_init(struct kl_flow *f, struct kl_emit *e);
void kl_flow_done(struct kl_flow *f);

/** XML text with KL_XML_PAD readable bytes behind it. */
KL_MUST enum kl_rc kl_flow_xml(struct kl_flow *f, struct kl_span raw, unsigned flags);
/** Clean text: no controls. */
KL_MUST enum kl_rc kl_flow_add(struct kl_flow *f, struct kl_span text);
/** n spaces (at most 256 are written). */
KL_MUST enum kl_rc kl_flow_spaces(struct kl_flow *f, uint64_t n);
/** A tab; in a cell a space. */
KL_MUST enum kl_rc kl_flow_tab(struct kl_flow *f);
/** The end of a paragraph or of a line; in a cell a space before what follows. */
KL_MUST enum kl_rc kl_flow_line(struct kl_flow *f);

/** A line of its own beside the text (an attribute); XML text as above. */
KL_MUST enum kl_rc kl_flow_note(struct kl_flow *f, struct kl_span raw, unsigned flags);
/** The same without a line end: kl_flow_note_end, or the paragraph's, ends it. */
KL_MUST enum kl_rc kl_flow_note_part(struct kl_flow *f, struct kl_span raw, unsigned flags);
/** A space, when the line has begun. */
KL_MUST enum kl_rc kl_flow_note_gap(struct kl_flow *f);
KL_MUST enum kl_rc kl_flow_note_end(struct kl_flow *f);

void kl_flow_aside_begin(struct kl_flow *f);
KL_MUST enum kl_rc kl_flow_aside_end(struct kl_flow *f);

/** Deleted text follows: with the rest of its paragraph or cell only when that has no other. */
void kl_flow_struck_set(struct kl_flow *f, bool is_struck);

KL_MUST enum kl_rc kl_flow_table_begin(struct kl_flow *f);
KL_MUST enum kl_rc kl_flow_table_end(struct kl_flow *f);
KL_MUST enum kl_rc kl_flow_row_end(struct kl_flow *f);
KL_MUST enum kl_rc kl_flow_cell_begin(struct kl_flow *f);
/** n_more: columns that the cell spans beside its own. */
KL_MUST enum kl_rc kl_flow_cell_end(struct kl_flow *f, uint32_t n_more);

/** Hand everything over and close what is open: no part is open afterwards. */
KL_MUST enum kl_rc kl_flow_finish(struct kl_flow *f);

#endif
