#include "extract/xlsx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "extract/civil.h"

#define SAFE_DIGITS 15u  /* decimal digits that every double keeps */
#define MAX_EXACT 1e21   /* integers below are written without exponent */
#define LAST_DAY 2958465 /* 9999-12-31 */

/* Integers are copied; decimals of up to 15 digits are their own shortest form. */
static bool is_shortest(struct kl_span raw)
{
    size_t at = raw.len > 0 && raw.ptr[0] == '-';
    size_t digits = 0;
    size_t dot = 0;
    if (at == raw.len || raw.ptr[at] == '.' || raw.len > 64) {
        return false;
    }
    for (; at < raw.len; at++) {
        if (raw.ptr[at] == '.' && dot == 0) {
            dot = at;
        } else if (raw.ptr[at] >= '0' && raw.ptr[at] <= '9') {
            digits++;
        } else {
            return false;
        }
    }
    return dot == 0 ||
           (digits <= SAFE_DIGITS && raw.ptr[raw.len - 1] != '0' && raw.ptr[raw.len - 1] != '.');
}

/* A plain decimal number of C, no blanks, no "inf", no hex. */
static bool parse(struct kl_span raw, double *out_v)
{
    char text[64];
    raw = kl_span_trim(raw);
    if (raw.len == 0 || raw.len >= sizeof text) {
        return false;
    }
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.ptr[i];
        if ((c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && (c | 32) != 'e') {
            return false;
        }
    }
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = 0;
    char *end = NULL;
    *out_v = strtod(text, &end);
    return end == text + raw.len && isfinite(*out_v);
}

static size_t print_shortest(double v, char *out, size_t cap)
{
    int digits = 15;
    for (; digits < 17; digits++) {
        (void)snprintf(out, cap, "%.*e", digits - 1, v);
        if (strtod(out, NULL) >= v && strtod(out, NULL) <= v) {
            break;
        }
    }
    (void)snprintf(out, cap, "%.*e", digits - 1, v);
    const char *e = strchr(out, 'e');
    int exp10 = e != NULL ? (int)strtol(e + 1, NULL, 10) : 0;
    if (exp10 < -15 || exp10 > 20) {
        return (size_t)snprintf(out, cap, "%.*g", digits, v);
    }
    int decimals = digits - 1 - exp10;
    int n = snprintf(out, cap, "%.*f", decimals > 0 ? decimals : 0, v);
    size_t len = n > 0 && (size_t)n < cap ? (size_t)n : 0;
    if (decimals > 0) {
        while (len > 1 && out[len - 1] == '0') {
            len--;
        }
        len -= len > 1 && out[len - 1] == '.';
    }
    return len;
}

size_t kl_xlsx_number(struct kl_span raw, uint8_t *dst)
{
    double v;
    if (is_shortest(raw)) {
        memcpy(dst, raw.ptr, raw.len);
        return raw.len;
    }
    if (!parse(raw, &v)) {
        /* Not a number: what stands there may still be a value someone put there. */
        size_t len = raw.len < KL_XLSX_NUMBER_BYTES ? raw.len : KL_XLSX_NUMBER_BYTES;
        memcpy(dst, raw.ptr, len);
        return len;
    }
    return kl_xlsx_number_of(v, dst);
}

size_t kl_xlsx_number_of(double v, uint8_t *dst)
{
    char text[KL_XLSX_NUMBER_BYTES];
    size_t len;
    if (fabs(v) < MAX_EXACT && floor(v) >= v) {
        int n = snprintf(text, sizeof text, "%.0f", v);
        len = n > 0 ? (size_t)n : 0;
    } else {
        len = print_shortest(v, text, sizeof text);
    }
    memcpy(dst, text, len);
    return len;
}

size_t kl_xlsx_date(struct kl_span raw, bool is_1904, uint8_t *dst)
{
    double v;
    return parse(raw, &v) ? kl_xlsx_date_of(v, is_1904, dst) : 0;
}

size_t kl_xlsx_date_of(double v, bool is_1904, uint8_t *dst)
{
    if (!(v >= (is_1904 ? 0 : 1) && v < LAST_DAY + 1)) {
        return 0;
    }
    int64_t day = (int64_t)v;
    int64_t second = (int64_t)((v - (double)day) * 86400 + 0.5);
    if (second >= 86400) {
        day++;
        second = 0;
    }
    int ymd[3] = {1900, 2, 29}; /* day 60 never was, but is shown so */
    if (is_1904) {
        kl_civil(day - 24107, ymd);
    } else if (day != 60) {
        kl_civil(day - (day < 60 ? 25568 : 25569), ymd);
    }
    char text[KL_XLSX_NUMBER_BYTES];
    int n = snprintf(text, sizeof text, "%04d-%02d-%02d", ymd[0], ymd[1], ymd[2]);
    if (second > 0) {
        int s = (int)second;
        n = snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", ymd[0], ymd[1], ymd[2],
                     s / 3600, s / 60 % 60, s % 60);
    }
    memcpy(dst, text, (size_t)n);
    return (size_t)n;
}
