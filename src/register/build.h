/*
 * From a register's files to its index: CSV, TSV and XLSX in, one .kidx out.
 *
 * Streaming: memory is bounded by the index. The index is written beside out_path, fsynced, then
 * renamed. Thread rule: one call, one thread.
 */
#ifndef KL_REGISTER_BUILD_H
#define KL_REGISTER_BUILD_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

#define KL_BUILD_REJECTS_SHOWN 20u

struct kl_build_opts {
    const char *schema_path;
    const char *key_path;
    const char *out_path;
    const char
        *rejects_path; /* every rejected row, "file:line: reason" a line; NULL: not written */
    const char *const *inputs;
    size_t n_inputs; /* >= 1 */
    /* Called now and then from the building thread; true stops the build (KL_E_MORE). May be NULL.
     */
    bool (*progress)(void *user, uint64_t n_rows, uint64_t bytes_done, uint64_t bytes_total);
    void *user;
};

struct kl_build_reject {
    size_t input;       /* number of the input file, from 0 */
    uint64_t line;      /* 1-based; of a workbook: its row */
    const char *reason; /* static English; never content */
};

struct kl_build_column {
    char name[64];
    char type[24];
    char role[16]; /* "key", "key-dense", "identity", "attribute", "exclusive", "ignore", "special"
                    */
    uint64_t n_cells;  /* not empty and fingerprinted */
    double cell_bytes; /* bytes of the index for each cell of this column */
};

/* Also what `register info` shows; a read index leaves the fields of the build at 0. */
struct kl_build_report {
    char name[64];
    char index_id[33];
    char key_id[17];
    uint64_t n_rows_read;
    uint64_t n_rows_indexed;
    uint64_t n_rows_rejected;
    uint64_t n_bytes;    /* of the index file */
    uint64_t n_in_bytes; /* of the input files */
    double seconds;
    struct kl_build_reject rejects[KL_BUILD_REJECTS_SHOWN]; /* the first ones */
    size_t n_rejects;
    struct kl_build_column *columns; /* owned; in schema order */
    size_t n_columns;
};

/**
 * Build an index.
 * @param out  filled on KL_OK; the caller frees it with kl_build_report_done
 * @return KL_E_KEY (key file), KL_E_FORMAT (schema or input; err->at_line when known), KL_E_LIMIT,
 * KL_E_IO, KL_E_NOMEM, KL_E_MORE when `progress` stopped it. After a failure nothing stands at
 * out_path that was not there before.
 */
KL_MUST enum kl_rc kl_build(const struct kl_build_opts *opts, struct kl_build_report *out,
                            struct kl_err *err);
void kl_build_report_done(struct kl_build_report *r);

/**
 * What an index says of itself; its chunks are checked, no key is needed.
 * @return KL_E_FORMAT when it is not an index or was altered, KL_E_IO, KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_build_info(const char *path, struct kl_build_report *out, struct kl_err *err);

#endif
