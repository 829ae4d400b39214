#include "finding/redact.h"

#include "finding/utf8.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* Where the first two characters end and the last two begin. */
struct ends {
    size_t n_chars;
    size_t head[2]; /* offset behind the first, the first two */
    size_t tail[2]; /* offset of the last, the last but one */
};

static struct ends find_ends(struct kl_span v)
{
    struct ends e = {0};
    uint32_t cp = 0;

    for (size_t at = 0; at < v.len;) {
        size_t len = kl_utf8_char(v, at, &cp);
        e.tail[1] = e.tail[0];
        e.tail[0] = at;
        at += len > 0 ? len : 1;
        if (e.n_chars < 2) {
            e.head[e.n_chars] = at;
        }
        e.n_chars++;
    }
    return e;
}

static size_t put_plain(struct kl_span v, char *out)
{
    size_t n = 0;
    uint32_t cp = 0;

    for (size_t at = 0; at < v.len;) {
        size_t len = kl_utf8_char(v, at, &cp);
        if (len == 0 || !kl_utf8_is_plain(cp)) {
            out[n++] = '?';
        } else {
            struct kl_span one = kl_span_part(v, at, at + len);
            memcpy(out + n, one.ptr, one.len);
            n += one.len;
        }
        at += len > 0 ? len : 1;
    }
    return n;
}

void kl_redact(struct kl_pii value, char out[static KL_REDACT_BYTES])
{
    struct kl_span v = kl_span_trim(value.v);
    struct ends e = find_ends(v);
    const size_t dots = sizeof ELLIPSIS - 1;
    size_t keep = e.n_chars >= 8 ? 2 : e.n_chars >= 4 ? 1 : 0;

    if (keep == 2 && e.head[1] + dots + (v.len - e.tail[1]) >= KL_REDACT_BYTES) {
        keep = 1;
    }
    size_t n = 0;
    if (keep > 0) {
        n = put_plain(kl_span_part(v, 0, e.head[keep - 1]), out);
    }
    memcpy(out + n, ELLIPSIS, dots);
    n += dots;
    if (keep > 0) {
        n += put_plain(kl_span_part(v, e.tail[keep - 1], v.len), out + n);
    }
    out[n] = '\0';
}
