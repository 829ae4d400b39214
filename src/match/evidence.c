#include "match/evidence.h"

#include "base/fold.h"

#include <math.h>

#define MAX_TOKENS 24u
#define ANY_KINDS                                                                                  \
    (KL_WANT(KL_CAND_NID) | KL_WANT(KL_CAND_NIPT) | KL_WANT(KL_CAND_PHONE) |                       \
     KL_WANT(KL_CAND_PLATE) | KL_WANT(KL_CAND_DATE) | KL_WANT(KL_CAND_NUMBER) |                    \
     KL_WANT(KL_CAND_CODE) | KL_WANT(KL_CAND_EMAIL) | KL_WANT(KL_CAND_IBAN))

static void add_form(const struct kl_index *ix, struct kl_forms *f, struct kl_form form,
                     struct kl_span canon)
{
    if (f->n == KL_MAX_FORMS || canon.len == 0) {
        return;
    }
    struct kl_tag t = kl_prf_text(&ix->prf, canon, form.domain);
    for (size_t i = 0; i < f->n; i++) {
        if (f->tag[i].lo == t.lo && f->form[i].at == form.at) {
            return;
        }
    }
    f->tag[f->n] = t;
    f->form[f->n++] = form;
    f->n_domain[form.domain]++;
}

/* Words of a unit: whole, single tokens, runs of two and three. */
static void add_words(const struct kl_index *ix, struct kl_forms *f, struct kl_span record,
                      const struct kl_unit *u)
{
    struct kl_span unit = kl_span_part(record, u->at, u->at + u->len);
    __attribute__((uninitialized)) struct kl_norm nm;
    uint32_t from[MAX_TOKENS];
    uint32_t to[MAX_TOKENS];
    size_t n = 0;

    for (size_t i = 0; i < unit.len && n < MAX_TOKENS;) {
        uint8_t c = unit.ptr[i];
        bool inside = (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 26 || c >= 0x80;
        if (!inside) {
            i++;
            continue;
        }
        from[n] = (uint32_t)i;
        while (i < unit.len &&
               ((uint8_t)(unit.ptr[i] - '0') < 10 || (uint8_t)((unit.ptr[i] | 0x20) - 'a') < 26 ||
                unit.ptr[i] >= 0x80)) {
            i++;
        }
        to[n++] = (uint32_t)i;
    }
    if (n > 0 && n <= 16) {
        kl_norm_words(unit, &nm);
        add_form(ix, f, (struct kl_form){u->at, u->len, KL_DOMAIN_WORDS, u->ordinal, false},
                 kl_span_make(nm.bytes, nm.n));
    }
    for (size_t run = 1; run <= 3 && run < n; run++) {
        for (size_t k = 0; k + run <= n; k++) {
            kl_norm_words(kl_span_part(unit, from[k], to[k + run - 1]), &nm);
            add_form(ix, f,
                     (struct kl_form){u->at + from[k], to[k + run - 1] - from[k], KL_DOMAIN_WORDS,
                                      255, run == 1},
                     kl_span_make(nm.bytes, nm.n));
        }
    }
}

static enum kl_domain cand_domain(uint8_t kind)
{
    switch ((enum kl_cand_kind)kind) {
    case KL_CAND_NID:
    case KL_CAND_NIPT:
    case KL_CAND_PLATE:
    case KL_CAND_IBAN:
    case KL_CAND_CODE:
        return KL_DOMAIN_CODE;
    case KL_CAND_PHONE:
        return KL_DOMAIN_PHONE;
    case KL_CAND_EMAIL:
        return KL_DOMAIN_EMAIL;
    case KL_CAND_DATE:
        return KL_DOMAIN_DATE;
    case KL_CAND_NUMBER:
        return KL_DOMAIN_NUMBER;
    case KL_CAND_NONE:
    case KL_CAND_MRZ:
    case KL_CAND_CARD:
        break;
    }
    return KL_DOMAIN_NONE;
}

static uint8_t unit_ordinal(const struct kl_unit *units, size_t n_units, uint32_t at, uint32_t len)
{
    for (size_t i = 0; i < n_units; i++) {
        if (at >= units[i].at && at + len <= units[i].at + units[i].len) {
            return units[i].ordinal;
        }
    }
    return 255;
}

static void add_typed(const struct kl_index *ix, struct kl_span record, const struct kl_unit *units,
                      size_t n_units, struct kl_forms *f)
{
    __attribute__((uninitialized)) struct kl_cand cands[64];
    size_t upto = 0;
    uint32_t want = 0;

    for (uint32_t s = 0; s < ix->head->n_slots; s++) {
        want |= KL_WANT(kl_type_cand((enum kl_type)ix->slot_type[s]));
    }
    size_t n = kl_scan(record, want & ANY_KINDS, 0, cands, 64, &upto);
    for (size_t i = 0; i < n; i++) {
        if ((cands[i].flags & KL_CAND_LOSSY) == 0) {
            add_form(
                ix, f,
                (struct kl_form){cands[i].at, cands[i].len, (uint8_t)cand_domain(cands[i].kind),
                                 unit_ordinal(units, n_units, cands[i].at, cands[i].len), false},
                kl_span_make(cands[i].canon, cands[i].n_canon));
        }
    }
    /* Short numbers and serial dates are no candidates in text; as a whole field they may be. */
    for (size_t i = 0; i < n_units; i++) {
        struct kl_span unit = kl_span_part(record, units[i].at, units[i].at + units[i].len);
        uint32_t tried = 0; /* types: two columns of one type have one form */
        for (uint32_t s = 0; units[i].has_digit && unit.len < 40 && s < ix->head->n_slots; s++) {
            enum kl_type t = (enum kl_type)ix->slot_type[s];
            __attribute__((uninitialized)) struct kl_norm nm;
            bool again = (tried >> t & 1) != 0;
            tried |= 1u << t;
            if (!again && !kl_type_is_words(t) && kl_norm_cell(t, unit, &nm)) {
                add_form(ix, f,
                         (struct kl_form){units[i].at, units[i].len, (uint8_t)kl_type_domain(t),
                                          units[i].ordinal, false},
                         kl_span_make(nm.bytes, nm.n));
            }
        }
    }
}

void kl_forms_build(const struct kl_index *ix, struct kl_span record, const struct kl_unit *units,
                    size_t n_units, struct kl_forms *out)
{
    out->n = 0;
    memset(out->n_domain, 0, sizeof out->n_domain);
    add_typed(ix, record, units, n_units, out);
    for (size_t i = 0; i < n_units; i++) {
        add_words(ix, out, record, &units[i]);
    }
}

static bool overlaps(const struct kl_form *a, const struct kl_form *b)
{
    return a->at < b->at + b->len && b->at < a->at + a->len;
}

/* The rarest form that equals the row's cell in this slot and lies where nothing was used. */
static int best_form(const struct kl_index *ix, const struct kl_forms *f, uint32_t row,
                     uint32_t slot, const int *used, size_t n_used)
{
    __attribute__((uninitialized)) struct kl_tag blocks[KL_MAX_FORMS];
    __attribute__((uninitialized)) uint8_t which[KL_MAX_FORMS];
    size_t n = 0;
    uint8_t d = ix->slot_domain[slot];
    uint16_t cell = kl_index_cell(ix, row, slot);
    int best = -1;
    double best_bits = -1;

    for (size_t i = 0; i < f->n; i++) {
        if (f->form[i].domain == d) {
            blocks[n] = kl_index_cell_block(f->tag[i], row, slot);
            which[n++] = (uint8_t)i;
        }
    }
    kl_prf_tweak(&ix->prf, blocks, n);
    for (size_t i = 0; i < n; i++) {
        if ((uint16_t)blocks[i].lo != cell) {
            continue;
        }
        bool free_place = true;
        for (size_t u = 0; u < n_used && free_place; u++) {
            free_place = !overlaps(&f->form[which[i]], &f->form[used[u]]);
        }
        double bits = kl_index_rarity(ix, slot, f->tag[which[i]]);
        if (free_place && bits > best_bits) {
            best_bits = bits;
            best = which[i];
        }
    }
    return best;
}

/*
 * A cell equals a form by coincidence in two ways: the value is common and had chances, or
 * some form of the record shares its 16 sketch bits. Both count against it.
 */
static double cell_bits(const struct kl_index *ix, const struct kl_forms *f, uint32_t slot,
                        int form)
{
    uint8_t domain = f->form[form].domain;
    double n = (double)f->n_domain[domain];
    double slots = 0;

    for (uint32_t s = 0; s < ix->head->n_slots; s++) {
        slots += ix->slot_domain[s] == domain;
    }
    double chances = n / 6 > 1 ? n / 6 : 1;
    double p =
        chances * exp2(-kl_index_rarity(ix, slot, f->tag[form])) + n * slots * exp2(-KL_CELL_BITS);
    return p < 1 ? -log2(p) : 0;
}

void kl_evidence_weigh(const struct kl_index *ix, const struct kl_forms *f, uint32_t row,
                       uint64_t known, struct kl_evidence *out)
{
    int used[KL_MAX_COLUMNS];
    int form_of[KL_MAX_COLUMNS];
    size_t n_used = 0;
    uint64_t slots = known;

    for (uint32_t s = 0; s < ix->head->n_slots; s++) {
        form_of[s] = -1;
        out->ordinal[s] = 255;
        int b = best_form(ix, f, row, s, used, n_used);
        if (b >= 0) {
            form_of[s] = b;
            used[n_used++] = b;
            slots |= 1ull << s;
            out->ordinal[s] = f->form[b].ordinal;
        }
    }
    out->slots = slots;
    out->bits = 0;
    out->n_columns = 0;
    for (uint64_t m = kl_evidence_independent(ix, slots); m != 0; m &= m - 1) {
        uint32_t s = (uint32_t)__builtin_ctzll(m);
        if ((known >> s & 1) != 0) {
            out->bits += ix->key_bits[s];
        } else {
            out->bits += cell_bits(ix, f, s, form_of[s]);
        }
        out->n_columns++;
    }
}
