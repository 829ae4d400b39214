/*
 * The synthetic nation: four registers of people who do not exist, and the ways in which
 * such registers leaked, each with its ground truth.
 *
 * The same (people, seed) gives the same bytes of every CSV, YAML and text file on any machine;
 * workbooks are equal too (their dates are fixed). Everybody's birth decade is A (1900s) or T
 * (2090s), so that no identifier is a living person's; each of the 20 birth years stands for
 * about 4.75 years of real age. Thread rule: one call at a time per out_dir.
 */
#ifndef KL_REGISTER_SYNTH_H
#define KL_REGISTER_SYNTH_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

#define KL_SYNTH_MIN_PEOPLE 100u
#define KL_SYNTH_MAX_PEOPLE 10000000u

/* Called now and then: what is written, rows done and to do. */
typedef void kl_synth_progress(void *ctx, const char *what, uint64_t done, uint64_t total);

struct kl_synth_opts {
    uint32_t n_people; /* KL_SYNTH_MIN_PEOPLE .. KL_SYNTH_MAX_PEOPLE */
    uint64_t seed;
    const char *out_dir;         /* made when absent (its parent must exist) */
    bool leaks;                  /* also write out_dir/leaks */
    kl_synth_progress *progress; /* may be NULL */
    void *progress_ctx;
};

/* What was written. */
struct kl_synth_counts {
    uint64_t civil_rows;
    uint64_t salaries_rows; /* round(n_people * 637138 / 3000000) */
    uint64_t vehicles_rows; /* round(n_people * 530452 / 3000000) */
    uint64_t voters_rows;   /* every adult */
    uint64_t leak_files;    /* without the truth files */
    uint64_t bytes;         /* of the four CSV files */
};

/**
 * Write out_dir/{civil,salaries,vehicles,voters}.{csv,yaml} and, when asked, out_dir/leaks/.
 *
 * @param out_counts  may be NULL
 * @return KL_OK; KL_E_LIMIT when n_people is out of range; KL_E_IO (disk full, no access);
 * KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_synth_nation(const struct kl_synth_opts *opts,
                                   struct kl_synth_counts *out_counts, struct kl_err *err);

/**
 * Write a whole salaries.csv as a workbook, as in December 2021.
 *
 * @param csv_path  salaries.csv of kl_synth_nation
 * @param shared    shared strings (holds all cells in memory); false: inline strings (streams)
 * @param pieces    1: one sheet of 8 columns, without phone. 3: three sheets with a third of the
 * rows each and the columns in another order; the second has phone in place of father
 * @param progress  may be NULL
 * @return KL_OK; KL_E_IO; KL_E_FORMAT when csv_path is not such a file; KL_E_LIMIT when it has
 *         more rows than a sheet; KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_synth_leak_workbook(const char *csv_path, const char *out_path, bool shared,
                                          unsigned pieces, kl_synth_progress *progress,
                                          void *progress_ctx, struct kl_err *err);

#endif
