/*
 * Workbooks of records. Byte 0: 0 xls, 1 xlsb (parts are the pieces between FF FE FD).
 * Targets: src/extract/xls.c, xls_cells.c, xls_text.c, xls_crypt.c, xlsb.c, biff.c, sst.c, grid.c.
 * Properties: the order of the events; seen = inspected + not inspected.
 */
#include <assert.h>

#include "../unit/sink_mem.h"
#include "../unit/zip_make.h"
#include "extract/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum kl_rc reader(struct kl_emit *e, const struct kl_input *in);

static void run(struct kl_span bytes, reader *read)
{
    struct sink_mem s = {.quiet = true};
    struct kl_sink sink = sink_mem_sink(&s);
    struct kl_input in = kl_input_mem(bytes);
    struct kl_emit *e = NULL;
    assert(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, bytes.len);
    assert(read(e, &in) == KL_OK && kl_emit_finish(e) == KL_OK);
    assert(s.done && !s.bad_order && s.seen == bytes.len);
    kl_emit_free(&e);
    sink_mem_done(&s);
}

static void run_xlsb(struct kl_span text)
{
    static const char *const names[] = {"xl/workbook.bin",  "xl/sharedStrings.bin",
                                        "xl/styles.bin",    "xl/worksheets/sheet1.bin",
                                        "xl/comments1.bin", "xl/_rels/workbook.bin.rels"};
    struct zm z = {.n = 0};
    zm_add(&z, "[Content_Types].xml", "<Types/>");
    for (size_t i = 0; i < sizeof names / sizeof names[0] && text.len > 0; i++) {
        size_t n = kl_span_find(text, 0, KL_SPAN_LIT("\xff\xfe\xfd"));
        zm_add_opts(&z, names[i], text.ptr, n, (struct zm_opts){.stored = true});
        text = kl_span_part(text, n + 3, text.len);
    }
    zm_end(&z, "");
    run(kl_span_make(z.out.ptr, z.out.len), kl_extract_zip);
    zm_done(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    uint8_t *exact = malloc(size - 1);
    assert(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    struct kl_span text = kl_span_make(exact, size - 1);
    if (data[0] % 2 == 0) {
        run(text, kl_extract_xls);
    } else {
        run_xlsb(text);
    }
    free(exact);
    return 0;
}
