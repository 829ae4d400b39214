/*
 * The compound file reader that msg, doc, ppt and xls stand on (cfb.h is the contract). Opened,
 * it has walked each chain once and marked its sectors, so that streams never share any.
 */
#include "extract/cfb.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fold.h"

#define HEADER_BYTES 512u
#define HEADER_FATS 109u /* sectors of the FAT that the header names */
#define PAGE_BYTES 512u  /* of a table, kept in memory */
#define PAGE_ENTRIES 128u
#define MAX_PAGES 4096u /* of the FAT in memory: 2 MiB */
#define ENTRY_BYTES 128u
#define MAX_ENTRIES 65536u
#define MINI_SHIFT 6u
#define MAX_BLOCKS (1u << 27) /* 64 GiB of sectors */
#define MAX_MINI (1u << 22)   /* 256 MiB of short streams; what lies behind is in the rest */

enum table { TABLE_FAT = 0, TABLE_MINI, TABLE_REST, TABLE_REST_MINI };

/* A table of sector numbers: which sectors it lies in, and pages of it. */
struct pages {
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
    struct pages fat;
    struct pages mini_fat;
    struct kl_buf entries;
    struct kl_buf names;
    struct kl_cfb_stream mini; /* what the short sectors lie in */
};

static bool bit_get(const uint8_t *bits, uint32_t i)
{
    return (bits[i >> 3] >> (i & 7) & 1) != 0;
}

static void bit_set(uint8_t *bits, uint32_t i)
{
    bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}

/* ---- tables ---- */

static uint32_t list_get(const struct kl_buf *list, size_t i)
{
    uint32_t v = KL_CFB_NONE;
    if (i < list->len / sizeof(v)) {
        memcpy(&v, list->ptr + i * sizeof(v), sizeof(v));
    }
    return v;
}

/* The sector is in the file, if only with its first bytes. */
static bool is_sector(const struct kl_cfb *cfb, uint32_t s)
{
    return s < cfb->n_blocks - 1;
}

/* Bytes of block b that the file has. */
static uint32_t block_bytes(const struct kl_cfb *cfb, uint32_t b)
{
    uint64_t at = (uint64_t)b << cfb->shift;
    uint64_t left = cfb->in->len_bytes > at ? cfb->in->len_bytes - at : 0;
    return left < (1u << cfb->shift) ? (uint32_t)left : 1u << cfb->shift;
}

/* Entry i of a table; KL_CFB_NONE where the table has a hole or cannot be read. */
static uint32_t pages_get(struct kl_cfb *cfb, struct pages *p, uint32_t i)
{
    uint32_t page = i / PAGE_ENTRIES;
    uint8_t *bytes = p->bytes + (size_t)(page % p->n_pages) * PAGE_BYTES;

    if (p->tags[page % p->n_pages] != page + 1) {
        uint64_t at = (uint64_t)page * PAGE_BYTES;
        uint32_t s = list_get(&p->list, (size_t)(at >> cfb->shift));
        uint64_t in_sector = at & ((1u << cfb->shift) - 1);
        size_t n = 0;
        if (!is_sector(cfb, s)) {
            return KL_CFB_NONE;
        }
        if (kl_input_read(cfb->in, (((uint64_t)s + 1) << cfb->shift) + in_sector, bytes, PAGE_BYTES,
                          &n) != KL_OK) {
            cfb->io = true;
            n = 0;
        }
        memset(bytes + n, 0xFF, PAGE_BYTES - n);
        p->tags[page % p->n_pages] = page + 1;
    }
    struct kl_rd r = kl_rd_init(kl_span_make(bytes + (size_t)(i % PAGE_ENTRIES) * 4, 4));
    return kl_rd_le32(&r);
}

/* Room for the pages of a table of n entries. */
static enum kl_rc pages_init(struct pages *p, uint64_t n)
{
    uint64_t pages = (n + PAGE_ENTRIES - 1) / PAGE_ENTRIES;
    p->n_pages = pages < 1 ? 1 : pages > MAX_PAGES ? MAX_PAGES : (uint32_t)pages;
    p->tags = calloc(p->n_pages, sizeof(*p->tags));
    p->bytes = malloc((size_t)p->n_pages * PAGE_BYTES);
    return p->tags != NULL && p->bytes != NULL ? KL_OK : KL_E_NOMEM;
}

static void pages_done(struct pages *p)
{
    kl_buf_done(&p->list);
    free(p->tags);
    free(p->bytes);
}

static uint32_t next_free(const uint8_t *bits, uint32_t from, uint32_t n)
{
    while (from < n && bit_get(bits, from)) {
        from += (from & 7) == 0 && bits[from >> 3] == 0xFF ? 8 : 1;
    }
    return from < n ? from : KL_CFB_NONE;
}

static uint32_t next_of(struct kl_cfb *cfb, uint8_t table, uint32_t s)
{
    switch (table) {
    case TABLE_FAT:
        return pages_get(cfb, &cfb->fat, s);
    case TABLE_MINI:
        return pages_get(cfb, &cfb->mini_fat, s);
    case TABLE_REST:
        return next_free(cfb->taken, s + 1, cfb->n_blocks);
    default:
        return next_free(cfb->mini_taken, s + 1, cfb->n_mini);
    }
}

/* ---- a stream ---- */

static bool is_short(uint8_t table)
{
    return table == TABLE_MINI || table == TABLE_REST_MINI;
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
        uint32_t next = next_of(s->cfb, s->table, s->sector);
        uint32_t n = is_short(s->table)       ? s->cfb->n_mini
                     : s->table == TABLE_REST ? s->cfb->n_blocks
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
        return (uint64_t)s << MINI_SHIFT;
    }
    return ((uint64_t)s + (table == TABLE_FAT)) << cfb->shift;
}

/* One piece: bytes that lie side by side. */
static enum kl_rc stream_piece(struct kl_cfb_stream *s, uint64_t at, void *dst, size_t n,
                               size_t *out_n)
{
    struct kl_cfb *cfb = s->cfb;
    unsigned shift = is_short(s->table) ? MINI_SHIFT : cfb->shift;
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

static void stream_init(struct kl_cfb *cfb, struct kl_cfb_stream *s, enum table table,
                        uint32_t start, uint64_t len_bytes)
{
    unsigned shift = is_short((uint8_t)table) ? MINI_SHIFT : cfb->shift;
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
    stream_init(cfb, s, e->is_mini ? TABLE_MINI : TABLE_FAT, e->start, e->len_bytes);
}

void kl_cfb_rest_open(struct kl_cfb *cfb, bool is_mini, struct kl_cfb_stream *s)
{
    uint8_t *bits = is_mini ? cfb->mini_taken : cfb->taken;
    uint32_t n = is_mini ? cfb->n_mini : cfb->n_blocks;
    uint32_t first = n > 0 ? next_free(bits, 0, n) : KL_CFB_NONE;
    uint64_t len = 0;

    for (uint32_t b = first; b != KL_CFB_NONE; b = next_free(bits, b + 1, n)) {
        uint64_t left =
            is_mini ? cfb->mini.in.len_bytes - ((uint64_t)b << MINI_SHIFT) : block_bytes(cfb, b);
        uint64_t size = is_mini ? 1u << MINI_SHIFT : 1u << cfb->shift;
        len += left < size ? left : size;
    }
    stream_init(cfb, s, is_mini ? TABLE_REST_MINI : TABLE_REST, first, len);
}

size_t kl_cfb_slack_read(struct kl_cfb *cfb, uint32_t i, uint8_t *dst, size_t room)
{
    const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, i);
    uint32_t size = e->is_mini ? 1u << MINI_SHIFT : 1u << cfb->shift;
    uint32_t used = (uint32_t)(e->len_bytes & (size - 1));
    size_t n = used > 0 ? size - used : 0;
    size_t got = 0;

    if (e->kind != KL_CFB_KIND_STREAM || n == 0) {
        return 0;
    }
    n = n < room ? n : room;
    uint64_t at = sector_at(cfb, e->is_mini ? TABLE_MINI : TABLE_FAT, e->last) + used;
    const struct kl_input *in = e->is_mini ? &cfb->mini.in : cfb->in;
    return kl_input_read(in, at, dst, n, &got) == KL_OK ? got : 0;
}

/* ---- claiming the sectors ---- */

/* Walk the chain of e and mark what it has; len_bytes and last are set. */
static void claim(struct kl_cfb *cfb, struct kl_cfb_entry *e)
{
    unsigned shift = e->is_mini ? MINI_SHIFT : cfb->shift;
    uint8_t *bits = e->is_mini ? cfb->mini_taken : cfb->taken;
    uint32_t bias = e->is_mini ? 0 : 1; /* block 0 is the header */
    uint32_t n = e->is_mini ? cfb->n_mini : cfb->n_blocks;
    uint32_t s = e->start;
    uint64_t got = 0;

    while (got < e->claim_bytes) {
        if (s >= n - bias || n == 0 || bit_get(bits, s + bias)) {
            cfb->damaged = true;
            break;
        }
        uint64_t left = e->is_mini ? cfb->mini.in.len_bytes - ((uint64_t)s << MINI_SHIFT)
                                   : block_bytes(cfb, s + 1);
        bit_set(bits, s + bias);
        e->last = s;
        if (left < (1u << shift)) {
            got += left; /* the file ends here */
            cfb->damaged = cfb->damaged || got < e->claim_bytes;
            break;
        }
        got += 1u << shift;
        s = got < e->claim_bytes ? next_of(cfb, e->is_mini ? TABLE_MINI : TABLE_FAT, s) : s;
    }
    e->len_bytes = got < e->claim_bytes ? got : e->claim_bytes;
}

/* ---- opening ---- */

static enum kl_rc list_add(struct kl_buf *list, uint32_t v)
{
    return kl_buf_add(list, &v, sizeof(v));
}

/* The sectors of the FAT: those in the header, then those in the DIFAT. */
static enum kl_rc read_fat_list(struct kl_cfb *cfb, struct kl_span header)
{
    uint32_t per_sector = 1u << (cfb->shift - 2);
    uint32_t want = (cfb->n_blocks - 1 + per_sector - 1) / per_sector;
    uint32_t max_difats = want / (per_sector - 1) + 1;
    struct kl_rd r = kl_rd_init(kl_span_part(header, 68, HEADER_BYTES));
    uint32_t difat = kl_rd_le32(&r);
    uint8_t *sector = malloc((size_t)1 << cfb->shift);
    enum kl_rc rc = sector != NULL ? KL_OK : KL_E_NOMEM;

    kl_buf_init(&cfb->fat.list, (size_t)want * 4);
    kl_rd_skip(&r, 4);
    for (uint32_t i = 0; i < HEADER_FATS && i < want && rc == KL_OK; i++) {
        rc = list_add(&cfb->fat.list, kl_rd_le32(&r));
    }
    for (uint32_t k = 0; k < max_difats && rc == KL_OK && is_sector(cfb, difat); k++) {
        size_t n = 0;
        rc = kl_input_read(cfb->in, ((uint64_t)difat + 1) << cfb->shift, sector,
                           (size_t)1 << cfb->shift, &n);
        r = kl_rd_init(kl_span_make(sector, rc == KL_OK ? n : 0));
        for (uint32_t i = 0; i + 1 < per_sector && rc == KL_OK && cfb->fat.list.len / 4 < want &&
                             kl_rd_left(&r) >= 4;
             i++) {
            rc = list_add(&cfb->fat.list, kl_rd_le32(&r));
        }
        difat = kl_rd_le32(&r);
        difat = kl_rd_ok(&r) ? difat : KL_CFB_NONE;
    }
    free(sector);
    return rc;
}

/* The sectors of a chain, at most `max`; it ends where it leaves the file or meets itself. */
static enum kl_rc read_chain(struct kl_cfb *cfb, uint32_t start, size_t max, struct kl_buf *list)
{
    uint8_t *seen = calloc(cfb->n_blocks / 8 + 1, 1);
    enum kl_rc rc = seen != NULL ? KL_OK : KL_E_NOMEM;
    uint32_t s = start;

    kl_buf_init(list, max * 4);
    for (size_t i = 0; i < max && rc == KL_OK && is_sector(cfb, s) && !bit_get(seen, s); i++) {
        bit_set(seen, s);
        rc = list_add(list, s);
        s = next_of(cfb, TABLE_FAT, s);
    }
    cfb->damaged = cfb->damaged || (rc == KL_OK && is_sector(cfb, s));
    free(seen);
    return rc;
}

/* The place of an entry in the tree of names. */
struct links {
    uint32_t left;
    uint32_t right;
    uint32_t child;
    uint32_t next; /* on the list of what is still to be visited */
    bool seen;
};

static struct kl_cfb_entry *entry_at(struct kl_cfb *cfb, uint32_t i)
{
    return (struct kl_cfb_entry *)(void *)cfb->entries.ptr + i;
}

static void visit(struct kl_cfb *cfb, struct links *l, uint32_t i, uint32_t parent, uint32_t *list)
{
    if (i < kl_cfb_count_get(cfb) && !l[i].seen) {
        l[i].seen = true;
        l[i].next = *list;
        *list = i;
        entry_at(cfb, i)->parent = parent;
    }
}

/* Give each entry its parent; each is visited once whatever the links say. */
static void walk_tree(struct kl_cfb *cfb, struct links *l)
{
    uint32_t list = KL_CFB_NONE;

    l[0].seen = true;
    visit(cfb, l, l[0].child, 0, &list);
    while (list != KL_CFB_NONE) {
        uint32_t i = list;
        uint32_t parent = entry_at(cfb, i)->parent;
        list = l[i].next;
        visit(cfb, l, l[i].left, parent, &list);
        visit(cfb, l, l[i].right, parent, &list);
        if (entry_at(cfb, i)->kind == KL_CFB_KIND_STORAGE) {
            visit(cfb, l, l[i].child, i, &list);
        }
    }
}

static enum kl_rc add_name(struct kl_cfb *cfb, struct kl_span raw, struct kl_cfb_entry *e)
{
    uint8_t out[4];

    e->name_at = (uint32_t)cfb->names.len;
    for (size_t i = 0; i + 1 < raw.len; i += 2) {
        uint32_t c = raw.ptr[i] | (uint32_t)raw.ptr[i + 1] << 8;
        uint32_t low = i + 3 < raw.len ? raw.ptr[i + 2] | (uint32_t)raw.ptr[i + 3] << 8 : 0;
        if (c >= 0xD800 && c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
            i += 2;
        } else if (c >= 0xD800 && c < 0xE000) {
            c = 0xFFFD;
        }
        if (c == 0) {
            break;
        }
        KL_TRY(kl_buf_add(&cfb->names, out, kl_utf8_put(c, out)));
    }
    e->name_len = (uint8_t)(cfb->names.len - e->name_at); /* at most 32 * 3 */
    return KL_OK;
}

static enum kl_rc read_entry(struct kl_cfb *cfb, struct kl_span raw, struct links *l)
{
    struct kl_cfb_entry e = {.parent = KL_CFB_NONE, .last = KL_CFB_NONE};
    struct kl_rd r = kl_rd_init(raw);
    struct kl_span name = kl_rd_take(&r, 64);
    size_t name_len = kl_rd_le16(&r);
    uint8_t type = kl_rd_u8(&r);

    kl_rd_skip(&r, 1);
    *l = (struct links){.left = kl_rd_le32(&r)};
    l->right = kl_rd_le32(&r);
    l->child = kl_rd_le32(&r);
    kl_rd_skip(&r, 36);
    e.start = kl_rd_le32(&r);
    e.claim_bytes = kl_rd_le64(&r);
    if (!cfb->is_v4) {
        e.claim_bytes &= UINT32_MAX; /* the upper half is not set by old writers */
    }
    e.kind = type == 1   ? KL_CFB_KIND_STORAGE
             : type == 2 ? KL_CFB_KIND_STREAM
             : type == 5 ? KL_CFB_KIND_ROOT
                         : KL_CFB_KIND_NONE;
    KL_TRY(add_name(cfb, kl_span_part(name, 0, name_len < 64 ? name_len : 64), &e));
    return kl_buf_add(&cfb->entries, &e, sizeof(e));
}

static enum kl_rc read_sector_entries(struct kl_cfb *cfb, uint32_t s, uint8_t *sector,
                                      struct links *l)
{
    size_t n = 0;
    uint32_t count = kl_cfb_count_get(cfb);

    KL_TRY(kl_input_read(cfb->in, ((uint64_t)s + 1) << cfb->shift, sector, (size_t)1 << cfb->shift,
                         &n));
    for (size_t at = 0; n - at >= ENTRY_BYTES && count < MAX_ENTRIES; at += ENTRY_BYTES) {
        KL_TRY(read_entry(cfb, kl_span_make(sector + at, ENTRY_BYTES), &l[count++]));
    }
    return KL_OK;
}

static enum kl_rc read_directory(struct kl_cfb *cfb, uint32_t start)
{
    size_t per_sector = ((size_t)1 << cfb->shift) / ENTRY_BYTES;
    struct kl_buf chain = {0};
    enum kl_rc rc = read_chain(cfb, start, MAX_ENTRIES / per_sector, &chain);
    size_t n = chain.len / 4;
    struct links *l = rc == KL_OK ? malloc((n * per_sector + 1) * sizeof(*l)) : NULL;
    uint8_t *sector = malloc((size_t)1 << cfb->shift);

    if (rc == KL_OK && (l == NULL || sector == NULL)) {
        rc = KL_E_NOMEM;
    }
    for (size_t i = 0; i < n && rc == KL_OK; i++) {
        rc = read_sector_entries(cfb, list_get(&chain, i), sector, l);
    }
    if (rc == KL_OK && (kl_cfb_count_get(cfb) == 0 || entry_at(cfb, 0)->kind != KL_CFB_KIND_ROOT)) {
        rc = KL_E_FORMAT;
    }
    if (rc == KL_OK) {
        walk_tree(cfb, l);
    }
    free(sector);
    free(l);
    kl_buf_done(&chain);
    return rc;
}

/* The short sectors: the root's own stream, and their table. */
static enum kl_rc open_mini(struct kl_cfb *cfb, uint32_t table_start)
{
    struct kl_cfb_entry *root = entry_at(cfb, 0);

    root->is_mini = false;
    if (root->claim_bytes > (uint64_t)MAX_MINI << MINI_SHIFT) {
        root->claim_bytes = (uint64_t)MAX_MINI << MINI_SHIFT;
        cfb->damaged = true;
    }
    claim(cfb, root);
    stream_init(cfb, &cfb->mini, TABLE_FAT, root->start, root->len_bytes);
    cfb->n_mini = (uint32_t)((root->len_bytes + (1u << MINI_SHIFT) - 1) >> MINI_SHIFT);
    cfb->mini_taken = calloc(cfb->n_mini / 8 + 1, 1);
    if (cfb->mini_taken == NULL) {
        return KL_E_NOMEM;
    }
    KL_TRY(read_chain(cfb, table_start, ((size_t)cfb->n_mini * 4 >> cfb->shift) + 1,
                      &cfb->mini_fat.list));
    return pages_init(&cfb->mini_fat, cfb->n_mini);
}

static enum kl_rc read_all(struct kl_cfb *cfb, struct kl_span header)
{
    struct kl_rd r = kl_rd_init(header);
    uint64_t len = cfb->in->len_bytes;

    kl_rd_skip(&r, 26);
    cfb->is_v4 = kl_rd_le16(&r) >= 4;
    kl_rd_skip(&r, 2);
    cfb->shift = kl_rd_le16(&r);
    kl_rd_skip(&r, 16);
    uint32_t directory = kl_rd_le32(&r);
    kl_rd_skip(&r, 4);
    cfb->cutoff = kl_rd_le32(&r);
    uint32_t mini_table = kl_rd_le32(&r);
    if (memcmp(header.ptr, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) != 0 || cfb->shift < 9 ||
        cfb->shift > 16) {
        return KL_E_FORMAT;
    }
    uint64_t blocks = (len + ((uint64_t)1 << cfb->shift) - 1) >> cfb->shift;
    if (blocks > MAX_BLOCKS) {
        return KL_E_LIMIT;
    }
    cfb->n_blocks = (uint32_t)blocks;
    cfb->taken = calloc(cfb->n_blocks / 8 + 1, 1);
    if (cfb->taken == NULL) {
        return KL_E_NOMEM;
    }
    KL_TRY(read_fat_list(cfb, header));
    KL_TRY(pages_init(&cfb->fat, cfb->n_blocks));
    KL_TRY(read_directory(cfb, directory));
    KL_TRY(open_mini(cfb, mini_table));
    for (uint32_t i = 1; i < kl_cfb_count_get(cfb); i++) {
        struct kl_cfb_entry *e = entry_at(cfb, i);
        e->is_mini = e->claim_bytes < cfb->cutoff;
        if (e->kind == KL_CFB_KIND_STREAM) {
            claim(cfb, e);
        }
    }
    return cfb->io ? KL_E_IO : KL_OK;
}

enum kl_rc kl_cfb_open(const struct kl_input *in, struct kl_cfb **out_cfb)
{
    uint8_t header[HEADER_BYTES];
    size_t n = 0;
    struct kl_cfb *cfb = calloc(1, sizeof(*cfb));

    if (cfb == NULL) {
        return KL_E_NOMEM;
    }
    cfb->in = in;
    kl_buf_init(&cfb->entries, MAX_ENTRIES * sizeof(struct kl_cfb_entry));
    kl_buf_init(&cfb->names, (size_t)MAX_ENTRIES * 96);
    enum kl_rc rc = kl_input_read(in, 0, header, sizeof(header), &n);
    if (rc == KL_OK) {
        rc = n == sizeof(header) ? read_all(cfb, kl_span_make(header, n)) : KL_E_FORMAT;
    }
    if (rc != KL_OK) {
        kl_cfb_free(&cfb);
        return rc;
    }
    *out_cfb = cfb;
    return KL_OK;
}

void kl_cfb_free(struct kl_cfb **cfb)
{
    struct kl_cfb *c = *cfb;

    if (c != NULL) {
        pages_done(&c->fat);
        pages_done(&c->mini_fat);
        kl_buf_done(&c->entries);
        kl_buf_done(&c->names);
        free(c->taken);
        free(c->mini_taken);
        free(c);
    }
    *cfb = NULL;
}

/* ---- asking ---- */

uint32_t kl_cfb_count_get(const struct kl_cfb *cfb)
{
    return (uint32_t)(cfb->entries.len / sizeof(struct kl_cfb_entry));
}

const struct kl_cfb_entry *kl_cfb_entry_get(const struct kl_cfb *cfb, uint32_t i)
{
    return (const struct kl_cfb_entry *)(const void *)cfb->entries.ptr + i;
}

struct kl_span kl_cfb_name(const struct kl_cfb *cfb, uint32_t i)
{
    const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, i);
    return kl_span_part(kl_buf_span(&cfb->names), e->name_at, (size_t)e->name_at + e->name_len);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_name(struct kl_span have, const char *want)
{
    for (size_t i = 0; i < have.len; i++) {
        if (want[i] == '\0' || lower(have.ptr[i]) != lower((uint8_t)want[i])) {
            return false;
        }
    }
    return want[have.len] == '\0';
}

uint32_t kl_cfb_find(const struct kl_cfb *cfb, uint32_t parent, const char *name)
{
    uint32_t lost = KL_CFB_NONE;

    for (uint32_t i = 1; i < kl_cfb_count_get(cfb); i++) {
        const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, i);
        if (e->kind == KL_CFB_KIND_NONE || !is_name(kl_cfb_name(cfb, i), name)) {
            continue;
        }
        if (e->parent == parent) {
            return i;
        }
        /* A tree that is broken near its top: better found there than not at all. */
        lost = e->parent == KL_CFB_NONE && parent == 0 && lost == KL_CFB_NONE ? i : lost;
    }
    return lost;
}

void kl_cfb_done_set(struct kl_cfb *cfb, uint32_t i)
{
    entry_at(cfb, i)->is_done = true;
}

bool kl_cfb_is_damaged(const struct kl_cfb *cfb)
{
    return cfb->damaged;
}
