#include "extract/jet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CALCULATED_HEAD 20u
#define DAY_1970 25569 /* days from 1899-12-30 to 1970-01-01 */

static uint64_t le64(const uint8_t *p)
{
    return kl_jet_le32(p) | (uint64_t)kl_jet_le32(p + 4) << 32;
}

static double real64(const uint8_t *p)
{
    uint64_t bits = le64(p);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The shortest decimal that is this number in single precision. */
static double real32(const uint8_t *p)
{
    uint32_t bits = kl_jet_le32(p);
    char text[32];
    float v;
    memcpy(&v, &bits, sizeof v);
    (void)snprintf(text, sizeof text, "%.7g", (double)v);
    float back = strtof(text, NULL);
    return back >= v && back <= v ? strtod(text, NULL) : (double)v;
}

/* Latin-1 and UTF-16 by turns; a zero byte changes over. */
static void put_compressed(struct kl_jet *j, struct kl_span s)
{
    bool is_wide = false;

    for (size_t at = 0; at < s.len;) {
        size_t end = at;
        if (is_wide) {
            while (s.len - end >= 2 && s.ptr[end] != 0) {
                end += 2;
            }
            kl_dbrow_wide(&j->row, kl_span_part(s, at, end), false);
            end += s.len - end == 1 && s.ptr[end] != 0;
        } else {
            const uint8_t *zero = memchr(s.ptr + at, 0, s.len - at);
            end = zero != NULL ? (size_t)(zero - s.ptr) : s.len;
            kl_dbrow_latin(&j->row, kl_span_part(s, at, end));
        }
        at = end + 1;
        is_wide = !is_wide;
    }
}

void kl_jet_text_put(struct kl_jet *j, struct kl_span text)
{
    if (j->is_jet3) {
        kl_dbrow_text(&j->row, text);
    } else if (text.len >= 2 && text.ptr[0] == 0xFF && text.ptr[1] == 0xFE) {
        put_compressed(j, kl_span_part(text, 2, text.len));
    } else {
        kl_dbrow_wide(&j->row, text, false);
    }
}

/* Days and their fraction; before 1899-12-30 the fraction still counts forward. */
static void put_date(struct kl_jet *j, double v)
{
    if (!(v > -657435.0 && v < 2958466.0)) {
        kl_dbrow_real(&j->row, v);
        return;
    }
    double day = trunc(v);
    unsigned seconds = (unsigned)(fabs(v - day) * 86400 + 0.5);
    int64_t days = (int64_t)day - DAY_1970;
    if (seconds >= 86400) {
        days++;
        seconds = 0;
    }
    kl_dbrow_date(&j->row, days, seconds);
}

/* Sign, then 128 bits as four words, the highest first, each little-endian. */
static void put_numeric(struct kl_jet *j, const uint8_t *p, unsigned scale)
{
    unsigned __int128 v = 0;
    char out[48];
    size_t at = sizeof out;
    unsigned decimals = scale <= 28 ? scale : 0;

    for (unsigned i = 0; i < 4; i++) {
        v = v << 32 | kl_jet_le32(p + 1 + (size_t)4 * i);
    }
    bool is_negative = v != 0 && (p[0] & 0x80) != 0;
    while (decimals > 0 && v % 10 == 0) {
        v /= 10;
        decimals--;
    }
    for (unsigned n = 0; v > 0 || n <= decimals; n++) {
        if (n == decimals && n > 0) {
            out[--at] = '.';
        }
        out[--at] = (char)('0' + (unsigned)(v % 10));
        v /= 10;
    }
    if (is_negative) {
        out[--at] = '-';
    }
    kl_dbrow_latin(&j->row, kl_span_make(out + at, sizeof out - at));
}

static void put_guid(struct kl_jet *j, const uint8_t *p)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            kl_dbrow_text(&j->row, KL_SPAN_LIT("-"));
        }
        kl_dbrow_hex(&j->row, kl_span_make(p + order[i], 1));
    }
}

/* Days since year 1, ticks of 100 ns: digits with a colon between. */
static void put_date_ext(struct kl_jet *j, struct kl_span v)
{
    uint64_t part[2] = {0, 0};
    unsigned k = 0;

    for (size_t i = 0; i < v.len && k < 2; i++) {
        if (v.ptr[i] >= '0' && v.ptr[i] <= '9' && part[k] < UINT64_MAX / 16) {
            part[k] = part[k] * 10 + v.ptr[i] - '0';
        } else {
            k++;
        }
    }
    uint64_t seconds = part[1] / 10000000;
    if (part[0] > 0 && part[0] < 3652060 && seconds < 86400) {
        kl_dbrow_date(&j->row, (int64_t)part[0] - 719163 + 1, (unsigned)seconds);
    } else {
        kl_dbrow_text(&j->row, v);
    }
}

/* Bytes that a type needs; 0: any number. */
static unsigned least_of(enum kl_jet_type type)
{
    static const uint8_t least[] = {
        [KL_JET_BYTE] = 1,    [KL_JET_INT16] = 2,    [KL_JET_INT32] = 4,    [KL_JET_MONEY] = 8,
        [KL_JET_FLOAT] = 4,   [KL_JET_DOUBLE] = 8,   [KL_JET_DATE] = 8,     [KL_JET_GUID] = 16,
        [KL_JET_MEMO] = 12,   [KL_JET_OLE] = 12,     [KL_JET_NUMERIC] = 17, [KL_JET_INT64] = 8,
        [KL_JET_COMPLEX] = 4, [KL_JET_DATE_EXT] = 0,
    };
    return (size_t)type < sizeof least ? least[type] : 0;
}

enum kl_rc kl_jet_cell_put(struct kl_jet *j, const struct kl_jet_column *c, struct kl_span value)
{
    const uint8_t *p = value.ptr;
    enum kl_jet_type type = (enum kl_jet_type)c->type;

    if (c->is_calculated && type != KL_JET_TEXT) {
        j->has_raw = true; /* derived from other columns; how depends on its type */
        return KL_OK;
    }
    if (c->is_calculated && value.len >= CALCULATED_HEAD) {
        uint32_t len = kl_jet_le32(p + CALCULATED_HEAD - 4);
        value = kl_span_part(value, CALCULATED_HEAD, value.len);
        value = kl_span_part(value, 0, len);
        p = value.ptr;
    }
    if (value.len < least_of(type)) {
        j->has_raw = true;
        return KL_OK;
    }
    switch (type) {
    case KL_JET_BYTE:
        kl_dbrow_int(&j->row, p[0]);
        break;
    case KL_JET_INT16:
        kl_dbrow_int(&j->row, (int16_t)kl_jet_le16(p));
        break;
    case KL_JET_INT32:
    case KL_JET_COMPLEX:
        kl_dbrow_int(&j->row, (int32_t)kl_jet_le32(p));
        break;
    case KL_JET_INT64:
        kl_dbrow_int(&j->row, (int64_t)le64(p));
        break;
    case KL_JET_MONEY:
        kl_dbrow_decimal(&j->row, (int64_t)le64(p), 4);
        break;
    case KL_JET_FLOAT:
        kl_dbrow_real(&j->row, real32(p));
        break;
    case KL_JET_DOUBLE:
        kl_dbrow_real(&j->row, real64(p));
        break;
    case KL_JET_DATE:
        put_date(j, real64(p));
        break;
    case KL_JET_DATE_EXT:
        put_date_ext(j, value);
        break;
    case KL_JET_NUMERIC:
        put_numeric(j, p, c->scale);
        break;
    case KL_JET_GUID:
        put_guid(j, p);
        break;
    case KL_JET_TEXT:
        kl_jet_text_put(j, value);
        break;
    case KL_JET_MEMO:
    case KL_JET_OLE:
        return kl_jet_long_put(j, c, value);
    case KL_JET_NONE:
    case KL_JET_BOOL:
    case KL_JET_BINARY:
    default:
        j->has_raw = value.len > 0;
        break;
    }
    return KL_OK;
}
