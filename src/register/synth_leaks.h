/*
 * The recall list: one file for every way in which a register leaves, beside it NAME.truth.json.
 * Thread rule: one call at a time per directory.
 */
#ifndef KL_REGISTER_SYNTH_LEAKS_H
#define KL_REGISTER_SYNTH_LEAKS_H

#include "register/synth_model.h"

/** Write opts->out_dir/leaks/; *out_files counts the files without the truth files. */
KL_MUST enum kl_rc kl_synth_leaks_write(const struct kl_synth_opts *opts,
                                        const struct kl_synth_model *m, uint64_t *out_files,
                                        struct kl_err *err);

#endif
