/* Runs a whole document through the dispatcher, from a copy of exact size. */
#ifndef OFFICE_RUN_H
#define OFFICE_RUN_H

#include "extract/extract.h"
#include "kt.h"
#include "sink_mem.h"
#include "zip_make.h"

/* The log stays in s; 0, or what went wrong with the accounting. */
static inline void office_run(struct sink_mem *s, const void *ptr, size_t len)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;
    uint8_t *copy = malloc(len + (len == 0));
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    KT_EQ(kl_extract_document(e, &in), KL_OK);
    KT_OK(s->done && !s->bad_order);
    KT_EQ(s->seen, len);
    KT_EQ(s->seen, s->inspected + s->not_inspected);
    kl_emit_free(&e);
    free(copy);
    if (s->log == NULL) {
        sink_mem_str(s, "");
    }
}

static inline void office_run_zip(struct sink_mem *s, struct zm *z)
{
    zm_end(z, "");
    office_run(s, z->out.ptr, z->out.len);
}

static inline bool office_has(const struct sink_mem *s, const char *what)
{
    return strstr(s->log, what) != NULL;
}

static inline unsigned office_count(const struct sink_mem *s, const char *what)
{
    unsigned n = 0;
    for (const char *p = s->log; (p = strstr(p, what)) != NULL; p += strlen(what)) {
        n++;
    }
    return n;
}

/* Text that grows; office_str ends it and gives it back. */
static inline void office_add(struct zm_bytes *b, const char *text)
{
    zm_put(b, text, strlen(text));
}

static inline void office_fill(struct zm_bytes *b, char c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        zm_put(b, &c, 1);
    }
}

static inline const char *office_str(struct zm_bytes *b)
{
    zm_put(b, "", 1);
    return (const char *)b->ptr;
}

#endif
