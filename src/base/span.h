/*
 * Views over bytes and the bounded reader with a sticky error.
 *
 * Input bytes exist only as struct kl_span. A reader's first short read sets
 * `bad`; later reads give zeros; one check at the end (kl_rd_ok) decides.
 */
#ifndef KL_BASE_SPAN_H
#define KL_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct kl_span {
    const uint8_t *ptr;
    size_t len;
};

/* A value from a register or from content: it has no printf path. */
struct kl_pii {
    struct kl_span v;
};

#define KL_SPAN_LIT(s) ((struct kl_span){(const uint8_t *)(s), sizeof(s) - 1})

static inline struct kl_span kl_span_make(const void *ptr, size_t len)
{
    return (struct kl_span){(const uint8_t *)ptr, len};
}

static inline struct kl_span kl_span_str(const char *s)
{
    return kl_span_make(s, strlen(s));
}

/** The part [from, to) of s, clipped to s. */
static inline struct kl_span kl_span_part(struct kl_span s, size_t from, size_t to)
{
    if (to > s.len) {
        to = s.len;
    }
    if (from > to) {
        from = to;
    }
    /* An empty span may hold NULL, to which C17 lets nothing be added, not even 0. */
    return kl_span_make(from > 0 ? s.ptr + from : s.ptr, to - from);
}

static inline bool kl_span_eq(struct kl_span a, struct kl_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool kl_span_is(struct kl_span a, const char *s)
{
    return kl_span_eq(a, kl_span_str(s));
}

/** a without leading and trailing ASCII white space. */
struct kl_span kl_span_trim(struct kl_span a);

/** Offset of the first `needle` in `hay` at or after `from`, or hay.len. */
size_t kl_span_find(struct kl_span hay, size_t from, struct kl_span needle);

struct kl_rd {
    struct kl_span in;
    size_t at;
    bool bad;
};

static inline struct kl_rd kl_rd_init(struct kl_span in)
{
    return (struct kl_rd){in, 0, false};
}

static inline bool kl_rd_ok(const struct kl_rd *r)
{
    return !r->bad;
}

static inline size_t kl_rd_left(const struct kl_rd *r)
{
    return r->in.len - r->at;
}

/** A borrowed view of the next n bytes; empty and `bad` when there are fewer. @UNSAFE */
static inline struct kl_span kl_rd_take(struct kl_rd *r, size_t n)
{
    if (r->bad || n > r->in.len - r->at) {
        r->bad = true;
        return (struct kl_span){r->in.ptr, 0};
    }
    struct kl_span s = {r->in.ptr + r->at, n};
    r->at += n;
    return s;
}

static inline void kl_rd_skip(struct kl_rd *r, size_t n)
{
    (void)kl_rd_take(r, n);
}

static inline uint8_t kl_rd_u8(struct kl_rd *r)
{
    struct kl_span s = kl_rd_take(r, 1);
    return s.len == 1 ? s.ptr[0] : 0;
}

static inline uint16_t kl_rd_le16(struct kl_rd *r)
{
    struct kl_span s = kl_rd_take(r, 2);
    return s.len == 2 ? (uint16_t)(s.ptr[0] | s.ptr[1] << 8) : 0;
}

static inline uint32_t kl_rd_le32(struct kl_rd *r)
{
    struct kl_span s = kl_rd_take(r, 4);
    return s.len == 4 ? (uint32_t)s.ptr[0] | (uint32_t)s.ptr[1] << 8 | (uint32_t)s.ptr[2] << 16 |
                            (uint32_t)s.ptr[3] << 24
                      : 0;
}

static inline uint64_t kl_rd_le64(struct kl_rd *r)
{
    uint64_t lo = kl_rd_le32(r);
    return lo | (uint64_t)kl_rd_le32(r) << 32;
}

#endif
