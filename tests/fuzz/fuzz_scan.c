/*
 * Targets: match/scan*.c. The first two bytes choose the kinds. All paths give the same
 * candidates, also when asked for in pieces; they lie inside the text, are sorted and canonical.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "match/scan.h"

#define CAP 4096u

static size_t scan_at(enum kl_cpu_level level, struct kl_span t, uint32_t want, struct kl_cand *out,
                      size_t *out_from)
{
    kl_cpu_level_set(level);
    return kl_scan(t, want, 0, out, CAP, out_from);
}

static void check(const struct kl_cand *c, struct kl_span t, uint32_t want)
{
    assert(c->len > 0 && c->at + c->len <= t.len && (want & KL_WANT(c->kind)) != 0);
    assert(c->n_canon > 0 && c->n_canon <= 31);
    for (unsigned i = 0; i < 31; i++) {
        uint8_t b = c->canon[i];
        assert(i < c->n_canon ? b > ' ' && b < 0x7f : b == 0);
        if (i < c->n_canon && c->kind != KL_CAND_EMAIL) {
            assert((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || b == '.');
        }
    }
    assert(c->kind != KL_CAND_NID || c->n_canon == 9);
    assert(c->kind != KL_CAND_PHONE || c->n_canon == 9 || c->n_canon == 8);
    assert(c->kind != KL_CAND_DATE || c->n_canon == 8);
    assert(c->kind != KL_CAND_PLATE || c->n_canon == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_cand a[CAP];
    static struct kl_cand b[CAP];
    size_t from_a = 0;
    size_t from_b = 0;

    if (size < 2) {
        return 0;
    }
    uint32_t want = (uint32_t)(data[0] | data[1] << 8) & 0xffeu;
    struct kl_span t = kl_span_make(data + 2, size - 2);
    size_t n = scan_at(KL_CPU_PORTABLE, t, want, a, &from_a);
    for (int level = KL_CPU_AVX2; level <= KL_CPU_AVX512; level++) {
        size_t m = scan_at((enum kl_cpu_level)level, t, want, b, &from_b);
        assert(m == n && from_a == from_b && memcmp(a, b, n * sizeof a[0]) == 0);
    }
    for (size_t i = 0; i < n; i++) {
        check(&a[i], t, want);
        assert(i == 0 || a[i - 1].at <= a[i].at);
    }
    size_t at = 0;
    for (size_t from = 0; from < from_a;) {
        size_t before = from;
        size_t m = kl_scan(kl_span_part(t, 0, t.len), want, from, b, 64, &from);
        assert(from > before);
        for (size_t i = 0; i < m && at + i < n; i++) {
            assert(memcmp(&a[at + i], &b[i], sizeof b[i]) == 0);
        }
        at += m;
    }
    assert(at >= n);
    for (int kind = 0; kind <= KL_CAND_CARD; kind++) {
        struct kl_cand c;
        if (kl_scan_cell(t, (enum kl_cand_kind)kind, &c)) {
            check(&c, t, ~0u);
            assert(c.kind == kind);
        }
    }
    return 0;
}
