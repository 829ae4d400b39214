#include "match/rowset.h"

#include <stdlib.h>

enum kl_rc kl_rowset_init(struct kl_rowset *s, uint64_t n_rows)
{
    s->n_chunks = (size_t)((n_rows + KL_ROWSET_CHUNK - 1) / KL_ROWSET_CHUNK);
    s->n_touched = 0;
    s->chunks = calloc(s->n_chunks + 1, sizeof *s->chunks);
    s->touched = calloc(s->n_chunks + 1, sizeof *s->touched);
    if (s->chunks == NULL || s->touched == NULL) {
        kl_rowset_done(s);
        return KL_E_NOMEM;
    }
    return KL_OK;
}

void kl_rowset_clear(struct kl_rowset *s)
{
    for (size_t i = 0; i < s->n_touched; i++) {
        free(s->chunks[s->touched[i]]);
        s->chunks[s->touched[i]] = NULL;
    }
    s->n_touched = 0;
}

void kl_rowset_done(struct kl_rowset *s)
{
    if (s->chunks != NULL && s->touched != NULL) {
        kl_rowset_clear(s);
    }
    free(s->chunks);
    free(s->touched);
    *s = (struct kl_rowset){.chunks = NULL};
}

uint64_t *kl_rowset_at(struct kl_rowset *s, uint32_t row)
{
    uint64_t **c = &s->chunks[row / KL_ROWSET_CHUNK];

    if (*c == NULL) {
        *c = calloc(KL_ROWSET_CHUNK, sizeof **c);
        if (*c == NULL) {
            return NULL;
        }
        s->touched[s->n_touched++] = row / KL_ROWSET_CHUNK;
    }
    return &(*c)[row % KL_ROWSET_CHUNK];
}
