#include "extract/extract.h"
#include "extract/member.h"
#include "extract/zip.h"
#include "extract/zip_lock.h"

#include <stdlib.h>

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

/* Markup without text, again and again: a parser takes twenty seconds for what the budget allows.
 */
static bool is_quiet(struct kl_zip_stream *s)
{
    uint64_t text = kl_emit_text_get(s->zip->e);
    if (text != s->text) {
        s->text = text;
        s->quiet_from = s->got;
    }
    return s->got - s->quiet_from >= KL_MAX_QUIET;
}

/* What was unpacked is within the budget; KL_E_LIMIT: not. */
static enum kl_rc charge(struct kl_zip_stream *s, size_t n)
{
    if (s->is_peek) {
        return KL_OK;
    }
    if (is_quiet(s)) {
        KL_TRY(kl_emit_anomaly(s->zip->e, "limit.quiet"));
        return KL_E_LIMIT;
    }
    return kl_emit_charge_expanded(s->zip->e, n);
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
        rc = charge(s, got);
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

/* ---- by its content ---- */

static enum kl_rc member_rewind(void *ctx)
{
    struct kl_zip_stream *s = ctx;
    kl_zip_open(s->zip, s->m, true, s);
    return KL_OK;
}

static enum kl_rc member_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    return kl_zip_read(ctx, dst, n, out_n);
}

static enum kl_reason member_lost(void *ctx)
{
    const struct kl_zip_stream *s = ctx;
    return s->lost;
}

static enum kl_rc member_check(void *ctx)
{
    const struct kl_zip_stream *s = ctx;
    bool good = s->m->no_crc || kl_inflate_crc_get(s->zip->z) == s->m->crc;
    return good ? KL_OK : kl_emit_anomaly(s->zip->e, "zip.crc");
}

static const struct kl_member_ops member_ops = {member_rewind, member_read, member_lost,
                                                member_check};

/* Deflate can make so much of so little: a claim beyond it would put a reader off that looks for
 * what stands at the end (a zip in the zip). */
static bool is_possible(const struct kl_zip_member *m)
{
    return !m->no_size && m->plain_bytes <= m->comp_bytes * MAX_EXPANSION + 64;
}

static enum kl_rc extract_pieces(struct kl_zip *zip, const struct kl_zip_member *m)
{
    struct kl_zip_stream s = {.zip = zip, .m = m};
    struct kl_member member = {
        .ops = &member_ops,
        .ctx = &s,
        .claim_bytes = m->method == 0   ? m->comp_bytes
                       : is_possible(m) ? m->plain_bytes
                                        : KL_MEMBER_UNKNOWN,
        .bad_code = "zip.data",
        .size_code = "zip.size_lie",
    };
    if (!m->no_size && member.claim_bytes != m->plain_bytes) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.size_lie"));
    }
    return kl_member_extract(zip->e, &member);
}

/* Try libdeflate: works when the sizes are true. */
static enum kl_rc inflate_whole(struct kl_zip *zip, const struct kl_zip_member *m,
                                struct kl_buf *out)
{
    struct kl_buf comp;
    struct kl_span data;
    kl_buf_init(&comp, KL_MAX_WHOLE_MEMBER);
    if (!is_possible(m) || m->plain_bytes > out->max_bytes) {
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

static enum kl_rc nested_mem(struct kl_zip *zip, struct kl_span plain)
{
    struct kl_input in = kl_input_mem(plain);
    return plain.len > 0 ? kl_extract_nested(zip->e, &in) : KL_OK;
}

/* Inflated at once: judged, then read. */
static enum kl_rc extract_whole(struct kl_zip *zip, const struct kl_zip_member *m,
                                struct kl_span plain)
{
    enum kl_rc rc = kl_emit_charge_expanded(zip->e, plain.len);

    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, plain.len);
    }
    KL_TRY(rc);
    if (!m->no_size && plain.len != m->plain_bytes) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.size_lie"));
    }
    if (!m->no_crc && kl_inflate_crc(plain) != m->crc) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.crc"));
    }
    return nested_mem(zip, plain);
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
    if (m->method != 0 && m->method != 8) {
        return kl_zip_codec(m->method) != KL_CODEC_NONE
                   ? kl_zip_extract_packed(zip, m)
                   : kl_emit_not_inspected(zip->e, KL_REASON_FORMAT, m->comp_bytes);
    }
    if (m->method == 0 && zip->in->fd < 0 && zip->in->source == NULL) {
        return extract_whole(
            zip, m,
            kl_span_part(zip->in->mem, (size_t)m->data_at, (size_t)(m->data_at + m->comp_bytes)));
    }
    size_t max = kl_member_whole_max(zip->e);
    bool is_long = !m->no_size && m->plain_bytes > max;
    if (m->method == 0 || m->comp_bytes > max || is_long) {
        return extract_pieces(zip, m);
    }
    struct kl_buf buf;
    kl_buf_init(&buf, max + 1);
    enum kl_rc rc = inflate_whole(zip, m, &buf);
    bool whole = rc == KL_OK;
    rc = whole ? extract_whole(zip, m, kl_buf_span(&buf)) : rc;
    kl_buf_done(&buf);
    bool again = !whole && (rc == KL_E_FORMAT || rc == KL_E_LIMIT || rc == KL_E_IO);
    return again ? extract_pieces(zip, m) : rc;
}

static enum kl_rc extract_locked(struct kl_zip *zip, const struct kl_zip_member *m)
{
    struct kl_zip_lock *lock = malloc(sizeof *lock);
    bool open = false;
    if (lock == NULL) {
        return KL_E_NOMEM;
    }
    enum kl_rc rc = kl_zip_unlock(zip, m, lock, &open);
    if (rc == KL_OK && open) {
        struct kl_zip inside = *zip;
        inside.in = &lock->input;
        rc = extract_content(&inside, &lock->plain);
    } else if (rc == KL_OK) {
        rc = kl_emit_not_inspected(zip->e, KL_REASON_ENCRYPTED, m->comp_bytes);
    }
    kl_zip_lock_done(lock);
    free(lock);
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
    if (m >= zip->m + zip->n_real && kl_emit_depth(zip->e) == 1) {
        return extract_gap(zip, m);
    }
    return (m->flags & KL_ZIP_FLAG_ENCRYPTED) != 0 ? extract_locked(zip, m)
                                                   : extract_content(zip, m);
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
