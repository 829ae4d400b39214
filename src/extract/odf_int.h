/*
 * The ODF reader's state, shared by its general and its fast path. Private to extract/odf*.c.
 */
#ifndef KL_EXTRACT_ODF_INT_H
#define KL_EXTRACT_ODF_INT_H

#include "extract/flow.h"
#include "extract/xml.h"

#define KL_ODF_MAX_REPEAT 1024u  /* columns; a cell with content is written that often at most */
#define KL_ODF_VALUE_BYTES 256u  /* of a value attribute */
#define KL_ODF_SHOWN_BYTES 1024u /* of a cell's shown text, beside its value */
#define KL_ODF_HIDDEN 64u        /* styles of hidden tables that are remembered */

enum kl_odf_type {
    KL_ODF_STRING = 0, /* the text is the value */
    KL_ODF_NUMBER,
    KL_ODF_DATE,
    KL_ODF_OTHER, /* boolean, time: the text is better than the value */
};

struct kl_odf {
    struct kl_emit *e;
    struct kl_xml *xml;
    struct kl_flow flow;
    unsigned n_paragraphs; /* inside that many <text:p>, <text:h> */
    bool in_base64;
    /* The cell. */
    bool in_cell;
    bool has_value;    /* the value stands in the cell: its text goes to `shown` */
    uint32_t repeated; /* columns that it fills, at least 1 */
    enum kl_odf_type type;
    size_t n_value;
    size_t n_shown;
    uint8_t value[KL_ODF_VALUE_BYTES * 3 + KL_XML_PAD];
    uint8_t shown[KL_ODF_SHOWN_BYTES * 3 + KL_XML_PAD];
    struct kl_buf
        extra; /* of the row: shown text that says more than the value, each behind a tab */
    struct kl_buf copy; /* the text of a cell that is repeated */
    /* Styles. */
    uint32_t style; /* hash of the style that is being read */
    unsigned n_hidden;
    uint32_t hidden[KL_ODF_HIDDEN];
};

/** The number of an attribute, at least 1. */
uint32_t kl_odf_count(struct kl_span v);

KL_MUST enum kl_rc kl_odf_cell_begin(struct kl_odf *o, const struct kl_xml_token *t);
KL_MUST enum kl_rc kl_odf_cell_end(struct kl_odf *o);
KL_MUST enum kl_rc kl_odf_row_end(struct kl_odf *o);
/** Clean text of the cell, remembered when the cell is repeated. */
KL_MUST enum kl_rc kl_odf_put_copied(struct kl_odf *o, struct kl_span text);
/** The cell's shown text is whole: what it says beside the value goes to the row's end. */
KL_MUST enum kl_rc kl_odf_end_shown(struct kl_odf *o);

/** Read rows and cells of the usual form at the front of the window, as many as there are. */
KL_MUST enum kl_rc kl_odf_fast(struct kl_odf *o);

#endif
