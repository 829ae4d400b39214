/* Runs a document through kl_extract_document in memory of exact size; the log is in sink_mem. */
#ifndef DOC_RUN_H
#define DOC_RUN_H

#include "base/buf.h"
#include "extract/extract.h"
#include "kt.h"

#include "sink_mem.h"

static inline void doc_run(struct sink_mem *s, const void *ptr, size_t len)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;
    uint8_t *copy = malloc(len + (len == 0));
    memset(s, 0, sizeof *s);
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    KT_EQ(kl_extract_document(e, &in), KL_OK);
    KT_OK(s->done && !s->bad_order);
    KT_EQ(s->seen, len);
    kl_emit_free(&e);
    free(copy);
    if (s->log == NULL) {
        sink_mem_str(s, "");
    }
}

static inline void doc_run_str(struct sink_mem *s, const char *text)
{
    doc_run(s, text, strlen(text));
}

/* A document put together in a buffer (of up to 16 MiB), run and freed. */
#define DOC_ADD(b, ...) KT_EQ(kl_buf_addf(b, __VA_ARGS__), KL_OK)

static inline struct kl_buf doc_buf(void)
{
    struct kl_buf b;
    kl_buf_init(&b, 16777216);
    return b;
}

static inline void doc_run_buf(struct sink_mem *s, struct kl_buf *b)
{
    doc_run(s, b->ptr, b->len);
    kl_buf_done(b);
}

/* The same piece n times. */
static inline void doc_add_many(struct kl_buf *b, unsigned n, const char *piece)
{
    for (unsigned i = 0; i < n; i++) {
        KT_EQ(kl_buf_add_str(b, piece), KL_OK);
    }
}

static inline bool doc_has(const struct sink_mem *s, const char *what)
{
    bool is = strstr(s->log, what) != NULL;
    if (!is) {
        printf("# not there: %s\n# log: %s\n", what, s->log);
    }
    return is;
}

#endif
