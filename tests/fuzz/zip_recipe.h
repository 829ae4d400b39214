/*
 * A zip from a recipe that a person can read and a fuzzer can mutate: what holds the zip together
 * (offsets, sizes, CRCs) is made here, so that mutations reach what lies behind it.
 *
 * A member is a line "@FLAGS name" and all bytes up to the next line that begins with '@'.
 *   s stored     d descriptor   z zip64       e encrypted   c bad CRC    m unknown method
 *   p plain size + 1,000,000    q plain size - 1            r compressed size + 7
 *   l another name in the local header        o the place of the member before
 *   x 64 times this content     > begin a zip inside        < end it
 *   A before the zip   B behind it   C its comment   Z zip64 end   N no directory
 *   P patches of what came out: triples of offset (low, high) and byte
 * Input that begins with "PK" is a zip itself.
 */
#ifndef ZIP_RECIPE_H
#define ZIP_RECIPE_H

#include <stdio.h>

#include "../unit/sink_mem.h"
#include "../unit/zip_make.h"
#include "base/fold.h"
#include "base/span.h"

#define RECIPE_DEPTH 6u
#define RECIPE_MEMBERS 40u
#define RECIPE_REPEAT 64u

struct recipe_level {
    struct zm z;
    struct zm_bytes before;
    struct zm_bytes behind;
    char comment[64];
    char name[64]; /* of the level as a member of the one below */
};

struct recipe {
    struct recipe_level level[RECIPE_DEPTH];
    unsigned depth;
    unsigned n_members;
    struct kl_span patches;
};

static inline void recipe_copy_str(char *dst, size_t cap, struct kl_span s)
{
    size_t n = 0;
    while (n + 1 < cap && n < s.len && s.ptr[n] != 0) {
        dst[n] = (char)s.ptr[n];
        n++;
    }
    dst[n] = 0;
}

/* The finished bytes of a level; the caller frees them. */
static inline struct zm_bytes recipe_close(struct recipe_level *l)
{
    struct zm_bytes all = {0};
    zm_end(&l->z, l->comment);
    zm_put(&all, l->before.ptr, l->before.len);
    zm_put(&all, l->z.out.ptr, l->z.out.len);
    zm_put(&all, l->behind.ptr, l->behind.len);
    zm_done(&l->z);
    free(l->before.ptr);
    free(l->behind.ptr);
    *l = (struct recipe_level){0};
    return all;
}

static inline void recipe_leave(struct recipe *r)
{
    char name[64];
    memcpy(name, r->level[r->depth].name, sizeof name);
    struct zm_bytes inner = recipe_close(&r->level[r->depth]);
    r->depth--;
    zm_add_opts(&r->level[r->depth].z, name, inner.ptr, inner.len,
                (struct zm_opts){.stored = inner.len % 2 == 0});
    free(inner.ptr);
}

static inline bool recipe_has(struct kl_span flags, char c)
{
    return memchr(flags.ptr, c, flags.len) != NULL;
}

/* True: the flags said something of the level, not of a member. */
static inline bool recipe_level_line(struct recipe *r, struct kl_span flags, struct kl_span name,
                                     struct kl_span body)
{
    struct recipe_level *l = &r->level[r->depth];
    switch (flags.len > 0 ? flags.ptr[0] : 0) {
    case '>':
        if (r->depth + 1 < RECIPE_DEPTH) {
            r->depth++;
            recipe_copy_str(r->level[r->depth].name, sizeof l->name, name);
        }
        return true;
    case '<':
        if (r->depth > 0) {
            recipe_leave(r);
        }
        return true;
    case 'A':
        zm_put(&l->before, body.ptr, body.len);
        return true;
    case 'B':
        zm_put(&l->behind, body.ptr, body.len);
        return true;
    case 'C':
        recipe_copy_str(l->comment, sizeof l->comment, body);
        return true;
    case 'Z':
        l->z.zip64 = true;
        return true;
    case 'N':
        l->z.no_end = true;
        return true;
    case 'P':
        r->patches = body;
        return true;
    default:
        return false;
    }
}

static inline void recipe_member(struct recipe *r, struct kl_span flags, struct kl_span name,
                                 struct kl_span body)
{
    char path[256];
    struct zm_bytes data = {0};
    if (recipe_level_line(r, flags, name, body) || r->n_members >= RECIPE_MEMBERS) {
        return;
    }
    r->n_members++;
    recipe_copy_str(path, sizeof path, name);
    for (unsigned i = 0; i < (recipe_has(flags, 'x') ? RECIPE_REPEAT : 1); i++) {
        zm_put(&data, body.ptr, body.len);
    }
    struct zm_opts o = {
        .stored = recipe_has(flags, 's'),
        .descriptor = recipe_has(flags, 'd'),
        .zip64 = recipe_has(flags, 'z'),
        .encrypted = recipe_has(flags, 'e'),
        .bad_crc = recipe_has(flags, 'c'),
        .method = recipe_has(flags, 'm') ? 99 : 0,
        .lie_plain = recipe_has(flags, 'p')   ? 1000000
                     : recipe_has(flags, 'q') ? -1
                                              : 0,
        .lie_comp = recipe_has(flags, 'r') ? 7 : 0,
        .local_name = recipe_has(flags, 'l') ? "other.txt" : NULL,
        .same_place = recipe_has(flags, 'o') && r->level[r->depth].z.n > 0,
    };
    zm_add_opts(&r->level[r->depth].z, path, data.ptr, data.len, o);
    free(data.ptr);
}

/* Where the next line that begins with '@' is, or the end. */
static inline size_t recipe_next(struct kl_span in, size_t at)
{
    for (size_t i = at; i < in.len; i++) {
        if (in.ptr[i] == '@' && (i == 0 || in.ptr[i - 1] == '\n')) {
            return i;
        }
    }
    return in.len;
}

static inline void recipe_read(struct recipe *r, struct kl_span in)
{
    for (size_t at = recipe_next(in, 0); at < in.len;) {
        size_t end = recipe_next(in, at + 1);
        struct kl_span all = kl_span_part(in, at + 1, end);
        const uint8_t *nl = memchr(all.ptr, '\n', all.len);
        size_t head = nl != NULL ? (size_t)(nl - all.ptr) : all.len;
        struct kl_span line = kl_span_part(all, 0, head);
        const uint8_t *sp = memchr(line.ptr, ' ', line.len);
        size_t mid = sp != NULL ? (size_t)(sp - line.ptr) : line.len;
        size_t last = end < in.len && end > at + 1 ? all.len - 1 : all.len; /* its line end */
        recipe_member(r, kl_span_part(line, 0, mid), kl_span_part(line, mid + 1, line.len),
                      kl_span_part(all, head + 1, last > head ? last : head + 1));
        at = end;
    }
}

/* All that was told: the zip in an exact-size copy, to be freed. */
static inline struct kl_span recipe_end(struct recipe *r)
{
    while (r->depth > 0) {
        recipe_leave(r);
    }
    struct zm_bytes all = recipe_close(&r->level[0]);
    for (size_t i = 0; i + 3 <= r->patches.len; i += 3) {
        size_t at = (size_t)r->patches.ptr[i] | (size_t)r->patches.ptr[i + 1] << 8;
        if (all.len > 0) {
            all.ptr[at % all.len] = r->patches.ptr[i + 2];
        }
    }
    uint8_t *exact = malloc(all.len + (all.len == 0));
    if (exact == NULL) {
        abort();
    }
    if (all.len > 0) {
        memcpy(exact, all.ptr, all.len);
    }
    free(all.ptr);
    return kl_span_make(exact, all.len);
}

static inline void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* What holds of every document: the order of events, the sums, well-formed text. */
static inline void recipe_check(const struct sink_mem *m, size_t size)
{
    must(m->done && !m->bad_order && m->seen == size && m->inspected + m->not_inspected == size);
    for (size_t at = 0; at < m->log_len;) {
        size_t from = at;
        uint32_t cp = kl_utf8_next(kl_span_make(m->log, m->log_len), &at);
        must(cp != 0xFFFD || at - from == 3);
    }
}

#endif
