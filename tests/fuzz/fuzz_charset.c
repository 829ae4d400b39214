/*
 * Targets: src/extract/charset.c.
 * Properties: the result fits and is well-formed UTF-8, and any cut of the input gives the same.
 */
#include "base/fold.h"
#include "extract/charset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok) {
        abort();
    }
}

static size_t decode(struct kl_span in, enum kl_charset set, bool last, uint8_t *out, size_t *used)
{
    struct kl_charset_seen seen = {false, false, false};
    size_t n = set >= KL_CHARSET_CP1252 ? kl_charset_single(in, set, last, out, used, &seen)
                                        : kl_charset_wide(in, set, last, out, used, &seen);
    check(*used <= in.len && (!last || *used == in.len));
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    enum kl_charset set = (enum kl_charset)(KL_CHARSET_UTF16LE + data[0] % 13);
    size_t step = 8 + data[1] % 64;
    struct kl_span in = kl_span_make(data + 2, size - 2);
    size_t cap = 3 * in.len + 3;
    uint8_t *whole = malloc(cap);
    uint8_t *parts = malloc(cap + 3 * (in.len / 8 + 1));
    size_t used = 0;
    size_t bom = 0;

    (void)kl_charset_detect(in, &bom);
    check(bom <= in.len);
    check(in.len - kl_charset_whole(in) <= 3);
    size_t n = decode(in, set, true, whole, &used);
    check(n <= cap);
    size_t n_parts = 0;
    for (size_t at = 0; at < in.len; at += used) {
        struct kl_span part = kl_span_part(in, at, at + step);
        n_parts += decode(part, set, at + part.len == in.len, parts + n_parts, &used);
        check(used > 0);
    }
    check(n_parts == n && memcmp(whole, parts, n) == 0);
    size_t repaired = 0;
    n = kl_charset_unmangle(whole, n, &repaired);
    for (size_t at = 0; at < n;) {
        size_t from = at;
        uint32_t cp = kl_utf8_next(kl_span_make(whole, n), &at);
        check(cp != 0xFFFD || at - from == 3);
    }
    free(whole);
    free(parts);
    return 0;
}
