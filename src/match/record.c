#include "match/record.h"

static bool tuple_border(struct kl_span t, size_t i)
{
    if (i + 1 >= t.len || (t.ptr[i] != ')' && t.ptr[i] != '}')) {
        return false;
    }
    size_t k = i + 1;
    while (k < t.len && (t.ptr[k] == ' ' || t.ptr[k] == ',')) {
        k++;
    }
    return k > i + 1 && k < t.len && t.ptr[k] == (t.ptr[i] == ')' ? '(' : '{');
}

/* The SQL tuple or JSON object around `at` in a long line; a window when there is none. */
static void find_tuple(struct kl_span t, size_t at, size_t *from, size_t *to)
{
    size_t low = at > *from + KL_RECORD_MAX ? at - KL_RECORD_MAX : *from;
    size_t high = *to - at > KL_RECORD_MAX ? at + KL_RECORD_MAX : *to;
    struct kl_span part = kl_span_part(t, 0, high);
    size_t start = SIZE_MAX;
    size_t end = SIZE_MAX;

    for (size_t i = at; i > low && start == SIZE_MAX; i--) {
        if (tuple_border(part, i - 1)) {
            start = i;
        }
    }
    for (size_t i = at; i < high && end == SIZE_MAX; i++) {
        if (tuple_border(part, i)) {
            end = i;
        }
    }
    if (start == SIZE_MAX && end == SIZE_MAX) {
        *from = at > *from + KL_WINDOW ? at - KL_WINDOW : *from;
        *to = *to - at > KL_WINDOW ? at + KL_WINDOW : *to;
        return;
    }
    /* One border found: the other end is the line's, or a window's when that is far. */
    *from = start != SIZE_MAX ? start : low;
    *to = end != SIZE_MAX ? end : high;
}

void kl_record_find(struct kl_span text, size_t at, size_t *out_from, size_t *out_to)
{
    const uint8_t *a = memrchr(text.ptr, '\n', at);
    const uint8_t *b = memchr(text.ptr + at, '\n', text.len - at);
    size_t from = a != NULL ? (size_t)(a - text.ptr) + 1 : 0;
    size_t to = b != NULL ? (size_t)(b - text.ptr) : text.len;

    if (to - from > KL_RECORD_MAX) {
        find_tuple(text, at, &from, &to);
    }
    *out_from = from;
    *out_to = to;
}

/* Bit values by byte: which separators, which kinds. */
enum { TAB = 1, SEMI = 2, PIPE = 4, OTHER = 8, DIGIT = 16, ALPHA = 32 };

static uint8_t class_of(uint8_t c)
{
    switch (c) {
    case '\t':
        return TAB;
    case ';':
        return SEMI;
    case '|':
        return PIPE;
    case ',':
    case '"':
    case '<':
    case '>':
    case '=':
    case ':':
    case '{':
    case '}':
    case '[':
    case ']':
    case '(':
    case ')':
        return OTHER;
    default:
        break;
    }
    if ((uint8_t)(c - '0') < 10) {
        return DIGIT;
    }
    return (uint8_t)((c | 0x20) - 'a') < 26 || c >= 0x80 ? ALPHA : 0;
}

static uint8_t classes[256];

__attribute__((constructor)) static void fill_classes(void)
{
    for (unsigned c = 0; c < 256; c++) {
        classes[c] = class_of((uint8_t)c);
    }
}

/* A separator met, and what stood between it and the one before. */
struct border {
    uint16_t at;
    uint8_t kind; /* TAB, SEMI, PIPE or OTHER */
    uint8_t seen; /* classes of the bytes before it */
};

/* No record is longer: two KL_RECORD_MAX around the key. */
#define MAX_BORDERS (2 * KL_RECORD_MAX + 2)

/* One pass over the bytes; the rest works on borders. The record's end is the last border. */
static size_t find_borders(struct kl_span r, bool is_table, struct border *b)
{
    uint8_t want = is_table ? TAB : TAB | SEMI | PIPE | OTHER;
    size_t n = 0;
    uint8_t seen = 0;

    for (size_t i = 0; i < r.len && n < MAX_BORDERS - 1; i++) {
        uint8_t c = classes[r.ptr[i]];
        seen |= c;
        /* Written always, kept when it is a border: no branch to mispredict. */
        b[n] = (struct border){(uint16_t)i, c, seen};
        bool is = (c & want) != 0;
        n += is;
        seen = is ? 0 : seen;
    }
    b[n++] = (struct border){(uint16_t)r.len, 0, seen};
    return n;
}

static uint8_t choose_separators(const struct border *b, size_t n)
{
    unsigned tabs = 0;
    unsigned semis = 0;
    unsigned pipes = 0;

    for (size_t i = 0; i + 1 < n; i++) {
        tabs += (b[i].kind & TAB) != 0;
        semis += (b[i].kind & SEMI) != 0;
        pipes += (b[i].kind & PIPE) != 0;
    }
    if (tabs >= 2) {
        return TAB;
    }
    if (semis >= 2 || pipes >= 2) {
        return semis >= pipes ? SEMI : PIPE;
    }
    return TAB | SEMI | PIPE | OTHER;
}

size_t kl_record_split(struct kl_span r, bool is_table, struct kl_unit units[static KL_MAX_UNITS])
{
    __attribute__((uninitialized)) struct border b[MAX_BORDERS];
    size_t n = 0;
    unsigned ordinal = 0;
    uint32_t from = 0;
    uint8_t seen = 0;

    r = kl_span_part(r, 0, UINT16_MAX);
    size_t n_borders = find_borders(r, is_table, b);
    uint8_t sep = is_table ? TAB : choose_separators(b, n_borders);
    bool one = sep == TAB || sep == SEMI || sep == PIPE;
    for (size_t k = 0; k < n_borders && n < KL_MAX_UNITS; k++) {
        seen |= b[k].seen;
        if (k + 1 < n_borders && (b[k].kind & sep) == 0) {
            continue;
        }
        bool value = (seen & (DIGIT | ALPHA)) != 0;
        if (value) {
            units[n++] =
                (struct kl_unit){from, b[k].at - from, (uint8_t)(ordinal < 255 ? ordinal : 255),
                                 (seen & DIGIT) != 0};
        }
        /* With many separators a quote beside a comma is one border, not two. */
        ordinal += value || one;
        from = b[k].at + 1u;
        seen = 0;
    }
    return n;
}
