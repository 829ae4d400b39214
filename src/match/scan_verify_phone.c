#include "match/scan_verify.h"

/* The national digits as they stand in the text. */
struct dialled {
    uint8_t digit[9];
    size_t end;
    unsigned n_groups;
    unsigned first_group;  /* digits in front of the first separator */
    unsigned short_groups; /* groups of one digit */
    uint8_t seps;          /* SEP_* that were met */
};

enum { SEP_SPACE = 1, SEP_DASH = 2, SEP_DOT = 4, SEP_SLASH = 8, SEP_PAREN = 16 };

static uint8_t sep_bit(uint8_t c)
{
    switch (c) {
    case ' ':
        return SEP_SPACE;
    case '-':
        return SEP_DASH;
    case '.':
        return SEP_DOT;
    case '/':
        return SEP_SLASH;
    case '(':
    case ')':
        return SEP_PAREN;
    default:
        return 0;
    }
}

/* n digits from s on, up to three separators between two of them. */
static bool dial(struct kl_span t, size_t s, unsigned n, struct dialled *out)
{
    size_t i = s;
    unsigned in_group = 0;

    *out = (struct dialled){.n_groups = 1};
    if (s < t.len && t.len - s >= 9) {
        uint64_t w;
        memcpy(&w, t.ptr + s, sizeof w);
        if (kl_eight_digits(w) && (n == 8 || kl_is_digit(t.ptr[s + 8]))) {
            memcpy(out->digit, t.ptr + s, n);
            out->first_group = n;
            out->end = s + n;
            return true;
        }
    }
    for (unsigned k = 0; k < n; k++) {
        unsigned gap = 0;
        while (gap < 3 && sep_bit(kl_ch(t, i)) != 0) {
            out->seps |= sep_bit(kl_ch(t, i));
            gap++;
            i++;
        }
        if (!kl_is_digit(kl_ch(t, i))) {
            return false;
        }
        if (gap > 0 && k > 0) {
            out->first_group = out->n_groups == 1 ? in_group : out->first_group;
            out->short_groups += in_group == 1 ? 1 : 0;
            out->n_groups++;
            in_group = 0;
        }
        out->digit[k] = kl_ch(t, i++);
        in_group++;
    }
    out->first_group = out->n_groups == 1 ? n : out->first_group;
    out->end = i;
    return true;
}

static bool is_mobile(const uint8_t *d)
{
    return d[0] == '6' && (d[1] == '9' || ((d[1] == '7' || d[1] == '8') && d[2] >= '2'));
}

/* Land lines, libphonenumber's ranges for AL. */
static bool is_fixed(const uint8_t *d)
{
    bool second_low = d[1] >= '2' && d[1] <= '5';
    if (d[0] == '4') {
        if (d[1] == '5' && d[2] == '0') {
            return d[3] == '5' && d[4] <= '2';
        }
        if (d[1] == '4' && d[2] == '1') {
            return d[3] == '0';
        }
        return d[1] == '6' || (d[1] >= '2' && d[2] >= '2');
    }
    if (d[0] != '2' && d[0] != '3' && d[0] != '5' && d[0] != '8') {
        return false;
    }
    return second_low ? d[2] >= '2' : d[1] >= '1' && d[3] >= '2';
}

/* d.m.yyyy or yyyy-mm-dd at s. */
static bool looks_like_date(struct kl_span t, size_t s)
{
    unsigned v[3] = {0, 0, 0};
    unsigned n[3] = {0, 0, 0};
    uint8_t sep = 0;
    for (unsigned k = 0; k < 3; k++) {
        while (n[k] < 5 && kl_is_digit(kl_ch(t, s))) {
            v[k] = v[k] * 10 + (unsigned)(kl_ch(t, s++) - '0');
            n[k]++;
        }
        if (k < 2) {
            uint8_t c = kl_ch(t, s++);
            if ((c != '.' && c != '-' && c != '/') || (k == 1 && c != sep)) {
                return false;
            }
            sep = c;
        }
    }
    bool last = n[0] <= 2 && n[1] <= 2 && n[2] == 4 && v[0] <= 31 && v[1] <= 12;
    bool first = n[0] == 4 && n[1] <= 2 && n[2] <= 2 && v[1] <= 12 && v[2] <= 31;
    return last || first;
}

static size_t back_over_seps(struct kl_span t, size_t i)
{
    for (unsigned k = 0; k < 3 && sep_bit(kl_ch(t, i - 1)) != 0; k++) {
        i--;
    }
    return i;
}

/* Is there a country code whose last digit ends in front of i? Where does it start? */
static bool country_before(struct kl_span t, size_t i, size_t *out_start, bool *out_marked)
{
    if (i < 3 || kl_ch(t, i - 1) != '5' || kl_ch(t, i - 2) != '5' || kl_ch(t, i - 3) != '3') {
        return false;
    }
    size_t s = i - 3;
    size_t j = s;
    *out_marked = true;
    for (unsigned k = 0; k < 2 && (kl_ch(t, j - 1) == ' ' || kl_ch(t, j - 1) == '('); k++) {
        j--;
    }
    if (kl_ch(t, s - 1) == '+') {
        *out_start = s - 1;
    } else if (kl_ch(t, j - 1) == '+' && j != s) {
        *out_start = j - 1; /* "+ 355" */
    } else if (kl_ch(t, s - 1) == '0' && kl_ch(t, s - 2) == '0' && !kl_is_alnum(kl_ch(t, s - 3))) {
        *out_start = s - 2;
    } else {
        *out_start = s;
        *out_marked = false;
        return !kl_is_alnum(kl_ch(t, s - 1));
    }
    return true;
}

enum prefix { PREFIX_NONE, PREFIX_ZERO, PREFIX_355 };

struct opening {
    size_t start;
    enum prefix prefix;
    bool marked; /* + or 00 stands before 355 */
};

/* What stands in front of the national digits that begin at s. */
static bool open_number(struct kl_span t, size_t s, struct opening *out)
{
    size_t i = back_over_seps(t, s);
    bool alnum = kl_is_alnum(kl_ch(t, s - 1));

    *out = (struct opening){s, PREFIX_NONE, false};
    if (kl_ch(t, i - 1) == '0') {
        size_t zero = i - 1;
        size_t before = back_over_seps(t, zero);
        if (country_before(t, before, &out->start, &out->marked)) {
            out->prefix = PREFIX_355;
            return true;
        }
        if (!kl_is_alnum(kl_ch(t, zero - 1))) {
            *out = (struct opening){zero, PREFIX_ZERO, false};
            return true;
        }
    } else if (country_before(t, i, &out->start, &out->marked)) {
        out->prefix = PREFIX_355;
        return true;
    }
    out->start = s;
    return !alnum;
}

/* The number must not go on; pandas writes "692123456.0". Moves *end over ".0". */
static bool number_ends(struct kl_span t, size_t *end, enum prefix prefix, unsigned seps)
{
    uint8_t c = kl_ch(t, *end);
    uint8_t d = kl_ch(t, *end + 1);

    if (kl_is_alnum(c)) {
        return false;
    }
    if (sep_bit(c) == 0 || !kl_is_digit(d)) {
        return true;
    }
    if (c == '.' && d == '0' && seps == 0 && !kl_is_alnum(kl_ch(t, *end + 2)) &&
        kl_ch(t, *end + 2) != '.') {
        *end += 2;
        return true;
    }
    if (c == '.') {
        return d == '0' && seps == 0;
    }
    if (d == '0' || prefix != PREFIX_NONE) {
        return true;
    }
    return c == ' ' && (seps & sep_bit(c)) == 0;
}

/* Numbers without any prefix are told from tables, dates and addresses by their groups. */
static bool bare_is_likely(struct kl_span t, size_t s, const struct dialled *d)
{
    uint8_t before = kl_ch(t, s - 1);
    bool digit_before = kl_is_digit(kl_ch(t, s - 2));

    if (digit_before && (before == '.' || before == '-')) {
        return false;
    }
    if (d->n_groups == 1) {
        return true;
    }
    if (digit_before && (sep_bit(before) != 0)) {
        return false;
    }
    if (d->first_group < 2 || d->short_groups > 0 || looks_like_date(t, s)) {
        return false;
    }
    return (d->seps & SEP_DOT) == 0 || (d->seps == SEP_DOT && d->n_groups == 3);
}

/* `solid`: the digits behind the zero follow at once, without a separator. */
static bool zero_is_likely(struct kl_span t, size_t zero, bool solid)
{
    uint8_t before = kl_ch(t, zero - 1);
    if (kl_ch(t, zero + 1) == '.') { /* a decimal */
        return false;
    }
    if (before == '.' && kl_is_digit(kl_ch(t, zero - 2))) {
        return false;
    }
    return solid || !looks_like_date(t, zero);
}

static void set_phone(struct kl_span t, size_t from, size_t to, const uint8_t *digits, unsigned n,
                      struct kl_cand *out)
{
    if (kl_ch(t, from - 1) == '(') {
        for (size_t i = from; i < to; i++) {
            if (kl_ch(t, i) == '(') {
                break;
            }
            if (kl_ch(t, i) == ')') { /* "(069) 21…": the opening one is ours */
                from--;
                break;
            }
        }
    }
    kl_cand_set(out, KL_CAND_PHONE, from, to, 0);
    memcpy(out->canon, digits, n);
    out->n_canon = (uint8_t)n;
}

/*
 * "+355 69 123 4567", as most write it: the same answer as below, without a loop.
 * @return false when it is not written so, or what stands around it must be looked at
 */
static bool usual_mobile(struct kl_span t, size_t s, struct kl_cand *out)
{
    static const uint64_t spaces = (uint64_t)' ' << 24;
    static const uint64_t fourth = 0xFFull << 24;
    uint64_t w = 0;

    if (s < 5 || t.len - s < 11 || memcmp(t.ptr + s - 5, "+355 ", 5) != 0) {
        return false;
    }
    const uint8_t *p = t.ptr + s;
    uint8_t before = kl_ch(t, s - 6);
    uint8_t behind = kl_ch(t, s + 11);
    memcpy(&w, p + 3, sizeof w); /* "123 4567" */
    if ((w & fourth) != spaces || !kl_eight_digits((w & ~fourth) | (uint64_t)'0' << 24) ||
        p[0] != '6' || p[2] != ' ' ||
        !(p[1] == '9' || ((p[1] == '7' || p[1] == '8') && p[3] >= '2')) || before == '.' ||
        before == '(' || kl_is_alnum(behind) || sep_bit(behind) != 0) {
        return false;
    }
    kl_cand_set(out, KL_CAND_PHONE, s - 5, s + 11, 0);
    w = (w & (fourth - 1)) << 16 | (w >> 32 << 40) | p[0] | (uint64_t)p[1] << 8;
    memcpy(out->canon, &w, sizeof w);
    out->canon[8] = p[10];
    out->n_canon = 9;
    return true;
}

bool kl_verify_mobile(struct kl_span t, size_t s, struct kl_cand *out)
{
    struct dialled d;
    struct opening o;

    if (kl_ch(t, s) != '6') {
        return false;
    }
    if (usual_mobile(t, s, out)) {
        return true;
    }
    if (!dial(t, s, 9, &d) || !is_mobile(d.digit) || !open_number(t, s, &o) ||
        !number_ends(t, &d.end, o.prefix, d.seps)) {
        return false;
    }
    if (o.prefix == PREFIX_NONE && !bare_is_likely(t, s, &d)) {
        return false;
    }
    if (o.prefix == PREFIX_ZERO && !zero_is_likely(t, o.start, o.start + 1 == s && d.seps == 0)) {
        return false;
    }
    if (kl_ch(t, o.start - 1) == '.' && kl_is_digit(kl_ch(t, o.start - 2))) {
        return false;
    }
    set_phone(t, o.start, d.end, d.digit, 9, out);
    return true;
}

/* Where the area code starts when a country code starts at s; 0: none. */
static size_t behind_country(struct kl_span t, size_t s, size_t *out_start)
{
    bool marked = false;
    size_t zero = s + 3;
    if (!country_before(t, s + 3, out_start, &marked) || !marked) {
        return 0;
    }
    while (zero - s < 6 && sep_bit(kl_ch(t, zero)) != 0) {
        zero++;
    }
    return kl_ch(t, zero) == '0' ? zero + 1 : s + 3;
}

/* The first digit that dial() would read from i on. */
static uint8_t first_digit(struct kl_span t, size_t i)
{
    for (unsigned gap = 0; gap < 3 && sep_bit(kl_ch(t, i)) != 0; gap++) {
        i++;
    }
    return kl_ch(t, i);
}

/* With nothing but a zero in front, groups must look like those of a phone. */
static bool trunk_is_likely(struct kl_span t, size_t zero, const struct dialled *d)
{
    uint8_t before = kl_ch(t, zero - 1);
    bool goes_on = sep_bit(before) != 0 && before != '(' && kl_is_digit(kl_ch(t, zero - 2));
    return (d->seps & SEP_DOT) == 0 && d->n_groups <= 4 && d->short_groups <= 1 &&
           !(goes_on && d->seps != 0);
}

bool kl_verify_fixed(struct kl_span t, size_t s, struct kl_cand *out)
{
    struct dialled d;
    size_t start = s;
    size_t i = s + 1;
    bool country = kl_ch(t, s) == '3';

    if (country) {
        i = behind_country(t, s, &start);
    } else if (kl_ch(t, s) != '0' || kl_is_alnum(kl_ch(t, s - 1)) || !zero_is_likely(t, s, false)) {
        return false;
    }
    /* No area begins with 6: a mobile number with its country code need not be read. */
    if (i == 0 || first_digit(t, i) == '6' || !dial(t, i, 8, &d) || !is_fixed(d.digit) ||
        (!country && !trunk_is_likely(t, s, &d)) ||
        !number_ends(t, &d.end, country ? PREFIX_355 : PREFIX_ZERO, d.seps)) {
        return false;
    }
    set_phone(t, start, d.end, d.digit, 8, out);
    return true;
}

/* The mantissa in front of the E at p: its digits without the point. */
static unsigned mantissa(struct kl_span t, size_t p, uint8_t out[16], size_t *out_start)
{
    size_t s = p;
    unsigned n = 0;
    while (p - s < 17 &&
           (kl_is_digit(kl_ch(t, s - 1)) || kl_ch(t, s - 1) == '.' || kl_ch(t, s - 1) == ',')) {
        s--;
    }
    uint8_t point = kl_ch(t, s + 1);
    if (p - s < 4 || p - s > 16 || !(point == '.' || point == ',') ||
        kl_is_alnum(kl_ch(t, s - 1))) {
        return 0;
    }
    for (size_t i = s; i < p; i++) {
        if (i == s + 1) {
            continue;
        }
        if (!kl_is_digit(kl_ch(t, i))) {
            return 0;
        }
        out[n++] = kl_ch(t, i);
    }
    *out_start = s;
    return n;
}

/* Value of n digits scaled to `want` digits; *out_unit is one unit of the last digit given. */
static uint64_t scaled(const uint8_t *digits, unsigned n, unsigned want, uint64_t *out_unit)
{
    uint64_t v = 0;
    *out_unit = 1;
    for (unsigned i = 0; i < want; i++) {
        v = v * 10 + (i < n ? (unsigned)(digits[i] - '0') : 0);
        *out_unit *= i < n ? 1 : 10;
    }
    return v;
}

bool kl_verify_float(struct kl_span t, size_t p, struct kl_cand *out)
{
    uint8_t digits[16] = {0};
    uint8_t national[9];
    size_t s = 0;
    size_t i = p + 1;
    unsigned exponent = 0;
    uint64_t unit = 1;

    if ((kl_ch(t, p) | 0x20) != 'e') {
        return false;
    }
    i += kl_ch(t, i) == '+' ? 1 : 0;
    size_t first = i;
    while (i - first < 3 && kl_is_digit(kl_ch(t, i))) {
        exponent = exponent * 10 + (unsigned)(kl_ch(t, i++) - '0');
    }
    if ((exponent != 8 && exponent != 11) || kl_is_alnum(kl_ch(t, i))) {
        return false;
    }
    unsigned n = mantissa(t, p, digits, &s);
    unsigned want = exponent + 1;
    for (unsigned k = want; k < n; k++) {
        if (digits[k] != '0') {
            return false; /* not a whole number */
        }
    }
    if (n < 3) {
        return false;
    }
    uint64_t v = scaled(digits, n < want ? n : want, want, &unit);
    uint64_t base = exponent == 11 ? 355000000000u : 0;
    /* do the numbers that were rounded or cut to this one reach into the mobile range? */
    if (v < base || v - base + unit < 672000000u || v - base >= 700000000u + unit / 2) {
        return false;
    }
    v -= base;
    for (unsigned k = 9; k-- > 0; v /= 10) {
        national[k] = (uint8_t)('0' + v % 10);
    }
    bool exact = n >= want;
    if (exact && !is_mobile(national)) {
        return false;
    }
    set_phone(t, s, i, national, 9, out);
    out->flags = exact ? 0 : KL_CAND_LOSSY;
    return true;
}
