/*
 * One compressed stream read from front to back, whatever packed it.
 *
 * Frames that follow one another (gzip members, zstd frames, xz streams) are one stream. Memory
 * is bounded: a stream that asks for more than KL_MAX_CODEC_BYTES is refused.
 * Thread rule: one codec, one thread.
 */
#ifndef KL_EXTRACT_CODEC_H
#define KL_EXTRACT_CODEC_H

#include "extract/input.h"

enum kl_codec_kind {
    KL_CODEC_NONE = 0,
    KL_CODEC_GZIP,
    KL_CODEC_BZIP2,
    KL_CODEC_XZ,
    KL_CODEC_LZIP,
    KL_CODEC_ZSTD,
    KL_CODEC_LZ4,
    /* Without a signature of their own: kl_codec_guess. */
    KL_CODEC_DEFLATE,  /* raw, of an OpenPGP packet; never guessed */
    KL_CODEC_LZMA_ZIP, /* as a zip holds it: version, length, properties, data; never guessed */
    KL_CODEC_ZLIB,
    KL_CODEC_LZMA,
    KL_CODEC_BROTLI,
};

/** What packed it, by its signature; KL_CODEC_NONE: none of these. Pure. */
enum kl_codec_kind kl_codec_of(struct kl_span head);

/**
 * The kinds without a signature: the head is unpacked, and only what gives text, or another
 * packed format by its signature, counts.
 * @param whole  head is all there is
 */
KL_MUST enum kl_rc kl_codec_guess(struct kl_span head, bool whole, enum kl_codec_kind *out_kind);

/** "gz", "xz", …: the usual suffix; static storage. */
const char *kl_codec_suffix(enum kl_codec_kind kind);

struct kl_codec; /* opaque, about 70 kB beside the library's own */

/** @param in  borrowed until kl_codec_free; the stream begins at its first byte */
KL_MUST enum kl_rc kl_codec_new(enum kl_codec_kind kind, const struct kl_input *in,
                                struct kl_codec **out_c);
void kl_codec_free(struct kl_codec **c);

/** How many bytes it unpacks to; only KL_CODEC_LZMA_ZIP asks. */
void kl_codec_set_plain(struct kl_codec *c, uint64_t plain_bytes);

/** Begin at the first byte again. */
KL_MUST enum kl_rc kl_codec_rewind(struct kl_codec *c);

/**
 * The next n bytes; good bytes before a break are given first, the break by the next call.
 * @param out_n  fewer than n only in front of the end or a break; 0: the end
 * @return KL_E_FORMAT: broken, or ends too early; KL_E_LIMIT: more memory than is allowed, or
 * too many frames with next to nothing in them; KL_E_IO; KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_codec_read(struct kl_codec *c, void *dst, size_t n, size_t *out_n);

/**
 * How far into the input it has come at any time (rewinds do not count back).
 * @param out_whole  the end was seen; what follows is something else
 */
uint64_t kl_codec_reached_get(const struct kl_codec *c, bool *out_whole);

#endif
