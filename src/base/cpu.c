#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static _Atomic int chosen = -1;

static enum kl_cpu_level machine_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
                __builtin_cpu_supports("popcnt");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512vbmi");
    if (avx512) {
        return KL_CPU_AVX512;
    }
    return avx2 ? KL_CPU_AVX2 : KL_CPU_PORTABLE;
#else
    return KL_CPU_PORTABLE;
#endif
}

void kl_cpu_level_set(enum kl_cpu_level level)
{
    enum kl_cpu_level top = machine_level();
    atomic_store(&chosen, (int)(level < top ? level : top));
}

enum kl_cpu_level kl_cpu_level_get(void)
{
    int now = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (now >= 0) {
        return (enum kl_cpu_level)now;
    }
    enum kl_cpu_level level = machine_level();
    const char *ask = getenv("KULLA_CPU");
    if (ask != NULL && strcmp(ask, "portable") == 0) {
        level = KL_CPU_PORTABLE;
    } else if (ask != NULL && strcmp(ask, "avx2") == 0 && level > KL_CPU_AVX2) {
        level = KL_CPU_AVX2;
    }
    atomic_store(&chosen, (int)level);
    return level;
}

bool kl_cpu_has_aes(void)
{
#if defined(__x86_64__)
    return kl_cpu_level_get() > KL_CPU_PORTABLE && __builtin_cpu_supports("aes");
#else
    return false;
#endif
}

bool kl_cpu_has_vaes512(void)
{
#if defined(__x86_64__)
    /* Asked once: CPUID traps on virtual machines and costs more than a thousand AES rounds. */
    static _Atomic int known = -1;
    int has = atomic_load_explicit(&known, memory_order_relaxed);
    if (has < 0) {
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        /* By CPUID: clang 14 knows no "vaes". The level says that the system saves the registers.
         */
        has = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & bit_VAES) != 0;
        atomic_store(&known, has);
    }
    return has != 0 && kl_cpu_level_get() == KL_CPU_AVX512;
#else
    return false;
#endif
}

bool kl_cpu_has_vbmi2(void)
{
#if defined(__x86_64__)
    return kl_cpu_level_get() == KL_CPU_AVX512 && __builtin_cpu_supports("avx512vbmi2");
#else
    return false;
#endif
}

const char *kl_cpu_level_name(enum kl_cpu_level level)
{
    switch (level) {
    case KL_CPU_AVX2:
        return "avx2";
    case KL_CPU_AVX512:
        return "avx512";
    case KL_CPU_PORTABLE:
        break;
    }
    return "portable";
}
