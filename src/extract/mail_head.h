/*
 * What the headers of a mail or of one of its parts say.
 * Source: RFC 5322, 2045, 2046, 2047 (encoded words), 2183, 2231 (parameters in pieces).
 * Thread rule: pure functions on the caller's memory.
 */
#ifndef KL_EXTRACT_MAIL_HEAD_H
#define KL_EXTRACT_MAIL_HEAD_H

#include "base/buf.h"
#include "extract/codepage.h"

#define KL_MAIL_NAME_BYTES 1024u
#define KL_MAIL_BOUNDARY_BYTES 1000u /* longer ones are not seen as such */

enum kl_mail_coding {
    KL_MAIL_CODING_NONE = 0, /* 7bit, 8bit, binary, unknown */
    KL_MAIL_CODING_BASE64,
    KL_MAIL_CODING_QP,
    KL_MAIL_CODING_UU,
    KL_MAIL_CODING_YENC,
};

struct kl_mail_name {
    size_t len;
    uint8_t ptr[KL_MAIL_NAME_BYTES];
};

struct kl_mail_head {
    char type[64]; /* "text/plain", in small letters; "": not said */
    enum kl_mail_coding coding;
    struct kl_codepage charset;
    uint64_t content_bytes; /* Content-Length of an mbox; UINT64_MAX: not said */
    bool is_multipart;
    bool is_flowed;
    bool is_delsp;
    bool is_encrypted;
    bool is_twice;    /* two types or codings: readers disagree */
    unsigned n_types; /* headers of that name */
    unsigned n_codings;
    unsigned n_boundaries;    /* 2: a second one was given as well */
    struct kl_mail_name name; /* of the file; UTF-8 unless the mail itself is not */
    struct kl_mail_name boundary[2];
};

/** Nothing said yet. */
void kl_mail_head_init(struct kl_mail_head *h);

/**
 * Take one header.
 * @param raw   "Name: value", folded lines and all, without its last line end
 * @param text  it is appended here, decoded, as one line
 * @return KL_E_NOMEM; KL_E_LIMIT when text is full
 */
KL_MUST enum kl_rc kl_mail_head_take(struct kl_mail_head *h, struct kl_span raw,
                                     struct kl_buf *text);

/** The length of "Name" when the line is "Name: ..."; else 0. */
size_t kl_mail_field_len(struct kl_span line);

/** `word` (small letters) begins s, in any case. */
bool kl_mail_starts(struct kl_span s, const char *word);

/** s is `word` (small letters), in any case. */
bool kl_mail_is(struct kl_span s, const char *word);

#endif
