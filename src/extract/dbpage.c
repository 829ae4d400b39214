#include "extract/dbpage.h"

#include <stdlib.h>

#define LINE_BYTES 16384u

enum kl_rc kl_dbpage_init(struct kl_dbpage *p, const struct kl_input *in, uint32_t page_bytes)
{
    *p = (struct kl_dbpage){.in = in, .page_bytes = page_bytes};
    p->line_bytes = page_bytes < LINE_BYTES ? LINE_BYTES : page_bytes;
    p->n_pages = in->len_bytes / page_bytes + (in->len_bytes % page_bytes > 0);
    memset(p->line_no, 0xFF, sizeof p->line_no);
    uint64_t lines = in->len_bytes / p->line_bytes + 1;
    p->n_lines = lines < KL_DBPAGE_LINES ? (unsigned)lines : KL_DBPAGE_LINES;
    p->lines = malloc((size_t)p->line_bytes * p->n_lines);
    return p->lines != NULL ? KL_OK : KL_E_NOMEM;
}

void kl_dbpage_done(struct kl_dbpage *p)
{
    free(p->lines);
    p->lines = NULL;
}

static void rc4(uint32_t key, uint8_t *data, size_t n)
{
    uint8_t s[256];
    uint8_t j = 0;
    uint8_t i = 0;

    for (unsigned k = 0; k < 256; k++) {
        s[k] = (uint8_t)k;
    }
    for (unsigned k = 0; k < 256; k++) {
        uint8_t t = s[k];
        j = (uint8_t)(j + t + (uint8_t)(key >> 8 * (k & 3)));
        s[k] = s[j];
        s[j] = t;
    }
    j = 0;
    for (size_t k = 0; k < n; k++) {
        i++;
        uint8_t t = s[i];
        j = (uint8_t)(j + t);
        s[i] = s[j];
        s[j] = t;
        data[k] ^= s[(uint8_t)(s[i] + t)];
    }
}

static void decode_line(const struct kl_dbpage *p, uint64_t line, uint8_t *ptr, size_t got)
{
    uint32_t per_line = p->line_bytes / p->page_bytes;

    for (uint32_t k = 0; k < per_line && (size_t)k * p->page_bytes < got; k++) {
        uint64_t no = line * per_line + k;
        size_t left = got - (size_t)k * p->page_bytes;
        if (no > 0) {
            rc4(p->rc4_key ^ (uint32_t)no, ptr + (size_t)k * p->page_bytes,
                left < p->page_bytes ? left : p->page_bytes);
        }
    }
}

enum kl_rc kl_dbpage_get(struct kl_dbpage *p, uint64_t no, const uint8_t **out_ptr)
{
    uint32_t per_line = p->line_bytes / p->page_bytes;
    uint64_t line = no / per_line;
    unsigned slot = (unsigned)(line % p->n_lines);
    uint8_t *ptr = p->lines + (size_t)slot * p->line_bytes;
    size_t got = 0;

    if (no >= p->n_pages) {
        return KL_E_FORMAT;
    }
    if (p->line_no[slot] != line) {
        p->line_no[slot] = UINT64_MAX;
        KL_TRY(kl_input_read(p->in, line * p->line_bytes, ptr, p->line_bytes, &got));
        memset(ptr + got, 0, p->line_bytes - got);
        if (p->rc4_key != 0) {
            decode_line(p, line, ptr, got);
        }
        p->line_no[slot] = line;
    }
    *out_ptr = ptr + (no % per_line) * p->page_bytes;
    return KL_OK;
}

static enum kl_rc read_pages(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct kl_dbpage *p = ctx;
    size_t all = 0;

    while (all < n && at + all < p->in->len_bytes) {
        const uint8_t *page = NULL;
        size_t off = (size_t)((at + all) % p->page_bytes);
        size_t len = n - all < p->page_bytes - off ? n - all : p->page_bytes - off;
        uint64_t left = p->in->len_bytes - (at + all);
        len = left < len ? (size_t)left : len;
        KL_TRY(kl_dbpage_get(p, (at + all) / p->page_bytes, &page));
        memcpy((uint8_t *)dst + all, page + off, len);
        all += len;
    }
    *out_n = all;
    return KL_OK;
}

struct kl_input kl_dbpage_input(struct kl_dbpage *p)
{
    if (p->rc4_key == 0) {
        return *p->in;
    }
    p->source = (struct kl_source){p, read_pages};
    return kl_input_source(&p->source, p->in->len_bytes);
}

uint64_t kl_dbpage_next(const struct kl_dbpage *p, uint64_t no)
{
    uint64_t data = kl_input_data(p->in, no * p->page_bytes);
    uint64_t next = data / p->page_bytes;
    return next > no ? next : no;
}
