#include "match/norm.h"

#include "base/fold.h"
#include "match/norm_words.h"
#include "match/scan_verify.h"

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

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#define ONES 0x0101010101010101ull
#define HIGH (0x80 * ONES)
#define QUICK_BYTES 48u

/* Bit 7 of each byte that lies in [from, upto]; all bytes are ASCII. */
static inline uint64_t bytes_in(uint64_t v, uint8_t from, uint8_t upto)
{
    return (v + (0x80u - from) * ONES) & ~(v + (0x7Fu - upto) * ONES) & HIGH;
}

/* Lower-case 8 bytes of ASCII in place. Bit i of the result: byte i is a letter or a digit. */
static inline uint64_t lower_eight(uint8_t *p)
{
    uint64_t v = load64(p) | 0x20 * ONES; /* digits have this bit anyway */
    uint64_t kept = bytes_in(v, 'a', 'z') | bytes_in(load64(p), '0', '9');
    memcpy(p, &v, sizeof v);
    return (kept >> 7) * 0x0102040810204080ull >> 56;
}

/* Lower-case ASCII text; the bit mask of its letters and digits. */
static inline uint64_t lower_all(uint8_t *p, size_t n)
{
    uint64_t kept = lower_eight(p) | lower_eight(p + 8) << 8;

    for (size_t i = 16; i < n; i += 8) {
        kept |= lower_eight(p + i) << i;
    }
    return kept;
}

/* ASCII out of ASCII, ë and ç, which are nearly all there is; SIZE_MAX when there is more. */
static size_t squeeze(struct kl_span text, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c >= 0x80) {
            uint8_t d = i + 1 < text.len ? text.ptr[i + 1] | 0x20 : 0;
            if (c != 0xC3 || (d != 0xAB && d != 0xA7)) {
                return SIZE_MAX;
            }
            c = d == 0xAB ? 'e' : 'c';
            i++;
        }
        out[n++] = c;
    }
    memset(out + n, 0, text.len - n);
    return n;
}

struct token {
    uint64_t head; /* its first 8 bytes: compares as they do */
    uint8_t at;
    uint8_t len;
};

/* The tokens of a mask into `tok`; their number, MAX_TOKENS + 1 when there are more. */
static inline size_t cut_tokens(const uint8_t *buf, uint64_t kept, struct token *tok)
{
    size_t n = 0;

    while (kept != 0) {
        unsigned at = (unsigned)__builtin_ctzll(kept);
        unsigned len = (unsigned)__builtin_ctzll(~(kept >> at)); /* at most 48: bit 63 is free */
        if (n == MAX_TOKENS) {
            return n + 1;
        }
        uint64_t head = load64(buf + at);
        head = len < 8 ? head & ((1ull << 8 * len) - 1) : head;
        tok[n++] = (struct token){__builtin_bswap64(head), (uint8_t)at, (uint8_t)len};
        kept &= ~0ull << at << len;
    }
    return n;
}

/*
 * Their order, by counting for each who comes before it: no branch depends on the words.
 * @return false when two long ones begin alike: not for the quick path
 */
static inline bool rank_tokens(const struct token *tok, size_t n, uint8_t *order)
{
    uint8_t rank[MAX_TOKENS] = {0};
    bool tie = false;

    for (size_t j = 1; j < n; j++) {
        unsigned before = 0;
        for (size_t i = 0; i < j; i++) {
            bool first = tok[i].head <= tok[j].head;
            before += first;
            rank[i] = (uint8_t)(rank[i] + !first);
            tie |= tok[i].head == tok[j].head && tok[i].len + tok[j].len > 16;
        }
        rank[j] = (uint8_t)before;
    }
    for (size_t i = 0; i < n; i++) {
        order[rank[i]] = (uint8_t)i;
    }
    return !tie;
}

/* Few short tokens of ASCII, ë and ç: no table, no second buffer. */
static bool quick_words(struct kl_span text, struct kl_norm *out)
{
    __attribute__((uninitialized)) uint8_t buf[QUICK_BYTES + 16]; /* tokens are copied by 16 */
    __attribute__((uninitialized)) struct token tok[MAX_TOKENS];
    __attribute__((uninitialized)) uint8_t order[MAX_TOKENS];
    uint64_t high = 0;

    out->n = 0;
    if (text.len == 0 || text.len > QUICK_BYTES) {
        return text.len == 0;
    }
    memset(buf, 0, sizeof buf);
    memcpy(buf, text.ptr, text.len);
    for (size_t i = 0; i < text.len; i += 8) {
        high |= load64(buf + i);
    }
    if ((high & HIGH) != 0 && squeeze(text, buf) == SIZE_MAX) {
        return false;
    }
    uint64_t kept = lower_all(buf, text.len);
    size_t n = cut_tokens(buf, kept, tok);
    if (n > MAX_TOKENS || !rank_tokens(tok, n, order)) {
        return false;
    }
    size_t len = 0;
    for (size_t k = 0; k < n; k++) {
        const struct token *t = &tok[order[k]];
        memcpy(out->bytes + len, buf + t->at, 16);
        if (t->len > 16) {
            memcpy(out->bytes + len + 16, buf + t->at + 16, t->len - 16u);
        }
        len += t->len;
        out->bytes[len++] = ' ';
    }
    out->n = (uint8_t)(len - (n > 0));
    return true;
}

void kl_norm_words(struct kl_span text, struct kl_norm *out)
{
    size_t n = kl_words_quick(text, out->bytes);

    if (n != SIZE_MAX) {
        out->n = (uint8_t)n;
    } else if (!quick_words(text, out)) {
        many_tokens(text, out);
    }
}

static inline bool all_digits(const uint8_t *p, size_t n)
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

/* One of the days that every such month has; 29 February is for the slow path. */
static bool is_usual_day(unsigned month, unsigned day)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month <= 12 && day - 1 < days[month];
}

/* "A11028261V" as registers write it. Dates are checked by the slow path only when needed. */
static bool nid_compact(struct kl_span c, struct kl_norm *out)
{
    if (c.len != 10 || (uint8_t)(c.ptr[0] - 'A') > 'T' - 'A' ||
        !kl_eight_digits(load64(c.ptr + 1)) || (uint8_t)(c.ptr[9] - 'A') > 'W' - 'A') {
        return false;
    }
    unsigned month = (unsigned)(c.ptr[2] - '0') * 10 + (unsigned)(c.ptr[3] - '0');
    unsigned day = (unsigned)(c.ptr[4] - '0') * 10 + (unsigned)(c.ptr[5] - '0');
    unsigned m = month > 50 ? month - 50 : month;
    m = m > 30 ? m - 30 : m;
    if (!is_usual_day(m, day)) {
        return false;
    }
    set(out, c.ptr, 9);
    return true;
}

static bool is_mobile(const uint8_t *d)
{
    return d[0] == '6' && d[1] >= '7' && (d[1] == '9' || d[2] >= '2');
}

/* "+355 69 123 4567", "069/12-34-567": one separator between groups, none in a trunk's first. */
static bool phone_grouped(struct kl_span c, struct kl_norm *out)
{
    size_t at = 1;
    size_t n = 0;
    bool gap = false;

    if (c.len > 4 && memcmp(c.ptr, "+355", 4) == 0) {
        at = 4;
    } else if (c.len < 11 || c.ptr[0] != '0' || !all_digits(c.ptr + 1, 2) || is_digit(c.ptr[3])) {
        return false;
    }
    for (size_t i = at; i < c.len; i++) {
        uint8_t b = c.ptr[i];
        if (is_digit(b) && n < 9) {
            out->bytes[n++] = b;
            gap = false;
        } else if ((b == ' ' || b == '-' || b == '/') && !gap) {
            gap = true;
        } else {
            return false;
        }
    }
    if (n != 9 || gap || !is_mobile(out->bytes)) {
        return false;
    }
    out->n = 9;
    return true;
}

static bool phone_compact(struct kl_span c, struct kl_norm *out)
{
    struct kl_span whole = c;

    if (c.len == 13 && memcmp(c.ptr, "+355", 4) == 0) {
        c = kl_span_part(c, 4, 13);
    } else if (c.len == 10 && c.ptr[0] == '0') {
        c = kl_span_part(c, 1, 10);
    }
    if (c.len != 9 || !kl_eight_digits(load64(c.ptr)) || !is_digit(c.ptr[8]) || !is_mobile(c.ptr)) {
        return phone_grouped(whole, out);
    }
    set(out, c.ptr, 9);
    return true;
}

uint64_t kl_norm_usual_date(struct kl_span c)
{
    if (c.len != 10) {
        return 0;
    }
    const uint8_t *p = c.ptr;
    unsigned year_at = 0;
    unsigned day_at = 8;
    if ((p[2] == '.' && p[5] == '.') || (p[2] == '/' && p[5] == '/')) {
        year_at = 6;
        day_at = 0;
    } else if (p[4] != '-' || p[7] != '-') {
        return 0;
    }
    const uint8_t *m = p + (year_at == 0 ? 5 : 3);
    const uint8_t *d = p + day_at;
    uint32_t year;
    memcpy(&year, p + year_at, sizeof year);
    uint64_t date = year | (uint64_t)m[0] << 32 | (uint64_t)m[1] << 40 | (uint64_t)d[0] << 48 |
                    (uint64_t)d[1] << 56;
    unsigned month = (unsigned)(m[0] - '0') * 10 + (unsigned)(m[1] - '0');
    unsigned day = (unsigned)(d[0] - '0') * 10 + (unsigned)(d[1] - '0');
    year = __builtin_bswap32(year);
    /* the scanner's years: the same value on both sides */
    bool is = kl_eight_digits(date) && is_usual_day(month, day) && year >= 0x31383530 &&
              year <= 0x32313530;
    return is ? date : 0;
}

static bool date_compact(struct kl_span c, struct kl_norm *out)
{
    uint64_t date = kl_norm_usual_date(c);

    memcpy(out->bytes, &date, sizeof date);
    out->n = date != 0 ? 8 : 0;
    return date != 0;
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
    if (cell.len > 0 && (cell.ptr[0] <= ' ' || cell.ptr[cell.len - 1] <= ' ')) {
        cell = kl_span_trim(cell);
    }
    if (cell.len == 0) {
        return true;
    }
    if (kl_type_is_words(t)) {
        kl_norm_words(cell, out);
        return out->n > 0;
    }
    return fast_form(t, cell, out) || slow_form(t, cell, out);
}
