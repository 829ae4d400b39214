#include "register/table_input.h"

#include "base/buf.h"
#include "extract/session.h"
#include "table_files.h"

#include <errno.h>

static const char schema_text[] = "register: t\njurisdiction: al\ncolumns:\n"
                                  "  - {name: id, type: id, role: key}\n"
                                  "  - {name: name, type: person.given, role: identity}\n"
                                  "  - {name: note, type: text, role: ignore}\n";

/* What the sink saw: "line<id><name><note>" and "line!reason", one a line. */
static struct kl_buf seen;
static enum kl_rc sink_answer;
static struct kl_err err;
static struct kl_session *session;

static enum kl_rc on_row(void *ctx, const struct kl_span *f, uint64_t line)
{
    (void)ctx;
    KT_EQ(kl_buf_addf(&seen, "%llu", (unsigned long long)line), KL_OK);
    for (unsigned c = 0; c < 3; c++) {
        KT_EQ(kl_buf_add_str(&seen, "<"), KL_OK);
        KT_EQ(kl_buf_add(&seen, f[c].ptr, f[c].len), KL_OK);
        KT_EQ(kl_buf_add_str(&seen, ">"), KL_OK);
    }
    KT_EQ(kl_buf_add_str(&seen, "\n"), KL_OK);
    return sink_answer;
}

static enum kl_rc on_reject(void *ctx, uint64_t line, const char *reason)
{
    (void)ctx;
    KT_EQ(kl_buf_addf(&seen, "%llu!%s\n", (unsigned long long)line, reason), KL_OK);
    return sink_answer;
}

static enum kl_rc read_path(const char *path)
{
    static struct kl_schema schema;
    const struct kl_table_sink sink = {NULL, on_row, on_reject, NULL};
    uint64_t bytes = 0;

    KT_EQ(kl_schema_parse(kl_span_str(schema_text), &schema, NULL), KL_OK);
    kl_buf_done(&seen);
    kl_buf_init(&seen, 1u << 24);
    err = (struct kl_err){.rc = KL_OK};
    enum kl_rc rc = kl_table_input_read(session, path, &schema, &sink, &bytes, &err);
    KT_EQ(kl_buf_add_u8(&seen, 0), KL_OK);
    return rc;
}

static void begin(void)
{
    const struct kl_session_opts so = {.program = NULL};

    tf_begin();
    sink_answer = KL_OK;
    KT_EQ(kl_session_new(&so, &session, NULL), KL_OK);
}

static void end(void)
{
    kl_session_free(&session);
    kl_buf_done(&seen);
    tf_end();
}

static void reads(const char *text, const char *want)
{
    KT_EQ(read_path(tf_text("in", text)), KL_OK);
    KT_STR((char *)seen.ptr, want);
}

static void refuses(const char *text, const char *phrase)
{
    KT_EQ(read_path(tf_text("in", text)), KL_E_FORMAT);
    KT_EQ(err.rc, KL_E_FORMAT);
    if (strstr(err.what, phrase) == NULL) {
        KT_STR(err.what, phrase);
    }
}

KT_TEST(columns_are_found_by_name_in_any_order)
{
    begin();
    reads("id,name,note\n17A,Arben,x\n", "2<17A><Arben><x>\n");
    reads("note,more,name,id\nx,y,Arben,17A\n", "2<17A><Arben><x>\n");
    reads(" NAME ,\"Id\",other\nArben,17A,\n", "2<17A><Arben><>\n"); /* nobody needs the ignored */
    end();
}

KT_TEST(a_header_that_does_not_fit_names_the_column)
{
    begin();
    refuses("id,nome,note\n1,2,3\n", "lacks column name");
    refuses("1,2,3\n4,5,6\n", "lacks column id");
    refuses("id,name,ID,note\n1,2,3,4\n", "column id twice");
    refuses("id,name,note,note\n1,2,3,4\n", "column note twice");
    KT_STR((char *)seen.ptr, "");
    end();
}

KT_TEST(an_empty_file_has_no_table_and_a_header_alone_no_rows)
{
    begin();
    refuses("", "no table with a header row");
    refuses("\n\r\n\n", "no table with a header row");
    reads("id,name", "");
    reads("id,name\r\n\r\n", "");
    end();
}

KT_TEST(separators_line_ends_and_charsets)
{
    static const char utf16[] = "\xff\xfei\0d\0;\0n\0a\0m\0e\0\n\0001\0;\0\xcb\0\n";

    begin();
    reads("id\tname\n17A\tArben, i madhi\n", "2<17A><Arben, i madhi><>\n");
    reads("id;name\r\n17A;Arben\r\n18B;Besa", "2<17A><Arben><>\n3<18B><Besa><>\n");
    reads("id|name\n\n17A|Arben\n", "3<17A><Arben><>\n");
    reads("\xEF\xBB\xBFid,name\n17A,Arben\n", "2<17A><Arben><>\n");
    reads("\xEF\xBB\xBF\"id\",\"name\"\n17A,Arben\n", "2<17A><Arben><>\n");
    reads("id,name\n1,\xeb\n", "2<1><\xc3\xab><>\n"); /* Windows-1252 */
    KT_EQ(read_path(tf_write("in", utf16, sizeof utf16)), KL_OK);
    KT_STR((char *)seen.ptr, "2<1><\xc3\x8b><>\n");
    end();
}

KT_TEST(quoted_line_ends_count_as_lines)
{
    begin();
    reads("id,\"name\"\r\n\"1\r\n2\",\"a \"\"b\"\"\"\r\n3,c\r\n",
          "2<1\r\n2><a \"b\"><>\n4<3><c><>\n");
    reads("\"id\",\"na\nme\",name\n1,2,3\n", "3<1><3><>\n");
    end();
}

KT_TEST(rows_that_do_not_fit_are_rejected_with_line_and_reason)
{
    begin();
    reads("id,name\n1\n2,b\n3,c,d\n\"4\"x,e\n\n5,f\n6,\"open\n",
          "2!fewer fields than the header has\n3<2><b><>\n4!more fields than the header has\n"
          "5!text behind a closing quote\n7<5><f><>\n8!a quoted field is not closed\n");
    end();
}

KT_TEST(an_over_long_row_is_rejected_and_the_next_one_read)
{
    size_t n = (1u << 20) + 100;
    char *text = malloc(n);

    begin();
    memset(text, 'x', n);
    memcpy(text, "id,name\n", 8);
    memcpy(text + n - 8, "\n17A,Bes", 8);
    KT_EQ(read_path(tf_write("in", text, n)), KL_OK);
    KT_STR((char *)seen.ptr, "2!a row of more than 1 MiB (is a quote left open?)\n3<17A><Bes><>\n");
    free(text);
    end();
}

KT_TEST(a_workbook_is_read_sheet_by_sheet)
{
    begin();
    KT_EQ(read_path(tf_workbook("in.xlsx", "name|id|note\nArben|17A|x\n\nBesa|18B\n|19C|z\f"
                                           "id|name\n20D|\"Doruntina\"\n")),
          KL_OK);
    KT_OK(strstr((char *)seen.ptr, "<17A><Arben><x>\n") != NULL);
    KT_OK(strstr((char *)seen.ptr, "<18B><Besa><>\n") != NULL);
    KT_OK(strstr((char *)seen.ptr, "<19C><><z>\n") != NULL);
    KT_OK(strstr((char *)seen.ptr, "<20D><\"Doruntina\"><>\n") != NULL);
    KT_OK(strchr((char *)seen.ptr, '!') == NULL);
    KT_EQ(read_path(tf_workbook("in.xlsx", "name|id\nArben|17A\fother|table\n1|2\n")), KL_E_FORMAT);
    KT_OK(strstr(err.what, "lacks column id") != NULL);
    KT_EQ(read_path(tf_workbook("in.xlsx", "")), KL_E_FORMAT);
    KT_OK(strstr(err.what, "no table") != NULL);
    end();
}

KT_TEST(half_a_workbook_is_no_register)
{
    size_t n = 0;

    begin();
    char *all = tf_read(tf_workbook("in.xlsx", "name|id\nArben|17A\n"), &n);
    for (size_t cut = n / 5; cut < n; cut += cut < n - 30 ? n / 5 : 1) {
        KT_EQ(read_path(tf_write("in", all, cut)), KL_E_FORMAT);
        KT_OK(strstr(err.what, "no index is made from a part") != NULL ||
              strstr(err.what, "no table") != NULL);
    }
    free(all);
    end();
}

KT_TEST(a_workbook_with_a_wrong_byte_is_refused_or_read_right)
{
    size_t n = 0;
    unsigned refused = 0;

    begin();
    char *all = tf_read(tf_workbook("in.xlsx", "name|id\nArben|17A\n"), &n);
    for (size_t i = 0; i < n; i += 31) {
        all[i] ^= 4;
        if (read_path(tf_write("in", all, n)) != KL_OK) {
            KT_EQ(err.rc, KL_E_FORMAT);
            refused++;
        } else {
            KT_OK(strstr((char *)seen.ptr, "<17A><Arben><>\n") != NULL);
        }
        all[i] ^= 4;
    }
    KT_OK(refused > 8);
    free(all);
    end();
}

KT_TEST(what_cannot_be_opened_is_the_worlds_fault)
{
    begin();
    KT_EQ(read_path(tf_path("nowhere")), KL_E_IO);
    KT_EQ(err.sys_errno, ENOENT);
    KT_EQ(read_path(tf_dir), KL_E_IO);
    KT_OK(strstr(err.what, "not a regular file") != NULL);
    KT_EQ(read_path("/dev/null"), KL_E_IO);
    end();
}

KT_TEST(the_sink_can_stop_and_the_session_goes_on)
{
    begin();
    sink_answer = KL_E_MORE;
    KT_EQ(read_path(tf_text("in", "id,name\n1,a\n2,b\n")), KL_E_MORE);
    KT_STR((char *)seen.ptr, "2<1><a><>\n");
    KT_EQ(read_path(tf_text("in", "id,name\n1\n2,b\n")), KL_E_MORE);
    KT_STR((char *)seen.ptr, "2!fewer fields than the header has\n");
    sink_answer = KL_OK;
    reads("id,name\n1,a\n", "2<1><a><>\n");
    end();
}

int main(int argc, char **argv)
{
    return tf_main(argc, argv);
}
