/*
 * CSV text in pieces. Byte 0 chooses separator and quotes, byte 1 the size of the pieces.
 * Targets: kl_csv_feed, kl_csv_finish.
 * Properties: any cut gives the same rows; lines ascend; fields are at most the row.
 */
#include <assert.h>
#include <stdlib.h>

#include "register/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t hash;
    uint64_t line;
    size_t n_rows;
    size_t n_bytes;
};

static void mix(struct sum *s, const void *ptr, size_t len)
{
    const uint8_t *p = ptr;
    for (size_t i = 0; i < len; i++) {
        s->hash = (s->hash ^ p[i]) * 0x100000001b3u;
    }
    s->hash = (s->hash ^ len) * 0x100000001b3u;
}

static enum kl_rc on_row(void *ctx, const struct kl_csv_row *row)
{
    struct sum *s = ctx;
    assert(row->line > s->line);
    assert((row->reject != NULL) == (row->n_fields == 0));
    s->line = row->line;
    mix(s, &row->line, sizeof row->line);
    for (size_t i = 0; i < row->n_fields; i++) {
        mix(s, row->fields[i].ptr, row->fields[i].len);
        s->n_bytes += row->fields[i].len;
    }
    s->n_rows++;
    return KL_OK;
}

static struct sum run(struct kl_span text, size_t step, char separator, bool quotes)
{
    struct sum s = {.hash = 1};
    struct kl_csv *c = NULL;

    if (kl_csv_new(separator, quotes, on_row, &s, &c) != KL_OK) {
        abort();
    }
    for (size_t at = 0; at < text.len; at += step) {
        struct kl_span p = kl_span_part(text, at, at + step);
        uint8_t *copy = malloc(p.len);
        memcpy(copy, p.ptr, p.len);
        assert(kl_csv_feed(c, kl_span_make(copy, p.len)) == KL_OK);
        free(copy);
    }
    assert(kl_csv_finish(c) == KL_OK);
    kl_csv_free(&c);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separators[] = {0, ',', ';', '\t'};

    if (size < 2) {
        return 0;
    }
    struct kl_span text = kl_span_make(data + 2, size - 2);
    char separator = separators[data[0] & 3];
    bool quotes = (data[0] & 4) == 0;
    struct sum whole = run(text, text.len + 1, separator, quotes);
    struct sum cut = run(text, 1 + (size_t)data[1] % 64, separator, quotes);
    assert(whole.hash == cut.hash && whole.n_rows == cut.n_rows);
    assert(whole.n_bytes <= text.len);
    return 0;
}
