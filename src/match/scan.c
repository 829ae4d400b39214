#include "match/scan.h"

#include "base/cpu.h"
#include "match/scan_masks.h"
#include "match/scan_verify.h"

#define BATCH_BLOCKS 128u

/* Where candidates go: sorted, without doubles, and never half of what a place holds. */
struct sink {
    struct kl_cand *out;
    size_t n;
    size_t cap;
    size_t from;  /* earlier ones were given before */
    size_t limit; /* later ones are left for the next call; SIZE_MAX while there is room */
};

static void sink_cut(struct sink *k, size_t limit)
{
    k->limit = limit;
    while (k->n > 0 && k->out[k->n - 1].at >= limit) {
        k->n--;
    }
}

/* Where the next candidate is written: at its place, as long as it comes in order. */
static struct kl_cand *sink_next(struct sink *k, struct kl_cand *spare)
{
    return k->n < k->cap ? &k->out[k->n] : spare;
}

static void sink_insert(struct sink *k, const struct kl_cand *c)
{
    size_t i = k->n;

    while (i > 0 && (k->out[i - 1].at > c->at ||
                     (k->out[i - 1].at == c->at && k->out[i - 1].kind > c->kind))) {
        i--;
    }
    if (i > 0 && k->out[i - 1].at == c->at && k->out[i - 1].kind == c->kind) {
        return;
    }
    if (k->n == k->cap) {
        size_t last = k->out[k->n - 1].at;
        sink_cut(k, last > c->at ? last : c->at);
        if (c->at >= k->limit) {
            return;
        }
    }
    memmove(&k->out[i + 1], &k->out[i], (k->n - i) * sizeof k->out[0]);
    k->out[i] = *c;
    k->n++;
}

/* @param c  what sink_next gave, filled */
static void sink_add(struct sink *k, const struct kl_cand *c)
{
    if (c->at < k->from || c->at >= k->limit) {
        return;
    }
    if (c == &k->out[k->n] && (k->n == 0 || k->out[k->n - 1].at < c->at)) { /* nearly always */
        k->n++;
        return;
    }
    struct kl_cand one = *c; /* its place is needed to make room */
    sink_insert(k, &one);
}

static kl_scan_kernel *kernel_get(void)
{
    switch (kl_cpu_level_get()) {
#if defined(__x86_64__)
    case KL_CPU_AVX512:
        return kl_scan_masks_avx512;
    case KL_CPU_AVX2:
        return kl_scan_masks_avx2;
#else
    case KL_CPU_AVX512:
    case KL_CPU_AVX2:
#endif
    case KL_CPU_PORTABLE:
        break;
    }
    return kl_scan_masks_portable;
}

static uint32_t events_of(uint32_t want)
{
    static const struct {
        uint32_t kinds;
        uint32_t events;
    } map[] = {
        {KL_WANT(KL_CAND_NID) | KL_WANT(KL_CAND_NIPT), KL_EV_BIT(KL_EV_NID)},
        {KL_WANT(KL_CAND_PHONE),
         KL_EV_BIT(KL_EV_MOBILE) | KL_EV_BIT(KL_EV_FIXED) | KL_EV_BIT(KL_EV_FLOAT)},
        {KL_WANT(KL_CAND_PLATE), KL_EV_BIT(KL_EV_PLATE)},
        {KL_WANT(KL_CAND_IBAN), KL_EV_BIT(KL_EV_IBAN)},
        {KL_WANT(KL_CAND_EMAIL), KL_EV_BIT(KL_EV_EMAIL)},
        {KL_WANT(KL_CAND_DATE), KL_EV_BIT(KL_EV_DATE) | KL_EV_BIT(KL_EV_MONTH)},
        {KL_WANT(KL_CAND_NUMBER), KL_EV_BIT(KL_EV_NUMBER)},
        {KL_WANT(KL_CAND_CODE), KL_EV_BIT(KL_EV_CODE)},
        {KL_WANT(KL_CAND_MRZ), KL_EV_BIT(KL_EV_MRZ)},
        {KL_WANT(KL_CAND_CARD), KL_EV_BIT(KL_EV_CARD)},
    };
    uint32_t events = 0;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
        events |= (want & map[i].kinds) != 0 ? map[i].events : 0;
    }
    return events;
}

static bool verify_fixed_event(struct kl_span t, size_t p, struct kl_cand *c)
{
    return (kl_ch(t, p - 7) == '3' && kl_verify_fixed(t, p - 7, c)) ||
           (kl_ch(t, p - 8) == '0' && kl_verify_fixed(t, p - 8, c));
}

/* The three shapes of a card event begin at different places; more than one may hold. */
static void add_cards(struct kl_span t, size_t p, struct sink *k)
{
    static const uint8_t behind[3] = {13, 12, 10};
    struct kl_cand spare;

    for (unsigned i = 0; i < 3; i++) {
        struct kl_cand *c = sink_next(k, &spare);
        if (p >= behind[i] && kl_verify_card(t, p - behind[i], c)) {
            sink_add(k, c);
        }
    }
}

/* One event: does a candidate stand there? */
static bool verify(struct kl_span t, enum kl_scan_event ev, size_t p, uint32_t want,
                   struct kl_cand *c)
{
    switch (ev) {
    case KL_EV_NID:
        return kl_verify_nid(t, p - (kl_is_alnum(kl_ch(t, p - 8)) ? 8u : 9u), want, c);
    case KL_EV_MOBILE:
        return kl_verify_mobile(t, p - 8, c);
    case KL_EV_FIXED:
        return verify_fixed_event(t, p, c);
    case KL_EV_FLOAT:
        return kl_verify_float(t, p - 1, c);
    case KL_EV_PLATE:
        return kl_verify_plate(t, p - (kl_is_alpha(kl_ch(t, p - 3)) ? 4u : 5u), c);
    case KL_EV_IBAN:
        return kl_verify_iban(t, p - 3, c);
    case KL_EV_EMAIL:
        return kl_verify_email(t, p, c);
    case KL_EV_DATE:
        return kl_verify_date(t, p, c);
    case KL_EV_MONTH:
        return kl_verify_month(t, p, c);
    case KL_EV_NUMBER:
        return kl_verify_number(t, p, 4, c);
    case KL_EV_CODE:
        return kl_verify_code(t, p, c);
    case KL_EV_MRZ:
        return kl_verify_mrz(t, p - 3, c);
    case KL_EV_CARD:
    case KL_EV_N:
        break;
    }
    return false;
}

static void verify_hit(struct kl_span t, const struct kl_scan_hit *h, size_t base, uint32_t want,
                       struct sink *k)
{
    for (uint32_t left = h->which; left != 0; left &= left - 1) {
        enum kl_scan_event ev = (enum kl_scan_event)__builtin_ctz(left);
        for (uint64_t m = h->word[ev]; m != 0; m &= m - 1) {
            size_t p = base + (unsigned)__builtin_ctzll(m);
            __attribute__((uninitialized)) struct kl_cand spare;
            struct kl_cand *c = sink_next(k, &spare);
            if (ev == KL_EV_CARD) {
                add_cards(t, p, k);
            } else if (verify(t, ev, p, want, c)) {
                sink_add(k, c);
            }
        }
    }
}

/* All hits of n blocks from block number `first` on. @return false when enough was found */
static bool scan_blocks(struct kl_span t, const uint8_t *blocks, const uint8_t *prev, size_t first,
                        size_t n, uint32_t want, struct sink *k)
{
    static const size_t reach = KL_SCAN_REACH + KL_SCAN_BLOCK;
    /* zeroing 15 kB for each 8 kB of text would halve the speed; only written entries are read */
    __attribute__((uninitialized)) struct kl_scan_hit hits[BATCH_BLOCKS + 1];
    kl_scan_kernel *run = kernel_get();
    size_t n_hits = run(blocks, prev, n, events_of(want), hits);

    for (size_t i = 0; i < n_hits; i++) {
        size_t base = (first + hits[i].block) * KL_SCAN_BLOCK;
        if (k->limit != SIZE_MAX && base > k->limit + reach) {
            return false;
        }
        verify_hit(t, &hits[i], base, want, k);
    }
    return k->limit == SIZE_MAX || (first + n) * KL_SCAN_BLOCK <= k->limit + reach;
}

size_t kl_scan(struct kl_span text, uint32_t want, size_t from, struct kl_cand *out, size_t cap,
               size_t *out_from)
{
    static const uint8_t nothing[KL_SCAN_BLOCK];
    struct sink k = {out, 0, cap, from, SIZE_MAX};
    size_t n_full = text.len / KL_SCAN_BLOCK;
    size_t rest = text.len % KL_SCAN_BLOCK;
    size_t b = from / KL_SCAN_BLOCK;
    bool more = from < text.len && events_of(want) != 0;

    while (more && b < n_full) {
        size_t n = n_full - b < BATCH_BLOCKS ? n_full - b : BATCH_BLOCKS;
        const uint8_t *p = text.ptr + b * KL_SCAN_BLOCK;
        more = scan_blocks(text, p, b == 0 ? nothing : p - KL_SCAN_BLOCK, b, n, want, &k);
        b += n;
    }
    if (more && rest > 0) {
        uint8_t tail[KL_SCAN_BLOCK] = {0};
        const uint8_t *p = text.ptr + n_full * KL_SCAN_BLOCK;
        memcpy(tail, p, rest);
        scan_blocks(text, tail, n_full == 0 ? nothing : p - KL_SCAN_BLOCK, n_full, 1, want, &k);
    }
    *out_from = k.limit == SIZE_MAX ? text.len : k.limit;
    return k.n;
}
