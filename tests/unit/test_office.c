#include "cfb_make.h"
#include "extract/flow.h"
#include "extract/ooxml.h"
#include "office_run.h"

#define W "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#define DOC(body)                                                                                  \
    "<?xml version=\"1.0\"?><w:document xmlns:w=\"" W "\"><w:body>" body "</w:body></w:document>"
#define P(runs) "<w:p>" runs "</w:p>"
#define R(text) "<w:r><w:t>" text "</w:t></w:r>"
#define TC(text) "<w:tc>" P(R(text)) "</w:tc>"

static void run_docx(struct sink_mem *s, const char *document)
{
    struct zm z = {0};
    zm_add(&z, "[Content_Types].xml", "<Types/>");
    zm_add(&z, "word/document.xml", document);
    office_run_zip(s, &z);
    zm_done(&z);
}

/* ---- docx ---- */

KT_TEST(runs_of_a_word_are_joined_and_paragraphs_are_lines)
{
    struct sink_mem s = {0};
    run_docx(&s, DOC(P(R("A9010") "<w:proofErr w:type=\"x\"/>" R("1001A")) P(R("Agim")) P(
                     "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c &amp; d</w:t></w:r>")));
    KT_OK(office_has(&s, "B text /word/document.xml\nA90101001A\nAgim\na\tb\nc & d\nE\n"));
    KT_EQ(office_count(&s, "A90101001A"), 1);
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(a_table_is_rows_of_cells_and_prose_stands_apart)
{
    struct sink_mem s = {0};
    run_docx(&s, DOC(P(R("before")) "<w:tbl><w:tr>" TC("A90101001A") TC("Agim")
                         TC("Hoxha") "</w:tr><w:tr><w:tc>" P(R("two")) P(
                             R("lines")) "</w:tc><w:tc/>" TC("x") "</w:tr></w:tbl>" P(R("after"))));
    KT_OK(
        office_has(&s, "B table /word/document.xml\nA90101001A\tAgim\tHoxha\ntwo lines\t\tx\nE\n"));
    KT_OK(office_has(&s, "B text /word/document.xml\nbefore\nafter\nE\n"));
    sink_mem_done(&s);
}

#define WIDE "<w:tc><w:tcPr><w:gridSpan w:val=\"2\"/></w:tcPr>" P(R("wide")) "</w:tc>"
#define INNER "<w:tbl><w:tr>" TC("A90101001A") TC("Agim") "</w:tr></w:tbl>"

KT_TEST(spanned_and_nested_cells_keep_their_records)
{
    struct sink_mem s = {0};
    run_docx(&s, DOC("<w:tbl><w:tr>" WIDE TC("c") "</w:tr><w:tr>" TC("out") "<w:tc>" P(R("head"))
                         INNER P(R("tail")) "</w:tc></w:tr></w:tbl>"));
    KT_OK(office_has(&s, "wide\t\tc\nout\thead\nA90101001A\tAgim\ntail\n"));
    sink_mem_done(&s);
}

KT_TEST(deleted_text_stands_in_for_a_cell_only_when_it_is_alone)
{
    struct sink_mem s = {0};
    run_docx(
        &s,
        DOC("<w:tbl><w:tr><w:tc>" P(
            "<w:del "
            "w:author=\"Ana\"><w:r><w:delText>A90101001A</w:delText></"
            "w:r></w:del>") "</w:tc>" TC("Agim") "</w:tr></w:tbl>" P(R("Hoxh") "<w:del><w:r><w:"
                                                                               "delText>aj</"
                                                                               "w:delText></w:r></"
                                                                               "w:del>" R("a"))));
    KT_OK(office_has(&s, "A90101001A\tAgim\n"));
    KT_OK(office_has(&s, "Hoxha\n") && office_has(&s, "aj\n") && office_has(&s, "Ana\n"));
    sink_mem_done(&s);
}

KT_TEST(fields_symbols_and_hidden_text_are_read)
{
    struct sink_mem s = {0};
    run_docx(
        &s,
        DOC(P("<w:r><w:instrText>HYPER</w:instrText></w:r><w:r><w:instrText>LINK x@y.al"
              "</w:instrText></w:r><w:r><w:fldChar/></w:r>" R(
                  "Ag") "<w:r><w:rPr><w:vanish/>"
                        "</w:rPr><w:t>im</w:t><w:noBreakHyphen/><w:sym w:char=\"F041\"/></w:r>")));
    KT_OK(office_has(&s, "HYPERLINK x@y.al\n") && office_has(&s, "Agim-A\n"));
    KT_OK(office_has(&s, "A /word/document.xml docx.hidden_text\n"));
    sink_mem_done(&s);
}

KT_TEST(a_text_box_that_is_written_twice_is_read_once)
{
#define BOX(text) "<w:txbxContent>" P(R(text)) "</w:txbxContent>"
    struct sink_mem s = {0};
    run_docx(
        &s, DOC(P(R("Ag") "<w:r><mc:AlternateContent><mc:Choice>" BOX(
                "A90101001A") "</mc:Choice><mc:Fallback>" BOX("A90101001A") "</mc:Fallback></"
                                                                            "mc:AlternateContent></"
                                                                            "w:r>" R("im"))
                    P("<mc:AlternateContent><mc:Choice>" BOX("one") "</mc:Choice><mc:Fallback>" BOX(
                        "other") "</mc:Fallback></mc:AlternateContent>")));
    KT_EQ(office_count(&s, "A90101001A"), 1);
    KT_OK(office_has(&s, "Agim\n") && office_has(&s, "one\n") && office_has(&s, "other\n"));
    sink_mem_done(&s);
}

KT_TEST(headers_notes_comments_and_properties_are_read_whatever_they_are_called)
{
    struct sink_mem s = {0};
    struct zm z = {0};
    zm_add(&z, "[Content_Types].xml", "<Types/>");
    zm_add(&z, "x/a.bin", "<w:hdr xmlns:w=\"" W "\">" P(R("he") R("ader")) "</w:hdr>");
    zm_add(&z, "x/b.bin",
           "<w:footnotes xmlns:w=\"http://purl.oclc.org/ooxml/wordprocessingml/main\">"
           "<w:footnote>" P(R("foot") R("note")) "</w:footnote></w:footnotes>");
    zm_add(&z, "x/c.bin",
           "<w:comments xmlns:w=\"" W
           "\"><w:comment w:author=\"Ana\">" P(R("com") R("ment")) "</w:comment></w:comments>");
    zm_add(&z, "x/d.bin",
           "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package\">"
           "<dc:title>ti&#116;le</dc:title></cp:coreProperties>");
    zm_add(&z, "customXml/item1.xml", "<p><nid>A90101001A</nid></p>");
    office_run_zip(&s, &z);
    KT_OK(office_has(&s, "B text /x/a.bin\nheader\nE\n"));
    KT_OK(office_has(&s, "B text /x/b.bin\nfootnote\nE\n"));
    KT_OK(office_has(&s, "Ana\n") && office_has(&s, "comment\n") && office_has(&s, "title\n"));
    KT_OK(office_has(&s, "A90101001A"));
    KT_EQ(s.not_inspected, 0);
    zm_done(&z);
    sink_mem_done(&s);
}

KT_TEST(slides_tables_and_disguises_are_read)
{
    struct sink_mem s = {0};
    struct zm z = {0};
    zm_add(&z, "_rels/.rels", "<x/>");
    zm_add(&z, "ppt/slides/slide1.xml",
           "<p:sld xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\" "
           "show=\"0\"><p:cNvPr "
           "name=\"T\" descr=\"alt text\"/><a:p><a:r><a:t>Ti</a:t></a:r><a:r><a:t>tle</a:t></a:r>"
           "</a:p><a:tbl><a:tr><a:tc><a:p><a:r><a:t>\xef\xbc\xa1\xef\xbc\x99"
           "0101001A</a:t></a:r></a:p>"
           "</a:tc><a:tc><a:p><a:r><a:t>Agim</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:sld>");
    office_run_zip(&s, &z);
    KT_OK(office_has(&s, "Title\n") && office_has(&s, "alt text\n"));
    KT_OK(office_has(&s, "A /ppt/slides/slide1.xml pptx.hidden_slide\n"));
    KT_OK(office_has(&s, "B table /ppt/slides/slide1.xml\nA90101001A\tAgim\nE\n"));
    zm_done(&z);
    sink_mem_done(&s);
}

KT_TEST(a_document_inside_a_document_is_a_member)
{
    struct sink_mem s = {0};
    struct zm inner = {0};
    struct zm z = {0};
    zm_add(&inner, "[Content_Types].xml", "<Types/>");
    zm_add(&inner, "word/document.xml", DOC(P(R("in") R("side"))));
    zm_end(&inner, "");
    zm_add(&z, "[Content_Types].xml", "<Types/>");
    zm_add(&z, "word/document.xml", DOC(P(R("out"))));
    zm_add_opts(&z, "word/embeddings/a.docx", inner.out.ptr, inner.out.len, (struct zm_opts){0});
    office_run_zip(&s, &z);
    KT_OK(office_has(&s, "B text /word/embeddings/a.docx/word/document.xml\ninside\nE\n"));
    zm_done(&inner);
    zm_done(&z);
    sink_mem_done(&s);
}

KT_TEST(a_package_with_a_password_is_not_inspected)
{
    struct sink_mem s = {0};
    struct cm c = {0};
    uint8_t package[6000];
    for (size_t i = 0; i < sizeof package; i++) {
        package[i] = (uint8_t)(i * i >> 3);
    }
    (void)cm_add(&c, 0, "EncryptionInfo", "\4\0\4\0\x40\0\0\0<encryption/>", 21);
    (void)cm_add(&c, 0, "EncryptedPackage", package, sizeof package);
    cm_end(&c);
    office_run(&s, c.out, c.out_len);
    KT_OK(office_has(&s, " encrypted "));
    KT_OK(s.not_inspected >= sizeof package);
    cm_done(&c);
    sink_mem_done(&s);
}

KT_TEST(every_truncation_of_a_docx_part_keeps_what_is_there)
{
    static const char doc[] = DOC(P(R("first")) "<w:tbl><w:tr>" TC("A90101001A")
                                      TC("Agim") "</w:tr></w:tbl>" P(R("last")));
    for (size_t n = 0; n < sizeof doc; n++) {
        struct sink_mem s = {0};
        struct zm z = {0};
        zm_add(&z, "[Content_Types].xml", "<Types/>");
        zm_add_opts(&z, "word/document.xml", doc, n, (struct zm_opts){.stored = n % 2 == 0});
        office_run_zip(&s, &z);
        size_t have = (size_t)(strstr(doc, "Agim") - doc);
        KT_OK(n < have || office_has(&s, "A90101001A"));
        KT_EQ(s.not_inspected, 0);
        zm_done(&z);
        sink_mem_done(&s);
    }
}

KT_TEST(a_long_cell_and_a_long_paragraph_come_out_whole)
{
    static const size_t sizes[] = {8191, 8192, 8193, 65535, 65536, 65537, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sink_mem s = {0};
        size_t n = sizes[i];
        struct zm_bytes doc = {0};
        office_add(&doc, "<w:document xmlns:w=\"" W "\"><w:p><w:r><w:t>");
        office_fill(&doc, 'p', n);
        office_add(&doc, "</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>");
        office_fill(&doc, 'c', n);
        office_add(&doc, "</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:document>");
        run_docx(&s, office_str(&doc));
        size_t n_p = 0;
        size_t n_c = 0;
        for (const char *c = s.log; *c != 0; c++) {
            n_p += *c == 'p';
            n_c += *c == 'c';
        }
        /* The log's own words hold a few: as many for each size. */
        KT_OK(n_p >= n && n_p < n + 64 && n_c >= n && n_c < n + 64);
        free(doc.ptr);
        sink_mem_done(&s);
    }
}

KT_TEST(markup_without_end_is_bounded)
{
    static const char *const pieces[] = {"<w:tbl><w:tr><w:tc>",
                                         "<mc:AlternateContent><mc:Choice>",
                                         "<w:txbxContent>",
                                         "<w:p><w:r><w:t>x",
                                         "<w:tc>",
                                         "<w:r>"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct sink_mem s = {.quiet = true};
        struct zm_bytes doc = {0};
        office_add(&doc, "<w:document xmlns:w=\"" W "\">");
        while (doc.len < 3000000) {
            office_add(&doc, pieces[i]);
        }
        run_docx(&s, office_str(&doc));
        KT_EQ(s.not_inspected, 0);
        free(doc.ptr);
        sink_mem_done(&s);
    }
}

/* Markup that says nothing, for as long as the limit allows and longer. */
KT_TEST(a_part_without_text_ends_at_its_limit)
{
    static const char root[] = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/"
                               "wordprocessingml/2006/main\"><w:body>";
    for (unsigned more = 0; more < 2; more++) {
        size_t len = more == 1 ? KL_MAX_QUIET + 1048576u : KL_MAX_QUIET - 1048576u;
        char *text = malloc(len);
        struct sink_mem s = {0};
        struct zm z = {0};
        memset(text, ' ', len);
        memcpy(text, root, sizeof root - 1);
        memcpy(text + len - 26, "<w:p><w:r><w:t>A</w:t></w:r>", 26);
        zm_add(&z, "[Content_Types].xml", "<Types/>");
        zm_add_opts(&z, "word/document.xml", text, len, (struct zm_opts){.stored = false});
        free(text);
        office_run_zip(&s, &z);
        KT_EQ(office_has(&s, "A /word/document.xml limit.quiet\n"), more == 1);
        KT_EQ(s.not_inspected > 0, more == 1);
        zm_done(&z);
        sink_mem_done(&s);
    }
}

KT_MAIN()
