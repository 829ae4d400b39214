#include "extract/member.h"

#include <stdlib.h>

#include "base/buf.h"
#include "extract/extract.h"

#define KEEP_BYTES 262144u /* of a long member: how far back a reader may go for free */
#define WINDOW_BYTES 524288u
#define STEP_BYTES 65536u
#define HEAD_BYTES 4096u /* of a member, to tell text */
#define MAX_PASSES 12u   /* over a long member */

/* What is left of a member of which `got` bytes were had. */
static uint64_t rest_of(const struct kl_member *m, uint64_t got)
{
    return m->claim_bytes != KL_MEMBER_UNKNOWN && m->claim_bytes > got ? m->claim_bytes - got : 1;
}

/* ---- a long member as an input ---- */

struct big {
    const struct kl_member *m;
    struct kl_emit *e;
    uint8_t *buf; /* WINDOW_BYTES: the member's bytes [from, from + len) */
    uint64_t from;
    size_t len;
    uint64_t high; /* charged and seen up to here */
    uint64_t stop; /* no byte from here on is had: the budget is used up */
    uint8_t run_byte;
    uint64_t run; /* from here to `high` there is but one byte, again and again */
    unsigned passes;
    bool at_end;  /* of this pass */
    bool said;    /* the end was reached and judged */
    bool is_open; /* its length is not known until the end is met */
    enum kl_reason lost;
    enum kl_rc rc;         /* the reader went away */
    struct kl_input input; /* what the readers see: its length is lowered when the end is met */
};

static void big_start(struct big *b)
{
    b->rc = b->m->ops->rewind(b->m->ctx);
    b->at_end = false;
    b->from = 0;
    b->len = 0;
    b->passes++;
}

/* The readers are told that the input ends here: what they miss is said by big_say_lost. */
static void big_shorten(struct big *b, uint64_t len_bytes)
{
    b->input.len_bytes = len_bytes < b->input.len_bytes ? len_bytes : b->input.len_bytes;
}

static void big_note(struct big *b)
{
    if (!b->at_end || b->said) {
        return;
    }
    b->said = true;
    b->lost = b->m->ops->lost(b->m->ctx);
    if (b->is_open || b->lost != KL_REASON_NONE) {
        big_shorten(b, b->high);
    }
    if (b->lost == KL_REASON_NONE) {
        b->rc = b->m->ops->check(b->m->ctx);
    }
}

/* Charge what is new up to `to`; *to is lowered to what the budget allows. */
static enum kl_rc big_charge(struct big *b, uint64_t *to)
{
    if (*to <= b->high) {
        return KL_OK;
    }
    uint64_t more = *to - b->high;
    uint64_t left = kl_emit_budget_get(b->e);
    if (more > left) {
        enum kl_rc rc = kl_emit_charge_expanded(b->e, more); /* says which limit it was */
        if (rc != KL_E_LIMIT) {
            return rc;
        }
        more = left;
        b->lost = KL_REASON_LIMIT;
        b->stop = b->high + left;
        big_shorten(b, b->stop);
        *to = b->stop;
    }
    b->high = *to;
    return kl_emit_charge_expanded(b->e, more);
}

/* Where the run of equal bytes at the end of p begins; 0: all are equal. */
static size_t run_at(const uint8_t *p, size_t n)
{
    if (memcmp(p, p + 1, n - 1) == 0) {
        return 0;
    }
    size_t at = n - 1;
    while (at > 0 && p[at - 1] == p[n - 1]) {
        at--;
    }
    return at;
}

/*
 * n new bytes stand behind `high`. Bombs are runs: what was seen of one is not unpacked again, and
 * where it grows past all reason the rest is left. @return how many of the n are taken
 */
static size_t big_run_grow(struct big *b, size_t n)
{
    const uint8_t *p = b->buf + (b->high - b->from);
    size_t from = run_at(p, n);
    if (from > 0 || p[0] != b->run_byte) {
        b->run = b->high + from;
    }
    b->run_byte = p[n - 1];
    uint64_t len = b->high + n - b->run;
    if (len <= KL_MAX_RUN) {
        return n;
    }
    b->lost = KL_REASON_LIMIT;
    b->stop = b->run + KL_MAX_RUN;
    big_shorten(b, b->stop);
    b->rc = kl_emit_anomaly(b->e, "limit.run");
    return n - (size_t)(len - KL_MAX_RUN);
}

/* Read on; false at the end. */
static bool big_more(struct big *b)
{
    if (b->rc != KL_OK || b->at_end || b->from + b->len >= b->stop) {
        return false;
    }
    if (b->len == WINDOW_BYTES) {
        memmove(b->buf, b->buf + WINDOW_BYTES - KEEP_BYTES, KEEP_BYTES);
        b->from += WINDOW_BYTES - KEEP_BYTES;
        b->len = KEEP_BYTES;
    }
    size_t n = 0;
    b->rc = b->m->ops->read(b->m->ctx, b->buf + b->len, WINDOW_BYTES - b->len, &n);
    b->at_end = n == 0;
    uint64_t to = b->from + b->len + n;
    to = to < b->stop ? to : b->stop;
    if (b->rc == KL_OK && to > b->high) {
        to = b->high + big_run_grow(b, (size_t)(to - b->high));
    }
    if (b->rc == KL_OK) {
        b->rc = big_charge(b, &to);
    }
    n = to > b->from + b->len ? (size_t)(to - b->from) - b->len : 0;
    b->len += n;
    if (b->rc == KL_OK) {
        big_note(b);
    }
    return b->rc == KL_OK && n > 0;
}

/* What can be had at `at` without unpacking it again: from the window, or from the run. */
static size_t big_have(const struct big *b, uint64_t at, uint8_t *dst, size_t n)
{
    if (at >= b->from && at < b->from + b->len) {
        size_t off = (size_t)(at - b->from);
        size_t len = n < b->len - off ? n : b->len - off;
        memcpy(dst, b->buf + off, len);
        return len;
    }
    if (at >= b->run && at < b->high) {
        size_t len = n < b->high - at ? n : (size_t)(b->high - at);
        memset(dst, b->run_byte, len);
        return len;
    }
    return 0;
}

static enum kl_rc big_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct big *b = ctx;
    size_t all = 0;
    while (all < n) {
        uint64_t want = at + all;
        size_t len = big_have(b, want, (uint8_t *)dst + all, n - all);
        all += len;
        if (len > 0) {
            continue;
        }
        if (want >= b->stop || (b->said && want >= b->high)) {
            break;
        }
        if (want < b->from) {
            if (b->passes >= MAX_PASSES) {
                b->lost = KL_REASON_LIMIT;
                return KL_E_IO;
            }
            big_start(b);
        }
        if (!big_more(b)) {
            break;
        }
    }
    *out_n = all;
    return KL_OK;
}

/* Zeros that were seen are a hole to those that look for one. */
static uint64_t big_data(void *ctx, uint64_t at)
{
    const struct big *b = ctx;
    return b->run_byte == 0 && at >= b->run && at < b->high ? b->high : at;
}

struct tail {
    struct big *b;
    uint64_t base;
};

static enum kl_rc tail_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct tail *t = ctx;
    return big_read(t->b, t->base + at, dst, n, out_n);
}

/* Read to the end to learn the true length. */
static uint64_t big_measure(struct big *b)
{
    while (big_more(b)) {
    }
    return b->from + b->len;
}

/* What the readers did not have and did not say themselves. */
static enum kl_rc big_say_lost(const struct big *b, uint64_t said_before)
{
    uint64_t rest = rest_of(b->m, b->high);
    uint64_t said = kl_emit_lost_get(b->e) - said_before;

    if (b->lost == KL_REASON_FORMAT) {
        KL_TRY(kl_emit_anomaly(b->e, b->m->bad_code));
    }
    kl_emit_set_size(b->e, b->high + rest);
    return rest > said ? kl_emit_not_inspected(b->e, b->lost, rest - said) : KL_OK;
}

/*
 * How long it is when nobody says so: read through to the end once, or, when it is text, which is
 * read from front to back, as long as the budget until the end is met.
 */
static uint64_t big_unknown(struct big *b)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;
    if (big_read(b, 0, head, sizeof head, &n) == KL_OK &&
        kl_sniff(kl_span_make(head, n)) == KL_FORMAT_TEXT && !b->at_end) {
        b->is_open = true;
        return UINT64_MAX;
    }
    return big_measure(b);
}

static enum kl_rc big_run(struct big *b)
{
    const struct kl_member *m = b->m;
    struct kl_source source = {b, big_read, big_data};
    bool claimed = m->claim_bytes != KL_MEMBER_UNKNOWN && m->claim_bytes > 0;
    uint64_t left = kl_emit_budget_get(b->e);
    uint64_t said_before = kl_emit_lost_get(b->e);
    uint64_t len = claimed ? m->claim_bytes : big_unknown(b);
    len = len < left ? len : left;
    b->input = kl_input_source(&source, len);
    KL_TRY(kl_extract_nested(b->e, &b->input));
    KL_TRY(b->rc);
    len = b->input.len_bytes;
    uint64_t end = b->said || b->high >= b->stop ? b->high : big_measure(b);
    if (end > len) {
        /* More than was claimed: the rest is a part of its own. */
        struct tail t = {b, len};
        struct kl_source rest = {&t, tail_read, NULL};
        struct kl_input rest_in = kl_input_source(&rest, end - len);
        KL_TRY(kl_extract_nested(b->e, &rest_in));
    }
    KL_TRY(b->rc);
    if (b->lost != KL_REASON_NONE) {
        return big_say_lost(b, said_before);
    }
    return claimed && end != m->claim_bytes ? kl_emit_anomaly(b->e, m->size_code) : KL_OK;
}

static enum kl_rc extract_big(struct kl_emit *e, const struct kl_member *m)
{
    struct big b = {.m = m, .e = e, .stop = UINT64_MAX, .buf = malloc(WINDOW_BYTES)};

    if (b.buf == NULL) {
        return KL_E_NOMEM;
    }
    big_start(&b);
    enum kl_rc rc = b.rc == KL_OK ? big_run(&b) : b.rc;
    free(b.buf);
    return rc;
}

/* ---- a short member in memory ---- */

size_t kl_member_whole_max(const struct kl_emit *e)
{
    unsigned depth = kl_emit_depth(e);
    unsigned halved = depth > 3 ? depth - 3 : 0;
    return KL_MAX_WHOLE_MEMBER >> (halved < 12 ? halved : 12);
}

/* Piece by piece, as long as it fits; *out_long: it does not. */
static enum kl_rc read_pieces(const struct kl_member *m, struct kl_buf *out, bool *out_long)
{
    size_t n = 1;

    *out_long = false;
    KL_TRY(m->ops->rewind(m->ctx));
    while (n > 0) {
        if (out->max_bytes - out->len < STEP_BYTES) {
            *out_long = true;
            return KL_OK;
        }
        KL_TRY(kl_buf_room(out, STEP_BYTES));
        KL_TRY(m->ops->read(m->ctx, out->ptr + out->len, STEP_BYTES, &n));
        out->len += n;
    }
    return KL_OK;
}

static enum kl_rc extract_short(struct kl_emit *e, const struct kl_member *m, struct kl_span bytes)
{
    struct kl_input in = kl_input_mem(bytes);
    enum kl_reason lost = m->ops->lost(m->ctx);
    enum kl_rc rc = kl_emit_charge_expanded(e, bytes.len);

    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, bytes.len);
    }
    KL_TRY(rc);
    if (lost != KL_REASON_NONE) {
        if (lost == KL_REASON_FORMAT) {
            KL_TRY(kl_emit_anomaly(e, m->bad_code));
        }
        uint64_t rest = rest_of(m, bytes.len);
        kl_emit_set_size(e, bytes.len + rest);
        KL_TRY(kl_emit_not_inspected(e, lost, rest));
    } else {
        if (m->claim_bytes != KL_MEMBER_UNKNOWN && bytes.len != m->claim_bytes) {
            KL_TRY(kl_emit_anomaly(e, m->size_code));
        }
        KL_TRY(m->ops->check(m->ctx));
    }
    return bytes.len > 0 ? kl_extract_nested(e, &in) : KL_OK;
}

enum kl_rc kl_member_extract(struct kl_emit *e, const struct kl_member *m)
{
    size_t max = kl_member_whole_max(e);
    bool is_long = m->claim_bytes != KL_MEMBER_UNKNOWN && m->claim_bytes > max;
    enum kl_rc rc = KL_OK;
    struct kl_buf buf;

    if (is_long) {
        return extract_big(e, m);
    }
    kl_buf_init(&buf, max + STEP_BYTES);
    rc = read_pieces(m, &buf, &is_long);
    if (rc == KL_OK && !is_long) {
        rc = extract_short(e, m, kl_buf_span(&buf));
    }
    kl_buf_done(&buf);
    return rc == KL_OK && is_long ? extract_big(e, m) : rc;
}
