#include "extract/sst.h"

#include "extract/xml.h"

static enum kl_rc push_offset(struct kl_sst *s)
{
    uint32_t at = (uint32_t)s->arena.len;
    return kl_buf_add(&s->offs, &at, sizeof at);
}

enum kl_rc kl_sst_init(struct kl_sst *s)
{
    s->n = 0;
    kl_buf_init(&s->arena, KL_MAX_SST_BYTES);
    kl_buf_init(&s->offs, KL_MAX_SST_BYTES / 2);
    kl_buf_init(&s->used, KL_MAX_SST_BYTES / 8);
    return push_offset(s);
}

void kl_sst_done(struct kl_sst *s)
{
    kl_buf_done(&s->arena);
    kl_buf_done(&s->offs);
    kl_buf_done(&s->used);
    s->n = 0;
}

enum kl_rc kl_sst_push(struct kl_sst *s)
{
    KL_TRY(push_offset(s));
    s->n++;
    return KL_OK;
}

enum kl_rc kl_sst_close(struct kl_sst *s)
{
    /* One bit per string; room behind the arena for wide loads, counted before it was full. */
    KL_TRY(kl_buf_room(&s->used, s->n / 8 + 1));
    memset(s->used.ptr, 0, s->n / 8 + 1);
    s->arena.max_bytes += KL_XML_PAD;
    KL_TRY(kl_buf_room(&s->arena, KL_XML_PAD));
    memset(s->arena.ptr + s->arena.len, 0, KL_XML_PAD);
    return KL_OK;
}

enum kl_rc kl_sst_rest(const struct kl_sst *s, struct kl_emit *e)
{
    bool in_part = false;
    for (uint32_t i = 0; i < s->n; i++) {
        struct kl_span text = kl_sst_get(s, i);
        if ((s->used.ptr[i / 8] & 1u << i % 8) != 0 || text.len == 0) {
            continue;
        }
        if (!in_part) {
            KL_TRY(kl_emit_part_begin(e, KL_PART_TEXT));
            in_part = true;
        }
        KL_TRY(kl_emit_text(e, text));
        KL_TRY(kl_emit_text(e, KL_SPAN_LIT("\n")));
    }
    return in_part ? kl_emit_part_end(e) : KL_OK;
}
