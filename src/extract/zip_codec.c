#include "extract/codec.h"
#include "extract/member.h"
#include "extract/zip.h"

/* Members of a zip that are packed by another method than deflate. */

enum kl_codec_kind kl_zip_codec(uint16_t method)
{
    switch (method) {
    case 12:
        return KL_CODEC_BZIP2;
    case 14:
        return KL_CODEC_LZMA_ZIP;
    case 20: /* before 2020 */
    case 93:
        return KL_CODEC_ZSTD;
    case 95:
        return KL_CODEC_XZ;
    default:
        return KL_CODEC_NONE;
    }
}

struct packed {
    struct kl_zip *zip;
    const struct kl_zip_member *m;
    struct kl_codec *codec;
    uint32_t crc;
    enum kl_reason lost;
};

static enum kl_rc packed_rewind(void *ctx)
{
    struct packed *p = ctx;
    p->crc = 0;
    p->lost = KL_REASON_NONE;
    return kl_codec_rewind(p->codec);
}

static enum kl_rc packed_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct packed *p = ctx;
    enum kl_rc rc = kl_codec_read(p->codec, dst, n, out_n);
    if (rc == KL_OK) {
        p->crc = kl_inflate_crc_more(p->crc, kl_span_make(dst, *out_n));
        return KL_OK;
    }
    *out_n = 0;
    p->lost = rc == KL_E_IO ? KL_REASON_IO : rc == KL_E_FORMAT ? KL_REASON_FORMAT : KL_REASON_LIMIT;
    return p->lost == KL_REASON_LIMIT ? kl_emit_anomaly(p->zip->e, "limit.codec") : KL_OK;
}

static enum kl_reason packed_lost(void *ctx)
{
    const struct packed *p = ctx;
    return p->lost;
}

static enum kl_rc packed_check(void *ctx)
{
    const struct packed *p = ctx;
    bool good = p->m->no_crc || p->crc == p->m->crc;
    return good ? KL_OK : kl_emit_anomaly(p->zip->e, "zip.crc");
}

static const struct kl_member_ops packed_ops = {packed_rewind, packed_read, packed_lost,
                                                packed_check};

enum kl_rc kl_zip_extract_packed(struct kl_zip *zip, const struct kl_zip_member *m)
{
    struct packed p = {.zip = zip, .m = m};
    struct kl_input part = kl_input_part(zip->in, m->data_at, m->data_at + m->comp_bytes);
    struct kl_member member = {
        .ops = &packed_ops,
        .ctx = &p,
        .claim_bytes = m->no_size ? KL_MEMBER_UNKNOWN : m->plain_bytes,
        .bad_code = "zip.data",
        .size_code = "zip.size_lie",
    };
    KL_TRY(kl_codec_new(kl_zip_codec(m->method), &part, &p.codec));
    if (m->method == 14 && !m->no_size) {
        kl_codec_set_plain(p.codec, m->plain_bytes);
    }
    enum kl_rc rc = kl_member_extract(zip->e, &member);
    kl_codec_free(&p.codec);
    return rc;
}
