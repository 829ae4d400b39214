#include "extract/sqlite.h"

#include "extract/extract.h"

/* How pages stand in a log. */
struct frames {
    uint64_t at;     /* of the first frame */
    uint32_t before; /* bytes of a frame in front of its page; the page's number first */
    uint32_t behind;
    uint64_t n;
};

static enum kl_rc read_frame(struct kl_sqlite *s, const struct frames *f, uint64_t at,
                             bool *out_end)
{
    uint8_t no[4];
    size_t n = 0;

    *out_end = true;
    if (kl_input_read(s->in, at, no, sizeof no, &n) != KL_OK || n < sizeof no ||
        kl_input_read(s->in, at + f->before, s->page, s->page_bytes, &n) != KL_OK ||
        n < s->page_bytes) {
        return KL_OK;
    }
    *out_end = false;
    return kl_sqlite_page_put(s, at + f->before, kl_sqlite_be32(no) == 1, "pages");
}

/* Frames up to f->n or the end; *out_at: behind the last. */
static enum kl_rc put_frames(struct kl_sqlite *s, const struct frames *f, uint64_t *out_at)
{
    uint64_t at = f->at;
    bool is_end = false;

    for (uint64_t i = 0; i < f->n && at < s->in->len_bytes; i++) {
        KL_TRY(read_frame(s, f, at, &is_end));
        if (is_end) {
            break;
        }
        at += (uint64_t)f->before + s->page_bytes + f->behind;
    }
    *out_at = at;
    return KL_OK;
}

static bool is_page_size(uint32_t n)
{
    return n >= 512 && n <= KL_SQLITE_MAX_PAGE && (n & (n - 1)) == 0;
}

/* What a write-ahead log or a journal says of itself. */
static bool read_head(const uint8_t *head, uint32_t *out_page_bytes, struct frames *out_f)
{
    if (kl_sqlite_be32(head) >> 1 == 0x377f0682u >> 1) {
        *out_page_bytes = kl_sqlite_be32(head + 8);
        *out_f = (struct frames){32, 24, 0, UINT64_MAX};
        return is_page_size(*out_page_bytes);
    }
    uint32_t sector = kl_sqlite_be32(head + 20);
    uint32_t n = kl_sqlite_be32(head + 8);
    *out_page_bytes = kl_sqlite_be32(head + 24);
    *out_f = (struct frames){sector, 4, 4, n == 0 || n == UINT32_MAX ? UINT64_MAX : n};
    return is_page_size(*out_page_bytes) && sector >= 28 && sector <= 65536;
}

static enum kl_rc put_all(struct kl_sqlite *s, struct frames f)
{
    uint64_t at = 0;

    KL_TRY(kl_leftover_add(&s->left, 0, f.at));
    KL_TRY(put_frames(s, &f, &at));
    /* A journal may have further heads, each at a sector of its own: what follows is left over. */
    return kl_leftover_add(&s->left, at, s->in->len_bytes);
}

enum kl_rc kl_extract_sqlite_log(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[32] = {0};
    struct kl_sqlite *s = NULL;
    struct frames f;
    uint32_t page_bytes = 0;
    size_t n = 0;

    if (kl_input_read(in, 0, head, sizeof head, &n) != KL_OK) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    if (!read_head(head, &page_bytes, &f)) {
        KL_TRY(kl_emit_anomaly(e, "sqlite.header"));
        return kl_extract_binary(e, in);
    }
    KL_TRY(kl_sqlite_new(e, in, page_bytes, &s));
    s->is_local = true;
    enum kl_rc rc = put_all(s, f);
    enum kl_rc ended = kl_sqlite_page_end(s);
    rc = rc != KL_OK ? rc : ended;
    if (rc == KL_OK) {
        rc = kl_leftover_extract(&s->left, e, in, "leftover");
    }
    kl_sqlite_free(&s);
    return rc;
}
