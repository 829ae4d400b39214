/* The index file from finished row prints. Format: match/index_format.h. */
#ifndef KL_REGISTER_INDEX_WRITE_H
#define KL_REGISTER_INDEX_WRITE_H

#include "crypt/key.h"
#include "register/row_prints.h"

/**
 * Write, sign, fsync and rename the index.
 * @param rp          flushed, at least one row
 * @param out_header  NULL, or gets the header as it was written (match/index_format.h); caller
 * frees
 * @return KL_E_IO (full disk …), KL_E_LIMIT (more than 2^32 - 2 rows), KL_E_NOMEM; nothing
 *         is left behind then
 */
KL_MUST enum kl_rc kl_index_write(const struct kl_row_prints *rp, const struct kl_key *key,
                                  const char *path, uint8_t **out_header, struct kl_err *err);

#endif
