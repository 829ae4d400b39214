#include "extract/openpgp.h"
#include "kt.h"

#include "archive_make.h"
#include "locked_run.h"

#define TEXT "nid;emri\nA00000001B;Agim Prove\nT00000002C;Mira Prove\n"
#define TEXT_LEN (sizeof TEXT - 1)

static const struct am_file one = {"x.csv", TEXT, TEXT_LEN};

/* ---- the list ---- */

static void add(struct kl_passwords *p, const char *word)
{
    KT_EQ(kl_passwords_add(p, kl_span_str(word)), KL_OK);
}

KT_TEST(a_list_gives_back_what_was_put_in)
{
    struct kl_passwords p = {NULL, 0, 0};
    struct kl_span w;
    size_t at = 0;
    KT_OK(!kl_passwords_next(&p, &at, &w));
    add(&p, "Tirana2024");
    add(&p, "");
    add(&p, "with space ");
    KT_EQ(p.n, 2);
    KT_OK(kl_passwords_next(&p, &at, &w) && kl_span_is(w, "Tirana2024"));
    KT_OK(kl_passwords_next(&p, &at, &w) && kl_span_is(w, "with space "));
    KT_OK(!kl_passwords_next(&p, &at, &w));
    kl_passwords_done(&p);
    KT_OK(p.ptr == NULL && p.n == 0);
}

KT_TEST(a_list_takes_the_longest_words_to_its_limit_and_no_more)
{
    char word[KL_MAX_PASSWORD_BYTES + 2];
    struct kl_passwords p = {NULL, 0, 0};
    memset(word, 'w', sizeof word);
    KT_EQ(kl_passwords_add(&p, kl_span_make(word, KL_MAX_PASSWORD_BYTES + 1)), KL_OK);
    KT_EQ(p.n, 0);
    for (unsigned i = 0; i < KL_MAX_PASSWORDS; i++) {
        KT_EQ(kl_passwords_add(&p, kl_span_make(word, KL_MAX_PASSWORD_BYTES)), KL_OK);
    }
    KT_EQ(kl_passwords_add(&p, kl_span_make(word, 1)), KL_E_LIMIT);
    KT_EQ(p.n, KL_MAX_PASSWORDS);
    kl_passwords_done(&p);
}

KT_TEST(a_list_travels_in_pieces_of_any_size)
{
    struct kl_passwords p = {NULL, 0, 0};
    for (unsigned i = 0; i < 300; i++) {
        char word[32];
        (void)snprintf(word, sizeof word, "word%u", i * i);
        add(&p, word);
    }
    static const size_t sizes[] = {16, 100, 16384};
    for (size_t k = 0; k < 3; k++) {
        struct kl_passwords q = {NULL, 0, 0};
        size_t at = 0;
        for (;;) {
            struct kl_span part = kl_passwords_pack(&p, &at, sizes[k]);
            if (part.len == 0) {
                break;
            }
            KT_OK(part.len <= sizes[k]);
            KT_EQ(kl_passwords_unpack(&q, part), KL_OK);
        }
        KT_EQ(q.n, p.n);
        KT_OK(q.len == p.len && memcmp(q.ptr, p.ptr, p.len) == 0);
        kl_passwords_done(&q);
    }
    kl_passwords_done(&p);
}

KT_TEST(a_list_that_lies_is_refused)
{
    struct kl_passwords p = {NULL, 0, 0};
    KT_EQ(kl_passwords_unpack(&p, KL_SPAN_LIT("\5abc")), KL_E_FORMAT);
    KT_EQ(kl_passwords_unpack(&p, KL_SPAN_LIT("\0abc")), KL_E_FORMAT);
    KT_EQ(kl_passwords_unpack(&p, KL_SPAN_LIT("\x80"
                                              "abc")),
          KL_E_FORMAT);
    KT_EQ(p.n, 0);
    kl_passwords_done(&p);
}

/* ---- zips ---- */

static const char *const locks[] = {
    "zip:encryption=zipcrypt", "zip:encryption=aes128", "zip:encryption=aes256",
    "zip:encryption=zipcrypt,zip:compression=store", "zip:encryption=aes256,zip:compression=store"};
#define N_LOCKS 5u

KT_TEST(a_password_that_was_given_opens_a_zip)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("zip", "none", locks[i], "Tirana2024", &one, 1);
        locked_run(&s, &b, "nope abc Tirana2024 other", NULL);
        KT_OK(locked_has(&s, "A /x.csv encrypted.opened\n"));
        KT_OK(locked_has(&s, "B text /x.csv\n" TEXT "E\n"));
        KT_OK(!locked_has(&s, "zip.crc") && !locked_has(&s, "zip.data") &&
              !locked_has(&s, "zip.size_lie"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(a_word_of_the_document_opens_it_too)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("zip", "none", locks[i], "Tirana2024", &one, 1);
        locked_run(&s, &b, NULL, "abc fjalekalimi Tirana2024");
        KT_OK(locked_has(&s, "B text /x.csv\n" TEXT "E\n"));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(without_the_password_it_is_encrypted_with_its_bytes)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("zip", "none", locks[i], "Tirana2024", &one, 1);
        locked_run(&s, &b, "tirana2024 Tirana2025", "Tirana 2024");
        KT_OK(locked_has(&s, "N /x.csv encrypted ") && !locked_has(&s, "encrypted.opened"));
        KT_OK(!locked_has(&s, "Agim"));
        KT_OK(s.not_inspected > 30);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

/* ZipCrypto checks one byte: of a thousand wrong ones four pass it, none opens anything. */
KT_TEST(a_wrong_password_that_passes_the_first_check_opens_nothing)
{
    char many[16000];
    size_t n = 0;
    for (unsigned i = 0; i < 990; i++) {
        n += (size_t)snprintf(many + n, sizeof many - n, "wrong%u ", i);
    }
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("zip", "none", locks[i], "Tirana2024", &one, 1);
        locked_run(&s, &b, many, NULL);
        KT_OK(locked_has(&s, "N /x.csv encrypted ") && !locked_has(&s, "encrypted.opened"));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(the_tries_of_a_document_end_at_their_limit)
{
    for (unsigned more = 0; more < 2; more++) {
        struct sink_mem s = {0};
        struct am_file files[3] = {one, one, one};
        char many[16000];
        size_t n = 0;
        /* Two members of 1000 tries each, and one that is tried or not. */
        for (unsigned i = 0; i < KL_MAX_PASSWORD_TRIES / 2; i++) {
            n += (size_t)snprintf(many + n, sizeof many - n, "wrong%u ", i);
        }
        struct zm_bytes b = am_make("zip", "none", locks[0], "Tirana2024", files, 2 + more);
        locked_run(&s, &b, many, NULL);
        KT_OK(locked_has(&s, "limit.passwords") == (more == 1));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(words_are_bounded_in_length_and_number_and_forgotten_with_the_document)
{
    struct sink_mem s = {0};
    struct kl_sink sink = sink_mem_sink(&s);
    struct kl_emit *e = NULL;
    char word[80];
    memset(word, 'w', sizeof word);
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    kl_emit_start(e, 0);
    KT_EQ(kl_emit_note_word(e, kl_span_make(word, 3)), KL_OK);
    KT_EQ(kl_emit_note_word(e, kl_span_make(word, 65)), KL_OK);
    KT_EQ(kl_emit_candidates(e)->words.n, 0);
    for (unsigned i = 0; i < KL_MAX_WORDS + 10; i++) {
        KT_EQ(kl_emit_note_word(e, kl_span_make(word, i % 2 == 0 ? 4 : 64)), KL_OK);
    }
    KT_EQ(kl_emit_candidates(e)->words.n, KL_MAX_WORDS);
    kl_emit_start(e, 0);
    KT_EQ(kl_emit_candidates(e)->words.n, 0);
    kl_emit_free(&e);
    sink_mem_done(&s);
}

KT_TEST(locked_zips_cut_and_flipped_keep_the_accounting)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct zm_bytes b = am_make("zip", "none", locks[i], "abcd", &one, 1);
        size_t whole = b.len;
        for (b.len = 1; b.len < whole; b.len++) {
            struct sink_mem s = {0};
            locked_run(&s, &b, "abcd", NULL);
            sink_mem_done(&s);
        }
        for (size_t at = 0; at < whole; at++) {
            struct sink_mem s = {0};
            b.ptr[at] ^= 0xFF;
            locked_run(&s, &b, "abcd", NULL);
            b.ptr[at] ^= 0xFF;
            sink_mem_done(&s);
        }
        free(b.ptr);
    }
}

KT_TEST(zips_of_7_zip_open)
{
    static const char *const names[] = {"xa.zip", "xc.zip"};
    for (size_t i = 0; i < 2; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = zm_corpus("containers", names[i], 0);
        locked_run(&s, &b, "abc", NULL);
        KT_OK(locked_has(&s, "encrypted.opened") && locked_has(&s, "B text /x.csv\n" TEXT "E\n"));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

/* ---- messages ---- */

static const char *const messages[] = {"x.gpg", "xr.gpg", "x.asc", "x.age", "xa.age"};

KT_TEST(encrypted_messages_are_said_to_be)
{
    for (size_t i = 0; i < 5; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = zm_corpus("containers", messages[i], 0);
        locked_run(&s, &b, NULL, NULL);
        KT_OK(locked_has(&s, " encrypted "));
        KT_OK(s.not_inspected * 2 > b.len || i == 1); /* of xr.gpg most is the recipient's packet */
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(signed_messages_are_opened)
{
    static const char *const names[] = {"xs.gpg", "xclear.asc"};
    for (size_t i = 0; i < 2; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = zm_corpus("containers", names[i], 0);
        locked_run(&s, &b, NULL, NULL);
        KT_OK(locked_has(&s, TEXT) && !locked_has(&s, " encrypted "));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

/* One-pass signature, then a literal packet whose body comes in parts of 2^4 bytes and a rest. */
KT_TEST(a_body_in_parts_is_put_together)
{
    struct zm_bytes lit = {0};
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    zm_put(&lit, "b\5x.csv\0\0\0\0", 11);
    zm_put(&lit, TEXT, TEXT_LEN);
    zm_put(&b, "\xc4\x0d\3\0\x08\1\0\0\0\0\0\0\0\0\1", 15);
    zm_put(&b, "\xcb", 1);
    size_t at = 0;
    for (; lit.len - at > 16; at += 16) {
        zm_le(&b, 224 + 4, 1);
        zm_put(&b, lit.ptr + at, 16);
    }
    zm_le(&b, lit.len - at, 1);
    zm_put(&b, lit.ptr + at, lit.len - at);
    KT_OK(kl_openpgp_is_message(kl_span_make(b.ptr, b.len)));
    locked_run(&s, &b, NULL, NULL);
    KT_STR(s.log, "B text /x.csv\n" TEXT "E\n");
    sink_mem_done(&s);
    for (size_t len = b.len; len-- > 1;) {
        struct zm_bytes cut = {b.ptr, len, len};
        struct sink_mem c = {0};
        locked_run(&c, &cut, NULL, NULL);
        sink_mem_done(&c);
    }
    free(lit.ptr);
    free(b.ptr);
}

KT_TEST(noise_is_no_message)
{
    uint8_t noise[4096];
    uint32_t x = 3;
    unsigned n = 0;
    for (unsigned i = 0; i < 200000; i++) {
        for (size_t k = 0; k < 64; k++) {
            x = x * 1664525u + 1013904223u;
            noise[k] = (uint8_t)(x >> 24);
        }
        noise[0] |= 0x80;
        bool guessed = false;
        KT_EQ(kl_openpgp_guess(kl_span_make(noise, 64), &guessed), KL_OK);
        n += guessed || kl_openpgp_is_message(kl_span_make(noise, 64));
    }
    KT_EQ(n, 0);
}

KT_TEST(messages_cut_and_flipped_keep_the_accounting)
{
    static const char *const names[] = {"x.gpg", "xs.gpg", "xr.gpg"};
    for (size_t i = 0; i < 3; i++) {
        struct zm_bytes b = zm_corpus("containers", names[i], 0);
        for (size_t at = 0; at < b.len; at++) {
            struct sink_mem s = {0};
            struct sink_mem c = {0};
            struct zm_bytes cut = {b.ptr, at + 1, at + 1};
            b.ptr[at] ^= 0xFF;
            locked_run(&s, &b, NULL, NULL);
            b.ptr[at] ^= 0xFF;
            locked_run(&c, &cut, NULL, NULL);
            sink_mem_done(&s);
            sink_mem_done(&c);
        }
        free(b.ptr);
    }
}

KT_MAIN()
