#include "extract/sqlite.h"

#include <stdio.h>

#include "extract/extract.h"
#include "extract/member.h"

#define SNIFF_BYTES 4096u

/* ---- payloads ---- */

/* Slack behind the end of a payload on its last overflow page: older content. */
static enum kl_rc add_slack(struct kl_sqlite *s, uint32_t page_no, const uint8_t *page, size_t used)
{
    uint64_t at = (uint64_t)(page_no - 1) * s->page_bytes + used;
    return kl_leftover_add_bytes(&s->left, at, kl_span_make(page + used, s->page_bytes - used));
}

enum kl_rc kl_sqlite_payload_get(struct kl_sqlite *s, const struct kl_sqlite_cell *c, bool again,
                                 struct kl_span *out_p, bool *out_whole)
{
    uint32_t next = c->overflow;
    uint64_t left = c->bytes - c->local.len;

    *out_p = c->local;
    *out_whole = left == 0;
    if (left == 0 || s->is_local) {
        return KL_OK;
    }
    s->payload.len = 0;
    KL_TRY(kl_buf_add(&s->payload, c->local.ptr, c->local.len));
    while (left > 0 && next != 0) {
        const uint8_t *page = NULL;
        size_t n = left < s->usable - 4 ? (size_t)left : s->usable - 4;
        if (s->payload.len + n > kl_member_whole_max(s->e) ||
            (again ? next > s->n_visitable : !kl_sqlite_take(s, next)) ||
            kl_dbpage_get(&s->pages, next - 1, &page) != KL_OK) {
            break;
        }
        KL_TRY(kl_buf_add(&s->payload, page + 4, n));
        left -= n;
        if (!again) {
            KL_TRY(add_slack(s, next, page, 4 + n));
        }
        next = kl_sqlite_be32(page);
    }
    *out_p = kl_buf_span(&s->payload);
    *out_whole = left == 0;
    return KL_OK;
}

/* ---- records ---- */

/* The columns of a record, one after the other. */
struct record {
    struct kl_span all;
    size_t type_at;
    size_t type_end;
    size_t value_at;
};

static bool record_open(struct kl_span payload, struct record *out_r)
{
    uint64_t head = 0;
    size_t at = 0;

    if (!kl_sqlite_varint(payload, &at, &head) || head < at || head > payload.len) {
        return false;
    }
    *out_r = (struct record){payload, at, (size_t)head, (size_t)head};
    return true;
}

static uint64_t bytes_of(uint64_t type)
{
    static const uint8_t fixed[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < 12 ? fixed[type] : (type - 12) / 2;
}

/* The next column; *out_cut: not all of its value is there. */
static bool record_next(struct record *r, uint64_t *out_type, struct kl_span *out_v, bool *out_cut)
{
    struct kl_span types = kl_span_part(r->all, 0, r->type_end);

    if (r->type_at >= r->type_end || !kl_sqlite_varint(types, &r->type_at, out_type)) {
        return false;
    }
    uint64_t n = bytes_of(*out_type);
    size_t left = r->all.len - r->value_at;
    *out_cut = n > left;
    n = n < left ? n : left;
    *out_v = kl_span_part(r->all, r->value_at, r->value_at + (size_t)n);
    r->value_at += (size_t)n;
    return true;
}

static int64_t int_of(struct kl_span v)
{
    uint64_t u = v.len > 0 && v.ptr[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < v.len; i++) {
        u = u << 8 | v.ptr[i];
    }
    return (int64_t)u;
}

static void put_text(struct kl_sqlite *s, struct kl_span v)
{
    enum kl_sqlite_encoding code = s->encoding;

    if (code == KL_SQLITE_UNKNOWN) {
        const uint8_t *zero = v.len > 1 ? memchr(v.ptr, 0, v.len) : NULL;
        code = zero == NULL              ? KL_SQLITE_UTF8
               : (zero - v.ptr) % 2 == 1 ? KL_SQLITE_UTF16LE
                                         : KL_SQLITE_UTF16BE;
    }
    if (code == KL_SQLITE_UTF8) {
        kl_dbrow_text(&s->row, v);
    } else {
        kl_dbrow_wide(&s->row, v, code == KL_SQLITE_UTF16BE);
    }
}

static bool is_file(struct kl_span v)
{
    enum kl_format f = kl_sniff(kl_span_part(v, 0, SNIFF_BYTES));
    return f != KL_FORMAT_NONE && f != KL_FORMAT_TEXT && f != KL_FORMAT_BINARY;
}

static void put_value(struct kl_sqlite *s, uint64_t type, struct kl_span v)
{
    if (type <= 6) {
        kl_dbrow_int(&s->row, int_of(v));
    } else if (type == 7) {
        uint64_t bits = (uint64_t)int_of(v);
        double real;
        memcpy(&real, &bits, sizeof real);
        kl_dbrow_real(&s->row, real);
    } else if (type == 8 || type == 9) {
        kl_dbrow_int(&s->row, type == 9);
    } else if (type >= 12 && type % 2 == 1) {
        put_text(s, v);
    } else if (v.len > 0 && kl_dbrow_is_text(v)) {
        kl_dbrow_text(&s->row, v);
    } else if (v.len > 0) {
        s->has_raw = true;
        s->has_file = s->has_file || is_file(v);
    }
}

/* Remember the root of a tree: type, name, table, root, SQL. */
static enum kl_rc note_tree(struct kl_sqlite *s, const struct kl_span v[static 4])
{
    int64_t root = int_of(v[3]);
    struct kl_sqlite_tree t = {.name_at = (uint32_t)s->names.len};
    uint8_t name[1024];
    struct kl_charset_seen seen = {false, false, false};
    struct kl_span raw = kl_span_part(v[1], 0, 256);
    size_t used = 0;

    if (root <= 1 || root > UINT32_MAX) {
        return KL_OK;
    }
    t.root = (uint32_t)root;
    if (s->encoding > KL_SQLITE_UTF8) {
        bool is_big = s->encoding == KL_SQLITE_UTF16BE;
        raw.len = kl_charset_wide(raw, is_big ? KL_CHARSET_UTF16BE : KL_CHARSET_UTF16LE, true, name,
                                  &used, &seen);
        raw.ptr = name;
    }
    t.name_len = (uint32_t)raw.len;
    enum kl_rc rc = kl_buf_add(&s->names, raw.ptr, raw.len);
    if (rc == KL_OK) {
        rc = kl_buf_add(&s->trees, &t, sizeof t);
    }
    return rc == KL_E_LIMIT ? kl_emit_anomaly(s->e, "sqlite.trees") : rc;
}

enum kl_rc kl_sqlite_record_put(struct kl_sqlite *s, struct kl_span payload,
                                const struct kl_sqlite_cell *c)
{
    struct record r;
    struct kl_span v;
    struct kl_span first[4] = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    uint64_t type = 0;
    bool is_cut = false;
    bool has_rowid = c->has_payload && c->child == 0;

    s->has_raw = false;
    s->has_file = false;
    if (!record_open(payload, &r)) {
        s->has_raw = true;
        return KL_OK;
    }
    s->n_columns = 0;
    for (unsigned i = 0; record_next(&r, &type, &v, &is_cut); i++) {
        s->n_columns++;
        kl_dbrow_cell(&s->row);
        s->has_raw = s->has_raw || is_cut || type == 10 || type == 11;
        if (i < 4 && !is_cut) {
            first[i] = v;
        }
        if (type == 0 && has_rowid && c->rowid != INT64_MIN) {
            /* The column that is the row's number is stored as NULL; so is a true NULL. */
            kl_dbrow_int(&s->row, c->rowid);
            has_rowid = false;
        } else if (type != 0 && !(is_cut && type < 12)) {
            put_value(s, type, v);
        }
    }
    s->has_raw = s->has_raw || r.type_at < r.type_end || r.value_at < payload.len;
    if (s->is_schema) {
        KL_TRY(note_tree(s, first));
    }
    return kl_dbrow_end(&s->row);
}

/* ---- files inside of values ---- */

static enum kl_rc document_extract(struct kl_sqlite *s, const struct kl_sqlite_cell *c)
{
    struct kl_span payload;
    struct kl_span v;
    struct record r;
    uint64_t type = 0;
    bool is_whole = false;
    bool is_cut = false;

    KL_TRY(kl_sqlite_payload_get(s, c, true, &payload, &is_whole));
    if (!record_open(payload, &r)) {
        return KL_OK;
    }
    while (record_next(&r, &type, &v, &is_cut)) {
        if (type < 12 || type % 2 == 1 || v.len == 0 || kl_dbrow_is_text(v)) {
            continue;
        }
        struct kl_input in = kl_input_mem(v);
        KL_TRY(kl_extract_nested(s->e, &in));
    }
    return KL_OK;
}

enum kl_rc kl_sqlite_documents_extract(struct kl_sqlite *s)
{
    size_t n = s->documents.len / sizeof(struct kl_sqlite_document);

    for (size_t i = 0; i < n; i++) {
        struct kl_sqlite_document d;
        struct kl_sqlite_node node;
        struct kl_sqlite_cell c;
        const uint8_t *page = NULL;
        char name[40];
        memcpy(&d, s->documents.ptr + i * sizeof d, sizeof d);
        if (kl_dbpage_get(&s->pages, d.page - 1, &page) != KL_OK) {
            continue;
        }
        memcpy(s->page, page, s->page_bytes);
        if (!kl_sqlite_node_read(s, s->page, 0, d.page == 1, &node) ||
            !kl_sqlite_cell_read(s, &node, d.cell, &c)) {
            continue;
        }
        (void)snprintf(name, sizeof name, "page-%u-row-%u", d.page, d.cell + 1);
        enum kl_rc rc = kl_emit_enter(s->e, kl_span_str(name), 0);
        if (rc == KL_E_LIMIT) {
            return kl_emit_not_inspected(s->e, KL_REASON_LIMIT, c.bytes);
        }
        KL_TRY(rc);
        rc = document_extract(s, &c);
        kl_emit_leave(s->e);
        KL_TRY(rc);
    }
    s->documents.len = 0;
    return KL_OK;
}
