#include "extract/office_lock.h"

#include "locked_run.h"
#include "office_lock_make.h"

#define TEXT "nid;emri\nA00000001B;Agim Prove\nT00000002C;Mira Prove\n"

static const struct olm locks[] = {
    {NULL, NULL, 16, 50000, 0, "Tirana2024"},
    {NULL, NULL, 24, 50000, 0, "Tirana2024"},
    {NULL, NULL, 32, 50000, 0, "Tirana2024"},
    {&nettle_sha1, "SHA1", 16, 1000, 0, "Tirana2024"},
    {&nettle_sha1, "SHA1", 32, 1000, 0, "Tirana2024"}, /* the key is longer than the digest */
    {&nettle_sha256, "SHA256", 32, 10, 0, "Tirana2024"},
    {&nettle_sha384, "SHA384", 24, 0, 0, "Tirana2024"},
    {&nettle_sha512, "SHA512", 32, 1000, 0, "Tirana2024"},
};
#define N_LOCKS (sizeof locks / sizeof locks[0])

/* A zip with a stored text of more than a segment, that ends in what is looked for. */
static struct zm_bytes package(void)
{
    struct zm z = {0};
    const struct zm_opts stored = {.stored = true};
    char text[9000];
    memset(text, '.', sizeof text);
    memcpy(text + sizeof text - sizeof TEXT, TEXT, sizeof TEXT);
    zm_add_opts(&z, "x.csv", text, sizeof text, stored);
    zm_end(&z, "");
    struct zm_bytes b = {0};
    zm_put(&b, z.out.ptr, z.out.len);
    zm_done(&z);
    return b;
}

static void lock_up(struct cm *c, const struct olm *o)
{
    struct zm_bytes b = package();
    memset(c, 0, sizeof *c);
    olm_add(c, o, b.ptr, b.len);
    cm_end(c);
    free(b.ptr);
}

static void run(struct sink_mem *s, const struct cm *c, const char *given, const char *words)
{
    struct zm_bytes b = {c->out, c->out_len, c->out_len};
    memset(s, 0, sizeof *s);
    locked_run(s, &b, given, words);
}

KT_TEST(a_password_that_was_given_opens_a_package)
{
    for (size_t i = 0; i < N_LOCKS; i++) {
        struct cm c;
        struct sink_mem s;
        lock_up(&c, &locks[i]);
        run(&s, &c, "nope Tirana2024 other", NULL);
        KT_OK(locked_has(&s, "A  encrypted.opened\n"));
        KT_OK(locked_has(&s, "B text /EncryptedPackage/x.csv\n") && locked_has(&s, TEXT));
        KT_OK(!locked_has(&s, "zip.crc"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        run(&s, &c, NULL, "fjalekalimi Tirana2024");
        KT_OK(locked_has(&s, TEXT));
        sink_mem_done(&s);
        cm_done(&c);
    }
}

KT_TEST(without_the_password_a_package_is_encrypted_with_its_bytes)
{
    for (size_t i = 0; i < N_LOCKS; i++) {
        struct cm c;
        struct sink_mem s;
        lock_up(&c, &locks[i]);
        run(&s, &c, "tirana2024 Tirana2025", "Tirana 2024");
        KT_OK(locked_has(&s, "N  encrypted ") && !locked_has(&s, "opened"));
        KT_OK(s.not_inspected > 9000);
        sink_mem_done(&s);
        cm_done(&c);
    }
}

KT_TEST(the_password_that_excel_sets_is_always_tried)
{
    struct olm o = locks[7];
    struct cm c;
    struct sink_mem s;
    o.password = "VelvetSweatshop";
    lock_up(&c, &o);
    run(&s, &c, NULL, NULL);
    KT_OK(locked_has(&s, "A  office.default_password\n") && locked_has(&s, TEXT));
    KT_OK(!locked_has(&s, "encrypted.opened"));
    sink_mem_done(&s);
    cm_done(&c);
}

/* The work of all tries is bounded, whatever the file says that one of them takes. */
KT_TEST(a_spin_count_beyond_the_limit_is_not_begun)
{
    static const uint64_t claims[] = {KL_MAX_PASSWORD_HASHES, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct olm o = locks[3];
        struct cm c;
        struct sink_mem s;
        o.claim_spin = claims[i];
        lock_up(&c, &o);
        run(&s, &c, "Tirana2024", NULL);
        KT_OK(locked_has(&s, "N  encrypted "));
        KT_OK(locked_has(&s, "limit.passwords"));
        sink_mem_done(&s);
        cm_done(&c);
    }
}

static enum kl_rc count(void *ctx, struct kl_span password, bool *out_fits)
{
    unsigned *n = ctx;
    (void)password;
    *n += 1;
    *out_fits = false;
    return KL_OK;
}

/* What a document's own words may take is less than what a given password may. */
static void end_at_limit(bool given, uint64_t hashes)
{
    for (unsigned more = 0; more < 2; more++) {
        struct kl_passwords list = {0};
        struct sink_mem s = {0};
        struct kl_sink sink = sink_mem_sink(&s);
        struct kl_emit *e = NULL;
        unsigned n = 0;
        bool found = true;
        const struct kl_lock lock = {
            .fits = count, .ctx = &n, .hashes = hashes + more, .usual = ""};
        KT_EQ(kl_emit_new(&sink, &e), KL_OK);
        kl_emit_start(e, 0);
        if (given) {
            KT_EQ(kl_passwords_add(&list, KL_SPAN_LIT("word")), KL_OK);
            kl_emit_candidates(e)->given = &list;
        } else {
            KT_EQ(kl_emit_note_word(e, KL_SPAN_LIT("word")), KL_OK);
        }
        KT_EQ(kl_emit_try_passwords(e, &lock, &found), KL_OK);
        KT_OK(!found);
        KT_EQ(n, 2 - more);
        KT_EQ(kl_emit_finish(e), KL_OK);
        KT_EQ(locked_has(&s, "limit.passwords"), more == 1);
        kl_emit_free(&e);
        kl_passwords_done(&list);
        sink_mem_done(&s);
    }
}

KT_TEST(the_hashes_of_a_document_end_at_their_limit)
{
    end_at_limit(true, KL_MAX_PASSWORD_HASHES / 2);
    end_at_limit(false, KL_MAX_WORD_HASHES);
}

KT_TEST(a_size_that_lies_hides_nothing)
{
    static const uint64_t claims[] = {0, 100, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct cm c = {0};
        struct sink_mem s;
        struct zm_bytes b = package();
        olm_add(&c, &locks[3], b.ptr, b.len);
        cm_le(c.e[2].data, claims[i], 8);
        cm_end(&c);
        run(&s, &c, "Tirana2024", NULL);
        KT_OK(locked_has(&s, TEXT));
        sink_mem_done(&s);
        cm_done(&c);
        free(b.ptr);
    }
}

KT_TEST(passwords_are_utf16)
{
    uint8_t out[2 * KL_MAX_PASSWORD_BYTES];
    KT_EQ(kl_password_wide(KL_SPAN_LIT("a\xc3\xab\xe2\x82\xac\xf0\x9f\x98\x80"), out), 10);
    KT_OK(memcmp(out, "a\0\xeb\0\xac\x20\x3d\xd8\x00\xde", 10) == 0);
    KT_EQ(kl_password_wide(KL_SPAN_LIT("\xff\xc3\xe2\x82"), out), 8);
    KT_OK(memcmp(out, "\xff\0\xc3\0\xe2\0\x82\0", 8) == 0);
}

/* Any byte of EncryptionInfo wrong, or the stream cut there: said or read, and accounted for. */
KT_TEST(packages_cut_and_flipped_keep_the_accounting)
{
    static const size_t some[] = {0, 3};
    for (size_t i = 0; i < 2; i++) {
        struct olm o = locks[some[i]];
        struct cm c = {0};
        struct zm_bytes b = package();
        o.spin = o.hash == NULL ? o.spin : 3;
        olm_add(&c, &o, b.ptr, b.len);
        cm_end(&c);
        uint8_t *info = memmem(c.out, c.out_len, c.e[1].data, c.e[1].len);
        KT_OK(info != NULL);
        for (size_t at = 0; at < c.e[1].len; at += o.hash == NULL ? 2 : 1) {
            struct sink_mem s;
            info[at] ^= 0xFF;
            run(&s, &c, "Tirana2024", NULL);
            info[at] ^= 0xFF;
            sink_mem_done(&s);
        }
        cm_done(&c);
        free(b.ptr);
    }
}

KT_MAIN()
