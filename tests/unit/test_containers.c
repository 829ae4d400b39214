#include "extract/codec.h"
#include "extract/extract.h"
#include "extract/rar.h"
#include "kt.h"

#include "archive_make.h"
#include "sink_mem.h"

#include <lzma.h>

#define TEXT "nid;emri\nA00000001B;Agim Prove\nT00000002C;Mira Prove\n"
#define TEXT_LEN (sizeof TEXT - 1)

static const struct am_file one = {"x.csv", TEXT, TEXT_LEN};

/* Run a document from an exact-size copy; the log stays in s. */
static void run(struct sink_mem *s, const void *ptr, size_t len)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;
    uint8_t *copy = malloc(len + (len == 0));
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    KT_EQ(kl_extract_document(e, &in), KL_OK);
    KT_OK(s->done && !s->bad_order);
    KT_EQ(s->seen, len);
    KT_EQ(s->inspected + s->not_inspected, len);
    kl_emit_free(&e);
    free(copy);
    if (s->log == NULL) {
        sink_mem_str(s, "");
    }
}

static bool has(const struct sink_mem *s, const char *what)
{
    return memmem(s->log, s->log_len, what, strlen(what)) != NULL; /* text may hold zeros */
}

/* Every kind of archive with the one file in it. */
#define N_KINDS 13u

static struct zm_bytes archive_of(unsigned kind, const struct am_file *f)
{
    static const char *const formats[] = {"7zip", "gnutar", "ustar", "pax",  "v7tar",
                                          "odc",  "newc",   "bin",   "arbsd"};
    switch (kind) {
    case 9:
        return am_rar4(f->name, f->data, f->len, 0, 0);
    case 10:
        return am_rar5(f->name, f->data, f->len, false, 0, false);
    case 11:
        return am_lha(f->name, f->data, f->len);
    case 12:
        return am_cab(f->name, f->data, f->len, 0);
    default:
        return am_make(formats[kind], "none", NULL, NULL, f, 1);
    }
}

KT_TEST(each_kind_of_archive_gives_its_member_and_nothing_is_lost)
{
    for (unsigned i = 0; i < N_KINDS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = archive_of(i, &one);
        run(&s, b.ptr, b.len);
        KT_STR(s.log, "B text /x.csv\n" TEXT "E\n");
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(each_kind_cut_anywhere_is_said_and_accounted_for)
{
    for (unsigned i = 0; i < N_KINDS; i++) {
        struct zm_bytes b = archive_of(i, &one);
        size_t step = b.len > 1200 ? 7 : 1;
        for (size_t len = 0; len < b.len; len += step) {
            struct sink_mem s = {0};
            run(&s, b.ptr, len);
            /* A cut inside the member cannot pass for a whole one. */
            bool whole = has(&s, "Mira Prove\n");
            KT_OK(whole || len < 16 || s.not_inspected > 0 || !has(&s, "B text /x.csv\n"));
            sink_mem_done(&s);
        }
        free(b.ptr);
    }
}

KT_TEST(flipped_bytes_never_break_the_accounting)
{
    for (unsigned i = 0; i < N_KINDS; i++) {
        struct zm_bytes b = archive_of(i, &one);
        size_t step = b.len > 1200 ? 5 : 1;
        for (size_t at = 0; at < b.len; at += step) {
            for (unsigned k = 0; k < 2; k++) {
                static const uint8_t mask[] = {0xFF, 0x01};
                struct sink_mem s = {0};
                b.ptr[at] ^= mask[k];
                run(&s, b.ptr, b.len);
                b.ptr[at] ^= mask[k];
                sink_mem_done(&s);
            }
        }
        free(b.ptr);
    }
}

static const char *const filters[] = {"gzip", "bzip2", "xz",       "lzip",
                                      "zstd", "lz4",   "compress", "lzma"};
#define N_FILTERS 8u

KT_TEST(each_compressed_stream_is_read)
{
    for (unsigned i = 0; i < N_FILTERS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("raw", filters[i], NULL, NULL, &one, 1);
        run(&s, b.ptr, b.len);
        KT_STR(s.log, "B text /data\n" TEXT "E\n");
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(streams_cut_anywhere_keep_what_came_before_and_say_it)
{
    for (unsigned i = 0; i < N_FILTERS; i++) {
        struct zm_bytes b = am_make("raw", filters[i], NULL, NULL, &one, 1);
        for (size_t len = 12; len < b.len; len++) {
            struct sink_mem s = {0};
            run(&s, b.ptr, len);
            /* .Z has no end: there a cut cannot be seen. A head that is too short is binary. */
            KT_OK(s.not_inspected > 0 || i == 6 || has(&s, "binary.view"));
            sink_mem_done(&s);
        }
        free(b.ptr);
    }
}

KT_TEST(a_tar_in_a_stream_is_a_tar)
{
    for (unsigned i = 0; i < N_FILTERS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("ustar", filters[i], NULL, NULL, &one, 1);
        run(&s, b.ptr, b.len);
        KT_STR(s.log, "B text /data/x.csv\n" TEXT "E\n");
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(the_name_of_what_is_inside_is_the_stored_one_or_the_outer_without_suffix)
{
    static const struct {
        const char *outer;
        const char *want;
    } names[] = {{"a.csv.bz2", "B text /a.csv.bz2/a.csv\n"},
                 {"A.CSV.BZ2", "B text /A.CSV.BZ2/A.CSV\n"},
                 {"b.tbz2", "B text /b.tbz2/b.tar\n"},
                 {".bz2", "B text /.bz2/data\n"},
                 {"c.dat", "B text /c.dat/data\n"}};
    struct zm_bytes b = am_make("raw", "bzip2", NULL, NULL, &one, 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sink_mem s = {0};
        struct am_file f = {names[i].outer, b.ptr, b.len};
        struct zm_bytes t = am_make("ustar", "none", NULL, NULL, &f, 1);
        run(&s, t.ptr, t.len);
        KT_OK(has(&s, names[i].want));
        sink_mem_done(&s);
        free(t.ptr);
    }
    free(b.ptr);
    struct sink_mem s = {0};
    struct zm_bytes g = am_make("raw", "gzip", NULL, NULL, &one, 1);
    struct zm_bytes named = {0};
    zm_put(&named, g.ptr, 3);
    zm_put(&named, "\x08", 1);
    zm_put(&named, g.ptr + 4, 6);
    zm_put(&named, "lista\x01.csv", 11);
    zm_put(&named, g.ptr + 10, g.len - 10);
    run(&s, named.ptr, named.len);
    KT_STR(s.log, "B text /lista%01.csv\n" TEXT "E\n");
    sink_mem_done(&s);
    free(g.ptr);
    free(named.ptr);
}

KT_TEST(frames_in_a_row_are_one_stream_and_what_follows_is_a_member)
{
    for (unsigned i = 0; i < 6; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("raw", filters[i], NULL, NULL, &one, 1);
        struct zm_bytes all = {0};
        zm_put(&all, b.ptr, b.len);
        zm_put(&all, b.ptr, b.len);
        run(&s, all.ptr, all.len);
        KT_STR(s.log, "B text /data\n" TEXT TEXT "E\n");
        sink_mem_done(&s);
        zm_put(&all, "the rest of it", 14);
        run(&s, all.ptr, all.len);
        KT_OK(has(&s, "A  stream.suffix\n") && has(&s, "the rest of it"));
        KT_OK(has(&s, TEXT TEXT));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(all.ptr);
        free(b.ptr);
    }
}

KT_TEST(zeros_behind_an_archive_are_padding_and_anything_else_is_a_member)
{
    for (unsigned i = 0; i < N_KINDS; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = archive_of(i, &one);
        for (unsigned k = 0; k < 700; k++) {
            zm_le(&b, 0, 1);
        }
        run(&s, b.ptr, b.len);
        KT_OK(!has(&s, "suffix") || i == 8); /* ar has no end of its own */
        sink_mem_done(&s);
        zm_put(&b, "hidden behind the end", 21);
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, TEXT) && has(&s, "hidden behind the end"));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(brotli_and_zlib_are_guessed_by_what_they_unpack_to)
{
    struct sink_mem s = {0};
    struct zm_bytes b = zm_corpus("containers", "x.br", 0);
    run(&s, b.ptr, b.len);
    KT_OK(has(&s, "B text /data\n" TEXT));
    sink_mem_done(&s);
    free(b.ptr);
    b = zm_corpus("containers", "x.zlib", 0);
    run(&s, b.ptr, b.len);
    KT_OK(has(&s, "B text /data\n" TEXT));
    sink_mem_done(&s);
    free(b.ptr);
}

KT_TEST(noise_is_not_guessed_to_be_packed)
{
    uint8_t noise[4096];
    uint32_t x = 7;
    unsigned n = 0;
    for (unsigned i = 0; i < 20000; i++) {
        for (size_t k = 0; k < 256; k++) {
            x = x * 1664525u + 1013904223u;
            noise[k] = (uint8_t)(x >> 24);
        }
        enum kl_codec_kind kind = KL_CODEC_NONE;
        KT_EQ(kl_codec_guess(kl_span_make(noise, 256), i % 2 == 0, &kind), KL_OK);
        n += kind != KL_CODEC_NONE;
        n += kl_codec_of(kl_span_make(noise, 256)) != KL_CODEC_NONE;
    }
    KT_EQ(n, 0);
}

KT_TEST(encrypted_members_are_not_inspected_with_their_bytes)
{
    static const char *const files[] = {"xe.7z", "xeh.7z"};
    for (size_t i = 0; i < 2; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = zm_corpus("containers", files[i], 0);
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, " encrypted ") && !has(&s, "archive.data"));
        KT_EQ(s.not_inspected, b.len);
        sink_mem_done(&s);
        free(b.ptr);
    }
    for (unsigned k = 0; k < 4; k++) {
        struct sink_mem s = {0};
        struct zm_bytes b = k == 0   ? am_rar4("x.csv", TEXT, TEXT_LEN, 0, 4)
                            : k == 1 ? am_rar4("x.csv", TEXT, TEXT_LEN, 0x80, 0)
                            : k == 2 ? am_rar5("x.csv", TEXT, TEXT_LEN, true, 0, false)
                                     : am_rar5("x.csv", TEXT, TEXT_LEN, false, 0, true);
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, k % 2 == 0 ? "N /x.csv encrypted 53\n" : "N  encrypted "));
        KT_EQ(s.not_inspected, k % 2 == 0 ? TEXT_LEN : b.len);
        KT_OK(!has(&s, "Agim"));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(volumes_are_not_inspected)
{
    for (unsigned k = 0; k < 5; k++) {
        struct sink_mem s = {0};
        struct zm_bytes b = k == 0   ? am_rar4("x.csv", TEXT, TEXT_LEN, 1, 0)
                            : k == 1 ? am_rar4("x.csv", TEXT, TEXT_LEN, 0, 2)
                            : k == 2 ? am_rar5("x.csv", TEXT, TEXT_LEN, false, 1, false)
                                     : am_cab("x.csv", TEXT, TEXT_LEN, (uint16_t)(k - 2));
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, "A  archive.volume\n") && has(&s, "N  format "));
        KT_EQ(s.not_inspected, b.len);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(rar_headers_are_read_to_their_end)
{
    struct zm_bytes b = am_rar5("x.csv", TEXT, TEXT_LEN, false, 0, false);
    size_t end = b.len;
    struct kl_rar r;
    zm_put(&b, "more", 4);
    struct kl_input in = kl_input_mem(kl_span_make(b.ptr, b.len));
    KT_EQ(kl_rar_version(kl_span_make(b.ptr, b.len)), 5);
    KT_EQ(kl_rar_version(kl_span_make(b.ptr, 7)), 0);
    KT_EQ(kl_rar_scan(&in, 5, &r), KL_OK);
    KT_EQ(r.n_files, 1);
    KT_EQ(r.files[0].packed_bytes, TEXT_LEN);
    KT_EQ(r.end_at, end);
    kl_rar_done(&r);
    free(b.ptr);
}

/* ---- an archive where none is expected ---- */

KT_TEST(an_archive_behind_something_else_is_found_and_both_are_read)
{
    static const char *const heads[] = {"\x7f"
                                        "ELF\2\1\1\0\0\0\0\0\0\0\0\0the program",
                                        "GIF89a\1\0\1\0\0\0\0the picture of it"};
    for (unsigned h = 0; h < 2; h++) {
        for (unsigned k = 0; k < 4; k++) {
            struct sink_mem s = {0};
            struct zm zip = {0};
            struct zm_bytes all = {0};
            zm_add(&zip, "x.csv", TEXT);
            zm_end(&zip, "");
            struct zm_bytes b = k == 0 ? zip.out : archive_of(k == 1 ? 0 : k + 7, &one);
            zm_put(&all, heads[h], h == 0 ? 27 : 30);
            for (unsigned i = 0; i < 70000; i++) {
                zm_le(&all, (i * i) >> 3 & 0x1f, 1);
            }
            zm_put(&all, b.ptr, b.len);
            run(&s, all.ptr, all.len);
            KT_OK(has(&s, "A  archive.appended\n"));
            KT_OK(has(&s, "x.csv\n" TEXT "E\n"));
            sink_mem_done(&s);
            free(all.ptr);
            if (k > 0) {
                free(b.ptr);
            }
            zm_done(&zip);
        }
    }
}

KT_TEST(an_archive_behind_a_text_is_found)
{
    struct sink_mem s = {0};
    struct zm_bytes all = {0};
    struct zm_bytes b = archive_of(0, &one);
    for (unsigned i = 0; i < 2000; i++) {
        zm_put(&all, "a line of an honest text\n", 25);
    }
    zm_put(&all, b.ptr, b.len);
    run(&s, all.ptr, all.len);
    KT_OK(has(&s, "A  archive.appended\n") && has(&s, "/(archive at 50000)/x.csv\n" TEXT));
    KT_OK(has(&s, "a line of an honest text\n"));
    sink_mem_done(&s);
    free(all.ptr);
    free(b.ptr);
}

KT_TEST(a_signature_alone_is_no_archive)
{
    static const char *const sigs[] = {"7z\xbc\xaf\x27\x1c", "Rar!\x1a\7", "PK\5\6", "PK\3\4"};
    for (size_t i = 0; i < 4; i++) {
        struct sink_mem s = {0};
        struct zm_bytes all = {0};
        zm_put(&all,
               "\x7f"
               "ELF\0\0\0\0",
               8);
        zm_put(&all, sigs[i], strlen(sigs[i]));
        for (unsigned k = 0; k < 300; k++) {
            zm_le(&all, k * 7 & 0xff, 1);
        }
        run(&s, all.ptr, all.len);
        KT_OK(!has(&s, "archive.appended") && !has(&s, "polyglot"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(all.ptr);
    }
}

/* Many archives in a row, each behind the other: no more than the levels there are. */
KT_TEST(a_chain_of_archives_behind_each_other_ends)
{
    struct sink_mem s = {.quiet = true};
    struct zm_bytes all = {0};
    struct zm_bytes b = archive_of(0, &one);
    zm_put(&all,
           "\x7f"
           "ELF\0\0\0\0",
           8);
    for (unsigned i = 0; i < 100; i++) {
        zm_put(&all, b.ptr, b.len);
    }
    run(&s, all.ptr, all.len);
    KT_OK(has(&s, "limit.nesting"));
    KT_OK(s.text_bytes < 100 * all.len);
    sink_mem_done(&s);
    free(all.ptr);
    free(b.ptr);
}

/* ---- limits ---- */

static struct zm_bytes tar_of(unsigned n)
{
    struct am_file *files = calloc(n, sizeof *files);
    for (unsigned i = 0; i < n; i++) {
        files[i] = (struct am_file){"e", "x", 1};
    }
    struct zm_bytes b = am_make("ustar", "none", NULL, NULL, files, n);
    free(files);
    return b;
}

KT_TEST(as_many_members_as_allowed_and_one_more)
{
    for (unsigned more = 0; more < 2; more++) {
        struct sink_mem s = {.quiet = true};
        struct zm_bytes b = tar_of(KL_MAX_MEMBERS + more);
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, "limit.members") == (more == 1));
        KT_OK((s.not_inspected > 0) == (more == 1));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(as_deep_as_allowed_and_one_deeper)
{
    for (unsigned more = 0; more < 2; more++) {
        struct sink_mem s = {0};
        struct zm_bytes b = {0};
        zm_put(&b, TEXT, TEXT_LEN);
        for (unsigned i = 0; i < KL_MAX_NESTING + more; i++) {
            struct am_file f = {"data", b.ptr, b.len};
            struct zm_bytes up = am_make("raw", i % 2 == 0 ? "gzip" : "lz4", NULL, NULL, &f, 1);
            free(b.ptr);
            b = up;
        }
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, "Agim") == (more == 0));
        KT_OK(has(&s, "limit.nesting") == (more == 1));
        KT_OK((s.not_inspected > 0) == (more == 1));
        sink_mem_done(&s);
        free(b.ptr);
    }
}

/* A stream that claims so much memory; nothing is behind the claim. */
static enum kl_rc read_claim(uint32_t dict)
{
    struct zm_bytes b = {0};
    struct kl_codec *c = NULL;
    uint8_t out[16];
    size_t n = 0;
    zm_le(&b, 0x5d, 1);
    zm_le(&b, dict, 4);
    zm_le(&b, UINT64_MAX, 8);
    zm_put(&b, "\0\0\0\0\0\0\0\0\0\0", 10);
    struct kl_input in = kl_input_mem(kl_span_make(b.ptr, b.len));
    KT_EQ(kl_codec_new(KL_CODEC_LZMA, &in, &c), KL_OK);
    enum kl_rc rc = KL_OK;
    do {
        rc = kl_codec_read(c, out, sizeof out, &n);
    } while (rc == KL_OK && n > 0);
    kl_codec_free(&c);
    free(b.ptr);
    return rc;
}

KT_TEST(a_stream_that_claims_more_memory_than_allowed_is_refused)
{
    KT_EQ(read_claim(KL_MAX_CODEC_BYTES - (1u << 20)), KL_E_FORMAT);
    KT_EQ(read_claim(KL_MAX_CODEC_BYTES), KL_E_LIMIT);
    KT_EQ(read_claim(UINT32_MAX), KL_E_LIMIT);
}

KT_TEST(empty_frames_without_end_are_left)
{
    struct sink_mem s = {0};
    struct zm_bytes b = {0};
    struct am_file none = {"x", "", 0};
    struct zm_bytes frame = am_make("raw", "gzip", NULL, NULL, &none, 1);
    for (unsigned i = 0; i < 30000; i++) {
        zm_put(&b, frame.ptr, frame.len);
    }
    run(&s, b.ptr, b.len);
    KT_OK(has(&s, "limit.codec"));
    KT_OK(s.not_inspected > b.len / 2);
    sink_mem_done(&s);
    free(frame.ptr);
    free(b.ptr);
}

KT_TEST(zeros_beyond_the_ratio_end_there)
{
    static const char *const by[] = {"xz", "zstd", "bzip2", "lzip"};
    size_t n = 64u << 20;
    uint8_t *zero = calloc(1, n);
    struct am_file f = {"data", zero, n};
    for (size_t i = 0; i < 4; i++) {
        struct sink_mem s = {.quiet = true};
        struct zm_bytes b = am_make("raw", by[i], NULL, NULL, &f, 1);
        run(&s, b.ptr, b.len);
        KT_OK(has(&s, "limit.ratio") == (b.len * KL_MAX_RATIO < n));
        KT_OK((s.not_inspected > 0) == (b.len * KL_MAX_RATIO < n));
        sink_mem_done(&s);
        free(b.ptr);
    }
    free(zero);
}

KT_TEST(a_long_stream_is_one_text_whose_lines_are_whole)
{
    size_t n = 0;
    size_t cap = KL_MAX_WHOLE_MEMBER + (8u << 20);
    char *text = malloc(cap + 64);
    while (n < cap) {
        n += (size_t)snprintf(text + n, 64, "%zu;A%08zuB;Agim;Tirana\n", n, n / 3);
    }
    struct am_file f = {"data", text, n};
    static const char *const by[] = {"gzip", "zstd", "lz4"};
    for (size_t i = 0; i < 3; i++) {
        struct sink_mem s = {0};
        struct zm_bytes b = am_make("raw", by[i], NULL, NULL, &f, 1);
        run(&s, b.ptr, b.len);
        KT_EQ(s.text_bytes, n);
        KT_EQ(s.log_len, n + strlen("B text /data\nE\n"));
        KT_OK(memcmp(s.log + 13, text, n) == 0);
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(b.ptr);
    }
    free(text);
}

/* ---- images ---- */

KT_TEST(an_image_gives_its_files_under_their_best_names)
{
    struct sink_mem s = {0};
    struct am_file files[] = {{"dir/lista e pagave.csv", TEXT, TEXT_LEN}, {"b.txt", "beta", 4}};
    struct zm_bytes b = am_make("iso9660", "none", NULL, NULL, files, 2);
    run(&s, b.ptr, b.len);
    KT_OK(has(&s, "B text /dir/lista e pagave.csv\n" TEXT "E\n"));
    KT_OK(has(&s, "B text /b.txt\nbetaE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    free(b.ptr);
}

KT_TEST(what_no_file_of_an_image_has_is_seen)
{
    struct sink_mem s = {0};
    struct zm_bytes b = am_make("iso9660", "none", NULL, NULL, &one, 1);
    memcpy(b.ptr + 1000, "in the system area", 18);
    zm_put(&b, "behind the volume", 17);
    run(&s, b.ptr, b.len);
    KT_OK(has(&s, "in the system area") && has(&s, "behind the volume"));
    KT_OK(has(&s, "A  archive.suffix\n") && has(&s, "B text /x.csv\n" TEXT "E\n"));
    sink_mem_done(&s);
    free(b.ptr);
}

KT_TEST(flipped_bytes_of_an_image_never_break_the_accounting)
{
    struct zm_bytes b = am_make("iso9660", "none", NULL, NULL, &one, 1);
    for (size_t at = 32768; at < b.len; at += at % 2048 < 260 ? 1 : 251) {
        struct sink_mem s = {.quiet = true};
        if (b.ptr[at] == 0) {
            continue;
        }
        b.ptr[at] ^= 0xFF;
        run(&s, b.ptr, b.len);
        b.ptr[at] ^= 0xFF;
        sink_mem_done(&s);
    }
    for (size_t len = 32768; len < b.len; len += 509) {
        struct sink_mem s = {.quiet = true};
        run(&s, b.ptr, len);
        sink_mem_done(&s);
    }
    free(b.ptr);
}

KT_MAIN()
