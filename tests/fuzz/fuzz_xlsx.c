/*
 * A recipe of a workbook (zip_recipe.h), or a workbook itself. A recipe that begins with '#'
 * gets the parts that every workbook has.
 * Targets: xlsx*.c, xml*.c.
 * Properties: as of fuzz_zip; the fast reader of cells says what the general one says.
 */
#include "extract/extract.h"
#include "extract/zip.h"
#include "zip_recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

static const char skeleton[] =
    "@s [Content_Types].xml\n<Types/>\n"
    "@s _rels/.rels\n<Relationships><Relationship Id=\"a\" Type=\"" OFFICE "officeDocument\" "
    "Target=\"xl/workbook.xml\"/></Relationships>\n"
    "@s xl/workbook.xml\n<workbook><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"r1\"/>"
    "</sheets></workbook>\n"
    "@s xl/_rels/workbook.xml.rels\n<Relationships>"
    "<Relationship Id=\"r1\" Type=\"" OFFICE "worksheet\" Target=\"worksheets/sheet1.xml\"/>"
    "<Relationship Id=\"r2\" Type=\"" OFFICE "sharedStrings\" Target=\"sharedStrings.xml\"/>"
    "<Relationship Id=\"r3\" Type=\"" OFFICE "styles\" Target=\"styles.xml\"/></Relationships>\n";

/* kl_extract_zip, with every cell read the general way when no_fast. */
static enum kl_rc extract(struct kl_zip *zip, bool no_fast)
{
    KL_TRY(kl_zip_index(zip));
    KL_TRY(kl_xlsx_extract_opts(zip, no_fast));
    for (size_t i = 0; i < zip->n; i++) {
        if (zip->m[i].state != KL_ZIP_STATE_DONE) {
            KL_TRY(kl_zip_extract_member(zip, &zip->m[i]));
        }
    }
    return zip->past_bytes > 0 ? kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, zip->past_bytes)
                               : KL_OK;
}

static void run(struct kl_span file, bool no_fast, struct sink_mem *m)
{
    struct kl_sink sink = sink_mem_sink(m);
    struct kl_input in = kl_input_mem(file);
    struct kl_zip zip = {.in = &in};

    must(kl_emit_new(&sink, &zip.e) == KL_OK && kl_inflate_new(&zip.z) == KL_OK);
    kl_buf_init(&zip.names, 1u << 20);
    kl_emit_start(zip.e, file.len);
    must(extract(&zip, no_fast) == KL_OK);
    must(kl_emit_finish(zip.e) == KL_OK);
    kl_buf_done(&zip.names);
    free(zip.m);
    kl_inflate_free(&zip.z);
    kl_emit_free(&zip.e);
    recipe_check(m, file.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recipe r = {0};
    struct sink_mem fast = {0};
    struct sink_mem slow = {0};

    if (size >= 2 && data[0] == 'P' && data[1] == 'K') {
        zm_put(&r.level[0].before, data, size);
        r.level[0].z.no_end = true;
    } else {
        if (size > 0 && data[0] == '#') {
            recipe_read(&r, KL_SPAN_LIT(skeleton));
        }
        recipe_read(&r, kl_span_make(data, size));
    }
    struct kl_span file = recipe_end(&r);
    run(file, false, &fast);
    run(file, true, &slow);
    must(fast.log_len == slow.log_len && fast.not_inspected == slow.not_inspected &&
         (fast.log_len == 0 || memcmp(fast.log, slow.log, fast.log_len) == 0));
    sink_mem_done(&fast);
    sink_mem_done(&slow);
    free((void *)(uintptr_t)file.ptr);
    return 0;
}
