/*
 * The generator's own random numbers: xoshiro256** seeded by splitmix64 (Blackman and
 * Vigna, public domain algorithms), so that a seed gives the same bytes on any machine.
 * Not for keys. Thread rule: one owner at a time.
 */
#ifndef KL_REGISTER_SYNTH_RNG_H
#define KL_REGISTER_SYNTH_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct kl_synth_rng {
    uint64_t s[4];
};

static inline uint64_t kl_synth_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/** A stream of its own for each (seed, purpose). */
static inline struct kl_synth_rng kl_synth_rng_init(uint64_t seed, uint64_t purpose)
{
    struct kl_synth_rng r = {{0}};
    uint64_t x = kl_synth_mix(seed) ^ kl_synth_mix(purpose << 32);
    for (unsigned i = 0; i < 4; i++) {
        x = kl_synth_mix(x + i);
        r.s[i] = x;
    }
    return r;
}

static inline uint64_t kl_synth_u64(struct kl_synth_rng *r)
{
    uint64_t x = r->s[1] * 5;
    uint64_t out = ((x << 7) | (x >> 57)) * 9;
    uint64_t t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = (r->s[3] << 45) | (r->s[3] >> 19);
    return out;
}

/** 0 <= result < n; n >= 1. */
static inline uint32_t kl_synth_below(struct kl_synth_rng *r, uint32_t n)
{
    return (uint32_t)(((kl_synth_u64(r) >> 32) * n) >> 32);
}

static inline bool kl_synth_chance(struct kl_synth_rng *r, uint32_t percent)
{
    return kl_synth_below(r, 100) < percent;
}

#endif
