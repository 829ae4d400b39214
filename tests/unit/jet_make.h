/* Writes small Access databases (Jet 3 and Jet 4) for tests: pages, definitions, rows. */
#ifndef JET_MAKE_H
#define JET_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct jm {
    bool jet3;
    size_t page_bytes;
    uint8_t *ptr; /* owned */
    size_t n_pages;
};

struct jm_column {
    const char *name;
    uint8_t type;
    uint8_t len; /* of a fixed column; 0: variable */
    uint8_t scale;
};

/* A value: NULL ptr is null. */
struct jm_value {
    const void *ptr;
    size_t len;
};

static inline void jm_le(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

static inline uint32_t jm_get(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline void jm_rc4(const uint8_t key[4], uint8_t *data, size_t n)
{
    uint8_t s[256];
    unsigned j = 0;
    for (unsigned i = 0; i < 256; i++) {
        s[i] = (uint8_t)i;
    }
    for (unsigned i = 0; i < 256; i++) {
        j = (j + s[i] + key[i % 4]) % 256;
        uint8_t t = s[i];
        s[i] = s[j];
        s[j] = t;
    }
    j = 0;
    for (size_t k = 0; k < n; k++) {
        unsigned i = (unsigned)((k + 1) % 256);
        j = (j + s[i]) % 256;
        uint8_t t = s[i];
        s[i] = s[j];
        s[j] = t;
        data[k] ^= s[(s[i] + s[j]) % 256];
    }
}

static inline uint8_t *jm_page(struct jm *m, uint32_t no)
{
    return m->ptr + no * m->page_bytes;
}

static inline uint32_t jm_add_page(struct jm *m)
{
    m->ptr = realloc(m->ptr, (m->n_pages + 1) * m->page_bytes);
    if (m->ptr == NULL) {
        abort();
    }
    memset(m->ptr + m->n_pages * m->page_bytes, 0, m->page_bytes);
    return (uint32_t)m->n_pages++;
}

/* version: 0 Jet 3, 1 Jet 4, 2 and more ACE. key: of the pages (see jm_encode). */
static inline void jm_begin(struct jm *m, unsigned version, uint32_t key)
{
    static const uint8_t scramble[4] = {0xC7, 0xDA, 0x39, 0x6B};
    *m = (struct jm){.jet3 = version == 0, .page_bytes = version == 0 ? 2048 : 4096};
    (void)jm_add_page(m);
    uint8_t *p = jm_page(m, 0);
    p[1] = 1;
    p[0] = 0;
    memcpy(p, "\0\1\0\0", 4);
    memcpy(p + 4, version >= 2 ? "Standard ACE DB" : "Standard Jet DB", 16);
    p[0x14] = (uint8_t)version;
    jm_le(p + 0x3C, 1252, 2);
    jm_le(p + 0x3E, key, 4);
    jm_rc4(scramble, p + 0x18, m->jet3 ? 126 : 128);
}

/* Encode all pages but the first with the key. */
static inline void jm_encode(struct jm *m, uint32_t key)
{
    for (uint32_t no = 1; no < m->n_pages; no++) {
        uint8_t k[4];
        jm_le(k, key ^ no, 4);
        jm_rc4(k, jm_page(m, no), m->page_bytes);
    }
}

/* A definition on a page of its own. */
static inline uint32_t jm_table(struct jm *m, const struct jm_column *c, unsigned n)
{
    uint32_t no = jm_add_page(m);
    uint8_t *p = jm_page(m, no);
    unsigned n_var = 0;
    unsigned fixed_at = 0;
    size_t at = m->jet3 ? 43 : 63;
    p[0] = 2;
    p[1] = 1;
    for (unsigned i = 0; i < n; i++) {
        bool fixed = c[i].len > 0 || c[i].type == 1;
        uint8_t *d = p + at;
        d[0] = c[i].type;
        if (m->jet3) {
            jm_le(d + 1, i, 2);
            jm_le(d + 3, fixed ? 0 : n_var, 2);
            d[10] = c[i].scale;
            d[13] = fixed ? 3 : 2;
            jm_le(d + 14, fixed_at, 2);
            jm_le(d + 16, c[i].len, 2);
        } else {
            jm_le(d + 5, i, 2);
            jm_le(d + 7, fixed ? 0 : n_var, 2);
            d[12] = c[i].scale;
            d[15] = fixed ? 3 : 2;
            jm_le(d + 21, fixed_at, 2);
            jm_le(d + 23, c[i].len, 2);
        }
        fixed_at += c[i].len;
        n_var += !fixed;
        at += m->jet3 ? 18 : 25;
    }
    for (unsigned i = 0; i < n; i++) {
        size_t len = strlen(c[i].name);
        if (m->jet3) {
            p[at++] = (uint8_t)len;
            memcpy(p + at, c[i].name, len);
            at += len;
        } else {
            jm_le(p + at, 2 * len, 2);
            at += 2;
            for (size_t k = 0; k < len; k++) {
                p[at + 2 * k] = (uint8_t)c[i].name[k];
            }
            at += 2 * len;
        }
    }
    jm_le(p + (m->jet3 ? 23 : 43), n_var, 2);
    jm_le(p + (m->jet3 ? 25 : 45), n, 2);
    return no;
}

static inline uint32_t jm_data(struct jm *m, uint32_t owner)
{
    uint32_t no = jm_add_page(m);
    uint8_t *p = jm_page(m, no);
    p[0] = 1;
    p[1] = 1;
    jm_le(p + 4, owner, 4);
    return no;
}

static inline uint32_t jm_long(struct jm *m)
{
    uint32_t no = jm_data(m, 0);
    memcpy(jm_page(m, no) + 4, "LVAL", 4);
    return no;
}

/* Put bytes as the next row; flags: 0x8000 deleted, 0x4000 a pointer. False: no room. */
static inline bool jm_put(struct jm *m, uint32_t page, const void *bytes, size_t len,
                          unsigned flags)
{
    uint8_t *p = jm_page(m, page);
    size_t head = m->jet3 ? 10 : 14;
    unsigned n = jm_get(p + head - 2);
    size_t end = n == 0 ? m->page_bytes : jm_get(p + head + 2 * n - 2) & 0x1FFF;
    if (head + 2 * (size_t)n + 2 + len > end) {
        return false;
    }
    memcpy(p + end - len, bytes, len);
    jm_le(p + head + 2 * (size_t)n, (end - len) | flags, 2);
    jm_le(p + head - 2, n + 1, 2);
    return true;
}

/* A row of values in the order of the columns; returns its length. */
static inline size_t jm_row(const struct jm *m, const struct jm_column *c, unsigned n,
                            const struct jm_value *v, uint8_t out[4096])
{
    size_t head = m->jet3 ? 1 : 2;
    size_t at = head;
    size_t starts[257];
    unsigned n_var = 0;
    uint8_t nulls[32] = {0};
    memset(out, 0, 4096);
    jm_le(out, n, (unsigned)head);
    for (unsigned i = 0; i < n; i++) {
        if (v[i].ptr != NULL) {
            nulls[i / 8] |= (uint8_t)(1u << (i % 8));
        }
        if (c[i].len > 0) {
            if (v[i].ptr != NULL) {
                memcpy(out + at, v[i].ptr, c[i].len);
            }
            at += c[i].len;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (c[i].len == 0 && c[i].type != 1) {
            starts[n_var++] = at;
            if (v[i].ptr != NULL) {
                memcpy(out + at, v[i].ptr, v[i].len);
                at += v[i].len;
            }
        }
    }
    starts[n_var] = at;
    if (n_var > 0 && m->jet3) {
        /* Jumps: which variable column is the first behind each 256 bytes. */
        size_t end = at;
        size_t total = end + n_var + 1 + 1 + (n + 7) / 8;
        size_t jumps = (total - 1) / 256;
        total += jumps;
        jumps = (total - 1) / 256;
        for (unsigned i = 0; i <= n_var; i++) {
            out[end + n_var - i] = (uint8_t)starts[i];
        }
        at = end + n_var + 1;
        for (size_t k = jumps; k > 0; k--) {
            unsigned first = 0;
            while (first <= n_var && starts[first] < 256 * k) {
                first++;
            }
            out[at++] = first <= n_var ? (uint8_t)first : 0xFF;
        }
        out[at++] = (uint8_t)n_var;
    } else if (n_var > 0) {
        for (unsigned i = 0; i <= n_var; i++) {
            jm_le(out + at + 2 * (size_t)(n_var - i), starts[i], 2);
        }
        at += 2 * (size_t)n_var + 2;
        jm_le(out + at, n_var, 2);
        at += 2;
    }
    memcpy(out + at, nulls, (n + 7) / 8);
    return at + (n + 7) / 8;
}

/* ASCII as the database stores text: plain in Jet 3, compressed or UTF-16 in Jet 4. */
static inline struct jm_value jm_text(const struct jm *m, const char *s, bool wide, uint8_t *buf)
{
    size_t len = strlen(s);
    if (m->jet3) {
        memcpy(buf, s, len);
        return (struct jm_value){buf, len};
    }
    if (!wide) {
        memcpy(buf, "\377\376", 2);
        memcpy(buf + 2, s, len);
        return (struct jm_value){buf, len + 2};
    }
    for (size_t i = 0; i < len; i++) {
        buf[2 * i] = (uint8_t)s[i];
        buf[2 * i + 1] = 0;
    }
    return (struct jm_value){buf, 2 * len};
}

/* The catalogue's definition, always page 2: page 1 is made before it. */
static const struct jm_column jm_catalogue[] = {
    {"Id", 4, 4, 0}, {"ParentId", 4, 4, 0}, {"Name", 10, 0, 0}, {"Type", 3, 2, 0}};

static inline void jm_begin_catalogue(struct jm *m)
{
    (void)jm_add_page(m);
    jm_page(m, 1)[0] = 1;
    jm_page(m, 1)[1] = 1;
    (void)jm_table(m, jm_catalogue, 4);
    (void)jm_data(m, 2);
}

/* Name a table, in the catalogue's page 3. */
static inline bool jm_name(struct jm *m, uint32_t table, const char *name, unsigned type)
{
    uint8_t id[4];
    uint8_t kind[2];
    uint8_t text[600];
    uint8_t row[4096];
    jm_le(id, table, 4);
    jm_le(kind, type, 2);
    struct jm_value v[] = {{id, 4}, {id, 4}, jm_text(m, name, false, text), {kind, 2}};
    size_t n = jm_row(m, jm_catalogue, 4, v, row);
    return jm_put(m, 3, row, n, 0);
}

static inline void jm_done(struct jm *m)
{
    free(m->ptr);
    m->ptr = NULL;
}

#endif
