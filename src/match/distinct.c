#include "match/distinct.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64u
#define MAX_LEVEL 40u

static bool is_kept(uint64_t hash, unsigned level)
{
    return (hash & ((1ull << level) - 1)) == 0;
}

/* Into a table with room; the high bits choose the place, the low ones the sample. */
static bool put(uint64_t *slots, size_t n_slots, uint64_t hash)
{
    size_t i = (size_t)(hash >> 32) & (n_slots - 1);
    while (slots[i] != 0) {
        if (slots[i] == hash) {
            return false;
        }
        i = (i + 1) & (n_slots - 1);
    }
    slots[i] = hash;
    return true;
}

/* Move what `level` keeps to a table of n_slots. */
static enum kl_rc rebuild(struct kl_distinct *d, size_t n_slots, unsigned level)
{
    uint64_t *slots = calloc(n_slots, sizeof *slots);
    size_t n = 0;

    if (slots == NULL) {
        return KL_E_NOMEM;
    }
    for (size_t i = 0; i < d->n_slots; i++) {
        if (d->slots[i] != 0 && is_kept(d->slots[i], level)) {
            n += put(slots, n_slots, d->slots[i]) ? 1 : 0;
        }
    }
    free(d->slots);
    *d = (struct kl_distinct){slots, n_slots, n, level};
    return KL_OK;
}

enum kl_rc kl_distinct_add(struct kl_distinct *d, uint64_t hash)
{
    hash |= (uint64_t)(hash == 0) << 63;
    if (!is_kept(hash, d->level)) {
        return KL_OK;
    }
    if (2 * d->n >= d->n_slots && d->n_slots < 2u * KL_DISTINCT_EXACT) {
        KL_TRY(rebuild(d, d->n_slots == 0 ? FIRST_SLOTS : 2 * d->n_slots, d->level));
    }
    if (!put(d->slots, d->n_slots, hash)) {
        return KL_OK;
    }
    d->n++;
    while (d->n > KL_DISTINCT_EXACT && d->level < MAX_LEVEL) {
        KL_TRY(rebuild(d, d->n_slots, d->level + 1));
    }
    return KL_OK;
}

void kl_distinct_clear(struct kl_distinct *d)
{
    if (d->n_slots > 4096) {
        kl_distinct_done(d);
        return;
    }
    if (d->slots != NULL) {
        memset(d->slots, 0, d->n_slots * sizeof *d->slots);
    }
    d->n = 0;
    d->level = 0;
}

void kl_distinct_done(struct kl_distinct *d)
{
    free(d->slots);
    *d = (struct kl_distinct){0};
}
