#include "match/scan_verify.h"

bool kl_date_canon(unsigned year, unsigned month, unsigned day, struct kl_cand *out)
{
    if (year < 1850 || year > 2150 || day == 0 || day > kl_month_days(year, month)) {
        return false;
    }
    unsigned v = year * 10000u + month * 100u + day;
    for (unsigned i = 8; i-- > 0; v /= 10) {
        out->canon[i] = (uint8_t)('0' + v % 10);
    }
    out->n_canon = 8;
    return true;
}

/* Digits from i on, at most max + 1. */
static unsigned run_at(struct kl_span t, size_t i, unsigned max, unsigned *out_value)
{
    unsigned n = 0;
    unsigned v = 0;
    while (n <= max && kl_is_digit(kl_ch(t, i + n))) {
        v = v * 10 + (unsigned)(kl_ch(t, i + n) - '0');
        n++;
    }
    *out_value = v;
    return n;
}

/* Start of the digits that end in front of `end`; at most max + 1 of them. */
static size_t run_before(struct kl_span t, size_t end, unsigned max)
{
    size_t s = end;
    while (end - s <= max && kl_is_digit(kl_ch(t, s - 1))) {
        s--;
    }
    return s;
}

/* Of two digits: until 30 it is this century (a decision; docs/LIMITS.md). */
static unsigned full_year(unsigned value, unsigned n_digits)
{
    if (n_digits == 4) {
        return value;
    }
    return value > 30 ? 1900 + value : 2000 + value;
}

/* What follows a date must not make it part of something longer; a time may follow. */
static bool date_ends(struct kl_span t, size_t e, uint8_t sep)
{
    uint8_t c = kl_ch(t, e);
    uint8_t d = kl_ch(t, e + 1);
    if (c == 'T') {
        return kl_is_digit(d);
    }
    return !kl_is_alnum(c) && !(c == sep && kl_is_alnum(d));
}

static bool date_starts(struct kl_span t, size_t s, uint8_t sep)
{
    uint8_t c = kl_ch(t, s - 1);
    return !kl_is_alnum(c) && !(c == sep && kl_is_alnum(kl_ch(t, s - 2)));
}

bool kl_verify_date(struct kl_span t, size_t p, struct kl_cand *out)
{
    uint8_t sep = kl_ch(t, p);
    unsigned v[3] = {0, 0, 0};
    size_t mid = run_before(t, p, 2);
    unsigned n_mid = run_at(t, mid, 2, &v[1]);
    size_t s = run_before(t, mid - 1, 4);
    unsigned n_first = run_at(t, s, 4, &v[0]);
    unsigned n_last = run_at(t, p + 1, 4, &v[2]);
    size_t e = p + 1 + n_last;

    if (!(sep == '.' || sep == '/' || sep == '-') || kl_ch(t, mid - 1) != sep || n_mid < 1 ||
        n_mid > 2 || n_first < 1 || n_last < 1 || !date_starts(t, s, sep) ||
        !date_ends(t, e, sep)) {
        return false;
    }
    kl_cand_set(out, KL_CAND_DATE, s, e, 0);
    if (n_first == 4 && n_last <= 2) {
        return kl_date_canon(v[0], v[1], v[2], out);
    }
    if (n_first > 2 || (n_last != 4 && n_last != 2)) {
        return false;
    }
    unsigned year = full_year(v[2], n_last);
    if (kl_date_canon(year, v[1], v[0], out)) {
        return true;
    }
    /* 3/25/1984 can only be American */
    return sep == '/' && kl_date_canon(year, v[0], v[1], out);
}

/* Months by name, folded; Albanian and English, full and short. */
static unsigned month_of(const uint8_t *word, unsigned n)
{
    static const struct {
        char name[10];
        uint8_t month;
    } months[] = {
        {"janar", 1},     {"shkurt", 2},   {"mars", 3},      {"prill", 4},    {"maj", 5},
        {"qershor", 6},   {"korrik", 7},   {"gusht", 8},     {"shtator", 9},  {"tetor", 10},
        {"nentor", 11},   {"dhjetor", 12}, {"jan", 1},       {"shk", 2},      {"mar", 3},
        {"pri", 4},       {"qer", 6},      {"kor", 7},       {"gus", 8},      {"gsh", 8},
        {"sht", 9},       {"tet", 10},     {"nen", 11},      {"dhj", 12},     {"january", 1},
        {"february", 2},  {"march", 3},    {"april", 4},     {"may", 5},      {"june", 6},
        {"july", 7},      {"august", 8},   {"september", 9}, {"october", 10}, {"november", 11},
        {"december", 12}, {"feb", 2},      {"apr", 4},       {"jun", 6},      {"jul", 7},
        {"aug", 8},       {"sep", 9},      {"sept", 9},      {"oct", 10},     {"nov", 11},
        {"dec", 12},
    };
    for (size_t i = 0; i < sizeof months / sizeof months[0]; i++) {
        if (strlen(months[i].name) == n && memcmp(months[i].name, word, n) == 0) {
            return months[i].month;
        }
    }
    return 0;
}

/* Month named by the word that ends in front of `end`; *out_start is where it begins. */
static unsigned month_before(struct kl_span t, size_t end, size_t *out_start)
{
    uint8_t word[10];
    unsigned n = 0;
    size_t s = end;

    while (end - s < 12 && (kl_is_alpha(kl_ch(t, s - 1)) || kl_ch(t, s - 1) >= 0x80)) {
        s--;
    }
    for (size_t i = s; i < end; i++) {
        uint8_t c = kl_ch(t, i);
        if (c == 0xc3 && (kl_ch(t, i + 1) | 0x20) == 0xab) {
            c = 'e'; /* ë and Ë */
            i++;
        }
        if (n == sizeof word || c >= 0x80) {
            return 0;
        }
        word[n++] = kl_lower(c);
    }
    *out_start = s;
    return n < 3 ? 0 : month_of(word, n);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == ',' || c == '-' || c == '.' || c == '/';
}

/* Back over one or two blanks. */
static size_t blanks_before(struct kl_span t, size_t i)
{
    for (unsigned k = 0; k < 2 && is_blank(kl_ch(t, i - 1)); k++) {
        i--;
    }
    return i;
}

/* The year begins at y and has n digits. */
static bool month_date(struct kl_span t, size_t y, unsigned n, struct kl_cand *out)
{
    unsigned value = 0;
    unsigned day = 0;
    size_t word = 0;

    if (run_at(t, y, 4, &value) != n || kl_is_alpha(kl_ch(t, y + n))) {
        return false;
    }
    unsigned year = full_year(value, n);
    if (year < 1850 || year > 2150) {
        return false;
    }
    size_t end = blanks_before(t, y);
    unsigned month = end == y ? 0 : month_before(t, end, &word);
    if (month != 0) { /* 12 Mars 1984 */
        size_t day_end = blanks_before(t, word);
        size_t s = run_before(t, day_end, 2);
        unsigned n_day = run_at(t, s, 2, &day);
        if (day_end == word || n_day < 1 || n_day > 2 || kl_is_alnum(kl_ch(t, s - 1))) {
            return false;
        }
        kl_cand_set(out, KL_CAND_DATE, s, y + n, 0);
        return kl_date_canon(year, month, day, out);
    }
    size_t s = run_before(t, end, 2); /* March 12, 1984 */
    unsigned n_day = end - s <= 2 ? run_at(t, s, 2, &day) : 0;
    size_t word_end = n_day == 0 ? s : blanks_before(t, s);
    if (word_end == s || end == y) {
        return false;
    }
    month = month_before(t, word_end, &word);
    kl_cand_set(out, KL_CAND_DATE, word, y + n, 0);
    return month != 0 && kl_date_canon(year, month, day, out);
}

bool kl_verify_month(struct kl_span t, size_t p, struct kl_cand *out)
{
    if (p >= 3 && kl_is_digit(kl_ch(t, p - 3)) && kl_is_digit(kl_ch(t, p - 2))) {
        return month_date(t, p - 3, 4, out);
    }
    if (p < 1) {
        return false;
    }
    /* 12-MAR-84, and 12-MAR-1984 seen at its second digit */
    return month_date(t, p - 1, kl_is_digit(kl_ch(t, p + 1)) ? 4 : 2, out);
}
