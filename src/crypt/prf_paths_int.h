/* The three ways to run the PRF; crypt/prf.c chooses. All agree bit for bit. */
#ifndef KL_CRYPT_PRF_PATHS_INT_H
#define KL_CRYPT_PRF_PATHS_INT_H

#include "crypt/prf.h"

#if defined(__x86_64__)
void kl_prf_cells_aesni(const uint8_t rk[11][16], const struct kl_cell32 *cells, size_t n,
                        struct kl_tag *out);
void kl_prf_cells_vaes(const uint8_t rk[11][16], const struct kl_cell32 *cells, size_t n,
                       struct kl_tag *out);
void kl_prf_blocks_aesni(const uint8_t rk[11][16], struct kl_tag *blocks, size_t n);
void kl_prf_blocks_vaes(const uint8_t rk[11][16], struct kl_tag *blocks, size_t n);
#endif

#endif
