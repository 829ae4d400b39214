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

KL_INLINE void push(struct pair *m, uint64_t word)
{
    m->prev = m->cur;
    m->cur = word;
}

struct classes {
    struct pair digit;
    struct pair alpha;
    struct pair alnum;
    struct pair sep;
    struct pair d2; /* last of two digits */
    struct pair d4;
    struct pair ds; /* digits, and up to three separators behind one */
    struct pair ds2;
    struct pair ds4;
    struct pair two; /* last letter of a word of two letters */
    struct pair gap;
    struct pair exp; /* e or E */
    struct pair lt;
    struct pair date;
    struct pair num;
    struct pair comma;
    uint64_t code_carry;
};

/* The block under work. */
struct work {
    struct v64 text;
    const uint8_t *block;
    const uint8_t *prev;
    struct kl_scan_hit *hit; /* where its events go */
};

#define KL_PREFETCH_BYTES 2048u
#define KL_EV_HAS(events, ev) (((events)&KL_EV_BIT(ev)) != 0)
#define KL_EV_RUN8                                                                                 \
    (KL_EV_BIT(KL_EV_NID) | KL_EV_BIT(KL_EV_MOBILE) | KL_EV_BIT(KL_EV_FIXED) |                     \
     KL_EV_BIT(KL_EV_CARD))
#define KL_EV_TWO (KL_EV_BIT(KL_EV_PLATE) | KL_EV_BIT(KL_EV_IBAN))
#define KL_EV_GAP (KL_EV_BIT(KL_EV_PLATE) | KL_EV_BIT(KL_EV_CARD))
#define KL_EV_DIGITS                                                                               \
    (KL_EV_TWO | KL_EV_RUN8 | KL_EV_BIT(KL_EV_FLOAT) | KL_EV_BIT(KL_EV_DATE) |                     \
     KL_EV_BIT(KL_EV_NUMBER))

KL_INLINE void emit(struct work *w, enum kl_scan_event ev, uint64_t word)
{
    if (__builtin_expect(word != 0, 0)) {
        w->hit->word[ev] = word;
        w->hit->which |= KL_EV_BIT(ev);
    }
}

KL_INLINE uint64_t nid_events(const struct classes *c, uint64_t run8, struct pair d8)
{
    uint64_t letter = at(c->alpha, 8) & ~at(c->alnum, 9);
    uint64_t letter_sep = at(c->sep, 8) & at(c->alpha, 9) & ~at(c->alnum, 10);
    uint64_t nine = d8.cur & at(c->digit, 8) & ~at(c->alnum, 9);
    return (run8 & at(c->digit, 7) & (letter | letter_sep)) | nine;
}

KL_INLINE void phone_events(const struct classes *c, struct work *w, uint64_t run8)
{
    struct v64 p = v_load(w->prev);
    struct v64 b = w->text;
    struct pair six = {v_eq(b, '6'), v_eq(p, '6')};
    struct pair high = {v_789(b), v_789(p)};
    struct pair zero = {v_eq(b, '0'), v_eq(p, '0')};
    struct pair five = {v_eq(b, '5'), v_eq(p, '5')};
    struct pair three = {v_eq(b, '3'), v_eq(p, '3')};
    struct pair plus = {v_eq(b, '+'), v_eq(p, '+')};
    struct pair wall = {c->alnum.cur & ~(zero.cur | five.cur),
                        c->alnum.prev & ~(zero.prev | five.prev)};
    uint64_t run9 = run8 & at(c->ds, 8);
    uint64_t second = at(high, 7) | (at(c->sep, 7) & at(high, 6));
    uint64_t trunk = run9 & at(zero, 8) & at(c->digit, 7) & ~at(six, 7) & ~at(c->alnum, 9);
    uint64_t country =
        run8 & at(three, 7) & at(five, 6) & at(five, 5) & (at(plus, 8) | at(zero, 8));

    emit(w, KL_EV_MOBILE, run9 & at(six, 8) & second & ~at(wall, 9));
    emit(w, KL_EV_FIXED, trunk | country);
}

KL_INLINE uint64_t card_events(const struct classes *c, struct pair d8)
{
    uint64_t solid = d8.cur & at(d8, 5) & ~at(c->alnum, 13);
    uint64_t fours = c->d4.cur & at(c->gap, 4) & at(c->d4, 5) & at(c->gap, 9) & at(c->d4, 10) &
                     ~at(c->alnum, 14);
    uint64_t amex = c->d4.cur & at(c->d2, 4) & at(c->gap, 6) & at(c->d4, 7) & ~at(c->alnum, 11);
    return solid | fours | amex;
}

KL_INLINE uint64_t month_events(const struct classes *c)
{
    uint64_t word = at(c->alpha, 5) | at(c->comma, 5);
    uint64_t day1 = at(c->digit, 5) & at(c->sep, 6) & at(c->alpha, 7);
    uint64_t day2 = at(c->d2, 5) & at(c->sep, 7) & at(c->alpha, 8);
    uint64_t year = c->d4.cur & at(c->sep, 4) & (word | day1 | day2);
    uint64_t oracle = c->d2.cur & at(c->date, 2) & at(c->alpha, 3) & at(c->alpha, 4) &
                      at(c->alpha, 5) & at(c->date, 6) & at(c->digit, 7);
    return year | oracle;
}

/* First digit of every alphanumeric token: a carry runs from a token's start over its letters. */
KL_INLINE uint64_t code_events(struct classes *c)
{
    uint64_t starts = c->alnum.cur & ~at(c->alnum, 1);
    uint64_t sum = 0;
    bool over1 = __builtin_add_overflow(c->alpha.cur, starts & c->alpha.cur, &sum);
    bool over2 = __builtin_add_overflow(sum, c->code_carry, &sum);
    c->code_carry = over1 || over2;
    return c->digit.cur & ((sum & ~c->alpha.cur) | starts);
}

KL_INLINE uint64_t number_events(const struct classes *c)
{
    uint64_t run = c->d4.cur & ~at(c->digit, 4);
    uint64_t group = c->d2.cur & at(c->d2, 1) & at(c->num, 3) & at(c->digit, 4);
    uint64_t cents = c->d2.cur & at(c->num, 2) & at(c->digit, 3);
    return run | group | cents;
}

KL_INLINE uint64_t date_events(const struct classes *c)
{
    uint64_t one = at(c->date, 2) & at(c->digit, 3);
    uint64_t two = at(c->digit, 2) & at(c->date, 3) & at(c->digit, 4);
    return c->date.cur & at(c->digit, 1) & (one | two);
}

KL_INLINE uint64_t plate_events(const struct classes *c)
{
    uint64_t d3 = c->d2.cur & at(c->d2, 1);
    return d3 & (at(c->two, 3) | (at(c->gap, 3) & at(c->two, 4)));
}

KL_INLINE void run8_events(const struct classes *c, struct work *w, uint32_t events)
{
    uint64_t run8 = c->ds4.cur & at(c->ds4, 4);
    if (__builtin_expect(run8 == 0, 1)) {
        return;
    }
    /* the lowest bits of .prev lack the block before it; nobody looks back that far */
    struct pair d8 = {c->d4.cur & at(c->d4, 4), c->d4.prev & c->d4.prev << 4};
    if (KL_EV_HAS(events, KL_EV_NID)) {
        emit(w, KL_EV_NID, nid_events(c, run8, d8));
    }
    if (KL_EV_HAS(events, KL_EV_MOBILE)) {
        phone_events(c, w, run8);
    }
    if (KL_EV_HAS(events, KL_EV_CARD)) {
        emit(w, KL_EV_CARD, card_events(c, d8));
    }
}

KL_INLINE void rare_events(struct classes *c, struct work *w, uint32_t events)
{
    if (KL_EV_HAS(events, KL_EV_FLOAT)) {
        uint64_t e = at(c->exp, 1) & at(c->d2, 2);
        if (__builtin_expect(e != 0, 0)) {
            emit(w, KL_EV_FLOAT,
                 e & (c->digit.cur | v_eq(w->text, '+')) & (at(c->digit, 4) | at(c->sep, 4)));
        }
    }
    if (KL_EV_HAS(events, KL_EV_PLATE)) {
        emit(w, KL_EV_PLATE, plate_events(c));
    }
    if (KL_EV_HAS(events, KL_EV_IBAN)) {
        emit(w, KL_EV_IBAN, c->d2.cur & at(c->two, 2));
    }
    if (KL_EV_HAS(events, KL_EV_EMAIL)) {
        emit(w, KL_EV_EMAIL, v_eq(w->text, '@'));
    }
    if (KL_EV_HAS(events, KL_EV_DATE)) {
        emit(w, KL_EV_DATE, date_events(c));
        emit(w, KL_EV_MONTH, month_events(c));
    }
    if (KL_EV_HAS(events, KL_EV_MRZ)) {
        emit(w, KL_EV_MRZ,
             (c->alnum.cur | c->lt.cur) & at(c->lt, 1) & at(c->lt, 2) & at(c->alnum, 3));
    }
    if (KL_EV_HAS(events, KL_EV_NUMBER)) {
        emit(w, KL_EV_NUMBER, number_events(c));
    }
    if (KL_EV_HAS(events, KL_EV_CODE)) {
        emit(w, KL_EV_CODE, code_events(c));
    }
}

KL_INLINE void classify_runs(struct classes *c, uint32_t events)
{
    if ((events & KL_EV_DIGITS) != 0) {
        push(&c->d2, c->digit.cur & at(c->digit, 1));
        push(&c->d4, c->d2.cur & at(c->d2, 2));
    }
    if ((events & KL_EV_RUN8) != 0) {
        uint64_t near = at(c->digit, 1) | at(c->digit, 2) | at(c->digit, 3);
        push(&c->ds, c->digit.cur | (c->sep.cur & near));
        push(&c->ds2, c->ds.cur & at(c->ds, 1));
        push(&c->ds4, c->ds2.cur & at(c->ds2, 2));
    }
    if ((events & KL_EV_TWO) != 0) {
        push(&c->two, c->alpha.cur & at(c->alpha, 1) & ~at(c->alnum, 2));
    }
}

KL_INLINE void classify(struct classes *c, struct v64 b, uint32_t events)
{
    push(&c->digit, v_digit(b));
    push(&c->alpha, v_alpha(b));
    push(&c->alnum, c->alpha.cur | c->digit.cur);
    if ((events & ~KL_EV_BIT(KL_EV_EMAIL)) != 0) {
        push(&c->sep, v_sep(b));
    }
    if ((events & KL_EV_GAP) != 0) {
        push(&c->gap, v_gap(b));
    }
    if (KL_EV_HAS(events, KL_EV_FLOAT)) {
        push(&c->exp, v_eq_nocase(b, 'e'));
    }
    if (KL_EV_HAS(events, KL_EV_DATE)) {
        push(&c->date, v_date(b));
        push(&c->comma, v_eq(b, ','));
    }
    if (KL_EV_HAS(events, KL_EV_NUMBER)) {
        push(&c->num, v_num(b));
    }
    if (KL_EV_HAS(events, KL_EV_MRZ)) {
        push(&c->lt, v_eq(b, '<'));
    }
    classify_runs(c, events);
}

KL_INLINE size_t kernel(const uint8_t *blocks, const uint8_t *prev, size_t n, uint32_t events,
                        struct kl_scan_hit *out)
{
    struct classes c = {0};
    size_t n_out = 0;

    classify(&c, v_load(prev), events);
    (void)code_events(&c); /* for its carry */
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i * KL_SCAN_BLOCK;
        struct work w = {v_load(block), block, prev, &out[n_out]};
        /* a hint, never a read: it may lie behind the text */
        __builtin_prefetch((const void *)((uintptr_t)block + KL_PREFETCH_BYTES));
        w.hit->which = 0;
        w.hit->block = (uint32_t)i;
        classify(&c, w.text, events);
        if ((events & KL_EV_RUN8) != 0) {
            run8_events(&c, &w, events);
        }
        rare_events(&c, &w, events);
        n_out += w.hit->which != 0;
        prev = block;
    }
    return n_out;
}

/* The sets that matter get loops of their own, in which the other kinds cost nothing. */
KL_INLINE size_t kernel_by_set(const uint8_t *blocks, const uint8_t *prev, size_t n,
                               uint32_t events, struct kl_scan_hit *out)
{
    switch (events) {
    case KL_EV_HOT:
        return kernel(blocks, prev, n, KL_EV_HOT, out);
    case KL_EV_HOT & ~KL_EV_BIT(KL_EV_PLATE):
        return kernel(blocks, prev, n, KL_EV_HOT & ~KL_EV_BIT(KL_EV_PLATE), out);
    case KL_EV_IDENTIFIERS:
        return kernel(blocks, prev, n, KL_EV_IDENTIFIERS, out);
    default:
        return kernel(blocks, prev, n, events, out);
    }
}

#endif
