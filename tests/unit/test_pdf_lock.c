#include "extract/pdf_lock.h"

#include "extract/pdf_value.h"
#include "locked_run.h"

/* Locked by qpdf 11.3 with "abc" (owner: "owner"): a page, an attachment, a note. */
static const char *const locks[] = {"locked_r2", "locked_r3", "locked_r4",
                                    "locked_r5", "locked_r6", "locked_r6_objects"};
#define N_LOCKS 6u

static void run(struct sink_mem *s, const struct zm_bytes *b, const char *given)
{
    memset(s, 0, sizeof *s);
    locked_run(s, b, given, NULL);
}

static void expect_open(const struct sink_mem *s)
{
    KT_OK(locked_has(s, "nid;emri\nA00000002C;Mira Prove\n")); /* the attachment */
    KT_OK(locked_has(s, "note (A00000003D) Besa") ||           /* a string, or one in a stream */
          locked_has(s, "note \\(A00000003D\\) Besa"));
    KT_OK(locked_has(s, "(A00000001B Agim Prove) Tj") || /* the page, for pdftotext */
          locked_has(s, "FlateDecode"));
    KT_OK(locked_has(s, "/EncrypX ") && !locked_has(s, "/Encrypt "));
    KT_EQ(s->not_inspected, 0);
}

KT_TEST(a_password_of_user_or_owner_opens_a_pdf)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct zm_bytes b = zm_corpus("pdf", locks[i], 1);
        struct sink_mem s;
        run(&s, &b, "nope abc");
        KT_OK(locked_has(&s, "A  encrypted.opened\n"));
        expect_open(&s);
        sink_mem_done(&s);
        run(&s, &b, "owner");
        expect_open(&s);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(a_pdf_that_only_an_owner_locked_is_read)
{
    struct zm_bytes b = zm_corpus("pdf", "locked_empty", 1);
    struct sink_mem s;
    run(&s, &b, NULL);
    KT_OK(locked_has(&s, "A  pdf.empty_password\n") && !locked_has(&s, "encrypted.opened"));
    expect_open(&s);
    sink_mem_done(&s);
    free(b.ptr);
}

KT_TEST(without_the_password_a_pdf_is_left_as_it_is)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct zm_bytes b = zm_corpus("pdf", locks[i], 1);
        struct sink_mem s;
        run(&s, &b, "Abc abcd own");
        KT_OK(!locked_has(&s, "opened") && !locked_has(&s, "Mira") && !locked_has(&s, "Besa"));
        KT_OK(locked_has(&s, "B outside ") && locked_has(&s, "/Encrypt "));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

/* Read in pieces of any size at any place, it is the same file. */
KT_TEST(a_pdf_is_deciphered_at_any_place)
{
    for (unsigned i = 0; i < N_LOCKS; i++) {
        struct zm_bytes b = zm_corpus("pdf", locks[i], 1);
        struct sink_mem s = {0};
        struct kl_sink sink = sink_mem_sink(&s);
        struct kl_input in = kl_input_mem(kl_span_make(b.ptr, b.len));
        struct kl_pdf_lock *l = calloc(1, sizeof *l);
        static uint8_t window[KL_PDF_WINDOW];
        uint8_t *whole = malloc(b.len);
        struct kl_emit *e = NULL;
        bool open = false;
        size_t n = 0;
        KT_EQ(kl_emit_new(&sink, &e), KL_OK);
        kl_emit_start(e, b.len);
        struct kl_passwords list = {NULL, 0, 0};
        KT_EQ(kl_passwords_add(&list, KL_SPAN_LIT("abc")), KL_OK);
        kl_emit_candidates(e)->given = &list;
        KT_EQ(kl_pdf_unlock(e, &in, window, l, &open), KL_OK);
        KT_OK(open);
        KT_EQ(kl_input_read(&l->input, 0, whole, b.len + 1, &n), KL_OK);
        KT_EQ(n, b.len);
        for (size_t at = b.len; at-- > 0;) {
            uint8_t part[40];
            KT_EQ(kl_input_read(&l->input, at, part, 1 + at % sizeof part, &n), KL_OK);
            KT_OK(n > 0 && n <= b.len - at && memcmp(part, whole + at, n) == 0);
        }
        kl_pdf_lock_done(l);
        free(l);
        kl_passwords_done(&list);
        kl_emit_free(&e);
        sink_mem_done(&s);
        free(whole);
        free(b.ptr);
    }
}

static void expect_word(struct kl_pdf_lex *l, enum kl_pdf_kind kind, const char *text)
{
    KT_EQ(kl_pdf_lex_next(l), kind);
    struct kl_span have = kind == KL_PDF_TEXT ? kl_span_make(l->string, l->string_len)
                          : kind == KL_PDF_NAME || kind == KL_PDF_WORD ? l->text
                                                                       : kl_span_make("", 0);
    KT_OK(kl_span_is(have, text));
}

KT_TEST(words_names_and_strings_are_told_apart)
{
    static struct kl_pdf_lex l;
    l.in = KL_SPAN_LIT("<</A(x\\(y\\)(z)\\101\\n\\\r\nq)/B <4 1 4>%(\n12 -4[ /C>> > (cut");
    expect_word(&l, KL_PDF_OPEN, "");
    expect_word(&l, KL_PDF_NAME, "A");
    expect_word(&l, KL_PDF_TEXT, "x(y)(z)A\nq");
    expect_word(&l, KL_PDF_NAME, "B");
    expect_word(&l, KL_PDF_TEXT, "A@");
    expect_word(&l, KL_PDF_WORD, "12");
    expect_word(&l, KL_PDF_WORD, "-4");
    KT_EQ(kl_pdf_number(l.text), 0xFFFFFFFCu);
    expect_word(&l, KL_PDF_WORD, "[");
    expect_word(&l, KL_PDF_NAME, "C");
    expect_word(&l, KL_PDF_CLOSE, "");
    expect_word(&l, KL_PDF_WORD, ">");
    KT_EQ(kl_pdf_lex_next(&l), KL_PDF_END);
    KT_OK(kl_span_is(kl_span_part(l.in, l.at, l.in.len), " (cut"));
}

KT_TEST(pdfs_cut_and_flipped_keep_the_accounting)
{
    static const unsigned some[] = {0, 2, 5};
    for (unsigned i = 0; i < 3; i++) {
        struct zm_bytes b = zm_corpus("pdf", locks[some[i]], 1);
        for (size_t at = 5; at < b.len; at += 7) {
            struct zm_bytes cut = {b.ptr, at + 1, at + 1};
            struct sink_mem s;
            b.ptr[at] ^= 0xFF;
            run(&s, &b, "abc");
            b.ptr[at] ^= 0xFF;
            sink_mem_done(&s);
            run(&s, &cut, "abc");
            sink_mem_done(&s);
        }
        free(b.ptr);
    }
}

KT_MAIN()
