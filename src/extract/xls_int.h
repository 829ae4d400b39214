/*
 * The state of the xls reader. Private to extract/xls*.c.
 */
#ifndef KL_EXTRACT_XLS_INT_H
#define KL_EXTRACT_XLS_INT_H

#include "extract/biff.h"
#include "extract/charset.h"
#include "extract/codepage.h"
#include "extract/input.h"
#include "extract/xls_crypt.h"

#define KL_XLS_WINDOW 131072u /* more than a record and its head */
#define KL_XLS_SHEETS 4096u   /* that are remembered with name and state */
#define KL_XLS_NAME 96u       /* bytes of a sheet's name */

enum kl_xls_record {
    KL_XLS_EOF = 0x0A,
    KL_XLS_CONTINUE = 0x3C,
    KL_XLS_FILEPASS = 0x2F,
    KL_XLS_BOUNDSHEET = 0x85,
    KL_XLS_TXO = 0x1B6,
    KL_XLS_SST = 0xFC,
    KL_XLS_END = 0x10000, /* no more records */
};

struct kl_xls_sheet {
    uint32_t at; /* of its BOF in the stream */
    uint8_t state;
    uint8_t name_len;
    uint8_t name[KL_XLS_NAME];
};

struct kl_xls {
    struct kl_biff b;
    struct kl_emit *e;
    const struct kl_input *in;
    unsigned biff;           /* 2, 3, 4, 5, 8 */
    bool has_globals;        /* the workbook said which: its sheets may say another */
    enum kl_charset set;     /* of 8-bit strings before BIFF8 */
    struct kl_codepage page; /* the same, when charset.h has no such set */
    unsigned depth;          /* of BOF ... EOF */
    bool in_level;           /* a sheet's level is entered */
    bool has_string;         /* the next STRING belongs to the cell of the formula before it */
    bool is_encrypted;       /* and the password is not known */
    struct kl_xls_crypt crypt;
    struct kl_xls_sheet *sheets;
    size_t n_sheets;
    /* The window. */
    uint8_t *buf;
    size_t at;
    size_t len;
    uint64_t base; /* offset of buf[0] in the stream */
    bool eof;
    bool io;
    /* The record. */
    uint32_t type;
    uint64_t rec_at;  /* of its head */
    struct kl_span p; /* payload, shorter than it says at the end of the stream */
};

/** Read the next record into x->type and x->p. */
KL_MUST enum kl_rc kl_xls_next(struct kl_xls *x);
/** When the next record is a CONTINUE make it the current one. */
KL_MUST enum kl_rc kl_xls_more(struct kl_xls *x, bool *out_more);

/** SST and its CONTINUEs. */
KL_MUST enum kl_rc kl_xls_sst(struct kl_xls *x);
/** TXO: the text of a comment or a text box stands in the CONTINUE that follows. */
KL_MUST enum kl_rc kl_xls_txo(struct kl_xls *x);
/** A record of a sheet: a cell, or text beside the cells. */
KL_MUST enum kl_rc kl_xls_record(struct kl_xls *x);

/** A string behind r: its count is one or two bytes, BIFF8 has a byte of flags. */
struct kl_span kl_xls_string(const struct kl_xls *x, struct kl_rd *r, bool is_short,
                             bool *out_wide);
/** Before BIFF8: 8-bit text of the workbook's code page as UTF-8; out: 3 * raw.len + 8. */
size_t kl_xls_narrow(const struct kl_xls *x, struct kl_span raw, uint8_t *out);
KL_MUST enum kl_rc kl_xls_note(struct kl_xls *x, struct kl_span raw, bool is_wide);
KL_MUST enum kl_rc kl_xls_text(struct kl_xls *x, struct kl_span raw, bool is_wide);

#endif
