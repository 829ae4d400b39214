#include "extract/codepage.h"

#include "base/fold.h"
#include "extract/codepage_table.h"

#define REPLACEMENT 0xFFFDu
#define N_NAMES (sizeof(codepage_names) / sizeof(codepage_names[0]))

/* ---- which one ---- */

static struct kl_codepage from_table(const struct codepage_name *n)
{
    static const uint16_t latin[] = {1250, 1252, 28591, 28592, 28605};
    struct kl_codepage set = {n->whole != 0 ? KL_CODEPAGE_WHOLE : KL_CODEPAGE_SINGLE, n->place,
                              false};
    for (size_t i = 0; i < N_NAMES; i++) {
        const struct codepage_name *own = &codepage_names[i];
        for (size_t k = 0; own->whole == n->whole && own->place == n->place && k < 5; k++) {
            set.is_latin = set.is_latin || own->number == latin[k];
        }
    }
    return set;
}

struct kl_codepage kl_codepage_by_name(struct kl_span name)
{
    static const struct {
        const char *name;
        enum kl_codepage_kind kind;
    } wide[] = {
        {"utf8", KL_CODEPAGE_UTF8},          {"usascii", KL_CODEPAGE_UTF8},
        {"ascii", KL_CODEPAGE_UTF8},         {"utf7", KL_CODEPAGE_UTF7},
        {"unicode11utf7", KL_CODEPAGE_UTF7}, {"utf16", KL_CODEPAGE_UTF16},
        {"utf16be", KL_CODEPAGE_UTF16BE},    {"utf16le", KL_CODEPAGE_UTF16LE},
        {"unicode", KL_CODEPAGE_UTF16LE},    {"ucs2", KL_CODEPAGE_UTF16},
    };
    char plain[40];
    size_t n = 0;

    for (size_t i = 0; i < name.len && n < sizeof(plain) - 1; i++) {
        uint8_t c = name.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
        if ((uint8_t)(c - 'a') < 26 || (uint8_t)(c - '0') < 10) {
            plain[n++] = (char)c;
        }
    }
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        if (strcmp(plain, wide[i].name) == 0) {
            return (struct kl_codepage){wide[i].kind, 0, false};
        }
    }
    for (size_t i = 0; i < N_NAMES; i++) {
        if (strcmp(plain, codepage_names[i].name) == 0) {
            return from_table(&codepage_names[i]);
        }
    }
    return (struct kl_codepage){KL_CODEPAGE_UNKNOWN, 0, false};
}

struct kl_codepage kl_codepage_by_number(unsigned number)
{
    enum kl_codepage_kind kind = number == 65001 || number == 20127 ? KL_CODEPAGE_UTF8
                                 : number == 65000                  ? KL_CODEPAGE_UTF7
                                 : number == 1200                   ? KL_CODEPAGE_UTF16LE
                                 : number == 1201                   ? KL_CODEPAGE_UTF16BE
                                                                    : KL_CODEPAGE_UNKNOWN;
    for (size_t i = 0; i < N_NAMES && number != 0; i++) {
        if (codepage_names[i].number == number) {
            return from_table(&codepage_names[i]);
        }
    }
    return (struct kl_codepage){kind, 0, false};
}

/* ---- decoding ---- */

static size_t put_unit(struct kl_decoder *d, uint32_t unit, uint8_t *out)
{
    size_t n = 0;

    if (d->high != 0 && (unit & 0xFC00) == 0xDC00) {
        unit = 0x10000 + ((d->high & 0x3FFu) << 10 | (unit & 0x3FF));
        d->high = 0;
        return kl_utf8_put(unit, out);
    }
    if (d->high != 0) {
        n = kl_utf8_put(REPLACEMENT, out);
        d->high = 0;
    }
    if ((unit & 0xFC00) == 0xD800) {
        d->high = (uint16_t)unit;
        return n;
    }
    return n + kl_utf8_put((unit & 0xFC00) == 0xDC00 ? REPLACEMENT : unit, out + n);
}

/* A mark, or a letter of Latin-1. Until there is one: big-endian (RFC 2781, 4.3). */
static bool is_big(struct kl_decoder *d, uint32_t a, uint32_t b)
{
    if (d->set.kind == KL_CODEPAGE_UTF16 && ((a == 0xFF && b == 0xFE) || (a != 0 && b == 0))) {
        d->set.kind = KL_CODEPAGE_UTF16LE;
    } else if (d->set.kind == KL_CODEPAGE_UTF16 && a == 0 && b != 0) {
        d->set.kind = KL_CODEPAGE_UTF16BE;
    }
    return d->set.kind != KL_CODEPAGE_UTF16LE;
}

static size_t add_16(struct kl_decoder *d, struct kl_span in, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        if (!d->has_odd) {
            d->odd = in.ptr[i];
            d->has_odd = true;
            continue;
        }
        uint32_t a = d->odd;
        uint32_t b = in.ptr[i];
        d->has_odd = false;
        n += put_unit(d, is_big(d, a, b) ? a << 8 | b : b << 8 | a, out + n);
    }
    return n;
}

static int base64_value(uint8_t c)
{
    if ((uint8_t)(c - 'A') < 26) {
        return c - 'A';
    }
    if ((uint8_t)(c - 'a') < 26) {
        return c - 'a' + 26;
    }
    if ((uint8_t)(c - '0') < 10) {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 2152: +base64 of UTF-16-, "+-" is a plus. */
static size_t add_7(struct kl_decoder *d, struct kl_span in, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        int v = base64_value(c);
        if (d->is_shifted && v >= 0) {
            d->is_first = false;
            d->bits = d->bits << 6 | (uint32_t)v;
            d->n_bits = (uint8_t)(d->n_bits + 6);
            if (d->n_bits >= 16) {
                d->n_bits = (uint8_t)(d->n_bits - 16);
                n += put_unit(d, d->bits >> d->n_bits & 0xFFFF, out + n);
            }
            continue;
        }
        if (d->is_shifted) {
            d->is_shifted = false;
            d->n_bits = 0;
            if (d->is_first && c == '-') {
                out[n++] = '+';
            }
            if (c == '-') {
                continue;
            }
        }
        if (c == '+') {
            d->is_shifted = true;
            d->is_first = true;
        } else {
            n += kl_utf8_put(c < 0x80 ? c : REPLACEMENT, out + n);
        }
    }
    return n;
}

static size_t add_single(const struct kl_codepage *set, struct kl_span in, uint8_t *out)
{
    const uint16_t *whole = codepage_whole[0];
    const uint16_t *upper = codepage_upper[0];
    size_t n = 0;

    if (set->kind == KL_CODEPAGE_WHOLE) {
        whole = codepage_whole[set->place];
        for (size_t i = 0; i < in.len; i++) {
            uint32_t c = whole[in.ptr[i]];
            n += kl_utf8_put(c == 0x85 ? '\n' : c, out + n);
        }
        return n;
    }
    upper = codepage_upper[set->place];
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        if (c < 0x80) {
            out[n++] = c;
        } else {
            n += kl_utf8_put(upper[c - 128], out + n);
        }
    }
    return n;
}

size_t kl_decoder_add(struct kl_decoder *d, struct kl_span in, uint8_t *out)
{
    switch (d->set.kind) {
    case KL_CODEPAGE_UTF7:
        return add_7(d, in, out);
    case KL_CODEPAGE_UTF16LE:
    case KL_CODEPAGE_UTF16BE:
    case KL_CODEPAGE_UTF16:
        return add_16(d, in, out);
    case KL_CODEPAGE_SINGLE:
    case KL_CODEPAGE_WHOLE:
        return add_single(&d->set, in, out);
    case KL_CODEPAGE_UNKNOWN:
    case KL_CODEPAGE_UTF8:
        break;
    }
    if (in.len > 0) {
        memcpy(out, in.ptr, in.len);
    }
    return in.len;
}
