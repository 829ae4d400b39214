#include "extract/inflate.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdlib.h>

#define IN_BYTES 65536u

struct kl_inflate {
    struct inflate_state s;
    const struct kl_input *in;
    uint64_t at;    /* next byte to read */
    uint64_t left;  /* bytes not read yet */
    uint64_t given; /* bytes handed to ISA-L, or stored bytes given out */
    uint32_t crc;
    bool stored;
    enum kl_rc rc; /* kept for the next call */
    uint8_t buf[IN_BYTES];
};

enum kl_rc kl_inflate_new(struct kl_inflate **out_z)
{
    struct kl_inflate *z = calloc(1, sizeof *z);
    if (z == NULL) {
        return KL_E_NOMEM;
    }
    *out_z = z;
    return KL_OK;
}

void kl_inflate_free(struct kl_inflate **z)
{
    free(*z);
    *z = NULL;
}

void kl_inflate_start(struct kl_inflate *z, const struct kl_input *in, uint64_t at,
                      uint64_t comp_bytes, bool stored)
{
    isal_inflate_init(&z->s);
    z->s.crc_flag = ISAL_DEFLATE;
    z->in = in;
    z->at = at;
    z->left = comp_bytes;
    z->given = 0;
    z->crc = 0;
    z->stored = stored;
    z->rc = KL_OK;
}

static enum kl_rc refill(struct kl_inflate *z)
{
    size_t want = z->left < IN_BYTES ? (size_t)z->left : IN_BYTES;
    size_t n = 0;
    KL_TRY(kl_input_read(z->in, z->at, z->buf, want, &n));
    if (n < want) {
        z->left = n;
    }
    z->at += n;
    z->left -= n;
    z->given += n;
    z->s.next_in = z->buf;
    z->s.avail_in = (uint32_t)n;
    return KL_OK;
}

static enum kl_rc read_stored(struct kl_inflate *z, void *dst, size_t n, size_t *out_n)
{
    size_t want = z->left < n ? (size_t)z->left : n;
    KL_TRY(kl_input_read(z->in, z->at, dst, want, out_n));
    z->at += *out_n;
    z->left -= *out_n;
    z->given += *out_n;
    if (*out_n < want) {
        z->left = 0;
        z->rc = KL_E_FORMAT;
    }
    return KL_OK;
}

static enum kl_rc read_deflate(struct kl_inflate *z, uint8_t *dst, size_t n)
{
    z->s.next_out = dst;
    z->s.avail_out = n > (1u << 30) ? 1u << 30 : (uint32_t)n;
    while (z->s.avail_out > 0 && z->s.block_state != ISAL_BLOCK_FINISH) {
        if (z->s.avail_in == 0 && z->left > 0) {
            KL_TRY(refill(z));
        }
        uint32_t out_before = z->s.avail_out;
        uint32_t in_before = z->s.avail_in;
        int rc = isal_inflate(&z->s);
        bool stuck = z->s.avail_out == out_before && z->s.avail_in == in_before && z->left == 0;
        if (rc < 0 || (stuck && z->s.block_state != ISAL_BLOCK_FINISH)) {
            return KL_E_FORMAT;
        }
    }
    return KL_OK;
}

enum kl_rc kl_inflate_read(struct kl_inflate *z, void *dst, size_t n, size_t *out_n)
{
    size_t got = 0;
    if (z->rc != KL_OK) {
        return z->rc;
    }
    if (z->stored) {
        KL_TRY(read_stored(z, dst, n, &got));
    } else {
        z->rc = read_deflate(z, dst, n);
        got = (size_t)(z->s.next_out - (uint8_t *)dst);
    }
    if (got == 0 && z->rc != KL_OK) {
        return z->rc;
    }
    z->crc = libdeflate_crc32(z->crc, dst, got);
    *out_n = got;
    return KL_OK;
}

uint64_t kl_inflate_taken_get(const struct kl_inflate *z)
{
    int32_t bits = z->s.read_in_length > 0 ? z->s.read_in_length : 0;
    uint64_t ahead = z->stored ? 0 : z->s.avail_in + (uint64_t)bits / 8;
    return z->given > ahead ? z->given - ahead : 0;
}

uint32_t kl_inflate_crc_get(const struct kl_inflate *z)
{
    return z->crc;
}

enum kl_rc kl_inflate_whole(struct kl_span comp, uint8_t *dst, size_t len)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (d == NULL) {
        return KL_E_NOMEM;
    }
    enum libdeflate_result r = libdeflate_deflate_decompress(d, comp.ptr, comp.len, dst, len, NULL);
    libdeflate_free_decompressor(d);
    return r == LIBDEFLATE_SUCCESS ? KL_OK : KL_E_FORMAT;
}

uint32_t kl_inflate_crc(struct kl_span data)
{
    return libdeflate_crc32(0, data.ptr, data.len);
}

uint32_t kl_inflate_crc_more(uint32_t crc, struct kl_span data)
{
    return libdeflate_crc32(crc, data.ptr, data.len);
}
