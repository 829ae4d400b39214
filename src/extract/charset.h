/*
 * Character sets to UTF-8. No state is kept between calls: a sequence that the end of the
 * input cuts is left for the next call (out_used), so any cut gives the same text.
 * Source: Unicode 15 chapter 3 (UTF-8/16/32), the mapping tables of the single-byte sets.
 * Thread rule: pure functions.
 */
#ifndef KL_EXTRACT_CHARSET_H
#define KL_EXTRACT_CHARSET_H

#include "base/span.h"

enum kl_charset {
    KL_CHARSET_NONE = 0,
    KL_CHARSET_8BIT, /* UTF-8, or a single-byte set to be found out */
    KL_CHARSET_UTF16LE,
    KL_CHARSET_UTF16BE,
    KL_CHARSET_UTF32LE,
    KL_CHARSET_UTF32BE,
    KL_CHARSET_CP1252, /* from here on: single-byte sets */
    KL_CHARSET_CP1250,
    KL_CHARSET_LATIN1,
    KL_CHARSET_LATIN2,
    KL_CHARSET_LATIN10, /* ISO 8859-16 */
    KL_CHARSET_CP852,
    KL_CHARSET_CP850,
    KL_CHARSET_CP437,
    KL_CHARSET_MAC_ROMAN,
};

/**
 * The set of a document from its first bytes: byte order mark, else where the NULs lie.
 * KL_CHARSET_NONE: NULs that no set explains.
 * @param out_bom  length of the byte order mark
 */
enum kl_charset kl_charset_detect(struct kl_span head, size_t *out_bom);

/** How often each byte above 127 stood outside well-formed UTF-8. */
struct kl_charset_votes {
    uint64_t n[128];
};

void kl_charset_count(struct kl_charset_votes *v, struct kl_span text);

/** The single-byte set that makes most of them Albanian (or else Balkan) letters; never NONE. */
enum kl_charset kl_charset_decide(const struct kl_charset_votes *v);

/** What a decoding met. */
struct kl_charset_seen {
    bool utf8;   /* well-formed sequences */
    bool single; /* bytes taken from the single-byte set */
    bool lost;   /* bytes that are no character: U+FFFD */
};

/**
 * Text that is not well-formed UTF-8: sequences that are stay, other bytes are looked up.
 * @param set   a single-byte set
 * @param out   room for 3 * in.len
 * @return bytes written
 */
size_t kl_charset_single(struct kl_span in, enum kl_charset set, bool at_end, uint8_t *out,
                         size_t *out_used, struct kl_charset_seen *seen);

/**
 * UTF-16 or UTF-32; lone surrogates and what is no code point become U+FFFD.
 * @param set  KL_CHARSET_UTF16LE … UTF32BE
 * @param out  room for 3 * in.len / 2 + 3
 */
size_t kl_charset_wide(struct kl_span in, enum kl_charset set, bool at_end, uint8_t *out,
                       size_t *out_used, struct kl_charset_seen *seen);

/** Length of the prefix that does not end inside a UTF-8 sequence (at most 3 bytes shorter). */
size_t kl_charset_whole(struct kl_span text);

/**
 * UTF-8 once read as 1252, 1250 or DOS text ("Ã«" for "ë"): undone in place.
 * @param out_n  how many sequences were repaired
 * @return the new length
 */
size_t kl_charset_unmangle(uint8_t *text, size_t len, size_t *out_n);

#endif
