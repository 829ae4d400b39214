/*
 * Text whose records are more than a line each: HTML, XML, JSON over many lines, vCards. It is
 * read as the text it is, and once more as rows: cells by tab, a record a line.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_ROWS_H
#define KL_EXTRACT_ROWS_H

#include "extract/input.h"

enum kl_rows_kind {
    KL_ROWS_NONE = 0, /* as plain text it is read best */
    KL_ROWS_HTML,
    KL_ROWS_XML,
    KL_ROWS_JSON,
    KL_ROWS_VCARD,
};

/** From the first bytes of a text. Pure. */
enum kl_rows_kind kl_rows_sniff(struct kl_span head);

#define KL_ROWS_RAW_BYTES 16384u
#define KL_ROWS_DEPTH 64u /* of elements and objects that are told apart */

/* A reader of rows: bytes in, rows out. Begun with all zeros but `kind`. */
struct kl_rows {
    enum kl_rows_kind kind;
    uint8_t state; /* of the reader's own */
    uint8_t quote;
    uint8_t last;    /* the byte before */
    bool is_end_tag; /* "</x" */
    bool has_attrs;
    bool is_open_row; /* inside <tr> */
    bool has_cell;    /* the row has a cell already */
    bool has_text;    /* the line is not empty */
    bool is_gap;      /* a tab is due before the next text */
    bool is_blank;    /* a blank is due */
    bool is_qp;       /* vCard: this line is quoted-printable */
    bool is_value;    /* JSON: behind a ':'; vCard: behind the name */
    bool is_broken;   /* not what it seemed: the rest is left to the plain text */
    uint8_t n_name;
    uint8_t n_attrs;
    uint8_t n_keep; /* bytes of an escape or an end that is not yet whole */
    unsigned depth;
    unsigned record_depth;            /* XML: where siblings of one name were met; 0: not yet */
    uint64_t names[KL_ROWS_DEPTH];    /* XML: hash of the last sibling at this depth */
    bool has_children[KL_ROWS_DEPTH]; /* XML: elements in it. JSON: it is an array */
    char name[24];                    /* of a tag, in small letters; of a vCard property */
    uint8_t keep[16];
    size_t n_out;
    uint8_t out[3 * KL_ROWS_RAW_BYTES + 64];
};

/* Take the next bytes; rows are appended to r->out (three bytes for each, at most). */
void kl_rows_markup(struct kl_rows *r, struct kl_span in);
void kl_rows_json(struct kl_rows *r, struct kl_span in);
void kl_rows_vcard(struct kl_rows *r, struct kl_span in);

static inline void kl_rows_put(struct kl_rows *r, uint8_t c)
{
    r->out[r->n_out++] = c;
}

/** A byte of a cell, behind the tab or blank that is due. */
static inline void kl_rows_text(struct kl_rows *r, uint8_t c)
{
    if (r->has_text && (r->is_gap || r->is_blank)) {
        kl_rows_put(r, r->is_gap ? '\t' : ' ');
    }
    r->is_gap = r->is_blank = false;
    r->has_text = true;
    kl_rows_put(r, c);
}

/** The record ends, if there is one. */
static inline void kl_rows_end(struct kl_rows *r)
{
    if (r->has_text) {
        kl_rows_put(r, '\n');
    }
    r->has_text = r->is_gap = r->is_blank = false;
}

#endif
