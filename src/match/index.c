#include "match/index.h"

#include "base/fold.h"
#include "crypt/digest.h"

#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define DAMAGED "the index is damaged (%s); build it again"

static bool name_ok(const char *name, size_t cap)
{
    size_t n = strnlen(name, cap);

    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f) {
            return false;
        }
    }
    return n > 0 && n < cap;
}

/* A section [at, at + len) lies page-aligned in the body. */
static bool section_ok(const struct kl_index_header *h, uint64_t at, uint64_t len)
{
    return at % KL_INDEX_PAGE == 0 && at >= h->header_bytes && at <= h->chunks_at &&
           len <= h->chunks_at - at;
}

static bool counts_ok(struct kl_span file, const struct kl_index_header *h)
{
    uint64_t tables = sizeof *h + (uint64_t)h->n_columns * sizeof(struct kl_index_column) +
                      (uint64_t)h->n_anchors * sizeof(struct kl_index_anchor) + KL_INDEX_SIGN_BYTES;

    return h->n_columns > 0 && h->n_columns <= 4096 && h->n_slots <= KL_MAX_COLUMNS &&
           h->n_anchors <= KL_MAX_ANCHORS && h->header_bytes % KL_INDEX_PAGE == 0 &&
           h->header_bytes <= file.len && tables <= h->header_bytes;
}

/* An entry holds a row and 8 to 24 bits of tag; the last row number means "free". */
static bool entries_ok(const struct kl_index_header *h)
{
    uint32_t bits = h->entry_bytes * 8;

    return (h->entry_bytes == 4 || h->entry_bytes == 5) && h->row_bits >= 1 && h->row_bits <= 32 &&
           h->row_bits + 8 <= bits && h->row_bits + 24 >= bits && h->n_rows > 0 &&
           h->n_rows < 1ull << h->row_bits;
}

static bool vocab_ok(const struct kl_index_header *h)
{
    return (h->vocab_bits & (h->vocab_bits - 1)) == 0 && h->vocab_bits <= 1ull << 32 &&
           h->vocab_bits >= 64;
}

static bool chunk_table_ok(struct kl_span file, const struct kl_index_header *h)
{
    if (h->chunks_at < h->header_bytes || h->chunks_at > file.len) {
        return false;
    }
    uint64_t body = h->chunks_at - h->header_bytes;
    return h->n_chunks == (body + KL_INDEX_CHUNK_BYTES - 1) / KL_INDEX_CHUNK_BYTES &&
           file.len - h->chunks_at == h->n_chunks * KL_DIGEST_BYTES;
}

/* It is printed when the key is wrong. */
static bool key_id_ok(const struct kl_index_header *h)
{
    for (size_t i = 0; i < sizeof h->key_id; i++) {
        if ((uint8_t)(h->key_id[i] - '0') > 9 && (uint8_t)(h->key_id[i] - 'a') > 5) {
            return false;
        }
    }
    return true;
}

static enum kl_rc check_header(struct kl_span file, const struct kl_index_header *h,
                               struct kl_err *err)
{
    if (file.len < KL_INDEX_PAGE || memcmp(h->magic, KL_INDEX_MAGIC, 8) != 0) {
        return kl_fail(err, KL_E_FORMAT, "not a kulla index (make one with: kulla register build)");
    }
    if (h->version != KL_INDEX_VERSION) {
        return kl_fail(err, KL_E_FORMAT, "index of format %u, this kulla reads %u; build it again",
                       h->version, KL_INDEX_VERSION);
    }
    if (h->file_bytes != file.len) {
        return kl_fail(err, KL_E_FORMAT,
                       "the index is cut or has grown: %zu bytes, not %llu; "
                       "copy or build it again",
                       file.len, (unsigned long long)h->file_bytes);
    }
    if (!counts_ok(file, h)) {
        return kl_fail(err, KL_E_FORMAT, DAMAGED, "header counts");
    }
    if (!entries_ok(h) || h->rarity_log2 > 16 || !vocab_ok(h)) {
        return kl_fail(err, KL_E_FORMAT, DAMAGED, "header sizes");
    }
    if (!chunk_table_ok(file, h)) {
        return kl_fail(err, KL_E_FORMAT, DAMAGED, "chunk table");
    }
    if (!key_id_ok(h)) {
        return kl_fail(err, KL_E_FORMAT, DAMAGED, "key id");
    }
    return name_ok(h->name, sizeof h->name) ? KL_OK : kl_fail(err, KL_E_FORMAT, DAMAGED, "name");
}

static bool column_ok(const struct kl_index_header *h, const struct kl_index_column *c)
{
    return name_ok(c->name, sizeof c->name) && c->type <= KL_TYPE_IBAN && c->type != KL_TYPE_NONE &&
           c->role <= KL_ROLE_IGNORE && (c->slot < h->n_slots || c->slot == KL_INDEX_NO_SLOT) &&
           (!c->is_derived || c->derived_from < h->n_columns);
}

static bool anchor_ok(const struct kl_index *ix, const struct kl_index_anchor *a)
{
    const struct kl_index_header *h = ix->head;

    if (a->n_columns == 0 || a->n_columns > KL_INDEX_MAX_TUPLE || a->n_buckets == 0 ||
        a->n_buckets > h->file_bytes / KL_INDEX_BUCKET_BYTES ||
        !section_ok(h, a->at, a->n_buckets * KL_INDEX_BUCKET_BYTES)) {
        return false;
    }
    for (uint32_t k = 0; k < a->n_columns; k++) {
        if (a->columns[k] >= h->n_columns || ix->columns[a->columns[k]].slot == KL_INDEX_NO_SLOT) {
            return false;
        }
    }
    return true;
}

static enum kl_rc check_sections(const struct kl_index *ix, struct kl_err *err)
{
    const struct kl_index_header *h = ix->head;

    if (h->n_rows > UINT64_MAX / 2 / KL_MAX_COLUMNS ||
        !section_ok(h, h->sketch_at, h->n_rows * h->n_slots * 2) ||
        !section_ok(h, h->rarity_at, (uint64_t)h->n_slots << h->rarity_log2) ||
        !section_ok(h, h->vocab_at, h->vocab_bits / 8)) {
        return kl_fail(err, KL_E_FORMAT, DAMAGED, "sections");
    }
    for (uint32_t i = 0; i < h->n_columns; i++) {
        if (!column_ok(h, &ix->columns[i])) {
            return kl_fail(err, KL_E_FORMAT, DAMAGED, "columns");
        }
    }
    for (uint32_t i = 0; i < h->n_anchors; i++) {
        if (!anchor_ok(ix, &ix->anchors[i])) {
            return kl_fail(err, KL_E_FORMAT, DAMAGED, "anchors");
        }
    }
    return KL_OK;
}

static enum kl_rc check_chunks(struct kl_span file, const struct kl_index_header *h,
                               struct kl_err *err)
{
    uint8_t d[KL_DIGEST_CHUNKS][KL_DIGEST_BYTES];
    struct kl_span table = kl_span_part(file, h->chunks_at, file.len);
    struct kl_span body = kl_span_part(file, h->header_bytes, h->chunks_at);
    const uint8_t *want = table.ptr;

    kl_digest(table, d[0]);
    if (memcmp(d[0], h->chunks_digest, sizeof d[0]) != 0) {
        return kl_fail(err, KL_E_FORMAT, DAMAGED, "chunk table digest");
    }
    for (uint64_t at = 0; at < h->n_chunks; at += KL_DIGEST_CHUNKS) {
        struct kl_span left = kl_span_part(body, at * KL_INDEX_CHUNK_BYTES, body.len);
        size_t n = kl_digest_chunks(left, KL_INDEX_CHUNK_BYTES, d);
        for (size_t i = 0; i < n; i++, want += KL_DIGEST_BYTES) {
            if (memcmp(d[i], want, KL_DIGEST_BYTES) != 0) {
                return kl_fail(
                    err, KL_E_FORMAT,
                    "the index is damaged in MiB %llu of its body; copy or build it again",
                    (unsigned long long)(at + i) + 1);
            }
        }
    }
    return KL_OK;
}

static enum kl_rc check_key(struct kl_span file, const struct kl_index_header *h,
                            const struct kl_key *key, struct kl_err *err)
{
    uint8_t check[8];

    kl_key_check_value(key, h->name, check);
    if (memcmp(check, h->key_check, sizeof check) != 0) {
        return kl_fail(err, KL_E_KEY, "wrong key: the index was built with key %.16s, this is %s",
                       h->key_id, kl_key_id_get(key));
    }
    size_t signed_bytes = h->header_bytes - KL_INDEX_SIGN_BYTES;
    if (kl_key_verify(key, kl_span_part(file, 0, signed_bytes), file.ptr + signed_bytes) != KL_OK) {
        return kl_fail(err, KL_E_FORMAT,
                       "the index's signature does not verify: it was changed after it was built");
    }
    if (h->fold_id != kl_fold_table_id()) {
        return kl_fail(err, KL_E_FORMAT,
                       "the index was built with another folding table; "
                       "build it again with this kulla");
    }
    return KL_OK;
}

/* What is asked of a column again and again, by its slot. */
static void fill_slots(struct kl_index *ix)
{
    for (uint32_t i = 0; i < ix->head->n_columns; i++) {
        const struct kl_index_column *c = &ix->columns[i];
        if (c->slot == KL_INDEX_NO_SLOT) {
            continue;
        }
        double d = c->density;
        ix->slot_column[c->slot] = i;
        ix->slot_type[c->slot] = c->type;
        ix->slot_domain[c->slot] = (uint8_t)kl_type_domain((enum kl_type)c->type);
        ix->key_bits[c->slot] = ix->log2_rows - log2(d > 1e-9 ? (d < 1 ? d : 1) : 1e-9);
        if (c->is_derived && ix->columns[c->derived_from].slot != KL_INDEX_NO_SLOT) {
            ix->derived |= 1ull << c->slot;
            ix->derived_from[c->slot] = (uint8_t)ix->columns[c->derived_from].slot;
        }
    }
}

enum kl_rc kl_index_check(struct kl_span file, const struct kl_key *key, struct kl_index *out_ix,
                          struct kl_err *err)
{
    struct kl_index ix = {.map = file.ptr, .map_len = file.len};

    if (file.len < KL_INDEX_PAGE) {
        return kl_fail(err, KL_E_FORMAT, "not a kulla index (make one with: kulla register build)");
    }
    ix.head = (const struct kl_index_header *)(const void *)file.ptr;
    KL_TRY(check_header(file, ix.head, err));
    ix.columns = (const struct kl_index_column *)(const void *)(ix.head + 1);
    ix.anchors = (const struct kl_index_anchor *)(const void *)(ix.columns + ix.head->n_columns);
    KL_TRY(check_sections(&ix, err));
    KL_TRY(check_chunks(file, ix.head, err));
    if (key != NULL) {
        KL_TRY(check_key(file, ix.head, key, err));
        kl_key_prf(key, ix.head->name, &ix.prf);
    }
    ix.sketch = (const uint16_t *)(const void *)(file.ptr + ix.head->sketch_at);
    ix.rarity = file.ptr + ix.head->rarity_at;
    ix.vocab = file.ptr + ix.head->vocab_at;
    ix.log2_rows = log2((double)ix.head->n_rows);
    fill_slots(&ix);
    for (size_t i = 0; i < 16; i++) {
        static const char hex[] = "0123456789abcdef";
        ix.id[2 * i] = hex[ix.head->index_id[i] >> 4];
        ix.id[2 * i + 1] = hex[ix.head->index_id[i] & 15];
    }
    *out_ix = ix;
    return KL_OK;
}

static enum kl_rc map_file(const char *path, struct kl_span *out_file, struct kl_err *err)
{
    struct stat st;
    enum kl_rc rc = KL_OK;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return kl_fail_errno(err, "cannot open the index");
    }
    if (fstat(fd, &st) != 0) {
        rc = kl_fail_errno(err, "cannot read the index");
    } else if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
        rc = kl_fail(err, KL_E_FORMAT, "not a kulla index (make one with: kulla register build)");
    } else {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (p == MAP_FAILED) {
            rc = kl_fail_errno(err, "cannot map the index");
        } else {
            *out_file = kl_span_make(p, (size_t)st.st_size);
        }
    }
    (void)close(fd);
    return rc;
}

enum kl_rc kl_index_open(const char *path, const struct kl_key *key, struct kl_index **out_ix,
                         struct kl_err *err)
{
    struct kl_span file = {NULL, 0};
    struct kl_index *ix = NULL;

    enum kl_rc rc = map_file(path, &file, err);
    if (rc != KL_OK) {
        return rc;
    }
    if (posix_memalign((void **)&ix, 64, sizeof *ix) != 0) {
        rc = kl_fail(err, KL_E_NOMEM, "out of memory for the index");
        goto out;
    }
    rc = kl_index_check(file, key, ix, err);
out:
    if (rc != KL_OK) {
        free(ix);
        (void)munmap((void *)(uintptr_t)file.ptr, file.len);
    } else {
        *out_ix = ix;
    }
    return rc;
}

void kl_index_free(struct kl_index **ix)
{
    if (*ix != NULL) {
        (void)munmap((void *)(uintptr_t)(*ix)->map, (*ix)->map_len);
        kl_prf_done(&(*ix)->prf);
        free(*ix);
        *ix = NULL;
    }
}

void kl_index_tuple_tags(const struct kl_prf *prf, struct kl_tag *sums, size_t n, uint32_t anchor)
{
    /* Row cells set bits 0..47 of lo; a tuple sets bit 63, so the inputs differ in form. */
    for (size_t i = 0; i < n; i++) {
        sums[i].lo ^= 1ull << 63 | (uint64_t)anchor << 48;
    }
    kl_prf_tweak(prf, sums, n);
}

/* Entry i of a bucket; entry_bytes is a constant wherever this is inlined. */
static inline uint64_t entry_at(const uint8_t *bucket, uint32_t i, uint32_t entry_bytes)
{
    const uint8_t *p = bucket + (size_t)i * entry_bytes;
    uint32_t low;

    /* not one memcpy into eight bytes: the processor would wait for both parts to be stored */
    memcpy(&low, p, sizeof low);
    return entry_bytes == 4 ? low : low | (uint64_t)p[4] << 32;
}

/* Bit i: entry i of the bucket has this tag. */
static inline uint32_t match(const uint8_t *bucket, uint32_t entry_bytes, uint32_t row_bits,
                             uint32_t tag)
{
    uint32_t hits = 0;
#if defined(__SSE2__)
    if (entry_bytes == 4) {
        const __m128i *b = (const __m128i *)(const void *)bucket;
        __m128i want = _mm_set1_epi32((int)tag);
        __m128i shift = _mm_cvtsi32_si128((int)row_bits);
        __m128i e0 = _mm_cmpeq_epi32(_mm_srl_epi32(_mm_load_si128(b), shift), want);
        __m128i e1 = _mm_cmpeq_epi32(_mm_srl_epi32(_mm_load_si128(b + 1), shift), want);
        __m128i e2 = _mm_cmpeq_epi32(_mm_srl_epi32(_mm_load_si128(b + 2), shift), want);
        __m128i e3 = _mm_cmpeq_epi32(_mm_srl_epi32(_mm_load_si128(b + 3), shift), want);
        return (uint32_t)_mm_movemask_epi8(
            _mm_packs_epi16(_mm_packs_epi32(e0, e1), _mm_packs_epi32(e2, e3)));
    }
#endif
    for (uint32_t i = 0; i < KL_INDEX_BUCKET_BYTES / entry_bytes; i++) {
        hits |= (uint32_t)(entry_at(bucket, i, entry_bytes) >> row_bits == tag) << i;
    }
    return hits;
}

/* Add what one bucket says to a try. @return true when the bucket is full: entries spilled over */
static inline bool look(const struct kl_index_header *h, const uint8_t *bucket,
                        uint32_t entry_bytes, struct kl_index_try *t)
{
    uint32_t tag_bits = entry_bytes * 8 - h->row_bits;
    uint32_t tag = kl_index_tag(t->tag) & (uint32_t)((1ull << tag_bits) - 1);
    uint64_t row_mask = (1ull << h->row_bits) - 1;
    uint64_t free_entry = (1ull << entry_bytes * 8) - 1;
    uint32_t hits = match(bucket, entry_bytes, h->row_bits, tag);

    do { /* written always, kept when it is a row: whether there is one cannot be predicted */
        uint32_t i = hits != 0 ? (uint32_t)__builtin_ctz(hits) : 0;
        uint64_t row = entry_at(bucket, i, entry_bytes) & row_mask;
        bool is = (hits != 0) & (row < h->n_rows) & (t->n < KL_MAX_ROWS_PER_KEY);
        t->row[t->n] = (uint32_t)row;
        t->n += is;
        hits &= hits - 1;
    } while (hits != 0);
    return entry_at(bucket, KL_INDEX_BUCKET_BYTES / entry_bytes - 1, entry_bytes) != free_entry;
}

static inline const uint8_t *bucket_at(const struct kl_index *ix, const struct kl_index_anchor *a,
                                       uint64_t bucket)
{
    return ix->map + a->at + bucket * KL_INDEX_BUCKET_BYTES;
}

/* A processor has room for few misses at a time: so many tries ahead are fetched. */
#define AHEAD 16u

/* Round by round, each try whose bucket was full goes on to the next one. */
static inline void probe(const struct kl_index *ix, uint32_t entry_bytes,
                         struct kl_index_try *tries, size_t n)
{
    __attribute__((uninitialized)) uint64_t bucket[KL_INDEX_TRIES];
    uint8_t open[KL_INDEX_TRIES] = {0};

    for (size_t i = 0; i < n; i++) {
        bucket[i] = kl_index_bucket(tries[i].anchor, tries[i].tag);
        tries[i].n = 0;
        open[i] = (uint8_t)i;
    }
    for (uint32_t step = 0; step < KL_INDEX_MAX_PROBE && n > 0; step++) {
        size_t n_open = 0;
        for (size_t k = 0; k < n && k < AHEAD; k++) {
            __builtin_prefetch(bucket_at(ix, tries[open[k]].anchor, bucket[open[k]]));
        }
        for (size_t k = 0; k < n; k++) {
            uint8_t i = open[k + AHEAD < n ? k + AHEAD : k];
            __builtin_prefetch(bucket_at(ix, tries[i].anchor, bucket[i]));
            i = open[k];
            const struct kl_index_anchor *a = tries[i].anchor;
            open[n_open] = i;
            n_open += look(ix->head, bucket_at(ix, a, bucket[i]), entry_bytes, &tries[i]);
            bucket[i] = bucket[i] + 1 < a->n_buckets ? bucket[i] + 1 : 0;
        }
        n = n_open;
    }
}

void kl_index_probe(const struct kl_index *ix, struct kl_index_try *tries, size_t n)
{
    assert(n <= KL_INDEX_TRIES);
    if (ix->head->entry_bytes == 4) {
        probe(ix, 4, tries, n);
    } else {
        probe(ix, 5, tries, n);
    }
}
