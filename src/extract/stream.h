/*
 * A compressed file that holds one other file (gz, bz2, xz, lz, zst, lz4; br, zlib and lzma when
 * guessed): what is inside is read as a member of it.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_STREAM_H
#define KL_EXTRACT_STREAM_H

#include "extract/codec.h"
#include "extract/emit.h"

KL_MUST enum kl_rc kl_extract_stream_of(struct kl_emit *e, const struct kl_input *in,
                                        enum kl_codec_kind kind);

#define KL_STREAM_NAME_BYTES 256u
/** Name of what is inside, without the suffix ("data" at the top); borrowed from e or buf. */
struct kl_span kl_stream_name(const struct kl_emit *e, const char *suffix,
                              uint8_t buf[static KL_STREAM_NAME_BYTES]);

/** Advance *at to the next byte that is not zero, or to the end. */
KL_MUST enum kl_rc kl_skip_zeros(const struct kl_input *in, uint64_t *at);

/**
 * The bytes from `from` to the end of an input, which belong to nothing known, as a member named
 * "(WHAT at FROM)"; nothing when they are all zero. Charged like a stored member.
 * @param code  anomaly said when there is such a member
 */
KL_MUST enum kl_rc kl_extract_rest(struct kl_emit *e, const struct kl_input *in, uint64_t from,
                                   const char *what, const char *code);

#endif
