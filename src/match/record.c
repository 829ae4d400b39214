#include "match/record.h"

#include "base/cpu.h"
#include "match/scan_masks.h"

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

#define MAX_BLOCKS ((KL_RECORD_BYTES_MAX + KL_SCAN_BLOCK - 1) / KL_SCAN_BLOCK)
#define ALL_SEPARATORS ((1u << KL_SEP_N) - 1)
#define BEFORE_QUOTED "\t;|,=:{[("
#define BEHIND_QUOTED "\t;|,:}])"
#define QUOTED_MAX 128u
#define QUOTED_SEPARATORS_MAX 3u

static kl_split_kernel *kernel_get(void)
{
    switch (kl_cpu_level_get()) {
#if defined(__x86_64__)
    case KL_CPU_AVX512:
        return kl_split_masks_avx512;
    case KL_CPU_AVX2:
        return kl_split_masks_avx2;
#else
    case KL_CPU_AVX512:
    case KL_CPU_AVX2:
#endif
    case KL_CPU_PORTABLE:
        break;
    }
    return kl_split_masks_portable;
}

/* The set of separators of a record that holds n of each: bit KL_SEP_*. */
static unsigned choose_separators(const unsigned n[static KL_SEP_N])
{
    if (n[KL_SEP_TAB] >= 2) {
        return 1u << KL_SEP_TAB;
    }
    if (n[KL_SEP_SEMI] >= 2 || n[KL_SEP_PIPE] >= 2) {
        return 1u << (n[KL_SEP_SEMI] >= n[KL_SEP_PIPE] ? KL_SEP_SEMI : KL_SEP_PIPE);
    }
    return ALL_SEPARATORS;
}

static uint64_t separators_of(const struct kl_split_words *w, unsigned set)
{
    const uint64_t *s = w->sep;

    return (s[KL_SEP_TAB] & -(uint64_t)(set >> KL_SEP_TAB & 1)) |
           (s[KL_SEP_SEMI] & -(uint64_t)(set >> KL_SEP_SEMI & 1)) |
           (s[KL_SEP_PIPE] & -(uint64_t)(set >> KL_SEP_PIPE & 1)) |
           (s[KL_SEP_OTHER] & -(uint64_t)(set >> KL_SEP_OTHER & 1));
}

static bool is_among(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* Does a quoted field begin with the quote at `at`: is a border all there is before it? */
static bool opens_field(struct kl_span r, size_t at)
{
    while (at > 0 && r.ptr[at - 1] == ' ') {
        at--;
    }
    return at == 0 || is_among(r.ptr[at - 1], BEFORE_QUOTED);
}

static bool closes_field(struct kl_span r, size_t at)
{
    at++;
    while (at < r.len && (r.ptr[at] == ' ' || r.ptr[at] == '\r')) {
        at++;
    }
    return at == r.len || is_among(r.ptr[at], BEHIND_QUOTED);
}

/* The bits of block i that lie in text[from, to). */
static uint64_t bits_in(size_t i, uint32_t from, uint32_t to)
{
    uint32_t base = (uint32_t)(i * KL_SCAN_BLOCK);
    uint64_t in = from > base ? ~0ull << (from - base) : ~0ull;

    return to - base < KL_SCAN_BLOCK ? in & ((1ull << (to - base)) - 1) : in;
}

/* Are the separators of text[from, to) few, and such as stand in an address? */
static bool is_one_value(struct kl_span r, const struct kl_split_words *w, uint32_t from,
                         uint32_t to)
{
    unsigned n = 0;

    if (to - from > QUOTED_MAX || (from <= 1 && to + 1 >= r.len)) {
        return false; /* a text, or a whole record between quotes */
    }
    for (size_t i = from / KL_SCAN_BLOCK; i * KL_SCAN_BLOCK < to; i++) {
        uint64_t m = separators_of(&w[i], ALL_SEPARATORS) & bits_in(i, from, to);
        for (; m != 0; m &= m - 1) {
            uint8_t c = r.ptr[i * KL_SCAN_BLOCK + (unsigned)__builtin_ctzll(m)];
            if ((c != ',' && c != ';') || ++n > QUOTED_SEPARATORS_MAX) {
                return false;
            }
        }
    }
    return true;
}

static void hide_separators(struct kl_split_words *w, uint32_t from, uint32_t to)
{
    for (size_t i = from / KL_SCAN_BLOCK; i * KL_SCAN_BLOCK < to; i++) {
        uint64_t in = bits_in(i, from, to);
        for (unsigned k = 0; k < KL_SEP_N; k++) {
            w[i].sep[k] &= ~in;
        }
    }
}

/*
 * "Rr. e Durrësit, nd. 57" between quotes is one field: its commas part nothing. Otherwise the
 * fields behind it would stand elsewhere than those of the other rows.
 */
static void join_quoted(struct kl_span r, struct kl_split_words *w, size_t n_blocks)
{
    uint32_t open = UINT32_MAX;

    for (size_t i = 0; i < n_blocks; i++) {
        for (uint64_t m = w[i].quote; m != 0; m &= m - 1) {
            uint32_t at = (uint32_t)(i * KL_SCAN_BLOCK) + (uint32_t)__builtin_ctzll(m);
            if (open != UINT32_MAX && closes_field(r, at)) {
                if (is_one_value(r, w, open + 1, at)) {
                    hide_separators(w, open + 1, at);
                }
                open = UINT32_MAX;
            } else {
                open = opens_field(r, at) ? at : UINT32_MAX;
            }
        }
    }
}

static void count_separators(const struct kl_split_words *w, size_t n_blocks,
                             unsigned out_n[static KL_SEP_N])
{
    for (unsigned k = 0; k < KL_SEP_N; k++) {
        out_n[k] = 0;
        for (size_t i = 0; i < n_blocks; i++) {
            out_n[k] += (unsigned)__builtin_popcountll(w[i].sep[k]);
        }
    }
}

static bool has_quotes(const struct kl_split_words *w, size_t n_blocks)
{
    uint64_t any = 0;

    for (size_t i = 0; i < n_blocks; i++) {
        any |= w[i].quote;
    }
    return any != 0;
}

/* Pieces of a record as they end, block by block. */
struct pieces {
    uint32_t from;    /* where the open one begins */
    unsigned ordinal; /* of the open one */
    bool one;   /* one kind of separator: each begins a field. With many, a quote beside a comma
                   is one border, not two */
    bool value; /* the open one holds a letter or a digit … */
    bool digit; /* … a digit */
};

/*
 * Which runs of ones in `run` hold one of `marks`: added, the lowest mark of a run carries out of
 * it and sets the bit behind.
 * @param carry  in: the run that goes on from the block before holds one; out: for the next block
 */
static inline uint64_t marked_ends(uint64_t run, uint64_t marks, bool *carry)
{
    uint64_t sum = 0;
    bool over = __builtin_add_overflow(run, marks, &sum);

    *carry = over | __builtin_add_overflow(sum, (uint64_t)*carry, &sum);
    return sum & ~run;
}

/* @param separators  of block i, and the end of the record */
static size_t end_pieces(struct pieces *p, size_t i, const struct kl_split_words *w,
                         uint64_t separators, size_t n, struct kl_unit *units)
{
    uint32_t base = (uint32_t)(i * KL_SCAN_BLOCK);
    uint64_t values = marked_ends(~separators, w->digit | w->alpha, &p->value);
    uint64_t digits = marked_ends(~separators, w->digit, &p->digit);

    for (; values != 0 && n < KL_MAX_UNITS; values &= values - 1) {
        unsigned at = (unsigned)__builtin_ctzll(values);
        uint64_t before = separators & ((values & -values) - 1);
        uint32_t from =
            before != 0 ? base + KL_SCAN_BLOCK - (unsigned)__builtin_clzll(before) : p->from;
        unsigned o = p->one ? p->ordinal + (unsigned)__builtin_popcountll(before) : p->ordinal++;
        units[n++] = (struct kl_unit){from, base + at - from, (uint8_t)(o < 255 ? o : 255),
                                      (digits >> at & 1) != 0};
    }
    if (separators != 0) {
        p->from = base + KL_SCAN_BLOCK - (unsigned)__builtin_clzll(separators);
        p->ordinal += p->one ? (unsigned)__builtin_popcountll(separators) : 0;
    }
    return n;
}

size_t kl_record_split(struct kl_span r, bool is_table, struct kl_unit units[static KL_MAX_UNITS])
{
    __attribute__((uninitialized)) struct kl_split_words w[MAX_BLOCKS + 1];
    unsigned count[KL_SEP_N];
    size_t n = 0;

    r = kl_span_part(r, 0, KL_RECORD_BYTES_MAX);
    size_t n_blocks = (r.len + KL_SCAN_BLOCK - 1) / KL_SCAN_BLOCK;
    kernel_get()(r.ptr, r.len, w, count);
    if (!is_table && has_quotes(w, n_blocks)) {
        join_quoted(r, w, n_blocks);
        count_separators(w, n_blocks, count);
    }
    unsigned set = is_table ? 1u << KL_SEP_TAB : choose_separators(count);
    struct pieces p = {.one = set != ALL_SEPARATORS};
    for (size_t i = 0; i < n_blocks; i++) {
        uint64_t end = i == r.len / KL_SCAN_BLOCK ? 1ull << r.len % KL_SCAN_BLOCK : 0;
        n = end_pieces(&p, i, &w[i], separators_of(&w[i], set) | end, n, units);
    }
    if (r.len % KL_SCAN_BLOCK == 0 && n_blocks > 0) { /* its end is no bit of a block */
        w[n_blocks] = (struct kl_split_words){.digit = 0};
        n = end_pieces(&p, n_blocks, &w[n_blocks], 1, n, units);
    }
    return n;
}
