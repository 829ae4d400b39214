#include "register/index_write.h"

#include "base/buf.h"
#include "base/fold.h"
#include "crypt/digest.h"
#include "match/index.h"
#include "os/atomic_file.h"

#include <math.h>
#include <stdlib.h>
#include <sys/time.h>

/* The body is hashed while it is written: sections come in file order. */
struct out {
    struct kl_atomic_file *file;
    uint64_t at; /* of the next body byte */
    uint8_t *chunk;
    size_t chunk_len;
    struct kl_buf digests;
    struct kl_err *err;
};

/* Hash and write one chunk; its bytes end at o->at. */
static enum kl_rc put_chunk(struct out *o, const uint8_t *ptr, size_t len)
{
    uint8_t d[KL_DIGEST_BYTES];

    kl_digest(kl_span_make(ptr, len), d);
    KL_TRY(kl_buf_add(&o->digests, d, sizeof d));
    return kl_atomic_file_write_at(o->file, o->at - len, kl_span_make(ptr, len), o->err);
}

static enum kl_rc end_chunk(struct out *o)
{
    size_t len = o->chunk_len;

    o->chunk_len = 0;
    return put_chunk(o, o->chunk, len);
}

static enum kl_rc put(struct out *o, const void *ptr, size_t len)
{
    const uint8_t *p = ptr;

    while (len > 0) {
        size_t n = KL_INDEX_CHUNK_BYTES - o->chunk_len;
        n = n < len ? n : len;
        o->at += n;
        if (n == KL_INDEX_CHUNK_BYTES) { /* a whole one: no copy */
            KL_TRY(put_chunk(o, p, n));
        } else {
            memcpy(o->chunk + o->chunk_len, p, n);
            o->chunk_len += n;
            if (o->chunk_len == KL_INDEX_CHUNK_BYTES) {
                KL_TRY(end_chunk(o));
            }
        }
        p += n;
        len -= n;
    }
    return KL_OK;
}

static enum kl_rc align_page(struct out *o)
{
    static const uint8_t zeros[KL_INDEX_PAGE];

    return put(o, zeros, (KL_INDEX_PAGE - o->at % KL_INDEX_PAGE) % KL_INDEX_PAGE);
}

/* An anchor table while it is filled. */
struct table {
    uint8_t *buckets;
    uint8_t *n_taken; /* by bucket: small enough to stay in the cache, where the buckets are not */
    uint32_t slots;   /* of a bucket */
    uint32_t entry_bytes;
    uint32_t row_bits;
};

static inline void store_entry(uint8_t *bucket, uint32_t i, uint32_t entry_bytes, uint64_t e)
{
    if (entry_bytes == 4) {
        memcpy(bucket + (size_t)i * 4, &e, 4);
    } else {
        memcpy(bucket + (size_t)i * 5, &e, 5);
    }
}

/* Put one row into its bucket or the next ones with room; false when all are full. */
static bool insert(const struct table *t, const struct kl_index_anchor *a, uint64_t record,
                   uint64_t row)
{
    struct kl_tag home = {record & ~KL_INDEX_TAG_MASK, 0};
    uint32_t tag_bits = t->entry_bytes * 8 - t->row_bits;
    uint64_t entry = row | (record & ((1ull << tag_bits) - 1)) << t->row_bits;
    uint64_t b = kl_index_bucket(a, home);

    for (uint32_t step = 0; step < KL_INDEX_MAX_PROBE; step++) {
        if (t->n_taken[b] < t->slots) {
            uint32_t i = t->n_taken[b]++;
            store_entry(t->buckets + b * KL_INDEX_BUCKET_BYTES, i, t->entry_bytes, entry);
            return true;
        }
        b = b + 1 < a->n_buckets ? b + 1 : 0;
    }
    return false;
}

static uint64_t record_of(const struct kl_row_prints *rp, unsigned anchor, uint64_t row)
{
    return rp->chunks[row / KL_PRINTS_CHUNK_ROWS]
        .record[(size_t)anchor * KL_PRINTS_CHUNK_ROWS + row % KL_PRINTS_CHUNK_ROWS];
}

static void fill_table(const struct kl_row_prints *rp, unsigned number, const struct table *t,
                       struct kl_index_anchor *a)
{
    enum { AHEAD = 32 };

    for (uint64_t row = 0; row < rp->n_rows; row++) {
        if (row + AHEAD < rp->n_rows) {
            struct kl_tag home = {record_of(rp, number, row + AHEAD) & ~KL_INDEX_TAG_MASK, 0};
            __builtin_prefetch(t->buckets + kl_index_bucket(a, home) * KL_INDEX_BUCKET_BYTES, 1);
        }
        uint64_t record = record_of(rp, number, row);
        if (record == 0) {
            continue;
        }
        if (insert(t, a, record, row)) {
            a->n_entries++;
        } else {
            a->n_dropped++;
        }
    }
}

static void table_done(struct table *t)
{
    free(t->n_taken);
    free(t->buckets);
    t->n_taken = NULL;
    t->buckets = NULL;
}

/*
 * Fill until every row has a place: three quarters full (5.3 bytes an entry; most lookups read one
 * line), a little less when a crowd of buckets had no room. What still has none is a value too
 * common to anchor.
 */
static enum kl_rc build_table(const struct kl_row_prints *rp, unsigned number, uint64_t n_rows,
                              struct table *t, struct kl_index_anchor *a)
{
    enum { GROWTHS = 3 };

    for (unsigned growth = 0; growth <= GROWTHS; growth++) {
        a->n_buckets = n_rows * 4 / (3 * t->slots) + n_rows * growth / (12 * t->slots) + 1;
        a->n_entries = 0;
        a->n_dropped = 0;
        t->n_taken = calloc(a->n_buckets, 1);
        size_t bytes = a->n_buckets * KL_INDEX_BUCKET_BYTES;
        if (t->n_taken == NULL || posix_memalign((void **)&t->buckets, 64, bytes) != 0) {
            return KL_E_NOMEM;
        }
        memset(t->buckets, 0xFF, bytes);
        fill_table(rp, number, t, a);
        if (a->n_dropped == 0 || growth == GROWTHS) {
            break;
        }
        table_done(t);
    }
    return KL_OK;
}

static enum kl_rc put_anchor(struct out *o, const struct kl_row_prints *rp,
                             const struct kl_index_header *h, unsigned number,
                             struct kl_index_anchor *a)
{
    struct table t = {.slots = KL_INDEX_BUCKET_BYTES / h->entry_bytes,
                      .entry_bytes = h->entry_bytes,
                      .row_bits = h->row_bits};
    uint64_t n = 0;

    for (uint64_t row = 0; row < rp->n_rows; row++) {
        n += record_of(rp, number, row) != 0;
    }
    *a = (struct kl_index_anchor){.n_columns = rp->anchors[number].n_columns};
    for (uint32_t k = 0; k < a->n_columns; k++) {
        a->columns[k] = rp->anchors[number].columns[k];
    }
    KL_TRY(align_page(o));
    a->at = o->at;
    enum kl_rc rc = build_table(rp, number, n, &t, a);
    if (rc != KL_OK) {
        table_done(&t);
        return kl_fail(o->err, rc, "out of memory for an anchor table");
    }
    if (h->entry_bytes == 5) { /* the spare bytes of a bucket of 12 entries: one form only */
        for (uint64_t b = 0; b < a->n_buckets; b++) {
            memset(t.buckets + b * KL_INDEX_BUCKET_BYTES + 60, 0, 4);
        }
    }
    rc = put(o, t.buckets, a->n_buckets * KL_INDEX_BUCKET_BYTES);
    table_done(&t);
    return rc;
}

static enum kl_rc put_sketch(struct out *o, const struct kl_row_prints *rp,
                             struct kl_index_header *h)
{
    KL_TRY(align_page(o));
    h->sketch_at = o->at;
    for (uint64_t row = 0; row < rp->n_rows; row += KL_PRINTS_CHUNK_ROWS) {
        uint64_t n =
            rp->n_rows - row < KL_PRINTS_CHUNK_ROWS ? rp->n_rows - row : KL_PRINTS_CHUNK_ROWS;
        KL_TRY(put(o, rp->chunks[row / KL_PRINTS_CHUNK_ROWS].sketch, n * rp->n_slots * 2));
    }
    return KL_OK;
}

/* 8 x log2(rows / count), the counts folded to 2^log2 classes: more collisions, fewer bits claimed.
 */
static enum kl_rc put_rarity(struct out *o, const struct kl_row_prints *rp,
                             struct kl_index_header *h)
{
    size_t n = (size_t)1 << h->rarity_log2;
    size_t step = ((size_t)1 << KL_PRINTS_RARITY_LOG2) / n;

    KL_TRY(align_page(o));
    h->rarity_at = o->at;
    for (unsigned s = 0; s < rp->n_slots; s++) {
        const uint32_t *counts = rp->counts + ((size_t)s << KL_PRINTS_RARITY_LOG2);
        for (size_t i = 0; i < n; i++) {
            uint64_t sum = 0;
            for (size_t k = 0; k < step; k++) {
                sum += counts[i + k * n];
            }
            double bits = log2((double)rp->n_rows / (double)(sum > 0 ? sum : 1));
            uint8_t v = (uint8_t)(bits > 16 ? 128 : bits * 8);
            KL_TRY(put(o, &v, 1));
        }
    }
    return KL_OK;
}

static enum kl_rc put_vocab(struct out *o, const struct kl_row_prints *rp,
                            struct kl_index_header *h)
{
    size_t full = (size_t)1 << (KL_PRINTS_VOCAB_LOG2 - 3);
    size_t n = h->vocab_bits / 8;

    KL_TRY(align_page(o));
    h->vocab_at = o->at;
    for (size_t i = 0; i < n; i++) {
        uint8_t v = 0;
        for (size_t k = i; k < full; k += n) {
            v |= rp->vocab[k];
        }
        KL_TRY(put(o, &v, 1));
    }
    return align_page(o);
}

static void describe_columns(const struct kl_row_prints *rp, struct kl_index_column *cols)
{
    const struct kl_schema *s = rp->schema;

    for (unsigned i = 0; i < s->n_columns; i++) {
        const struct kl_schema_column *c = &s->columns[i];
        struct kl_index_column *out = &cols[i];
        memcpy(out->name, c->name, sizeof out->name);
        out->type = (uint8_t)c->type;
        out->role = (uint8_t)c->role;
        out->flags = c->special ? KL_INDEX_SPECIAL : 0;
        out->is_derived = c->derived_from >= 0;
        out->derived_from = c->derived_from >= 0 ? (uint32_t)c->derived_from : 0;
        out->slot = rp->column_slot[i];
        if (out->slot != KL_INDEX_NO_SLOT) {
            out->n_filled = rp->n_filled[out->slot];
            out->n_unusable = rp->n_unusable[out->slot];
        }
        if (kl_schema_is_key(c)) {
            out->density = kl_row_prints_density(rp, out->slot);
        }
    }
}

static uint32_t log2_ceil(uint64_t n)
{
    return n <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(n - 1);
}

static void plan_header(const struct kl_row_prints *rp, const struct kl_key *key,
                        struct kl_index_header *h)
{
    struct timeval now;
    const struct kl_schema *s = rp->schema;
    size_t tables = sizeof *h + s->n_columns * sizeof(struct kl_index_column) +
                    rp->n_anchors * sizeof(struct kl_index_anchor) + KL_INDEX_SIGN_BYTES;
    uint32_t bits = log2_ceil(rp->n_rows + 1);

    memcpy(h->magic, KL_INDEX_MAGIC, 8);
    h->version = KL_INDEX_VERSION;
    h->header_bytes = (uint32_t)((tables + KL_INDEX_PAGE - 1) / KL_INDEX_PAGE * KL_INDEX_PAGE);
    h->n_rows = rp->n_rows;
    (void)gettimeofday(&now, NULL);
    h->built_at_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
    h->fold_id = kl_fold_table_id();
    kl_key_check_value(key, s->name, h->key_check);
    memcpy(h->key_id, kl_key_id_get(key), sizeof h->key_id);
    kl_random(h->index_id, sizeof h->index_id);
    memcpy(h->name, s->name, sizeof h->name);
    memcpy(h->jurisdiction, s->jurisdiction, sizeof h->jurisdiction);
    h->n_columns = s->n_columns;
    h->n_slots = rp->n_slots;
    h->n_anchors = rp->n_anchors;
    h->entry_bytes = bits <= 24 ? 4 : 5;
    uint32_t least = h->entry_bytes == 4 ? 8 : 16; /* a record keeps 24 bits of tag */
    h->row_bits = bits > least ? bits : least;
    /* Small registers get small tables: 4 classes a row, 16 vocabulary bits a row. */
    uint32_t rarity = log2_ceil(rp->n_rows) + 2;
    h->rarity_log2 = rarity < 8                       ? 8
                     : rarity > KL_PRINTS_RARITY_LOG2 ? KL_PRINTS_RARITY_LOG2
                                                      : rarity;
    uint32_t vocab = log2_ceil(rp->n_rows) + 4;
    h->vocab_bits = 1ull << (vocab < 12                     ? 12
                             : vocab > KL_PRINTS_VOCAB_LOG2 ? KL_PRINTS_VOCAB_LOG2
                                                            : vocab);
}

static enum kl_rc put_body(struct out *o, const struct kl_row_prints *rp, uint8_t *header)
{
    struct kl_index_header *h = (struct kl_index_header *)(void *)header;
    struct kl_index_column *cols = (struct kl_index_column *)(void *)(h + 1);
    struct kl_index_anchor *anchors = (struct kl_index_anchor *)(void *)(cols + h->n_columns);

    o->at = h->header_bytes;
    for (unsigned a = 0; a < rp->n_anchors; a++) {
        KL_TRY(put_anchor(o, rp, h, a, &anchors[a]));
    }
    KL_TRY(put_sketch(o, rp, h));
    KL_TRY(put_rarity(o, rp, h));
    KL_TRY(put_vocab(o, rp, h));
    if (o->chunk_len > 0) {
        KL_TRY(end_chunk(o));
    }
    describe_columns(rp, cols);
    h->chunks_at = o->at;
    h->n_chunks = o->digests.len / KL_DIGEST_BYTES;
    h->file_bytes = o->at + o->digests.len;
    kl_digest(kl_buf_span(&o->digests), h->chunks_digest);
    return kl_atomic_file_write_at(o->file, o->at, kl_buf_span(&o->digests), o->err);
}

enum kl_rc kl_index_write(const struct kl_row_prints *rp, const struct kl_key *key,
                          const char *path, uint8_t **out_header, struct kl_err *err)
{
    struct out o = {.err = err};
    uint8_t *header = NULL;
    struct kl_index_header plan = {.n_rows = 0};
    enum kl_rc rc;

    kl_buf_init(&o.digests, SIZE_MAX / 2);
    if (rp->n_rows == 0 || rp->n_rows >= UINT32_MAX - 1) {
        return kl_fail(err, KL_E_LIMIT, "an index holds 1 to 4,294,967,293 rows");
    }
    plan_header(rp, key, &plan);
    header = calloc(1, plan.header_bytes);
    o.chunk = malloc(KL_INDEX_CHUNK_BYTES);
    if (header == NULL || o.chunk == NULL) {
        rc = kl_fail(err, KL_E_NOMEM, "out of memory for the index header");
        goto out;
    }
    memcpy(header, &plan, sizeof plan);
    rc = kl_atomic_file_new(path, 0644, &o.file, err);
    if (rc != KL_OK) {
        goto out;
    }
    rc = put_body(&o, rp, header);
    if (rc != KL_OK) {
        rc = kl_fail(err, rc, "the index cannot be written");
        goto out;
    }
    size_t signed_bytes = plan.header_bytes - KL_INDEX_SIGN_BYTES;
    kl_key_sign(key, kl_span_make(header, signed_bytes), header + signed_bytes);
    rc = kl_atomic_file_write_at(o.file, 0, kl_span_make(header, plan.header_bytes), err);
    if (rc == KL_OK) {
        rc = kl_atomic_file_commit(o.file, err);
    }
    if (rc == KL_OK && out_header != NULL) {
        *out_header = header;
        header = NULL;
    }
out:
    kl_atomic_file_free(&o.file);
    kl_buf_done(&o.digests);
    free(o.chunk);
    free(header);
    return rc;
}
