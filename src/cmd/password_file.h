/* The file of --passwords: one a line, readable by its owner only. */
#ifndef KL_CMD_PASSWORD_FILE_H
#define KL_CMD_PASSWORD_FILE_H

#include "base/result.h"
#include "extract/password.h"

/**
 * Read it; a line end is "\n" or "\r\n", empty lines are left out, everything else in a line
 * belongs to the password.
 * @return KL_E_KEY when others may read the file; KL_E_LIMIT for more than KL_MAX_PASSWORDS or one
 * of more than KL_MAX_PASSWORD_BYTES; KL_E_IO, KL_E_NOMEM; *out_p is then as it was
 */
KL_MUST enum kl_rc kl_password_file_read(const char *path, struct kl_passwords *out_p,
                                         struct kl_err *err);

#endif
