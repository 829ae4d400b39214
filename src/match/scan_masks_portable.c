#include "match/scan_masks.h"

#define ONES 0x0101010101010101ull
#define TOPS 0x8080808080808080ull

/* 64 bytes as eight little-endian words; classes by arithmetic on all eight bytes of a word. */
struct v64 {
    uint64_t w[8];
};

static inline struct v64 v_load(const uint8_t *p)
{
    struct v64 v;
    memcpy(v.w, p, sizeof v.w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (unsigned i = 0; i < 8; i++) {
        v.w[i] = __builtin_bswap64(v.w[i]);
    }
#endif
    return v;
}

static inline struct v64 v_load_part(const uint8_t *p, size_t n)
{
    uint8_t b[KL_SCAN_BLOCK] = {0};

    memcpy(b, p, n);
    return v_load(b);
}

/* Top bit of each byte of x that lies in [lo, hi], both below 0x80. */
static inline uint64_t in_range(uint64_t x, uint8_t lo, uint8_t hi)
{
    uint64_t low7 = x & ~TOPS;
    uint64_t ge = low7 + ONES * (uint64_t)(0x80u - lo);
    uint64_t gt = low7 + ONES * (uint64_t)(0x7fu - hi);
    return ge & ~gt & ~x & TOPS;
}

/* The eight top bits of `tops` as one byte. */
static inline uint64_t gather(uint64_t tops)
{
    return ((tops >> 7) * 0x0102040810204080ull) >> 56;
}

#define V_CLASS(name, expr)                                                                        \
    static inline uint64_t name(struct v64 v)                                                      \
    {                                                                                              \
        uint64_t m = 0;                                                                            \
        for (unsigned i = 0; i < 8; i++) {                                                         \
            uint64_t x = v.w[i];                                                                   \
            m |= gather(expr) << (8 * i);                                                          \
        }                                                                                          \
        return m;                                                                                  \
    }

V_CLASS(v_digit, in_range(x, '0', '9'))
V_CLASS(v_alpha, in_range(x | ONES * 0x20, 'a', 'z'))
V_CLASS(v_sep, in_range(x, '-', '/') | in_range(x, '(', ')') | in_range(x, ' ', ' '))
V_CLASS(v_gap, in_range(x, '-', '-') | in_range(x, ' ', ' '))
V_CLASS(v_date, in_range(x, '-', '/'))
V_CLASS(v_num, in_range(x, '.', '.') | in_range(x, ',', ',') | in_range(x, '\'', '\'') |
                   in_range(x, ' ', ' '))
V_CLASS(v_other, in_range(x, ',', ',') | in_range(x, '"', '"') | in_range(x, '(', ')') |
                     in_range(x, ':', ':') | in_range(x, '<', '>') |
                     in_range(x | ONES * 0x20, '{', '{') | in_range(x | ONES * 0x20, '}', '}'))
V_CLASS(v_high, x &TOPS)
V_CLASS(v_789, in_range(x, '7', '9'))

static inline uint64_t v_eq(struct v64 v, uint8_t c)
{
    uint64_t m = 0;
    for (unsigned i = 0; i < 8; i++) {
        m |= gather(in_range(v.w[i], c, c)) << (8 * i);
    }
    return m;
}

static inline uint64_t v_eq_nocase(struct v64 v, uint8_t c)
{
    uint64_t m = 0;
    for (unsigned i = 0; i < 8; i++) {
        m |= gather(in_range(v.w[i] | ONES * 0x20, c, c)) << (8 * i);
    }
    return m;
}

#define LANES 2u
typedef uint64_t lanes __attribute__((vector_size(16)));

#include "match/scan_kernel.inc"

size_t kl_scan_masks_portable(const uint8_t *blocks, const uint8_t *prev, size_t n, uint32_t events,
                              struct kl_scan_hit *out)
{
    return kernel_by_set(blocks, prev, n, events, out);
}

void kl_split_masks_portable(const uint8_t *p, size_t len, struct kl_split_words *out,
                             unsigned out_n[static KL_SEP_N])
{
    split_kernel(p, len, out, out_n);
}
