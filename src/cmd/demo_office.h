/* The office of the demo: ordinary files and look-alikes around the leak. */
#ifndef KL_CMD_DEMO_OFFICE_H
#define KL_CMD_DEMO_OFFICE_H

#include "base/result.h"

/**
 * Fill `office` with a few thousand memos, the nation's innocent look-alikes (from
 * nation/leaks, moved) and a mail with a pasted phone list.
 * @param out_n_files  files made
 */
KL_MUST enum kl_rc kl_demo_office(const char *nation, const char *office, unsigned *out_n_files,
                                  struct kl_err *err);

#endif
