/*
 * Bytes of an input where they lie: memory as it is, a file through a mapped window, anything
 * else through a buffer. Saves a copy of every byte (a read of the page cache copies).
 * Thread rule: one view at a time in a process, used by one thread.
 */
#ifndef KL_EXTRACT_VIEW_H
#define KL_EXTRACT_VIEW_H

#include "extract/input.h"

#define KL_VIEW_BYTES 65536u /* asked for at a time, at most */

struct kl_view {
    const struct kl_input *in; /* borrowed */
    uint8_t *buf;              /* KL_VIEW_BYTES, when first needed */
    uint8_t *map;              /* a window of the file, NULL: none */
    size_t map_len;
    uint64_t map_at;
    bool no_map; /* this descriptor cannot be mapped */
};

void kl_view_init(struct kl_view *v, const struct kl_input *in);
void kl_view_done(struct kl_view *v);

/**
 * Up to n bytes at offset `at`; fewer only at the end of the input, as kl_input_read. They are good
 * until the next call. A file may be written to meanwhile: what is read twice may differ.
 * @return KL_E_IO when the system refuses, KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_view_get(struct kl_view *v, uint64_t at, size_t n, struct kl_span *out);

/** How many of the bytes [0, to) are still there: a truncated file read as zeros at its end. */
uint64_t kl_view_there(const struct kl_view *v, uint64_t to);

#endif
