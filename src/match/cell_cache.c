#include "match/cell_cache.h"

#include "crypt/digest.h"

#include <assert.h>
#include <stdlib.h>

enum kl_rc kl_cell_cache_init(struct kl_cell_cache *c, unsigned log2_entries)
{
    size_t bytes = sizeof(struct kl_cell_entry) << log2_entries;

    assert(log2_entries >= 1 && log2_entries <= 24);
    *c = (struct kl_cell_cache){NULL, 64 - log2_entries};
    if (posix_memalign((void **)&c->entries, 64, bytes) != 0) {
        c->entries = NULL;
        return KL_E_NOMEM;
    }
    memset(c->entries, 0, bytes); /* the key of a cell is never all zero */
    return KL_OK;
}

void kl_cell_cache_done(struct kl_cell_cache *c)
{
    if (c->entries != NULL) {
        kl_wipe(c->entries, sizeof(struct kl_cell_entry) << (64 - c->shift));
        free(c->entries);
    }
    *c = (struct kl_cell_cache){NULL, 0};
}
