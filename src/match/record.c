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

/* What was met since the last separator. */
struct piece {
    uint32_t from;
    unsigned ordinal;
    uint64_t digits; /* not 0: there are some */
    uint64_t alphas;
};

static size_t end_piece(struct piece *p, uint32_t at, bool is_one, size_t n, struct kl_unit *units)
{
    bool value = (p->digits | p->alphas) != 0;

    units[n] = (struct kl_unit){p->from, at - p->from,
                                (uint8_t)(p->ordinal < 255 ? p->ordinal : 255), p->digits != 0};
    /* With many separators a quote beside a comma is one border, not two. */
    p->ordinal += value || is_one;
    p->from = at + 1;
    p->digits = 0;
    p->alphas = 0;
    return n + value;
}

size_t kl_record_split(struct kl_span r, bool is_table, struct kl_unit units[static KL_MAX_UNITS])
{
    __attribute__((uninitialized)) struct kl_split_words w[MAX_BLOCKS];
    unsigned count[KL_SEP_N];
    struct piece p = {0};
    size_t n = 0;

    r = kl_span_part(r, 0, KL_RECORD_BYTES_MAX);
    size_t n_blocks = (r.len + KL_SCAN_BLOCK - 1) / KL_SCAN_BLOCK;
    kernel_get()(r.ptr, r.len, w, count);
    unsigned set = is_table ? 1u << KL_SEP_TAB : choose_separators(count);
    for (size_t i = 0; i < n_blocks; i++) {
        uint64_t left = ~0ull; /* of the block, behind the last separator */
        for (uint64_t m = separators_of(&w[i], set); m != 0; m &= m - 1) {
            uint64_t before = left & ((m & -m) - 1);
            p.digits |= w[i].digit & before;
            p.alphas |= w[i].alpha & before;
            uint32_t at = (uint32_t)(i * KL_SCAN_BLOCK) + (uint32_t)__builtin_ctzll(m);
            n = end_piece(&p, at, set != ALL_SEPARATORS, n, units);
            if (n == KL_MAX_UNITS) {
                return n;
            }
            left = ~(m ^ (m - 1));
        }
        p.digits |= w[i].digit & left;
        p.alphas |= w[i].alpha & left;
    }
    return end_piece(&p, (uint32_t)r.len, true, n, units);
}
