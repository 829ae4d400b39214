/*
 * The kernel of the first stage, included by each scan_masks_*.c after it has defined
 *
 *   struct v64                       64 bytes of text
 *   v_load(p)                        load them
 *   v_digit, v_alpha                 class words: bit i = byte i is in the class
 *   v_sep      [ -./()]   v_gap [ -]   v_date [./-]   v_num [.,' ]   v_789 [789]
 *   v_eq(v, c), v_eq_nocase(v, c)
 *
 * All combinations look back only, so two neighbouring class words are enough: back(cur, prev, n)
 * is "the class of the byte n places earlier".
 */
#ifndef KL_MATCH_SCAN_KERNEL_H
#define KL_MATCH_SCAN_KERNEL_H

#include "match/scan_masks.h"

#define KL_INLINE static inline __attribute__((always_inline))

KL_INLINE uint64_t back(uint64_t cur, uint64_t prev, unsigned n)
{
    return cur << n | prev >> (64u - n);
}

/* One class for this block and the one before. */
struct pair {
    uint64_t cur;
    uint64_t prev;
};

KL_INLINE uint64_t at(struct pair m, unsigned n)
{
    return back(m.cur, m.prev, n);
}

/* m and m one earlier, two earlier … n in all. The lowest bits of .prev are not exact: they
 * would need the block before it, and nobody looks back that far. */
KL_INLINE struct pair both(struct pair a, unsigned n, struct pair b)
{
    return (struct pair){a.cur & back(b.cur, b.prev, n), a.prev & b.prev << n};
}

struct classes {
    struct pair digit;
    struct pair alpha;
    struct pair sep;
    struct pair gap;
    struct pair two; /* last letter of a word of two letters */
    struct pair lt;
    struct pair date;
    struct pair num;
    uint64_t code_carry;
};

/* Digits and up to three separators behind a digit. */
KL_INLINE struct pair digits_and_seps(const struct classes *c)
{
    struct pair d = c->digit;
    uint64_t near = at(d, 1) | at(d, 2) | at(d, 3);
    uint64_t near_prev = d.prev << 1 | d.prev << 2 | d.prev << 3;
    return (struct pair){d.cur | (c->sep.cur & near), d.prev | (c->sep.prev & near_prev)};
}

KL_INLINE uint64_t nid_events(const struct classes *c, uint64_t run8, struct pair d8)
{
    struct pair alnum = {c->alpha.cur | c->digit.cur, c->alpha.prev | c->digit.prev};
    uint64_t letter = at(c->alpha, 8) & ~at(alnum, 9);
    uint64_t letter_sep = at(c->sep, 8) & at(c->alpha, 9) & ~at(alnum, 10);
    uint64_t nine = d8.cur & at(c->digit, 8) & ~at(alnum, 9);
    return (run8 & at(c->digit, 7) & (letter | letter_sep)) | nine;
}

KL_INLINE void phone_events(const struct classes *c, const uint8_t *block, const uint8_t *prev,
                            struct pair ds, uint64_t run8, uint64_t out[KL_EV_N])
{
    struct v64 b = v_load(block);
    struct v64 p = v_load(prev);
    struct pair six = {v_eq(b, '6'), v_eq(p, '6')};
    struct pair high = {v_789(b), v_789(p)};
    struct pair zero = {v_eq(b, '0'), v_eq(p, '0')};
    struct pair five = {v_eq(b, '5'), v_eq(p, '5')};
    struct pair three = {v_eq(b, '3'), v_eq(p, '3')};
    struct pair plus = {v_eq(b, '+'), v_eq(p, '+')};
    struct pair alnum = {c->alpha.cur | c->digit.cur, c->alpha.prev | c->digit.prev};
    struct pair wall = {alnum.cur & ~(zero.cur | five.cur), alnum.prev & ~(zero.prev | five.prev)};
    uint64_t run9 = run8 & at(ds, 8);
    uint64_t second = at(high, 7) | (at(c->sep, 7) & at(high, 6));

    out[KL_EV_MOBILE] = run9 & at(six, 8) & second & ~at(wall, 9);
    out[KL_EV_FIXED] = (run9 & at(zero, 8) & at(c->digit, 7) & ~at(alnum, 9)) |
                       (run8 & at(three, 7) & at(five, 6) & at(five, 5) & (at(plus, 8) | at(zero, 8)));
}

KL_INLINE uint64_t card_events(const struct classes *c, struct pair d2, struct pair d4,
                               struct pair d8)
{
    struct pair alnum = {c->alpha.cur | c->digit.cur, c->alpha.prev | c->digit.prev};
    uint64_t solid = d8.cur & at(d8, 5) & ~at(alnum, 13);
    uint64_t fours = d4.cur & at(c->gap, 4) & at(d4, 5) & at(c->gap, 9) & at(d4, 10) &
                     ~at(alnum, 14);
    uint64_t amex = d4.cur & at(d2, 4) & at(c->gap, 6) & at(d4, 7) & ~at(alnum, 11);
    return solid | fours | amex;
}

KL_INLINE uint64_t month_events(const struct classes *c, uint64_t comma, uint64_t comma_prev,
                                struct pair d4)
{
    struct pair word = {c->alpha.cur | comma, c->alpha.prev | comma_prev};
    uint64_t day1 = at(c->digit, 5) & at(c->sep, 6) & at(c->alpha, 7);
    uint64_t day2 = at(c->digit, 5) & at(c->digit, 6) & at(c->sep, 7) & at(c->alpha, 8);
    uint64_t year = d4.cur & at(c->sep, 4) & (at(word, 5) | day1 | day2);
    uint64_t oracle = c->digit.cur & at(c->digit, 1) & at(c->date, 2) & at(c->alpha, 3) &
                      at(c->alpha, 4) & at(c->alpha, 5) & at(c->date, 6) & at(c->digit, 7);
    return year | oracle;
}

/* First digit of every alphanumeric token: a carry runs from a token's start over its letters. */
KL_INLINE uint64_t code_events(struct classes *c)
{
    struct pair alnum = {c->alpha.cur | c->digit.cur, c->alpha.prev | c->digit.prev};
    uint64_t starts = alnum.cur & ~at(alnum, 1);
    uint64_t sum = 0;
    bool over1 = __builtin_add_overflow(c->alpha.cur, starts & c->alpha.cur, &sum);
    bool over2 = __builtin_add_overflow(sum, c->code_carry, &sum);
    c->code_carry = over1 || over2;
    return c->digit.cur & ((sum & ~c->alpha.cur) | starts);
}

KL_INLINE uint64_t number_events(const struct classes *c, struct pair d2, struct pair d4)
{
    struct pair d3 = both(d2, 1, d2);
    uint64_t run = d4.cur & ~at(c->digit, 4);
    uint64_t group = d3.cur & at(c->num, 3) & at(c->digit, 4);
    uint64_t cents = d2.cur & at(c->num, 2) & at(c->digit, 3);
    return run | group | cents;
}

KL_INLINE uint64_t date_events(const struct classes *c)
{
    uint64_t one = at(c->date, 2) & at(c->digit, 3);
    uint64_t two = at(c->digit, 2) & at(c->date, 3) & at(c->digit, 4);
    return c->date.cur & at(c->digit, 1) & (one | two);
}

KL_INLINE uint64_t plate_events(const struct classes *c, struct pair d2)
{
    struct pair d3 = both(d2, 1, d2);
    return d3.cur & (at(c->two, 3) | (at(c->gap, 3) & at(c->two, 4)));
}

#define KL_EV_RUN8                                                                                 \
    (KL_EV_BIT(KL_EV_NID) | KL_EV_BIT(KL_EV_MOBILE) | KL_EV_BIT(KL_EV_FIXED) |                     \
     KL_EV_BIT(KL_EV_CARD))

KL_INLINE void run8_events(const struct classes *c, const uint8_t *block, const uint8_t *prev,
                           uint32_t events, uint64_t out[KL_EV_N])
{
    struct pair ds = digits_and_seps(c);
    struct pair ds2 = both(ds, 1, ds);
    struct pair ds4 = both(ds2, 2, ds2);
    struct pair ds8 = both(ds4, 4, ds4);
    if (ds8.cur == 0) {
        return;
    }
    struct pair d2 = both(c->digit, 1, c->digit);
    struct pair d4 = both(d2, 2, d2);
    struct pair d8 = both(d4, 4, d4);
    if ((events & KL_EV_BIT(KL_EV_NID)) != 0) {
        out[KL_EV_NID] = nid_events(c, ds8.cur, d8);
    }
    if ((events & KL_EV_BIT(KL_EV_MOBILE)) != 0) {
        phone_events(c, block, prev, ds, ds8.cur, out);
    }
    if ((events & KL_EV_BIT(KL_EV_CARD)) != 0) {
        out[KL_EV_CARD] = card_events(c, d2, d4, d8);
    }
}

/* The kinds whose masks are cheap and whose events are rare. */
KL_INLINE void other_events(struct classes *c, struct v64 b, struct v64 p, uint32_t events,
                            uint64_t out[KL_EV_N])
{
    struct pair d2 = both(c->digit, 1, c->digit);
    struct pair d4 = both(d2, 2, d2);

    if ((events & KL_EV_BIT(KL_EV_FLOAT)) != 0) {
        struct pair e = {v_eq_nocase(b, 'e'), v_eq_nocase(p, 'e')};
        out[KL_EV_FLOAT] = (c->digit.cur | v_eq(b, '+')) & at(e, 1) & at(d2, 2) &
                           (at(c->digit, 4) | at(c->sep, 4));
    }
    if ((events & KL_EV_BIT(KL_EV_PLATE)) != 0) {
        out[KL_EV_PLATE] = plate_events(c, d2);
    }
    if ((events & KL_EV_BIT(KL_EV_IBAN)) != 0) {
        out[KL_EV_IBAN] = d2.cur & at(c->two, 2);
    }
    if ((events & KL_EV_BIT(KL_EV_EMAIL)) != 0) {
        out[KL_EV_EMAIL] = v_eq(b, '@');
    }
    if ((events & KL_EV_BIT(KL_EV_DATE)) != 0) {
        out[KL_EV_DATE] = date_events(c);
        out[KL_EV_MONTH] = month_events(c, v_eq(b, ','), v_eq(p, ','), d4);
    }
    if ((events & KL_EV_BIT(KL_EV_NUMBER)) != 0) {
        out[KL_EV_NUMBER] = number_events(c, d2, d4);
    }
    if ((events & KL_EV_BIT(KL_EV_CODE)) != 0) {
        out[KL_EV_CODE] = code_events(c);
    }
    if ((events & KL_EV_BIT(KL_EV_MRZ)) != 0) {
        struct pair word = {c->alpha.cur | c->digit.cur, c->alpha.prev | c->digit.prev};
        out[KL_EV_MRZ] = (word.cur | c->lt.cur) & at(c->lt, 1) & at(c->lt, 2) & at(word, 3);
    }
}

KL_INLINE void classify(struct classes *c, struct v64 b, uint32_t events)
{
    struct pair alnum;

    c->digit = (struct pair){v_digit(b), c->digit.cur};
    c->alpha = (struct pair){v_alpha(b), c->alpha.cur};
    c->sep = (struct pair){v_sep(b), c->sep.cur};
    alnum = (struct pair){c->alpha.cur | c->digit.cur, c->alpha.prev | c->digit.prev};
    if ((events & (KL_EV_BIT(KL_EV_PLATE) | KL_EV_BIT(KL_EV_IBAN))) != 0) {
        c->two = (struct pair){c->alpha.cur & at(c->alpha, 1) & ~at(alnum, 2), c->two.cur};
    }
    if ((events & (KL_EV_BIT(KL_EV_PLATE) | KL_EV_BIT(KL_EV_CARD))) != 0) {
        c->gap = (struct pair){v_gap(b), c->gap.cur};
    }
    if ((events & KL_EV_BIT(KL_EV_DATE)) != 0) {
        c->date = (struct pair){v_date(b), c->date.cur};
    }
    if ((events & KL_EV_BIT(KL_EV_NUMBER)) != 0) {
        c->num = (struct pair){v_num(b), c->num.cur};
    }
    if ((events & KL_EV_BIT(KL_EV_MRZ)) != 0) {
        c->lt = (struct pair){v_eq(b, '<'), c->lt.cur};
    }
}

KL_INLINE size_t kernel(const uint8_t *blocks, const uint8_t *prev, size_t n, uint32_t events,
                        struct kl_scan_hit *out)
{
    struct classes c = {0};
    size_t n_out = 0;
    struct v64 p = v_load(prev);

    classify(&c, p, events);
    (void)code_events(&c); /* for its carry */
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i * KL_SCAN_BLOCK;
        struct v64 b = v_load(block);
        uint64_t word[KL_EV_N] = {0};
        uint32_t which = 0;
        classify(&c, b, events);
        if ((events & KL_EV_RUN8) != 0) {
            run8_events(&c, block, prev, events, word);
        }
        other_events(&c, b, p, events, word);
        uint64_t any = 0;
        for (unsigned e = 0; e < KL_EV_N; e++) {
            any |= word[e];
        }
        if (any != 0) {
            struct kl_scan_hit *h = &out[n_out++];
            h->block = (uint32_t)i;
            for (unsigned e = 0; e < KL_EV_N; e++) {
                which |= (uint32_t)(word[e] != 0) << e;
                h->word[e] = word[e];
            }
            h->which = which;
        }
        prev = block;
        p = b;
    }
    return n_out;
}

#endif
