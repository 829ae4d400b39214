#include "match/scan_verify.h"

static unsigned check_value(uint8_t c)
{
    if (kl_is_digit(c)) {
        return (unsigned)(c - '0');
    }
    c = kl_upper(c);
    return c >= 'A' && c <= 'V' ? (unsigned)(c - 'A' + 1) : 0;
}

static unsigned check_rest(const uint8_t nine[static 9])
{
    unsigned sum = check_value(nine[0]);
    for (unsigned i = 1; i < 9; i++) {
        sum += i * check_value(nine[i]);
    }
    return sum % 23;
}

/* The same when nine[1..8] are digits and nine[0] is a digit or an upper-case letter. */
static unsigned check_rest_digits(const uint8_t nine[static 9])
{
    const uint64_t every_other = 0x00FF00FF00FF00FFull;
    uint64_t w;

    memcpy(&w, nine + 1, sizeof w);
    w &= 0x0F0F0F0F0F0F0F0Full;
    /* a product's top 16 bits are the sum of four digits, each times its place */
    uint64_t sum = ((w & every_other) * 0x0001000300050007ull >> 48) +
                   ((w >> 8 & every_other) * 0x0002000400060008ull >> 48);
    return (unsigned)(sum + nine[0] - (nine[0] <= '9' ? '0' : 'A' - 1u)) % 23;
}

char kl_al_check_letter(const uint8_t nine[static 9])
{
    return "WABCDEFGHIJKLMNOPQRSTUV"[check_rest(nine)];
}

static bool letter_is_right(unsigned rest, uint8_t letter)
{
    /* Remainder 0 is W in old NIPT and A in those from 2012 on: both are in use. */
    letter = kl_upper(letter);
    return letter == (uint8_t) "WABCDEFGHIJKLMNOPQRSTUV"[rest] || (rest == 0 && letter == 'A');
}

bool kl_al_check_is_right(const uint8_t nine[static 9], uint8_t letter)
{
    return letter_is_right(check_rest(nine), letter);
}

unsigned kl_month_days(unsigned year, unsigned month)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month > 12) {
        return 0;
    }
    return days[month] + (month == 2 && leap ? 1u : 0u);
}

static unsigned two_digits(const uint8_t *p)
{
    return (unsigned)(p[0] - '0') * 10u + (unsigned)(p[1] - '0');
}

static bool nid_date_is_valid(const uint8_t nine[static 9])
{
    unsigned decade = kl_is_digit(nine[0]) ? 1800u + 10u * (unsigned)(nine[0] - '0')
                                           : 1900u + 10u * (unsigned)(nine[0] - 'A');
    unsigned year = decade + (unsigned)(nine[1] - '0');
    unsigned month = two_digits(nine + 2);
    unsigned day = two_digits(nine + 4);
    month -= month > 50 ? 50 : 0; /* women */
    month -= month > 30 ? 30 : 0; /* foreign residents */
    if (day - 1 < 28 && month - 1 < 12) {
        return true;
    }
    return month >= 1 && day >= 1 && day <= kl_month_days(year, month);
}

static bool is_nid_sep(uint8_t c)
{
    return c == ' ' || c == '-' || c == '.' || c == '/';
}

/* The eight digits behind the decade; bit k of *out_seps: a separator stands before digit k.
 * @return offset behind the last digit, 0 when there are not eight */
static size_t nid_digits(struct kl_span t, size_t i, uint8_t out[static 8], unsigned *out_seps,
                         bool *out_soft)
{
    *out_seps = 0;
    *out_soft = true;
    if (i < t.len && t.len - i >= 8) {
        uint64_t w;
        memcpy(&w, t.ptr + i, sizeof w);
        if (kl_eight_digits(w)) {
            memcpy(out, t.ptr + i, 8);
            return i + 8;
        }
    }
    for (unsigned k = 0; k < 8; k++) {
        uint8_t c = kl_ch(t, i);
        if (is_nid_sep(c)) {
            *out_soft = *out_soft && (c == ' ' || c == '-');
            *out_seps |= 1u << k;
            c = kl_ch(t, ++i);
        }
        if (!kl_is_digit(c)) {
            return 0;
        }
        out[k] = c;
        i++;
    }
    return i;
}

/* "e 10.12.2020" and "a 2020-12-01" are an article and a date, not a NID without its letter. */
static bool looks_like_article_and_date(struct kl_span t, size_t s, unsigned seps)
{
    bool parted = (seps & ~1u) == (1u << 2 | 1u << 4) || (seps & ~1u) == (1u << 4 | 1u << 6);
    bool lower = kl_ch(t, s) >= 'a';
    return parted || (lower && (seps & 1u) != 0);
}

struct nid_tail {
    size_t end;
    uint8_t letter; /* 0: none */
};

static bool nid_tail(struct kl_span t, size_t s, size_t i, const uint8_t nine[static 9],
                     unsigned seps, struct nid_tail *out)
{
    uint8_t c = kl_ch(t, i);
    uint8_t d = kl_ch(t, i + 1);

    *out = (struct nid_tail){i, 0};
    if (kl_is_digit(c)) {
        return false;
    }
    if (kl_is_alpha(c)) {
        *out = (struct nid_tail){i + 1, c};
        return !kl_is_alnum(d);
    }
    if (is_nid_sep(c) && kl_is_alpha(d) && !kl_is_alnum(kl_ch(t, i + 2))) {
        /* A letter standing apart is the check letter when it is right, or when it is written
         * as the first one is; "A12345678 e" is followed by an article. */
        bool same_case = (d >= 'a') == (kl_ch(t, s) >= 'a');
        bool date = looks_like_article_and_date(t, s, seps);
        if (kl_al_check_is_right(nine, d) || (seps != 0 && same_case && !date)) {
            *out = (struct nid_tail){i + 2, d};
            return true;
        }
    }
    return !(is_nid_sep(c) && c != ' ' && kl_is_alnum(d));
}

static unsigned nid_flags(uint8_t letter, bool right)
{
    if (letter == 0) {
        return KL_CAND_PARTIAL;
    }
    return right ? KL_CAND_CHECKED : KL_CAND_WRONG;
}

/* 0-9: 1800s … 1890s; A-T: 1900s … 2090s. */
static bool is_decade(uint8_t c)
{
    return kl_is_digit(c) || (c >= 'A' && c <= 'T');
}

bool kl_verify_nid(struct kl_span t, size_t s, uint32_t want, struct kl_cand *out)
{
    uint8_t nine[9];
    unsigned seps = 0;
    bool soft = false;
    struct nid_tail tail;
    uint8_t first = kl_upper(kl_ch(t, s));
    bool old = kl_is_digit(first);

    if (!is_decade(first) || kl_is_alnum(kl_ch(t, s - 1))) {
        return false;
    }
    nine[0] = first;
    size_t i = nid_digits(t, s + 1, nine + 1, &seps, &soft);
    if (i == 0 || !nid_tail(t, s, i, nine, seps, &tail)) {
        return false;
    }
    if (tail.letter == 0 && (!soft || looks_like_article_and_date(t, s, seps))) {
        return false;
    }
    bool right = tail.letter != 0 && letter_is_right(check_rest_digits(nine), tail.letter);
    if (old && (seps != 0 || !right)) {
        return false; /* nobody born before 1900 is alive: only the full form counts */
    }
    bool person = (want & KL_WANT(KL_CAND_NID)) != 0 && nid_date_is_valid(nine);
    bool company = (want & KL_WANT(KL_CAND_NIPT)) != 0 && !old && tail.letter != 0;
    if (!person && !company) {
        return false;
    }
    kl_cand_set(out, person ? KL_CAND_NID : KL_CAND_NIPT, s, tail.end,
                nid_flags(tail.letter, right));
    memcpy(out->canon, nine, sizeof nine);
    out->n_canon = sizeof nine;
    return true;
}

/* Districts of the plates of 1993-2011, sorted. */
static bool is_district(uint8_t a, uint8_t b)
{
    static const char codes[] = "BCBRBZDIDLDRDVELERFRGJGRHSKJKOKRKUKVLALBLELUMKMMMRMTPGPQPRPUSHSKSR"
                                "TPTRVL";
    for (size_t i = 0; i + 1 < sizeof codes; i += 2) {
        if ((uint8_t)codes[i] == a && (uint8_t)codes[i + 1] == b) {
            return true;
        }
    }
    return false;
}

static bool is_plate_gap(uint8_t c)
{
    return c == ' ' || c == '-';
}

/* Not inside a longer word; bytes of a letter with a mark count as one. */
static bool is_plate_border(uint8_t c)
{
    return !kl_is_alnum(c) && c < 0x80;
}

/* n letters of one case and a border. */
static bool plate_tail(struct kl_span t, size_t i, unsigned n, bool lower, uint8_t *out)
{
    for (unsigned k = 0; k < n; k++) {
        uint8_t c = kl_ch(t, i + k);
        if (!kl_is_alpha(c) || (c >= 'a') != lower) {
            return false;
        }
        out[k] = kl_upper(c);
    }
    return is_plate_border(kl_ch(t, i + n));
}

bool kl_verify_plate(struct kl_span t, size_t s, struct kl_cand *out)
{
    uint8_t canon[7];
    uint8_t a = kl_ch(t, s);
    uint8_t b = kl_ch(t, s + 1);
    size_t i = s + 2;
    unsigned n_digits = 0;

    if (!kl_is_alpha(a) || !kl_is_alpha(b) || (a >= 'a') != (b >= 'a') ||
        !is_plate_border(kl_ch(t, s - 1))) {
        return false;
    }
    bool parted = is_plate_gap(kl_ch(t, i));
    i += parted ? 1 : 0;
    canon[0] = kl_upper(a);
    canon[1] = kl_upper(b);
    while (n_digits < 4 && kl_is_digit(kl_ch(t, i))) {
        canon[2 + n_digits++] = kl_ch(t, i++);
    }
    if (n_digits < 3 || kl_is_digit(kl_ch(t, i))) {
        return false;
    }
    i += is_plate_gap(kl_ch(t, i)) ? 1 : 0;
    unsigned n_tail = n_digits == 3 ? 2 : 1;
    if (!plate_tail(t, i, n_tail, a >= 'a', canon + 2 + n_digits)) {
        return false;
    }
    i += n_tail;
    if (n_digits == 4 && !is_district(canon[0], canon[1])) {
        return false;
    }
    if (n_digits == 3 && parted && a >= 'b') {
        return false; /* "of 200 in" is prose; the series of 2011 began with A */
    }
    kl_cand_set(out, KL_CAND_PLATE, s, i, 0);
    memcpy(out->canon, canon, sizeof canon);
    out->n_canon = sizeof canon;
    return true;
}

bool kl_verify_code(struct kl_span t, size_t p, struct kl_cand *out)
{
    size_t s = p;
    size_t e = p + 1;
    unsigned n_digits = 0;

    while (p - s < 32 && kl_is_alpha(kl_ch(t, s - 1))) {
        s--;
    }
    if (kl_is_alnum(kl_ch(t, s - 1)) || !kl_is_digit(kl_ch(t, p))) {
        return false;
    }
    while (e - s < 32 && kl_is_alnum(kl_ch(t, e))) {
        e++;
    }
    if (e - s < 4 || e - s > 31) {
        return false;
    }
    kl_cand_set(out, KL_CAND_CODE, s, e, 0);
    for (size_t i = s; i < e; i++) {
        uint8_t c = kl_ch(t, i);
        n_digits += kl_is_digit(c) ? 1 : 0;
        out->canon[i - s] = kl_upper(c);
    }
    out->n_canon = (uint8_t)(e - s);
    return n_digits >= 4;
}

static bool is_local_char(uint8_t c)
{
    return kl_is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

static bool is_domain_char(uint8_t c)
{
    return kl_is_alnum(c) || c == '.' || c == '-';
}

/* An address longer than canon: its first 15 bytes and 16 hex digits of FNV-1a over all of it. */
static void email_canon(struct kl_span t, size_t s, size_t e, struct kl_cand *out)
{
    uint64_t h = 0xcbf29ce484222325ull;
    size_t n = e - s;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = kl_lower(kl_ch(t, s + i));
        h = (h ^ c) * 0x100000001b3ull;
        if (i < (n > sizeof out->canon ? 15u : sizeof out->canon)) {
            out->canon[i] = c;
        }
    }
    out->n_canon = (uint8_t)n;
    if (n > sizeof out->canon) {
        for (unsigned i = 0; i < 16; i++) {
            out->canon[15 + i] = (uint8_t) "0123456789abcdef"[h >> (60 - 4 * i) & 15];
        }
        out->n_canon = 31;
    }
}

/* Offset behind the domain that starts at s; 0 when it is none. */
static size_t domain_end(struct kl_span t, size_t s)
{
    size_t e = s;
    size_t dot = 0; /* the last one with something behind it */
    while (e - s < 190 && is_domain_char(kl_ch(t, e)) &&
           !(kl_ch(t, e) == '.' && !kl_is_alnum(kl_ch(t, e + 1)))) {
        dot = kl_ch(t, e) == '.' ? e : dot;
        e++;
    }
    if (dot == 0 || e - s >= 190 || e - dot - 1 < 2 || e - dot - 1 > 24) {
        return 0;
    }
    for (size_t i = dot + 1; i < e; i++) {
        if (!kl_is_alpha(kl_ch(t, i))) {
            return 0;
        }
    }
    return e;
}

bool kl_verify_email(struct kl_span t, size_t p, struct kl_cand *out)
{
    size_t s = p;

    while (p - s < 65 && is_local_char(kl_ch(t, s - 1))) {
        s--;
    }
    if (p - s > 64) {
        return false;
    }
    while (s < p && (kl_ch(t, s) == '.' || kl_ch(t, s) == '-')) {
        s++;
    }
    if (s == p || kl_ch(t, p) != '@' || kl_ch(t, p - 1) == '.' || !kl_is_alnum(kl_ch(t, p + 1))) {
        return false;
    }
    size_t e = domain_end(t, p + 1);
    if (e == 0) {
        return false;
    }
    kl_cand_set(out, KL_CAND_EMAIL, s, e, 0);
    email_canon(t, s, e, out);
    return true;
}
