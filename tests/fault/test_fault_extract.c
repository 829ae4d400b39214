/* Memory runs out while a document is taken apart: text of every kind, zip, workbook. */
#include "fault_each.h"

#include "../unit/sink_mem.h"
#include "../unit/zip_make.h"
#include "extract/extract.h"

#include <sys/mman.h>
#include <unistd.h>

/* The sink's memory is the test's own. */
static uint8_t *quiet_block(void *ctx)
{
    fault_pause();
    uint8_t *p = sink_mem_block(ctx);
    fault_resume();
    return p;
}

static enum kl_rc quiet_event(void *ctx, const struct kl_event *ev)
{
    fault_pause();
    enum kl_rc rc = sink_mem_event(ctx, ev);
    fault_resume();
    return rc;
}

struct document {
    struct kl_span bytes;
    const char *must_have; /* somewhere in the log when all went well */
    bool by_fd;
};

static enum kl_rc extract(void *ctx)
{
    const struct document *d = ctx;
    struct sink_mem log = {0};
    struct kl_sink sink = {&log, quiet_block, quiet_event};
    struct kl_emit *e = NULL;
    struct kl_input in = kl_input_mem(d->bytes);
    int fd = -1;

    if (d->by_fd) {
        fd = memfd_create("document", 0);
        KT_OK(write(fd, d->bytes.ptr, d->bytes.len) == (ssize_t)d->bytes.len);
        in = kl_input_fd(fd, d->bytes.len);
    }
    enum kl_rc rc = kl_emit_new(&sink, &e);
    if (rc == KL_OK) {
        rc = kl_extract_document(e, &in);
    }
    kl_emit_free(&e);
    fault_pause();
    if (rc == KL_OK) {
        KT_OK(log.done && !log.bad_order && log.seen == d->bytes.len);
        KT_OK(memmem(log.log, log.log_len, d->must_have, strlen(d->must_have)) != NULL);
    }
    KT_OK(!log.done || rc == KL_OK); /* what failed does not claim to be complete */
    sink_mem_done(&log);
    fault_resume();
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

static void each_way(const char *name, struct kl_span bytes, const char *must_have)
{
    struct document d = {bytes, must_have, false};
    fault_each(name, extract, &d);
    d.by_fd = true;
    fault_each(name, extract, &d);
}

KT_TEST(text_is_read_or_memory_is_said_to_be_out)
{
    each_way("text", KL_SPAN_LIT("nid;given\nA10101001A;Besnik\n"), "Besnik");
    each_way("single-byte text", KL_SPAN_LIT("nid;given\nA10101001A;Gjyl\xeb\n"), "Gjyl\xc3\xab");
    each_way("escapes", KL_SPAN_LIT("{\"k\": \"A10101001A \\u00eb\"}\n"), "A10101001A");
    each_way(
        "base64",
        KL_SPAN_LIT("To: x\n\n"
                    "QTEwMTAxMDAwQTtCZXNuaWs7SG94aGE7VGlyYW5hOzA2OTEyMzQ1MDAKQTEwMTAxMDAxQTtCZXNu\n"
                    "aWs7SG94aGE7VGlyYW5hOzA2OTEyMzQ1MDEKQTEwMTAxMDAyQTtCZXNuaWs7SG94aGE7VGlyYW5h\n"
                    "OzA2OTEyMzQ1MDIKQTEwMTAxMDAzQTtCZXNuaWs7SG94aGE7VGlyYW5hOzA2OTEyMzQ1MDMKQTEw\n"
                    "MTAxMDA0QTtCZXNuaWs7SG94aGE7VGlyYW5hOzA2OTEyMzQ1MDQKQTEwMTAxMDA1QTtCZXNuaWs7\n"
                    "SG94aGE7VGlyYW5hOzA2OTEyMzQ1MDUKQTEwMTAxMDA2QTtCZXNuaWs7SG94aGE7VGlyYW5hOzA2\n"
                    "OTEyMzQ1MDYKQTEwMTAxMDA3QTtCZXNuaWs7SG94aGE7VGlyYW5hOzA2OTEyMzQ1MDcK\n"),
        "A10101001A;Besnik");
    each_way("binary", KL_SPAN_LIT("\x00\x01\x02 A10101001A Besnik\x00\xff\xfe\x80\x81\x00\x00"),
             "A10101001A");
}

KT_TEST(wide_text_is_read_or_memory_is_said_to_be_out)
{
    static const char wide[] = "\xff\xfe"
                               "A\0001\0000\0001\000\n\000";
    each_way("utf-16", kl_span_make(wide, sizeof wide - 1), "A101");
}

static void add_members(struct zm *z)
{
    static char bulk[200000];
    memset(bulk, 'x', sizeof bulk);
    memcpy(bulk + sizeof bulk - 12, "\nthe far end", 12);
    zm_add(z, "a.txt", "alpha alpha alpha");
    zm_add_opts(z, "b.txt", "beta", 4, (struct zm_opts){.stored = true});
    zm_add_opts(z, "c.txt", "gamma gamma", 11, (struct zm_opts){.descriptor = true});
    zm_add_opts(z, "lie.txt", "delta", 5, (struct zm_opts){.lie_plain = 1000});
    zm_add_opts(z, "locked", "secret", 6, (struct zm_opts){.encrypted = true});
    zm_add_opts(z, "far.txt", bulk, sizeof bulk, (struct zm_opts){0});
}

KT_TEST(a_zip_is_read_or_memory_is_said_to_be_out)
{
    struct zm inner = {0};
    struct zm z = {0};
    add_members(&inner);
    zm_end(&inner, "");
    add_members(&z);
    zm_add_opts(&z, "in.zip", inner.out.ptr, inner.out.len, (struct zm_opts){0});
    zm_end(&z, "the comment");
    each_way("zip", kl_span_make(z.out.ptr, z.out.len), "B text /in.zip/far.txt");
    zm_done(&inner);
    zm_done(&z);
}

KT_TEST(a_zip_without_a_directory_too)
{
    struct zm z = {.no_end = true};
    add_members(&z);
    zm_end(&z, "");
    each_way("zip without a directory", kl_span_make(z.out.ptr, z.out.len), "gamma gamma");
    zm_done(&z);
}

#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

static void add_workbook(struct zm *z)
{
    zm_add(z, "[Content_Types].xml", "<Types/>");
    zm_add(z, "_rels/.rels",
           "<Relationships><Relationship Id=\"a\" Type=\"" OFFICE
           "officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
    zm_add(z, "xl/workbook.xml",
           "<workbook><sheets><sheet name=\"One\" state=\"hidden\" r:id=\"r1\"/></sheets>"
           "</workbook>");
    zm_add(z, "xl/_rels/workbook.xml.rels",
           "<Relationships><Relationship Id=\"r1\" Type=\"" OFFICE
           "worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"" OFFICE
           "sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>");
    zm_add(z, "xl/sharedStrings.xml",
           "<sst><si><t>Besnik</t></si><si><t>never named</t></si></sst>");
    zm_add(z, "xl/styles.xml",
           "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>");
    zm_add(z, "xl/worksheets/sheet1.xml",
           "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c>"
           "<c r=\"B1\" s=\"1\"><v>33000</v></c><c r=\"C1\" t=\"str\"><f>\"side\"</f><v>x</v></c>"
           "</row></sheetData></worksheet>");
    zm_add(z, "docProps/core.xml", "<coreProperties><creator>Besa</creator></coreProperties>");
}

KT_TEST(a_workbook_is_read_or_memory_is_said_to_be_out)
{
    struct zm z = {0};
    add_workbook(&z);
    zm_end(&z, "");
    each_way("workbook", kl_span_make(z.out.ptr, z.out.len), "Besnik\t1990-05-07\tx\n");
    zm_done(&z);
}

/* Databases that the fuzzers begin with; the tests run from the source root. */
KT_TEST(databases_are_read_or_memory_is_said_to_be_out)
{
    static const struct {
        const char *file;
        const char *must_have;
    } cases[] = {
        {"jet/jet3", "T00202186H"},      {"jet/jet4", "B text /value-1"},
        {"jet/jet4-encoded", "paga"},    {"jet/ace-encrypted", "encrypted"},
        {"sqlite/utf8", "B table /w\n"}, {"sqlite_log/wal", "B table /pages\n"},
        {"dbf/iii", "B table /deleted"}, {"pgdump/deflated", "B text /public.paga\nT00202186H"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[128];
        static uint8_t bytes[65536];
        (void)snprintf(path, sizeof path, "tests/fuzz/corpus/%s", cases[i].file);
        FILE *f = fopen(path, "rb");
        KT_OK(f != NULL);
        size_t n = f != NULL ? fread(bytes, 1, sizeof bytes, f) : 0;
        if (f != NULL) {
            (void)fclose(f);
        }
        KT_OK(n > 0 && n < sizeof bytes);
        each_way(cases[i].file, kl_span_make(bytes, n), cases[i].must_have);
    }
}

/* What a library allocates is refused too. */
KT_TEST(containers_without_memory)
{
    static const char *const names[] = {
        "x.7z",      "x.gnutar", "x5.rar",    "x4.rar",    "x.cab", "x.lzh",   "x.odc",  "x.csv.gz",
        "x.csv.bz2", "x.csv.xz", "x.csv.zst", "x.csv.lz4", "x.br",  "x.csv.Z", "xs.gpg", "sfx.bin"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        uint8_t bytes[8192];
        (void)snprintf(path, sizeof path, "tests/fuzz/corpus/containers/%s", names[i]);
        FILE *f = fopen(path, "rb");
        KT_OK(f != NULL);
        size_t n = f != NULL ? fread(bytes, 1, sizeof bytes, f) : 0;
        if (f != NULL) {
            (void)fclose(f);
        }
        each_way(names[i], kl_span_make(bytes, n), "Agim Prove");
    }
}

KT_MAIN()
