#include "extract/run.h"

#include "base/hex.h"
#include "extract/glance.h"

#define SRC_BYTES 16384u
#define LINE_LEAST 40u  /* characters: a shorter line is not continued on the next one */
#define GAP_MOST 4u     /* characters between two pairs of hex digits */
#define PAIR_LETTERS 4u /* unbroken, in front of and in a pair of hex digits: "0x4A" */
#define NO_CHAR (-1)

/* Characters of the input, one at a time, with a few of look-ahead. */
struct src {
    const struct kl_input *in;
    unsigned step;
    unsigned phase;
    struct kl_span win; /* what is known of the input: buf, or the caller's */
    uint64_t base;      /* input offset of win */
    uint64_t at;        /* input offset of the next character */
    uint64_t end;
    bool bad;
    uint8_t buf[SRC_BYTES];
};

static void src_init(struct src *s, const struct kl_input *in, const struct kl_run *run,
                     struct kl_span known, uint64_t at, uint64_t end)
{
    s->in = in;
    s->step = run->step;
    s->phase = run->phase;
    s->win = known;
    s->base = at;
    s->at = at;
    s->end = end;
    s->bad = false;
}

static bool src_fill(struct src *s, uint64_t from)
{
    size_t want = s->end - from < SRC_BYTES ? (size_t)(s->end - from) : SRC_BYTES;
    size_t got = 0;

    if (kl_input_read(s->in, from, s->buf, want, &got) != KL_OK) {
        s->bad = true;
        got = 0;
    }
    s->base = from;
    s->win = kl_span_make(s->buf, got);
    return got >= s->step;
}

/* The character `ahead` places on; NO_CHAR at the end or for one that is not ASCII. */
static int src_peek(struct src *s, unsigned ahead)
{
    uint64_t from = s->at + (uint64_t)ahead * s->step;

    if (s->end < s->step || from > s->end - s->step) {
        return NO_CHAR;
    }
    if (s->win.ptr == NULL || from < s->base || from + s->step > s->base + s->win.len) {
        if (!src_fill(s, s->at) || from + s->step > s->base + s->win.len) {
            return NO_CHAR;
        }
    }
    const uint8_t *p = s->win.ptr + (from - s->base);
    if (s->step == 1) {
        return p[0] < 0x80 ? p[0] : NO_CHAR;
    }
    for (unsigned i = 0; i < s->step; i++) {
        if (i != s->phase && p[i] != 0) {
            return NO_CHAR;
        }
    }
    return p[s->phase] < 0x80 ? p[s->phase] : NO_CHAR;
}

static void src_skip(struct src *s, unsigned n)
{
    s->at += (uint64_t)n * s->step;
}

static int hex_of(int c)
{
    return c < 0 ? -1 : kl_hex_value((uint8_t)c);
}

/* Value of a base64 letter plus one; 0: none. */
static const uint8_t base64_values[256] = {
    ['A'] = 1, 2,  3,  4,  5,          6,  7,  8,          9,          10,         11,
    12,        13, 14, 15, 16,         17, 18, 19,         20,         21,         22,
    23,        24, 25, 26, ['a'] = 27, 28, 29, 30,         31,         32,         33,
    34,        35, 36, 37, 38,         39, 40, 41,         42,         43,         44,
    45,        46, 47, 48, 49,         50, 51, 52,         ['0'] = 53, 54,         55,
    56,        57, 58, 59, 60,         61, 62, ['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

static int base64_of(int c)
{
    return c < 0 ? -1 : base64_values[c & 0xFF] - 1;
}

/* ---- one unbroken or wrapped string of letters ---- */

struct letters {
    struct src *src;
    unsigned line;  /* characters of the current line */
    unsigned first; /* length of the first line; 0: not ended yet */
    bool measured;  /* the end is known: every line end before it is a wrap */
};

/* A character of the base64 alphabet, possibly escaped; how many characters it takes. */
static int letter_peek(struct src *s, unsigned ahead, unsigned *out_n)
{
    int c = src_peek(s, ahead);

    *out_n = 1;
    if (c == '\\' && src_peek(s, ahead + 1) == '/') {
        *out_n = 2;
        return '/';
    }
    if (c == '%') {
        int high = hex_of(src_peek(s, ahead + 1));
        int low = hex_of(src_peek(s, ahead + 2));
        int v = high >= 0 && low >= 0 ? high * 16 + low : NO_CHAR;
        *out_n = 3;
        return v == '+' || v == '/' ? v : NO_CHAR;
    }
    return c >= 0 && kl_glance_is_base64((uint8_t)c) ? c : NO_CHAR;
}

/* Characters of a line end at the source, real or written "\r\n"; 0: none. */
static unsigned wrap_peek(struct src *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 2; i++) {
        int c = src_peek(s, n);
        int d = c == '\\' ? src_peek(s, n + 1) : NO_CHAR;
        if (c == '\n' || d == 'n') {
            return n + (c == '\n' ? 1 : 2);
        }
        if (c != '\r' && d != 'r') {
            return 0;
        }
        n += c == '\r' ? 1 : 2;
    }
    return 0;
}

/* The next letter, line ends of a wrapped run passed over; NO_CHAR: the run ends here. */
static int letter_next(struct letters *l)
{
    struct src *s = l->src;
    unsigned n = 0;

    if (s->step == 1 && s->at < s->end && s->at - s->base < s->win.len) {
        uint8_t b = s->win.ptr[s->at - s->base];
        if (kl_glance_is_base64(b)) {
            s->at++;
            l->line++;
            return b;
        }
    }
    int c = letter_peek(s, 0, &n);
    if (c == NO_CHAR) {
        unsigned wrap = wrap_peek(s);
        bool full = l->line >= LINE_LEAST && (l->first == 0 || l->line == l->first);
        if (wrap == 0 || !(full || l->measured)) {
            return NO_CHAR;
        }
        c = letter_peek(s, wrap, &n);
        if (c == NO_CHAR) {
            return NO_CHAR;
        }
        src_skip(s, wrap);
        l->first = l->line;
        l->line = 0;
    }
    src_skip(s, n);
    l->line++;
    return c;
}

struct tally {
    uint64_t n;
    uint64_t upper;
    uint64_t lower;
    uint64_t digit;
    uint64_t not_hex;
    uint64_t text_pairs; /* pairs of hex digits that are printable ASCII */
};

static void tally_add(struct tally *t, int c, int before)
{
    t->upper += c >= 'A' && c <= 'Z';
    t->lower += c >= 'a' && c <= 'z';
    t->digit += c >= '0' && c <= '9';
    t->not_hex += hex_of(c) < 0;
    t->text_pairs += (t->n & 1) == 1 && before >= '2' && before <= '7';
    t->n++;
}

#define MANY 32u

/* MANY letters that stand next at the source, a byte each; NULL: not so many. */
static const uint8_t *letters_many(const struct letters *l)
{
    const struct src *s = l->src;
    uint64_t from = s->at - s->base;

    if (s->step != 1 || s->end - s->at < MANY || s->win.len < MANY || from > s->win.len - MANY) {
        return NULL;
    }
    struct kl_span left = kl_span_part(s->win, (size_t)from, s->win.len);
    return kl_glance_letters(left) >= MANY ? left.ptr : NULL;
}

/* As tally_add for each of MANY letters; an even number of them was added before. */
static void tally_many(struct tally *t, const uint8_t *p)
{
    uint8_t upper = 0;
    uint8_t lower = 0;
    uint8_t digit = 0;
    uint8_t hex = 0;
    uint8_t pairs = 0;

    for (unsigned i = 0; i < MANY; i++) {
        uint8_t is_digit = (uint8_t)(p[i] - '0') < 10;
        uint8_t is_first = (uint8_t)(~i & 1);
        upper = (uint8_t)(upper + ((uint8_t)(p[i] - 'A') < 26));
        lower = (uint8_t)(lower + ((uint8_t)(p[i] - 'a') < 26));
        digit = (uint8_t)(digit + is_digit);
        hex = (uint8_t)(hex + (is_digit | ((uint8_t)((p[i] | 0x20) - 'a') < 6)));
        pairs = (uint8_t)(pairs + (is_first & ((uint8_t)(p[i] - '2') < 6)));
    }
    t->upper += upper;
    t->lower += lower;
    t->digit += digit;
    t->not_hex += MANY - hex;
    t->text_pairs += pairs;
    t->n += MANY;
}

static void tally_letters(struct letters *l, struct tally *t)
{
    int before = NO_CHAR;

    for (;;) {
        bool even = l->line % MANY == 0 && (t->n & 1) == 0;
        const uint8_t *many = even ? letters_many(l) : NULL;
        if (many != NULL) {
            tally_many(t, many);
            src_skip(l->src, MANY);
            l->line += MANY;
            continue; /* the letter before is asked for behind an odd number only */
        }
        int c = letter_next(l);
        if (c == NO_CHAR) {
            return;
        }
        tally_add(t, c, before);
        before = c;
    }
}

static enum kl_run_kind tally_kind(const struct tally *t)
{
    if (t->n < KL_RUN_LEAST) {
        return KL_RUN_NONE;
    }
    if (t->not_hex == 0) {
        /* A long number is not hex, unless as hex it is text. */
        bool text = t->text_pairs * 2 >= t->n - t->n / 10;
        return t->n % 2 == 0 && (t->digit < t->n || text) ? KL_RUN_HEX : KL_RUN_NONE;
    }
    /* A remainder of one letter is left undecoded rather than the whole run. */
    bool mixed = t->upper > 0 && t->lower > 0 && t->upper + t->lower < t->n + (t->n < 512);
    return mixed ? KL_RUN_BASE64 : KL_RUN_NONE;
}

/* ---- hex digits in pairs ---- */

/* Length of what stands between two pairs (and before the first); NO_CHAR: no pair follows. */
static int gap_peek(struct src *s)
{
    unsigned n = 0;

    while (n <= GAP_MOST) {
        int c = src_peek(s, n);
        int d = src_peek(s, n + 1);
        if ((c == '0' || c == '\\') && (d | 0x20) == 'x' && hex_of(src_peek(s, n + 2)) >= 0) {
            n += 2;
            c = src_peek(s, n);
            d = src_peek(s, n + 1);
        }
        if (hex_of(c) >= 0) {
            bool pair = hex_of(d) >= 0;
            return pair && hex_of(src_peek(s, n + 2)) < 0 ? (int)n : NO_CHAR;
        }
        if (c != ' ' && c != ',' && c != ':' && c != '-' && c != ';' && c != '\n' && c != '\r' &&
            c != '\t' && c != '"' && c != '\'') {
            return NO_CHAR;
        }
        n++;
    }
    return NO_CHAR;
}

/* The next byte of spaced hex; NO_CHAR: the run ends here. */
static int pair_next(struct src *s)
{
    int gap = gap_peek(s);

    if (gap < 0) {
        return NO_CHAR;
    }
    src_skip(s, (unsigned)gap);
    int v = hex_of(src_peek(s, 0)) * 16 + hex_of(src_peek(s, 1));
    src_skip(s, 2);
    return v;
}

static uint64_t count_pairs(struct src *s)
{
    uint64_t n = 0;
    while (pair_next(s) != NO_CHAR) {
        n++;
    }
    return n;
}

/* True when the run at the source is spaced pairs and not one string of digits. */
static bool is_spaced(struct src *s)
{
    return gap_peek(s) >= 0;
}

/* Letters at the start of what is known when they are too few for a run and nothing follows
 * that could go on with it; 0: to be measured. */
static size_t too_short(struct kl_span known)
{
    _Static_assert(KL_RUN_LEAST == 64, "as kl_glance_letters");
    size_t n = kl_glance_letters(known);

    if (n == known.len || n == KL_RUN_LEAST) {
        return 0;
    }
    uint8_t c = known.ptr[n];
    bool wraps = c == '\r' || c == '\n';
    return c == '\\' || c == '%' || (wraps && n >= LINE_LEAST) ? 0 : n;
}

enum kl_rc kl_run_measure(const struct kl_input *in, struct kl_span known, struct kl_run *run)
{
    size_t few = run->step == 1 ? too_short(known) : 0;
    if (few > PAIR_LETTERS) { /* fewer may be digits in pairs */
        run->kind = KL_RUN_NONE;
        run->to = run->from + few;
        return KL_OK;
    }
    __attribute__((uninitialized)) struct src s;
    src_init(&s, in, run, known, run->from, in->len_bytes);

    run->kind = KL_RUN_NONE;
    if (is_spaced(&s)) {
        uint64_t n = count_pairs(&s);
        run->to = s.at;
        run->kind = n * 2 >= KL_RUN_LEAST ? KL_RUN_PAIRS : KL_RUN_NONE;
        return s.bad ? KL_E_IO : KL_OK;
    }
    struct letters l = {&s, 0, 0, false};
    struct tally t = {0, 0, 0, 0, 0, 0};
    tally_letters(&l, &t);
    run->kind = tally_kind(&t);
    run->to = s.at;
    return s.bad ? KL_E_IO : KL_OK;
}

/* ---- decoding ---- */

static enum kl_rc decode_pairs(struct src *s, size_t max_bytes, struct kl_buf *out)
{
    while (out->len < max_bytes) {
        int v = pair_next(s);
        if (v == NO_CHAR) {
            break;
        }
        KL_TRY(kl_buf_add_u8(out, (uint8_t)v));
    }
    return KL_OK;
}

static enum kl_rc decode_hex(struct letters *l, size_t max_bytes, struct kl_buf *out)
{
    while (out->len < max_bytes) {
        int a = hex_of(letter_next(l));
        int b = a < 0 ? -1 : hex_of(letter_next(l));
        if (b < 0) {
            break;
        }
        KL_TRY(kl_buf_add_u8(out, (uint8_t)(a * 16 + b)));
    }
    return KL_OK;
}

static enum kl_rc decode_base64(struct letters *l, size_t max_bytes, struct kl_buf *out)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;

    /* A piece ends at a whole group of four letters, so that the next begins with none held. */
    while (out->len < max_bytes || n_bits > 0) {
        int v = base64_of(letter_next(l));
        if (v < 0) {
            break;
        }
        bits = (bits << 6 | (uint32_t)v) & 0xFFFFFF;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            if (out->len == out->cap) {
                KL_TRY(kl_buf_room(out, 1));
            }
            out->ptr[out->len++] = (uint8_t)(bits >> n_bits);
        }
    }
    return KL_OK;
}

enum kl_rc kl_run_decode(const struct kl_input *in, const struct kl_run *run, uint64_t *at,
                         size_t max_bytes, struct kl_buf *out)
{
    __attribute__((uninitialized)) struct src s;
    enum kl_rc rc = KL_OK;
    src_init(&s, in, run, kl_span_make(NULL, 0), *at, run->to);
    struct letters l = {&s, 0, 0, true};

    if (run->kind == KL_RUN_PAIRS) {
        rc = decode_pairs(&s, max_bytes, out);
    } else if (run->kind == KL_RUN_HEX) {
        rc = decode_hex(&l, max_bytes, out);
    } else {
        rc = decode_base64(&l, max_bytes, out);
    }
    /* Letters that the decoder could not use: the run is done with all the same. */
    *at = s.at > *at && out->len >= max_bytes ? s.at : run->to;
    return rc != KL_OK ? rc : s.bad ? KL_E_IO : KL_OK;
}
