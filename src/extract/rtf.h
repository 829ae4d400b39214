/*
 * RTF as text, token by token; shared by rtf.c (the document) and rtf_text.c (its text).
 * Source: Rich Text Format Specification 1.9.1.
 */
#ifndef KL_EXTRACT_RTF_H
#define KL_EXTRACT_RTF_H

#include "base/buf.h"
#include "extract/codepage.h"

#define KL_RTF_RAW_BYTES 16384u
#define KL_RTF_DEPTH 128u /* groups in groups that are told apart */
#define KL_RTF_FONTS 256u
#define KL_RTF_OBJECTS 4096u

/* What the text of a group is. */
enum kl_rtf_dest {
    KL_RTF_TEXT = 0,
    KL_RTF_OTHER, /* fonts, styles, properties, what readers may ignore */
    KL_RTF_FONTS_DEST,
    KL_RTF_HTML, /* tags of the HTML that the document was */
    KL_RTF_HEX,  /* pictures, objects: hex digits */
};

/* Bytes of the input that are a file: an object or a picture. */
struct kl_rtf_object {
    uint64_t from;
    uint64_t to;
    bool is_raw; /* \bin; else hex */
    bool is_ole; /* \objdata: a head of OLE 1 is in front */
};

/* What is kept from pass to pass, however far each of them gets. */
struct kl_rtf_found {
    struct kl_buf objects; /* of struct kl_rtf_object */
    uint64_t to;           /* objects from here on are new */
    uint64_t lost_bytes;   /* of objects past KL_RTF_OBJECTS */
    uint64_t end_at;       /* behind the last group; 0: not there */
};

struct kl_rtf_group {
    uint8_t dest; /* enum kl_rtf_dest */
    uint8_t skip; /* \uc: characters behind \u that stand for it */
    uint16_t font;
    bool is_ole;
};

struct kl_rtf {
    bool is_other; /* give what is no text of the document instead of the text */
    struct kl_rtf_group group;
    struct kl_rtf_group stack[KL_RTF_DEPTH];
    unsigned depth;
    unsigned n_groups;      /* that were opened at all */
    struct kl_codepage set; /* \ansicpg */
    struct kl_codepage fonts[KL_RTF_FONTS];
    uint16_t high; /* a leading surrogate */
    unsigned to_skip;
    uint64_t to_pass; /* bytes of \bin */
    bool is_first;    /* nothing in this group yet */
    bool is_star;     /* behind \* at the begin of a group */
    bool is_row;      /* the paragraph is in a table, or cells of the row were read */
    bool has_cells;
    bool has_text; /* the line is not empty */
    uint8_t state;
    char word[32];
    uint8_t n_word;
    bool has_number;
    bool is_negative;
    int32_t number;
    uint8_t hex;
    uint64_t at;               /* input offset of the byte that comes */
    struct kl_rtf_object open; /* being read; to: behind its last digit */
    struct kl_rtf_found found;
    bool is_ended; /* behind the last group */
    enum kl_rc rc;
    size_t n_out;
    uint8_t out[3 * KL_RTF_RAW_BYTES + 64];
};

/** Begin (again). What was found is kept. */
void kl_rtf_begin(struct kl_rtf *r, bool is_other);

/** The next bytes; text is appended to r->out. r->rc: KL_E_NOMEM. */
void kl_rtf_add(struct kl_rtf *r, struct kl_span in);

#endif
