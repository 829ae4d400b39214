#include "extract/codec.h"

#include <brotli/decode.h>
#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/limits.h"
#include "extract/extract.h"

#define IN_BYTES 65536u
#define ZSTD_WINDOW_LOG 27 /* 128 MiB, what zstd itself takes without being asked */
#define FRAMES_FREE 10000u /* frames of any size; beyond it their mean must be FRAME_BYTES */
#define FRAME_BYTES 256u   /* of input */
#define STUCK_MAX 8u       /* rounds without progress */
#define GUESS_BYTES 16384u /* unpacked to guess */
#define GUESS_LEAST 32u

enum step {
    STEP_MORE = 0, /* ran out of input or of room */
    STEP_END,      /* of a frame */
    STEP_BAD,
    STEP_BIG, /* wants more memory than is allowed, or than there is */
};

/* What one step works on. */
struct io {
    const uint8_t *in;
    size_t n_in;
    uint8_t *out;
    size_t n_out;
};

struct kl_codec {
    enum kl_codec_kind kind;
    const struct kl_input *in;
    uint64_t at; /* of the input: next byte to read into buf */
    size_t from; /* buf[from, to) was read and not used */
    size_t to;
    uint64_t taken;    /* behind the last whole frame */
    uint64_t reached;  /* furthest place up to which input was used, in any pass */
    uint64_t whole_at; /* where the stream ends, once that was seen */
    uint64_t n_frames;
    uint64_t plain_bytes; /* as a zip says; UINT64_MAX: not */
    bool open;            /* inside a frame */
    bool at_end;          /* nothing more of this stream */
    enum kl_rc rc;
    struct inflate_state *z;
    bz_stream bz;
    lzma_stream lz;
    ZSTD_DCtx *zstd;
    LZ4F_dctx *lz4;
    BrotliDecoderState *br;
    uint8_t buf[IN_BYTES];
};

/* ---- the libraries: begin a frame, step, end ---- */

static enum step begin_inflate(struct kl_codec *c)
{
    isal_inflate_init(c->z);
    c->z->crc_flag = c->kind == KL_CODEC_GZIP   ? ISAL_GZIP
                     : c->kind == KL_CODEC_ZLIB ? ISAL_ZLIB
                                                : ISAL_DEFLATE;
    return STEP_MORE;
}

static enum step step_inflate(struct kl_codec *c, struct io *io)
{
    size_t n_out = io->n_out < (1u << 30) ? io->n_out : 1u << 30;
    struct inflate_state *z = c->z;
    z->next_in = (uint8_t *)(uintptr_t)io->in; /* NOLINT(performance-no-int-to-ptr): not written */
    z->avail_in = (uint32_t)io->n_in;
    z->next_out = io->out;
    z->avail_out = (uint32_t)n_out;
    int rc = isal_inflate(z);
    io->in = z->next_in;
    io->n_in = z->avail_in;
    io->out = z->next_out;
    io->n_out -= n_out - z->avail_out;
    if (rc < 0) {
        return STEP_BAD;
    }
    return z->block_state == ISAL_BLOCK_FINISH ? STEP_END : STEP_MORE;
}

static void end_bzip2(struct kl_codec *c)
{
    (void)BZ2_bzDecompressEnd(&c->bz);
    memset(&c->bz, 0, sizeof c->bz);
}

static enum step begin_bzip2(struct kl_codec *c)
{
    end_bzip2(c);
    return BZ2_bzDecompressInit(&c->bz, 0, 0) == BZ_OK ? STEP_MORE : STEP_BIG;
}

static enum step step_bzip2(struct kl_codec *c, struct io *io)
{
    size_t n_out = io->n_out < (1u << 30) ? io->n_out : 1u << 30;
    c->bz.next_in = (char *)(uintptr_t)io->in; /* NOLINT(performance-no-int-to-ptr): not written */
    c->bz.avail_in = (unsigned)io->n_in;
    c->bz.next_out = (char *)io->out;
    c->bz.avail_out = (unsigned)n_out;
    int rc = BZ2_bzDecompress(&c->bz);
    io->in = (const uint8_t *)c->bz.next_in;
    io->n_in = c->bz.avail_in;
    io->out = (uint8_t *)c->bz.next_out;
    io->n_out -= n_out - c->bz.avail_out;
    return rc == BZ_STREAM_END  ? STEP_END
           : rc == BZ_OK        ? STEP_MORE
           : rc == BZ_MEM_ERROR ? STEP_BIG
                                : STEP_BAD;
}

/* APPNOTE.TXT 5.8.8: two bytes of version, two of the properties' length (5), the properties. What
 * lzma itself has in front is the properties and eight bytes of size. */
static enum step begin_lzma_zip(struct kl_codec *c)
{
    uint8_t head[13];
    uint8_t none; /* nothing comes out of a head, but without room nothing goes in either */
    if (c->to - c->from < 9 || c->buf[c->from + 2] != 5 || c->buf[c->from + 3] != 0) {
        return STEP_BAD;
    }
    memcpy(head, c->buf + c->from + 4, 5);
    for (unsigned i = 0; i < 8; i++) {
        head[5 + i] = (uint8_t)(c->plain_bytes >> (8 * i));
    }
    c->from += 9;
    c->lz.next_in = head;
    c->lz.avail_in = sizeof head;
    c->lz.next_out = &none;
    c->lz.avail_out = 1;
    lzma_ret rc = lzma_code(&c->lz, LZMA_RUN);
    return rc == LZMA_OK || rc == LZMA_BUF_ERROR               ? STEP_MORE
           : rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR ? STEP_BIG
                                                               : STEP_BAD;
}

static enum step begin_lzma(struct kl_codec *c)
{
    lzma_ret rc = c->kind == KL_CODEC_XZ     ? lzma_stream_decoder(&c->lz, KL_MAX_CODEC_BYTES, 0)
                  : c->kind == KL_CODEC_LZIP ? lzma_lzip_decoder(&c->lz, KL_MAX_CODEC_BYTES, 0)
                                             : lzma_alone_decoder(&c->lz, KL_MAX_CODEC_BYTES);
    if (rc == LZMA_OK && c->kind == KL_CODEC_LZMA_ZIP) {
        return begin_lzma_zip(c);
    }
    return rc == LZMA_OK ? STEP_MORE : STEP_BIG;
}

static enum step step_lzma(struct kl_codec *c, struct io *io)
{
    c->lz.next_in = io->in;
    c->lz.avail_in = io->n_in;
    c->lz.next_out = io->out;
    c->lz.avail_out = io->n_out;
    lzma_ret rc = lzma_code(&c->lz, LZMA_RUN);
    io->in = c->lz.next_in;
    io->n_in = c->lz.avail_in;
    io->out = c->lz.next_out;
    io->n_out = c->lz.avail_out;
    if (rc == LZMA_OK || rc == LZMA_BUF_ERROR) { /* the second: no input or no room; counted */
        return STEP_MORE;
    }
    bool is_big = rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR;
    return rc == LZMA_STREAM_END ? STEP_END : is_big ? STEP_BIG : STEP_BAD;
}

static enum step begin_zstd(struct kl_codec *c)
{
    if (c->zstd == NULL) {
        c->zstd = ZSTD_createDCtx();
    }
    if (c->zstd == NULL) {
        return STEP_BIG;
    }
    /* The reset first: a parameter cannot be set inside a frame. */
    (void)ZSTD_DCtx_reset(c->zstd, ZSTD_reset_session_only);
    size_t rc = ZSTD_DCtx_setParameter(c->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return ZSTD_isError(rc) == 0 ? STEP_MORE : STEP_BIG;
}

static enum step step_zstd(struct kl_codec *c, struct io *io)
{
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    size_t rc = ZSTD_decompressStream(c->zstd, &out, &in);
    io->in += in.pos;
    io->n_in -= in.pos;
    io->out += out.pos;
    io->n_out -= out.pos;
    if (ZSTD_isError(rc) != 0) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(rc);
        return code == ZSTD_error_frameParameter_windowTooLarge ||
                       code == ZSTD_error_memory_allocation
                   ? STEP_BIG
                   : STEP_BAD;
    }
    return rc == 0 ? STEP_END : STEP_MORE;
}

static enum step begin_lz4(struct kl_codec *c)
{
    if (c->lz4 == NULL &&
        LZ4F_isError(LZ4F_createDecompressionContext(&c->lz4, LZ4F_VERSION)) != 0) {
        return STEP_BIG;
    }
    LZ4F_resetDecompressionContext(c->lz4);
    return STEP_MORE;
}

static enum step step_lz4(struct kl_codec *c, struct io *io)
{
    size_t n_in = io->n_in;
    size_t n_out = io->n_out;
    size_t rc = LZ4F_decompress(c->lz4, io->out, &n_out, io->in, &n_in, NULL);
    if (LZ4F_isError(rc) != 0) {
        return STEP_BAD;
    }
    io->in += n_in;
    io->n_in -= n_in;
    io->out += n_out;
    io->n_out -= n_out;
    return rc == 0 ? STEP_END : STEP_MORE;
}

static enum step begin_brotli(struct kl_codec *c)
{
    BrotliDecoderDestroyInstance(c->br);
    c->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return c->br != NULL ? STEP_MORE : STEP_BIG;
}

static enum step step_brotli(struct kl_codec *c, struct io *io)
{
    BrotliDecoderResult rc =
        BrotliDecoderDecompressStream(c->br, &io->n_in, &io->in, &io->n_out, &io->out, NULL);
    if (rc == BROTLI_DECODER_RESULT_ERROR) {
        BrotliDecoderErrorCode why = BrotliDecoderGetErrorCode(c->br);
        return why <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                       why >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
                   ? STEP_BIG
                   : STEP_BAD;
    }
    return rc == BROTLI_DECODER_RESULT_SUCCESS ? STEP_END : STEP_MORE;
}

struct kind {
    char suffix[5];
    uint8_t n_magic;
    char magic[8]; /* "": none */
    enum step (*begin)(struct kl_codec *c);
    enum step (*step)(struct kl_codec *c, struct io *io);
};

static const struct kind kinds[] = {
    [KL_CODEC_NONE] = {"", 0, "", NULL, NULL},
    [KL_CODEC_GZIP] = {"gz", 3, "\x1f\x8b\x08", begin_inflate, step_inflate},
    [KL_CODEC_BZIP2] = {"bz2", 3, "BZh", begin_bzip2, step_bzip2},
    [KL_CODEC_XZ] = {"xz", 6, "\xfd\x37zXZ\0", begin_lzma, step_lzma},
    [KL_CODEC_LZIP] = {"lz", 4, "LZIP", begin_lzma, step_lzma},
    [KL_CODEC_ZSTD] = {"zst", 4, "\x28\xb5\x2f\xfd", begin_zstd, step_zstd},
    [KL_CODEC_LZ4] = {"lz4", 4, "\x04\x22\x4d\x18", begin_lz4, step_lz4},
    [KL_CODEC_DEFLATE] = {"z", 0, "", begin_inflate, step_inflate},
    [KL_CODEC_LZMA_ZIP] = {"lzma", 0, "", begin_lzma, step_lzma},
    [KL_CODEC_ZLIB] = {"zlib", 0, "", begin_inflate, step_inflate},
    [KL_CODEC_LZMA] = {"lzma", 0, "", begin_lzma, step_lzma},
    [KL_CODEC_BROTLI] = {"br", 0, "", begin_brotli, step_brotli},
};

const char *kl_codec_suffix(enum kl_codec_kind kind)
{
    return kinds[kind].suffix;
}

/* A frame of zstd or lz4 that holds no data. */
static bool is_skippable(struct kl_span head)
{
    return head.len >= 4 && head.ptr[0] >= 0x50 && head.ptr[0] <= 0x5f &&
           memcmp(head.ptr + 1, "\x2a\x4d\x18", 3) == 0;
}

static bool has_magic(enum kl_codec_kind kind, struct kl_span head)
{
    const struct kind *k = &kinds[kind];
    bool fits =
        k->n_magic > 0 && head.len >= k->n_magic && memcmp(head.ptr, k->magic, k->n_magic) == 0;
    if (kind == KL_CODEC_BZIP2) {
        /* "BZh1" to "BZh9", then the first block, or the end of an empty one. */
        return fits && head.len >= 10 && head.ptr[3] >= '1' && head.ptr[3] <= '9' &&
               (memcmp(head.ptr + 4, "1AY&SY", 6) == 0 ||
                memcmp(head.ptr + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
    }
    if (kind == KL_CODEC_LZIP) {
        return fits && head.len >= 6 && head.ptr[4] <= 1 && (head.ptr[5] & 31) >= 12;
    }
    return fits;
}

enum kl_codec_kind kl_codec_of(struct kl_span head)
{
    if (is_skippable(head)) {
        return KL_CODEC_ZSTD;
    }
    for (size_t i = 1; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (has_magic((enum kl_codec_kind)i, head)) {
            return (enum kl_codec_kind)i;
        }
    }
    return KL_CODEC_NONE;
}

/* ---- a stream ---- */

enum kl_rc kl_codec_new(enum kl_codec_kind kind, const struct kl_input *in, struct kl_codec **out_c)
{
    struct kl_codec *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return KL_E_NOMEM;
    }
    c->kind = kind;
    c->in = in;
    c->plain_bytes = UINT64_MAX;
    if (kinds[kind].begin == begin_inflate) {
        c->z = malloc(sizeof *c->z);
        if (c->z == NULL) {
            free(c);
            return KL_E_NOMEM;
        }
    }
    *out_c = c;
    return KL_OK;
}

void kl_codec_free(struct kl_codec **c)
{
    if (*c == NULL) {
        return;
    }
    free((*c)->z);
    end_bzip2(*c);
    lzma_end(&(*c)->lz);
    (void)ZSTD_freeDCtx((*c)->zstd);
    (void)LZ4F_freeDecompressionContext((*c)->lz4);
    BrotliDecoderDestroyInstance((*c)->br);
    free(*c);
    *c = NULL;
}

void kl_codec_set_plain(struct kl_codec *c, uint64_t plain_bytes)
{
    c->plain_bytes = plain_bytes;
}

enum kl_rc kl_codec_rewind(struct kl_codec *c)
{
    c->at = 0;
    c->from = 0;
    c->to = 0;
    c->taken = 0;
    c->n_frames = 0;
    c->open = false;
    c->at_end = false;
    c->rc = KL_OK;
    return KL_OK;
}

static enum kl_rc fill(struct kl_codec *c)
{
    size_t n = 0;
    memmove(c->buf, c->buf + c->from, c->to - c->from);
    c->to -= c->from;
    c->from = 0;
    uint64_t left = c->at < c->in->len_bytes ? c->in->len_bytes - c->at : 0;
    size_t want = sizeof c->buf - c->to;
    want = left < want ? (size_t)left : want;
    if (want > 0) {
        KL_TRY(kl_input_read(c->in, c->at, c->buf + c->to, want, &n));
    }
    c->at += n;
    c->to += n;
    return KL_OK;
}

static enum kl_rc step_rc(enum step step)
{
    return step == STEP_BAD ? KL_E_FORMAT : KL_E_LIMIT;
}

/* Between two frames: is there another one? The first always is. */
static enum kl_rc next_frame(struct kl_codec *c)
{
    /* Zeros between the streams of an xz file are padding. */
    for (;;) {
        if (c->to - c->from < 16) {
            KL_TRY(fill(c));
        }
        if (c->kind != KL_CODEC_XZ || c->n_frames == 0 || c->to - c->from < 4 ||
            memcmp(c->buf + c->from, "\0\0\0\0", 4) != 0) {
            break;
        }
        c->from += 4;
    }
    struct kl_span head = kl_span_make(c->buf + c->from, c->to - c->from);
    bool skip = (c->kind == KL_CODEC_ZSTD || c->kind == KL_CODEC_LZ4) && is_skippable(head);
    if (c->n_frames > 0 && !skip && !has_magic(c->kind, head)) {
        c->at_end = true;
        c->whole_at = c->taken;
        return KL_OK;
    }
    if (head.len == 0) {
        return KL_E_FORMAT;
    }
    if (c->n_frames >= FRAMES_FREE && c->taken / FRAME_BYTES < c->n_frames) {
        return KL_E_LIMIT;
    }
    c->open = true;
    enum step step = kinds[c->kind].begin(c);
    return step == STEP_MORE ? KL_OK : step_rc(step);
}

/* Fill io->out; stops at the end of a frame. */
static enum kl_rc run_frame(struct kl_codec *c, struct io *io)
{
    unsigned stuck = 0;
    enum step step = STEP_MORE;
    while (step == STEP_MORE && io->n_out > 0) {
        if (c->from == c->to) {
            KL_TRY(fill(c));
        }
        size_t n_in = c->to - c->from;
        size_t n_out = io->n_out;
        io->in = c->buf + c->from;
        io->n_in = n_in;
        step = kinds[c->kind].step(c, io);
        c->from = c->to - io->n_in;
        uint64_t reached = c->at - (c->to - c->from);
        c->reached = reached > c->reached ? reached : c->reached;
        bool moved = io->n_in < n_in || io->n_out < n_out;
        stuck = moved ? 0 : stuck + 1;
        if (step == STEP_MORE && !moved && (n_in == 0 || stuck > STUCK_MAX)) {
            return KL_E_FORMAT; /* it ends too early, or goes in circles */
        }
    }
    if (step == STEP_END) {
        c->open = false;
        c->n_frames++;
        c->taken = c->at - (c->to - c->from);
    }
    return step == STEP_MORE || step == STEP_END ? KL_OK : step_rc(step);
}

enum kl_rc kl_codec_read(struct kl_codec *c, void *dst, size_t n, size_t *out_n)
{
    struct io io = {.out = dst, .n_out = n};
    while (c->rc == KL_OK && io.n_out > 0 && !c->at_end) {
        c->rc = c->open ? run_frame(c, &io) : next_frame(c);
    }
    *out_n = n - io.n_out;
    return *out_n > 0 ? KL_OK : c->rc;
}

uint64_t kl_codec_reached_get(const struct kl_codec *c, bool *out_whole)
{
    *out_whole = c->whole_at > 0;
    return *out_whole ? c->whole_at : c->reached;
}

/* ---- guessing ---- */

/* The few heads that may be one of these at all: most binary files end here. */
static bool may_be(enum kl_codec_kind kind, struct kl_span h)
{
    if (kind == KL_CODEC_ZLIB) {
        return (h.ptr[0] & 0x8f) == 8 && (h.ptr[0] * 256 + h.ptr[1]) % 31 == 0 &&
               (h.ptr[1] & 0x20) == 0;
    }
    if (kind == KL_CODEC_LZMA) {
        struct kl_rd r = kl_rd_init(h);
        uint8_t props = kl_rd_u8(&r);
        uint32_t dict = kl_rd_le32(&r);
        uint64_t size = kl_rd_le64(&r);
        return kl_rd_ok(&r) && props < 225 && dict >= 4096 &&
               (size == UINT64_MAX || size < (1ull << 38)) && kl_rd_u8(&r) == 0;
    }
    return true;
}

static enum kl_rc unpacks_well(enum kl_codec_kind kind, struct kl_span head, bool whole,
                               uint8_t *out, bool *out_well)
{
    struct kl_input in = kl_input_mem(head);
    struct kl_codec *c = NULL;
    size_t n = 0;
    size_t more = 0;
    KL_TRY(kl_codec_new(kind, &in, &c));
    enum kl_rc rc = kl_codec_read(c, out, GUESS_BYTES, &n);
    bool full = rc == KL_OK && n == GUESS_BYTES;
    enum kl_rc end = rc == KL_OK && !full ? kl_codec_read(c, out + n, 1, &more) : rc;
    /* The head of a longer one ends too early: that is no break. */
    bool cut = !whole && end == KL_E_FORMAT && c->from == c->to && c->open;
    bool good = full || cut || (end == KL_OK && c->taken == head.len);
    kl_codec_free(&c);
    enum kl_format inner = kl_sniff(kl_span_make(out, n));
    *out_well = good && n >= GUESS_LEAST && inner != KL_FORMAT_NONE && inner != KL_FORMAT_BINARY;
    return KL_OK;
}

enum kl_rc kl_codec_guess(struct kl_span head, bool whole, enum kl_codec_kind *out_kind)
{
    enum kl_rc rc = KL_OK;
    bool well = false;
    *out_kind = KL_CODEC_NONE;
    if (head.len < 16) {
        return KL_OK;
    }
    uint8_t *out = malloc(GUESS_BYTES + 1);
    if (out == NULL) {
        return KL_E_NOMEM;
    }
    for (int k = KL_CODEC_ZLIB; k <= KL_CODEC_BROTLI && rc == KL_OK && !well; k++) {
        enum kl_codec_kind kind = (enum kl_codec_kind)k;
        if (may_be(kind, head)) {
            rc = unpacks_well(kind, head, whole, out, &well);
            *out_kind = well ? kind : KL_CODEC_NONE;
        }
    }
    free(out);
    return rc;
}
