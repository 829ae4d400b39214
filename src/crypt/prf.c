#include "crypt/prf.h"

#include "base/cpu.h"
#include "base/limits.h"
#include "crypt/aes_portable.h"
#include "crypt/digest.h"
#include "crypt/prf_paths_int.h"

void kl_prf_init(struct kl_prf *p, const uint8_t key_short[static 16],
                 const uint8_t key_long[static 16], const uint8_t key_tweak[static 16])
{
    kl_aes128_expand(key_short, p->round_short);
    kl_aes128_expand(key_long, p->round_long);
    kl_aes128_expand(key_tweak, p->round_tweak);
}

void kl_prf_done(struct kl_prf *p)
{
    kl_wipe(p, sizeof *p);
}

static void xor16(uint8_t *dst, const uint8_t *src)
{
    for (int i = 0; i < 16; i++) {
        dst[i] ^= src[i];
    }
}

static void cells_portable(const uint8_t rk[11][16], const struct kl_cell32 *cells, size_t n,
                           struct kl_tag *out)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t b[16];
        memcpy(b, cells[i].b, 16);
        kl_aes128_block(rk, b);
        xor16(b, cells[i].b + 16);
        kl_aes128_block(rk, b);
        memcpy(out + i, b, 16);
    }
}

void kl_prf_cells(const struct kl_prf *p, const struct kl_cell32 *cells, size_t n,
                  struct kl_tag *out)
{
#if defined(__x86_64__)
    if (n >= 16 && kl_cpu_has_vaes512()) {
        kl_prf_cells_vaes(p->round_short, cells, n, out);
        return;
    }
    if (kl_cpu_has_aes()) {
        kl_prf_cells_aesni(p->round_short, cells, n, out);
        return;
    }
#endif
    cells_portable(p->round_short, cells, n, out);
}

static void blocks_any(const uint8_t rk[11][16], struct kl_tag *blocks, size_t n)
{
#if defined(__x86_64__)
    if (n >= 16 && kl_cpu_has_vaes512()) {
        kl_prf_blocks_vaes(rk, blocks, n);
        return;
    }
    if (kl_cpu_has_aes()) {
        kl_prf_blocks_aesni(rk, blocks, n);
        return;
    }
#endif
    for (size_t i = 0; i < n; i++) {
        uint8_t b[16];
        memcpy(b, blocks + i, 16);
        kl_aes128_block(rk, b);
        memcpy(blocks + i, b, 16);
    }
}

void kl_prf_tweak(const struct kl_prf *p, struct kl_tag *blocks, size_t n)
{
    blocks_any(p->round_tweak, blocks, n);
}

/* Length block first, then zero-padded text: prefix-free, so CBC-MAC stays a PRF. */
static struct kl_tag long_text(const struct kl_prf *p, struct kl_span text, uint8_t domain)
{
    uint8_t state[16] = {0};
    struct kl_tag t;

    state[0] = (uint8_t)text.len;
    state[1] = domain;
    memcpy(&t, state, 16);
    blocks_any(p->round_long, &t, 1);
    for (size_t at = 0; at < text.len; at += 16) {
        struct kl_span piece = kl_span_part(text, at, at + 16);
        memcpy(state, &t, 16);
        for (size_t i = 0; i < piece.len; i++) {
            state[i] ^= piece.ptr[i];
        }
        memcpy(&t, state, 16);
        blocks_any(p->round_long, &t, 1);
    }
    return t;
}

struct kl_tag kl_prf_text(const struct kl_prf *p, struct kl_span text, uint8_t domain)
{
    struct kl_tag t;

    if (text.len > 31) {
        return long_text(p, kl_span_part(text, 0, KL_MAX_CELL_BYTES), domain);
    }
    struct kl_cell32 c;
    kl_cell32_set(&c, text, domain);
    kl_prf_cells(p, &c, 1, &t);
    return t;
}
