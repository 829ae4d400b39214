#include "base/span.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct kl_span kl_span_trim(struct kl_span a)
{
    size_t from = 0;
    size_t to = a.len;

    while (from < to && is_space(a.ptr[from])) {
        from++;
    }
    while (to > from && is_space(a.ptr[to - 1])) {
        to--;
    }
    return kl_span_part(a, from, to);
}

size_t kl_span_find(struct kl_span hay, size_t from, struct kl_span needle)
{
    if (from > hay.len || needle.len > hay.len - from) {
        return hay.len;
    }
    if (needle.len == 0) {
        return from;
    }
    const uint8_t *p = memmem(hay.ptr + from, hay.len - from, needle.ptr, needle.len);
    return p != NULL ? (size_t)(p - hay.ptr) : hay.len;
}
