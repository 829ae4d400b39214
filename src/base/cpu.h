/*
 * Which instruction-set path to take, decided once at run time.
 *
 * KULLA_CPU=portable|avx2|avx512 in the environment lowers the choice (never
 * raises it), so that each path can be tested on one machine.
 * Thread rule: any thread, any time.
 */
#ifndef KL_BASE_CPU_H
#define KL_BASE_CPU_H

#include <stdbool.h>

enum kl_cpu_level {
    KL_CPU_PORTABLE = 0,
    KL_CPU_AVX2,   /* AVX2, BMI2, POPCNT */
    KL_CPU_AVX512, /* F, BW, DQ, VL, VBMI and the above */
};

enum kl_cpu_level kl_cpu_level_get(void);

/** AES instructions are there: AES-NI on x86-64 (and the choice is not "portable"). */
bool kl_cpu_has_aes(void);

/** VAES on 512-bit registers is there and the choice is avx512. */
bool kl_cpu_has_vaes512(void);

/** VBMI2 (compress bytes) is there and the choice is avx512. */
bool kl_cpu_has_vbmi2(void);

/** Name for reports: "portable", "avx2" or "avx512"; static storage. */
const char *kl_cpu_level_name(enum kl_cpu_level level);

/** Lower the choice from a test; `level` above what the machine has is clipped. */
void kl_cpu_level_set(enum kl_cpu_level level);

#endif
