#include "match/norm.h"

#include "base/fold.h"

#define MAX_TOKENS 16

static const struct {
    const char *name;
    enum kl_domain domain;
    enum kl_cand_kind cand;
} types[] = {
    [KL_TYPE_NONE] = {NULL, KL_DOMAIN_NONE, KL_CAND_NONE},
    [KL_TYPE_TEXT] = {"text", KL_DOMAIN_WORDS, KL_CAND_NONE},
    [KL_TYPE_GIVEN] = {"person.given", KL_DOMAIN_WORDS, KL_CAND_NONE},
    [KL_TYPE_FAMILY] = {"person.family", KL_DOMAIN_WORDS, KL_CAND_NONE},
    [KL_TYPE_FATHER] = {"person.father", KL_DOMAIN_WORDS, KL_CAND_NONE},
    [KL_TYPE_ORG] = {"org.name", KL_DOMAIN_WORDS, KL_CAND_NONE},
    [KL_TYPE_PLACE] = {"place", KL_DOMAIN_WORDS, KL_CAND_NONE},
    [KL_TYPE_NID] = {"al.nid", KL_DOMAIN_CODE, KL_CAND_NID},
    [KL_TYPE_NIPT] = {"al.nipt", KL_DOMAIN_CODE, KL_CAND_NIPT},
    [KL_TYPE_PHONE] = {"phone", KL_DOMAIN_PHONE, KL_CAND_PHONE},
    [KL_TYPE_PLATE] = {"al.plate", KL_DOMAIN_CODE, KL_CAND_PLATE},
    [KL_TYPE_DATE] = {"date", KL_DOMAIN_DATE, KL_CAND_DATE},
    [KL_TYPE_MONEY] = {"money", KL_DOMAIN_NUMBER, KL_CAND_NUMBER},
    [KL_TYPE_INT] = {"integer", KL_DOMAIN_NUMBER, KL_CAND_NUMBER},
    [KL_TYPE_CODE] = {"id", KL_DOMAIN_CODE, KL_CAND_CODE},
    [KL_TYPE_EMAIL] = {"email", KL_DOMAIN_EMAIL, KL_CAND_EMAIL},
    [KL_TYPE_IBAN] = {"iban", KL_DOMAIN_CODE, KL_CAND_IBAN},
};
#define N_TYPES (sizeof types / sizeof types[0])

const char *kl_type_name(enum kl_type t)
{
    return types[t].name;
}

enum kl_type kl_type_parse(struct kl_span name)
{
    for (size_t i = 1; i < N_TYPES; i++) {
        if (kl_span_is(name, types[i].name)) {
            return (enum kl_type)i;
        }
    }
    return KL_TYPE_NONE;
}

enum kl_domain kl_type_domain(enum kl_type t)
{
    return types[t].domain;
}

enum kl_cand_kind kl_type_cand(enum kl_type t)
{
    return types[t].cand;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_token_byte(uint8_t c)
{
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26 || c >= 0x80;
}

/* One all-letter ASCII token is the common cell: lower case is all there is to do. */
static bool one_ascii_token(struct kl_span text, struct kl_norm *out)
{
    uint8_t bad = 0;

    if (text.len > 31) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t lower = text.ptr[i] | 0x20;
        bad |= (uint8_t)((uint8_t)(lower - 'a') >= 26);
        out->bytes[i] = lower;
    }
    out->n = (uint8_t)text.len;
    return bad == 0;
}

/* Sort tokens by bytes; few, so insertion sort. */
static void sort_tokens(struct kl_span *tok, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct kl_span t = tok[i];
        size_t j = i;
        while (j > 0) {
            size_t shorter = t.len < tok[j - 1].len ? t.len : tok[j - 1].len;
            int c = memcmp(tok[j - 1].ptr, t.ptr, shorter);
            if (c < 0 || (c == 0 && tok[j - 1].len <= t.len)) {
                break;
            }
            tok[j] = tok[j - 1];
            j--;
        }
        tok[j] = t;
    }
}

/* Apart from the fast path: its buffers are zeroed on entry by the hardened build. */
__attribute__((noinline)) static void many_tokens(struct kl_span text, struct kl_norm *out)
{
    uint8_t folded[4 * KL_MAX_CELL_BYTES];
    struct kl_span tok[MAX_TOKENS];
    size_t n_tok = 0;

    out->n = 0;
    size_t n = kl_fold_text(kl_span_part(text, 0, KL_MAX_CELL_BYTES), folded, sizeof folded);
    for (size_t i = 0; i < n && n_tok < MAX_TOKENS;) {
        size_t from = i;
        while (i < n && is_token_byte(folded[i])) {
            i++;
        }
        if (i > from) {
            tok[n_tok++] = kl_span_make(folded + from, i - from);
        } else {
            i++;
        }
    }
    sort_tokens(tok, n_tok);
    for (size_t k = 0; k < n_tok; k++) {
        size_t need = tok[k].len + (out->n > 0);
        if (need > KL_MAX_CELL_BYTES - (size_t)out->n) {
            break;
        }
        if (out->n > 0) {
            out->bytes[out->n++] = ' ';
        }
        memcpy(out->bytes + out->n, tok[k].ptr, tok[k].len);
        out->n = (uint8_t)(out->n + tok[k].len);
    }
}

/* 0: a border; 1: not for the quick path; else the folded byte. */
static uint8_t quick_fold(struct kl_span text, size_t *at)
{
    uint8_t c = text.ptr[(*at)++];

    if (c < 0x80) {
        return is_token_byte(c) ? (is_digit(c) ? c : c | 0x20) : 0;
    }
    if (c == 0xC3 && *at < text.len) { /* the two Albanian letters are nearly all there is */
        uint8_t d = text.ptr[(*at)++] | 0x20;
        return d == 0xAB ? 'e' : d == 0xA7 ? 'c' : 1;
    }
    return 1;
}

/* Few short tokens of ASCII, ë and ç: no table, no second buffer. */
static bool few_tokens(struct kl_span text, struct kl_norm *out)
{
    __attribute__((uninitialized)) uint8_t folded[64];
    __attribute__((uninitialized)) struct kl_span tok[MAX_TOKENS];
    size_t n_tok = 0;
    size_t n = 0;
    size_t from = 0;

    if (text.len > 48) {
        return false;
    }
    for (size_t i = 0; i <= text.len;) {
        uint8_t c = 0;
        if (i < text.len) {
            c = quick_fold(text, &i);
        } else {
            i++;
        }
        if (c == 1) {
            return false;
        }
        if (c != 0) {
            folded[n++] = c;
        } else if (n > from) {
            if (n_tok == MAX_TOKENS) {
                return false;
            }
            tok[n_tok++] = kl_span_make(folded + from, n - from);
            from = n;
        }
    }
    sort_tokens(tok, n_tok);
    uint8_t len = 0;
    for (size_t k = 0; k < n_tok; k++) {
        if (k > 0) {
            out->bytes[len++] = ' ';
        }
        memcpy(out->bytes + len, tok[k].ptr, tok[k].len);
        len = (uint8_t)(len + tok[k].len);
    }
    out->n = len;
    return true;
}

void kl_norm_words(struct kl_span text, struct kl_norm *out)
{
    if (!one_ascii_token(text, out) && !few_tokens(text, out)) {
        many_tokens(text, out);
    }
}

static bool all_digits(const uint8_t *p, size_t n)
{
    uint8_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        bad |= (uint8_t)!is_digit(p[i]);
    }
    return bad == 0;
}

static void set(struct kl_norm *out, const uint8_t *p, size_t n)
{
    memcpy(out->bytes, p, n);
    out->n = (uint8_t)n;
}

/* "A11028261V" as registers write it. Dates are checked by the slow path only when needed. */
static bool nid_compact(struct kl_span c, struct kl_norm *out)
{
    if (c.len != 10 || (uint8_t)(c.ptr[0] - 'A') > 'T' - 'A' || !all_digits(c.ptr + 1, 8) ||
        (uint8_t)(c.ptr[9] - 'A') > 'W' - 'A') {
        return false;
    }
    unsigned month = (unsigned)(c.ptr[2] - '0') * 10 + (unsigned)(c.ptr[3] - '0');
    unsigned day = (unsigned)(c.ptr[4] - '0') * 10 + (unsigned)(c.ptr[5] - '0');
    unsigned m = month > 50 ? month - 50 : month;
    m = m > 30 ? m - 30 : m;
    if (m < 1 || m > 12 || day < 1 || day > 28) {
        return false; /* the slow path knows the calendar */
    }
    set(out, c.ptr, 9);
    return true;
}

static bool phone_compact(struct kl_span c, struct kl_norm *out)
{
    if (c.len == 13 && memcmp(c.ptr, "+355", 4) == 0) {
        c = kl_span_part(c, 4, 13);
    } else if (c.len == 10 && c.ptr[0] == '0') {
        c = kl_span_part(c, 1, 10);
    }
    if (c.len != 9 || c.ptr[0] != '6' || c.ptr[1] < '7' || !all_digits(c.ptr, 9) ||
        (c.ptr[1] != '9' && c.ptr[2] < '2')) {
        return false;
    }
    set(out, c.ptr, 9);
    return true;
}

static bool date_compact(struct kl_span c, struct kl_norm *out)
{
    uint8_t d[8];

    if (c.len != 10) {
        return false;
    }
    if (c.ptr[4] == '-' && c.ptr[7] == '-') {
        memcpy(d, c.ptr, 4);
        memcpy(d + 4, c.ptr + 5, 2);
        memcpy(d + 6, c.ptr + 8, 2);
    } else if ((c.ptr[2] == '.' && c.ptr[5] == '.') || (c.ptr[2] == '/' && c.ptr[5] == '/')) {
        memcpy(d, c.ptr + 6, 4);
        memcpy(d + 4, c.ptr + 3, 2);
        memcpy(d + 6, c.ptr, 2);
    } else {
        return false;
    }
    unsigned month = (unsigned)(d[4] - '0') * 10 + (unsigned)(d[5] - '0');
    unsigned day = (unsigned)(d[6] - '0') * 10 + (unsigned)(d[7] - '0');
    if (!all_digits(d, 8) || month - 1 > 11 || day - 1 > 27 || memcmp(d, "1850", 4) < 0 ||
        memcmp(d, "2150", 4) > 0) {
        return false; /* the scanner's years: the same value on both sides */
    }
    set(out, d, 8);
    return true;
}

static bool number_compact(struct kl_span c, struct kl_norm *out)
{
    if (c.len > 15 || !all_digits(c.ptr, c.len) || (c.ptr[0] == '0' && c.len > 1)) {
        return false;
    }
    set(out, c.ptr, c.len);
    return true;
}

static bool fast_form(enum kl_type t, struct kl_span c, struct kl_norm *out)
{
    enum kl_cand_kind cand = kl_type_cand(t);

    if (cand == KL_CAND_NID) {
        return nid_compact(c, out);
    }
    if (cand == KL_CAND_PHONE) {
        return phone_compact(c, out);
    }
    if (cand == KL_CAND_DATE) {
        return date_compact(c, out);
    }
    return cand == KL_CAND_NUMBER && number_compact(c, out);
}

__attribute__((noinline)) static bool slow_form(enum kl_type t, struct kl_span cell,
                                                struct kl_norm *out)
{
    struct kl_cand cand;

    out->n = 0;
    if (!kl_scan_cell(cell, kl_type_cand(t), &cand) || (cand.flags & KL_CAND_LOSSY) != 0) {
        return false;
    }
    set(out, cand.canon, cand.n_canon);
    return true;
}

bool kl_norm_cell(enum kl_type t, struct kl_span cell, struct kl_norm *out)
{
    out->n = 0;
    cell = kl_span_trim(cell);
    if (cell.len == 0) {
        return true;
    }
    if (kl_type_is_words(t)) {
        kl_norm_words(cell, out);
        return out->n > 0;
    }
    return fast_form(t, cell, out) || slow_form(t, cell, out);
}
