#include "register/synth.h"

#include "register/synth_file.h"
#include "register/synth_leaks.h"
#include "register/synth_model.h"

#include <stdio.h>

static enum kl_rc table_write(const struct kl_synth_opts *o, const struct kl_synth_model *m,
                              enum kl_synth_register reg, uint64_t *bytes, struct kl_err *err)
{
    struct kl_synth_file f;
    struct kl_synth_row row;
    char name[32];
    uint32_t n = kl_synth_rows_get(m, reg);

    (void)snprintf(name, sizeof name, "%s.csv", kl_synth_register_name(reg));
    KL_TRY(kl_synth_file_open(&f, o->out_dir, name, err));
    kl_synth_file_add_str(&f, kl_synth_header(reg));
    kl_synth_file_add(&f, "\n", 1);
    for (uint32_t i = 0; i < n && f.sys_errno == 0; i++) {
        kl_synth_row_get(m, reg, i, &row);
        for (unsigned c = 0; c < row.n; c++) {
            kl_synth_file_add_csv(&f, kl_synth_cell(&row, c), ',');
            kl_synth_file_add(&f, c + 1 < row.n ? "," : "\n", 1);
        }
        if ((i & 0xFFFF) == 0 && o->progress != NULL) {
            o->progress(o->progress_ctx, kl_synth_register_name(reg), i, n);
        }
    }
    enum kl_rc rc = kl_synth_file_close(&f, err);
    *bytes += f.bytes;
    return rc;
}

static enum kl_rc schema_write(const struct kl_synth_opts *o, enum kl_synth_register reg,
                               struct kl_err *err)
{
    struct kl_synth_file f;
    char name[32];
    (void)snprintf(name, sizeof name, "%s.yaml", kl_synth_register_name(reg));
    KL_TRY(kl_synth_file_open(&f, o->out_dir, name, err));
    kl_synth_file_add_str(&f, kl_synth_schema(reg));
    return kl_synth_file_close(&f, err);
}

enum kl_rc kl_synth_nation(const struct kl_synth_opts *opts, struct kl_synth_counts *out_counts,
                           struct kl_err *err)
{
    struct kl_synth_counts counts = {0};
    struct kl_synth_model *m = NULL;

    KL_TRY(kl_synth_dir_make(opts->out_dir, err));
    if (opts->progress != NULL) {
        opts->progress(opts->progress_ctx, "people", 0, opts->n_people);
    }
    KL_TRY(kl_synth_model_new(opts->n_people, opts->seed, &m, err));
    enum kl_rc rc = KL_OK;
    for (int reg = KL_SYNTH_CIVIL; reg <= KL_SYNTH_VOTERS && rc == KL_OK; reg++) {
        rc = table_write(opts, m, (enum kl_synth_register)reg, &counts.bytes, err);
        if (rc == KL_OK) {
            rc = schema_write(opts, (enum kl_synth_register)reg, err);
        }
    }
    if (rc == KL_OK && opts->leaks) {
        rc = kl_synth_leaks_write(opts, m, &counts.leak_files, err);
    }
    counts.civil_rows = m->n_people;
    counts.salaries_rows = m->n_salaries;
    counts.vehicles_rows = m->n_vehicles;
    counts.voters_rows = m->n_voters;
    kl_synth_model_free(&m);
    if (rc == KL_OK && out_counts != NULL) {
        *out_counts = counts;
    }
    return rc;
}
