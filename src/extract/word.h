/*
 * What an element or attribute name means: a sorted list, searched by halves.
 * Thread rule: pure.
 */
#ifndef KL_EXTRACT_WORD_H
#define KL_EXTRACT_WORD_H

#include "base/span.h"

struct kl_word {
    const char *name;
    uint8_t len;
    uint8_t id; /* of the list's own enum; never 0 */
};

#define KL_WORD(name, id)                                                                          \
    {                                                                                              \
        (name), sizeof(name) - 1, (id)                                                             \
    }

/** The id of `name` in a list that is sorted by length, then bytes; 0: not there. */
static inline uint8_t kl_word_find(const struct kl_word *list, size_t n, struct kl_span name)
{
    size_t from = 0;
    size_t to = n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        const struct kl_word *w = &list[mid];
        int order =
            name.len != w->len ? (name.len < w->len ? -1 : 1) : memcmp(name.ptr, w->name, w->len);
        if (order == 0) {
            return w->id;
        }
        from = order > 0 ? mid + 1 : from;
        to = order < 0 ? mid : to;
    }
    return 0;
}

#endif
