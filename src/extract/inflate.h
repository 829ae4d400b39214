/*
 * Deflate: whole members through libdeflate, long ones in windows through ISA-L.
 * Thread rule: one stream, one thread.
 */
#ifndef KL_EXTRACT_INFLATE_H
#define KL_EXTRACT_INFLATE_H

#include "extract/input.h"

struct kl_inflate; /* opaque, about 200 kB */

KL_MUST enum kl_rc kl_inflate_new(struct kl_inflate **out_z);
void kl_inflate_free(struct kl_inflate **z);

/**
 * Begin a stream of raw deflate data (or of stored bytes).
 * @param in          borrowed until the last read
 * @param comp_bytes  how many bytes of `in` from `at` on belong to it, at most
 */
void kl_inflate_start(struct kl_inflate *z, const struct kl_input *in, uint64_t at,
                      uint64_t comp_bytes, bool stored);

/**
 * The next n bytes. Good bytes before a break are given first, the break by the next call.
 * @param out_n  fewer than n, down to 0, only at the end of the stream or before a break
 * @return KL_E_FORMAT: broken, or ends too early; KL_E_IO
 */
KL_MUST enum kl_rc kl_inflate_read(struct kl_inflate *z, void *dst, size_t n, size_t *out_n);

/** Bytes of the input that were needed so far; CRC-32 of all that was given out. */
uint64_t kl_inflate_taken_get(const struct kl_inflate *z);
uint32_t kl_inflate_crc_get(const struct kl_inflate *z);

/**
 * Inflate data that is `len` bytes long when whole.
 * @return KL_E_FORMAT: broken, or another length
 */
KL_MUST enum kl_rc kl_inflate_whole(struct kl_span comp, uint8_t *dst, size_t len);

uint32_t kl_inflate_crc(struct kl_span data);
/** Of what came before and data. */
uint32_t kl_inflate_crc_more(uint32_t crc, struct kl_span data);

#endif
