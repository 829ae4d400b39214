#include "extract/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "extract/extract.h"
#include "extract/member.h"

#define HEAD_BYTES 1024u /* a name of gzip begins in here */
#define PROBE_BYTES 65536u

/* ---- the name of what is inside ---- */

/* The name that gzip stored (RFC 1952 section 2.3.1); empty: none. */
static struct kl_span gzip_name(struct kl_span head)
{
    struct kl_rd r = kl_rd_init(head);
    kl_rd_skip(&r, 3);
    uint8_t flags = kl_rd_u8(&r);
    kl_rd_skip(&r, 6);
    if ((flags & 4) != 0) {
        kl_rd_skip(&r, kl_rd_le16(&r));
    }
    if ((flags & 8) == 0 || !kl_rd_ok(&r)) {
        return kl_span_make(head.ptr, 0);
    }
    struct kl_span name = kl_rd_take(&r, kl_rd_left(&r));
    const uint8_t *end = name.len > 0 ? memchr(name.ptr, 0, name.len) : NULL;
    name.len = end == NULL ? 0 : (size_t)(end - name.ptr);
    return kl_span_part(name, 0, KL_STREAM_NAME_BYTES);
}

static bool ends_with(struct kl_span name, const char *suffix)
{
    struct kl_span s = kl_span_str(suffix);
    return name.len > s.len + 1 && name.ptr[name.len - s.len - 1] == '.' &&
           strncasecmp((const char *)name.ptr + name.len - s.len, suffix, s.len) == 0;
}

/* "a.csv.gz" holds "a.csv", "a.tgz" holds "a.tar"; at the top the name is the caller's: "data". */
struct kl_span kl_stream_name(const struct kl_emit *e, const char *suffix,
                              uint8_t buf[static KL_STREAM_NAME_BYTES])
{
    static const char *const tars[] = {"tgz", "tbz", "tbz2", "txz", "tzst", "tlz"};
    struct kl_span name = kl_emit_name_get(e);
    if (ends_with(name, suffix)) {
        return kl_span_part(name, 0, name.len - strlen(suffix) - 1);
    }
    for (size_t i = 0; i < sizeof tars / sizeof tars[0]; i++) {
        size_t n = ends_with(name, tars[i]) ? name.len - strlen(tars[i]) : KL_STREAM_NAME_BYTES;
        if (n + 3 <= KL_STREAM_NAME_BYTES) {
            memcpy(buf, name.ptr, n);
            memcpy(buf + n, "tar", 3); /* NOLINT(bugprone-not-null-terminated-result): a span */
            return kl_span_make(buf, n + 3);
        }
    }
    return KL_SPAN_LIT("data");
}

/* ---- the stream as a member ---- */

struct stream {
    struct kl_emit *e;
    struct kl_codec *codec;
    enum kl_reason lost;
};

static enum kl_rc stream_rewind(void *ctx)
{
    struct stream *s = ctx;
    s->lost = KL_REASON_NONE;
    return kl_codec_rewind(s->codec);
}

static enum kl_rc stream_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct stream *s = ctx;
    enum kl_rc rc = kl_codec_read(s->codec, dst, n, out_n);
    if (rc != KL_OK) {
        s->lost = rc == KL_E_IO      ? KL_REASON_IO
                  : rc == KL_E_LIMIT ? KL_REASON_LIMIT
                                     : KL_REASON_FORMAT;
        *out_n = 0;
    }
    return rc == KL_E_LIMIT ? kl_emit_anomaly(s->e, "limit.codec") : KL_OK;
}

static enum kl_reason stream_lost(void *ctx)
{
    const struct stream *s = ctx;
    return s->lost;
}

static enum kl_rc stream_check(void *ctx)
{
    (void)ctx; /* a wrong checksum is a broken stream for all of them */
    return KL_OK;
}

static const struct kl_member_ops stream_ops = {stream_rewind, stream_read, stream_lost,
                                                stream_check};

static enum kl_rc extract_inside(struct kl_emit *e, struct stream *s, struct kl_span name,
                                 uint64_t raw_bytes)
{
    struct kl_member m = {
        .ops = &stream_ops,
        .ctx = s,
        .claim_bytes = KL_MEMBER_UNKNOWN,
        .bad_code = "stream.data",
        .size_code = "stream.data",
    };
    enum kl_rc rc = kl_emit_enter(e, name, raw_bytes);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, raw_bytes);
    }
    if (rc == KL_OK) {
        rc = kl_member_extract(e, &m);
        kl_emit_leave(e);
    }
    return rc;
}

enum kl_rc kl_extract_stream_of(struct kl_emit *e, const struct kl_input *in,
                                enum kl_codec_kind kind)
{
    uint8_t head[HEAD_BYTES];
    uint8_t buf[KL_STREAM_NAME_BYTES];
    size_t n = 0;
    struct stream s = {.e = e};

    if (kl_input_read(in, 0, head, sizeof head, &n) != KL_OK) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    struct kl_span name = kl_span_make(head, 0);
    if (kind == KL_CODEC_GZIP) {
        name = gzip_name(kl_span_make(head, n));
    }
    if (name.len == 0) {
        name = kl_stream_name(e, kl_codec_suffix(kind), buf);
    }
    enum kl_rc rc = kl_emit_charge_member(e);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, in->len_bytes);
    }
    KL_TRY(rc);
    KL_TRY(kl_codec_new(kind, in, &s.codec));
    rc = extract_inside(e, &s, name, in->len_bytes);
    bool whole = false;
    uint64_t at = kl_codec_reached_get(s.codec, &whole);
    kl_codec_free(&s.codec);
    KL_TRY(rc);
    if (whole) {
        return kl_extract_rest(e, in, at, "bytes", "stream.suffix");
    }
    if (at >= in->len_bytes) {
        return KL_OK; /* the loss was said inside */
    }
    enum kl_reason why = s.lost != KL_REASON_NONE ? s.lost : KL_REASON_LIMIT;
    struct kl_input rest = kl_input_part(in, at, in->len_bytes);
    KL_TRY(kl_emit_not_inspected(e, why, rest.len_bytes));
    return why == KL_REASON_FORMAT ? kl_extract_binary(e, &rest) : KL_OK;
}

enum kl_rc kl_extract_stream(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[64];
    size_t n = 0;
    if (kl_input_read(in, 0, head, sizeof head, &n) != KL_OK) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    enum kl_codec_kind kind = kl_codec_of(kl_span_make(head, n));
    return kind != KL_CODEC_NONE ? kl_extract_stream_of(e, in, kind) : kl_extract_binary(e, in);
}

/* ---- what belongs to nothing ---- */

/* Where the first byte that is not zero lies, from `at` on. */
enum kl_rc kl_skip_zeros(const struct kl_input *in, uint64_t *at)
{
    uint8_t *buf = malloc(PROBE_BYTES);
    size_t n = 1;
    bool found = false;
    if (buf == NULL) {
        return KL_E_NOMEM;
    }
    while (!found && *at < in->len_bytes && n > 0) {
        uint64_t left = in->len_bytes - *at;
        size_t want = left < PROBE_BYTES ? (size_t)left : PROBE_BYTES;
        if (kl_input_read(in, *at, buf, want, &n) != KL_OK) {
            break;
        }
        size_t i = 0;
        while (i < n && buf[i] == 0) {
            i++;
        }
        found = i < n;
        *at += i;
    }
    free(buf);
    return KL_OK;
}

enum kl_rc kl_extract_rest(struct kl_emit *e, const struct kl_input *in, uint64_t from,
                           const char *what, const char *code)
{
    char name[64];
    uint64_t data = from;
    if (from >= in->len_bytes) {
        return KL_OK;
    }
    KL_TRY(kl_skip_zeros(in, &data));
    if (data >= in->len_bytes) {
        return KL_OK;
    }
    uint64_t bytes = in->len_bytes - data;
    struct kl_input part = kl_input_part(in, data, in->len_bytes);
    int len = snprintf(name, sizeof name, "(%s at %llu)", what, (unsigned long long)data);
    KL_TRY(kl_emit_anomaly(e, code));
    enum kl_rc rc = kl_emit_charge_member(e);
    if (rc == KL_OK) {
        rc = kl_emit_enter(e, kl_span_make(name, (size_t)len), bytes);
    }
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, bytes);
    }
    KL_TRY(rc);
    rc = kl_emit_charge_expanded(e, bytes);
    if (rc == KL_E_LIMIT) {
        rc = kl_emit_not_inspected(e, KL_REASON_LIMIT, bytes);
    } else if (rc == KL_OK) {
        rc = kl_extract_nested(e, &part);
    }
    kl_emit_leave(e);
    return rc;
}
