#include "register/build.h"

#include "match/index.h"
#include "register/row_prints.h"
#include "table_files.h"

#include <errno.h>
#include <sys/stat.h>

static const char schema_text[] = "register: t\njurisdiction: al\ncolumns:\n"
                                  "  - {name: id, type: id, role: key}\n"
                                  "  - {name: given, type: person.given, role: identity}\n"
                                  "  - {name: family, type: person.family, role: identity}\n"
                                  "  - {name: birth, type: date, role: attribute}\n"
                                  "  - {name: vote, type: text, special: true}\n"
                                  "anchors: [[given, family, birth]]\n";
static const char good_rows[] = "id,given,family,birth,vote\n"
                                "AX1001,Arben,Hoxha,1905-03-07,a\n"
                                "AX1002,Besa,Dema,1906-02-28,b\n";

static struct kl_err err;
static struct kl_build_report report;
static struct kl_build_opts opts;
static const char *inputs[2];

static void begin(void)
{
    tf_begin();
    KT_EQ(kl_key_generate(tf_path("key"), NULL), KL_OK);
    inputs[0] = tf_path("in");
    inputs[1] = NULL;
    opts = (struct kl_build_opts){.inputs = inputs, .n_inputs = 1};
    opts.key_path = strdup(tf_path("key"));
    opts.schema_path = strdup(tf_text("schema", schema_text));
    opts.out_path = strdup(tf_path("out"));
    inputs[0] = strdup(tf_text("in", good_rows));
}

static void end(void)
{
    free((void *)(uintptr_t)opts.key_path);
    free((void *)(uintptr_t)opts.schema_path);
    free((void *)(uintptr_t)opts.out_path);
    free((void *)(uintptr_t)inputs[0]);
    tf_end();
}

static enum kl_rc build(void)
{
    err = (struct kl_err){.rc = KL_OK};
    report = (struct kl_build_report){.n_rows_read = 99};
    return kl_build(&opts, &report, &err);
}

/* The build fails so, and leaves the folder as it was. */
static void fails(enum kl_rc rc, const char *phrase)
{
    unsigned before = tf_names(false);

    KT_EQ(build(), rc);
    KT_EQ(err.rc, rc);
    if (strstr(err.what, phrase) == NULL) {
        KT_STR(err.what, phrase);
    }
    KT_EQ(report.n_rows_read, 99); /* written only on KL_OK */
    KT_EQ(tf_names(false), before);
    KT_OK(access(opts.out_path, F_OK) != 0);
}

KT_TEST(a_build_tells_what_it_read_and_what_it_made)
{
    struct stat st;
    struct kl_build_report info;

    begin();
    KT_EQ(build(), KL_OK);
    KT_STR(report.name, "t");
    KT_EQ(report.n_rows_read, 2);
    KT_EQ(report.n_rows_indexed, 2);
    KT_EQ(report.n_rows_rejected, 0);
    KT_EQ(report.n_in_bytes, sizeof good_rows - 1);
    KT_EQ(stat(opts.out_path, &st), 0);
    KT_EQ(report.n_bytes, st.st_size);
    KT_EQ(st.st_mode & 0777, 0644);
    KT_EQ(report.n_columns, 5);
    KT_EQ(report.columns[0].n_cells, 2);
    KT_STR(report.columns[0].role, "key");
    KT_STR(report.columns[3].type, "date");
    KT_STR(report.columns[4].role, "special");
    KT_EQ(report.columns[4].n_cells, 0);
    KT_EQ(kl_build_info(opts.out_path, &info, &err), KL_OK); /* the file says the same */
    KT_STR(info.index_id, report.index_id);
    KT_STR(info.key_id, report.key_id);
    KT_EQ(info.n_bytes, report.n_bytes);
    KT_EQ(info.n_rows_indexed, 2);
    KT_EQ(info.n_columns, 5);
    KT_MEM(info.columns, report.columns, 5 * sizeof *info.columns);
    kl_build_report_done(&info);
    kl_build_report_done(&report);
    end();
}

KT_TEST(each_failure_has_its_code_and_leaves_nothing)
{
    begin();
    struct kl_build_opts good = opts;
    opts.key_path = tf_path("nokey");
    fails(KL_E_IO, "");
    KT_EQ(err.sys_errno, ENOENT);
    opts.key_path = opts.schema_path; /* no key in it */
    KT_EQ(chmod(opts.key_path, 0600), 0);
    fails(KL_E_KEY, "");
    opts = good;
    opts.schema_path = tf_path("noschema");
    fails(KL_E_IO, "");
    opts.schema_path = tf_text("bad", "register: t\njurisdiction: al\ncolour: red\n");
    fails(KL_E_FORMAT, "");
    KT_EQ(err.at_line, 3);
    opts = good;
    end();

    begin();
    (void)tf_text("in", "");
    fails(KL_E_FORMAT, "no table");
    (void)tf_text("in", "id,given,family\n1,2,3\n");
    fails(KL_E_FORMAT, "lacks column birth");
    (void)tf_text("in", "id,given,family,birth,given\n");
    fails(KL_E_FORMAT, "column given twice");
    (void)tf_text("in", "id,given,family,birth\n");
    fails(KL_E_FORMAT, "no row could be used");
    (void)tf_text("in", "id,given,family,birth\n,Arben,,\n,,,1905-01-01\n");
    fails(KL_E_FORMAT, "no row could be used");
    KT_EQ(unlink(inputs[0]), 0);
    fails(KL_E_IO, "cannot open the input file");
    end();
}

KT_TEST(an_output_that_cannot_be_written_fails)
{
    begin();
    free((void *)(uintptr_t)opts.out_path);
    opts.out_path = strdup("/nowhere/out");
    fails(KL_E_IO, "the folder of the output cannot be opened");
    free((void *)(uintptr_t)opts.out_path);
    opts.out_path = strdup("/dev/full");
    KT_EQ(build(), KL_E_FORMAT);
    KT_OK(strstr(err.what, "not a regular file") != NULL);
    end();
}

static bool stop_at_once(void *user, uint64_t n_rows, uint64_t done, uint64_t total)
{
    *(uint64_t *)user = total;
    return n_rows >= 2 && done > 0;
}

KT_TEST(progress_can_stop_the_build)
{
    uint64_t total = 0;

    begin();
    opts.progress = stop_at_once;
    opts.user = &total;
    fails(KL_E_MORE, "stopped");
    KT_EQ(total, sizeof good_rows - 1);
    end();
}

KT_TEST(an_old_index_stays_until_the_new_one_is_whole)
{
    begin();
    (void)tf_text("out", "old");
    (void)tf_text("in", "id,given,family,birth\n");
    KT_EQ(build(), KL_E_FORMAT);
    char *old = tf_read(opts.out_path, NULL);
    KT_STR(old, "old");
    free(old);
    (void)tf_text("in", good_rows);
    KT_EQ(build(), KL_OK);
    kl_build_report_done(&report);
    KT_EQ(kl_build_info(opts.out_path, &report, NULL), KL_OK);
    kl_build_report_done(&report);
    end();
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; text != NULL && *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

KT_TEST(rejected_rows_are_counted_shown_and_all_in_the_file)
{
    char text[4096] = "id,given,family,birth\n";
    size_t n = strlen(text);

    begin();
    char *rejects = strdup(tf_path("rejects"));
    opts.rejects_path = rejects;
    for (unsigned i = 0; i < 25; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                              i % 2 == 0 ? "secret\n" : ",secret,,\n");
    }
    (void)snprintf(text + n, sizeof text - n, "AX1001,Arben,Hoxha,secret\nAX1002,,,\n");
    (void)tf_text("in", text);
    inputs[1] = strdup(tf_text("in2", "id,given,family,birth\nAX1003,,,\nAX1004,,,,\n"));
    opts.n_inputs = 2;
    KT_EQ(build(), KL_OK);
    KT_EQ(report.n_rows_read, 29);
    KT_EQ(report.n_rows_rejected, 26);
    KT_EQ(report.n_rows_indexed, 3);
    KT_EQ(report.n_rejects, KL_BUILD_REJECTS_SHOWN);
    KT_EQ(report.rejects[0].line, 2);
    KT_STR(report.rejects[0].reason, "fewer fields than the header has");
    KT_EQ(report.rejects[19].line, 21);
    KT_STR(report.rejects[19].reason, "no key and no complete anchor: nothing to find the row by");
    kl_build_report_done(&report);
    char *all = tf_read(rejects, NULL);
    KT_EQ(count_lines(all), 27);
    KT_OK(strstr(all, "in:26: fewer fields than the header has\n") != NULL);
    KT_OK(strstr(all, "in:27: column birth: not a value of the column's type;") != NULL);
    KT_OK(strstr(all, "in2:3: more fields than the header has\n") != NULL);
    KT_OK(strstr(all, "secret") == NULL);
    free(all);
    free((void *)(uintptr_t)inputs[1]);
    free(rejects);
    end();
}

KT_TEST(a_reject_knows_its_file)
{
    begin();
    inputs[1] = strdup(tf_text("in2", "id,given,family,birth\nAX1003,,,\nAX1004\n"));
    opts.n_inputs = 2;
    KT_EQ(build(), KL_OK);
    KT_EQ(report.n_rejects, 1);
    KT_EQ(report.rejects[0].input, 1);
    KT_EQ(report.rejects[0].line, 3);
    kl_build_report_done(&report);
    free((void *)(uintptr_t)inputs[1]);
    end();
}

KT_TEST(a_rejects_file_that_cannot_be_written_stops_the_build)
{
    begin();
    opts.rejects_path = "/nowhere/rejects";
    fails(KL_E_IO, "cannot make the rejects file");
    opts.rejects_path = "/dev/full";
    (void)tf_text("in", "id,given,family,birth\nAX1001\nAX1002,,,\n");
    fails(KL_E_IO, "cannot write the rejects file");
    end();
}

/* Everything behind the header; it holds time, id and signature. */
static char *body_of(size_t *out_n)
{
    size_t n = 0;
    uint32_t head = 0;

    KT_EQ(build(), KL_OK);
    kl_build_report_done(&report);
    char *all = tf_read(opts.out_path, &n);
    memcpy(&head, all + 12, sizeof head);
    KT_OK(head < n);
    memmove(all, all + head, n - head);
    *out_n = n - head;
    return all;
}

KT_TEST(the_same_rows_in_another_form_make_the_same_index)
{
    static const char *const same[] = {
        "vote\tbirth\tid\tfamily\tgiven\n\t07.03.1905\tAX1001\tHOXHA\tarben\n"
        "x\t28/02/1906\tax1002\t dema\tBesa\n",
        "id;given;family;birth\r\n\"AX1001\";\"Arben\";Hoxha;1905-03-07\r\n\r\n"
        "AX1002;Besa;Dema;\"1906-02-28\"",
    };
    size_t n = 0;
    size_t m = 0;

    begin();
    char *want = body_of(&n);
    for (size_t i = 0; i <= sizeof same / sizeof same[0]; i++) {
        if (i < sizeof same / sizeof same[0]) {
            (void)tf_text("in", same[i]);
        } else {
            (void)tf_workbook("in", "birth|given|family|id\n1905-03-07|Arben|Hoxha|AX1001\n"
                                    "1906-02-28|Besa|Dema|AX1002\n");
        }
        char *got = body_of(&m);
        KT_EQ(m, n);
        KT_OK(m == n && memcmp(got, want, n) == 0);
        free(got);
    }
    free(want);
    end();
}

/* The fingerprint of a cell, computed alone. */
static struct kl_tag tag_of(const struct kl_prf *prf, enum kl_type t, const char *cell)
{
    struct kl_norm nm;

    (void)kl_norm_cell(t, kl_span_str(cell), &nm);
    return kl_prf_text(prf, kl_span_make(nm.bytes, nm.n), (uint8_t)kl_type_domain(t));
}

/* Names repeat within batches and between them, some are empty, wrong or long: see row_prints.c. */
static void make_row(unsigned i, char cell[4][80])
{
    static const char *const odd[] = {"", "1905-02-30", "not a date", "1905-02-29"};

    (void)snprintf(cell[0], 80, "AX%06u", i);
    (void)snprintf(cell[1], 80, "Emër%u", i % 37);
    cell[1][0] = i % 11 == 0 ? '\0' : cell[1][0];
    (void)snprintf(cell[2], 80,
                   i % 13 == 0 ? "a family name of more than %u bytes %u" : "Fam %u %u", 31 + i % 3,
                   i * 7 % 1009);
    (void)snprintf(cell[3], 80, "%s%s", i % 17 == 0 ? odd[i / 17 % 4] : "1903-04-",
                   i % 17 == 0  ? ""
                   : i % 2 == 0 ? "05"
                                : "30");
}

KT_TEST(every_cell_of_many_rows_is_what_it_is_alone)
{
    enum { ROWS = 20000 };
    static const enum kl_type types[] = {KL_TYPE_CODE, KL_TYPE_GIVEN, KL_TYPE_FAMILY, KL_TYPE_DATE};
    struct kl_key *key = NULL;
    struct kl_index *ix = NULL;
    struct kl_prf prf;
    unsigned bad = 0;
    unsigned missing = 0;
    char cell[4][80];

    begin();
    FILE *f = fopen(inputs[0], "w");
    KT_OK(f != NULL);
    (void)fputs("id,given,family,birth\n", f);
    for (unsigned i = 0; i < ROWS; i++) {
        make_row(i, cell);
        (void)fprintf(f, "%s,%s,%s,%s\n", cell[0], cell[1], cell[2], cell[3]);
        if (i % 5 == 0) { /* rejected ones between them: their words and cells must not count */
            (void)fprintf(f, ",Reject%u,,\n", i);
        }
    }
    KT_EQ(fclose(f), 0);
    KT_EQ(build(), KL_OK);
    KT_EQ(report.n_rows_indexed, ROWS);
    KT_EQ(report.n_rows_rejected, ROWS / 5);
    kl_build_report_done(&report);
    KT_EQ(kl_key_read(opts.key_path, &key, NULL), KL_OK);
    KT_EQ(kl_index_open(opts.out_path, key, &ix, NULL), KL_OK);
    kl_key_prf(key, "t", &prf);
    for (uint32_t i = 0; ix != NULL && i < ROWS; i++) {
        make_row(i, cell);
        for (uint32_t s = 0; s < 4; s++) {
            struct kl_tag block = kl_index_cell_block(tag_of(&prf, types[s], cell[s]), i, s);
            kl_prf_tweak(&prf, &block, 1);
            bad += kl_index_cell(ix, i, s) != (uint16_t)block.lo;
        }
        struct kl_index_try try = {tag_of(&prf, KL_TYPE_CODE, cell[0]), &ix->anchors[0], 0, {0}};
        kl_index_probe(ix, &try, 1);
        bool found = false;
        for (uint32_t k = 0; k < try.n; k++) {
            found |= try.row[k] == i;
        }
        missing += !found;
        bad += cell[1][0] != '\0' && !kl_index_has_word(ix, tag_of(&prf, KL_TYPE_GIVEN, cell[1]));
    }
    KT_EQ(bad, 0);
    KT_EQ(missing, ix != NULL ? ix->anchors[0].n_dropped : 0); /* ADR 0004: a few, and counted */
    KT_OK(ix != NULL && ix->columns[1].n_filled == ROWS - (ROWS + 10) / 11);
    KT_EQ(ix->columns[3].n_unusable, 882);
    kl_index_free(&ix);
    kl_key_free(&key);
    end();
}

int main(int argc, char **argv)
{
    return tf_main(argc, argv);
}
