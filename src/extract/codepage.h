/*
 * Character sets that a document names: "koi8-r" in a mail, 1251 in RTF, to UTF-8.
 * Which set a text is in when it does not say so, or should not be trusted, is charset.h's part.
 * Sets of several bytes a letter other than Unicode's (GBK, Shift-JIS, EUC) are not known here:
 * their digits and ASCII letters are read by charset.h's rule all the same.
 * Thread rule: pure functions; one decoder, one thread.
 */
#ifndef KL_EXTRACT_CODEPAGE_H
#define KL_EXTRACT_CODEPAGE_H

#include "base/span.h"

enum kl_codepage_kind {
    KL_CODEPAGE_UNKNOWN = 0,
    KL_CODEPAGE_UTF8, /* ASCII too */
    KL_CODEPAGE_UTF7,
    KL_CODEPAGE_UTF16LE,
    KL_CODEPAGE_UTF16BE,
    KL_CODEPAGE_UTF16,  /* the order is told by its first letters */
    KL_CODEPAGE_SINGLE, /* ASCII and 128 more */
    KL_CODEPAGE_WHOLE,  /* EBCDIC */
};

struct kl_codepage {
    enum kl_codepage_kind kind;
    unsigned place; /* of SINGLE and WHOLE: in their tables */
    bool is_latin;  /* one of those that charset.h tells apart better than labels do */
};

/** By the name in a MIME header, in any case and punctuation. */
struct kl_codepage kl_codepage_by_name(struct kl_span name);
/** By Windows' number: 1252, 65001 ... */
struct kl_codepage kl_codepage_by_number(unsigned number);

struct kl_decoder {
    struct kl_codepage set;
    uint32_t bits;  /* UTF-7 */
    uint16_t high;  /* a leading surrogate */
    uint8_t n_bits; /* UTF-7 */
    uint8_t odd;    /* UTF-16: the first byte of a pair */
    bool has_odd;
    bool is_shifted; /* UTF-7: inside +...- */
    bool is_first;   /* UTF-7: right behind the + */
};

static inline struct kl_decoder kl_decoder_init(struct kl_codepage set)
{
    return (struct kl_decoder){.set = set};
}

/**
 * Decode on; sequences may be cut between calls. UTF-8 and unknown sets are copied.
 * @param out  room for 3 * in.len + 8
 * @return bytes written
 */
size_t kl_decoder_add(struct kl_decoder *d, struct kl_span in, uint8_t *out);

#endif
