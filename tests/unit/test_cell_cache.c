#include "kt.h"

#include "match/cell_cache.h"

#include <stdlib.h>

/* The key of a heap copy of exact size. */
static struct kl_cell_key key_of(const char *text, size_t n, uint8_t kind)
{
    struct kl_cell_key k;
    uint8_t *exact = malloc(n > 0 ? n : 1);

    memcpy(exact, text, n);
    uint64_t what = kl_cell_key_set(&k, kl_span_make(exact, n), kind);
    KT_OK(what == k.what);
    free(exact);
    return k;
}

static bool same(struct kl_cell_key a, struct kl_cell_key b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

KT_TEST(keys_are_equal_only_when_bytes_and_kind_are)
{
    char text[KL_CELL_CACHE_BYTES];

    for (size_t n = 0; n <= sizeof text; n++) {
        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = (char)('a' + i % 3); /* many equal bytes: places must count */
        }
        struct kl_cell_key k = key_of(text, n, 1);
        KT_OK(k.what != 0);
        KT_OK(same(k, key_of(text, n, 1)));
        KT_OK(!same(k, key_of(text, n, 2)));
        KT_OK(n == sizeof text || !same(k, key_of(text, n + 1, 1)));
        for (size_t i = 0; i < n; i++) {
            text[i] ^= 1;
            KT_OK(!same(k, key_of(text, n, 1)));
            text[i] ^= 1;
        }
    }
    KT_OK(!same(key_of("\0", 1, 0), key_of("", 0, 0)));
}

KT_TEST(a_cell_of_more_than_32_bytes_has_no_key)
{
    char text[40] = {0};

    KT_OK(key_of(text, KL_CELL_CACHE_BYTES, 0).what != 0);
    KT_OK(key_of(text, KL_CELL_CACHE_BYTES + 1, 0).what == 0);
}

KT_TEST(what_was_put_is_found_until_its_place_is_taken)
{
    struct kl_cell_cache c;
    unsigned found = 0;

    KT_EQ(kl_cell_cache_init(&c, 6), KL_OK);
    struct kl_cell_key empty = key_of("", 0, 0);
    KT_OK(kl_cell_cache_get(&c, &empty) == NULL);
    for (unsigned i = 0; i < 1000; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "word %u", i);
        struct kl_cell_key k = key_of(text, (size_t)n, 3);
        KT_OK(kl_cell_cache_get(&c, &k) == NULL);
        kl_cell_cache_put(&c, &k, (struct kl_tag){i, ~i}, i + 7);
        const struct kl_cell_entry *e = kl_cell_cache_get(&c, &k);
        KT_OK(e != NULL && e->tag.lo == i && e->tag.hi == ~i && e->note == i + 7);
    }
    for (unsigned i = 0; i < 1000; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "word %u", i);
        struct kl_cell_key k = key_of(text, (size_t)n, 3);
        const struct kl_cell_entry *e = kl_cell_cache_get(&c, &k);
        KT_OK(e == NULL || e->tag.lo == i);
        found += e != NULL;
    }
    KT_OK(found > 48 && found <= 64); /* the hash spreads them over the 64 places */
    kl_cell_cache_done(&c);
    KT_OK(c.entries == NULL);
    kl_cell_cache_done(&c);
}

KT_MAIN()
