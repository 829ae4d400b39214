/*
 * A growable byte buffer with a mandatory ceiling.
 * Thread rule: one owner at a time.
 */
#ifndef KL_BASE_BUF_H
#define KL_BASE_BUF_H

#include "base/result.h"
#include "base/span.h"

struct kl_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t max_bytes; /* inclusive */
};

/** An empty buffer that may grow to max_bytes; owns nothing yet. */
void kl_buf_init(struct kl_buf *b, size_t max_bytes);

/** Free the memory; the buffer is empty again with the same ceiling. */
void kl_buf_done(struct kl_buf *b);

/** Make room for n more bytes behind len. KL_E_LIMIT past max_bytes, KL_E_NOMEM. */
KL_MUST enum kl_rc kl_buf_room(struct kl_buf *b, size_t n);

KL_MUST enum kl_rc kl_buf_add(struct kl_buf *b, const void *ptr, size_t len);
KL_MUST enum kl_rc kl_buf_add_u8(struct kl_buf *b, uint8_t c);
KL_MUST enum kl_rc kl_buf_add_str(struct kl_buf *b, const char *s);

/** Append text as printf does. */
KL_MUST enum kl_rc kl_buf_addf(struct kl_buf *b, const char *fmt, ...) KL_PRINTF(2, 3);

/** Borrowed view of the content; valid until the next change. */
static inline struct kl_span kl_buf_span(const struct kl_buf *b)
{
    return kl_span_make(b->ptr, b->len);
}

#endif
