/*
 * RTF: its text as one text, what readers may ignore as another, and the files in it (pictures,
 * objects) as members of their own.
 */
#include "extract/rtf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "extract/binary.h"
#include "extract/decoded.h"
#include "extract/extract.h"
#include "extract/member.h"
#include "extract/pull.h"
#include "extract/range.h"

#define HEX_BYTES 16384u
#define OLE_HEAD_BYTES 2048u /* of OLE 1: class, topic, item */

/* ---- text ---- */

struct reader {
    const struct kl_input *in;
    uint64_t at;
    bool is_other;
    enum kl_reason lost;
    struct kl_pull pull;
    struct kl_rtf rtf;
    uint8_t raw[KL_RTF_RAW_BYTES];
};

static void reader_begin(void *ctx)
{
    struct reader *r = ctx;
    r->at = 0;
    kl_rtf_begin(&r->rtf, r->is_other);
}

static bool reader_more(void *ctx)
{
    struct reader *r = ctx;
    uint64_t left = r->in->len_bytes - r->at;
    size_t want = left < sizeof(r->raw) ? (size_t)left : sizeof(r->raw);
    size_t n = 0;

    if (want == 0 || r->rtf.is_ended || r->rtf.rc != KL_OK) {
        return false;
    }
    if (kl_input_read(r->in, r->at, r->raw, want, &n) != KL_OK) {
        r->lost = KL_REASON_IO;
        n = 0;
    } else if (n < want) {
        r->lost = KL_REASON_CHANGED;
    }
    r->at += n;
    r->rtf.n_out = 0;
    kl_rtf_add(&r->rtf, kl_span_make(r->raw, n));
    r->pull.out = kl_span_make(r->rtf.out, r->rtf.n_out);
    return n > 0;
}

static enum kl_rc extract_text(struct kl_emit *e, struct reader *r, bool is_other)
{
    r->is_other = is_other;
    r->pull = (struct kl_pull){.ctx = r,
                               .begin = reader_begin,
                               .more = reader_more,
                               .bad_code = "rtf.data",
                               .claim_bytes = KL_MEMBER_UNKNOWN};
    KL_TRY(kl_pull_extract_at(e, &r->pull, kl_span_str(is_other ? "other" : "text"),
                              is_other ? 0 : r->in->len_bytes));
    return r->rtf.rc;
}

/* ---- files ---- */

struct hex {
    const struct kl_input *in;
    struct kl_rtf_object o;
    uint64_t at;
    uint64_t to_drop; /* bytes in front of the file */
    bool has_high;
    uint8_t high;
    bool in_word; /* a control word between the digits */
    struct kl_pull pull;
    uint8_t out[HEX_BYTES];
};

static void hex_begin(void *ctx)
{
    struct hex *h = ctx;
    h->at = h->o.from;
    h->has_high = h->in_word = false;
}

/* Decode in place; the length. */
static size_t decode_hex(struct hex *h, size_t n)
{
    size_t o = 0;

    for (size_t i = 0; i < n; i++) {
        uint8_t c = h->out[i];
        int v = kl_hex_value(c);
        if (c == '\\') {
            h->in_word = true;
            continue;
        }
        if (h->in_word) {
            h->in_word = c > ' ' && c != '{' && c != '}';
            continue;
        }
        if (v < 0) {
            continue;
        }
        if (h->has_high) {
            h->out[o++] = (uint8_t)(h->high << 4 | v);
        }
        h->high = (uint8_t)v;
        h->has_high = !h->has_high;
    }
    return o;
}

static bool hex_more(void *ctx)
{
    struct hex *h = ctx;
    uint64_t to = h->o.to < h->in->len_bytes ? h->o.to : h->in->len_bytes;
    uint64_t left = to > h->at ? to - h->at : 0;
    size_t want = left < sizeof(h->out) ? (size_t)left : sizeof(h->out);
    size_t n = 0;

    if (want == 0) {
        return false;
    }
    if (kl_input_read(h->in, h->at, h->out, want, &n) != KL_OK) {
        h->pull.lost = KL_REASON_IO;
        return false;
    }
    h->at += n;
    h->pull.out = kl_span_make(h->out, h->o.is_raw ? n : decode_hex(h, n));
    return n > 0;
}

/* Where the file of an OLE 1 object begins: behind its head, and behind that of a package. */
static size_t skip_string(struct kl_rd *r)
{
    uint32_t n = kl_rd_le32(r);
    kl_rd_skip(r, n);
    return n;
}

static void skip_zero_string(struct kl_rd *r)
{
    while (kl_rd_ok(r) && kl_rd_u8(r) != 0) {
    }
}

static size_t ole_head(struct kl_span s)
{
    struct kl_rd r = kl_rd_init(s);

    kl_rd_skip(&r, 4);
    uint32_t format = kl_rd_le32(&r);
    uint32_t n = kl_rd_le32(&r);
    struct kl_span class = kl_rd_take(&r, n);
    if (format != 2) {
        return 0; /* a link, or nothing of the kind */
    }
    (void)skip_string(&r);
    (void)skip_string(&r);
    kl_rd_skip(&r, 4);
    if (!kl_rd_ok(&r)) {
        return 0;
    }
    size_t at = r.at;
    if (class.len >= 7 && memcmp(class.ptr, "Package", 7) == 0) {
        kl_rd_skip(&r, 2);
        skip_zero_string(&r);
        skip_zero_string(&r);
        kl_rd_skip(&r, 4);
        (void)skip_string(&r);
        kl_rd_skip(&r, 4);
        at = kl_rd_ok(&r) ? r.at : at;
    }
    return at;
}

/* The same bytes without the first `to_drop`. */
struct dropped {
    struct hex *h;
    uint64_t left;
    struct kl_pull pull;
};

static void dropped_begin(void *ctx)
{
    struct dropped *d = ctx;
    hex_begin(d->h);
    d->left = d->h->to_drop;
}

static bool dropped_more(void *ctx)
{
    struct dropped *d = ctx;

    if (!hex_more(d->h)) {
        d->pull.lost = d->h->pull.lost;
        return false;
    }
    struct kl_span out = d->h->pull.out;
    size_t n = d->left < out.len ? (size_t)d->left : out.len;
    d->left -= n;
    d->pull.out = kl_span_part(out, n, out.len);
    return true;
}

/* The head in front of the file, for the names in it. */
static enum kl_rc extract_head(struct kl_emit *e, struct hex *h, uint8_t *head, size_t *out_skip)
{
    size_t n = 0;

    *out_skip = 0;
    hex_begin(h);
    if (!h->o.is_ole || !hex_more(h)) {
        return KL_OK;
    }
    n = h->pull.out.len < OLE_HEAD_BYTES ? h->pull.out.len : OLE_HEAD_BYTES;
    memcpy(head, h->pull.out.ptr, n);
    *out_skip = ole_head(kl_span_make(head, n));
    struct kl_input in = kl_input_mem(kl_span_make(head, *out_skip));
    return *out_skip > 0 ? kl_extract_binary(e, &in) : KL_OK;
}

static enum kl_rc extract_entered(struct kl_emit *e, struct hex *h)
{
    uint8_t head[OLE_HEAD_BYTES];
    size_t skip = 0;
    struct dropped d = {.h = h};

    KL_TRY(extract_head(e, h, head, &skip));
    h->to_drop = skip;
    d.pull = (struct kl_pull){.ctx = &d,
                              .begin = dropped_begin,
                              .more = dropped_more,
                              .bad_code = "rtf.hex",
                              .claim_bytes = KL_MEMBER_UNKNOWN};
    return kl_pull_extract(e, &d.pull);
}

static enum kl_rc extract_object(struct kl_emit *e, const struct kl_input *in,
                                 const struct kl_rtf_object *o)
{
    char name[40];
    struct hex *h = malloc(sizeof(*h));

    if (h == NULL) {
        return KL_E_NOMEM;
    }
    memset(h, 0, offsetof(struct hex, out));
    h->in = in;
    h->o = *o;
    (void)snprintf(name, sizeof(name), "%s@%llu", o->is_ole ? "object" : "picture",
                   (unsigned long long)o->from);
    /* The digits count for nothing but what they stand for. */
    enum kl_rc rc = kl_emit_enter(e, kl_span_str(name), o->to - o->from);
    if (rc == KL_OK) {
        rc = extract_entered(e, h);
        kl_emit_leave(e);
    } else if (rc == KL_E_LIMIT) {
        rc = kl_emit_not_inspected(e, KL_REASON_LIMIT, o->to - o->from);
    }
    free(h);
    return rc;
}

static enum kl_rc extract_objects(struct kl_emit *e, const struct kl_input *in, struct kl_span list,
                                  uint64_t lost)
{
    for (size_t i = 0; i + sizeof(struct kl_rtf_object) <= list.len;
         i += sizeof(struct kl_rtf_object)) {
        struct kl_rtf_object o;
        memcpy(&o, list.ptr + i, sizeof(o));
        enum kl_rc rc = kl_emit_charge_member(e);
        if (rc == KL_E_LIMIT) {
            lost += o.to - o.from;
            continue;
        }
        KL_TRY(rc);
        KL_TRY(extract_object(e, in, &o));
    }
    if (lost > 0) {
        KL_TRY(kl_emit_anomaly(e, "rtf.objects"));
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, lost);
    }
    return KL_OK;
}

static enum kl_rc read_all(struct kl_emit *e, struct reader *r)
{
    KL_TRY(extract_text(e, r, true));
    KL_TRY(extract_text(e, r, false));
    uint64_t end = r->rtf.found.end_at;
    if (r->lost != KL_REASON_NONE) {
        KL_TRY(kl_emit_not_inspected(e, r->lost, r->in->len_bytes - r->at));
    }
    KL_TRY(extract_objects(e, r->in, kl_buf_span(&r->rtf.found.objects), r->rtf.found.lost_bytes));
    /* What was put behind the document. */
    struct kl_range rest;
    kl_range_init(&rest, r->in, end, r->in->len_bytes);
    if (end != 0 && rest.in.len_bytes > 16) {
        return kl_plain_extract(e, &rest.in, KL_SPAN_LIT("rest"));
    }
    return KL_OK;
}

enum kl_rc kl_extract_rtf(struct kl_emit *e, const struct kl_input *in)
{
    struct reader *r = malloc(sizeof(*r));

    if (r == NULL) {
        return KL_E_NOMEM;
    }
    r->in = in;
    r->lost = KL_REASON_NONE;
    r->rtf.found = (struct kl_rtf_found){0};
    kl_buf_init(&r->rtf.found.objects, KL_RTF_OBJECTS * sizeof(struct kl_rtf_object));
    enum kl_rc rc = read_all(e, r);
    kl_buf_done(&r->rtf.found.objects);
    free(r);
    return rc;
}
