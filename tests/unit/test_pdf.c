#include "extract/extract.h"

#include "kt.h"
#include "sink_mem.h"

static struct sink_mem sink;

static void run(const char *text, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    struct kl_sink s;
    struct kl_emit *e = NULL;

    sink_mem_done(&sink);
    s = sink_mem_sink(&sink);
    memcpy(copy, text, len);
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    KT_EQ(kl_emit_new(&s, &e), KL_OK);
    KT_EQ(kl_extract_document(e, &in), KL_OK);
    kl_emit_free(&e);
    KT_OK(sink.done && !sink.bad_order);
    KT_EQ(sink.inspected + sink.not_inspected, len);
    free(copy);
}

static bool has(const char *text)
{
    return sink.log != NULL && strstr(sink.log, text) != NULL;
}

#define PDF "%PDF-1.5\n"
#define STORED(dict, data) "5 0 obj\n<< " dict " >>\nstream\n" data "\nendstream\nendobj\n"

/* zlib of "A70915340R,Ilir\n" (78 9c, one stored block). */
#define DEFLATED                                                                                   \
    "\x78\x9c\x01\x10\x00\xef\xff"                                                                 \
    "A70915340R,Ilir\n"

KT_TEST(a_pdf_is_handed_on_and_its_attachments_are_read)
{
    static const char text[] = PDF STORED("/Type /EmbeddedFile", "T01007207J;Mira")
        STORED("/Type/EmbeddedFile/Filter/FlateDecode", DEFLATED) "trailer\n";
    run(text, sizeof text - 1);
    KT_OK(has("B outside \n"));
    KT_OK(has("T01007207J;Mira"));
    KT_OK(has("A70915340R,Ilir"));
    KT_OK(has("/attachment@"));
    KT_EQ(sink.not_inspected, 0);
    for (size_t cut = 5; cut < sizeof text; cut++) {
        run(text, cut);
    }
}

KT_TEST(an_attachment_without_its_type_is_known_by_its_content)
{
    static const char text[] =
        PDF STORED("/Length 9", "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") "trailer\n";
    run(text, sizeof text - 1);
    KT_OK(sink.n_events > 0);
    static const char page[] = PDF STORED("/Length 9", "BT (words of a page) Tj ET");
    run(page, sizeof page - 1);
    KT_OK(!has("/attachment@"));
}

/* An attached file may hold the word that ends it; what stands inside its length is seen too. */
KT_TEST(a_stream_ends_where_its_length_says_so)
{
#define INSIDE "T01007207J;Mira\nendstream\n6 0 obj\n<< /EmbeddedFile >>\nstream\nA70915340R;Ilir"
    static const char text[] = PDF STORED("/Type /EmbeddedFile /Length 76", INSIDE)
        STORED("/Type /EmbeddedFile /Length 9", "T01007208K;Era");
    KT_EQ(sizeof INSIDE - 1, 76);
    run(text, sizeof text - 1);
    KT_OK(has("attachment@61\n" INSIDE "E\n"));
    KT_OK(has("attachment@122\nA70915340R;Ilir\nE\n"));
    KT_OK(has("T01007208K;Era\nE\n"));
    KT_EQ(sink.not_inspected, 0);
}

KT_TEST(a_length_that_lies_is_not_believed)
{
    static const char far[] = PDF STORED("/Type /EmbeddedFile /Length 4000000000", "T01007207J;M");
    run(far, sizeof far - 1);
    KT_OK(has("T01007207J;M\nE\n"));
    static const char indirect[] = PDF STORED("/Type /EmbeddedFile/Length 3 0 R", "T01007207J;M")
        STORED("/Type /EmbeddedFile /Length1 2 /Length ", "A70915340R;I");
    run(indirect, sizeof indirect - 1);
    KT_OK(has("T01007207J;M\nE\n") && has("A70915340R;I\nE\n"));
}

KT_TEST(object_streams_show_fields_and_annotations)
{
    static const char text[] =
        PDF STORED("/Type /ObjStm /N 1", "1 0 << /V (T01007207J Mira Dervishi) >>") "trailer\n";
    run(text, sizeof text - 1);
    KT_OK(has("/objects@"));
    KT_OK(has("T01007207J Mira Dervishi"));
}

KT_TEST(an_attachment_behind_another_filter_is_not_inspected)
{
    static const char text[] =
        PDF STORED("/Type /EmbeddedFile /Filter /ASCII85Decode", "87cURD]i,\"Ebo80~>") "trailer\n";
    run(text, sizeof text - 1);
    KT_OK(has("A  pdf.filter"));
    KT_OK(sink.not_inspected > 0);
}

KT_TEST(damaged_data_is_said)
{
    static const char text[] = PDF STORED("/Type /EmbeddedFile /Filter /FlateDecode",
                                          "\x78\x9c\xff\xff\xff\xff") "trailer\n";
    run(text, sizeof text - 1);
    KT_OK(has("pdf.data"));
    KT_OK(sink.not_inspected > 0);
}

KT_TEST(the_streams_of_a_locked_pdf_are_left_alone)
{
    static const char text[] =
        PDF STORED("/Type /EmbeddedFile", "T01007207J;Mira") "trailer << /Encrypt 9 0 R >>\n";
    run(text, sizeof text - 1);
    KT_OK(has("B outside \n"));
    KT_OK(!has("/attachment@"));
    KT_OK(has("N  encrypted 16\n"));
    KT_EQ(sink.not_inspected, 16);
}

KT_TEST(a_picture_is_handed_on_unless_it_is_too_small_for_text)
{
    char png[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08";
    run(png, sizeof png);
    KT_OK(has("B outside \n"));
    png[17] = 0;
    png[18] = 0;
    png[19] = 39; /* 39 pixels wide */
    run(png, sizeof png);
    KT_OK(!has("B outside"));
    png[19] = 40;
    run(png, sizeof png);
    KT_OK(has("B outside"));
    for (size_t cut = 8; cut < sizeof png; cut++) {
        run(png, cut);
    }
    static const char jpeg[] =
        "\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08\0\x0b\1\0\3xxxxxxxxxxxxxxx";
    run(jpeg, sizeof jpeg - 1); /* 11 pixels high */
    KT_OK(!has("B outside"));
    static const char gif[] = "GIF89a\x28\0\x0c\0xxxx";
    run(gif, sizeof gif - 1);
    KT_OK(has("B outside"));
}

KT_TEST(a_picture_of_a_telephone_is_handed_on_and_a_film_is_not)
{
    static const char *const brands[] = {"heic", "heix", "mif1", "avif"};
    char text[] = "\0\0\0\x18"
                  "ftypXXXX\0\0\0\0mif1heic";
    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++) {
        memcpy(text + 8, brands[i], 4);
        run(text, sizeof text - 1);
        KT_OK(has("B outside \n"));
        KT_EQ(sink.not_inspected, 0);
    }
    memcpy(text + 8, "isom", 4);
    run(text, sizeof text - 1);
    KT_OK(!has("B outside"));
    KT_EQ(sink.not_inspected, sizeof text - 1);
}

KT_TEST(what_lies_inside_is_copied_and_its_share_is_of_the_file)
{
    struct kl_sink s;
    struct kl_emit *e = NULL;
    struct kl_input in = kl_input_mem(KL_SPAN_LIT("GIF89a\x28\0\x0c\0xxxx"));

    sink_mem_done(&sink);
    s = sink_mem_sink(&sink);
    KT_EQ(kl_emit_new(&s, &e), KL_OK);
    kl_emit_start(e, 100);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("a.gif"), 7), KL_OK);
    KT_EQ(kl_emit_charge_expanded(e, in.len_bytes), KL_OK);
    KT_EQ(kl_extract_nested(e, &in), KL_OK);
    kl_emit_leave(e);
    KT_EQ(kl_emit_finish(e), KL_OK);
    kl_emit_free(&e);
    KT_OK(has("B outside /a.gif\n"));
    KT_OK(sink.n_blocks >= 1);
    KT_EQ(sink.outside_share, 7);
}

KT_MAIN()
