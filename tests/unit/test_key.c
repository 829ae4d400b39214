#include "base/cpu.h"
#include "crypt/digest.h"
#include "crypt/key.h"
#include "kt.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/kulla-key-XXXXXX";
static char path[64];

static void fresh(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/kulla-key-XXXXXX");
    KT_OK(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/k", dir);
}

static void clean(void)
{
    (void)unlink(path);
    (void)rmdir(dir);
}

KT_TEST(a_key_survives_its_file)
{
    struct kl_key *a = NULL;
    struct kl_key *b = NULL;
    struct kl_err err = {0};
    uint8_t ca[8];
    uint8_t cb[8];

    fresh();
    KT_EQ(kl_key_generate(path, &err), KL_OK);
    KT_EQ(kl_key_generate(path, &err), KL_E_IO); /* never overwritten */
    err = (struct kl_err){0};
    KT_EQ(kl_key_read(path, &a, &err), KL_OK);
    KT_EQ(kl_key_read(path, &b, &err), KL_OK);
    kl_key_check_value(a, "salaries", ca);
    kl_key_check_value(b, "salaries", cb);
    KT_MEM(ca, cb, 8);
    kl_key_check_value(b, "voters", cb);
    KT_OK(memcmp(ca, cb, 8) != 0);
    kl_key_free(&a);
    kl_key_free(&b);
    clean();
}

KT_TEST(a_key_file_open_to_others_is_refused)
{
    struct kl_key *a = NULL;
    struct kl_err err = {0};

    fresh();
    KT_EQ(kl_key_generate(path, &err), KL_OK);
    KT_EQ(chmod(path, 0644), 0);
    KT_EQ(kl_key_read(path, &a, &err), KL_E_KEY);
    KT_OK(strstr(err.what, "chmod 600") != NULL);
    clean();
}

KT_TEST(every_truncation_and_flip_of_a_key_file_is_refused)
{
    struct kl_err err = {0};
    char text[256];

    fresh();
    KT_EQ(kl_key_generate(path, &err), KL_OK);
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    /* The last character is the line end: without it the key still reads. */
    for (size_t i = 0; i + 1 < n; i++) {
        for (int flip = 0; flip < 2; flip++) {
            struct kl_key *a = NULL;
            f = fopen(path, "w");
            char kept = text[i];
            text[i] = flip ? (char)(text[i] ^ 1) : text[i];
            (void)fwrite(text, 1, flip ? n : i, f);
            (void)fclose(f);
            text[i] = kept;
            struct kl_err e = {0};
            KT_EQ(kl_key_read(path, &a, &e), KL_E_KEY);
            KT_OK(e.what[0] != '\0');
            kl_key_free(&a);
        }
    }
    clean();
}

KT_TEST(signatures_verify_and_a_changed_message_does_not)
{
    struct kl_key *a = NULL;
    uint8_t secret[32] = {1, 2, 3};
    uint8_t sig[KL_SIGN_BYTES];
    char msg[] = "index header";

    KT_EQ(kl_key_from_bytes(secret, &a), KL_OK);
    kl_key_sign(a, kl_span_str(msg), sig);
    KT_EQ(kl_key_verify(a, kl_span_str(msg), sig), KL_OK);
    msg[0] ^= 1;
    KT_EQ(kl_key_verify(a, kl_span_str(msg), sig), KL_E_FORMAT);
    kl_key_free(&a);
}

KT_TEST(chunks_side_by_side_have_the_digests_of_each)
{
    static const enum kl_cpu_level levels[] = {KL_CPU_PORTABLE, KL_CPU_AVX512};
    static const size_t chunk_bytes[] = {1, 100, 128, 256, 1024, 4096};
    uint8_t got[KL_DIGEST_CHUNKS][KL_DIGEST_BYTES];
    uint8_t want[KL_DIGEST_BYTES];
    uint8_t *text = malloc(40000);

    for (size_t i = 0; i < 40000; i++) {
        text[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    for (size_t k = 0; k < 2 * sizeof chunk_bytes / sizeof chunk_bytes[0]; k++) {
        size_t one = chunk_bytes[k / 2];
        kl_cpu_level_set(levels[k % 2]);
        for (size_t len = 0; len <= 9 * one; len += 1 + one / 2) {
            size_t n = kl_digest_chunks(kl_span_make(text, len), one, got);
            size_t all = (len + one - 1) / one;
            KT_EQ(n, all < KL_DIGEST_CHUNKS ? all : KL_DIGEST_CHUNKS);
            for (size_t i = 0; i < n; i++) {
                kl_digest(kl_span_part(kl_span_make(text, len), i * one, (i + 1) * one), want);
                KT_MEM(got[i], want, sizeof want);
            }
        }
    }
    free(text);
}

KT_MAIN()
