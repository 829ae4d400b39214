/*
 * The compound file reader that msg, doc, ppt and xls stand on (cfb.h is the contract). Opened,
 * it has walked each chain once and marked its sectors, so that streams never share any.
 */
#include "extract/cfb_int.h"

#include <stdlib.h>

#include "base/fold.h"

#define HEADER_BYTES 512u
#define HEADER_FATS 109u /* sectors of the FAT that the header names */
#define MAX_PAGES 4096u  /* of the FAT in memory: 2 MiB */
#define ENTRY_BYTES 128u
#define MAX_ENTRIES 65536u
#define MAX_BLOCKS (1u << 27) /* 64 GiB of sectors */
#define MAX_MINI (1u << 22)   /* 256 MiB of short streams; what lies behind is in the rest */

/* ---- opening the tables ---- */

/* Room for the pages of a table of n entries. */
static enum kl_rc pages_init(struct kl_cfb_pages *p, uint64_t n)
{
    uint64_t pages = (n + KL_CFB_PAGE_ENTRIES - 1) / KL_CFB_PAGE_ENTRIES;
    p->n_pages = pages < 1 ? 1 : pages > MAX_PAGES ? MAX_PAGES : (uint32_t)pages;
    p->tags = calloc(p->n_pages, sizeof(*p->tags));
    p->bytes = malloc((size_t)p->n_pages * KL_CFB_PAGE_BYTES);
    return p->tags != NULL && p->bytes != NULL ? KL_OK : KL_E_NOMEM;
}

static void pages_done(struct kl_cfb_pages *p)
{
    kl_buf_done(&p->list);
    free(p->tags);
    free(p->bytes);
}

/* ---- claiming the sectors ---- */

/* Walk the chain of e and mark what it has; len_bytes and last are set. */
static void claim(struct kl_cfb *cfb, struct kl_cfb_entry *e)
{
    unsigned shift = e->is_mini ? KL_CFB_MINI_SHIFT : cfb->shift;
    uint8_t *bits = e->is_mini ? cfb->mini_taken : cfb->taken;
    uint32_t bias = e->is_mini ? 0 : 1; /* block 0 is the header */
    uint32_t n = e->is_mini ? cfb->n_mini : cfb->n_blocks;
    uint32_t s = e->start;
    uint64_t got = 0;

    while (got < e->claim_bytes) {
        if (s >= n - bias || n == 0 || kl_cfb_bit_get(bits, s + bias)) {
            cfb->damaged = true;
            break;
        }
        uint64_t left = e->is_mini ? cfb->mini.in.len_bytes - ((uint64_t)s << KL_CFB_MINI_SHIFT)
                                   : kl_cfb_block_bytes(cfb, s + 1);
        kl_cfb_bit_set(bits, s + bias);
        e->last = s;
        if (left < (1u << shift)) {
            got += left; /* the file ends here */
            cfb->damaged = cfb->damaged || got < e->claim_bytes;
            break;
        }
        got += 1u << shift;
        s = got < e->claim_bytes
                ? kl_cfb_next(cfb, e->is_mini ? KL_CFB_TABLE_MINI : KL_CFB_TABLE_FAT, s)
                : s;
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
    for (uint32_t k = 0; k < max_difats && rc == KL_OK && kl_cfb_is_sector(cfb, difat); k++) {
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
    for (size_t i = 0;
         i < max && rc == KL_OK && kl_cfb_is_sector(cfb, s) && !kl_cfb_bit_get(seen, s); i++) {
        kl_cfb_bit_set(seen, s);
        rc = list_add(list, s);
        s = kl_cfb_next(cfb, KL_CFB_TABLE_FAT, s);
    }
    cfb->damaged = cfb->damaged || (rc == KL_OK && kl_cfb_is_sector(cfb, s));
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

/* Who is below whom, as lists in order of place. */
static void link_children(struct kl_cfb *cfb)
{
    for (uint32_t i = kl_cfb_count_get(cfb); i > 1; i--) {
        struct kl_cfb_entry *e = entry_at(cfb, i - 1);
        if (e->parent != KL_CFB_NONE && e->kind != KL_CFB_KIND_NONE) {
            e->sibling = entry_at(cfb, e->parent)->child;
            entry_at(cfb, e->parent)->child = i - 1;
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
    struct kl_cfb_entry e = {
        .parent = KL_CFB_NONE, .child = KL_CFB_NONE, .sibling = KL_CFB_NONE, .last = KL_CFB_NONE};
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
    struct links *l = rc == KL_OK ? calloc(n * per_sector + 1, sizeof(*l)) : NULL;
    uint8_t *sector = malloc((size_t)1 << cfb->shift);

    if (rc == KL_OK && (l == NULL || sector == NULL)) {
        rc = KL_E_NOMEM;
    }
    for (size_t i = 0; i < n && rc == KL_OK; i++) {
        rc = read_sector_entries(cfb, kl_cfb_list_get(&chain, i), sector, l);
    }
    if (rc == KL_OK && (kl_cfb_count_get(cfb) == 0 || entry_at(cfb, 0)->kind != KL_CFB_KIND_ROOT)) {
        rc = KL_E_FORMAT;
    }
    if (rc == KL_OK) {
        walk_tree(cfb, l);
        link_children(cfb);
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
    if (root->claim_bytes > (uint64_t)MAX_MINI << KL_CFB_MINI_SHIFT) {
        root->claim_bytes = (uint64_t)MAX_MINI << KL_CFB_MINI_SHIFT;
        cfb->damaged = true;
    }
    claim(cfb, root);
    kl_cfb_stream_init(cfb, &cfb->mini, KL_CFB_TABLE_FAT, root->start, root->len_bytes);
    cfb->n_mini =
        (uint32_t)((root->len_bytes + (1u << KL_CFB_MINI_SHIFT) - 1) >> KL_CFB_MINI_SHIFT);
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

bool kl_cfb_is_named(const struct kl_cfb *cfb, uint32_t i, const char *name)
{
    return is_name(kl_cfb_name(cfb, i), name);
}

uint32_t kl_cfb_find(const struct kl_cfb *cfb, uint32_t parent, const char *name)
{
    uint32_t i = kl_cfb_entry_get(cfb, parent)->child;

    while (i != KL_CFB_NONE && !is_name(kl_cfb_name(cfb, i), name)) {
        i = kl_cfb_entry_get(cfb, i)->sibling;
    }
    /* A tree that is broken near its top: better found there than not at all. */
    for (uint32_t k = 1; i == KL_CFB_NONE && parent == 0 && k < kl_cfb_count_get(cfb); k++) {
        const struct kl_cfb_entry *e = kl_cfb_entry_get(cfb, k);
        bool is = e->kind != KL_CFB_KIND_NONE && e->parent == KL_CFB_NONE;
        i = is && is_name(kl_cfb_name(cfb, k), name) ? k : i;
    }
    return i;
}

void kl_cfb_done_set(struct kl_cfb *cfb, uint32_t i)
{
    entry_at(cfb, i)->is_done = true;
}

void kl_cfb_whole_set(struct kl_cfb *cfb, uint32_t i)
{
    entry_at(cfb, i)->is_whole = true;
}

bool kl_cfb_is_damaged(const struct kl_cfb *cfb)
{
    return cfb->damaged;
}
