/* Writes small SQLite databases page by page, for tests. */
#ifndef SQLITE_MAKE_H
#define SQLITE_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SM_PAGE 512u

struct sm {
    uint8_t *ptr; /* owned */
    uint32_t n_pages;
};

static inline void sm_be(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    }
}

static inline uint32_t sm_get(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint8_t *sm_page(struct sm *m, uint32_t no)
{
    return m->ptr + (size_t)(no - 1) * SM_PAGE;
}

/* A page of a tree: 13 or 10 leaf, 5 or 2 inner (with its right child); 0: a bare page. */
static inline uint32_t sm_add(struct sm *m, uint8_t type, uint32_t right)
{
    m->ptr = realloc(m->ptr, (size_t)(m->n_pages + 1) * SM_PAGE);
    if (m->ptr == NULL) {
        abort();
    }
    uint32_t no = ++m->n_pages;
    uint8_t *p = sm_page(m, no);
    memset(p, 0, SM_PAGE);
    uint8_t *h = p + (no == 1 ? 100 : 0);
    if (type != 0) {
        h[0] = type;
        sm_be(h + 5, SM_PAGE, 2);
    }
    if (type == 5 || type == 2) {
        sm_be(h + 8, right, 4);
    }
    return no;
}

static inline void sm_begin(struct sm *m, uint32_t encoding)
{
    *m = (struct sm){0};
    (void)sm_add(m, 13, 0);
    memcpy(m->ptr, "SQLite format 3", 16);
    sm_be(m->ptr + 16, SM_PAGE, 2);
    m->ptr[18] = m->ptr[19] = 1;
    m->ptr[21] = 64;
    m->ptr[22] = m->ptr[23] = 32;
    sm_be(m->ptr + 56, encoding, 4);
}

static inline size_t sm_varint(uint8_t *p, uint64_t v)
{
    if (v < 128) {
        p[0] = (uint8_t)v;
        return 1;
    }
    p[0] = (uint8_t)(0x80 | (v >> 7 & 0x7F));
    p[1] = (uint8_t)(v & 0x7F);
    return 2; /* up to 16383 */
}

/* Put a cell on a page. False: no room. */
static inline bool sm_cell(struct sm *m, uint32_t no, const void *bytes, size_t len)
{
    uint8_t *p = sm_page(m, no);
    uint8_t *h = p + (no == 1 ? 100 : 0);
    uint32_t n = sm_get(h + 3);
    uint32_t content = sm_get(h + 5);
    uint8_t *cells = h + (h[0] == 5 || h[0] == 2 ? 12 : 8);
    if ((size_t)(cells - p) + 2 * n + 2 + len > content) {
        return false;
    }
    memcpy(p + content - len, bytes, len);
    sm_be(cells + 2 * (size_t)n, content - len, 2);
    sm_be(h + 3, n + 1, 2);
    sm_be(h + 5, content - len, 2);
    return true;
}

/* A column: serial type and its bytes (types of text and blobs are made from the length). */
struct sm_value {
    uint64_t type; /* 13: text of len bytes; 12: blob of len bytes; else as it is */
    const void *ptr;
    size_t len;
};

static inline size_t sm_record(const struct sm_value *v, unsigned n, uint8_t *out)
{
    uint8_t types[64];
    size_t types_len = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t t = v[i].type == 12 || v[i].type == 13 ? v[i].type + 2 * v[i].len : v[i].type;
        types_len += sm_varint(types + types_len, t);
    }
    size_t at = sm_varint(out, types_len + 1);
    memcpy(out + at, types, types_len);
    at += types_len;
    for (unsigned i = 0; i < n; i++) {
        if (v[i].len > 0) {
            memcpy(out + at, v[i].ptr, v[i].len);
        }
        at += v[i].len;
    }
    return at;
}

/* A row of a table's leaf. */
static inline bool sm_row(struct sm *m, uint32_t no, uint64_t rowid, const struct sm_value *v,
                          unsigned n)
{
    uint8_t record[2048];
    uint8_t cell[2100];
    size_t len = sm_record(v, n, record);
    size_t at = sm_varint(cell, len);
    at += sm_varint(cell + at, rowid);
    memcpy(cell + at, record, len);
    return sm_cell(m, no, cell, at + len);
}

static inline struct sm_value sm_text(const char *s)
{
    return (struct sm_value){13, s, strlen(s)};
}

/* An entry of the schema. */
static inline bool sm_schema(struct sm *m, const char *type, const char *name, uint8_t root)
{
    struct sm_value v[] = {
        sm_text(type), sm_text(name), sm_text(name), {1, &root, 1}, sm_text("CREATE")};
    return sm_row(m, 1, root, v, 5);
}

static inline void sm_done(struct sm *m)
{
    free(m->ptr);
    m->ptr = NULL;
}

#endif
