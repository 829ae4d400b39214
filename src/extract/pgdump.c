#include "extract/pgdump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "extract/extract.h"
#include "extract/inflate.h"
#include "extract/leftover.h"
#include "extract/member.h"

#define BLOCK_DATA 1u
#define BLOCK_BLOBS 3u
#define ZLIB_HEAD 2u
#define ZLIB_TAIL 4u

/* The chunks of one block, joined. */
struct chunks {
    uint64_t first;   /* where the first chunk's length stands */
    uint64_t joined;  /* bytes in front of the chunk at hand */
    uint64_t data_at; /* of the chunk at hand */
    uint64_t len;
    bool at_end;
    bool is_broken;
};

struct pgdump {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_pgdump_cursor c;
    struct kl_pgdump_toc toc;
    struct kl_inflate *z;
    struct chunks chunks;
    struct kl_source source;
    struct kl_input joined;
    uint64_t at; /* of the joined bytes: stored data */
    enum kl_reason lost;
    struct kl_leftover left;
};

/* ---- chunks ---- */

/* The chunk behind the one at hand. */
static void chunk_next(struct pgdump *p)
{
    struct chunks *k = &p->chunks;

    k->joined += k->len;
    p->c.at = k->data_at + k->len;
    int64_t len = kl_pgdump_int(&p->c, &p->toc);
    k->data_at = p->c.at;
    k->len = 0;
    if (p->c.bad || len < 0 || k->data_at > p->in->len_bytes ||
        (uint64_t)len > p->in->len_bytes - k->data_at) {
        k->is_broken = true;
        k->at_end = true;
    } else if (len == 0) {
        k->at_end = true;
    } else {
        k->len = (uint64_t)len;
    }
}

static void chunks_start(struct pgdump *p, uint64_t first)
{
    p->chunks = (struct chunks){.first = first, .data_at = first};
    p->c.bad = false;
    chunk_next(p);
}

static enum kl_rc read_joined(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct pgdump *p = ctx;
    struct chunks *k = &p->chunks;
    size_t all = 0;

    if (at < k->joined) {
        chunks_start(p, k->first);
    }
    while (all < n) {
        uint64_t off = at + all - k->joined;
        if (off < k->len) {
            size_t want = k->len - off < n - all ? (size_t)(k->len - off) : n - all;
            size_t got = 0;
            KL_TRY(kl_input_read(p->in, k->data_at + off, (uint8_t *)dst + all, want, &got));
            all += got;
            if (got < want) {
                break;
            }
        } else if (k->at_end) {
            break;
        } else {
            chunk_next(p);
        }
    }
    *out_n = all;
    return KL_OK;
}

/* ---- a block's data as a member ---- */

/* Archives before 1.15 give a level (-1: zlib's own), later ones a method: 1 is gzip. */
static bool is_deflated(const struct pgdump *p)
{
    return p->toc.version >= 256 + 15 ? p->toc.compression == 1 : p->toc.compression != 0;
}

static enum kl_rc data_rewind(void *ctx)
{
    struct pgdump *p = ctx;

    p->at = 0;
    p->lost = KL_REASON_NONE;
    if (is_deflated(p)) {
        kl_inflate_start(p->z, &p->joined, ZLIB_HEAD, p->in->len_bytes, false);
    }
    return KL_OK;
}

static enum kl_rc data_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct pgdump *p = ctx;
    enum kl_rc rc;

    if (is_deflated(p)) {
        rc = kl_inflate_read(p->z, dst, n, out_n);
    } else {
        rc = read_joined(p, p->at, dst, n, out_n);
        p->at += rc == KL_OK ? *out_n : 0;
        if (rc == KL_OK && *out_n == 0 && p->chunks.is_broken) {
            rc = KL_E_FORMAT;
        }
    }
    if (rc == KL_E_FORMAT || rc == KL_E_IO) {
        *out_n = 0;
        p->lost = rc == KL_E_IO ? KL_REASON_IO : KL_REASON_FORMAT;
        return KL_OK;
    }
    return rc;
}

static enum kl_reason data_lost(void *ctx)
{
    const struct pgdump *p = ctx;
    return p->lost;
}

static enum kl_rc data_check(void *ctx)
{
    (void)ctx; /* Adler-32 says nothing that broken codes do not */
    return KL_OK;
}

/* To the end of the block; bytes behind the deflated data are left over. */
static enum kl_rc skip_rest(struct pgdump *p, uint64_t first)
{
    uint64_t seen = is_deflated(p) ? kl_inflate_taken_get(p->z) + ZLIB_HEAD + ZLIB_TAIL : p->at;

    while (!p->chunks.at_end) {
        chunk_next(p);
    }
    p->c.at = p->chunks.data_at;
    if (p->chunks.joined > seen || p->lost != KL_REASON_NONE) {
        return kl_leftover_add(&p->left, first, p->chunks.data_at);
    }
    return KL_OK;
}

/* The chunks from p->c.at on. KL_E_LIMIT: no more members are read. */
static enum kl_rc data_extract(struct pgdump *p, struct kl_span name)
{
    static const struct kl_member_ops ops = {data_rewind, data_read, data_lost, data_check};
    struct kl_member m = {&ops, p, KL_MEMBER_UNKNOWN, "pgdump.data", "pgdump.data"};
    uint64_t first = p->c.at;

    KL_TRY(kl_emit_charge_member(p->e));
    KL_TRY(kl_emit_enter(p->e, name, 0));
    chunks_start(p, first);
    p->source = (struct kl_source){p, read_joined};
    p->joined = kl_input_source(&p->source, p->in->len_bytes);
    enum kl_rc rc = kl_member_extract(p->e, &m);
    kl_emit_leave(p->e);
    KL_TRY(rc);
    return skip_rest(p, first);
}

/* ---- blocks ---- */

static enum kl_rc blobs_extract(struct pgdump *p)
{
    char name[40];

    for (;;) {
        int64_t oid = kl_pgdump_int(&p->c, &p->toc);
        if (p->c.bad || oid == 0) {
            return KL_OK;
        }
        (void)snprintf(name, sizeof name, "blob-%" PRId64, oid);
        KL_TRY(data_extract(p, kl_span_str(name)));
        if (p->chunks.is_broken) {
            p->c.bad = true;
        }
    }
}

static enum kl_rc block_extract(struct pgdump *p, unsigned type)
{
    char number[40];
    int64_t id = kl_pgdump_int(&p->c, &p->toc);
    struct kl_span name = kl_pgdump_name_get(&p->toc, id);

    if (type == BLOCK_BLOBS) {
        return blobs_extract(p);
    }
    (void)snprintf(number, sizeof number, "entry-%" PRId64, id);
    KL_TRY(data_extract(p, name.len > 0 ? name : kl_span_str(number)));
    p->c.bad = p->chunks.is_broken;
    return KL_OK;
}

/* All blocks; *out_to: up to where they could be read. */
static enum kl_rc blocks_extract(struct pgdump *p, uint64_t *out_to)
{
    while (p->c.at < p->in->len_bytes) {
        *out_to = p->c.at;
        unsigned type = kl_pgdump_u8(&p->c);
        if (type != BLOCK_DATA && type != BLOCK_BLOBS) {
            return KL_E_FORMAT;
        }
        KL_TRY(block_extract(p, type));
        *out_to = p->c.at;
        if (p->c.bad) {
            return KL_E_FORMAT;
        }
    }
    return KL_OK;
}

static enum kl_rc extract_all(struct pgdump *p)
{
    uint64_t to = 0;
    enum kl_rc rc = kl_pgdump_toc_read(&p->c, &p->toc);
    bool has_data = rc == KL_OK && p->toc.format == 1;

    if (rc != KL_OK && rc != KL_E_FORMAT) {
        return rc;
    }
    to = has_data ? p->c.at : p->in->len_bytes;
    KL_TRY(kl_leftover_add(&p->left, 0, to));
    if (rc == KL_E_FORMAT) {
        KL_TRY(kl_emit_anomaly(p->e, "pgdump.toc"));
        KL_TRY(kl_emit_not_inspected(p->e, KL_REASON_FORMAT, p->in->len_bytes));
    }
    if (has_data) {
        rc = blocks_extract(p, &to);
        uint64_t rest = to < p->in->len_bytes ? p->in->len_bytes - to : 0;
        if (rc == KL_E_LIMIT) {
            KL_TRY(kl_emit_not_inspected(p->e, KL_REASON_LIMIT, rest));
        } else if (rc == KL_E_FORMAT) {
            KL_TRY(kl_emit_anomaly(p->e, "pgdump.block"));
            if (rest > 0) {
                KL_TRY(kl_emit_not_inspected(p->e, KL_REASON_FORMAT, rest));
            }
        } else {
            KL_TRY(rc);
        }
        KL_TRY(kl_leftover_add(&p->left, to, p->in->len_bytes));
    }
    return kl_leftover_extract(&p->left, p->e, p->in, "leftover");
}

enum kl_rc kl_extract_pgdump(struct kl_emit *e, const struct kl_input *in)
{
    struct pgdump *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return KL_E_NOMEM;
    }
    p->e = e;
    p->in = in;
    p->c.in = in;
    kl_leftover_init(&p->left);
    enum kl_rc rc = kl_inflate_new(&p->z);
    if (rc == KL_OK) {
        rc = extract_all(p);
        kl_inflate_free(&p->z);
    }
    kl_pgdump_toc_done(&p->toc);
    kl_leftover_done(&p->left);
    free(p);
    return rc;
}
