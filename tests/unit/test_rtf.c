#include "kt.h"

#include "doc_run.h"
#include "zip_make.h"

KT_TEST(text_in_sets_and_in_unicode_is_read)
{
    struct sink_mem s;
    doc_run_str(
        &s, "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial Cyr;}}"
            "\\f0 Gj\\'ebrgj \\u199?ela \\{x\\}\\~y\\_z\\par {\\f1 \\'c0\\'e3} A12345678K\\line "
            "{\\uc2 \\u235\\'c3\\'ab\\u55357??\\u56832??}\\par}");
    KT_OK(doc_has(&s, "/text\n"));
    KT_OK(doc_has(&s, "A12345678K\n"));
    KT_OK(strstr(s.log, "Gjërgj Çela {x} y-z\n") != NULL ||
          strstr(s.log, "Gjergj Cela {x} y-z\n") != NULL);
    KT_OK(doc_has(&s, "/other\n") && doc_has(&s, "Arial"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(rows_of_a_table_are_lines)
{
    struct sink_mem s;
    doc_run_str(
        &s, "{\\rtf1 Lista\\par\\trowd\\cellx1\\cellx2\\pard\\intbl A12345678K\\cell Agim\\par "
            "Hox{\\*\\bkmkstart note}ha\\cell\\row\\trowd\\pard\\intbl A11111111K\\cell\\cell\\row"
            "\\pard fund\\tab x\\par}");
    KT_OK(
        doc_has(&s, "B text /text\nLista\nA12345678K\tAgim Hoxha\t\nA11111111K\t\t\nfund\tx\nE\n"));
    KT_OK(doc_has(&s, "note"));
    sink_mem_done(&s);
}

static void put_hex(struct zm_bytes *b, const void *ptr, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        uint8_t c = ((const uint8_t *)ptr)[i];
        zm_put(b, &digits[c >> 4], 1);
        zm_put(b, &digits[c & 15], 1);
        zm_put(b, "\n", i % 39 == 38);
    }
}

static void put_str(struct zm_bytes *b, const char *s)
{
    zm_put(b, s, strlen(s));
}

/* A zip with a text, as hex behind a head of OLE 1. */
static void object(struct zm_bytes *b, const char *class, size_t class_len)
{
    struct zm z = {0};
    struct zm_bytes o = {0};
    zm_add(&z, "lista.txt", "A12345678K Agim and more of the same, more of the same");
    zm_end(&z, "");
    zm_le(&o, 0x501, 4);
    zm_le(&o, 2, 4);
    zm_le(&o, class_len, 4);
    zm_put(&o, class, class_len);
    zm_le(&o, 0, 8);
    size_t pack = class[0] == 'P' ? 2 + 6 + 3 + 4 + 4 + 3 + 4 : 0;
    zm_le(&o, z.out.len + pack, 4);
    if (pack > 0) {
        zm_put(&o, "\2\0label\0c:\0\0\0\3\0", 15);
        zm_le(&o, 3, 4);
        zm_put(&o, "d:\0", 3);
        zm_le(&o, z.out.len, 4);
    }
    zm_put(&o, z.out.ptr, z.out.len);
    put_hex(b, o.ptr, o.len);
    free(o.ptr);
    zm_done(&z);
}

KT_TEST(objects_and_pictures_are_members)
{
    for (unsigned k = 0; k < 3; k++) {
        struct zm_bytes b = {0};
        struct sink_mem s;
        put_str(&b, "{\\rtf1 before {\\object\\objemb{\\*\\objdata ");
        object(&b, k == 0 ? "Package" : "Other.1", 8);
        put_str(&b, "}{\\result shown}} after{\\pict\\pngblip{\\*\\blipuid 00}\n");
        put_hex(&b, "A11111111K Besa in a picture of no kind", 39);
        put_str(&b, "}}");
        if (k == 1) { /* the evasion: a control word among the digits */
            char *at = memmem(b.ptr, b.len, "objdata ", 8);
            memcpy(at + 8 + 20, "\\", 1);
            memcpy(at + 8 + 21, "x1", 2);
            memcpy(at + 8 + 23, " ", 1);
        }
        doc_run(&s, b.ptr, b.len);
        KT_OK(doc_has(&s, "before shown after"));
        KT_OK(doc_has(&s, "A11111111K Besa in a picture"));
        if (k != 1) {
            KT_OK(doc_has(&s, "/object@") && doc_has(&s, "/lista.txt\nA12345678K Agim"));
        }
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(binary_bytes_are_passed_over_and_read_as_a_file)
{
    struct sink_mem s;
    doc_run_str(&s,
                "{\\rtf1 a{\\pict\\bin24 A12345678K}}{{ in a file}b}rest of the file, a long one");
    KT_OK(doc_has(&s, "B text /text\nabE\n"));
    KT_OK(doc_has(&s, "A12345678K}}{{ in a file"));
    KT_OK(doc_has(&s, "B text /rest\nrest of the file, a long oneE\n"));
    sink_mem_done(&s);
}

KT_TEST(a_star_inside_a_group_hides_nothing)
{
    struct sink_mem s;
    doc_run_str(&s, "{\\rtf1 {\\f2\\b0\\*\\cs7 A12345678K}}");
    KT_OK(doc_has(&s, "B text /text\nA12345678KE\n"));
    sink_mem_done(&s);
}

KT_TEST(html_in_rtf_keeps_its_tags_apart)
{
    struct sink_mem s;
    doc_run_str(&s, "{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <tr><td>}A12345678K{\\*\\htmltag72 "
                    "</td><td>}Agim{\\*\\htmltag72 </td></tr>}}");
    KT_OK(doc_has(&s, "A12345678K\tAgim"));
    sink_mem_done(&s);
}

KT_TEST(groups_of_any_depth_are_read)
{
    static const unsigned depths[] = {126, 127, 128, 129, 100000};
    for (unsigned k = 0; k < 5; k++) {
        struct sink_mem s;
        struct kl_buf b = doc_buf();
        DOC_ADD(&b, "{\\rtf1 ");
        doc_add_many(&b, depths[k], "{");
        DOC_ADD(&b, "A12345678K");
        doc_add_many(&b, depths[k] + 1, "}");
        doc_run_buf(&s, &b);
        KT_OK(doc_has(&s, "A12345678K"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
    }
}

KT_TEST(objects_past_4096_are_said)
{
    for (unsigned more = 0; more < 2; more++) {
        struct zm_bytes b = {0};
        struct sink_mem s;
        put_str(&b, "{\\rtf1 ");
        for (unsigned i = 0; i < 4096 + more; i++) {
            put_str(&b, "{\\pict ");
            put_hex(&b, "A11111111K Besa in a picture of no kind", 39);
            put_str(&b, "}");
        }
        put_str(&b, "}");
        doc_run(&s, b.ptr, b.len);
        KT_EQ(strstr(s.log, "rtf.objects") != NULL, more);
        KT_EQ(s.not_inspected, more * 78);
        sink_mem_done(&s);
        free(b.ptr);
    }
}

KT_TEST(every_truncation_is_read)
{
    static const char all[] =
        "{\\rtf1\\ansicpg1250{\\fonttbl{\\f0\\fcharset238 A;}}\\intbl A12345678K\\cell "
        "\\u235\\'eb\\row"
        "{\\pict 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122}\\bin5 "
        "abcde}";
    for (size_t len = 0; len < sizeof all; len++) {
        struct sink_mem s;
        doc_run(&s, all, len);
        KT_EQ(s.not_inspected, 0);
        if (len > 68) {
            KT_OK(doc_has(&s, "A12345678K"));
        }
        sink_mem_done(&s);
    }
}

KT_MAIN()
