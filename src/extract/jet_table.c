#include "extract/jet.h"

#include <stdlib.h>

#define DEFINITION_PAGES 16u /* of one table: 255 columns with long names take less */
#define MAX_COLUMNS 256u

/* Where things stand in a definition. */
struct layout {
    uint16_t n_var;
    uint16_t n_columns;
    uint16_t n_indexes;
    uint16_t columns;
    uint16_t index_bytes;
    uint16_t column_bytes;
    uint16_t number;
    uint16_t var_no;
    uint16_t scale;
    uint16_t flags;
    uint16_t fixed_at;
    uint16_t len;
};

static const struct layout jet3 = {23, 25, 31, 43, 8, 18, 1, 3, 10, 13, 14, 16};
static const struct layout jet4 = {43, 45, 51, 63, 12, 25, 5, 7, 12, 15, 21, 23};

/* The pages of the definition at `no`, without the heads of those behind the first. */
static enum kl_rc gather(struct kl_jet *j, uint32_t no, struct kl_buf *out)
{
    const uint8_t *page = NULL;
    unsigned n = 0;

    for (; no != 0 && n < DEFINITION_PAGES; n++) {
        enum kl_rc rc = kl_dbpage_get(&j->pages, no, &page);
        if (rc != KL_OK || page[0] != 2) {
            break; /* what is there is read as far as it goes */
        }
        unsigned skip = n == 0 ? 0 : 8;
        KL_TRY(kl_buf_add(out, page + skip, j->page_bytes - skip));
        no = kl_jet_le32(page + 4);
    }
    return n > 0 ? KL_OK : KL_E_FORMAT;
}

static bool column_read(const struct layout *l, struct kl_rd *r, struct kl_jet_column *out_c)
{
    struct kl_span s = kl_rd_take(r, l->column_bytes);
    if (!kl_rd_ok(r)) {
        return false;
    }
    bool is_wide = l->column_bytes == jet4.column_bytes;
    *out_c = (struct kl_jet_column){
        .is_calculated = is_wide && (s.ptr[l->flags + 1] & 0xC0) == 0xC0,
        .type = s.ptr[0],
        .scale = s.ptr[l->scale],
        .is_fixed = (s.ptr[l->flags] & 1) != 0,
        .number = (uint16_t)kl_jet_le16(s.ptr + l->number),
        .var_no = (uint16_t)kl_jet_le16(s.ptr + l->var_no),
        .fixed_at = (uint16_t)kl_jet_le16(s.ptr + l->fixed_at),
        .len = (uint16_t)kl_jet_le16(s.ptr + l->len),
    };
    return true;
}

/* Keep a name as UTF-8; past the ceiling it is empty. */
static enum kl_rc name_keep(struct kl_jet *j, struct kl_span raw, uint32_t *out_at,
                            uint32_t *out_len)
{
    uint8_t out[3 * 512 + 8];
    struct kl_charset_seen seen = {false, false, false};
    size_t used = 0;

    raw = kl_span_part(raw, 0, 512);
    size_t n = j->is_jet3 ? kl_charset_single(raw, KL_CHARSET_CP1252, true, out, &used, &seen)
                          : kl_charset_wide(raw, KL_CHARSET_UTF16LE, true, out, &used, &seen);
    *out_at = (uint32_t)j->names.len;
    *out_len = (uint32_t)n;
    enum kl_rc rc = kl_buf_add(&j->names, out, n);
    if (rc == KL_E_LIMIT) {
        *out_len = 0;
        return KL_OK;
    }
    return rc;
}

enum kl_rc kl_jet_table_name(struct kl_jet *j, struct kl_jet_table *t, struct kl_span raw)
{
    return name_keep(j, raw, &t->name_at, &t->name_len);
}

/* By number: a row that knows fewer columns ends the sooner. False: two have the same. */
static bool columns_sort(struct kl_jet_column *c, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        struct kl_jet_column x = c[i];
        unsigned k = i;
        for (; k > 0 && c[k - 1].number > x.number; k--) {
            c[k] = c[k - 1];
        }
        if (k > 0 && c[k - 1].number == x.number) {
            return false;
        }
        c[k] = x;
    }
    return true;
}

static enum kl_rc parse(struct kl_jet *j, uint32_t no, struct kl_span def)
{
    const struct layout *l = j->is_jet3 ? &jet3 : &jet4;
    struct kl_jet_column columns[MAX_COLUMNS];
    unsigned n = kl_jet_le16(def.ptr + l->n_columns);
    struct kl_jet_table t = {.page = no, .n_columns = (uint16_t)n};
    struct kl_rd r = kl_rd_init(def);

    t.n_var = (uint16_t)kl_jet_le16(def.ptr + l->n_var);
    t.first_column = (uint32_t)(j->columns.len / sizeof columns[0]);
    kl_rd_skip(&r, l->columns + (size_t)l->index_bytes * kl_jet_le32(def.ptr + l->n_indexes));
    if (n > MAX_COLUMNS || !kl_rd_ok(&r)) {
        return KL_E_LIMIT;
    }
    for (unsigned i = 0; i < n; i++) {
        if (!column_read(l, &r, &columns[i])) {
            return KL_E_LIMIT;
        }
    }
    for (unsigned i = 0; i < n && kl_rd_ok(&r); i++) {
        uint32_t len = 0;
        size_t raw = j->is_jet3 ? kl_rd_u8(&r) : kl_rd_le16(&r);
        KL_TRY(name_keep(j, kl_rd_take(&r, raw), &columns[i].name_at, &len));
        columns[i].name_len = (uint16_t)len;
    }
    if (!columns_sort(columns, n)) {
        return KL_E_LIMIT;
    }
    enum kl_rc rc = kl_buf_add(&j->columns, columns, n * sizeof columns[0]);
    if (rc == KL_OK) {
        rc = kl_buf_add(&j->tables, &t, sizeof t);
    }
    return rc;
}

enum kl_rc kl_jet_table_read(struct kl_jet *j, uint32_t no)
{
    struct kl_buf def;

    kl_buf_init(&def, (size_t)DEFINITION_PAGES * 4096);
    enum kl_rc rc = gather(j, no, &def);
    if (rc == KL_OK) {
        rc = parse(j, no, kl_buf_span(&def));
    }
    kl_buf_done(&def);
    return rc;
}

struct kl_jet_table *kl_jet_table_find(const struct kl_jet *j, uint32_t page)
{
    struct kl_jet_table *t = (struct kl_jet_table *)(void *)j->tables.ptr;
    size_t lo = 0;
    size_t hi = j->tables.len / sizeof *t;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t[mid].page == page) {
            return &t[mid];
        }
        if (t[mid].page < page) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

const struct kl_jet_column *kl_jet_columns_get(const struct kl_jet *j, const struct kl_jet_table *t)
{
    struct kl_span s = kl_buf_span(&j->columns);
    s = kl_span_part(s, t->first_column * sizeof(struct kl_jet_column), s.len);
    return (const struct kl_jet_column *)(const void *)s.ptr;
}
