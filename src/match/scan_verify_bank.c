#include "match/scan_verify.h"

/* Lengths by country, SWIFT registry v101; those above 31 bytes do not fit a canon and are left
 * out. */
static unsigned iban_bytes(uint8_t a, uint8_t b)
{
    static const char table[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18"
        "FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LI21"
        "LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24"
        "RS22SA24SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";
    for (size_t i = 0; i + 3 < sizeof table; i += 4) {
        if ((uint8_t)table[i] == a && (uint8_t)table[i + 1] == b) {
            return (unsigned)(table[i + 2] - '0') * 10u + (unsigned)(table[i + 3] - '0');
        }
    }
    return 0;
}

static bool iban_mod97_is_right(const uint8_t *canon, unsigned n)
{
    unsigned rest = 0;
    for (unsigned k = 0; k < n; k++) {
        uint8_t c = canon[(k + 4) % n];
        rest = kl_is_digit(c) ? (rest * 10 + (unsigned)(c - '0')) % 97
                              : (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
    }
    return rest == 1;
}

/* Albania: the eighth digit of bank and branch is their own check digit. */
static bool iban_al_is_right(const uint8_t *canon)
{
    static const uint8_t weight[7] = {9, 7, 3, 1, 9, 7, 3};
    unsigned sum = 0;
    for (unsigned i = 4; i < 12; i++) {
        if (!kl_is_digit(canon[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < 7; i++) {
        sum += weight[i] * (unsigned)(canon[4 + i] - '0');
    }
    return (10 - sum % 10) % 10 == (unsigned)(canon[11] - '0');
}

bool kl_verify_iban(struct kl_span t, size_t s, struct kl_cand *out)
{
    uint8_t canon[31] = {0};
    uint8_t a = kl_upper(kl_ch(t, s));
    uint8_t b = kl_upper(kl_ch(t, s + 1));
    size_t i = s;
    unsigned n = iban_bytes(a, b);
    unsigned k = 0;

    if (n == 0 || kl_is_alnum(kl_ch(t, s - 1))) {
        return false;
    }
    for (k = 0; k < n; k++) {
        uint8_t c = kl_ch(t, i);
        if (k > 0 && k % 4 == 0 && (c == ' ' || c == '-')) {
            c = kl_ch(t, ++i);
        }
        if (!kl_is_alnum(c) || ((k == 2 || k == 3) && !kl_is_digit(c))) {
            return false;
        }
        canon[k] = kl_upper(c);
        i++;
    }
    if (kl_is_alnum(kl_ch(t, i))) {
        return false;
    }
    bool right = iban_mod97_is_right(canon, n);
    bool al = a == 'A' && b == 'L';
    if (al) {
        right = right && iban_al_is_right(canon);
    } else if (!right) {
        return false; /* a foreign shape alone is any code */
    }
    kl_cand_set(out, KL_CAND_IBAN, s, i, right ? KL_CAND_CHECKED : KL_CAND_WRONG);
    memcpy(out->canon, canon, n);
    out->n_canon = (uint8_t)n;
    return true;
}

static bool luhn_is_right(const uint8_t *digits, unsigned n)
{
    unsigned sum = 0;
    for (unsigned k = 0; k < n; k++) {
        unsigned d = (unsigned)(digits[n - 1 - k] - '0');
        if (k % 2 == 1) {
            d = d > 4 ? 2 * d - 9 : 2 * d;
        }
        sum += d;
    }
    return sum % 10 == 0;
}

/* Issuer ranges by the first four digits, and the lengths they are issued with (bit n). */
static bool card_issuer_is_known(const uint8_t *d, unsigned n)
{
    static const struct {
        uint16_t first;
        uint16_t last;
        uint32_t lengths;
    } issuers[] = {
        {2221, 2720, 1u << 16},
        {3000, 3059, 1u << 14 | 1u << 16},
        {3400, 3499, 1u << 15},
        {3528, 3589, 15u << 16},
        {3600, 3699, 1u << 14 | 1u << 16},
        {3700, 3799, 1u << 15},
        {3800, 3999, 1u << 14 | 1u << 16},
        {4000, 4999, 1u << 13 | 1u << 16 | 1u << 19},
        {5000, 5099, 127u << 13},
        {5100, 5599, 1u << 16},
        {5600, 5899, 127u << 13},
        {6000, 6199, 127u << 13},
        {6200, 6299, 15u << 16},
        {6300, 6399, 127u << 13},
        {6440, 6599, 15u << 16},
        {6700, 6799, 127u << 13},
    };
    unsigned four = 0;
    for (unsigned i = 0; i < 4; i++) {
        four = four * 10 + (unsigned)(d[i] - '0');
    }
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        if (four >= issuers[i].first && four <= issuers[i].last) {
            return (issuers[i].lengths >> n & 1) != 0;
        }
    }
    return false;
}

static bool card_groups_are_right(const uint8_t *groups, unsigned n_groups)
{
    if (n_groups == 1) {
        return true;
    }
    if (n_groups == 3) {
        return groups[0] == 4 && groups[1] == 6 && (groups[2] == 4 || groups[2] == 5);
    }
    for (unsigned g = 0; g + 1 < n_groups; g++) {
        if (groups[g] != 4) {
            return false;
        }
    }
    return groups[n_groups - 1] <= 4;
}

/* The digits from s on, in groups parted by the same gap. */
struct card {
    uint8_t digit[19];
    uint8_t size[6]; /* digits in each group */
    size_t group_end[6];
    unsigned n_groups;
};

static void card_read(struct kl_span t, size_t s, struct card *out)
{
    size_t i = s;
    uint8_t gap = 0;
    unsigned n = 0;

    *out = (struct card){.n_groups = 1};
    while (n < sizeof out->digit) {
        uint8_t c = kl_ch(t, i);
        if ((c == ' ' || c == '-') && n > 0 && out->n_groups < 6 && (gap == 0 || gap == c) &&
            kl_is_digit(kl_ch(t, i + 1))) {
            gap = c;
            out->n_groups++;
            c = kl_ch(t, ++i);
        }
        if (!kl_is_digit(c)) {
            break;
        }
        out->digit[n++] = c;
        out->size[out->n_groups - 1]++;
        out->group_end[out->n_groups - 1] = ++i;
    }
}

bool kl_verify_card(struct kl_span t, size_t s, struct kl_cand *out)
{
    struct card card;
    uint8_t before = kl_ch(t, s - 1);

    if (kl_is_alnum(before) || !kl_is_digit(kl_ch(t, s)) ||
        ((before == '.' || before == '-') && kl_is_digit(kl_ch(t, s - 2)))) {
        return false;
    }
    card_read(t, s, &card);
    /* the groups at the end may be the next column: try with fewer */
    for (unsigned g = card.n_groups; g > 0; g--) {
        size_t end = card.group_end[g - 1];
        uint8_t after = kl_ch(t, end);
        unsigned n = 0;
        for (unsigned k = 0; k < g; k++) {
            n += card.size[k];
        }
        if (n >= 13 && !kl_is_alnum(after) && !(after == '.' && kl_is_digit(kl_ch(t, end + 1))) &&
            card_groups_are_right(card.size, g) && card_issuer_is_known(card.digit, n) &&
            luhn_is_right(card.digit, n)) {
            kl_cand_set(out, KL_CAND_CARD, s, end, KL_CAND_CHECKED);
            memcpy(out->canon, card.digit, n);
            out->n_canon = (uint8_t)n;
            return true;
        }
    }
    return false;
}

/* Machine-readable zones, ICAO 9303 parts 3 to 6. */
static bool is_mrz_char(uint8_t c)
{
    return kl_is_digit(c) || (c >= 'A' && c <= 'Z') || c == '<';
}

static unsigned mrz_value(uint8_t c)
{
    return kl_is_digit(c) ? (unsigned)(c - '0') : c == '<' ? 0 : (unsigned)(c - 'A') + 10u;
}

static unsigned mrz_sum(struct kl_span t, size_t from, unsigned n, unsigned *k)
{
    static const uint8_t weight[3] = {7, 3, 1};
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += weight[(*k)++ % 3] * mrz_value(kl_ch(t, from + i));
    }
    return sum;
}

static bool mrz_digit_is_right(struct kl_span t, size_t from, unsigned n)
{
    unsigned k = 0;
    uint8_t c = kl_ch(t, from + n);
    return kl_is_digit(c) && mrz_sum(t, from, n, &k) % 10 == (unsigned)(c - '0');
}

/* The line of MRZ characters around p: its start and length; 0 when it is longer than 44. */
static unsigned mrz_line(struct kl_span t, size_t p, size_t *out_start)
{
    size_t s = p;
    size_t e = p;
    while (p - s < 45 && is_mrz_char(kl_ch(t, s - 1))) {
        s--;
    }
    while (e - s < 46 && is_mrz_char(kl_ch(t, e))) {
        e++;
    }
    *out_start = s;
    return e - s > 44 ? 0 : (unsigned)(e - s);
}

static size_t skip_line_end(struct kl_span t, size_t i)
{
    i += kl_ch(t, i) == '\r' ? 1 : 0;
    return kl_ch(t, i) == '\n' ? i + 1 : 0;
}

/* Two lines of 36 or 44 whose first is at s: number, birth and expiry stand in the second. */
static bool mrz_two_lines(struct kl_span t, size_t s, unsigned n, struct kl_cand *out)
{
    size_t two = skip_line_end(t, s + n);
    size_t start = 0;
    if (two == 0 || kl_is_digit(kl_ch(t, s)) || mrz_line(t, two, &start) != n || start != two) {
        return false;
    }
    bool parts = mrz_digit_is_right(t, two, 9) && mrz_digit_is_right(t, two + 13, 6) &&
                 mrz_digit_is_right(t, two + 21, 6);
    unsigned k = 0;
    unsigned sum = mrz_sum(t, two, 10, &k) + mrz_sum(t, two + 13, 7, &k);
    sum += mrz_sum(t, two + 21, n - 1 - 21, &k);
    if (!parts) {
        return false;
    }
    bool whole = sum % 10 == mrz_value(kl_ch(t, two + n - 1));
    kl_cand_set(out, KL_CAND_MRZ, s, two + n, whole ? KL_CAND_CHECKED : KL_CAND_WRONG);
    for (unsigned i = 0; i < 9 && kl_ch(t, two + i) != '<'; i++) {
        out->canon[out->n_canon++] = kl_ch(t, two + i);
    }
    return out->n_canon > 0;
}

static bool mrz_three_lines(struct kl_span t, size_t s, struct kl_cand *out)
{
    size_t two = skip_line_end(t, s + 30);
    size_t three = two == 0 ? 0 : skip_line_end(t, two + 30);
    size_t start = 0;
    if (three == 0 || mrz_line(t, two, &start) != 30 || start != two ||
        mrz_line(t, three, &start) != 30 || start != three) {
        return false;
    }
    if (!mrz_digit_is_right(t, s + 5, 9) || !mrz_digit_is_right(t, two, 6) ||
        !mrz_digit_is_right(t, two + 8, 6)) {
        return false;
    }
    unsigned k = 0;
    unsigned sum = mrz_sum(t, s + 5, 25, &k) + mrz_sum(t, two, 7, &k);
    sum += mrz_sum(t, two + 8, 7, &k);
    sum += mrz_sum(t, two + 18, 11, &k);
    bool whole = sum % 10 == mrz_value(kl_ch(t, two + 29));
    kl_cand_set(out, KL_CAND_MRZ, s, three + 30, whole ? KL_CAND_CHECKED : KL_CAND_WRONG);
    for (unsigned i = 0; i < 9 && kl_ch(t, s + 5 + i) != '<'; i++) {
        out->canon[out->n_canon++] = kl_ch(t, s + 5 + i);
    }
    return out->n_canon > 0;
}

/* Start of the MRZ line of n bytes that ends in front of s, or s when there is none. */
static size_t line_before(struct kl_span t, size_t s, unsigned n)
{
    size_t start = 0;
    size_t end = s - 1;
    if (kl_ch(t, end) != '\n') {
        return s;
    }
    end -= kl_ch(t, end - 1) == '\r' ? 1 : 0;
    return end >= n && mrz_line(t, end - 1, &start) == n ? start : s;
}

bool kl_verify_mrz(struct kl_span t, size_t p, struct kl_cand *out)
{
    size_t s = 0;
    unsigned n = mrz_line(t, p, &s);

    if (n == 36 || n == 44) {
        return mrz_two_lines(t, s, n, out) || mrz_two_lines(t, line_before(t, s, n), n, out);
    }
    if (n != 30) {
        return false;
    }
    size_t one = line_before(t, s, 30);
    return mrz_three_lines(t, s, out) || mrz_three_lines(t, one, out) ||
           mrz_three_lines(t, line_before(t, one, 30), out);
}
