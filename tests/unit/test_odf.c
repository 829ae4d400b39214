#include "extract/odf_int.h"
#include "extract/ooxml.h"
#include "office_run.h"

#define OFFICE "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\""
#define CONTENT(body)                                                                              \
    "<?xml version=\"1.0\"?><office:document-content " OFFICE ">" body "</"                        \
    "office:document-content>"
#define TABLE(rows) CONTENT("<table:table table:name=\"Lista\">" rows "</table:table>")
#define ROW(cells) "<table:table-row table:style-name=\"ro1\">" cells "</table:table-row>"
#define S(text)                                                                                    \
    "<table:table-cell office:value-type=\"string\" calcext:value-type=\"string\"><text:p>" text   \
    "</text:p></table:table-cell>"
#define F(value, text)                                                                             \
    "<table:table-cell office:value-type=\"float\" office:value=\"" value                          \
    "\" calcext:value-type=\"float\"><text:p>" text "</text:p></table:table-cell>"

static void run_content(struct sink_mem *s, const char *content)
{
    struct zm z = {0};
    zm_add(&z, "mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    zm_add(&z, "content.xml", content);
    office_run_zip(s, &z);
    zm_done(&z);
}

KT_TEST(rows_and_cells_of_a_sheet_come_out)
{
    struct sink_mem s = {0};
    run_content(&s, TABLE(ROW(S("A90101001A") S("Agim") F("691234567", "691234567"))
                              ROW(S("A90101002B") "<table:table-cell/>" S("Besa &amp; bir"))));
    KT_OK(office_has(
        &s, "B table /content.xml\nA90101001A\tAgim\t691234567\nA90101002B\t\tBesa & bir\nE\n"));
    KT_OK(office_has(&s, "Lista\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(a_value_stands_before_what_is_shown_of_it)
{
    struct sink_mem s = {0};
    run_content(
        &s,
        TABLE(ROW(F("355691234567", "3.56E+11") S("x")) ROW(F("123", "00123") F("0.5", "0.50")) ROW(
            "<table:table-cell office:value-type=\"date\" office:date-value=\"1905-05-03\">"
            "<text:p>03.05.05</text:p></table:table-cell>" F("1234.5", "1,234.50 lek"))
                  ROW("<table:table-cell office:value-type=\"date\" office:date-value=\"1905-05-03"
                      "T00:00:00\"><text:p>dita 99</text:p></table:table-cell>")
                      ROW("<table:table-cell office:value-type=\"string\" "
                          "office:string-value=\"only\"/>")
                          ROW("<table:table-cell office:value-type=\"boolean\" "
                              "office:boolean-value=\"true\">"
                              "<text:p>PO</text:p></table:table-cell>")));
    KT_OK(office_has(&s, "355691234567\tx\t3.56E+11\n"));
    KT_OK(office_has(&s, "123\t0.5\t00123\n"));
    KT_OK(office_has(&s, "1905-05-03\t1234.5\n"));
    KT_OK(office_has(&s, "1905-05-03\tdita 99\n"));
    KT_OK(office_has(&s, "\nonly\nPO\n"));
    sink_mem_done(&s);
}

KT_TEST(repeated_and_covered_cells_keep_the_columns)
{
    struct sink_mem s = {0};
    run_content(
        &s, TABLE(ROW("<table:table-cell table:number-columns-repeated=\"3\" office:value-type="
                      "\"string\"><text:p>y<text:s/>z</text:p></table:table-cell>"
                      "<table:covered-table-cell/>" S("end"))
                      ROW("<table:table-cell table:number-columns-repeated=\"2\"/>" S("third"))));
    KT_OK(office_has(&s, "y z\ty z\ty z\t\tend\n\t\tthird\n"));
    sink_mem_done(&s);
}

KT_TEST(a_cell_that_is_repeated_a_billion_times_is_bounded)
{
    struct sink_mem s = {0};
    run_content(&s,
                TABLE(ROW("<table:table-cell table:number-columns-repeated=\"4294967295\" "
                          "office:value-type=\"string\"><text:p>yy</text:p></table:table-cell>" S(
                              "e")) "<table:table-row "
                                    "table:number-rows-repeated=\"1000000000\">" S("rr") "</"
                                                                                         "table:"
                                                                                         "table-"
                                                                                         "row>"));
    KT_EQ(office_count(&s, "yy"), KL_ODF_MAX_REPEAT);
    KT_EQ(office_count(&s, "rr"), 1);
    sink_mem_done(&s);
}

KT_TEST(hidden_sheets_rows_and_columns_are_read_and_said)
{
    struct sink_mem s = {0};
    run_content(
        &s, CONTENT("<style:style style:name=\"ta2\" style:family=\"table\"><style:table-"
                    "properties table:display=\"false\"/></style:style><table:table "
                    "table:style-name=\"ta2\"><table:table-column table:visibility=\"collapse\"/>"
                    "<table:table-row table:visibility=\"filter\">" S(
                        "A90101001A") "</table:table-row></table:table>"));
    KT_OK(office_has(&s, "ods.hidden_sheet\n") && office_has(&s, "ods.hidden_row\n"));
    KT_OK(office_has(&s, "ods.hidden_column\n") && office_has(&s, "A90101001A\n"));
    sink_mem_done(&s);
}

KT_TEST(notes_and_boxes_tear_no_word_and_no_record)
{
    struct sink_mem s = {0};
    run_content(
        &s, CONTENT("<text:p>Ag<text:note><text:note-body><text:p>foot</text:p></text:note-body>"
                    "</text:note>i<draw:frame><svg:title>tit</svg:title><svg:desc>des</"
                    "svg:desc><draw:text-box><text:p>box</text:p></draw:text-box>"
                    "</draw:frame>m<text:span> H</text:span>oxha</text:p>"
                    "<table:table><table:table-row><table:table-cell office:value-type=\"string\">"
                    "<office:annotation><dc:creator>Ana</dc:creator><text:p>kom</text:p>"
                    "</office:annotation><text:p>A9010</text:p><text:p>1001A</text:p>"
                    "</table:table-cell>" S("b") "</table:table-row></table:table>"));
    KT_OK(office_has(&s, "Agim Hoxha\n") && office_has(&s, "foot\n") &&
          office_has(&s, "tit\ndes\nbox\n"));
    KT_OK(office_has(&s, "A9010 1001A\tb\n") && office_has(&s, "kom\n") && office_has(&s, "Ana\n"));
    sink_mem_done(&s);
}

KT_TEST(flat_documents_and_base64_in_them_are_read)
{
    struct sink_mem s = {0};
    static const char doc[] =
        "<?xml version=\"1.0\"?>\n<office:document " OFFICE
        "><text:p>Agim</text:p><office:binary-data>"
        "QTkwMTAxMDAxQSxBZ2ltLEhveGhhLFRpcmFuZQpBOTAxMDEwMDJCLEJlc2EsS3Jhc25pcWks\n"
        "       "
        "VGlyYW5lCkE5MDEwMTAwM0MsQ2VuLE1lbWEsVGlyYW5lCg==</office:binary-data></office:document>";
    office_run(&s, doc, sizeof doc - 1);
    KT_OK(office_has(&s, "Agim\n") && office_has(&s, "/base64@") &&
          office_has(&s, "A90101003C,Cen"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(what_the_manifest_calls_encrypted_is_said_unless_it_is_not)
{
#define ENTRY(name)                                                                                \
    "<manifest:file-entry manifest:full-path=\"" name                                              \
    "\"><manifest:encryption-data/></manifest:file-entry>"
    struct sink_mem s = {0};
    struct zm z = {0};
    static const char noise[] = "\x01\x8f\xaa\x02\x03\x04\x05\x06\x07\x08\x99\x12\x13\x14\x15\x16";
    zm_add(&z, "META-INF/manifest.xml",
           "<manifest:manifest>" ENTRY("content.xml") ENTRY("plain.xml")
               ENTRY("absent.xml") "</manifest:manifest>");
    zm_add_opts(&z, "content.xml", noise, 16, (struct zm_opts){.stored = true});
    zm_add(&z, "plain.xml", CONTENT("<text:p>Agim</text:p>"));
    office_run_zip(&s, &z);
    KT_OK(office_has(&s, "N /content.xml encrypted 16\n") && office_has(&s, "Agim\n"));
    KT_EQ(s.not_inspected, 16);
    zm_done(&z);
    sink_mem_done(&s);
}

struct feed {
    struct kl_span rest;
    size_t step;
};

static enum kl_rc feed_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct feed *f = ctx;
    struct kl_span piece = kl_span_part(f->rest, 0, n < f->step ? n : f->step);
    memcpy(dst, piece.ptr, piece.len);
    f->rest = kl_span_part(f->rest, piece.len, f->rest.len);
    *out_n = piece.len;
    return KL_OK;
}

static void read_xml(struct sink_mem *s, const char *text, size_t step, bool no_fast)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct feed feed = {kl_span_str(text), step};
    struct kl_emit *e = NULL;
    struct kl_xml xml;
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    KT_EQ(kl_xml_init(&xml, (struct kl_xml_feed){&feed, feed_read}), KL_OK);
    kl_emit_start(e, strlen(text));
    KT_EQ(kl_odf_read_opts(e, &xml, no_fast), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    kl_xml_done(&xml);
    kl_emit_free(&e);
}

KT_TEST(the_fast_path_says_what_the_general_one_says)
{
    static const char row[] = ROW(
        S("A90101001A") F("12", "12") F("12.50", "12.5") S("")
            S("a &lt; b") "<table:table-cell/>" F(
                "7", "7,0")) "<table:table-row>" S("bare row") "</table:table-row>" ROW(S("x<text:"
                                                                                          "s/>y"));
    enum { N = 400 };
    struct zm_bytes text = {0};
    office_add(&text, "<d " OFFICE "><table:table>");
    for (unsigned i = 0; i < N; i++) {
        office_add(&text, row);
    }
    office_add(&text, "</table:table></d>");
    const char *doc = office_str(&text);
    struct sink_mem want = {0};
    read_xml(&want, doc, SIZE_MAX, true);
    KT_EQ(office_count(&want, "A90101001A\t12\t12.5\t"), N);
    for (size_t step = 1; step < 70000; step = step * 3 + 1) {
        struct sink_mem have = {0};
        read_xml(&have, doc, step, false);
        KT_EQ(have.log_len, want.log_len);
        KT_STR(have.log, want.log);
        sink_mem_done(&have);
    }
    free(text.ptr);
    sink_mem_done(&want);
}

KT_TEST(every_truncation_of_a_sheet_keeps_what_is_there)
{
    static const char doc[] =
        TABLE(ROW(S("A90101001A") F("691234567", "691234567")) ROW(S("A90101002B") S("Besa")));
    for (size_t n = 0; n < sizeof doc; n++) {
        struct sink_mem s = {0};
        struct zm z = {0};
        zm_add(&z, "mimetype", "x");
        zm_add_opts(&z, "content.xml", doc, n, (struct zm_opts){0});
        office_run_zip(&s, &z);
        size_t have = (size_t)(strstr(doc, "A90101002B") - doc);
        KT_OK(n < have || office_has(&s, "A90101001A\t691234567\n"));
        KT_EQ(s.not_inspected, 0);
        zm_done(&z);
        sink_mem_done(&s);
    }
}

KT_MAIN()
