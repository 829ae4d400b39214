/* Runs one reader over bytes, from an exact-size copy, and checks what must hold for any input. */
#ifndef READER_RUN_H
#define READER_RUN_H

#include "extract/extract.h"
#include "kt.h"

#include "sink_mem.h"

typedef enum kl_rc (*reader_fn)(struct kl_emit *e, const struct kl_input *in);

static inline void reader_run_input(struct sink_mem *s, reader_fn reader, const struct kl_input *in)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;

    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    kl_emit_start(e, in->len_bytes);
    KT_EQ(reader(e, in), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_OK(s->done && !s->bad_order);
    KT_EQ(s->seen, in->len_bytes);
    KT_EQ(s->inspected + s->not_inspected, s->seen);
    kl_emit_free(&e);
    if (s->log == NULL) {
        sink_mem_str(s, "");
    }
}

static inline void reader_run(struct sink_mem *s, reader_fn reader, const void *ptr, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0));
    if (copy == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    reader_run_input(s, reader, &in);
    free(copy);
}

static inline enum kl_rc reader_source_read(void *ctx, uint64_t at, void *dst, size_t n,
                                            size_t *out_n)
{
    return kl_input_read(ctx, at, dst, n, out_n);
}

/* The same as a source, as a long member of a container is one. */
static inline void reader_run_forward(struct sink_mem *s, reader_fn reader, const void *ptr,
                                      size_t len)
{
    struct kl_input mem = kl_input_mem(kl_span_make(ptr, len));
    struct kl_source source = {&mem, reader_source_read};
    struct kl_input in = kl_input_source(&source, len);
    reader_run_input(s, reader, &in);
}

/* Every length below the whole, and every byte changed in three ways. */
static inline void reader_run_damaged(reader_fn reader, const void *ptr, size_t len, size_t step)
{
    static const uint8_t mask[] = {0xFF, 1, 0x80};
    uint8_t *copy = malloc(len);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, ptr, len);
    for (size_t n = 0; n < len; n++) {
        struct sink_mem s = {0};
        reader_run(&s, reader, copy, n);
        sink_mem_done(&s);
    }
    for (size_t i = 0; i < len; i += step) {
        for (unsigned k = 0; k < 3; k++) {
            struct sink_mem s = {0};
            copy[i] ^= mask[k];
            reader_run(&s, reader, copy, len);
            copy[i] ^= mask[k];
            sink_mem_done(&s);
        }
    }
    free(copy);
}

static inline bool reader_has(const struct sink_mem *s, const char *what)
{
    return s->log != NULL && strstr(s->log, what) != NULL;
}

#endif
