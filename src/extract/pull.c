#include "extract/pull.h"

#include "extract/member.h"

static enum kl_rc pull_rewind(void *ctx)
{
    struct kl_pull *p = ctx;
    p->out = kl_span_make(NULL, 0);
    p->lost = KL_REASON_NONE;
    p->begin(p->ctx);
    return KL_OK;
}

static enum kl_rc pull_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct kl_pull *p = ctx;
    size_t all = 0;

    while (all < n && (p->out.len > 0 || p->more(p->ctx))) {
        size_t len = p->out.len < n - all ? p->out.len : n - all;
        if (len > 0) {
            memcpy((uint8_t *)dst + all, p->out.ptr, len);
            p->out = kl_span_part(p->out, len, p->out.len);
            all += len;
        }
    }
    *out_n = all;
    return KL_OK;
}

static enum kl_reason pull_lost(void *ctx)
{
    const struct kl_pull *p = ctx;
    return p->lost;
}

static enum kl_rc pull_check(void *ctx)
{
    (void)ctx;
    return KL_OK;
}

static const struct kl_member_ops pull_ops = {pull_rewind, pull_read, pull_lost, pull_check};

enum kl_rc kl_pull_extract(struct kl_emit *e, struct kl_pull *p)
{
    struct kl_member m = {&pull_ops, p, p->claim_bytes, p->bad_code, p->claim_code};
    return kl_member_extract(e, &m);
}

enum kl_rc kl_pull_extract_at(struct kl_emit *e, struct kl_pull *p, struct kl_span name,
                              uint64_t raw_bytes)
{
    enum kl_rc rc = kl_emit_enter(e, name, raw_bytes);

    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, raw_bytes);
    }
    KL_TRY(rc);
    rc = kl_pull_extract(e, p);
    kl_emit_leave(e);
    return rc;
}
