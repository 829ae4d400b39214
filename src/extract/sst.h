/*
 * The shared strings of a workbook: one arena, and where each begins. Each remembers whether a
 * cell named it, so that those that no cell names can be read at the end.
 * Thread rule: one owner at a time.
 */
#ifndef KL_EXTRACT_SST_H
#define KL_EXTRACT_SST_H

#include "base/buf.h"
#include "extract/emit.h"

struct kl_sst {
    struct kl_buf arena; /* decoded text; KL_XML_PAD readable bytes behind once it is closed */
    struct kl_buf offs;  /* uint32_t[n + 1] */
    struct kl_buf used;  /* a bit per string that a cell named */
    uint32_t n;
};

KL_MUST enum kl_rc kl_sst_init(struct kl_sst *s);
void kl_sst_done(struct kl_sst *s);

/** What was added to the arena since the last call is a string. KL_E_LIMIT: the table is full. */
KL_MUST enum kl_rc kl_sst_push(struct kl_sst *s);
/** No more strings come: from here on they can be read. */
KL_MUST enum kl_rc kl_sst_close(struct kl_sst *s);
/** The strings that no cell named, as a TEXT part. */
KL_MUST enum kl_rc kl_sst_rest(const struct kl_sst *s, struct kl_emit *e);

static inline uint32_t kl_sst_off(const struct kl_sst *s, uint32_t i)
{
    uint32_t v;
    memcpy(&v, s->offs.ptr + (size_t)i * sizeof v, sizeof v);
    return v;
}

/** Borrowed; i < s->n. */
static inline struct kl_span kl_sst_get(const struct kl_sst *s, uint32_t i)
{
    uint32_t from = kl_sst_off(s, i);
    return kl_span_make(s->arena.ptr + from, kl_sst_off(s, i + 1) - from);
}

/** A cell named string i < s->n. */
static inline void kl_sst_use(struct kl_sst *s, uint32_t i)
{
    s->used.ptr[i / 8] |= (uint8_t)(1u << i % 8);
}

#endif
