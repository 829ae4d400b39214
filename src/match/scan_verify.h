/*
 * Second stage of the scanner: one function per shape decides whether a candidate starts at (or
 * belongs to) a place in the text. Each looks at most KL_SCAN_REACH bytes around it.
 * All return false without touching *out's meaning; on true *out is complete.
 * Thread rule: pure.
 */
#ifndef KL_MATCH_SCAN_VERIFY_H
#define KL_MATCH_SCAN_VERIFY_H

#include "match/scan.h"

#define KL_SCAN_REACH 256u /* bytes: no candidate starts further before its event than this */

/* Byte i of the text; 0 outside it, also for i "below 0". */
static inline uint8_t kl_ch(struct kl_span t, size_t i)
{
    return i < t.len ? t.ptr[i] : 0;
}

static inline bool kl_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static inline bool kl_is_alpha(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static inline bool kl_is_alnum(uint8_t c)
{
    return kl_is_digit(c) || kl_is_alpha(c);
}

static inline uint8_t kl_upper(uint8_t c)
{
    return (uint8_t)(c - 'a') < 26 ? (uint8_t)(c - 0x20) : c;
}

static inline uint8_t kl_lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c + 0x20) : c;
}

/* All eight bytes are digits. */
static inline bool kl_eight_digits(uint64_t w)
{
    const uint64_t high = 0xf0f0f0f0f0f0f0f0ull;
    return ((w & high) | (((w + 0x0606060606060606ull) & high) >> 4)) == 0x3333333333333333ull;
}

/* Bytes that part the groups of a phone number: [ -./()]. */
static inline bool kl_is_sep(uint8_t c)
{
    return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')';
}

/* Fill the fixed members; canon is the caller's. */
static inline void kl_cand_set(struct kl_cand *out, enum kl_cand_kind kind, size_t from, size_t to,
                               unsigned flags)
{
    memset(out, 0, sizeof *out);
    out->at = (uint32_t)from;
    out->len = (uint16_t)(to - from);
    out->kind = (uint8_t)kind;
    out->flags = (uint8_t)flags;
}

bool kl_al_check_is_right(const uint8_t nine[static 9], uint8_t letter);
/** Days of a month of the Gregorian calendar; 0 for a month that is none. */
unsigned kl_month_days(unsigned year, unsigned month);

/** A NID or NIPT whose first character is at s; `want` decides what it is called. */
bool kl_verify_nid(struct kl_span t, size_t s, uint32_t want, struct kl_cand *out);
/** A plate whose first letter is at s. */
bool kl_verify_plate(struct kl_span t, size_t s, struct kl_cand *out);
bool kl_verify_iban(struct kl_span t, size_t s, struct kl_cand *out);
/** An address around the '@' at p. */
bool kl_verify_email(struct kl_span t, size_t p, struct kl_cand *out);
/** A token that holds byte p. */
bool kl_verify_code(struct kl_span t, size_t p, struct kl_cand *out);
bool kl_verify_card(struct kl_span t, size_t s, struct kl_cand *out);
/** A machine-readable zone one of whose lines holds byte p. */
bool kl_verify_mrz(struct kl_span t, size_t p, struct kl_cand *out);

/** A mobile number whose national '6' is at s. */
bool kl_verify_mobile(struct kl_span t, size_t s, struct kl_cand *out);
/** A land line: trunk '0' at s, or the '3' of 355 at s. */
bool kl_verify_fixed(struct kl_span t, size_t s, struct kl_cand *out);
/** A number that a spreadsheet wrote as 6.92E+08; its E is at p. */
bool kl_verify_float(struct kl_span t, size_t p, struct kl_cand *out);
/** A number of >= min_digits digits in the run of digits that holds byte p. */
bool kl_verify_number(struct kl_span t, size_t p, unsigned min_digits, struct kl_cand *out);

/** A date in digits whose second separator is at p. */
bool kl_verify_date(struct kl_span t, size_t p, struct kl_cand *out);
/** A date with a month's name; byte p is its last or last but third digit … see kl_scan_event. */
bool kl_verify_month(struct kl_span t, size_t p, struct kl_cand *out);
/** Write a date; false when there is no such day between 1850 and 2150. */
bool kl_date_canon(unsigned year, unsigned month, unsigned day, struct kl_cand *out);

#endif
