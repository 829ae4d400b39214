#include "kt.h"

#include "cfb_make.h"
#include "doc_run.h"
#include "zip_make.h"

static void run_cm(struct sink_mem *s, struct cm *c)
{
    cm_end(c);
    doc_run(s, c->out, c->out_len);
}

/* ASCII as UTF-16LE; the length in bytes. */
static size_t wide(uint8_t *out, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = (uint8_t)text[i];
        out[2 * i + 1] = 0;
    }
    return 2 * n;
}

static void add_wide(struct cm *c, int parent, const char *name, const char *text)
{
    uint8_t buf[4096];
    size_t n = wide(buf, text);
    cm_add(c, parent, name, buf, n);
}

KT_TEST(streams_that_no_reader_knows_are_members)
{
    struct cm c = {0};
    struct sink_mem s;
    int store = cm_add(&c, 0, "Store", NULL, 0);
    cm_add(&c, 0, "Notes", "A12345678K Agim", 15);
    cm_add(&c, store, "Deep", "A11111111K Besa", 15);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "B text /Notes\nA12345678K AgimE\n"));
    KT_OK(doc_has(&s, "B text /Store/Deep\nA11111111K BesaE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    cm_done(&c);
}

KT_TEST(free_sectors_and_slack_are_read)
{
    struct cm c = {0};
    struct sink_mem s;
    char big[4500];
    memset(big, '.', sizeof big);
    memcpy(big, "A12345678K Agim", 15);
    cm_add(&c, 0, "Gone", big, sizeof big);
    memcpy(big, "A11111111K Besa", 15);
    cm_add(&c, 0, "Kept", big, sizeof big);
    cm_end(&c);
    cm_entry_at(&c, 1)[66] = 0;
    memcpy(c.out + 512 * (c.e[2].start + 9) + 450, "A22222222K Cela", 15);
    doc_run(&s, c.out, c.out_len);
    KT_OK(doc_has(&s, "B text /Kept\nA11111111K Besa"));
    KT_OK(doc_has(&s, "B text /free/8bit\n") && doc_has(&s, "A12345678K Agim"));
    KT_OK(doc_has(&s, "B text /slack/8bit\nA22222222K CelaE\n"));
    sink_mem_done(&s);
    cm_done(&c);
}

/* A zip of 8 KiB with one member. */
static struct zm a_zip(void)
{
    static char text[8192];
    struct zm z = {0};
    memset(text, '.', sizeof text);
    memcpy(text + sizeof text - 16, "\nA12345678K;Agim", 16);
    zm_add_opts(&z, "drs/shape.txt", text, sizeof text, (struct zm_opts){.stored = true});
    zm_end(&z, "");
    return z;
}

KT_TEST(an_archive_in_a_stream_in_pieces_has_no_holes)
{
    struct zm z = a_zip();
    for (int backwards = 0; backwards < 2; backwards++) {
        struct cm c = {.backwards = backwards != 0};
        struct sink_mem s;
        struct zm_bytes book = {0};
        zm_put(&book, "\x09\x08\x08\0\0\6\x10\0\0\0\0\0", 12);
        zm_put(&book, z.out.ptr, z.out.len);
        cm_add(&c, 0, "Workbook", book.ptr, book.len);
        run_cm(&s, &c);
        KT_OK(doc_has(&s, "A /Workbook archive.appended\n"));
        KT_OK(doc_has(&s, "B text /Workbook/(archive at 12)/drs/shape.txt\n"));
        KT_OK(doc_has(&s, "\nA12345678K;AgimE\n"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        cm_done(&c);
        free(book.ptr);
    }
    zm_done(&z);
}

KT_TEST(an_archive_behind_a_compound_file_is_read)
{
    struct zm z = a_zip();
    struct cm c = {0};
    struct sink_mem s;
    struct zm_bytes all = {0};
    cm_add(&c, 0, "Workbook", "\x09\x08\x08\0\0\6\x10\0\0\0\0\0", 12);
    cm_end(&c);
    zm_put(&all, c.out, c.out_len);
    zm_put(&all, z.out.ptr, z.out.len);
    doc_run(&s, all.ptr, all.len);
    KT_OK(doc_has(&s, "\nA12345678K;AgimE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    cm_done(&c);
    free(all.ptr);
    zm_done(&z);
}

KT_TEST(encrypted_packages_and_workbooks_are_said)
{
    struct cm c = {0};
    struct sink_mem s;
    char junk[5000];
    memset(junk, 'x', sizeof junk);
    cm_add(&c, 0, "EncryptedPackage", junk, sizeof junk);
    cm_add(&c, 0, "EncryptionInfo", "info", 4);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "N  encrypted 5000\n"));
    KT_EQ(s.not_inspected, 5000);
    KT_OK(strstr(s.log, "xxxx") == NULL);
    sink_mem_done(&s);
    cm_done(&c);
    struct cm w = {0};
    memcpy(junk, "\x09\x08\x04\x00\x00\x06\x05\x00\x2f\x00\x02\x00\x00\x00", 14);
    cm_add(&w, 0, "Workbook", junk, sizeof junk);
    run_cm(&s, &w);
    KT_OK(doc_has(&s, "N /Workbook encrypted 4986\n"));
    sink_mem_done(&s);
    cm_done(&w);
}

KT_TEST(what_is_no_compound_file_inside_is_read_as_bytes)
{
    struct sink_mem s;
    char file[600] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    memcpy(file + 100, "A12345678K Agim", 15);
    doc_run(&s, file, sizeof file);
    KT_OK(doc_has(&s, "ole2.damaged") && doc_has(&s, "A12345678K Agim"));
    sink_mem_done(&s);
}

/* ---- messages ---- */

/* Stored, not packed: the head of [MS-OXRTFCP] and the bytes. */
static size_t rtf_stored(uint8_t *out, const char *rtf)
{
    size_t n = strlen(rtf);
    cm_le(out, n + 12, 4);
    cm_le(out + 4, n, 4);
    memcpy(out + 8, "MELA\0\0\0\0", 8);
    memcpy(out + 16, rtf, n);
    return n + 16;
}

static void message_into(struct cm *c, int at, unsigned more)
{
    uint8_t buf[4096] = {0};
    cm_add(c, at, "__properties_version1.0", buf, 32);
    add_wide(c, at, "__substg1.0_0037001F", "lista e pagave");
    add_wide(c, at, "__substg1.0_1000001F", "A12345678K Agim");
    cm_add(c, at, "__substg1.0_0C1F001E", "x@example.invalid", 17);
    cm_add(c, at, "__substg1.0_10130102", "<html><b>A11</b>111111K", 23);
    size_t n = rtf_stored(buf, "{\\rtf1 A22222222K}");
    cm_add(c, at, "__substg1.0_10090102", buf, n);
    int r = cm_add(c, at, "__recip_version1.0_#00000000", NULL, 0);
    add_wide(c, r, "__substg1.0_3001001F", "Besa Prova");
    int a = cm_add(c, at, "__attach_version1.0_#00000000", NULL, 0);
    add_wide(c, a, "__substg1.0_3704001F", "PAGA~1.CSV");
    add_wide(c, a, "__substg1.0_3707001F", "paga e re.csv");
    cm_add(c, a, "__substg1.0_37010102", "A33333333K;Cela", 15);
    if (more > 0) {
        int b = cm_add(c, at, "__attach_version1.0_#00000001", NULL, 0);
        int m = cm_add(c, b, "__substg1.0_3701000D", NULL, 0);
        message_into(c, m, more - 1);
    }
}

KT_TEST(a_message_its_recipients_and_attachments_are_read)
{
    struct cm c = {0};
    struct sink_mem s;
    message_into(&c, 0, 1);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "Subject: lista e pagave\n") && doc_has(&s, "From: x@example.invalid\n"));
    KT_OK(doc_has(&s, "Name: Besa Prova\n"));
    KT_OK(doc_has(&s, "B text /body\nA12345678K AgimE\n"));
    KT_OK(doc_has(&s, "A11111111K"));
    KT_OK(doc_has(&s, "/rtf") && doc_has(&s, "A22222222K"));
    KT_OK(doc_has(&s, "B text /1/paga e re.csv\nA33333333K;CelaE\n"));
    KT_OK(doc_has(&s, "B text /2/body\nA12345678K AgimE\n"));
    KT_OK(doc_has(&s, "B text /2/1/paga e re.csv\nA33333333K;CelaE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    cm_done(&c);
}

/* [MS-OXRTFCP] 4.1.1: the example of the specification. */
static const uint8_t packed[] = {0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00,
                                 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a,
                                 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77,
                                 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0};

KT_TEST(packed_rtf_is_unpacked_and_each_truncation_too)
{
    for (size_t len = 0; len <= sizeof packed; len++) {
        struct cm c = {0};
        struct sink_mem s;
        uint8_t zeros[32] = {0};
        cm_add(&c, 0, "__properties_version1.0", zeros, 32);
        cm_add(&c, 0, "__substg1.0_10090102", packed, len);
        run_cm(&s, &c);
        if (len == sizeof packed) {
            KT_OK(doc_has(&s, "hello world"));
            KT_OK(strstr(s.log, "lzfu.") == NULL);
        }
        KT_OK(s.not_inspected <= len + 64);
        sink_mem_done(&s);
        cm_done(&c);
    }
}

KT_TEST(eight_bit_strings_are_in_the_set_that_the_message_says)
{
    struct cm c = {0};
    struct sink_mem s;
    uint8_t props[48] = {0};
    cm_le(props + 32, 3, 2);
    cm_le(props + 34, 0x3FFD, 2);
    cm_le(props + 40, 1251, 4);
    cm_add(&c, 0, "__properties_version1.0", props, 48);
    cm_add(&c, 0, "__substg1.0_1000001E", "\xC0\xE3\xE8\xEC 1", 6);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "B text /body\nAgim 1E\n"));
    sink_mem_done(&s);
    cm_done(&c);
}

/* ---- Word and PowerPoint ---- */

/* A document of two pieces, 8-bit and UTF-16. */
static void doc_streams(uint8_t *main, uint8_t *table, const char *narrow, const char *broad)
{
    size_t n = strlen(narrow);
    size_t m = strlen(broad);
    memset(main, 0, 5000);
    memset(table, 0, 4096);
    main[0] = 0xEC;
    main[1] = 0xA5;
    main[11] = 2; /* 1Table */
    cm_le(main + 0x1A2, 10, 4);
    memcpy(main + 1024, narrow, n);
    wide(main + 2048, broad);
    uint8_t *t = table + 10;
    memcpy(t, "\1\3\0abc", 6); /* a property run in front */
    t[6] = 2;
    cm_le(t + 7, 28, 4);
    cm_le(t + 15, n, 4);
    cm_le(t + 19, n + m, 4);
    cm_le(t + 25, 0x40000000u | 2048, 4);
    cm_le(t + 33, 2048, 4);
    cm_le(main + 0x1A6, 11 + 28, 4);
}

KT_TEST(the_text_of_a_word_document_is_put_together_rows_as_lines)
{
    struct cm c = {0};
    struct sink_mem s;
    uint8_t main[5000];
    uint8_t table[4096];
    doc_streams(main, table, "Lista\rnid\7emri\7\7A12345678K\7Agim\rHoxha\7\7",
                "A11111111K\7\7\7A22222222K\7Be\xE7\7\7fund\r");
    cm_add(&c, 0, "WordDocument", main, sizeof main);
    cm_add(&c, 0, "1Table", table, sizeof table);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "B text /text\nLista\nnid\temri\t\nA12345678K\tAgim Hoxha\t\n"
                      "A11111111K\t\t\nA22222222K\tBeç\t\nfund\nE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    cm_done(&c);
}

KT_TEST(pieces_that_overlap_make_no_more_text_than_there_is)
{
    struct cm c = {0};
    struct sink_mem s;
    uint8_t main[5000];
    uint8_t table[4096];
    doc_streams(main, table, "A12345678K", "x");
    uint8_t *t = table + 10;
    cm_le(t + 15, 4000, 4); /* the first piece: 4000 bytes; the second: far more */
    cm_le(t + 19, 0x7fffffff, 4);
    cm_add(&c, 0, "WordDocument", main, sizeof main);
    cm_add(&c, 0, "1Table", table, sizeof table);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "A12345678K"));
    KT_OK(doc_has(&s, "A /text doc.pieces\n"));
    KT_OK(s.text_bytes < 20000);
    sink_mem_done(&s);
    cm_done(&c);
}

KT_TEST(an_encrypted_word_document_is_said)
{
    struct cm c = {0};
    struct sink_mem s;
    uint8_t main[5000];
    uint8_t table[4096];
    doc_streams(main, table, "x", "y");
    main[11] |= 1;
    cm_add(&c, 0, "WordDocument", main, sizeof main);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "N  encrypted 5000\n"));
    sink_mem_done(&s);
    cm_done(&c);
}

KT_TEST(the_text_of_slides_is_read)
{
    struct cm c = {0};
    struct sink_mem s;
    uint8_t b[5000] = {0};
    size_t at = 0;
    cm_le(b, 15, 2); /* a container */
    cm_le(b + 2, 1000, 2);
    cm_le(b + 4, 500, 4);
    at = 8;
    cm_le(b + at + 2, 0x0FA8, 2);
    cm_le(b + at + 4, 15, 4);
    memcpy(b + at + 8, "A12345678K\rAgim", 15);
    at += 23;
    cm_le(b + at + 2, 0x0FA0, 2);
    cm_le(b + at + 4, 20, 4);
    wide(b + at + 8, "A11111111K");
    cm_add(&c, 0, "PowerPoint Document", b, sizeof b);
    run_cm(&s, &c);
    KT_OK(doc_has(&s, "B text /text\nA12345678K\nAgim\nA11111111K\nE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    cm_done(&c);
}

KT_TEST(every_truncation_of_a_message_is_accounted_for)
{
    struct cm c = {0};
    message_into(&c, 0, 1);
    cm_end(&c);
    for (size_t len = 0; len <= c.out_len; len += 113) {
        struct sink_mem s;
        doc_run(&s, c.out, len);
        sink_mem_done(&s);
    }
    cm_done(&c);
}

KT_MAIN()
