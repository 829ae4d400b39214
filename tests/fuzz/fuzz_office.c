/*
 * Office documents that are XML. Byte 0: which reader; byte 1: the size of the pieces it reads.
 * Targets: src/extract/odf.c, odf_fast.c, ooxml.c, flow.c, grid.c, office.c, package.c,
 * odf_manifest.c, odf_lock.c.
 * Properties: the order of the events; seen = inspected + not inspected; the fast path of ODF says
 * what the general one says.
 */
#include <assert.h>

#include "../unit/sink_mem.h"
#include "../unit/zip_make.h"
#include "extract/extract.h"
#include "extract/ooxml.h"
#include "fuzz_password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
    struct kl_span rest;
    size_t step;
};

static enum kl_rc feed_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct feed *f = ctx;
    n = n < f->step ? n : f->step;
    struct kl_span piece = kl_span_part(f->rest, 0, n);
    memcpy(dst, piece.ptr, piece.len);
    f->rest = kl_span_part(f->rest, piece.len, f->rest.len);
    *out_n = piece.len;
    return KL_OK;
}

enum which { ODF_FAST, ODF_SLOW, OOXML };

static void read_xml(struct sink_mem *s, struct kl_span text, size_t step, enum which which)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct feed feed = {text, step};
    struct kl_emit *e = NULL;
    struct kl_xml xml;
    assert(kl_emit_new(&sink, &e) == KL_OK);
    assert(kl_xml_init(&xml, (struct kl_xml_feed){&feed, feed_read}) == KL_OK);
    kl_emit_start(e, text.len);
    enum kl_rc rc =
        which == OOXML ? kl_ooxml_read(e, &xml) : kl_odf_read_opts(e, &xml, which == ODF_SLOW);
    assert(rc == KL_OK && kl_emit_finish(e) == KL_OK);
    assert(s->done && !s->bad_order);
    kl_xml_done(&xml);
    kl_emit_free(&e);
}

static void read_document(struct kl_span bytes)
{
    struct sink_mem s = {.quiet = true};
    struct kl_sink sink = sink_mem_sink(&s);
    struct kl_input in = kl_input_mem(bytes);
    struct kl_emit *e = NULL;
    assert(kl_emit_new(&sink, &e) == KL_OK);
    kl_emit_start(e, bytes.len);
    fuzz_password(e);
    assert(kl_extract_nested(e, &in) == KL_OK);
    assert(kl_emit_finish(e) == KL_OK);
    assert(s.done && !s.bad_order && s.seen == bytes.len);
    kl_emit_free(&e);
    sink_mem_done(&s);
}

/* A package whose parts are the pieces between bytes of 255. */
static void read_package(struct kl_span text)
{
    static const char *const names[] = {"META-INF/manifest.xml", "content.xml", "word/document.xml",
                                        "docProps/core.xml"};
    struct zm z = {.n = 0};
    zm_add(&z, "[Content_Types].xml", "<Types/>");
    for (size_t i = 0; i < sizeof names / sizeof names[0] && text.len > 0; i++) {
        const uint8_t *stop = memchr(text.ptr, 255, text.len);
        size_t n = stop != NULL ? (size_t)(stop - text.ptr) : text.len;
        zm_add_opts(&z, names[i], text.ptr, n, (struct zm_opts){.stored = true});
        text = kl_span_part(text, n + 1, text.len);
    }
    zm_end(&z, "");
    read_document(kl_span_make(z.out.ptr, z.out.len));
    zm_done(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sink_mem fast = {.quiet = false};
    struct sink_mem slow = {.quiet = false};
    if (size < 3) {
        return 0;
    }
    size_t n = size - 2;
    size_t step = data[1] == 0 ? n : data[1];
    uint8_t *exact = malloc(n);
    assert(exact != NULL);
    memcpy(exact, data + 2, n);
    struct kl_span text = kl_span_make(exact, n);
    switch (data[0] % 4) {
    case 0:
        read_xml(&fast, text, step, ODF_FAST);
        read_xml(&slow, text, step, ODF_SLOW);
        assert(fast.log_len == slow.log_len &&
               (fast.log_len == 0 || memcmp(fast.log, slow.log, fast.log_len) == 0));
        break;
    case 1:
        read_xml(&fast, text, step, OOXML);
        break;
    case 2:
        read_package(text);
        break;
    default:
        read_document(text);
        break;
    }
    sink_mem_done(&fast);
    sink_mem_done(&slow);
    free(exact);
    return 0;
}
