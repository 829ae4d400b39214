/*
 * Cells seen before: from (kind, raw bytes) to fingerprint, without normalising and without
 * AES. Names, towns and employers repeat; one entry is one line of the processor's cache.
 * Direct-mapped: a newer value takes the place of an older one. An entry is compared in whole,
 * so a hit is exact; what was never put is never found.
 *
 * It holds clear values of at most KL_CELL_CACHE_BYTES bytes; kl_cell_cache_done wipes them.
 * Thread rule: one owner.
 */
#ifndef KL_MATCH_CELL_CACHE_H
#define KL_MATCH_CELL_CACHE_H

#include "base/result.h"
#include "crypt/prf.h"

#define KL_CELL_CACHE_BYTES 32u

struct kl_cell_key {
    uint64_t w[4];
    uint64_t what; /* length, kind; 0: no key */
};

struct kl_cell_entry {
    _Alignas(64) struct kl_cell_key key;
    uint64_t note; /* the caller's */
    struct kl_tag tag;
};

struct kl_cell_cache {
    struct kl_cell_entry *entries; /* owned */
    unsigned shift;                /* 64 - log2 of their number */
};

/** 2^log2_entries entries of 64 bytes; log2_entries is 1 to 24. KL_E_NOMEM. */
KL_MUST enum kl_rc kl_cell_cache_init(struct kl_cell_cache *c, unsigned log2_entries);
void kl_cell_cache_done(struct kl_cell_cache *c);

static inline uint64_t kl_cell_load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
    return v;
}

/**
 * The key of a cell as it is written: its first and last bytes, which overlap, and its length.
 * @param kind  what the fingerprint depends on beside the bytes (type, domain …), 0 to 255
 * @return the key's `what`: 0 when the cell is too long for the cache
 */
static inline uint64_t kl_cell_key_set(struct kl_cell_key *k, struct kl_span raw, uint8_t kind)
{
    const uint8_t *p = raw.ptr;
    size_t n = raw.len;

    *k = (struct kl_cell_key){{0, 0, 0, 0}, 0};
    if (n > KL_CELL_CACHE_BYTES) {
        return 0;
    }
    if (n >= 8) {
        k->w[0] = kl_cell_load(p, 8);
        k->w[1] = kl_cell_load(p + n - 8, 8);
        if (n > 16) {
            k->w[2] = kl_cell_load(p + 8, 8);
            k->w[3] = kl_cell_load(p + n - 16, 8);
        }
    } else if (n >= 4) {
        k->w[0] = kl_cell_load(p, 4) | kl_cell_load(p + n - 4, 4) << 32;
    } else if (n > 0) {
        k->w[0] = (uint64_t)p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16;
    }
    k->what = 1u | (uint64_t)n << 8 | (uint64_t)kind << 16;
    return k->what;
}

static inline struct kl_cell_entry *kl_cell_cache_at(const struct kl_cell_cache *c,
                                                     const struct kl_cell_key *k)
{
    const uint64_t m = 0x9e3779b97f4a7c15ull;
    uint64_t h = (k->w[0] ^ k->what * m) * m;

    h = (h ^ h >> 29 ^ k->w[1]) * m;
    h = (h ^ h >> 29 ^ k->w[2] * 3 ^ k->w[3]) * m;
    return &c->entries[h >> c->shift];
}

/** @return the entry of this key (good until the next put), or NULL */
static inline const struct kl_cell_entry *kl_cell_cache_get(const struct kl_cell_cache *c,
                                                            const struct kl_cell_key *k)
{
    const struct kl_cell_entry *e = kl_cell_cache_at(c, k);
    uint64_t differ = (e->key.w[0] ^ k->w[0]) | (e->key.w[1] ^ k->w[1]) | (e->key.w[2] ^ k->w[2]) |
                      (e->key.w[3] ^ k->w[3]) | (e->key.what ^ k->what);
    return differ == 0 ? e : NULL;
}

static inline void kl_cell_cache_put(struct kl_cell_cache *c, const struct kl_cell_key *k,
                                     struct kl_tag tag, uint64_t note)
{
    *kl_cell_cache_at(c, k) = (struct kl_cell_entry){*k, note, tag};
}

#endif
