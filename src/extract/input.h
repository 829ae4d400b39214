/*
 * Random access to a document: a file descriptor, memory, or a source such as a zip member
 * that is inflated while it is read (best read from front to back).
 * Thread rule: a const input may be read by one thread at a time.
 */
#ifndef KL_EXTRACT_INPUT_H
#define KL_EXTRACT_INPUT_H

#include "base/result.h"
#include "base/span.h"

struct kl_source {
    void *ctx;
    /* As kl_input_read. */
    enum kl_rc (*read)(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n);
    /* As kl_input_data; NULL: it has no holes. */
    uint64_t (*data)(void *ctx, uint64_t at);
};

struct kl_input {
    int fd;                         /* -1: memory or a source */
    struct kl_span mem;             /* when fd is -1 and source is NULL */
    uint64_t len_bytes;             /* as it was when the document was opened */
    const struct kl_source *source; /* NULL: none; borrowed */
    uint64_t base;                  /* where it begins in the descriptor or the source */
    bool is_part;                   /* of something longer: nothing is read behind len_bytes */
};

static inline struct kl_input kl_input_fd(int fd, uint64_t len_bytes)
{
    return (struct kl_input){.fd = fd, .len_bytes = len_bytes};
}

static inline struct kl_input kl_input_mem(struct kl_span mem)
{
    return (struct kl_input){.fd = -1, .mem = mem, .len_bytes = mem.len};
}

static inline struct kl_input kl_input_source(const struct kl_source *source, uint64_t len_bytes)
{
    return (struct kl_input){.fd = -1, .len_bytes = len_bytes, .source = source};
}

/** The bytes [from, to) of `in` as an input of their own, clipped to it; `in` may go away. */
struct kl_input kl_input_part(const struct kl_input *in, uint64_t from, uint64_t to);

/**
 * Read up to n bytes at offset `at`; fewer only at the end of the input.
 * @return KL_E_IO when the system refuses (errno kept)
 */
KL_MUST enum kl_rc kl_input_read(const struct kl_input *in, uint64_t at, void *dst, size_t n,
                                 size_t *out_n);

/** Where the next byte is that may not be zero: `at`, or behind a hole of a sparse file. */
uint64_t kl_input_data(const struct kl_input *in, uint64_t at);

#endif
