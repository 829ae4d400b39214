/*
 * A tiny valid index with bytes changed. The input: byte 0 bit 0 makes the digests right
 * again, bits 1..7 cut the file; then triples (offset low, offset high, byte).
 * Targets: kl_index_check, kl_index_probe, kl_index_cell, kl_index_rarity, kl_index_has_word.
 * Properties: what passes can be probed without a wild read; a refusal says why in plain text.
 */
#include <assert.h>
#include <unistd.h>

#include "../unit/small_register.h"
#include "crypt/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *good;
static size_t good_len;

static void make(void)
{
    char path[] = "/tmp/kulla-fuzz-XXXXXX";
    int fd = mkstemp(path);

    if (fd < 0 || close(fd) != 0 || small_index_write(path, 20, true, NULL) != KL_OK) {
        abort();
    }
    FILE *f = fopen(path, "rb");
    good = malloc(1u << 20);
    good_len = f != NULL ? fread(good, 1, 1u << 20, f) : 0;
    assert(good_len > KL_INDEX_PAGE && good_len < 1u << 20);
    (void)fclose(f);
    (void)unlink(path);
}

/* Digests as the changed header wants them, where they lie in the file. */
static void redigest(uint8_t *file, size_t len)
{
    struct kl_index_header *h = (struct kl_index_header *)(void *)file;

    if (len < KL_INDEX_PAGE || h->chunks_at > len || h->header_bytes > h->chunks_at) {
        return;
    }
    for (uint64_t i = 0; i < h->n_chunks && h->chunks_at + (i + 1) * KL_DIGEST_BYTES <= len; i++) {
        struct kl_span body = kl_span_part(kl_span_make(file, len), h->header_bytes, h->chunks_at);
        kl_digest(kl_span_part(body, i * KL_INDEX_CHUNK_BYTES, (i + 1) * KL_INDEX_CHUNK_BYTES),
                  file + h->chunks_at + i * KL_DIGEST_BYTES);
    }
    kl_digest(kl_span_part(kl_span_make(file, len), h->chunks_at, len), h->chunks_digest);
}

static void use(const struct kl_index *ix)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < 64; i++) {
        struct kl_tag t = {i * 0x9E3779B97F4A7C15u, (i ^ 3) * 0xC2B2AE3D27D4EB4Fu};
        sum += kl_index_has_word(ix, t);
        for (uint32_t a = 0; a < ix->head->n_anchors; a++) {
            struct kl_index_try try = {.tag = t, .anchor = &ix->anchors[a]};
            kl_index_probe(ix, &try, 1);
            assert(try.n <= KL_MAX_ROWS_PER_KEY);
            for (unsigned r = 0; r < try.n; r++) {
                assert(try.row[r] < ix->head->n_rows);
                for (uint32_t s = 0; s < ix->head->n_slots; s++) {
                    sum += kl_index_cell(ix, try.row[r], s) + (uint64_t)kl_index_rarity(ix, s, t);
                }
            }
        }
    }
    for (uint32_t s = 0; s < ix->head->n_slots; s++) {
        assert(ix->slot_column[s] < ix->head->n_columns);
        assert(kl_type_name((enum kl_type)ix->columns[ix->slot_column[s]].type) != NULL);
        assert(ix->key_bits[s] >= 0);
    }
    assert(sum != UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = NULL;
    struct kl_index ix;
    struct kl_err err = {.rc = KL_OK};

    if (good == NULL) {
        make();
    }
    if (size < 1) {
        return 0;
    }
    size_t cut = (size_t)(data[0] >> 1) * 211;
    size_t len = cut < good_len ? good_len - cut : 0;
    if (posix_memalign((void **)&file, 64, len > 0 ? len : 1) != 0) {
        abort();
    }
    memcpy(file, good, len);
    for (size_t i = 1; i + 3 <= size; i += 3) {
        size_t at = (size_t)data[i] | (size_t)data[i + 1] << 8;
        if (at < len) {
            file[at] = data[i + 2];
        }
    }
    if ((data[0] & 1) != 0) {
        redigest(file, len);
    }
    if (kl_index_check(kl_span_make(file, len), NULL, &ix, &err) == KL_OK) {
        use(&ix);
    } else {
        assert(err.what[0] != '\0');
        for (const char *p = err.what; *p != '\0'; p++) {
            assert(*p >= 0x20 && *p < 0x7f);
        }
    }
    free(file);
    return 0;
}
