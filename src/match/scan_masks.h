/*
 * First stage of the scanner: text in 64-byte blocks to events, "something of this shape may
 * end here". Events may be false, never missing: the verifiers decide. One kernel
 * (scan_kernel.inc) is compiled three times: portable, AVX2, AVX-512.
 * Thread rule: pure.
 */
#ifndef KL_MATCH_SCAN_MASKS_H
#define KL_MATCH_SCAN_MASKS_H

#include "base/span.h"

#define KL_SCAN_BLOCK 64u

enum kl_scan_event {
    KL_EV_NID = 0, /* last of 8 digits-or-separators behind a lone letter; or a 9th digit */
    KL_EV_MOBILE,  /* 8 bytes behind a '6' that may open a mobile number */
    KL_EV_FIXED,   /* 8 bytes behind '0', or "+355"/"0355" and 5 more bytes */
    KL_EV_FLOAT,   /* one byte behind the E of 6.92E+08 */
    KL_EV_PLATE,   /* third digit behind a word of two letters */
    KL_EV_IBAN,    /* fourth byte of AL47 */
    KL_EV_EMAIL,   /* '@' */
    KL_EV_DATE,    /* second separator of 12.03.1984 or 1984-03-12 */
    KL_EV_MONTH,   /* fourth digit of a year, or second digit behind -MAR- */
    KL_EV_NUMBER,  /* fourth digit of a run, last digit of a group of three, second decimal */
    KL_EV_CODE,    /* first digit of an alphanumeric token */
    KL_EV_MRZ,     /* one byte behind "<<" */
    KL_EV_CARD,    /* 13th digit of a run, or the third group of a grouped number */
    KL_EV_N,
};

/* Groups of events a caller wants: bit 1 << enum kl_scan_event. */
#define KL_EV_BIT(ev) (1u << (unsigned)(ev))

/* What key anchors of a register ask for: compiled as its own loop. */
#define KL_EV_HOT                                                                                  \
    (KL_EV_BIT(KL_EV_NID) | KL_EV_BIT(KL_EV_MOBILE) | KL_EV_BIT(KL_EV_FIXED) |                     \
     KL_EV_BIT(KL_EV_FLOAT) | KL_EV_BIT(KL_EV_PLATE))

/* What the pack of Albania asks for: a loop of its own too. */
#define KL_EV_IDENTIFIERS                                                                          \
    (KL_EV_HOT | KL_EV_BIT(KL_EV_IBAN) | KL_EV_BIT(KL_EV_EMAIL) | KL_EV_BIT(KL_EV_MRZ) |           \
     KL_EV_BIT(KL_EV_CARD))

struct kl_scan_hit {
    uint32_t block; /* index of the block within the call */
    uint32_t which; /* KL_EV_BIT of the words that are not zero */
    uint64_t
        word[KL_EV_N]; /* bit i: event at byte i of the block; only those in `which` are written */
};

/**
 * Classify n blocks.
 *
 * @param blocks  n * 64 readable bytes
 * @param prev    the 64 bytes in front of them (zeros at the start of the text)
 * @param events  KL_EV_BIT set
 * @param out     room for n + 1; filled in order, only blocks with an event
 * @return entries written
 */
typedef size_t kl_scan_kernel(const uint8_t *blocks, const uint8_t *prev, size_t n, uint32_t events,
                              struct kl_scan_hit *out);

/* The separators that a record may be split at, in the order of kl_split_words.sep. */
enum { KL_SEP_TAB = 0, KL_SEP_SEMI, KL_SEP_PIPE, KL_SEP_OTHER, KL_SEP_N };

/* One block of a record; bit i: byte i is in the class. */
struct kl_split_words {
    uint64_t sep[KL_SEP_N]; /* \t ; | and , " < > = : { } [ ] ( ) */
    uint64_t quote;         /* " alone */
    uint64_t digit;
    uint64_t alpha; /* letters, and all that is not ASCII */
};

/**
 * Classify a record for kl_record_split.
 *
 * @param p, len  its bytes; none behind them is read
 * @param out     room for (len + 63) / 64; bits behind the record are zero
 * @param out_n   how many of each separator it holds
 */
typedef void kl_split_kernel(const uint8_t *p, size_t len, struct kl_split_words *out,
                             unsigned out_n[static KL_SEP_N]);

kl_scan_kernel kl_scan_masks_portable;
kl_split_kernel kl_split_masks_portable;
#if defined(__x86_64__)
kl_scan_kernel kl_scan_masks_avx2;
kl_scan_kernel kl_scan_masks_avx512;
kl_split_kernel kl_split_masks_avx2;
kl_split_kernel kl_split_masks_avx512;
#endif

#endif
