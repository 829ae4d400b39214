#include "extract/mail_lines.h"

#include <stdlib.h>

#define WINDOW_BYTES 262144u

enum kl_rc kl_lines_init(struct kl_lines *l, const struct kl_input *in)
{
    *l = (struct kl_lines){.in = in, .buf = malloc(WINDOW_BYTES)};
    return l->buf != NULL ? KL_OK : KL_E_NOMEM;
}

void kl_lines_done(struct kl_lines *l)
{
    free(l->buf);
    l->buf = NULL;
}

uint64_t kl_lines_at(const struct kl_lines *l)
{
    return l->buf_at + l->pos;
}

/* Move what is left to the front and read on. */
static void refill(struct kl_lines *l)
{
    size_t rest = l->len - l->pos;
    uint64_t at = l->buf_at + l->len;
    uint64_t left = at < l->in->len_bytes ? l->in->len_bytes - at : 0;
    size_t n = 0;

    if (left == 0 || l->io || l->cut) {
        return;
    }
    memmove(l->buf, l->buf + l->pos, rest);
    l->buf_at += l->pos;
    l->pos = 0;
    l->len = rest;
    size_t want = left < WINDOW_BYTES - rest ? (size_t)left : WINDOW_BYTES - rest;
    if (kl_input_read(l->in, at, l->buf + rest, want, &n) != KL_OK) {
        l->io = true;
        n = 0;
    }
    l->cut = !l->io && n < want;
    l->len += n;
}

bool kl_lines_next(struct kl_lines *l, struct kl_line *out_line)
{
    if (l->len - l->pos < 2 * KL_LINE_BYTES) {
        refill(l); /* so that the line behind this one can be looked at */
    }
    size_t have = l->len - l->pos;
    if (have == 0) {
        return false;
    }
    const uint8_t *p = l->buf + l->pos;
    size_t look = have < KL_LINE_BYTES ? have : KL_LINE_BYTES;
    const uint8_t *nl = memchr(p, '\n', look);
    size_t n = nl != NULL ? (size_t)(nl - p) + 1 : look;
    if (nl == NULL && n > 1 && p[n - 1] == '\r') {
        n--; /* its other half may follow */
    }
    *out_line = (struct kl_line){kl_span_make(p, n), kl_lines_at(l), !l->in_line, nl != NULL};
    l->pos += n;
    l->in_line = nl == NULL;
    return true;
}

struct kl_span kl_lines_peek(const struct kl_lines *l)
{
    struct kl_span rest = kl_span_make(l->buf + l->pos, l->len - l->pos);
    rest = kl_span_part(rest, 0, KL_LINE_BYTES);
    const uint8_t *nl = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
    size_t n = nl != NULL ? (size_t)(nl - rest.ptr) : rest.len;
    return kl_span_part(rest, 0, n > 0 && rest.ptr[n - 1] == '\r' ? n - 1 : n);
}

void kl_lines_back(struct kl_lines *l, const struct kl_line *line, size_t n)
{
    l->pos -= n;
    l->in_line = n < line->text.len || !line->is_start;
}

void kl_lines_seek(struct kl_lines *l, uint64_t at)
{
    if (at >= l->buf_at && at <= l->buf_at + l->len) {
        l->pos = (size_t)(at - l->buf_at);
    } else {
        l->buf_at = at;
        l->pos = 0;
        l->len = 0;
        l->cut = false;
    }
    l->in_line = false;
}

struct kl_span kl_line_body(const struct kl_line *line)
{
    size_t n = line->text.len;

    if (line->is_whole) {
        n--;
        n -= n > 0 && line->text.ptr[n - 1] == '\r';
    }
    return kl_span_part(line->text, 0, n);
}
