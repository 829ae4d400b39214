#include "extract/leftover.h"

#include "extract/extract.h"
#include "extract/pairsort.h"

#define GAP_BYTES 2u   /* zeros between two ranges, so that no word spans both */
#define LEAST_BYTES 4u /* the views take no shorter run */

void kl_leftover_init(struct kl_leftover *l)
{
    kl_buf_init(&l->ranges, KL_LEFTOVER_RANGES * sizeof(struct kl_pair));
    l->is_all = false;
}

void kl_leftover_done(struct kl_leftover *l)
{
    kl_buf_done(&l->ranges);
}

/* Ranges: key is where one begins, value where it ends. malloc aligns the buffer. */
static struct kl_pair *ranges_of(const struct kl_leftover *l, size_t *out_n)
{
    *out_n = l->ranges.len / sizeof(struct kl_pair);
    return (struct kl_pair *)(void *)l->ranges.ptr;
}

enum kl_rc kl_leftover_add(struct kl_leftover *l, uint64_t from, uint64_t to)
{
    size_t n = 0;
    struct kl_pair *r = ranges_of(l, &n);

    if (from >= to || l->is_all) {
        return KL_OK;
    }
    if (n > 0 && r[n - 1].value == from) {
        r[n - 1].value = to;
        return KL_OK;
    }
    struct kl_pair add = {from, to};
    enum kl_rc rc = kl_buf_add(&l->ranges, &add, sizeof add);
    l->is_all = rc == KL_E_LIMIT;
    return rc == KL_E_LIMIT ? KL_OK : rc;
}

enum kl_rc kl_leftover_add_bytes(struct kl_leftover *l, uint64_t from, struct kl_span bytes)
{
    if (bytes.len < LEAST_BYTES || memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0) {
        return KL_OK;
    }
    return kl_leftover_add(l, from, from + bytes.len);
}

/* Sorted, within the input, without overlaps. Returns how many are left. */
static size_t tidy(struct kl_pair *r, size_t n, uint64_t len_bytes)
{
    size_t kept = 0;

    kl_pairsort(r, n);
    for (size_t i = 0; i < n; i++) {
        struct kl_pair x = r[i];
        x.value = x.value < len_bytes ? x.value : len_bytes;
        if (kept > 0 && x.key <= r[kept - 1].value) {
            r[kept - 1].value = x.value > r[kept - 1].value ? x.value : r[kept - 1].value;
        } else if (x.key < x.value) {
            r[kept++] = x;
        }
    }
    return kept;
}

/* The ranges one after the other, as an input. */
struct joined {
    const struct kl_input *in;
    const struct kl_pair *r;
    size_t n;
    size_t k;      /* the range that was read last */
    uint64_t k_at; /* where it begins in the joined input */
};

static void seek(struct joined *j, uint64_t at)
{
    if (at < j->k_at) {
        j->k = 0;
        j->k_at = 0;
    }
    while (j->k < j->n && at - j->k_at >= j->r[j->k].value - j->r[j->k].key + GAP_BYTES) {
        j->k_at += j->r[j->k].value - j->r[j->k].key + GAP_BYTES;
        j->k++;
    }
}

static enum kl_rc read_joined(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct joined *j = ctx;
    size_t all = 0;

    while (all < n) {
        seek(j, at + all);
        if (j->k == j->n) {
            break;
        }
        uint64_t off = at + all - j->k_at;
        uint64_t len = j->r[j->k].value - j->r[j->k].key;
        size_t want = n - all;
        size_t got = 0;
        if (off < len) {
            want = len - off < want ? (size_t)(len - off) : want;
            KL_TRY(kl_input_read(j->in, j->r[j->k].key + off, (uint8_t *)dst + all, want, &got));
            if (got == 0) {
                break;
            }
        } else {
            got = want < len + GAP_BYTES - off ? want : (size_t)(len + GAP_BYTES - off);
            memset((uint8_t *)dst + all, 0, got);
        }
        all += got;
    }
    *out_n = all;
    return KL_OK;
}

enum kl_rc kl_leftover_extract(struct kl_leftover *l, struct kl_emit *e, const struct kl_input *in,
                               const char *name)
{
    size_t n = 0;
    struct kl_pair *r = ranges_of(l, &n);
    uint64_t sum = 0;
    bool is_entered = kl_emit_depth(e) < KL_MAX_NESTING;

    if (!l->is_all) {
        n = tidy(r, n, in->len_bytes);
        for (size_t i = 0; i < n; i++) {
            sum += r[i].value - r[i].key + GAP_BYTES;
        }
        if (n == 0) {
            return KL_OK;
        }
    }
    struct joined j = {.in = in, .r = r, .n = n};
    struct kl_source source = {&j, read_joined};
    struct kl_input joined = l->is_all ? *in : kl_input_source(&source, sum);
    if (is_entered) {
        KL_TRY(kl_emit_enter(e, kl_span_str(name), 0));
    }
    enum kl_rc rc = kl_extract_binary(e, &joined);
    if (is_entered) {
        kl_emit_leave(e);
    }
    return rc;
}
