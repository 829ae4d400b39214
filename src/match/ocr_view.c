#include "match/ocr_view.h"

#include "match/scan_verify.h"

#define NID_CHARS 10u
#define MAX_READINGS 4u
#define DIGITS_LEAST 7u /* of a token that may be a phone number */
#define TOKEN_MOST 24u

/* What a character of a token may have been. */
struct confusion {
    uint8_t seen;
    char digit;          /* 0: never a digit */
    const char *letters; /* "" : never a letter */
};

static const struct confusion confusions[] = {
    {'0', '0', "OQD"}, {'1', '1', "IJLT"}, {'2', '2', "Z"},  {'3', '3', ""},   {'4', '4', "A"},
    {'5', '5', "S"},   {'6', '6', "G"},    {'7', '7', "T"},  {'8', '8', "B"},  {'9', '9', "G"},
    {'O', '0', "OQD"}, {'o', '0', "OQD"},  {'Q', '0', "QO"}, {'D', '0', "DO"}, {'I', '1', "ILJ"},
    {'l', '1', "LIJ"}, {'i', '1', "IJ"},   {'L', '1', "LI"}, {'J', '1', "JI"}, {'|', '1', "IJL"},
    {'!', '1', "IJ"},  {')', '1', "J"},    {']', '1', "J"},  {'}', '1', "J"},  {'(', '1', "C"},
    {'[', '1', "I"},   {'Z', '2', "Z"},    {'z', '2', "Z"},  {'S', '5', "S"},  {'s', '5', "S"},
    {'$', '5', "S"},   {'G', '6', "GC"},   {'b', '6', "B"},  {'T', '7', "TI"}, {'?', '7', "P"},
    {'/', '7', "T"},   {'B', '8', "BE"},   {'&', '8', "B"},  {'g', '9', "G"},  {'q', '9', "Q"},
    {'A', '4', "AR"},  {'U', 0, "UV"},     {'V', 0, "VU"},   {'C', '0', "CG"}, {'E', 0, "EF"},
    {'F', 0, "FE"},    {'H', 0, "HM"},     {'K', 0, "K"},    {'M', 0, "MH"},   {'N', 0, "NM"},
    {'P', 0, "PR"},    {'R', 0, "RP"},     {'W', 0, "WV"},
};

static const struct confusion *confusion_of(uint8_t c)
{
    for (size_t i = 0; i < sizeof confusions / sizeof confusions[0]; i++) {
        if (confusions[i].seen == c || (confusions[i].seen == kl_upper(c) && kl_is_alpha(c))) {
            return &confusions[i];
        }
    }
    return NULL;
}

size_t kl_ocr_view_max(size_t text_len)
{
    /* A token of ten characters and its border may bring MAX_READINGS of eleven. */
    return text_len + (text_len / NID_CHARS + 1) * MAX_READINGS * (NID_CHARS + 1);
}

struct writer {
    uint8_t *out;
    size_t len;
};

static void put(struct writer *w, const uint8_t *ptr, size_t len)
{
    memcpy(w->out + w->len, ptr, len);
    w->len += len;
}

static void put_reading(struct writer *w, const uint8_t *ptr, size_t len)
{
    w->out[w->len++] = '\t';
    put(w, ptr, len);
}

static bool is_nid(const uint8_t ten[static NID_CHARS])
{
    struct kl_cand c;

    return kl_verify_nid(kl_span_make(ten, NID_CHARS), 0, KL_WANT(KL_CAND_NID), &c) &&
           (c.flags & KL_CAND_CHECKED) != 0;
}

/* The readings of one first and last character each whose check letter is right. */
static unsigned nid_readings(struct kl_span token, uint8_t out[MAX_READINGS][NID_CHARS])
{
    const struct confusion *c[NID_CHARS];
    uint8_t ten[NID_CHARS];
    unsigned n = 0;

    for (size_t i = 0; i < NID_CHARS; i++) {
        c[i] = confusion_of(token.ptr[i]);
        if (c[i] == NULL || (i > 0 && i < NID_CHARS - 1 && c[i]->digit == 0)) {
            return 0;
        }
        ten[i] = (uint8_t)c[i]->digit;
    }
    uint8_t own = kl_upper(token.ptr[0]);
    for (size_t a = 0; a == 0 || c[0]->letters[a - 1] != '\0'; a++) {
        ten[0] = a == 0 ? own : (uint8_t)c[0]->letters[a - 1];
        for (const char *z = c[NID_CHARS - 1]->letters; *z != '\0' && n < MAX_READINGS; z++) {
            ten[NID_CHARS - 1] = (uint8_t)*z;
            if (is_nid(ten)) {
                memcpy(out[n++], ten, NID_CHARS);
            }
        }
    }
    return n;
}

/* A token of digits with a few letters that look like digits, as one number. */
static bool is_number(struct kl_span token, uint8_t *out)
{
    size_t digits = 0;

    if (token.len < DIGITS_LEAST) {
        return false;
    }
    for (size_t i = 0; i < token.len; i++) {
        const struct confusion *c = confusion_of(token.ptr[i]);
        bool plus = i == 0 && token.ptr[i] == '+';
        if (!plus && (c == NULL || c->digit == 0)) {
            return false;
        }
        digits += kl_is_digit(token.ptr[i]);
        out[i] = plus ? '+' : (uint8_t)c->digit;
    }
    return digits < token.len && digits * 3 >= token.len * 2;
}

static void add_readings(struct writer *w, struct kl_span token)
{
    uint8_t nids[MAX_READINGS][NID_CHARS];
    uint8_t number[TOKEN_MOST];

    if (token.len == NID_CHARS && !is_nid(token.ptr)) {
        unsigned n = nid_readings(token, nids);
        for (unsigned i = 0; i < n; i++) {
            put_reading(w, nids[i], NID_CHARS);
        }
        if (n > 0) {
            return;
        }
    }
    if (token.len <= TOKEN_MOST && is_number(token, number)) {
        put_reading(w, number, token.len);
    }
}

static bool is_border(uint8_t c)
{
    return c <= ' ' || c == ',' || c == ';' || c >= 0x80;
}

size_t kl_ocr_view(struct kl_span text, uint8_t *out)
{
    struct writer w = {out, 0};
    size_t at = 0;

    while (at < text.len) {
        size_t from = at;
        while (at < text.len && is_border(text.ptr[at])) {
            at++;
        }
        put(&w, text.ptr + from, at - from);
        from = at;
        while (at < text.len && !is_border(text.ptr[at])) {
            at++;
        }
        struct kl_span token = kl_span_part(text, from, at);
        put(&w, token.ptr, token.len);
        if (token.len >= DIGITS_LEAST && token.len <= TOKEN_MOST) {
            add_readings(&w, token);
        }
    }
    return w.len;
}
