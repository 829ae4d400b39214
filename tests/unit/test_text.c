#include "kt.h"
#include "sink_mem.h"

#include "base/cpu.h"
#include "base/fold.h"
#include "extract/charset.h"
#include "extract/escape.h"
#include "extract/extract.h"
#include "extract/glance.h"

#include <unistd.h>

static struct sink_mem sink;

/* Extract an exact-size copy; the log stays in `sink` until the next call. */
static const char *run(const void *ptr, size_t len)
{
    sink_mem_done(&sink);
    struct kl_sink s = sink_mem_sink(&sink);
    struct kl_emit *e = NULL;
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    KT_EQ(kl_emit_new(&s, &e), KL_OK);
    KT_EQ(kl_extract_document(e, &in), KL_OK);
    kl_emit_free(&e);
    free(copy);
    KT_OK(sink.done && !sink.bad_order);
    KT_EQ(sink.seen, len);
    KT_EQ(sink.inspected + sink.not_inspected, len);
    return sink.log != NULL ? sink.log : "";
}

static const char *run_str(const char *s)
{
    return run(s, strlen(s));
}

static bool has(const char *needle)
{
    return sink.log != NULL && memmem(sink.log, sink.log_len, needle, strlen(needle)) != NULL;
}

#define HAS(s) KT_OK(has(s))
#define HAS_NOT(s) KT_OK(!has(s))

static const char sample[] = "Agim;Hoxha;Tiranë\nShpresë;Çela;Korçë\nËngjëll;Gjoka;Krujë\n";

/* ---- character sets ---- */

static size_t encode(const char *utf8, enum kl_charset set, uint8_t *out)
{
    struct kl_span s = kl_span_str(utf8);
    size_t n = 0;
    for (size_t at = 0; at < s.len;) {
        uint32_t cp = kl_utf8_next(s, &at);
        switch ((int)set) {
        case KL_CHARSET_UTF16LE:
        case KL_CHARSET_UTF32LE:
            out[n++] = (uint8_t)cp;
            out[n++] = (uint8_t)(cp >> 8);
            n += set == KL_CHARSET_UTF32LE ? 2 : 0;
            break;
        case KL_CHARSET_UTF16BE:
        case KL_CHARSET_UTF32BE:
            n += set == KL_CHARSET_UTF32BE ? 2 : 0;
            out[n++] = (uint8_t)(cp >> 8);
            out[n++] = (uint8_t)cp;
            break;
        case KL_CHARSET_CP852:
            out[n++] = cp == 0xEB   ? 0x89
                       : cp == 0xE7 ? 0x87
                       : cp == 0xCB ? 0xD3
                       : cp == 0xC7 ? 0x80
                                    : (uint8_t)cp;
            break;
        case KL_CHARSET_MAC_ROMAN:
            out[n++] = cp == 0xEB   ? 0x91
                       : cp == 0xE7 ? 0x8D
                       : cp == 0xCB ? 0xE8
                       : cp == 0xC7 ? 0x82
                                    : (uint8_t)cp;
            break;
        default:
            out[n++] = (uint8_t)cp;
        }
    }
    return n;
}

static const enum kl_charset sets[] = {KL_CHARSET_CP1252,  KL_CHARSET_CP852,   KL_CHARSET_MAC_ROMAN,
                                       KL_CHARSET_UTF16LE, KL_CHARSET_UTF16BE, KL_CHARSET_UTF32LE,
                                       KL_CHARSET_UTF32BE};

KT_TEST(every_character_set_gives_the_same_text)
{
    char want[512];
    snprintf(want, sizeof(want), "B text \n%sE\n", sample);
    KT_STR(run_str(sample), want);
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        uint8_t raw[1024] = {0};
        size_t n = encode(sample, sets[i], raw);
        KT_STR(run(raw, n), want);
    }
    KT_STR(run("\xef\xbb\xbfTiran\xc3\xab\n", 10 + 0), "B text \nTiranëE\n");
    KT_STR(run("\xff\xfe"
               "A\0\xeb\0",
               6),
           "B text \nAëE\n");
    KT_STR(run("\xfe\xff\0A\0\xeb", 6), "B text \nAëE\n");
    KT_STR(run("\xff\xfe\0\0A\0\0\0\xeb\0\0\0", 12), "B text \nAëE\n");
}

KT_TEST(every_truncation_of_every_character_set_is_accounted_for)
{
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        uint8_t raw[1024] = {0};
        size_t n = encode(sample, sets[i], raw);
        for (size_t cut = 0; cut <= n; cut++) {
            (void)run(raw, cut);
            KT_EQ(sink.inspected, cut);
        }
    }
}

KT_TEST(any_chunk_size_decodes_to_the_same_text)
{
    uint8_t raw[1200];
    uint8_t want[4000];
    uint8_t got[4000];
    uint32_t seed = 1;
    for (unsigned round = 0; round < 400; round++) {
        size_t n = sizeof(raw);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            raw[i] = (seed >> 29) < 4 ? (uint8_t)(seed >> 16 & 0x7f) : (uint8_t)(seed >> 16);
            if (i > 0 && (seed >> 9 & 7) == 0) {
                memcpy(raw + i - 1, "\xc3\xab", 2);
            }
        }
        enum kl_charset set = sets[round % 7];
        bool wide = set <= KL_CHARSET_UTF32BE;
        struct kl_charset_seen seen = {false, false, false};
        size_t used = 0;
        struct kl_span all = kl_span_make(raw, n - 1);
        size_t n_want = wide ? kl_charset_wide(all, set, true, want, &used, &seen)
                             : kl_charset_single(all, set, true, want, &used, &seen);
        KT_EQ(used, all.len);
        size_t n_got = 0;
        for (size_t at = 0, step = 0; at < all.len; at += used) {
            seed = seed * 1664525u + 1013904223u;
            step = 8 + (seed >> 16) % 40;
            struct kl_span part = kl_span_part(all, at, at + step);
            bool last = at + part.len == all.len;
            uint8_t *copy = malloc(part.len);
            memcpy(copy, part.ptr, part.len);
            struct kl_span c = kl_span_make(copy, part.len);
            n_got += wide ? kl_charset_wide(c, set, last, got + n_got, &used, &seen)
                          : kl_charset_single(c, set, last, got + n_got, &used, &seen);
            free(copy);
        }
        KT_EQ(n_got, n_want);
        KT_MEM(got, want, n_want);
    }
}

KT_TEST(lines_of_two_character_sets_are_both_read)
{
    run_str("Tiran\xc3\xab\nKor\xe7\xeb\nKruj\xc3\xab\n");
    HAS("Tiranë\nKorçë\nKrujë\n");
    HAS("A  charset.mixed");
}

KT_TEST(mojibake_is_undone)
{
    run_str("TiranÃ« KorÃ§Ã« Ã‡ela\n");
    HAS("Tiranë Korçë Çela\n");
    HAS("A  charset.mojibake");
    run_str("TiranĂ« KorĂ§Ă«\n");
    HAS("Tiranë Korçë\n");
    run_str("Tiran├½ Kor├º├½\n");
    HAS("Tiranë Korçë\n");
    run_str("Tiran\xc3\x83\xc2\xab \xc3\x83\xc2\x87 ela\n");
    HAS("Tiranë Ç ela\n");
    run_str("Älmhult Ångström château\n");
    HAS("Älmhult Ångström château\n");
    HAS_NOT("mojibake");
}

KT_TEST(bytes_that_are_no_character_are_said_and_replaced)
{
    run_str("Tiran\xeb \x81 x\n");
    HAS("Tiranë \uFFFD x\n");
    HAS("A  charset.lost");
}

KT_TEST(odd_text_comes_as_its_folded_view)
{
    run_str("Ａ９１ Хоџа\n");
    HAS("A91 Hoxha\n");
}

/* ---- escapes ---- */

KT_TEST(escapes_are_undone)
{
    run_str("emri=Tiran%C3%AB%20Kor%E7%eb&x=a+b\n");
    HAS("emri=Tiranë Korçë&x=a+b\n");
    run_str("Tiran&euml; &#199;ela &#xCB; &amp;lt; &unknown; AT&T\n");
    HAS("Tiranë Çela Ë &lt; &unknown; AT&T\n");
    run_str("{\"emri\":\"Tiran\\u00eb \\ud835\\udfcf\",\"u\":\"a\\/b\"}\n");
    HAS("{\"emri\":\"Tirane 1\",\"u\":\"a/b\"}\n"); /* odd: a folded view */
    run_str("Content-Transfer-Encoding: quoted-printable\n\nTiran=C3=AB dhe =\nKor=C3=A7=C3=AB "
            "a=3Db\n");
    HAS("Tiranë dhe Korçë a=b\n");
}

KT_TEST(what_only_looks_like_an_escape_stays)
{
    run_str("id=2012345678&tel=0692123456 =AB 50%\n");
    HAS("id=2012345678&tel=0692123456");
    run_str("C:\\new\\table\\users %zz %0\n");
    HAS("C:\\new\\table\\users %zz %0\n");
}

/* ---- runs ---- */

static size_t base64(const uint8_t *in, size_t n, unsigned wrap, const char *alphabet, char *out)
{
    size_t o = 0;
    size_t line = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0) |
                     (i + 2 < n ? in[i + 2] : 0u);
        for (unsigned k = 0; k < 4; k++) {
            out[o++] = i + k <= n || k < 2 ? alphabet[v >> (18 - 6 * k) & 63] : '=';
            if (wrap > 0 && ++line == wrap) {
                out[o++] = '\n';
                line = 0;
            }
        }
    }
    out[o] = 0;
    return o;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char inner[600];
static char wrapped[4000];

static void fill_inner(void)
{
    inner[0] = 0;
    for (unsigned i = 0; i < 9; i++) {
        snprintf(inner + strlen(inner), sizeof(inner) - strlen(inner),
                 "A%u1234567B;Agim>>>???;Tiranë;06921234%u\n", i, i);
    }
}

KT_TEST(base64_of_every_shape_is_read)
{
    static const unsigned wraps[] = {0, 60, 64, 76};
    fill_inner();
    for (size_t n = strlen(inner) - 3; n <= strlen(inner); n++) {
        for (unsigned i = 0; i < 8; i++) {
            char enc[2000];
            inner[strlen(inner) - 1] = '\n';
            base64((const uint8_t *)inner, n, wraps[i % 4], i < 4 ? standard : url_safe, enc);
            snprintf(wrapped, sizeof(wrapped), "Subject: lista\n\n%s\n\n-- fund\n", enc);
            run_str(wrapped);
            HAS("B text /base64@16\nA01234567B;Agim>>>???;Tiranë;");
            HAS("A81234567B;Agim>>>???;Tiranë;0692123");
        }
    }
    char enc[2000];
    base64((const uint8_t *)inner, strlen(inner), 0, standard, enc);
    snprintf(wrapped, sizeof(wrapped), "<a href=\"data:text/csv;base64,%s\">", enc);
    run_str(wrapped);
    HAS("A81234567B;Agim");
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the forms are the test's own */
KT_TEST(hex_of_every_shape_is_read)
{
    static const char *const before[] = {"", "", "", "\\x", "", "0x"};
    static const char *const behind[] = {"", "", " ", "", ":", ", "};
    fill_inner();
    for (unsigned f = 0; f < 6; f++) {
        size_t n = (size_t)snprintf(wrapped, sizeof(wrapped), "vlera: ");
        for (size_t i = 0; i < 300; i++) {
            const char *digits = f % 2 == 0 ? "0123456789abcdef" : "0123456789ABCDEF";
            n += (size_t)snprintf(wrapped + n, sizeof(wrapped) - n, "%s%c%c%s", before[f],
                                  digits[(uint8_t)inner[i] >> 4], digits[inner[i] & 15], behind[f]);
        }
        run(wrapped, n);
        HAS("A01234567B;Agim>>>???;Tiranë");
    }
}

KT_TEST(runs_in_utf16_are_read)
{
    char enc[2000];
    uint8_t raw[8000] = {0};
    fill_inner();
    base64((const uint8_t *)inner, strlen(inner), 76, standard, enc);
    snprintf(wrapped, sizeof(wrapped), "Përshëndetje\n%s\n", enc);
    for (size_t i = 3; i < 7; i++) {
        memset(raw, 0, sizeof(raw));
        size_t n = encode(wrapped, sets[i], raw);
        run(raw, n);
        HAS("A01234567B;Agim");
        HAS("A81234567B;Agim");
    }
}

KT_TEST(base64_in_base64_is_followed_to_the_nesting_limit)
{
    for (unsigned depth = 1; depth <= KL_MAX_NESTING + 2; depth++) {
        size_t n = 0;
        char *text = malloc(1 << 24);
        char *next = malloc(1 << 24);
        fill_inner();
        memcpy(text, inner, strlen(inner) + 1);
        n = strlen(text);
        for (unsigned i = 0; i < depth; i++) {
            n = base64((const uint8_t *)text, n, 0, standard, next);
            char *swap = text;
            text = next;
            next = swap;
        }
        run(text, n);
        KT_EQ(has("A01234567B;Agim"), depth <= KL_MAX_NESTING);
        KT_EQ(has("limit.nesting"), depth > KL_MAX_NESTING);
        KT_EQ(sink.not_inspected > 0, depth > KL_MAX_NESTING);
        free(text);
        free(next);
    }
}

KT_TEST(hashes_and_long_words_stay_plain_text)
{
    run_str("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.txt\n"
            "00000000000000000000000000000000000000000000000000000000000000000000000000000000\n"
            "----------------------------------------------------------------------------------\n");
    HAS_NOT("@");
}

KT_TEST(a_run_across_blocks_is_read_whole)
{
    size_t n = 700000;
    uint8_t *data = malloc(n);
    for (size_t i = 0; i < n; i++) {
        data[i] = (uint8_t) "A01234567B;Agim;Hoxha;%zu\n"[i % 26];
    }
    memcpy(data + n - 12, "FUNDI-FUNDIT", 12);
    char *enc = malloc(n * 2);
    for (unsigned wrap = 0; wrap <= 76; wrap += 76) {
        memcpy(enc, "x: ", 3);
        size_t len = 3 + base64(data, n, wrap, standard, enc + 3);
        run(enc, len);
        HAS("B text /base64@3\n");
        HAS("FUNDI-FUNDIT");
        KT_OK(sink.text_bytes >= len + n - 100);
    }
    free(enc);
    free(data);
}

/* ---- binary ---- */

KT_TEST(unknown_binary_is_read_in_views)
{
    static const char bin[] =
        "\1\2\3\4\0\0AgimHoxha\0\0\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5Tiran\xeb\1\1"
        "S\0h\0p\0r\0e\0s\0\xeb\0\1\1\1\1\1\0D\0u\0r\0r\0\xeb\0s\1\1\1\1abc\1";
    run(bin, sizeof(bin) - 1);
    HAS("B text /8bit\nAgimHoxha\nTiranë");
    HAS("B text /utf16\nShpresë");
    HAS("Durrës");
    HAS_NOT("abc");
    HAS("A  binary.view");
    KT_EQ(sink.not_inspected, 0);
}

KT_TEST(known_packed_formats_are_not_inspected_but_viewed)
{
    static const char xar[] = "xar!\0\x1c\0\1\2\3lista-e-pagave.csv\0\x7f\x01";
    run(xar, sizeof(xar) - 1);
    HAS("N  format 31");
    HAS("lista-e-pagave.csv");
    KT_EQ(sink.inspected, 0);
}

KT_TEST(an_encrypted_office_file_is_said_to_be_encrypted)
{
    uint8_t ole[2048] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
    static const char name[] = "EncryptedPackage";
    ole[30] = 9;
    ole[48] = 1;
    run(ole, sizeof(ole));
    HAS("A  ole2.damaged");
    KT_EQ(sink.not_inspected, 0);
    for (size_t i = 0; i < sizeof(name); i++) {
        ole[1024 + 128 + 2 * i] = (uint8_t)name[i];
    }
    run(ole, sizeof(ole));
    HAS("N  encrypted 2048");
    for (size_t cut = 8; cut < 1200; cut += 7) {
        run(ole, cut);
    }
}

KT_TEST(an_empty_document_has_no_part)
{
    KT_STR(run("", 0), "");
}

/* ---- files ---- */

static void run_fd(int fd, uint64_t len)
{
    sink_mem_done(&sink);
    struct kl_sink s = sink_mem_sink(&sink);
    struct kl_emit *e = NULL;
    struct kl_input in = kl_input_fd(fd, len);
    KT_EQ(kl_emit_new(&s, &e), KL_OK);
    KT_EQ(kl_extract_document(e, &in), KL_OK);
    kl_emit_free(&e);
    KT_OK(sink.done && !sink.bad_order);
    KT_EQ(sink.inspected + sink.not_inspected, len);
}

static int temp_fd(void)
{
    char name[] = "/tmp/kulla-test-XXXXXX";
    int fd = mkstemp(name);
    KT_OK(fd >= 0);
    (void)unlink(name);
    return fd;
}

KT_TEST(a_sparse_file_of_ten_gigabytes_costs_its_data_only)
{
    int fd = temp_fd();
    const char *s = "Agim;Hoxha;A91234567B\n";
    KT_EQ(pwrite(fd, s, strlen(s), 5000000000), (ssize_t)strlen(s));
    KT_EQ(ftruncate(fd, 10000000000), 0);
    run_fd(fd, 10000000000);
    HAS("Agim;Hoxha;A91234567B");
    KT_EQ(sink.not_inspected, 0);
    KT_EQ(pwrite(fd, s, strlen(s), 0), (ssize_t)strlen(s));
    run_fd(fd, 10000000000);
    KT_EQ(sink.not_inspected, 0);
    close(fd);
}

KT_TEST(a_file_that_changed_is_said_so)
{
    int fd = temp_fd();
    KT_EQ(write(fd, sample, strlen(sample)), (ssize_t)strlen(sample));
    run_fd(fd, 1000);
    HAS("A  file.changed");
    KT_EQ(sink.not_inspected, 1000 - strlen(sample));
    run_fd(fd, strlen(sample) - 5);
    HAS("A  file.changed");
    KT_EQ(sink.not_inspected, 0);
    run_fd(fd, strlen(sample));
    HAS_NOT("file.changed");
    close(fd);
}

KT_TEST(the_glance_says_the_same_on_every_path)
{
    static const char chars[] = "abcABC019+/-_ %&=\\u;,.:\n\x80\xc3\xab\xe2\x94\x9c\xc3\x83";
    uint32_t seed = 5;
    for (unsigned round = 0; round < 4000; round++) {
        uint8_t *b = malloc(300);
        seed = seed * 1664525u + 1013904223u;
        size_t n = (seed >> 8) % 301;
        unsigned few = 10 + (seed >> 20) % (sizeof(chars) - 10);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            b[i] = round % 5 == 0 ? (uint8_t)(seed >> 16) : (uint8_t)chars[(seed >> 16) % few];
        }
        uint8_t *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, b, n);
        struct kl_span t = kl_span_make(copy, n);
        KT_EQ(kl_glance(t), kl_glance_portable(t, t.len));
        KT_EQ(kl_glance_part(t, t.len / 2), kl_glance_portable(t, t.len / 2));
        size_t letters = 0;
        while (letters < t.len && letters < 64 && kl_glance_is_base64(t.ptr[letters])) {
            letters++;
        }
        KT_EQ(kl_glance_letters(t), letters);
        size_t at = 0;
        KT_EQ((kl_glance(t) & KL_GLANCE_RUN) != 0, kl_glance_run(t, 0, &at) != KL_GLANCE_NOTHING);
        free(copy);
        free(b);
    }
}

KT_MAIN()
