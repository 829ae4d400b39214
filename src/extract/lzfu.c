#include "extract/lzfu.h"

#include "extract/decoded.h"
#include "extract/extract.h"
#include "extract/pull.h"
#include "extract/range.h"

#define RING_BYTES 4096u
#define HEAD_BYTES 16u
#define RAW_BYTES 4096u

/* What the ring holds before the first byte. */
static const char preset[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    "\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct lzfu {
    const struct kl_input *in;
    bool is_packed;
    uint64_t at;
    uint64_t left; /* packed bytes that are not yet read */
    struct kl_pull pull;
    bool ended;
    uint8_t flags;
    uint8_t n_flags;
    size_t copy_from; /* of the ring: a repeat that goes on */
    size_t copy_n;
    size_t ring_at;
    size_t raw_pos;
    size_t raw_len;
    uint8_t raw[RAW_BYTES];
    uint8_t ring[RING_BYTES];
    uint8_t out[RAW_BYTES];
};

static void lzfu_begin(void *ctx)
{
    struct lzfu *z = ctx;

    z->at = HEAD_BYTES;
    z->left = z->in->len_bytes - HEAD_BYTES;
    z->ended = false;
    z->n_flags = 0;
    z->copy_n = 0;
    z->raw_pos = z->raw_len = 0;
    memset(z->ring, ' ', sizeof(z->ring));
    memcpy(z->ring, preset, sizeof(preset) - 1);
    z->ring_at = sizeof(preset) - 1;
}

/* The next packed byte; false: there is none. */
static bool take(struct lzfu *z, uint8_t *out)
{
    if (z->raw_pos == z->raw_len) {
        size_t want = z->left < RAW_BYTES ? (size_t)z->left : RAW_BYTES;
        size_t n = 0;
        if (kl_input_read(z->in, z->at, z->raw, want, &n) != KL_OK) {
            z->pull.lost = KL_REASON_IO;
            n = 0;
        }
        z->at += n;
        z->left -= n;
        z->raw_pos = 0;
        z->raw_len = n;
        if (n == 0) {
            z->ended = true;
            return false;
        }
    }
    *out = z->raw[z->raw_pos++];
    return true;
}

static void put(struct lzfu *z, uint8_t c, uint8_t *dst, size_t *n)
{
    z->ring[z->ring_at] = c;
    z->ring_at = (z->ring_at + 1) % RING_BYTES;
    dst[(*n)++] = c;
}

/* One token: a byte, or the begin of a repeat. */
static void token(struct lzfu *z, uint8_t *dst, size_t *n)
{
    uint8_t a = 0;
    uint8_t b = 0;

    if (z->n_flags == 0) {
        if (!take(z, &z->flags)) {
            return;
        }
        z->n_flags = 8;
    }
    bool repeat = (z->flags & 1) != 0;
    z->flags >>= 1;
    z->n_flags--;
    if (!take(z, &a)) {
        return;
    }
    if (!repeat) {
        put(z, a, dst, n);
        return;
    }
    if (!take(z, &b)) {
        z->pull.lost = z->pull.lost == KL_REASON_NONE ? KL_REASON_FORMAT : z->pull.lost;
        return;
    }
    z->copy_from = (size_t)a << 4 | b >> 4;
    z->copy_n = (b & 15u) + 2;
    if (z->copy_from == z->ring_at) {
        z->copy_n = 0;
        z->ended = true; /* how the end is written */
    }
}

static bool lzfu_more(void *ctx)
{
    struct lzfu *z = ctx;
    size_t n = 0;

    while (n < sizeof(z->out) && (z->copy_n > 0 || !z->ended)) {
        if (z->copy_n > 0) {
            put(z, z->ring[z->copy_from], z->out, &n);
            z->copy_from = (z->copy_from + 1) % RING_BYTES;
            z->copy_n--;
        } else if (z->is_packed) {
            token(z, z->out, &n);
        } else {
            uint8_t c = 0;
            if (take(z, &c)) {
                z->out[n++] = c;
            }
        }
    }
    z->pull.out = kl_span_make(z->out, n);
    return n > 0;
}

enum kl_rc kl_lzfu_extract(struct kl_emit *e, const struct kl_input *in, struct kl_span name)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;
    kl_ignore(kl_input_read(in, 0, head, sizeof(head), &n), "a short head is told below");
    bool packed = n == sizeof(head) && memcmp(head + 8, "LZFu", 4) == 0;
    bool stored = n == sizeof(head) && memcmp(head + 8, "MELA", 4) == 0;

    if (!packed && !stored) {
        return kl_plain_extract(e, in, name);
    }
    enum kl_rc rc = kl_emit_enter(e, name, in->len_bytes);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, in->len_bytes);
    }
    KL_TRY(rc);
    struct kl_rd r = kl_rd_init(kl_span_make(head + 4, 4));
    struct lzfu z = {.in = in, .is_packed = packed};
    z.pull = (struct kl_pull){.ctx = &z,
                              .begin = lzfu_begin,
                              .more = lzfu_more,
                              .bad_code = "lzfu.data",
                              .claim_bytes = kl_rd_le32(&r),
                              .claim_code = "lzfu.size_lie"};
    rc = kl_pull_extract(e, &z.pull);
    /* What stands behind the end of the packed data. */
    struct kl_range rest;
    kl_range_init(&rest, in, z.at - (z.raw_len - z.raw_pos), in->len_bytes);
    if (rc == KL_OK && z.ended && rest.in.len_bytes > 16) {
        rc = kl_emit_anomaly(e, "lzfu.rest");
        rc = rc == KL_OK ? kl_extract_binary(e, &rest.in) : rc;
    }
    kl_emit_leave(e);
    return rc;
}
