#include "match/scan_verify.h"

/* One number as it stands in the text. */
struct number {
    size_t end;
    unsigned n_digits; /* as written */
    uint8_t canon[31];
    uint8_t n_canon;
};

static unsigned digits_at(struct kl_span t, size_t i, unsigned max)
{
    unsigned n = 0;
    while (n < max && kl_is_digit(kl_ch(t, i + n))) {
        n++;
    }
    return n;
}

static void put_digits(struct kl_span t, size_t i, unsigned n, struct number *out)
{
    for (unsigned k = 0; k < n && out->n_canon < sizeof out->canon; k++) {
        out->canon[out->n_canon++] = kl_ch(t, i + k);
    }
    out->n_digits += n;
}

/* Groups of three behind a first group of one to three digits; the same mark between all. */
static size_t groups_at(struct kl_span t, size_t i, struct number *out)
{
    uint8_t mark = kl_ch(t, i);
    if (!(mark == '.' || mark == ',' || mark == '\'' || mark == ' ')) {
        return i;
    }
    while (out->n_digits <= 12 && kl_ch(t, i) == mark && digits_at(t, i + 1, 4) == 3) {
        put_digits(t, i + 1, 3, out);
        i += 4;
    }
    return i;
}

/* "000123" and "0.500": no zeros in front, none behind the point, no bare point. */
static void tidy(struct number *n, unsigned n_whole)
{
    unsigned lead = 0;
    while (lead + 1 < n_whole && n->canon[lead] == '0') {
        lead++;
    }
    memmove(n->canon, n->canon + lead, sizeof n->canon - lead);
    n->n_canon = (uint8_t)(n->n_canon - lead);
    if (n->n_canon > n_whole - lead) {
        while (n->canon[n->n_canon - 1] == '0') {
            n->n_canon--;
        }
        if (n->canon[n->n_canon - 1] == '.') {
            n->n_canon--;
        }
    }
}

/* The longest number that starts with the digit at s. */
static bool number_at(struct kl_span t, size_t s, struct number *out)
{
    unsigned first = digits_at(t, s, 22);
    size_t i = s + first;

    *out = (struct number){0};
    if (first == 0 || first > 21) {
        return false;
    }
    put_digits(t, s, first, out);
    if (first <= 3 && kl_ch(t, s) != '0') {
        i = groups_at(t, i, out);
    }
    bool grouped = out->n_digits > first;
    uint8_t mark = grouped ? kl_ch(t, s + first) : 0;
    unsigned n_whole = out->n_canon;
    uint8_t point = kl_ch(t, i);
    unsigned n_frac = point == '.' || point == ',' ? digits_at(t, i + 1, 10) : 0;
    /* a comma with many digits behind it parts two fields */
    if (point != mark && n_frac > 0 && n_frac <= (point == '.' ? 9u : 2u)) {
        out->canon[out->n_canon++] = '.';
        put_digits(t, i + 1, n_frac, out);
        i += 1 + n_frac;
    }
    tidy(out, n_whole);
    out->end = i;
    /* 1.2.3.4 is no number; a comma may part fields */
    return !kl_is_alnum(kl_ch(t, i)) &&
           !((kl_ch(t, i) == '.' || kl_ch(t, i) == '\'') && kl_is_digit(kl_ch(t, i + 1)));
}

/* Could the number of which s is a part begin further left? Then where. */
static size_t chain_start(struct kl_span t, size_t s)
{
    size_t at = s;
    while (s - at < 40) {
        uint8_t c = kl_ch(t, at - 1);
        bool mark = c == '.' || c == ',' || c == '\'' || c == ' ';
        if (!kl_is_digit(c) && !(mark && kl_is_digit(kl_ch(t, at - 2)))) {
            break;
        }
        at--;
    }
    return at;
}

bool kl_verify_number(struct kl_span t, size_t p, unsigned min_digits, struct kl_cand *out)
{
    struct number n = {0};
    size_t s = p;

    while (p - s < 32 && kl_is_digit(kl_ch(t, s - 1))) {
        s--;
    }
    if (p - s >= 32 || kl_is_alpha(kl_ch(t, s - 1))) {
        return false;
    }
    /* Read the chain from its left end: whoever covers p is the number. */
    for (size_t at = chain_start(t, s); at <= p;) {
        if (!kl_is_digit(kl_ch(t, at))) {
            at++;
            continue;
        }
        bool good = number_at(t, at, &n);
        if (!good || n.end <= p) {
            size_t next = good ? n.end : at + digits_at(t, at, 64);
            if (!good && (next > p || kl_ch(t, next) == '.' || kl_ch(t, next) == '\'')) {
                return false;
            }
            at = next;
            continue;
        }
        uint8_t c = kl_ch(t, at - 1);
        if (kl_is_alnum(c) || n.n_digits < min_digits ||
            ((c == '.' || c == '\'') && kl_is_digit(kl_ch(t, at - 2)))) {
            return false;
        }
        kl_cand_set(out, KL_CAND_NUMBER, at, n.end, 0);
        memcpy(out->canon, n.canon, n.n_canon);
        out->n_canon = n.n_canon;
        return true;
    }
    return false;
}
