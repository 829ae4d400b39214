#include "extract/openpgp.h"

#include <stdlib.h>

#include "extract/codec.h"
#include "extract/extract.h"
#include "extract/member.h"
#include "extract/stream.h"

#define MAX_HEAD_BYTES 262u /* of a literal packet: its name is the longest thing */
#define MAX_PACKETS 10000u
#define MAX_PARTS 1000000u /* of one body */

enum tag {
    TAG_PKESK = 1, /* a session key for somebody's public key */
    TAG_SIGNATURE = 2,
    TAG_SKESK = 3, /* a session key behind a passphrase */
    TAG_ONE_PASS = 4,
    TAG_COMPRESSED = 8,
    TAG_ENCRYPTED = 9,
    TAG_MARKER = 10,
    TAG_LITERAL = 11,
    TAG_ENCRYPTED_MDC = 18,
    TAG_AEAD = 20,
    TAG_PADDING = 21,
};

struct packet {
    unsigned tag;
    unsigned head_bytes;
    uint64_t len_bytes; /* of the body, or of its first part */
    bool is_open;       /* to the end of the input */
    bool is_partial;    /* more parts follow, each with a length of its own */
};

/* RFC 4880 section 4.2.2: a length in the new format. False: cut. */
static bool read_new_length(struct kl_rd *r, struct packet *p)
{
    uint8_t a = kl_rd_u8(r);
    p->is_partial = a >= 224 && a < 255;
    if (a < 192) {
        p->len_bytes = a;
    } else if (a < 224) {
        p->len_bytes = (uint64_t)(a - 192) * 256 + kl_rd_u8(r) + 192;
    } else if (p->is_partial) {
        p->len_bytes = 1ull << (a & 31);
    } else {
        p->len_bytes = 0;
        for (unsigned i = 0; i < 4; i++) {
            p->len_bytes = p->len_bytes << 8 | kl_rd_u8(r);
        }
    }
    return kl_rd_ok(r);
}

static bool read_packet(struct kl_span s, struct packet *out_p)
{
    struct kl_rd r = kl_rd_init(s);
    struct packet p = {0};
    uint8_t c = kl_rd_u8(&r);
    if ((c & 0x80) == 0) {
        return false;
    }
    if ((c & 0x40) != 0) {
        p.tag = c & 63u;
        if (!read_new_length(&r, &p)) {
            return false;
        }
    } else {
        p.tag = c >> 2 & 15u;
        p.is_open = (c & 3) == 3;
        for (unsigned i = 0; !p.is_open && i < 1u << (c & 3); i++) {
            p.len_bytes = p.len_bytes << 8 | kl_rd_u8(&r);
        }
    }
    p.head_bytes = (unsigned)r.at;
    *out_p = p;
    return kl_rd_ok(&r);
}

static bool is_symmetric(uint8_t algorithm)
{
    return algorithm >= 1 && algorithm <= 13;
}

static bool is_public_key(uint8_t algorithm)
{
    return (algorithm >= 1 && algorithm <= 3) || algorithm == 16 || algorithm == 18 ||
           (algorithm >= 20 && algorithm <= 30);
}

/* A session key for a public key (RFC 4880 section 5.1, RFC 9580 section 5.1.2). */
static bool pkesk_fits(const struct packet *p, struct kl_span b)
{
    uint8_t v = b.len > 10 ? b.ptr[0] : 0;
    bool old = (v == 2 || v == 3) && p->len_bytes >= 30 && p->len_bytes < 4096;
    return old ? is_public_key(b.ptr[9]) : v == 6 && p->len_bytes < 8192;
}

/* A session key behind a passphrase (section 5.3). */
static bool skesk_fits(const struct packet *p, struct kl_span b)
{
    uint8_t v = b.len > 3 && p->len_bytes >= 4 && p->len_bytes < 256 ? b.ptr[0] : 0;
    return v == 4 ? is_symmetric(b.ptr[1]) && b.ptr[2] <= 4 : v == 5 || v == 6;
}

static bool aead_fits(struct kl_span b)
{
    return b.len > 2 && b.ptr[0] == 1 && is_symmetric(b.ptr[1]) && b.ptr[2] >= 1 && b.ptr[2] <= 3;
}

/* What a body of this tag may begin with; a false alarm here would hide a whole file. */
static bool body_fits(const struct packet *p, struct kl_span b)
{
    uint8_t v = b.len > 0 ? b.ptr[0] : 0;
    switch (p->tag) {
    case TAG_PKESK:
        return pkesk_fits(p, b);
    case TAG_SKESK:
        return skesk_fits(p, b);
    case TAG_ENCRYPTED_MDC:
        return v == 1 || v == 2;
    case TAG_AEAD:
        return aead_fits(b);
    case TAG_ENCRYPTED:
        return true;
    case TAG_MARKER:
        return p->len_bytes == 3 && b.len >= 3 && memcmp(b.ptr, "PGP", 3) == 0;
    case TAG_ONE_PASS:
        return v == 6 || (v == 3 && p->len_bytes == 13);
    case TAG_COMPRESSED:
        return v <= 3;
    case TAG_LITERAL:
        return b.len > 6 && v != 0 && strchr("btulm", v) != NULL;
    default:
        return false;
    }
}

/* RFC 4880 section 9.3. */
static const enum kl_codec_kind packed_by[] = {KL_CODEC_NONE, KL_CODEC_DEFLATE, KL_CODEC_ZLIB,
                                               KL_CODEC_BZIP2};

bool kl_openpgp_is_message(struct kl_span head)
{
    struct packet p;
    size_t at = 0;
    bool keys = false; /* a packet that only stands in front of something encrypted */
    for (unsigned i = 0; i < 64 && at < head.len; i++) {
        struct kl_span rest = kl_span_part(head, at, head.len);
        if (!read_packet(rest, &p)) {
            return false;
        }
        struct kl_span body = kl_span_part(rest, p.head_bytes, rest.len);
        if (!body_fits(&p, body)) {
            return false;
        }
        if (p.tag == TAG_ENCRYPTED || p.tag == TAG_ENCRYPTED_MDC || p.tag == TAG_AEAD) {
            return keys;
        }
        if (p.tag == TAG_LITERAL || p.tag == TAG_COMPRESSED) {
            return i > 0; /* signed: a one-pass packet stood in front */
        }
        keys = keys || p.tag == TAG_PKESK || p.tag == TAG_SKESK;
        if (p.is_open || p.is_partial || p.len_bytes > head.len) {
            return false;
        }
        at += p.head_bytes + (size_t)p.len_bytes;
    }
    return keys; /* recipients up to the end of the head */
}

/* A compressed packet alone begins with too little to be known by it. */
enum kl_rc kl_openpgp_guess(struct kl_span head, bool *out_is)
{
    uint8_t out[64];
    size_t n = 0;
    struct packet p;
    struct kl_codec *c = NULL;
    *out_is = false;
    if (!read_packet(head, &p) || p.tag != TAG_COMPRESSED || head.len < p.head_bytes + 3u) {
        return KL_OK;
    }
    uint8_t algorithm = head.ptr[p.head_bytes];
    if (algorithm == 0 || algorithm > 3) {
        return KL_OK;
    }
    struct kl_input in = kl_input_mem(kl_span_part(head, p.head_bytes + 1u, head.len));
    KL_TRY(kl_codec_new(packed_by[algorithm], &in, &c));
    bool good = kl_codec_read(c, out, sizeof out, &n) == KL_OK && n >= 8;
    kl_codec_free(&c);
    if (!good || !read_packet(kl_span_make(out, n), &p)) {
        return KL_OK;
    }
    struct kl_span inner = kl_span_part(kl_span_make(out, n), p.head_bytes, n);
    bool signature =
        p.tag == TAG_SIGNATURE && inner.len > 0 && inner.ptr[0] >= 3 && inner.ptr[0] <= 6;
    *out_is =
        signature || ((p.tag == TAG_LITERAL || p.tag == TAG_ONE_PASS) && body_fits(&p, inner));
    return KL_OK;
}

/* ---- reading ---- */

/* A body in parts, put together (RFC 4880 section 4.2.2.4). */
struct body {
    struct kl_emit *e;
    const struct kl_input *in;
    uint64_t body_at; /* where the first part begins */
    uint64_t len_bytes;
    bool is_cut; /* more parts than anybody makes: the rest is left */
    struct packet first;
    uint64_t at;        /* of the input */
    uint64_t part_left; /* bytes of the part under way */
    bool more;          /* another part follows it */
    uint64_t out_at;    /* bytes given out */
};

static void body_start(struct body *b)
{
    b->at = b->body_at;
    b->part_left = b->first.is_open ? b->in->len_bytes - b->body_at : b->first.len_bytes;
    b->more = b->first.is_partial;
    b->out_at = 0;
}

static enum kl_rc body_next_part(struct body *b)
{
    uint8_t buf[5];
    size_t n = 0;
    struct packet p = {0};
    KL_TRY(kl_input_read(b->in, b->at, buf, sizeof buf, &n));
    struct kl_rd r = kl_rd_init(kl_span_make(buf, n));
    b->more = false;
    if (read_new_length(&r, &p)) {
        b->at += r.at;
        b->part_left = p.len_bytes;
        b->more = p.is_partial;
    }
    return KL_OK;
}

static enum kl_rc body_read(struct body *b, uint8_t *dst, size_t n, size_t *out_n)
{
    size_t all = 0;
    while (all < n) {
        if (b->part_left == 0) {
            if (!b->more) {
                break;
            }
            KL_TRY(body_next_part(b));
            continue;
        }
        size_t len = b->part_left < n - all ? (size_t)b->part_left : n - all;
        size_t got = 0;
        KL_TRY(kl_input_read(b->in, b->at, dst + all, len, &got));
        all += got;
        b->at += got;
        b->part_left -= got;
        if (got < len) {
            b->part_left = 0;
            b->more = false;
        }
    }
    b->out_at += all;
    *out_n = all;
    return KL_OK;
}

/* Random access for what reads it: going back begins anew. */
static enum kl_rc body_source(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct body *b = ctx;
    uint8_t skip[4096];
    size_t got = 1;
    if (at < b->out_at) {
        body_start(b);
    }
    while (b->out_at < at && got > 0) {
        uint64_t left = at - b->out_at;
        KL_TRY(body_read(b, skip, left < sizeof skip ? (size_t)left : sizeof skip, &got));
    }
    *out_n = 0;
    return b->out_at == at ? body_read(b, dst, n, out_n) : KL_OK;
}

/* How long the body is, and where the next packet begins. */
static enum kl_rc body_measure(struct body *b, uint64_t *out_next)
{
    b->len_bytes = 0;
    body_start(b);
    for (unsigned i = 0; b->part_left > 0 || b->more; i++) {
        uint64_t have = b->at < b->in->len_bytes ? b->in->len_bytes - b->at : 0;
        uint64_t take = b->part_left < have ? b->part_left : have;
        b->len_bytes += take;
        b->at += take;
        b->part_left = 0;
        b->is_cut = i == MAX_PARTS;
        if (!b->more || b->at >= b->in->len_bytes || b->is_cut) {
            break;
        }
        KL_TRY(body_next_part(b));
    }
    *out_next = b->is_cut ? b->in->len_bytes : b->at;
    return KL_OK;
}

/* ---- a body from its `skip`-th byte on, as a member ---- */

struct tail {
    struct body *b;
    uint64_t skip;
    enum kl_reason lost;
};

static enum kl_rc tail_rewind(void *ctx)
{
    struct tail *t = ctx;
    uint8_t head[MAX_HEAD_BYTES];
    size_t n = 0;
    t->lost = KL_REASON_NONE;
    body_start(t->b);
    enum kl_rc rc = body_read(t->b, head, (size_t)t->skip, &n);
    t->lost = rc == KL_E_IO ? KL_REASON_IO : t->lost;
    return rc == KL_E_IO ? KL_OK : rc;
}

static enum kl_rc tail_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct tail *t = ctx;
    enum kl_rc rc = t->lost == KL_REASON_NONE ? body_read(t->b, dst, n, out_n) : KL_E_IO;
    if (rc == KL_E_IO) {
        t->lost = KL_REASON_IO;
        *out_n = 0;
    }
    return rc == KL_E_IO ? KL_OK : rc;
}

static enum kl_reason tail_lost(void *ctx)
{
    const struct tail *t = ctx;
    return t->lost;
}

static enum kl_rc tail_check(void *ctx)
{
    (void)ctx;
    return KL_OK;
}

static const struct kl_member_ops tail_ops = {tail_rewind, tail_read, tail_lost, tail_check};

static enum kl_rc extract_tail(struct body *b, struct kl_span name, uint64_t skip,
                               uint64_t raw_bytes)
{
    struct tail t = {b, skip < b->len_bytes ? skip : b->len_bytes, KL_REASON_NONE};
    struct kl_member m = {
        .ops = &tail_ops,
        .ctx = &t,
        .claim_bytes = b->len_bytes - t.skip,
        .bad_code = "openpgp.data",
        .size_code = "openpgp.data",
    };
    if (m.claim_bytes == 0) {
        return KL_OK;
    }
    enum kl_rc rc = kl_emit_charge_member(b->e);
    if (rc == KL_OK) {
        rc = kl_emit_enter(b->e, name, raw_bytes);
    }
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(b->e, KL_REASON_LIMIT, raw_bytes);
    }
    KL_TRY(rc);
    rc = kl_member_extract(b->e, &m);
    kl_emit_leave(b->e);
    return rc;
}

/* Format byte, name, date; then what was written. */
static enum kl_rc extract_literal(struct body *b, uint64_t raw_bytes)
{
    uint8_t head[MAX_HEAD_BYTES];
    size_t n = 0;
    body_start(b);
    KL_TRY(body_read(b, head, sizeof head, &n));
    size_t n_name = n > 1 ? head[1] : 0;
    struct kl_span name = kl_span_part(kl_span_make(head, n), 2, 2 + n_name);
    return extract_tail(b, name.len > 0 ? name : KL_SPAN_LIT("data"), 6 + n_name, raw_bytes);
}

static enum kl_rc extract_compressed(struct body *b, uint64_t raw_bytes)
{
    uint8_t algorithm = 0;
    size_t n = 0;
    body_start(b);
    KL_TRY(body_read(b, &algorithm, 1, &n));
    if (n == 1 && algorithm == 0) {
        return extract_tail(b, KL_SPAN_LIT("data"), 1, raw_bytes);
    }
    if (n == 0 || algorithm > 3) {
        return kl_emit_not_inspected(b->e, KL_REASON_FORMAT, raw_bytes);
    }
    struct kl_source source = {b, body_source, NULL};
    struct kl_input body = kl_input_source(&source, b->len_bytes);
    struct kl_input inside = kl_input_part(&body, 1, body.len_bytes);
    return kl_extract_stream_of(b->e, &inside, packed_by[algorithm]);
}

/* One packet; *at is moved behind it. */
static enum kl_rc extract_packet(struct kl_emit *e, const struct kl_input *in, uint64_t *at)
{
    uint8_t buf[6];
    size_t n = 0;
    struct body b = {.e = e, .in = in};
    uint64_t from = *at;

    KL_TRY(kl_input_read(in, from, buf, sizeof buf, &n));
    if (!read_packet(kl_span_make(buf, n), &b.first)) {
        *at = in->len_bytes;
        return kl_extract_rest(e, in, from, "bytes", "openpgp.suffix");
    }
    b.body_at = from + b.first.head_bytes;
    KL_TRY(body_measure(&b, at));
    uint64_t raw_bytes = *at - from;
    switch (b.first.tag) {
    case TAG_ENCRYPTED:
    case TAG_ENCRYPTED_MDC:
    case TAG_AEAD:
        return kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, raw_bytes);
    case TAG_PKESK:
    case TAG_SKESK:
    case TAG_ONE_PASS:
    case TAG_MARKER:
        return KL_OK;
    default:
        break;
    }
    if (b.is_cut) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, raw_bytes);
    }
    if (b.first.tag == TAG_COMPRESSED) {
        return extract_compressed(&b, raw_bytes);
    }
    if (b.first.tag == TAG_LITERAL) {
        return extract_literal(&b, raw_bytes);
    }
    /* Signatures hold notes, padding holds anything. */
    struct kl_input other = kl_input_part(in, from, *at);
    return kl_extract_binary(e, &other);
}

enum kl_rc kl_extract_openpgp(struct kl_emit *e, const struct kl_input *in)
{
    enum kl_rc rc = KL_OK;
    uint64_t at = 0;
    for (unsigned i = 0; i < MAX_PACKETS && rc == KL_OK && at < in->len_bytes; i++) {
        rc = extract_packet(e, in, &at);
    }
    if (rc == KL_E_IO) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    KL_TRY(rc);
    return at < in->len_bytes ? kl_emit_not_inspected(e, KL_REASON_LIMIT, in->len_bytes - at)
                              : KL_OK;
}
