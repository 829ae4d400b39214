/* Writes compound files for tests, true ones and lying ones. */
#ifndef CFB_MAKE_H
#define CFB_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CM_END 0xFFFFFFFEu
#define CM_FREE 0xFFFFFFFFu
#define CM_MAX_ENTRIES 64

struct cm_entry {
    char name[32]; /* ASCII */
    uint8_t type;  /* 1 storage, 2 stream, 5 root */
    int parent;
    uint8_t *data;
    size_t len;
    uint32_t start;
};

struct cm {
    struct cm_entry e[CM_MAX_ENTRIES]; /* e[0]: the root */
    int n;
    bool v4;        /* sectors of 4096 bytes */
    bool backwards; /* chains run from high sectors to low ones */
    /* The file, after cm_end. */
    uint8_t *out;
    size_t out_len;
    uint32_t fat[4096];
    uint32_t n_sectors;
    uint32_t mini_fat[4096];
    uint32_t n_mini;
    uint32_t dir_at;  /* sector of the directory */
    uint32_t fat_at;  /* first sector of the FAT */
    uint32_t mini_at; /* sector of the table of short sectors */
};

static inline int cm_add(struct cm *c, int parent, const char *name, const void *data, size_t len)
{
    if (c->n == 0) {
        c->n = 1;
        c->e[0].type = 5;
    }
    if (c->n >= CM_MAX_ENTRIES) {
        abort();
    }
    struct cm_entry *e = &c->e[c->n];
    memset(e, 0, sizeof *e);
    memcpy(e->name, name, strnlen(name, sizeof e->name - 1));
    e->type = data != NULL ? 2 : 1;
    e->parent = parent;
    if (data != NULL) {
        e->data = malloc(len + 1);
        if (e->data == NULL) {
            abort();
        }
        memcpy(e->data, data, len);
        e->len = len;
    }
    return c->n++;
}

static inline void cm_le(uint8_t *at, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        at[i] = (uint8_t)(v >> (8 * i));
    }
}

static inline size_t cm_size(const struct cm *c)
{
    return c->v4 ? 4096 : 512;
}

/* A chain of sectors with this content; the number of its first one. */
static inline uint32_t cm_chain(struct cm *c, const uint8_t *data, size_t len)
{
    size_t ss = cm_size(c);
    uint32_t n = (uint32_t)((len + ss - 1) / ss);
    uint32_t first = c->n_sectors;
    if (n == 0) {
        return CM_END;
    }
    c->n_sectors += n;
    c->out = realloc(c->out, ss * ((size_t)c->n_sectors + 1));
    if (c->out == NULL || c->n_sectors > 4096) {
        abort();
    }
    memset(c->out + ss * ((size_t)first + 1), 0, ss * n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t s = c->backwards ? first + n - 1 - i : first + i;
        uint32_t next = c->backwards ? s - 1 : s + 1;
        size_t left = len - ss * i < ss ? len - ss * i : ss;
        c->fat[s] = i + 1 == n ? CM_END : next;
        memcpy(c->out + ss * ((size_t)s + 1), data + ss * i, left);
    }
    return c->backwards ? first + n - 1 : first;
}

static inline void cm_directory(struct cm *c)
{
    size_t ss = cm_size(c);
    size_t len = ((size_t)c->n * 128 + ss - 1) / ss * ss;
    uint8_t *dir = calloc(1, len);
    int last_child[CM_MAX_ENTRIES];
    for (size_t i = 0; i < len / 128; i++) {
        cm_le(dir + i * 128 + 68, CM_FREE, 4);
        cm_le(dir + i * 128 + 72, CM_FREE, 4);
        cm_le(dir + i * 128 + 76, CM_FREE, 4);
    }
    memset(last_child, 0xFF, sizeof last_child);
    for (int i = 0; i < c->n; i++) {
        const char *name = i == 0 ? "Root Entry" : c->e[i].name;
        uint8_t *d = dir + (size_t)i * 128;
        for (size_t k = 0; name[k] != 0; k++) {
            d[2 * k] = (uint8_t)name[k];
        }
        cm_le(d + 64, strlen(name) * 2 + 2, 2);
        d[66] = c->e[i].type;
        cm_le(d + 116, c->e[i].start, 4);
        cm_le(d + 120, c->e[i].len, 8);
        if (i > 0) {
            int p = c->e[i].parent;
            /* Children as a list to the right. */
            cm_le(last_child[p] < 0 ? dir + (size_t)p * 128 + 76
                                    : dir + (size_t)last_child[p] * 128 + 72,
                  (uint32_t)i, 4);
            last_child[p] = i;
        }
    }
    c->dir_at = cm_chain(c, dir, len);
    free(dir);
}

/* Write the file to c->out. */
static inline void cm_end(struct cm *c)
{
    size_t ss = cm_size(c);
    uint8_t *mini = calloc(1, 4096 * 64);
    uint8_t *table = malloc(4096 * 4);
    c->out = malloc(ss);
    for (int i = 1; i < c->n; i++) {
        struct cm_entry *e = &c->e[i];
        e->start = e->len == 0 ? CM_END : 0;
        if (e->type != 2 || e->len == 0) {
            continue;
        }
        if (e->len >= 4096) {
            e->start = cm_chain(c, e->data, e->len);
            continue;
        }
        e->start = c->n_mini;
        memcpy(mini + (size_t)c->n_mini * 64, e->data, e->len);
        for (size_t at = 0; at < e->len; at += 64, c->n_mini++) {
            c->mini_fat[c->n_mini] = at + 64 < e->len ? c->n_mini + 1 : CM_END;
        }
    }
    c->e[0].len = (size_t)c->n_mini * 64;
    c->e[0].start = cm_chain(c, mini, c->e[0].len);
    cm_directory(c);
    size_t n_table = ((size_t)c->n_mini * 4 + ss - 1) / ss * ss;
    memset(table, 0xFF, 4096 * 4);
    for (uint32_t i = 0; i < c->n_mini; i++) {
        cm_le(table + 4 * (size_t)i, c->mini_fat[i], 4);
    }
    c->mini_at = cm_chain(c, table, n_table);
    /* The FAT names itself too. */
    uint32_t per = (uint32_t)(ss / 4);
    uint32_t n_fat = 1;
    while (n_fat * per < c->n_sectors + n_fat) {
        n_fat++;
    }
    bool backwards = c->backwards;
    c->backwards = false;
    memset(table, 0xFF, 4096 * 4);
    c->fat_at = cm_chain(c, table, n_fat * ss);
    c->backwards = backwards;
    uint8_t *f = c->out + ss * ((size_t)c->fat_at + 1);
    for (uint32_t i = 0; i < c->n_sectors; i++) {
        cm_le(f + 4 * (size_t)i, i >= c->fat_at ? 0xFFFFFFFDu : c->fat[i], 4);
    }
    memset(c->out, 0, ss);
    memcpy(c->out, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    cm_le(c->out + 24, 0x3E, 2);
    cm_le(c->out + 26, c->v4 ? 4 : 3, 2);
    cm_le(c->out + 28, 0xFFFE, 2);
    cm_le(c->out + 30, c->v4 ? 12 : 9, 2);
    cm_le(c->out + 32, 6, 2);
    cm_le(c->out + 44, n_fat, 4);
    cm_le(c->out + 48, c->dir_at, 4);
    cm_le(c->out + 56, 4096, 4);
    cm_le(c->out + 60, n_table > 0 ? c->mini_at : CM_END, 4);
    cm_le(c->out + 64, n_table / ss, 4);
    cm_le(c->out + 68, CM_END, 4);
    memset(c->out + 76, 0xFF, 436);
    for (uint32_t i = 0; i < n_fat && i < 109; i++) {
        cm_le(c->out + 76 + 4 * (size_t)i, c->fat_at + i, 4);
    }
    c->out_len = ss * ((size_t)c->n_sectors + 1);
    free(mini);
    free(table);
}

/* Where entry i stands in the file (with chains that run forwards). */
static inline uint8_t *cm_entry_at(struct cm *c, int i)
{
    return c->out + cm_size(c) * ((size_t)c->dir_at + 1) + (size_t)i * 128;
}

static inline uint8_t *cm_fat_at(struct cm *c, uint32_t i)
{
    return c->out + cm_size(c) * ((size_t)c->fat_at + 1) + 4 * (size_t)i;
}

static inline void cm_done(struct cm *c)
{
    for (int i = 0; i < c->n; i++) {
        free(c->e[i].data);
    }
    free(c->out);
    memset(c, 0, sizeof *c);
}

#endif
