#include "extract/pairsort.h"

/* A heap: the largest on top. Let p[at] sink to its place among the first n. */
static void sink(struct kl_pair *p, size_t at, size_t n)
{
    struct kl_pair x = p[at];

    while (2 * at + 1 < n) {
        size_t child = 2 * at + 1;
        child += child + 1 < n && p[child + 1].key > p[child].key;
        if (p[child].key <= x.key) {
            break;
        }
        p[at] = p[child];
        at = child;
    }
    p[at] = x;
}

void kl_pairsort(struct kl_pair *p, size_t n)
{
    size_t sorted = 1;

    while (sorted < n && p[sorted - 1].key <= p[sorted].key) {
        sorted++;
    }
    if (sorted >= n) {
        return;
    }
    for (size_t at = n / 2; at > 0; at--) {
        sink(p, at - 1, n);
    }
    for (size_t end = n - 1; end > 0; end--) {
        struct kl_pair top = p[0];
        p[0] = p[end];
        p[end] = top;
        sink(p, 0, end);
    }
}
