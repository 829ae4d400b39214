#include "extract/jet.h"

#include <stdio.h>
#include <stdlib.h>

#include "extract/extract.h"
#include "extract/pairsort.h"

#define HEADER_KEY 0x6B39DAC7u /* the header's own scrambling: the same in every file */
#define HEADER_FROM 0x18u
#define HEADER_KEY_AT 0x3Eu
#define HEADER_PAGE_AT 0x3Cu
#define MAX_LEAVES 2097152u /* data pages that are sorted by table: 8 GiB of them */
#define MAX_LONG_PAGES 1048576u
#define MAX_TABLES 32768u /* as many as Access allows */
#define MAX_COLUMNS 524288u
#define NAMES_BYTES 16777216u
#define GROUP_PAGES 32u /* of a streamed input: how far a second look may go back */

/* ---- the header ---- */

static enum kl_charset charset_of(unsigned code_page)
{
    switch (code_page) {
    case 1250:
        return KL_CHARSET_CP1250;
    case 1252:
        return KL_CHARSET_CP1252;
    case 852:
        return KL_CHARSET_CP852;
    case 850:
        return KL_CHARSET_CP850;
    case 437:
        return KL_CHARSET_CP437;
    default:
        return KL_CHARSET_NONE;
    }
}

/* *out_key: of the pages; version 2 and above is ACE, which encrypts for real. */
static enum kl_rc read_header(struct kl_jet *j, unsigned *out_version, uint32_t *out_key)
{
    struct kl_dbpage head = {0};
    uint8_t raw[0x98] = {0};
    const uint8_t *page = NULL;
    size_t n = 0;

    KL_TRY(kl_input_read(j->in, 0, raw, sizeof raw, &n));
    *out_version = raw[0x14];
    j->is_jet3 = raw[0x14] == 0;
    j->page_bytes = j->is_jet3 ? 2048 : 4096;
    /* The page decoder, for a piece of the header: page 0 is never decoded, "page 1" is. */
    uint8_t two[1024] = {0};
    memcpy(two + 512, raw + HEADER_FROM, sizeof raw - HEADER_FROM);
    struct kl_input in = kl_input_mem(kl_span_make(two, sizeof two));
    KL_TRY(kl_dbpage_init(&head, &in, 512));
    head.rc4_key = HEADER_KEY ^ 1;
    enum kl_rc rc = kl_dbpage_get(&head, 1, &page);
    if (rc == KL_OK) {
        *out_key = kl_jet_le32(page + HEADER_KEY_AT - HEADER_FROM);
        unsigned code_page = kl_jet_le16(page + HEADER_PAGE_AT - HEADER_FROM);
        kl_dbrow_init(&j->row, j->e, charset_of(code_page));
    }
    kl_dbpage_done(&head);
    return rc;
}

/* With the right key the pages of a database begin as pages do. */
static bool is_decoded(struct kl_jet *j)
{
    unsigned good = 0;
    const uint8_t *page = NULL;

    for (uint64_t no = 1; no <= 4 && no < j->pages.n_pages; no++) {
        good += kl_dbpage_get(&j->pages, no, &page) == KL_OK && page[0] <= 5 && page[1] <= 1;
    }
    return good + 1 >= (j->pages.n_pages < 5 ? j->pages.n_pages : 5) || good >= 2;
}

/* ---- the map of the pages ---- */

/* Keys that sort pages by table, and by place in the file. */
static uint64_t leaf_key(uint32_t owner, uint32_t page)
{
    return (uint64_t)owner << 32 | page;
}

static uint32_t owner_of(const struct kl_pair *l)
{
    return (uint32_t)l->value;
}

static uint32_t page_of(const struct kl_pair *l)
{
    return (uint32_t)l->key;
}

static enum kl_rc note_page(struct kl_jet *j, uint32_t no, const uint8_t *page)
{
    uint64_t at = (uint64_t)no * j->page_bytes;
    struct kl_span all = kl_span_make(page, j->page_bytes);
    enum kl_rc rc = KL_E_LIMIT;

    if (page[0] == 1 && memcmp(page + 4, "LVAL", 4) == 0) {
        struct kl_jet_long_page l = {0, no};
        rc = kl_buf_add(&j->long_pages, &l, sizeof l);
    } else if (page[0] == 1) {
        struct kl_pair l = {leaf_key(kl_jet_le32(page + 4), no), kl_jet_le32(page + 4)};
        rc = kl_buf_add(&j->leaves, &l, sizeof l);
    }
    return rc == KL_E_LIMIT ? kl_leftover_add_bytes(&j->left, at, all) : rc;
}

static struct kl_pair *leaves_of(const struct kl_jet *j, size_t *out_n)
{
    *out_n = j->leaves.len / sizeof(struct kl_pair);
    return (struct kl_pair *)(void *)j->leaves.ptr;
}

static enum kl_rc map_pages(struct kl_jet *j)
{
    const uint8_t *page = NULL;

    for (uint64_t no = 1; no < j->pages.n_pages; no++) {
        if (no > UINT32_MAX || kl_dbpage_get(&j->pages, no, &page) != KL_OK) {
            return kl_leftover_add(&j->left, no * j->page_bytes, j->in->len_bytes);
        }
        if (page[0] == 0 && page[1] == 0) {
            uint64_t next = kl_dbpage_next(&j->pages, no);
            if (next > no) {
                no = next - 1;
                continue;
            }
        }
        KL_TRY(note_page(j, (uint32_t)no, page));
    }
    return KL_OK;
}

/* The definitions that the data pages name, each once, in ascending order. */
static enum kl_rc read_tables(struct kl_jet *j)
{
    size_t n = 0;
    const struct kl_pair *l = leaves_of(j, &n);
    uint32_t last = 0;

    for (size_t i = 0; i < n; i++) {
        if (owner_of(&l[i]) == last) {
            continue;
        }
        last = owner_of(&l[i]);
        enum kl_rc rc = kl_jet_table_read(j, last);
        if (rc == KL_E_LIMIT) {
            rc = kl_emit_anomaly(j->e, "jet.table");
        }
        KL_TRY(rc == KL_E_FORMAT ? KL_OK : rc);
    }
    return KL_OK;
}

/* ---- the catalogue: names of the tables ---- */

static const struct kl_jet_column *column_find(const struct kl_jet *j, const struct kl_jet_table *t,
                                               const char *name)
{
    const struct kl_jet_column *c = kl_jet_columns_get(j, t);
    for (unsigned i = 0; i < t->n_columns; i++) {
        struct kl_span s = kl_jet_name_get(j, c[i].name_at, c[i].name_len);
        if (kl_span_is(s, name)) {
            return &c[i];
        }
    }
    return NULL;
}

/* The columns of the catalogue that matter here. */
struct entry_columns {
    const struct kl_jet_column *id;
    const struct kl_jet_column *name;
    const struct kl_jet_column *type;
};

static enum kl_rc read_entry(struct kl_jet *j, const struct entry_columns *c, struct kl_span row)
{
    struct kl_jet_fields f;

    if (!kl_jet_row_crack(j, row, &f) || !kl_jet_row_crack_var(j, &f)) {
        return KL_OK;
    }
    struct kl_span v = kl_jet_field_get(j, &f, c->id);
    struct kl_span kind = kl_jet_field_get(j, &f, c->type);
    if (v.len < 4 || kind.len < 2) {
        return KL_OK;
    }
    if (kl_jet_le16(kind.ptr) == 4 || kl_jet_le16(kind.ptr) == 6) {
        return kl_emit_anomaly(j->e, "jet.linked");
    }
    struct kl_jet_table *named = kl_jet_table_find(j, kl_jet_le32(v.ptr) & 0xFFFFFF);
    if (named == NULL || named->name_len > 0 || kl_jet_le16(kind.ptr) != 1) {
        return KL_OK;
    }
    v = kl_jet_field_get(j, &f, c->name);
    if (!j->is_jet3 && v.len >= 2 && v.ptr[0] == 0xFF && v.ptr[1] == 0xFE) {
        /* Names of the catalogue are compressed: Latin letters, without a change to UTF-16. */
        uint8_t wide[512];
        size_t n = 0;
        for (size_t i = 2; i < v.len && n < sizeof wide && v.ptr[i] != 0; i++) {
            wide[n++] = v.ptr[i];
            wide[n++] = 0;
        }
        return kl_jet_table_name(j, named, kl_span_make(wide, n));
    }
    return kl_jet_table_name(j, named, v);
}

static enum kl_rc read_catalogue(struct kl_jet *j)
{
    size_t n = 0;
    const struct kl_pair *l = leaves_of(j, &n);
    const uint8_t *page = NULL;

    const struct kl_jet_table *t = kl_jet_table_find(j, KL_JET_CATALOGUE);
    struct entry_columns c = {NULL, NULL, NULL};
    if (t != NULL) {
        c.id = column_find(j, t, "Id");
        c.name = column_find(j, t, "Name");
        c.type = column_find(j, t, "Type");
    }
    if (c.id == NULL || c.name == NULL || c.type == NULL) {
        return n > 0 ? kl_emit_anomaly(j->e, "jet.catalogue") : KL_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (owner_of(&l[i]) != KL_JET_CATALOGUE ||
            kl_dbpage_get(&j->pages, page_of(&l[i]), &page) != KL_OK) {
            continue;
        }
        memcpy(j->page, page, j->page_bytes);
        for (unsigned k = 0; k < kl_jet_rows_get(j, j->page); k++) {
            struct kl_jet_slot s;
            if (!kl_jet_slot_get(j, j->page, k, &s) || s.is_deleted ||
                (s.is_pointer && (s.bytes.len < 4 ||
                                  kl_jet_follow(j, kl_jet_le32(s.bytes.ptr), &s.bytes) != KL_OK))) {
                continue;
            }
            KL_TRY(read_entry(j, &c, s.bytes));
        }
    }
    return KL_OK;
}

/* ---- rows ---- */

static enum kl_rc put_row(struct kl_jet *j, const struct kl_jet_table *t, struct kl_span row,
                          bool *out_whole)
{
    const struct kl_jet_column *c = kl_jet_columns_get(j, t);
    struct kl_jet_fields f;
    size_t left = row.len;

    *out_whole = false;
    if (!kl_jet_row_crack(j, row, &f) || (t->n_var > 0 && !kl_jet_row_crack_var(j, &f))) {
        return KL_OK;
    }
    /* More columns than the table has: one was deleted, its values are still here. */
    j->has_raw = f.n_columns > t->n_columns;
    for (unsigned i = 0; i < t->n_columns && c[i].number < f.n_columns; i++) {
        kl_dbrow_cell(&j->row);
        if (c[i].type == KL_JET_BOOL) {
            kl_dbrow_int(&j->row, kl_jet_field_is_set(&f, &c[i]));
            continue;
        }
        struct kl_span v = kl_jet_field_get(j, &f, &c[i]);
        if (v.ptr != NULL && v.len <= left) {
            left -= v.len; /* values do not overlap, so all of them are no longer than the row */
            KL_TRY(kl_jet_cell_put(j, &c[i], v));
        } else if (kl_jet_field_is_set(&f, &c[i])) {
            j->has_raw = true; /* a value was promised and cannot be had */
        }
    }
    *out_whole = !j->has_raw;
    return kl_dbrow_end(&j->row);
}

/* The rows of one page; *out_deleted: there are deleted ones. */
static enum kl_rc put_page(struct kl_jet *j, const struct kl_jet_table *t, uint32_t no,
                           bool deleted, bool *out_deleted)
{
    const uint8_t *page = NULL;
    uint64_t at = (uint64_t)no * j->page_bytes;

    if (kl_dbpage_get(&j->pages, no, &page) != KL_OK) {
        return kl_leftover_add(&j->left, at, at + j->page_bytes);
    }
    memcpy(j->page, page, j->page_bytes);
    unsigned n = kl_jet_rows_get(j, j->page);
    size_t low = j->page_bytes;
    for (unsigned k = 0; k < n; k++) {
        struct kl_jet_slot s;
        bool whole = false;
        if (!kl_jet_slot_get(j, j->page, k, &s)) {
            KL_TRY(kl_emit_anomaly(j->e, "jet.page"));
            return kl_leftover_add(&j->left, at, at + j->page_bytes);
        }
        low = (size_t)(s.bytes.ptr - j->page);
        *out_deleted |= s.is_deleted && s.bytes.len > 0;
        if (s.is_deleted != deleted || s.bytes.len == 0) {
            continue;
        }
        uint64_t row_at = at + low;
        struct kl_span raw = s.bytes;
        if (s.is_pointer) {
            if (raw.len < 4 || kl_jet_follow(j, kl_jet_le32(raw.ptr), &s.bytes) != KL_OK) {
                continue; /* the row itself is read where it lies: as a deleted one */
            }
            row_at = (uint64_t)(kl_jet_le32(raw.ptr) >> 8) * j->page_bytes +
                     (uint64_t)(s.bytes.ptr - j->follow);
            memcpy(j->moved, s.bytes.ptr, s.bytes.len);
            s.bytes.ptr = j->moved;
        }
        KL_TRY(put_row(j, t, s.bytes, &whole));
        if (!whole) {
            KL_TRY(kl_leftover_add(&j->left, row_at, row_at + s.bytes.len));
        }
    }
    /* Between the list of offsets and the rows: what is left of rows that were here before. */
    size_t head = (j->is_jet3 ? 10u : 14u) + 2 * (size_t)n;
    if (!deleted && head < low) {
        return kl_leftover_add_bytes(&j->left, at + head, kl_span_make(j->page + head, low - head));
    }
    return KL_OK;
}

static enum kl_rc put_names(struct kl_jet *j, const struct kl_jet_table *t)
{
    const struct kl_jet_column *c = kl_jet_columns_get(j, t);
    for (unsigned i = 0; i < t->n_columns; i++) {
        kl_dbrow_cell(&j->row);
        kl_dbrow_text(&j->row, kl_jet_name_get(j, c[i].name_at, c[i].name_len));
    }
    return kl_dbrow_end(&j->row);
}

/* Pages of one table as a part: the rows that count, or those that were deleted. */
static enum kl_rc put_pages(struct kl_jet *j, const struct kl_jet_table *t, const struct kl_pair *l,
                            size_t n, bool deleted, bool *out_deleted)
{
    KL_TRY(kl_emit_part_begin(j->e, KL_PART_TABLE));
    j->row.rc = KL_OK;
    enum kl_rc rc = t->has_names ? KL_OK : put_names(j, t);
    for (size_t i = 0; i < n && rc == KL_OK; i++) {
        rc = put_page(j, t, page_of(&l[i]), deleted, out_deleted);
    }
    enum kl_rc flushed = kl_dbrow_flush(&j->row);
    enum kl_rc ended = kl_emit_part_end(j->e);
    return rc != KL_OK ? rc : flushed != KL_OK ? flushed : ended;
}

static enum kl_rc put_deleted(struct kl_jet *j, const struct kl_jet_table *t,
                              const struct kl_pair *l, size_t n)
{
    bool ignored = false;
    bool is_entered = kl_emit_depth(j->e) < KL_MAX_NESTING;

    if (is_entered) {
        KL_TRY(kl_emit_enter(j->e, kl_span_str("deleted"), 0));
    }
    enum kl_rc rc = put_pages(j, t, l, n, true, &ignored);
    if (is_entered) {
        kl_emit_leave(j->e);
    }
    return rc;
}

static enum kl_rc put_group(struct kl_jet *j, const struct kl_pair *l, size_t n)
{
    struct kl_jet_table *t = kl_jet_table_find(j, owner_of(l));
    bool has_deleted = false;
    bool is_entered = kl_emit_depth(j->e) < KL_MAX_NESTING;
    char none[32];

    if (t == NULL) {
        for (size_t i = 0; i < n; i++) {
            uint64_t at = (uint64_t)page_of(&l[i]) * j->page_bytes;
            KL_TRY(kl_leftover_add(&j->left, at, at + j->page_bytes));
        }
        return KL_OK;
    }
    j->table = t->page;
    (void)snprintf(none, sizeof none, "table-%u", t->page);
    struct kl_span name = kl_jet_name_get(j, t->name_at, t->name_len);
    if (is_entered) {
        KL_TRY(kl_emit_enter(j->e, name.len > 0 ? name : kl_span_str(none), 0));
    }
    enum kl_rc rc = put_pages(j, t, l, n, false, &has_deleted);
    if (rc == KL_OK && has_deleted) {
        rc = put_deleted(j, t, l, n);
    }
    t->has_names = true;
    if (is_entered) {
        kl_emit_leave(j->e);
    }
    return rc;
}

static enum kl_rc put_tables(struct kl_jet *j)
{
    size_t n = 0;
    const struct kl_pair *l = leaves_of(j, &n);

    for (size_t i = 0; i < n;) {
        size_t k = i + 1;
        while (k < n && owner_of(&l[k]) == owner_of(&l[i]) &&
               (!j->is_forward || k - i < GROUP_PAGES)) {
            k++;
        }
        KL_TRY(put_group(j, l + i, k - i));
        i = k;
    }
    return KL_OK;
}

/* ---- all ---- */

static enum kl_rc extract_pages(struct kl_jet *j)
{
    size_t n = 0;

    KL_TRY(map_pages(j));
    struct kl_pair *l = leaves_of(j, &n);
    kl_pairsort(l, n);
    KL_TRY(read_tables(j));
    KL_TRY(read_catalogue(j));
    for (size_t i = 0; j->is_forward && i < n; i++) {
        l[i].key = page_of(&l[i]);
    }
    kl_pairsort(l, n);
    KL_TRY(put_tables(j));
    KL_TRY(kl_jet_documents_extract(j));
    KL_TRY(kl_jet_long_leftover(j));
    struct kl_input decoded = kl_dbpage_input(&j->pages);
    return kl_leftover_extract(&j->left, j->e, &decoded, "leftover");
}

static enum kl_rc extract_all(struct kl_jet *j)
{
    unsigned version = 0;
    uint32_t key = 0;

    if (read_header(j, &version, &key) != KL_OK) {
        return kl_emit_not_inspected(j->e, KL_REASON_IO, j->in->len_bytes);
    }
    KL_TRY(kl_dbpage_init(&j->pages, j->in, j->page_bytes));
    j->pages.rc4_key = key;
    if (key != 0 && (version >= 2 || !is_decoded(j))) {
        KL_TRY(kl_emit_not_inspected(j->e, KL_REASON_ENCRYPTED, j->in->len_bytes));
        return kl_extract_binary(j->e, j->in);
    }
    if (key != 0) {
        KL_TRY(kl_emit_anomaly(j->e, "jet.encoded"));
    }
    KL_TRY(kl_leftover_add(&j->left, 0, j->page_bytes));
    return extract_pages(j);
}

enum kl_rc kl_extract_jet(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_jet *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return KL_E_NOMEM;
    }
    j->e = e;
    j->in = in;
    j->is_forward = in->source != NULL;
    j->follow_bytes = 2 * in->len_bytes + 65536;
    kl_buf_init(&j->leaves, MAX_LEAVES * sizeof(struct kl_pair));
    kl_buf_init(&j->long_pages, MAX_LONG_PAGES * sizeof(struct kl_jet_long_page));
    kl_buf_init(&j->tables, MAX_TABLES * sizeof(struct kl_jet_table));
    kl_buf_init(&j->columns, MAX_COLUMNS * sizeof(struct kl_jet_column));
    kl_buf_init(&j->names, NAMES_BYTES);
    kl_buf_init(&j->documents, KL_MAX_MEMBERS * sizeof(struct kl_jet_document));
    kl_buf_init(&j->inlined, NAMES_BYTES);
    kl_leftover_init(&j->left);
    enum kl_rc rc = extract_all(j);
    kl_leftover_done(&j->left);
    kl_buf_done(&j->inlined);
    kl_buf_done(&j->documents);
    kl_buf_done(&j->names);
    kl_buf_done(&j->columns);
    kl_buf_done(&j->tables);
    kl_buf_done(&j->long_pages);
    kl_buf_done(&j->leaves);
    kl_dbpage_done(&j->pages);
    free(j);
    return rc;
}
