#include "extract/pgdump.h"

#include "extract/pairsort.h"

#define MAX_ENTRIES 1048576u
#define NAMES_BYTES 16777216u
#define NAME_BYTES 128u
#define V(minor) (256u + (minor))

/* ---- the cursor ---- */

static bool fill(struct kl_pgdump_cursor *c)
{
    size_t n = 0;
    if (c->at >= c->from && c->at - c->from < c->len) {
        return true;
    }
    if (c->at >= c->in->len_bytes ||
        kl_input_read(c->in, c->at, c->buf, sizeof c->buf, &n) != KL_OK || n == 0) {
        c->bad = true;
        return false;
    }
    c->from = c->at;
    c->len = n;
    return true;
}

uint8_t kl_pgdump_u8(struct kl_pgdump_cursor *c)
{
    if (c->bad || !fill(c)) {
        return 0;
    }
    return c->buf[c->at++ - c->from];
}

int64_t kl_pgdump_int(struct kl_pgdump_cursor *c, const struct kl_pgdump_toc *t)
{
    bool is_negative = kl_pgdump_u8(c) != 0;
    uint64_t v = 0;

    for (unsigned i = 0; i < t->int_bytes; i++) {
        uint64_t b = kl_pgdump_u8(c);
        v |= i < 7 ? b << 8 * i : 0;
    }
    return is_negative ? -(int64_t)v : (int64_t)v;
}

/* A string: its first bytes go to out; false: NULL. */
static bool string_read(struct kl_pgdump_cursor *c, const struct kl_pgdump_toc *t, char *out,
                        size_t *out_len)
{
    int64_t len = kl_pgdump_int(c, t);

    *out_len = 0;
    if (len < 0 || c->bad) {
        return false;
    }
    if (c->at > c->in->len_bytes || (uint64_t)len > c->in->len_bytes - c->at) {
        c->bad = true;
        return false;
    }
    uint64_t end = c->at + (uint64_t)len;
    while (c->at < end && *out_len < NAME_BYTES && !c->bad) {
        out[(*out_len)++] = (char)kl_pgdump_u8(c);
    }
    c->at = end;
    return true;
}

static void string_skip(struct kl_pgdump_cursor *c, const struct kl_pgdump_toc *t)
{
    char drop[NAME_BYTES];
    size_t n = 0;
    (void)string_read(c, t, drop, &n);
}

/* ---- the head ---- */

static bool head_read(struct kl_pgdump_cursor *c, struct kl_pgdump_toc *t)
{
    c->at = 5;
    unsigned major = kl_pgdump_u8(c);
    unsigned minor = kl_pgdump_u8(c);
    (void)kl_pgdump_u8(c);
    t->version = major * 256 + minor;
    t->int_bytes = kl_pgdump_u8(c);
    t->offset_bytes = kl_pgdump_u8(c);
    t->format = kl_pgdump_u8(c);
    if (c->bad || major != 1 || minor < 7 || t->int_bytes == 0 || t->int_bytes > 8 ||
        t->offset_bytes == 0 || t->offset_bytes > 16) {
        return false;
    }
    t->compression = t->version >= V(15) ? kl_pgdump_u8(c) : kl_pgdump_int(c, t);
    for (unsigned i = 0; i < 7; i++) {
        (void)kl_pgdump_int(c, t); /* when it was made */
    }
    string_skip(c, t); /* the name of the database */
    if (t->version >= V(10)) {
        string_skip(c, t);
        string_skip(c, t);
    }
    return !c->bad;
}

/* ---- entries ---- */

static enum kl_rc entry_keep(struct kl_pgdump_toc *t, int64_t id, struct kl_span schema,
                             struct kl_span name)
{
    struct kl_pair p = {(uint64_t)id, (uint64_t)t->names.len << 16};
    size_t before = t->names.len;
    enum kl_rc rc = kl_buf_add(&t->names, schema.ptr, schema.len);

    if (rc == KL_OK && schema.len > 0) {
        rc = kl_buf_add_str(&t->names, ".");
    }
    if (rc == KL_OK) {
        rc = kl_buf_add(&t->names, name.ptr, name.len);
    }
    p.value |= t->names.len - before;
    if (rc == KL_OK) {
        rc = kl_buf_add(&t->entries, &p, sizeof p);
    }
    return rc == KL_E_LIMIT ? KL_OK : rc; /* the data of an unnamed entry is read all the same */
}

static enum kl_rc entry_read(struct kl_pgdump_cursor *c, struct kl_pgdump_toc *t)
{
    char tag[NAME_BYTES];
    char schema[NAME_BYTES];
    char drop[NAME_BYTES];
    size_t tag_len = 0;
    size_t schema_len = 0;
    size_t n = 0;
    int64_t id = kl_pgdump_int(c, t);
    int64_t has_data = kl_pgdump_int(c, t);

    if (t->version >= V(8)) {
        string_skip(c, t); /* the table of the object's own identity */
    }
    string_skip(c, t);
    (void)string_read(c, t, tag, &tag_len);
    string_skip(c, t); /* what it is */
    if (t->version >= V(11)) {
        (void)kl_pgdump_int(c, t);
    }
    string_skip(c, t); /* how it is made, dropped, copied */
    string_skip(c, t);
    string_skip(c, t);
    (void)string_read(c, t, schema, &schema_len);
    if (t->version >= V(10)) {
        string_skip(c, t);
    }
    if (t->version >= V(14)) {
        string_skip(c, t);
    }
    if (t->version >= V(16)) {
        (void)kl_pgdump_int(c, t);
    }
    string_skip(c, t); /* owner */
    if (t->version >= V(9)) {
        string_skip(c, t);
    }
    while (!c->bad && string_read(c, t, drop, &n)) {
    } /* what it depends on */
    for (unsigned i = 0; i < 1 + t->offset_bytes; i++) {
        (void)kl_pgdump_u8(c); /* where its data lie: blocks are read in the order they have */
    }
    if (c->bad || has_data == 0) {
        return KL_OK;
    }
    return entry_keep(t, id, kl_span_make(schema, schema_len), kl_span_make(tag, tag_len));
}

enum kl_rc kl_pgdump_toc_read(struct kl_pgdump_cursor *c, struct kl_pgdump_toc *t)
{
    kl_buf_init(&t->entries, MAX_ENTRIES * sizeof(struct kl_pair));
    kl_buf_init(&t->names, NAMES_BYTES);
    if (!head_read(c, t)) {
        return KL_E_FORMAT;
    }
    if (t->format != 1) {
        return KL_OK;
    }
    int64_t n = kl_pgdump_int(c, t);
    for (int64_t i = 0; i < n && !c->bad; i++) {
        KL_TRY(entry_read(c, t));
    }
    kl_pairsort((struct kl_pair *)(void *)t->entries.ptr, t->entries.len / sizeof(struct kl_pair));
    return c->bad ? KL_E_FORMAT : KL_OK;
}

void kl_pgdump_toc_done(struct kl_pgdump_toc *t)
{
    kl_buf_done(&t->entries);
    kl_buf_done(&t->names);
}

struct kl_span kl_pgdump_name_get(const struct kl_pgdump_toc *t, int64_t dump_id)
{
    const struct kl_pair *p = (const struct kl_pair *)(const void *)t->entries.ptr;
    size_t lo = 0;
    size_t hi = t->entries.len / sizeof *p;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (p[mid].key == (uint64_t)dump_id) {
            size_t at = (size_t)(p[mid].value >> 16);
            size_t end = at + (size_t)(p[mid].value & 0xFFFF);
            return kl_span_part(kl_buf_span(&t->names), at, end);
        }
        if (p[mid].key < (uint64_t)dump_id) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return kl_span_make(NULL, 0);
}
