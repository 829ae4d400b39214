#include "base/cpu.h"
#include "crypt/prf.h"
#include "kt.h"

static void key_of_facts(struct kl_prf *p)
{
    uint8_t k[16];

    for (int i = 0; i < 16; i++) {
        k[i] = (uint8_t)i;
    }
    kl_prf_init(p, k, k, k);
}

static void check_vector(const char *text, const char *hex)
{
    struct kl_prf p;
    char got[17];

    key_of_facts(&p);
    struct kl_tag t = kl_prf_text(&p, kl_span_str(text), 1);
    for (int i = 0; i < 8; i++) {
        (void)snprintf(got + 2 * i, 3, "%02x", (unsigned)(t.lo >> (8 * i) & 0xff));
    }
    KT_STR(got, hex);
}

/* Made with: openssl enc -aes-128-cbc -nopad -iv 0, last block. */
KT_TEST(known_answers_of_openssl)
{
    check_vector("hoxha", "531096513a9b3353");
    check_vector("arben hoxha", "96c3294f61b5eba0");
    check_vector("i90308094a", "d52f537fbf3d4e6d");
    check_vector("691234567", "cc2c5d3b07dc9bd5");
}

KT_TEST(every_path_gives_the_portable_tags)
{
    struct kl_prf p;
    struct kl_cell32 cells[53];
    struct kl_tag want[53];
    struct kl_tag got[53];
    struct kl_tag tweak_want[53];
    unsigned seed = 7;
    enum kl_cpu_level top = kl_cpu_level_get();

    key_of_facts(&p);
    for (size_t i = 0; i < 53; i++) {
        for (size_t j = 0; j < 32; j++) {
            seed = seed * 1664525u + 1013904223u;
            cells[i].b[j] = (uint8_t)(seed >> 24);
        }
    }
    for (size_t n = 0; n <= 53; n++) {
        kl_cpu_level_set(KL_CPU_PORTABLE);
        kl_prf_cells(&p, cells, n, want);
        memcpy(tweak_want, want, sizeof want);
        kl_prf_tweak(&p, tweak_want, n);
        for (int level = KL_CPU_AVX2; level <= (int)top; level++) {
            kl_cpu_level_set((enum kl_cpu_level)level);
            memset(got, 0, sizeof got);
            kl_prf_cells(&p, cells, n, got);
            KT_MEM(got, want, n * sizeof *got);
            kl_prf_tweak(&p, got, n);
            KT_MEM(got, tweak_want, n * sizeof *got);
        }
    }
    kl_cpu_level_set(top);
}

KT_TEST(long_texts_differ_by_length_and_domain)
{
    struct kl_prf p;
    char text[64];

    key_of_facts(&p);
    memset(text, 'a', sizeof text);
    struct kl_tag a = kl_prf_text(&p, kl_span_make(text, 32), 1);
    struct kl_tag b = kl_prf_text(&p, kl_span_make(text, 33), 1);
    struct kl_tag c = kl_prf_text(&p, kl_span_make(text, 32), 2);
    KT_OK(a.lo != b.lo && a.lo != c.lo && b.lo != c.lo);
    text[63] = 0;
    struct kl_tag d = kl_prf_text(&p, kl_span_make(text, 63), 1);
    struct kl_tag e = kl_prf_text(&p, kl_span_make(text, 64), 1);
    KT_OK(d.lo != e.lo);
}

KT_MAIN()
