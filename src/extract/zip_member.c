#include "extract/extract.h"
#include "extract/zip.h"

#include <stdlib.h>

#define KEEP_BYTES 262144u /* of a streamed member: how far back a reader may go for free */
#define WINDOW_BYTES 524288u
#define MAX_PASSES 12u      /* over a streamed member */
#define MAX_EXPANSION 1032u /* deflate can do no more */

bool kl_zip_is_readable(const struct kl_zip_member *m)
{
    return m->state == KL_ZIP_STATE_NONE && (m->flags & KL_ZIP_FLAG_ENCRYPTED) == 0 &&
           (m->method == 0 || m->method == 8);
}

static uint8_t plain_name(uint8_t c)
{
    return c == '\\' ? '/' : c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

struct kl_zip_member *kl_zip_find(struct kl_zip *zip, struct kl_span name)
{
    for (size_t i = 0; i < zip->n_real; i++) {
        struct kl_span have = kl_zip_name(zip, &zip->m[i]);
        bool same = have.len == name.len;
        for (size_t k = 0; k < name.len && same; k++) {
            same = plain_name(have.ptr[k]) == plain_name(name.ptr[k]);
        }
        if (same) {
            return &zip->m[i];
        }
    }
    return NULL;
}

/* ---- front to back ---- */

void kl_zip_open(struct kl_zip *zip, const struct kl_zip_member *m, bool is_peek,
                 struct kl_zip_stream *out_s)
{
    *out_s = (struct kl_zip_stream){.zip = zip, .m = m, .is_peek = is_peek};
    kl_inflate_start(zip->z, zip->in, m->data_at, m->comp_bytes, m->method == 0);
}

enum kl_rc kl_zip_read(struct kl_zip_stream *s, void *dst, size_t n, size_t *out_n)
{
    size_t all = 0;
    while (all < n && !s->at_end) {
        size_t got = 0;
        enum kl_rc rc = kl_inflate_read(s->zip->z, (uint8_t *)dst + all, n - all, &got);
        if (rc != KL_OK) {
            s->lost = rc == KL_E_IO ? KL_REASON_IO : KL_REASON_FORMAT;
            s->at_end = true;
            break;
        }
        rc = s->is_peek ? KL_OK : kl_emit_charge_expanded(s->zip->e, got);
        if (rc == KL_E_LIMIT) {
            s->lost = KL_REASON_LIMIT;
            s->at_end = true;
            break;
        }
        KL_TRY(rc);
        s->at_end = got == 0;
        s->got += got;
        all += got;
    }
    *out_n = all;
    return KL_OK;
}

/* What is left of a member of which `got` bytes were had. */
static uint64_t rest_of(const struct kl_zip_member *m, uint64_t got)
{
    return !m->no_size && m->plain_bytes > got ? m->plain_bytes - got : 1;
}

enum kl_rc kl_zip_close(struct kl_zip_stream *s)
{
    const struct kl_zip_member *m = s->m;
    struct kl_emit *e = s->zip->e;
    if (s->lost == KL_REASON_NONE && !s->at_end) {
        uint8_t probe;
        size_t n = 0;
        KL_TRY(kl_zip_read(s, &probe, 1, &n));
        if (n > 0) {
            s->lost = KL_REASON_LIMIT;
        }
    }
    if (s->lost != KL_REASON_NONE) {
        if (s->lost == KL_REASON_FORMAT) {
            KL_TRY(kl_emit_anomaly(e, "zip.data"));
        }
        uint64_t rest = rest_of(m, s->got);
        kl_emit_set_size(e, s->got + rest);
        return kl_emit_not_inspected(e, s->lost, rest);
    }
    if (!m->no_size && s->got != m->plain_bytes) {
        KL_TRY(kl_emit_anomaly(e, "zip.size_lie"));
    }
    if (!m->no_crc && kl_inflate_crc_get(s->zip->z) != m->crc) {
        KL_TRY(kl_emit_anomaly(e, "zip.crc"));
    }
    return KL_OK;
}

/* ---- a long member as an input ---- */

struct big {
    struct kl_zip_stream s;
    const struct kl_zip_member *m;
    struct kl_emit *e;
    uint8_t *buf; /* WINDOW_BYTES: the member's bytes [from, from + len) */
    uint64_t from;
    size_t len;
    uint64_t high; /* charged and seen up to here */
    uint64_t stop; /* no byte from here on is had: the budget is used up */
    unsigned passes;
    bool said; /* the end was reached and judged */
    enum kl_reason lost;
    enum kl_rc rc; /* the reader went away */
};

static void big_start(struct big *b)
{
    kl_zip_open(b->s.zip, b->m, true, &b->s);
    b->from = 0;
    b->len = 0;
    b->passes++;
}

static void big_note(struct big *b)
{
    if (!b->s.at_end || b->said) {
        return;
    }
    b->said = true;
    b->lost = b->s.lost;
    if (b->lost == KL_REASON_NONE && !b->m->no_crc &&
        kl_inflate_crc_get(b->s.zip->z) != b->m->crc) {
        b->rc = kl_emit_anomaly(b->e, "zip.crc");
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
        *to = b->stop;
    }
    b->high = *to;
    return kl_emit_charge_expanded(b->e, more);
}

/* Inflate on; false at the end. */
static bool big_more(struct big *b)
{
    if (b->rc != KL_OK || b->s.at_end || b->from + b->len >= b->stop) {
        return false;
    }
    if (b->len == WINDOW_BYTES) {
        memmove(b->buf, b->buf + WINDOW_BYTES - KEEP_BYTES, KEEP_BYTES);
        b->from += WINDOW_BYTES - KEEP_BYTES;
        b->len = KEEP_BYTES;
    }
    size_t n = 0;
    b->rc = kl_zip_read(&b->s, b->buf + b->len, WINDOW_BYTES - b->len, &n);
    uint64_t to = b->from + b->len + n;
    to = to < b->stop ? to : b->stop;
    if (b->rc == KL_OK) {
        b->rc = big_charge(b, &to);
    }
    n = to > b->from + b->len ? (size_t)(to - b->from) - b->len : 0;
    b->len += n;
    big_note(b);
    return b->rc == KL_OK && n > 0;
}

static enum kl_rc big_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct big *b = ctx;
    size_t all = 0;
    if (at < b->from) {
        if (b->passes >= MAX_PASSES) {
            b->lost = KL_REASON_LIMIT;
            return KL_E_IO;
        }
        big_start(b);
    }
    while (all < n) {
        uint64_t want = at + all;
        if (want < b->from + b->len) {
            size_t off = (size_t)(want - b->from);
            size_t len = n - all < b->len - off ? n - all : b->len - off;
            memcpy((uint8_t *)dst + all, b->buf + off, len);
            all += len;
        } else if (!big_more(b)) {
            break;
        }
    }
    *out_n = all;
    return KL_OK;
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

/* Inflate to the end to learn the true length. */
static uint64_t big_measure(struct big *b)
{
    while (big_more(b)) {
    }
    return b->from + b->len;
}

/* What the readers did not have and did not say themselves. */
static enum kl_rc big_say_lost(struct kl_zip *zip, const struct big *b, uint64_t said_before)
{
    uint64_t rest = rest_of(b->m, b->high);
    uint64_t said = kl_emit_lost_get(zip->e) - said_before;
    if (b->lost == KL_REASON_FORMAT) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.data"));
    }
    kl_emit_set_size(zip->e, b->high + rest);
    return rest > said ? kl_emit_not_inspected(zip->e, b->lost, rest - said) : KL_OK;
}

/* Deflate can make so much of so little: a claim beyond it would put a reader off that looks for
 * what stands at the end (a zip in the zip). */
static bool is_possible(const struct kl_zip_member *m)
{
    return m->plain_bytes <= m->comp_bytes * MAX_EXPANSION + 64;
}

static enum kl_rc big_run(struct kl_zip *zip, struct big *b)
{
    const struct kl_zip_member *m = b->m;
    struct kl_source source = {b, big_read};
    bool claimed = !m->no_size && m->plain_bytes > 0;
    uint64_t left = kl_emit_budget_get(zip->e);
    uint64_t said_before = kl_emit_lost_get(zip->e);
    uint64_t len = m->method == 0              ? m->comp_bytes
                   : is_possible(m) && claimed ? m->plain_bytes
                                               : big_measure(b);
    len = len < left ? len : left;
    struct kl_input in = kl_input_source(&source, len);
    KL_TRY(kl_extract_nested(zip->e, &in));
    KL_TRY(b->rc);
    uint64_t end = b->said || b->high >= b->stop ? b->high : big_measure(b);
    if (end > len) {
        /* More than was claimed: the rest is a part of its own. */
        struct tail t = {b, len};
        struct kl_source rest = {&t, tail_read};
        struct kl_input rest_in = kl_input_source(&rest, end - len);
        KL_TRY(kl_extract_nested(zip->e, &rest_in));
    }
    KL_TRY(b->rc);
    if (b->lost != KL_REASON_NONE) {
        return big_say_lost(zip, b, said_before);
    }
    return claimed && end != m->plain_bytes ? kl_emit_anomaly(zip->e, "zip.size_lie") : KL_OK;
}

static enum kl_rc extract_big(struct kl_zip *zip, const struct kl_zip_member *m)
{
    struct big b = {.m = m, .e = zip->e, .s = {.zip = zip}, .stop = UINT64_MAX};
    b.buf = malloc(WINDOW_BYTES);
    if (b.buf == NULL) {
        return KL_E_NOMEM;
    }
    big_start(&b);
    enum kl_rc rc = big_run(zip, &b);
    free(b.buf);
    return rc;
}

/* ---- a short member in memory ---- */

/* The memory for whole members is halved with each level below the second. */
static size_t whole_max(const struct kl_emit *e)
{
    unsigned depth = kl_emit_depth(e);
    return KL_MAX_WHOLE_MEMBER >> (depth > 3 ? depth - 3 : 0);
}

/* Try libdeflate: works when the sizes are true. */
static enum kl_rc inflate_whole(struct kl_zip *zip, const struct kl_zip_member *m,
                                struct kl_buf *out)
{
    struct kl_buf comp;
    struct kl_span data;
    kl_buf_init(&comp, KL_MAX_WHOLE_MEMBER);
    if (m->no_size || m->plain_bytes > out->max_bytes || !is_possible(m)) {
        return KL_E_FORMAT;
    }
    if (zip->in->fd < 0 && zip->in->source == NULL) {
        data = kl_span_part(zip->in->mem, (size_t)m->data_at, (size_t)(m->data_at + m->comp_bytes));
    } else {
        enum kl_rc rc = kl_buf_room(&comp, (size_t)m->comp_bytes);
        size_t n = 0;
        if (rc == KL_OK) {
            rc = kl_input_read(zip->in, m->data_at, comp.ptr, (size_t)m->comp_bytes, &n);
        }
        if (rc != KL_OK) {
            kl_buf_done(&comp);
            return rc;
        }
        data = kl_span_make(comp.ptr, n);
    }
    enum kl_rc rc = kl_buf_room(out, (size_t)m->plain_bytes + 1);
    if (rc == KL_OK) {
        rc = kl_inflate_whole(data, out->ptr, (size_t)m->plain_bytes);
    }
    if (rc == KL_OK) {
        out->len = (size_t)m->plain_bytes;
    }
    kl_buf_done(&comp);
    return rc;
}

/* Piece by piece, as long as it fits; *out_long: it does not. */
static enum kl_rc inflate_pieces(struct kl_zip_stream *s, struct kl_buf *out, bool *out_long)
{
    size_t step = 65536;
    *out_long = false;
    while (!s->at_end) {
        if (out->max_bytes - out->len < step) {
            *out_long = true;
            return KL_OK;
        }
        KL_TRY(kl_buf_room(out, step));
        size_t n = 0;
        KL_TRY(kl_zip_read(s, out->ptr + out->len, step, &n));
        out->len += n;
    }
    return KL_OK;
}

static enum kl_rc nested_mem(struct kl_zip *zip, struct kl_span plain)
{
    struct kl_input in = kl_input_mem(plain);
    return plain.len > 0 ? kl_extract_nested(zip->e, &in) : KL_OK;
}

static enum kl_rc extract_pieces(struct kl_zip *zip, const struct kl_zip_member *m,
                                 struct kl_buf *buf)
{
    struct kl_zip_stream s;
    bool is_long = false;
    kl_zip_open(zip, m, true, &s);
    buf->len = 0;
    KL_TRY(inflate_pieces(&s, buf, &is_long));
    if (is_long) {
        kl_buf_done(buf);
        return extract_big(zip, m);
    }
    enum kl_rc rc = kl_emit_charge_expanded(zip->e, buf->len);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, buf->len);
    }
    KL_TRY(rc);
    KL_TRY(kl_zip_close(&s));
    return nested_mem(zip, kl_buf_span(buf));
}

static enum kl_rc extract_stored(struct kl_zip *zip, const struct kl_zip_member *m)
{
    struct kl_span data =
        kl_span_part(zip->in->mem, (size_t)m->data_at, (size_t)(m->data_at + m->comp_bytes));
    enum kl_rc rc = kl_emit_charge_expanded(zip->e, data.len);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, data.len);
    }
    KL_TRY(rc);
    if (!m->no_size && data.len != m->plain_bytes) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.size_lie"));
    }
    if (!m->no_crc && kl_inflate_crc(data) != m->crc) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.crc"));
    }
    return nested_mem(zip, data);
}

/* ---- bytes of the zip itself ---- */

struct range {
    const struct kl_input *in;
    uint64_t from;
    uint64_t len_bytes;
};

static enum kl_rc range_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    const struct range *r = ctx;
    uint64_t left = at < r->len_bytes ? r->len_bytes - at : 0;
    return kl_input_read(r->in, r->from + at, dst, n < left ? n : (size_t)left, out_n);
}

static uint64_t range_data(void *ctx, uint64_t at)
{
    const struct range *r = ctx;
    return kl_input_data(r->in, r->from + at) - r->from;
}

/* What lies between the members of the document itself: nothing is inflated, so nothing is charged;
 * holes stay holes. */
static enum kl_rc extract_gap(struct kl_zip *zip, const struct kl_zip_member *m)
{
    struct range r = {zip->in, m->data_at, m->comp_bytes};
    struct kl_source source = {&r, range_read, range_data};
    struct kl_input in = kl_input_source(&source, m->comp_bytes);
    return kl_extract_nested(zip->e, &in);
}

static enum kl_rc extract_content(struct kl_zip *zip, const struct kl_zip_member *m)
{
    if (m >= zip->m + zip->n_real && kl_emit_depth(zip->e) == 1) {
        return extract_gap(zip, m);
    }
    if (m->method == 0 && zip->in->fd < 0 && zip->in->source == NULL) {
        return extract_stored(zip, m);
    }
    size_t max = whole_max(zip->e);
    bool is_long = !m->no_size && m->method != 0 && m->plain_bytes > max;
    if (m->comp_bytes > max || is_long) {
        return extract_big(zip, m);
    }
    struct kl_buf buf;
    kl_buf_init(&buf, max + 65536);
    enum kl_rc rc = m->method == 0 ? KL_E_FORMAT : inflate_whole(zip, m, &buf);
    if (rc == KL_E_FORMAT || rc == KL_E_LIMIT || rc == KL_E_IO) {
        rc = extract_pieces(zip, m, &buf);
    } else if (rc == KL_OK) {
        rc = kl_emit_charge_expanded(zip->e, buf.len);
        if (rc == KL_E_LIMIT) {
            rc = kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, buf.len);
        } else if (rc == KL_OK) {
            if (!m->no_crc && kl_inflate_crc(kl_buf_span(&buf)) != m->crc) {
                rc = kl_emit_anomaly(zip->e, "zip.crc");
            }
            rc = rc == KL_OK ? nested_mem(zip, kl_buf_span(&buf)) : rc;
        }
    }
    kl_buf_done(&buf);
    return rc;
}

/* ---- one member ---- */

static enum kl_rc extract_entered(struct kl_zip *zip, const struct kl_zip_member *m)
{
    if (m->is_mismatch) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.mismatch"));
    }
    if (m->is_size_lie) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.size_lie"));
    }
    if (m->state == KL_ZIP_STATE_OVERLAP || m->state == KL_ZIP_STATE_LOST) {
        bool lost = m->state == KL_ZIP_STATE_LOST;
        KL_TRY(kl_emit_anomaly(zip->e, lost ? "zip.local" : "zip.overlap"));
        return kl_emit_not_inspected(zip->e, KL_REASON_FORMAT, m->comp_bytes);
    }
    if ((m->flags & KL_ZIP_FLAG_ENCRYPTED) != 0) {
        return kl_emit_not_inspected(zip->e, KL_REASON_ENCRYPTED, m->comp_bytes);
    }
    if (m->method != 0 && m->method != 8) {
        return kl_emit_not_inspected(zip->e, KL_REASON_FORMAT, m->comp_bytes);
    }
    return extract_content(zip, m);
}

void kl_zip_confirm(struct kl_zip *zip, const struct kl_zip_member *m, uint64_t lost_before)
{
    uint64_t lost = kl_emit_lost_get(zip->e) - lost_before;
    if (lost < m->share_bytes) {
        kl_emit_confirm(zip->e, m->share_bytes - lost);
    }
}

enum kl_rc kl_zip_extract_member(struct kl_zip *zip, struct kl_zip_member *m)
{
    struct kl_span name = kl_zip_name(zip, m);
    bool is_empty = m->comp_bytes == 0 && m->plain_bytes == 0;
    if (is_empty && m->state == KL_ZIP_STATE_NONE) {
        return KL_OK; /* a folder, or an empty file */
    }
    uint64_t lost_before = kl_emit_lost_get(zip->e);
    enum kl_rc rc = kl_emit_enter(zip->e, name, m->share_bytes);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, m->comp_bytes);
    }
    if (rc == KL_OK) {
        rc = extract_entered(zip, m);
        kl_emit_leave(zip->e);
        kl_zip_confirm(zip, m, lost_before);
    }
    return rc;
}
