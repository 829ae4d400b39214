#include "match/scan.h"

#include "match/scan_verify.h"

static bool covers(struct kl_span cell, const struct kl_cand *c)
{
    return c->at == 0 && c->len == cell.len;
}

static bool phone_cell(struct kl_span cell, struct kl_cand *out)
{
    size_t skipped = 0;
    struct kl_span t = cell;

    if (kl_ch(t, 0) == '\'') { /* the spreadsheet's mark for text */
        skipped = 1;
    } else if (t.len > 4 && memcmp(t.ptr, "tel:", 4) == 0) {
        skipped = 4;
    }
    t = kl_span_trim(kl_span_part(t, skipped, t.len));
    for (size_t i = 0; i < t.len && i < 16; i++) {
        uint8_t c = kl_ch(t, i);
        if ((c == '6' && kl_verify_mobile(t, i, out) && covers(t, out)) ||
            ((c == '0' || c == '3') && kl_verify_fixed(t, i, out) && covers(t, out)) ||
            ((c | 0x20) == 'e' && kl_verify_float(t, i, out) && covers(t, out))) {
            out->len = (uint16_t)cell.len;
            return true;
        }
    }
    return false;
}

/* "00:00", " 12:30:00.000Z", "T10:00:00+02:00", " 1:05 PM" or nothing. */
static bool is_time(struct kl_span t, size_t i)
{
    if (i == t.len) {
        return true;
    }
    if (t.len - i == 1 && kl_ch(t, i) == '.') {
        return true;
    }
    if (kl_ch(t, i) != ' ' && kl_ch(t, i) != 'T' && kl_ch(t, i) != ',') {
        return false;
    }
    for (; i < t.len; i++) {
        uint8_t c = kl_ch(t, i);
        if (!kl_is_digit(c) && (c == 0 || strchr(" ,.:TZ+-APMapm", c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* A day number of Excel: 1 is 1 January 1900, and its 29 February 1900 (60) never was. */
static bool serial_date(unsigned serial, struct kl_cand *out)
{
    unsigned year = 1900;
    if (serial == 0 || serial == 60 || serial > 80000) {
        return false;
    }
    unsigned left = serial > 60 ? serial - 1 : serial;
    for (;;) {
        unsigned in_year = kl_month_days(year, 2) + 337;
        if (left <= in_year) {
            break;
        }
        left -= in_year;
        year++;
    }
    unsigned month = 1;
    while (left > kl_month_days(year, month)) {
        left -= kl_month_days(year, month++);
    }
    return kl_date_canon(year, month, left, out);
}

/* 19840312, or a serial with an optional fraction (the time of day). */
static bool digits_date(struct kl_span t, struct kl_cand *out)
{
    unsigned value = 0;
    size_t n = 0;
    while (n < 9 && kl_is_digit(kl_ch(t, n))) {
        value = value * 10 + (unsigned)(kl_ch(t, n++) - '0');
    }
    if (n == 8 && n == t.len) {
        return kl_date_canon(value / 10000, value / 100 % 100, value % 100, out);
    }
    if (n == 0 || n > 5 || (kl_ch(t, 0) == '0' && n > 1)) {
        return false;
    }
    if (n < t.len) {
        if (kl_ch(t, n) != '.' || n + 1 == t.len) {
            return false;
        }
        for (size_t i = n + 1; i < t.len; i++) {
            if (!kl_is_digit(kl_ch(t, i))) {
                return false;
            }
        }
    }
    return serial_date(value, out);
}

static bool date_cell(struct kl_span t, struct kl_cand *out)
{
    for (size_t i = 3; i < t.len && i < 9; i++) {
        uint8_t c = kl_ch(t, i);
        if ((c == '.' || c == '/' || c == '-') && kl_verify_date(t, i, out) && out->at == 0 &&
            is_time(t, out->len)) {
            out->len = (uint16_t)t.len;
            return true;
        }
    }
    for (size_t i = 6; i < t.len && i < 32; i++) {
        if (kl_is_digit(kl_ch(t, i)) && kl_is_digit(kl_ch(t, i - 1)) &&
            kl_verify_month(t, i, out) && out->at == 0 && is_time(t, out->len)) {
            out->len = (uint16_t)t.len;
            return true;
        }
    }
    kl_cand_set(out, KL_CAND_DATE, 0, t.len, 0);
    return digits_date(t, out);
}

static bool is_currency(struct kl_span word)
{
    static const char names[][8] = {"all", "lek", "leke", "lekë",        "l", "eur", "euro", "usd",
                                    "€",   "$",   "£",    "lek\xc3\x8b", "-", "+",   ""};
    uint8_t low[8];
    if (word.len >= sizeof low) {
        return false;
    }
    for (size_t i = 0; i < word.len; i++) {
        low[i] = kl_lower(word.ptr[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (kl_span_is(kl_span_make(low, word.len), names[i])) {
            return true;
        }
    }
    return false;
}

/* A number with an optional sign and currency around it; the sign is not part of canon. */
static bool number_cell(struct kl_span t, struct kl_cand *out)
{
    size_t s = 0;
    while (s < t.len && !kl_is_digit(kl_ch(t, s))) {
        s++;
    }
    if (s == t.len || !is_currency(kl_span_trim(kl_span_part(t, 0, s)))) {
        return false;
    }
    size_t e = t.len;
    while (e > s && !kl_is_digit(kl_ch(t, e - 1))) {
        e--;
    }
    if (!is_currency(kl_span_trim(kl_span_part(t, e, t.len)))) {
        return false;
    }
    struct kl_span digits = kl_span_part(t, s, e);
    if (!kl_verify_number(digits, 0, 1, out) || !covers(digits, out)) {
        return false;
    }
    out->len = (uint16_t)t.len;
    return true;
}

static bool email_cell(struct kl_span t, struct kl_cand *out)
{
    const uint8_t *sign = memchr(t.ptr, '@', t.len);
    return sign != NULL && kl_verify_email(t, (size_t)(sign - t.ptr), out) && covers(t, out);
}

static bool code_cell(struct kl_span t, struct kl_cand *out)
{
    size_t i = 0;
    while (i < t.len && kl_is_alpha(kl_ch(t, i))) {
        i++;
    }
    return kl_verify_code(t, i, out) && covers(t, out);
}

static bool cell_is(struct kl_span t, enum kl_cand_kind kind, struct kl_cand *out)
{
    switch (kind) {
    case KL_CAND_NID:
    case KL_CAND_NIPT:
        return kl_verify_nid(t, 0, KL_WANT(kind), out) && covers(t, out);
    case KL_CAND_PHONE:
        return phone_cell(t, out);
    case KL_CAND_PLATE:
        return kl_verify_plate(t, 0, out) && covers(t, out);
    case KL_CAND_IBAN:
        return kl_verify_iban(t, 0, out) && covers(t, out);
    case KL_CAND_EMAIL:
        return email_cell(t, out);
    case KL_CAND_DATE:
        return date_cell(t, out);
    case KL_CAND_NUMBER:
        return number_cell(t, out);
    case KL_CAND_CODE:
        return code_cell(t, out);
    case KL_CAND_CARD:
        return kl_verify_card(t, 0, out) && covers(t, out);
    case KL_CAND_MRZ: /* several lines: never one cell */
    case KL_CAND_NONE:
        break;
    }
    return false;
}

bool kl_scan_cell(struct kl_span cell, enum kl_cand_kind kind, struct kl_cand *out)
{
    struct kl_span t = kl_span_trim(cell);
    if (t.len == 0 || t.len > 64 || !cell_is(t, kind, out)) {
        return false;
    }
    out->at = (uint32_t)(t.ptr - cell.ptr);
    out->len = (uint16_t)t.len;
    return true;
}
