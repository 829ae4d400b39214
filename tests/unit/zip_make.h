/* Writes zips for tests, true ones and lying ones. */
#ifndef ZIP_MAKE_H
#define ZIP_MAKE_H

#include <libdeflate.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct zm_bytes {
    uint8_t *ptr;
    size_t len;
    size_t cap;
};

struct zm {
    struct zm_bytes out;
    struct zm_bytes dir;
    uint64_t n;
    bool zip64;
    bool no_end; /* leave out the directory */
};

/* How a member differs from a plain deflated one. */
struct zm_opts {
    bool stored;
    bool descriptor;
    bool encrypted;
    bool zip64;
    bool bad_crc;
    uint16_t method;   /* other than 0 and 8 */
    int64_t lie_plain; /* added to the plain size */
    int64_t lie_comp;  /* added to the compressed size of the directory */
    const char *local_name;
    bool same_place; /* a directory entry only: the member before, again */
};

static inline void zm_put(struct zm_bytes *b, const void *ptr, size_t len)
{
    if (b->len + len > b->cap) {
        b->cap = (b->len + len) * 2 + 64;
        b->ptr = realloc(b->ptr, b->cap);
        if (b->ptr == NULL) {
            abort();
        }
    }
    if (len > 0) {
        memcpy(b->ptr + b->len, ptr, len);
    }
    b->len += len;
}

/* A stored input of a fuzz target, without its first `skip` bytes (which steer the target). */
static inline struct zm_bytes zm_corpus(const char *target, const char *name, size_t skip)
{
    char path[256];
    char part[4096];
    struct zm_bytes b = {0};
    (void)snprintf(path, sizeof path, "tests/fuzz/corpus/%s/%s", target, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL || fread(part, 1, skip, f) != skip) {
        perror(path);
        abort();
    }
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) {
        zm_put(&b, part, n);
    }
    (void)fclose(f);
    return b;
}

static inline void zm_le(struct zm_bytes *b, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t c = (uint8_t)(v >> (8 * i));
        zm_put(b, &c, 1);
    }
}

static inline void zm_extra64(struct zm_bytes *b, uint64_t plain, uint64_t comp, bool with_at,
                              uint64_t at)
{
    zm_le(b, 1, 2);
    zm_le(b, with_at ? 24 : 16, 2);
    zm_le(b, plain, 8);
    zm_le(b, comp, 8);
    if (with_at) {
        zm_le(b, at, 8);
    }
}

static inline void zm_entry(struct zm *z, const char *name, const struct zm_opts *o, uint16_t flags,
                            uint16_t method, uint32_t crc, uint64_t comp, uint64_t plain,
                            uint64_t at)
{
    struct zm_bytes *d = &z->dir;
    bool big = o->zip64;
    zm_le(d, 0x02014b50u, 4);
    zm_le(d, 45, 2);
    zm_le(d, 45, 2);
    zm_le(d, flags, 2);
    zm_le(d, method, 2);
    zm_le(d, 0, 4);
    zm_le(d, crc, 4);
    zm_le(d, big ? UINT32_MAX : comp, 4);
    zm_le(d, big ? UINT32_MAX : plain, 4);
    zm_le(d, strlen(name), 2);
    zm_le(d, big ? 28 : 0, 2);
    zm_le(d, 0, 8);
    zm_le(d, 0, 2);
    zm_le(d, big ? UINT32_MAX : at, 4);
    zm_put(d, name, strlen(name));
    if (big) {
        zm_extra64(d, plain, comp, true, at);
    }
    z->n++;
}

static inline void zm_add_opts(struct zm *z, const char *name, const void *data, size_t len,
                               struct zm_opts o)
{
    static uint64_t last_at;
    uint64_t at = o.same_place ? last_at : z->out.len;
    const char *local = o.local_name != NULL ? o.local_name : name;
    uint16_t method = o.method != 0 ? o.method : o.stored ? 0 : 8;
    uint16_t flags = (uint16_t)((o.descriptor ? 8 : 0) | (o.encrypted ? 1 : 0));
    uint32_t crc = libdeflate_crc32(0, data, len) ^ (o.bad_crc ? 1 : 0);
    size_t cap = len + len / 100 + 1024;
    uint8_t *comp = malloc(cap);
    size_t n = len;
    if (comp == NULL) {
        abort();
    }
    if (method == 0) {
        if (len > 0) {
            memcpy(comp, data, len);
        }
    } else {
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
        if (c == NULL) {
            abort();
        }
        n = libdeflate_deflate_compress(c, data, len, comp, cap);
        libdeflate_free_compressor(c);
    }
    uint64_t plain = (uint64_t)((int64_t)len + o.lie_plain);
    last_at = at;
    if (!o.same_place) {
        struct zm_bytes *b = &z->out;
        zm_le(b, 0x04034b50u, 4);
        zm_le(b, 45, 2);
        zm_le(b, flags, 2);
        zm_le(b, method, 2);
        zm_le(b, 0, 4);
        zm_le(b, o.descriptor ? 0 : crc, 4);
        zm_le(b, o.descriptor ? 0 : o.zip64 ? UINT32_MAX : n, 4);
        zm_le(b, o.descriptor ? 0 : o.zip64 ? UINT32_MAX : plain, 4);
        zm_le(b, strlen(local), 2);
        zm_le(b, o.zip64 ? 20 : 0, 2);
        zm_put(b, local, strlen(local));
        if (o.zip64) {
            zm_extra64(b, plain, n, false, 0);
        }
        zm_put(b, comp, n);
        if (o.descriptor) {
            zm_le(b, 0x08074b50u, 4);
            zm_le(b, crc, 4);
            zm_le(b, n, 4);
            zm_le(b, len, 4);
        }
    }
    free(comp);
    zm_entry(z, name, &o, flags, method, crc, (uint64_t)((int64_t)n + o.lie_comp), plain, at);
}

static inline void zm_add(struct zm *z, const char *name, const char *text)
{
    zm_add_opts(z, name, text, strlen(text), (struct zm_opts){0});
}

static inline void zm_end(struct zm *z, const char *comment)
{
    uint64_t at = z->out.len;
    uint64_t n_dir = z->dir.len;
    struct zm_bytes *b = &z->out;
    if (z->no_end) {
        return;
    }
    zm_put(b, z->dir.ptr, z->dir.len);
    if (z->zip64) {
        uint64_t end = b->len;
        zm_le(b, 0x06064b50u, 4);
        zm_le(b, 44, 8);
        zm_le(b, 45, 2);
        zm_le(b, 45, 2);
        zm_le(b, 0, 8);
        zm_le(b, z->n, 8);
        zm_le(b, z->n, 8);
        zm_le(b, n_dir, 8);
        zm_le(b, at, 8);
        zm_le(b, 0x07064b50u, 4);
        zm_le(b, 0, 4);
        zm_le(b, end, 8);
        zm_le(b, 1, 4);
    }
    zm_le(b, 0x06054b50u, 4);
    zm_le(b, 0, 4);
    zm_le(b, z->zip64 ? 0xFFFF : z->n & 0xFFFF, 2);
    zm_le(b, z->zip64 ? 0xFFFF : z->n & 0xFFFF, 2);
    zm_le(b, z->zip64 ? UINT32_MAX : n_dir, 4);
    zm_le(b, z->zip64 ? UINT32_MAX : at, 4);
    zm_le(b, strlen(comment), 2);
    zm_put(b, comment, strlen(comment));
}

static inline void zm_done(struct zm *z)
{
    free(z->out.ptr);
    free(z->dir.ptr);
    memset(z, 0, sizeof *z);
}

#endif
