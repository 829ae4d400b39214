#include "register/synth_leaks.h"

#include "register/synth_leak_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HASH_BITS 28u

enum { FOR_SAMPLES = 64 };

void kl_synth_text_number(struct kl_synth_text *t, uint64_t v)
{
    char s[24];
    int n = snprintf(s, sizeof s, "%" PRIu64, v);
    kl_synth_text_add(t, s, (size_t)n);
}

/* What the leaked columns of a row without a key say; equal hashes only make us skip a row. */
static uint32_t row_hash(const struct kl_synth_model *m, enum kl_synth_register reg, uint32_t i)
{
    const struct kl_synth_person *p = &m->people[kl_synth_row_person(m, reg, i)];
    uint64_t h = kl_synth_mix((uint64_t)p->given << 48 | (uint64_t)p->given2 << 32 |
                              (uint64_t)p->family << 16 | p->family2);
    if (reg == KL_SYNTH_SALARIES) {
        h ^= kl_synth_mix((uint64_t)m->salaries[i].employer << 32 | m->salaries[i].amount);
    } else {
        h ^= p->day + 1u;
    }
    return (uint32_t)(kl_synth_mix(h ^ (uint64_t)reg << 60) >> (64 - HASH_BITS));
}

enum kl_rc kl_synth_leaker_init(struct kl_synth_leaker *l, const struct kl_synth_model *m,
                                const char *out_dir, struct kl_err *err)
{
    static const enum kl_synth_register regs[] = {KL_SYNTH_SALARIES, KL_SYNTH_VOTERS};
    *l = (struct kl_synth_leaker){.m = m, .err = err};
    int n = snprintf(l->dir, sizeof l->dir, "%s/leaks", out_dir);
    if (n < 0 || (size_t)n >= sizeof l->dir) {
        return kl_fail(err, KL_E_LIMIT, "the output path is too long: give a shorter one");
    }
    KL_TRY(kl_synth_dir_make(l->dir, err));
    l->seen_once = calloc((1u << HASH_BITS) / 64, sizeof *l->seen_once);
    l->seen_twice = calloc((1u << HASH_BITS) / 64, sizeof *l->seen_twice);
    if (l->seen_once == NULL || l->seen_twice == NULL) {
        kl_synth_leaker_done(l);
        return kl_fail(err, KL_E_NOMEM, "no memory for the leaks: give --leaks none");
    }
    for (unsigned r = 0; r < 2; r++) {
        uint32_t rows = kl_synth_rows_get(m, regs[r]);
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t h = row_hash(m, regs[r], i);
            if (!kl_synth_bit_take(l->seen_once, h)) {
                (void)kl_synth_bit_take(l->seen_twice, h);
            }
        }
    }
    return KL_OK;
}

void kl_synth_leaker_done(struct kl_synth_leaker *l)
{
    free(l->seen_once);
    free(l->seen_twice);
    l->seen_once = NULL;
    l->seen_twice = NULL;
}

static bool row_fits(const struct kl_synth_leaker *l, enum kl_synth_register reg, uint32_t i,
                     unsigned need)
{
    const struct kl_synth_model *m = l->m;
    if ((need & KL_SYNTH_NEED_PHONE) != 0 &&
        m->people[kl_synth_row_person(m, reg, i)].phone == KL_SYNTH_NO_PHONE) {
        return false;
    }
    if ((need & KL_SYNTH_NEED_UNIQUE) != 0) {
        uint32_t h = row_hash(m, reg, i);
        return (l->seen_twice[h >> 6] >> (h & 63) & 1) == 0;
    }
    return true;
}

void kl_synth_sample_draw(struct kl_synth_leaker *l, enum kl_synth_register reg, unsigned need,
                          uint64_t purpose)
{
    struct kl_synth_rng rng = kl_synth_rng_init(l->m->seed, FOR_SAMPLES + purpose);
    struct kl_synth_sample *s = &l->sample;
    uint32_t n = kl_synth_rows_get(l->m, reg);
    /* One row from each of equal stretches, so that the sample is ascending and has no twins. */
    uint32_t want = n < KL_SYNTH_SAMPLE ? n : KL_SYNTH_SAMPLE;
    s->reg = reg;
    s->n = 0;
    for (uint32_t k = 0; k < want; k++) {
        uint32_t from = (uint32_t)((uint64_t)n * k / want);
        uint32_t to = (uint32_t)((uint64_t)n * (k + 1) / want);
        uint32_t i = from + kl_synth_below(&rng, to - from);
        for (uint32_t tries = from; tries < to && !row_fits(l, reg, i, need); tries++) {
            i = i + 1 < to ? i + 1 : from;
        }
        if (row_fits(l, reg, i, need)) {
            s->rows[s->n++] = i;
        }
    }
}

enum kl_rc kl_synth_leak_write(struct kl_synth_leaker *l, const char *name, struct kl_span content)
{
    struct kl_synth_file f;
    KL_TRY(kl_synth_file_open(&f, l->dir, name, l->err));
    kl_synth_file_add(&f, content.ptr, content.len);
    return kl_synth_file_close(&f, l->err);
}

enum kl_rc kl_synth_truth_write(struct kl_synth_leaker *l, const struct kl_synth_truth *t)
{
    struct kl_synth_text out;
    char name[128];

    kl_synth_text_init(&out);
    kl_synth_text_str(&out, "{\"case\":\"");
    kl_synth_text_str(&out, t->label);
    kl_synth_text_str(&out, "\",\"file\":\"");
    kl_synth_text_str(&out, t->name);
    kl_synth_text_str(&out, "\",\"register\":\"");
    kl_synth_text_str(&out, kl_synth_register_name(t->with_rows ? l->sample.reg : KL_SYNTH_NONE));
    kl_synth_text_str(&out, "\",\"columns\":[");
    for (const char *c = t->columns; *c != '\0';) {
        size_t n = strcspn(c, ",");
        kl_synth_text_str(&out, c == t->columns ? "\"" : ",\"");
        kl_synth_text_add(&out, c, n);
        kl_synth_text_str(&out, "\"");
        c += n + (c[n] == ',');
    }
    kl_synth_text_str(&out, "],\"expect\":\"");
    kl_synth_text_str(&out, t->expect);
    if (t->at_most != NULL) {
        kl_synth_text_str(&out, "\",\"at_most\":\"");
        kl_synth_text_str(&out, t->at_most);
    }
    kl_synth_text_str(&out, "\",\"rows\":[");
    for (uint32_t i = 0; t->with_rows && i < l->sample.n; i++) {
        kl_synth_text_str(&out, i == 0 ? "" : ",");
        kl_synth_text_number(&out, l->sample.rows[i] + 1ull);
    }
    kl_synth_text_str(&out, "]}\n");
    (void)snprintf(name, sizeof name, "%s.truth.json", t->name);
    enum kl_rc rc = out.rc;
    if (rc == KL_OK) {
        rc = kl_synth_leak_write(l, name, kl_buf_span(&out.buf));
    }
    kl_buf_done(&out.buf);
    l->n_files += rc == KL_OK;
    return rc;
}

enum kl_rc kl_synth_leaks_write(const struct kl_synth_opts *opts, const struct kl_synth_model *m,
                                uint64_t *out_files, struct kl_err *err)
{
    static enum kl_rc (*const part[])(struct kl_synth_leaker *) = {
        kl_synth_leaks_text,    kl_synth_leaks_book, kl_synth_leaks_office,
        kl_synth_leaks_control, kl_synth_leaks_db,   kl_synth_leaks_mail};
    const unsigned n_parts = sizeof part / sizeof part[0];
    struct kl_synth_leaker *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return kl_fail(err, KL_E_NOMEM, "no memory for the leaks: give --leaks none");
    }
    enum kl_rc rc = kl_synth_leaker_init(l, m, opts->out_dir, err);
    for (unsigned i = 0; i < n_parts && rc == KL_OK; i++) {
        if (opts->progress != NULL) {
            opts->progress(opts->progress_ctx, "leaks", i, n_parts);
        }
        rc = part[i](l);
    }
    *out_files = l->n_files;
    kl_synth_leaker_done(l);
    free(l);
    return rc;
}
