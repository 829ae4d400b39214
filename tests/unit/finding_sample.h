/* One finding with everything in it, for the tests of the outputs. */
#ifndef FINDING_SAMPLE_H
#define FINDING_SAMPLE_H

#include "kt.h"

#include "finding/finding.h"

static inline void sample_columns(struct kl_finding_register *r, const char *const *names, size_t n,
                                  uint64_t n_cells)
{
    for (size_t i = 0; i < n; i++) {
        struct kl_finding_column *c = NULL;
        KT_EQ(kl_finding_add_column(r, &c), KL_OK);
        (void)snprintf(c->name, sizeof c->name, "%s", names[i]);
        c->n_cells = n_cells;
        c->ordinal = (uint8_t)i;
    }
}

static inline void sample_part(struct kl_finding_register *r, const char *path, uint64_t n_rows,
                               uint64_t columns)
{
    struct kl_finding_part *p = NULL;
    KT_EQ(kl_finding_add_part(r, kl_span_str(path), &p), KL_OK);
    p->n_rows = n_rows;
    p->columns = columns;
}

static inline void sample_register(struct kl_finding *f)
{
    static const char *const names[] = {"nid", "name", "employer", "salary", "phone"};
    struct kl_finding_register *r = NULL;
    KT_EQ(kl_finding_add_register(f, &r), KL_OK);
    (void)snprintf(r->name, sizeof r->name, "salaries");
    (void)snprintf(r->index_id, sizeof r->index_id, "00112233445566778899aabbccddeeff");
    r->n_rows = 637138;
    r->n_index_rows = 637138;
    r->n_weak_rows = 12;
    r->evidence_bits = 45000000.5;
    r->hit_ratio = 0.999;
    r->n_keys = 4000;
    r->chance_ratio = 0.03;
    r->log10_chance = -5000;
    r->first_row = 1;
    r->last_row = 637138;
    r->in_order = true;
    r->exclusive = true;
    sample_columns(r, names, 5, 637138);
    sample_part(r, "/xl/worksheets/sheet1.xml", 400000, 0x0f);
    sample_part(r, "/xl/worksheets/sheet2.xml", 237138, 0x1f);
}

static inline struct kl_finding sample_finding(void)
{
    struct kl_finding f;
    struct kl_finding_identifier *id = NULL;

    KT_EQ(kl_finding_init(&f, "/srv/share/paga e gjith\xc3\xab.xlsx"), KL_OK);
    f.verdict = KL_VERDICT_BLOCK;
    f.seen = 70000000;
    f.inspected = 69999000;
    f.not_inspected = 1000;
    f.seconds = 0.25;
    (void)snprintf(f.rule, sizeof f.rule, "block.rows (salaries)");
    sample_register(&f);
    KT_EQ(kl_finding_add_identifier(&f, &id), KL_OK);
    *id = (struct kl_finding_identifier){.type = "al.nid",
                                         .n_values = 1300,
                                         .n_valid = 1210,
                                         .n_distinct = 1204,
                                         .log10_chance = -2900,
                                         .rank = 'A'};
    KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT("/xl/media/a.bin"), "encrypted", 1000), KL_OK);
    KT_EQ(kl_finding_add_anomaly(&f, KL_SPAN_LIT("/xl/sharedStrings.xml"), "zip.size_lie"), KL_OK);
    KT_EQ(kl_finding_add_sample(&f, (struct kl_pii){KL_SPAN_LIT("A12345678K")}), KL_OK);
    return f;
}

#endif
