#include "extract/cfb_int.h"

/* ---- the sector behind a sector ---- */

/* Entry i of a table; KL_CFB_NONE where the table has a hole or cannot be read. */
static uint32_t pages_get(struct kl_cfb *cfb, struct kl_cfb_pages *p, uint32_t i)
{
    uint32_t page = i / KL_CFB_PAGE_ENTRIES;
    uint8_t *bytes = p->bytes + (size_t)(page % p->n_pages) * KL_CFB_PAGE_BYTES;

    if (p->tags[page % p->n_pages] != page + 1) {
        uint64_t at = (uint64_t)page * KL_CFB_PAGE_BYTES;
        uint32_t s = kl_cfb_list_get(&p->list, (size_t)(at >> cfb->shift));
        uint64_t in_sector = at & ((1u << cfb->shift) - 1);
        size_t n = 0;
        if (!kl_cfb_is_sector(cfb, s)) {
            return KL_CFB_NONE;
        }
        if (kl_input_read(cfb->in, (((uint64_t)s + 1) << cfb->shift) + in_sector, bytes,
                          KL_CFB_PAGE_BYTES, &n) != KL_OK) {
            cfb->io = true;
            n = 0;
        }
        memset(bytes + n, 0xFF, KL_CFB_PAGE_BYTES - n);
        p->tags[page % p->n_pages] = page + 1;
    }
    struct kl_rd r = kl_rd_init(kl_span_make(bytes + (size_t)(i % KL_CFB_PAGE_ENTRIES) * 4, 4));
    return kl_rd_le32(&r);
}

static uint32_t next_free(const uint8_t *bits, uint32_t from, uint32_t n)
{
    while (from < n && kl_cfb_bit_get(bits, from)) {
        from += (from & 7) == 0 && bits[from >> 3] == 0xFF ? 8 : 1;
    }
    return from < n ? from : KL_CFB_NONE;
}

uint32_t kl_cfb_next(struct kl_cfb *cfb, uint8_t table, uint32_t s)
{
    switch (table) {
    case KL_CFB_TABLE_FAT:
        return pages_get(cfb, &cfb->fat, s);
    case KL_CFB_TABLE_MINI:
        return pages_get(cfb, &cfb->mini_fat, s);
    case KL_CFB_TABLE_REST:
        return next_free(cfb->taken, s + 1, cfb->n_blocks);
    default:
        return next_free(cfb->mini_taken, s + 1, cfb->n_mini);
    }
}

/* ---- a stream ---- */

static bool is_short(uint8_t table)
{
    return table == KL_CFB_TABLE_MINI || table == KL_CFB_TABLE_REST_MINI;
}

/* Go to place `want` of the chain; false: it ends before. */
static bool stream_seek(struct kl_cfb_stream *s, uint32_t want)
{
    uint32_t k = want / s->stride;

    if (want >= s->n_sectors) {
        return false;
    }
    k = k < s->n_steps ? k : s->n_steps - 1;
    if (want < s->at || k * s->stride > s->at) {
        s->at = k * s->stride;
        s->sector = s->steps[k];
    }
    while (s->at < want) {
        uint32_t next = kl_cfb_next(s->cfb, s->table, s->sector);
        uint32_t n = is_short(s->table)              ? s->cfb->n_mini
                     : s->table == KL_CFB_TABLE_REST ? s->cfb->n_blocks
                                                     : s->cfb->n_blocks - 1;
        if (next >= n) {
            return false;
        }
        s->sector = next;
        s->at++;
        if (s->at % s->stride == 0 && s->at / s->stride == s->n_steps &&
            s->n_steps < KL_CFB_STEPS) {
            s->steps[s->n_steps++] = next;
        }
    }
    return true;
}

/* Where sector s begins, in what it lies in. */
static uint64_t sector_at(const struct kl_cfb *cfb, uint8_t table, uint32_t s)
{
    if (is_short(table)) {
        return (uint64_t)s << KL_CFB_MINI_SHIFT;
    }
    return ((uint64_t)s + (table == KL_CFB_TABLE_FAT)) << cfb->shift;
}

/* One piece: bytes that lie side by side. */
static enum kl_rc stream_piece(struct kl_cfb_stream *s, uint64_t at, void *dst, size_t n,
                               size_t *out_n)
{
    struct kl_cfb *cfb = s->cfb;
    unsigned shift = is_short(s->table) ? KL_CFB_MINI_SHIFT : cfb->shift;
    uint64_t off = at & ((1u << shift) - 1);

    *out_n = 0;
    if (at >> shift >= s->n_sectors || !stream_seek(s, (uint32_t)(at >> shift))) {
        return cfb->io ? KL_E_IO : KL_OK;
    }
    uint64_t from = sector_at(cfb, s->table, s->sector) + off;
    uint64_t have = (1u << shift) - off;
    for (uint32_t last = s->sector; have < n && stream_seek(s, s->at + 1); last++) {
        if (s->sector != last + 1) {
            break;
        }
        have += 1u << shift;
    }
    n = have < n ? (size_t)have : n;
    if (is_short(s->table)) {
        return kl_input_read(&cfb->mini.in, from, dst, n, out_n);
    }
    return kl_input_read(cfb->in, from, dst, n, out_n);
}

static enum kl_rc stream_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct kl_cfb_stream *s = ctx;
    uint64_t left = at < s->in.len_bytes ? s->in.len_bytes - at : 0;
    size_t all = 0;
    size_t got = 1;

    n = left < n ? (size_t)left : n;
    while (all < n && got > 0) {
        KL_TRY(stream_piece(s, at + all, (uint8_t *)dst + all, n - all, &got));
        all += got;
    }
    *out_n = all;
    return KL_OK;
}

void kl_cfb_stream_init(struct kl_cfb *cfb, struct kl_cfb_stream *s, enum kl_cfb_table table,
                        uint32_t start, uint64_t len_bytes)
{
    unsigned shift = is_short((uint8_t)table) ? KL_CFB_MINI_SHIFT : cfb->shift;
    uint64_t n = (len_bytes + (1u << shift) - 1) >> shift;

    s->cfb = cfb;
    s->table = (uint8_t)table;
    s->start = start;
    s->n_sectors = (uint32_t)n; /* at most MAX_BLOCKS: it was counted */
    s->stride = (uint32_t)((n + KL_CFB_STEPS - 1) / KL_CFB_STEPS);
    s->stride = s->stride > 0 ? s->stride : 1;
    s->at = 0;
    s->sector = start;
    s->n_steps = 1;
    s->steps[0] = start;
    s->source = (struct kl_source){s, stream_read};
    s->in = kl_input_source(&s->source, len_bytes);
}

void kl_cfb_stream_open(struct kl_cfb *cfb, uint32_t i, struct kl_cfb_stream *s)
{
    const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, i);
    kl_cfb_stream_init(cfb, s, e->is_mini ? KL_CFB_TABLE_MINI : KL_CFB_TABLE_FAT, e->start,
                       e->len_bytes);
}

void kl_cfb_rest_open(struct kl_cfb *cfb, bool is_mini, struct kl_cfb_stream *s)
{
    uint8_t *bits = is_mini ? cfb->mini_taken : cfb->taken;
    uint32_t n = is_mini ? cfb->n_mini : cfb->n_blocks;
    uint32_t first = n > 0 ? next_free(bits, 0, n) : KL_CFB_NONE;
    uint64_t len = 0;

    for (uint32_t b = first; b != KL_CFB_NONE; b = next_free(bits, b + 1, n)) {
        uint64_t left = is_mini ? cfb->mini.in.len_bytes - ((uint64_t)b << KL_CFB_MINI_SHIFT)
                                : kl_cfb_block_bytes(cfb, b);
        uint64_t size = is_mini ? 1u << KL_CFB_MINI_SHIFT : 1u << cfb->shift;
        len += left < size ? left : size;
    }
    kl_cfb_stream_init(cfb, s, is_mini ? KL_CFB_TABLE_REST_MINI : KL_CFB_TABLE_REST, first, len);
}

size_t kl_cfb_slack_read(struct kl_cfb *cfb, uint32_t i, uint8_t *dst, size_t room)
{
    const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, i);
    uint32_t size = e->is_mini ? 1u << KL_CFB_MINI_SHIFT : 1u << cfb->shift;
    uint32_t used = (uint32_t)(e->len_bytes & (size - 1));
    size_t n = used > 0 ? size - used : 0;
    size_t got = 0;

    if (e->kind != KL_CFB_KIND_STREAM || n == 0) {
        return 0;
    }
    n = n < room ? n : room;
    uint64_t at = sector_at(cfb, e->is_mini ? KL_CFB_TABLE_MINI : KL_CFB_TABLE_FAT, e->last) + used;
    const struct kl_input *in = e->is_mini ? &cfb->mini.in : cfb->in;
    return kl_input_read(in, at, dst, n, &got) == KL_OK ? got : 0;
}
