/*
 * The keyed fingerprint: AES-128 CBC-MAC over fixed-length cells, a PRF.
 *
 * cell(t) = t[0..30] zero-padded || (len | domain << 5), 32 bytes; T(t) = AES_k(AES_k(c0) ^ c1).
 * Texts of 32..255 bytes: under a second key, a length block first (prefix-free), then the text in
 * zero-padded blocks. The VAES, AES-NI and portable paths agree. Source: docs/adr/0004; M. Bellare,
 * J. Kilian, P. Rogaway, "The security of the cipher block chaining message authentication code"
 * (2000). Thread rule: a const key may be shared.
 */
#ifndef KL_CRYPT_PRF_H
#define KL_CRYPT_PRF_H

#include "base/span.h"

struct kl_prf {
    _Alignas(64) uint8_t round_short[11][16]; /* AES-128 round keys */
    _Alignas(64) uint8_t round_long[11][16];
    _Alignas(64) uint8_t round_tweak[11][16];
};

struct kl_cell32 {
    _Alignas(32) uint8_t b[32];
};

struct kl_tag {
    uint64_t lo; /* the first 8 bytes, little-endian */
    uint64_t hi;
};

/** Expand three 16-byte keys. */
void kl_prf_init(struct kl_prf *p, const uint8_t key_short[static 16],
                 const uint8_t key_long[static 16], const uint8_t key_tweak[static 16]);
void kl_prf_done(struct kl_prf *p);

/** The 32-byte cell of a text of at most 31 bytes. */
static inline void kl_cell32_set(struct kl_cell32 *c, struct kl_span text, uint8_t domain)
{
    memset(c->b, 0, sizeof c->b);
    if (text.len > 0) {
        memcpy(c->b, text.ptr, text.len);
    }
    c->b[31] = (uint8_t)(text.len | (size_t)domain << 5);
}

/** T of n short cells. @param out room for n */
void kl_prf_cells(const struct kl_prf *p, const struct kl_cell32 *cells, size_t n,
                  struct kl_tag *out);

/** T of one text of any length up to 255 bytes (longer: its first 255). domain <= 7. */
struct kl_tag kl_prf_text(const struct kl_prf *p, struct kl_span text, uint8_t domain);

/** One AES under the tweak key over each 16-byte block, in place. */
void kl_prf_tweak(const struct kl_prf *p, struct kl_tag *blocks, size_t n);

#endif
