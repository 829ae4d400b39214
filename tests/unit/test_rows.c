#include "extract/rows.h"
#include "kt.h"

#include "doc_run.h"

/* The rows that a text gives. */
static void rows_are(const char *text, const char *want)
{
    struct sink_mem s;
    char expect[2000];
    snprintf(expect, sizeof expect, "B text /rows\n%sE\n", want);
    doc_run_str(&s, text);
    KT_OK(doc_has(&s, expect));
    KT_OK(strncmp(s.log, "B text \n", 8) == 0); /* the text itself comes first */
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

static enum kl_rows_kind sniff(const char *text)
{
    return kl_rows_sniff(kl_span_str(text));
}

KT_TEST(what_is_best_read_as_plain_text_is_left_to_it)
{
    KT_EQ(sniff("{\"a\": 1}\n{\"a\": 2}\n"), KL_ROWS_JSON);
    KT_EQ(sniff("{\"a\": 1, \"b\": 2}"), KL_ROWS_NONE);
    KT_EQ(sniff("[\n{\"a\": 1},\n{\"a\": 2}\n]"), KL_ROWS_JSON);
    KT_EQ(sniff("{\n  \"a\": 1\n}\n"), KL_ROWS_JSON);
    KT_EQ(sniff("{ int x = 1; }\n"), KL_ROWS_NONE);
    KT_EQ(sniff("[section]\nkey=1\n"), KL_ROWS_NONE);
    KT_EQ(sniff("<?xml version=\"1.0\"?><a><b>1</b></a>"), KL_ROWS_NONE);
    KT_EQ(sniff("<?xml version=\"1.0\"?>\n<a>\n<b>1</b>\n</a>"), KL_ROWS_XML);
    KT_EQ(sniff("<a@example.invalid> wrote:\n"), KL_ROWS_NONE);
    KT_EQ(sniff("  <!DOCTYPE html><p>"), KL_ROWS_HTML);
    KT_EQ(sniff("<b>x</b><table>"), KL_ROWS_HTML);
    KT_EQ(sniff("BEGIN:VCARD\r\n"), KL_ROWS_VCARD);
    KT_EQ(sniff("plain"), KL_ROWS_NONE);
    KT_EQ(sniff(""), KL_ROWS_NONE);
    KT_EQ(sniff("  \n "), KL_ROWS_NONE);
}

KT_TEST(rows_of_an_html_table_are_lines)
{
    rows_are("<html><body><p>Lista</p>\n<table>\n<tr>\n <th>nid</th>\n <th>emri</th>\n</tr>\n"
             "<TR><TD class='a>b'>A12<b>345</b>678K</TD>\n<td>Agim<br>Hoxha</td><td></td><td>x</td>"
             "</tr></table><!-- <td>hidden --> after<script>if (a<b) x='</td>'</script>end",
             "Lista\nnid\temri\nA12345678K\tAgim Hoxha\t\tx\nafterend\n");
}

KT_TEST(what_stands_in_tags_is_in_the_text)
{
    struct sink_mem s;
    doc_run_str(&s,
                "<html><!-- A11111111K --><img alt='A22222222K' src=\"data:text/plain;base64,"
                "QTMzMzMzMzMzSyBDZWxhIER1c2hrdSBBNDQ0NDQ0NDRLIERyaXRhIFByb3ZhIEE1NTU1NTU1NUs=\">"
                "<script>var x = 'A66666666K'</script><a href='data:,A7777777%37K'>");
    KT_OK(doc_has(&s, "A11111111K") && doc_has(&s, "A22222222K") && doc_has(&s, "A66666666K"));
    KT_OK(doc_has(&s, "/base64@") && doc_has(&s, "A33333333K Cela Dushku"));
    KT_OK(doc_has(&s, "A77777777K"));
    sink_mem_done(&s);
}

KT_TEST(elements_of_xml_are_cells_and_what_repeats_is_a_row)
{
    rows_are("<?xml version=\"1.0\"?>\n<lista>\n <person>\n  <nid>A12345678K</nid>\n"
             "  <emri>Agim</emri>\n </person>\n <person>\n  <nid>A11111111K</nid>\n"
             "  <adr><qyteti>Berat</qyteti><nr>7</nr></adr>\n  <paga><![CDATA[50<60]]></paga>\n"
             " </person>\n</lista>\n",
             "A12345678K\tAgim\nA11111111K\tBerat\t7\t50<60\n");
    rows_are("<?xml version=\"1.0\"?>\n<rows>\n<row nid=\"A12345678K\" emri='Agim &amp; Co'/>\n"
             "<row nid=\"A11111111K\" emri='Besa'/>\n</rows>",
             "A12345678K\tAgim & Co\nA11111111K\tBesa\n");
}

KT_TEST(objects_of_json_are_rows)
{
    rows_are("[\n  {\n    \"nid\": \"A12345678K\",\n    \"emri\": \"Gj\\u00ebrgj\\n\\\"x\\\"\",\n"
             "    \"adr\": {\"q\": \"Berat\", \"nr\": [1, 2]},\n    \"paga\": 50000\n  },\n"
             "  {\n    \"nid\": \"A11111111K\", \"p\": null\n  }\n]\n",
             "A12345678K\tGjërgj \"x\"\tBerat\t1\t2\t50000\nA11111111K\tnull\n");
    rows_are("{\n\"rows\": [\n[\"A12345678K\", 1],\n[\"A11111111K\", 2]\n]\n}",
             "A12345678K\t1\nA11111111K\t2\n");
}

KT_TEST(json_that_breaks_is_left_to_the_text)
{
    struct sink_mem s;
    doc_run_str(&s, "{\n\"a\": \"A12345678K\"\n}}\n\"b\": \"A11111111K\"\n");
    KT_OK(doc_has(&s, "B text /rows\nA12345678K\nE\n"));
    KT_OK(doc_has(&s, "\"b\": \"A11111111K\""));
    sink_mem_done(&s);
}

KT_TEST(a_vcard_is_a_row)
{
    rows_are(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Hoxha;Agim;;;\r\nTEL;TYPE=CELL:+355691\r\n 234567\r\n"
        "NOTE:a\\, b\\nc\r\nEND:VCARD\r\n"
        "begin:vcard\nversion:2.1\nn;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Gj=C3=AB=\nrgj;B\n"
        "end:vcard\n",
        "Hoxha\tAgim\t+355691234567\ta, b c\nGjërgj\tB\n");
}

KT_TEST(depth_is_no_limit)
{
    for (unsigned n = 63; n < 66; n++) {
        struct sink_mem s;
        struct kl_buf json = doc_buf();
        DOC_ADD(&json, "[\n");
        doc_add_many(&json, n - 1, "[");
        DOC_ADD(&json, "\"A12345678K\", 2");
        doc_add_many(&json, n, "]");
        doc_run_buf(&s, &json);
        KT_OK(doc_has(&s, "A12345678K\t2\n"));
        sink_mem_done(&s);
        struct kl_buf xml = doc_buf();
        DOC_ADD(&xml, "<?xml version=\"1.0\"?>\n<r>\n");
        doc_add_many(&xml, n - 1, "<e>\n");
        DOC_ADD(&xml, "<a>A12345678K</a><b>2</b>");
        doc_add_many(&xml, n - 1, "</e>");
        doc_run_buf(&s, &xml);
        KT_OK(doc_has(&s, "A12345678K\t2"));
        sink_mem_done(&s);
    }
}

KT_TEST(every_truncation_is_read)
{
    static const char *const all[] = {
        "<html><table><tr><td a='b'>A12345678K</td><td><!-- x --><![CDATA[y]]></td></tr></table>",
        "<?xml version=\"1.0\"?>\n<a>\n<b c=\"d\">A12345678K</b>\n<b/>\n</a>",
        "[\n{\n\"a\": \"A12345678K\\u00eb\\n\",\n\"b\": [1, 2]\n}\n]",
        "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:A12345678K=C3=AB=\n;x\\n\nEND:VCARD\n"};
    for (unsigned k = 0; k < 4; k++) {
        for (size_t len = 0; len < strlen(all[k]); len++) {
            struct sink_mem s;
            doc_run(&s, all[k], len);
            KT_EQ(s.not_inspected, 0);
            sink_mem_done(&s);
        }
    }
}

KT_MAIN()
