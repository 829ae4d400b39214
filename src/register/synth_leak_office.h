/*
 * The office documents of the recall list: rows of a sample as cells, and the writers of the
 * workbooks of records. Private to register/synth_leak_*.c.
 * Source: [MS-XLS], [MS-CFB], [MS-XLSB] as far as a reader needs them.
 * Thread rule: one owner at a time.
 */
#ifndef KL_REGISTER_SYNTH_LEAK_OFFICE_H
#define KL_REGISTER_SYNTH_LEAK_OFFICE_H

#include "register/synth_zip.h"

#define KL_SYNTH_TABLE_COLUMNS 16u

struct kl_synth_table {
    struct kl_synth_leaker *l;
    const char *columns;        /* comma-separated */
    struct kl_synth_text cells; /* of the current row, one behind the other */
    size_t at[KL_SYNTH_TABLE_COLUMNS + 1];
    size_t n;
};

/** Make row k of the sample the current one. */
void kl_synth_table_row(struct kl_synth_table *t, uint32_t k);
/** Cell i < t->n of the current row; borrowed until the next. */
struct kl_span kl_synth_table_cell(const struct kl_synth_table *t, size_t i);

/* A leak whose rows are a table. */
struct kl_synth_table_case {
    const char *file;
    const char *label;
    const char *columns;
    /* Into z, or into `out` while z stays empty. */
    void (*write)(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out);
};

/** Draw rows of the salaries, write the leak and its truth; `no` picks the rows. */
KL_MUST enum kl_rc kl_synth_table_case_write(struct kl_synth_leaker *l,
                                             const struct kl_synth_table_case *c, uint64_t no);

/** xlsb: parts into z, `out` is scratch. */
void kl_synth_xlsb_write(struct kl_synth_table *t, struct kl_synth_zip *z,
                         struct kl_synth_text *out);
/** xls: a compound file into `out`; z stays empty. */
void kl_synth_xls_write(struct kl_synth_table *t, struct kl_synth_zip *z,
                        struct kl_synth_text *out);

#endif
