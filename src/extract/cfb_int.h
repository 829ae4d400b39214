/* Shared by cfb.c (the tables, the directory) and cfb_stream.c (reading along a chain). */
#ifndef KL_EXTRACT_CFB_INT_H
#define KL_EXTRACT_CFB_INT_H

#include "base/buf.h"
#include "extract/cfb.h"

#define KL_CFB_MINI_SHIFT 6u
#define KL_CFB_PAGE_BYTES 512u /* of a table, kept in memory */
#define KL_CFB_PAGE_ENTRIES 128u

enum kl_cfb_table {
    KL_CFB_TABLE_FAT = 0,
    KL_CFB_TABLE_MINI,
    KL_CFB_TABLE_REST,
    KL_CFB_TABLE_REST_MINI
};

/* A table of sector numbers: which sectors it lies in, and pages of it. */
struct kl_cfb_pages {
    struct kl_buf list; /* uint32_t sector numbers, KL_CFB_NONE: a hole */
    uint32_t n_pages;
    uint32_t *tags; /* page number + 1 */
    uint8_t *bytes;
};

struct kl_cfb {
    const struct kl_input *in;
    unsigned shift;
    uint32_t n_blocks; /* sectors and the header before them; the last may be cut */
    uint32_t n_mini;
    uint32_t cutoff; /* shorter streams lie in short sectors */
    bool is_v4;
    bool damaged;
    bool io;
    uint8_t *taken; /* a bit per block */
    uint8_t *mini_taken;
    struct kl_cfb_pages fat;
    struct kl_cfb_pages mini_fat;
    struct kl_buf entries;
    struct kl_buf names;
    struct kl_cfb_stream mini; /* what the short sectors lie in */
};

static inline bool kl_cfb_bit_get(const uint8_t *bits, uint32_t i)
{
    return (bits[i >> 3] >> (i & 7) & 1) != 0;
}

static inline void kl_cfb_bit_set(uint8_t *bits, uint32_t i)
{
    bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}

static inline uint32_t kl_cfb_list_get(const struct kl_buf *list, size_t i)
{
    uint32_t v = KL_CFB_NONE;
    if (i < list->len / sizeof(v)) {
        memcpy(&v, list->ptr + i * sizeof(v), sizeof(v));
    }
    return v;
}

/* The sector is in the file, if only with its first bytes. */
static inline bool kl_cfb_is_sector(const struct kl_cfb *cfb, uint32_t s)
{
    return s < cfb->n_blocks - 1;
}

/* Bytes of block b that the file has. */
static inline uint32_t kl_cfb_block_bytes(const struct kl_cfb *cfb, uint32_t b)
{
    uint64_t at = (uint64_t)b << cfb->shift;
    uint64_t left = cfb->in->len_bytes > at ? cfb->in->len_bytes - at : 0;
    return left < (1u << cfb->shift) ? (uint32_t)left : 1u << cfb->shift;
}

/** The sector behind s in a table; a value that is no sector when the chain ends. */
uint32_t kl_cfb_next(struct kl_cfb *cfb, uint8_t table, uint32_t s);

/** s as the stream of len_bytes bytes that begins at sector `start`; the chain was walked before.
 */
void kl_cfb_stream_init(struct kl_cfb *cfb, struct kl_cfb_stream *s, enum kl_cfb_table table,
                        uint32_t start, uint64_t len_bytes);

#endif
