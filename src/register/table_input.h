/*
 * A register's file to rows: the extract worker decodes it (any charset; workbook sheets come
 * as tables), the CSV reader splits it, the header row maps columns to the schema.
 * Thread rule: one owner.
 */
#ifndef KL_REGISTER_TABLE_INPUT_H
#define KL_REGISTER_TABLE_INPUT_H

#include "register/schema.h"

struct kl_table_sink {
    void *ctx;
    /* A data row: one span a schema column. */
    enum kl_rc (*row)(void *ctx, const struct kl_span *fields, uint64_t line);
    /* A row that cannot be used; reason is static. */
    enum kl_rc (*reject)(void *ctx, uint64_t line, const char *reason);
    /* Now and then; KL_E_MORE stops. May be NULL. */
    enum kl_rc (*progress)(void *ctx, uint64_t bytes_done);
};

struct kl_session;

/**
 * Read one file through an extract worker.
 * @return KL_E_FORMAT: no table in it, or its header lacks a column of the schema (err names
 *         it), or part of it could not be read
 */
KL_MUST enum kl_rc kl_table_input_read(struct kl_session *session, const char *path,
                                       const struct kl_schema *schema,
                                       const struct kl_table_sink *sink, uint64_t *out_bytes,
                                       struct kl_err *err);

#endif
