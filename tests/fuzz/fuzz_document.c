/*
 * Any text against the index of 40 synthetic people. Byte 0: bit 0 table, the rest the size
 * of the blocks.
 * Targets: kl_match_block, kl_match_part_end, kl_match_finish, kl_record_find, kl_record_split,
 * kl_forms_build, kl_evidence_weigh.
 * Properties: no more rows than the register has; the finding agrees with the matcher.
 */
#include <assert.h>
#include <unistd.h>

#include "../unit/small_register.h"
#include "match/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kl_match *matcher(struct kl_index **out_ix)
{
    char path[] = "/tmp/kulla-fuzz-XXXXXX";
    static const double bits[] = {17};
    struct kl_key *key = NULL;
    struct kl_match *m = NULL;
    int fd = mkstemp(path);

    if (fd < 0 || close(fd) != 0 || kl_key_from_bytes(small_secret, &key) != KL_OK ||
        small_index_write(path, 40, true, NULL) != KL_OK ||
        kl_index_open(path, key, out_ix, NULL) != KL_OK ||
        kl_match_new((const struct kl_index *const *)out_ix, 1, bits, &m) != KL_OK) {
        abort();
    }
    (void)unlink(path);
    kl_key_free(&key);
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_index *ix;
    static struct kl_match *m;
    struct kl_finding f;

    if (m == NULL) {
        m = matcher(&ix);
    }
    if (size < 1) {
        return 0;
    }
    size_t step = data[0] < 2 ? size : 8u * (data[0] >> 1);
    if (kl_finding_init(&f, "d") != KL_OK) {
        return 0;
    }
    kl_match_begin(m);
    assert(kl_match_part_begin(m, KL_SPAN_LIT("p"), (data[0] & 1) != 0) == KL_OK);
    for (size_t at = 1; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        uint8_t *exact = malloc(n);
        memcpy(exact, data + at, n);
        assert(kl_match_block(m, kl_span_make(exact, n)) == KL_OK);
        free(exact);
    }
    assert(kl_match_part_end(m) == KL_OK);
    assert(kl_match_finish(m, &f) == KL_OK);
    uint64_t rows = kl_match_rows_get(m);
    assert(rows <= 40 && (rows == 0 || f.n_registers == 1));
    for (size_t i = 0; i < f.n_registers; i++) {
        const struct kl_finding_register *r = &f.registers[i];
        assert(r->n_rows == rows && r->n_rows + r->n_weak_rows <= 40 && r->log10_chance <= 0);
        for (size_t c = 0; c < r->n_columns; c++) {
            assert(r->columns[c].n_cells <= rows);
        }
    }
    kl_finding_done(&f);
    return 0;
}
