/*
 * A zip with stored members, written into memory: enough for the packages of the leaks. The same
 * content gives the same bytes.
 * Thread rule: one owner at a time.
 */
#ifndef KL_REGISTER_SYNTH_ZIP_H
#define KL_REGISTER_SYNTH_ZIP_H

#include "register/synth_leak_int.h"

struct kl_synth_zip {
    struct kl_synth_text out;
    struct kl_synth_text directory;
    uint32_t n;
};

void kl_synth_zip_init(struct kl_synth_zip *z);
void kl_synth_zip_done(struct kl_synth_zip *z);
void kl_synth_zip_add(struct kl_synth_zip *z, const char *name, struct kl_span content);
void kl_synth_zip_add_str(struct kl_synth_zip *z, const char *name, const char *content);
/** Write the directory; z->out is the file, z->out.rc what went wrong. */
void kl_synth_zip_end(struct kl_synth_zip *z);

/** n bytes of v, low ones first. */
void kl_synth_le(struct kl_synth_text *t, uint64_t v, unsigned n);
/** ASCII and UTF-8 as UTF-16LE; returns the number of units. */
size_t kl_synth_wide(struct kl_synth_text *t, struct kl_span utf8);

#endif
