#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void kl_buf_init(struct kl_buf *b, size_t max_bytes)
{
    *b = (struct kl_buf){.max_bytes = max_bytes};
}

void kl_buf_done(struct kl_buf *b)
{
    free(b->ptr);
    *b = (struct kl_buf){.max_bytes = b->max_bytes};
}

enum kl_rc kl_buf_room(struct kl_buf *b, size_t n)
{
    if (n > b->max_bytes || b->len > b->max_bytes - n) {
        return KL_E_LIMIT;
    }
    size_t want = b->len + n;
    if (want <= b->cap) {
        return KL_OK;
    }
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < want) {
        cap = cap <= b->max_bytes / 2 ? cap * 2 : b->max_bytes;
    }
    uint8_t *p = realloc(b->ptr, cap);
    if (p == NULL) {
        return KL_E_NOMEM;
    }
    b->ptr = p;
    b->cap = cap;
    return KL_OK;
}

enum kl_rc kl_buf_add(struct kl_buf *b, const void *ptr, size_t len)
{
    KL_TRY(kl_buf_room(b, len));
    if (len > 0) {
        memcpy(b->ptr + b->len, ptr, len);
        b->len += len;
    }
    return KL_OK;
}

enum kl_rc kl_buf_add_u8(struct kl_buf *b, uint8_t c)
{
    return kl_buf_add(b, &c, 1);
}

enum kl_rc kl_buf_add_str(struct kl_buf *b, const char *s)
{
    return kl_buf_add(b, s, strlen(s));
}

enum kl_rc kl_buf_addf(struct kl_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return KL_E_FORMAT;
    }
    /* One byte more than the text: vsnprintf writes its terminator there. */
    KL_TRY(kl_buf_room(b, (size_t)n + 1));
    va_start(ap, fmt);
    (void)vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return KL_OK;
}
