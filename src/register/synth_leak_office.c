/* The recall list as office documents: a table in docx, pptx, odt, ods; a sheet in xlsb, xls. */
#include <stdio.h>

#include "register/synth_leak_office.h"
#include "register/synth_zip.h"

#define SLIDE_ROWS 40u

/* ---- cells ---- */

void kl_synth_table_row(struct kl_synth_table *t, uint32_t k)
{
    struct kl_synth_row row;
    char name[24];
    uint32_t no = t->l->sample.rows[k];
    kl_synth_row_get(t->l->m, t->l->sample.reg, no, &row);
    t->n = 0;
    t->cells.buf.len = 0;
    for (const char *c = t->columns; *c != '\0' && t->n < KL_SYNTH_TABLE_COLUMNS; t->n++) {
        size_t n = strcspn(c, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, c);
        t->at[t->n] = t->cells.buf.len;
        kl_synth_cell_put(&t->cells, t->l, &row, no, name, KL_SYNTH_AS_IS);
        c += n + (c[n] == ',');
    }
    t->at[t->n] = t->cells.buf.len;
}

struct kl_span kl_synth_table_cell(const struct kl_synth_table *t, size_t i)
{
    return kl_span_part(kl_buf_span(&t->cells.buf), t->at[i], t->at[i + 1]);
}

static void put_xml(struct kl_synth_text *out, struct kl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '&' || c == '<') {
            kl_synth_text_str(out, c == '&' ? "&amp;" : "&lt;");
        } else {
            kl_synth_text_char(out, (char)c);
        }
    }
}

/* ---- WordprocessingML ---- */

/* Word splits a text into runs where it was edited: so does every other cell here. */
static void docx_cell(struct kl_synth_text *out, struct kl_span text, bool split)
{
    size_t half = split ? text.len / 2 : 0;
    while (half > 0 && (text.ptr[half] & 0xC0) == 0x80) {
        half--;
    }
    kl_synth_text_str(out, "<w:tc><w:tcPr><w:tcW w:w=\"0\" w:type=\"auto\"/></w:tcPr><w:p>");
    if (half > 0) {
        kl_synth_text_str(out, "<w:r w:rsidR=\"00A10001\"><w:t xml:space=\"preserve\">");
        put_xml(out, kl_span_part(text, 0, half));
        kl_synth_text_str(out, "</w:t></w:r><w:proofErr w:type=\"spellStart\"/>");
    }
    kl_synth_text_str(out, "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">");
    put_xml(out, kl_span_part(text, half, text.len));
    kl_synth_text_str(out, "</w:t></w:r></w:p></w:tc>");
}

static void docx_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    kl_synth_text_str(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:document xmlns:w="
             "\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r>"
             "<w:t>Lista e punonj\xc3\xabsve</w:t></w:r></w:p><w:tbl>");
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, "<w:tr>");
        for (size_t i = 0; i < t->n; i++) {
            docx_cell(out, kl_synth_table_cell(t, i), (k + i) % 2 == 0);
        }
        kl_synth_text_str(out, "</w:tr>");
    }
    kl_synth_text_str(out, "</w:tbl><w:p/></w:body></w:document>");
    kl_synth_zip_add_str(
        z, "[Content_Types].xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types "
        "xmlns=\"http://schemas.openxmlformats.org/"
        "package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd."
        "openxmlformats-package.relationships+xml\"/><Override PartName=\"/word/document.xml\" "
        "ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document."
        "main+xml\"/></Types>");
    kl_synth_zip_add_str(
        z, "_rels/.rels",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships xmlns=\"http://schemas."
        "openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://"
        "schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" "
        "Target=\"word/document.xml\"/></Relationships>");
    kl_synth_zip_add(z, "word/document.xml", kl_buf_span(&out->buf));
}

/* ---- PresentationML ---- */

static void slide_write(struct kl_synth_table *t, struct kl_synth_text *out, uint32_t from)
{
    kl_synth_text_str(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<p:sld xmlns:a="
             "\"http://schemas.openxmlformats.org/drawingml/2006/main\" xmlns:p=\"http://schemas."
             "openxmlformats.org/presentationml/2006/main\"><p:cSld><p:spTree><p:graphicFrame>"
             "<a:graphic><a:graphicData><a:tbl><a:tblPr firstRow=\"1\"/>");
    for (uint32_t k = from; k < from + SLIDE_ROWS && k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, "<a:tr h=\"100\">");
        for (size_t i = 0; i < t->n; i++) {
            kl_synth_text_str(out, "<a:tc><a:txBody><a:bodyPr/><a:p><a:r><a:rPr lang=\"sq-AL\"/>"
                                   "<a:t>");
            put_xml(out, kl_synth_table_cell(t, i));
            kl_synth_text_str(out, "</a:t></a:r></a:p></a:txBody><a:tcPr/></a:tc>");
        }
        kl_synth_text_str(out, "</a:tr>");
    }
    kl_synth_text_str(out, "</a:tbl></a:graphicData></a:graphic></p:graphicFrame></p:spTree>"
                           "</p:cSld></p:sld>");
}

static void pptx_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    char name[64];
    kl_synth_zip_add_str(
        z, "[Content_Types].xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types "
        "xmlns=\"http://schemas.openxmlformats.org/"
        "package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"application/vnd."
        "openxmlformats-officedocument.presentationml.slide+xml\"/></Types>");
    for (uint32_t k = 0, no = 1; k < t->l->sample.n; k += SLIDE_ROWS, no++) {
        out->buf.len = 0;
        slide_write(t, out, k);
        (void)snprintf(name, sizeof name, "ppt/slides/slide%u.xml", (unsigned)no);
        kl_synth_zip_add(z, name, kl_buf_span(&out->buf));
    }
}

/* ---- OpenDocument ---- */

static void odf_rows(struct kl_synth_table *t, struct kl_synth_text *out)
{
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, "<table:table-row table:style-name=\"ro1\">");
        for (size_t i = 0; i < t->n; i++) {
            struct kl_span text = kl_synth_table_cell(t, i);
            kl_synth_text_str(out, "<table:table-cell office:value-type=\"string\" "
                                   "calcext:value-type=\"string\"><text:p>");
            put_xml(out, text);
            kl_synth_text_str(out, "</text:p></table:table-cell>");
        }
        kl_synth_text_str(out, "</table:table-row>");
    }
}

static void odf_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out,
                      const char *kind)
{
    static const char mime[] = "application/vnd.oasis.opendocument.";
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", mime, kind);
    kl_synth_zip_add_str(z, "mimetype", text);
    kl_synth_text_str(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content "
             "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" "
             "xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" "
             "xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" xmlns:calcext=\"urn:"
             "org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0\" "
             "office:version=\"1.2\"><office:body><office:");
    kl_synth_text_str(out, kind);
    kl_synth_text_str(out, "><table:table table:name=\"Lista\">");
    odf_rows(t, out);
    kl_synth_text_str(out, "</table:table></office:");
    kl_synth_text_str(out, kind);
    kl_synth_text_str(out, "></office:body></office:document-content>");
    kl_synth_zip_add(z, "content.xml", kl_buf_span(&out->buf));
    (void)snprintf(text, sizeof text,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?><manifest:manifest xmlns:manifest="
                   "\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"><manifest:file-entry "
                   "manifest:full-path=\"/\" manifest:media-type=\"%s%s\"/><manifest:file-entry "
                   "manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>"
                   "</manifest:manifest>",
                   mime, kind);
    kl_synth_zip_add_str(z, "META-INF/manifest.xml", text);
}

static void odt_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    odf_write(t, z, out, "text");
}

static void ods_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    odf_write(t, z, out, "spreadsheet");
}

/* ---- all ---- */

static const struct kl_synth_table_case cases[] = {
    {"02-xls.xls", "2 old workbook, shared strings and RK numbers",
     "nid,given,father,family,employer_nipt,employer,profession,salary,phone", kl_synth_xls_write},
    {"02b-xlsb.xlsb", "2b binary workbook", "nid,given,family,employer,salary,phone",
     kl_synth_xlsb_write},
    {"25-docx-table.docx", "25 table in a text document", "nid,given,family,employer,salary",
     docx_write},
    {"25b-pptx-table.pptx", "25b tables on slides", "nid,given,family,salary", pptx_write},
    {"25c-odt-table.odt", "25c table in an OpenDocument text", "nid,given,family,employer,salary",
     odt_write},
    {"25d-ods.ods", "25d OpenDocument spreadsheet",
     "nid,given,father,family,employer_nipt,employer,profession,salary,phone", ods_write},
};

enum kl_rc kl_synth_table_case_write(struct kl_synth_leaker *l, const struct kl_synth_table_case *c,
                                     uint64_t no)
{
    struct kl_synth_table t = {.l = l, .columns = c->columns};
    struct kl_synth_zip z;
    struct kl_synth_text out;
    kl_synth_sample_draw(l, KL_SYNTH_SALARIES, 0, no);
    kl_synth_zip_init(&z);
    kl_synth_text_init(&t.cells);
    kl_synth_text_init(&out);
    c->write(&t, &z, &out);
    bool is_zip = z.n > 0;
    if (is_zip) {
        kl_synth_zip_end(&z);
    }
    enum kl_rc rc = is_zip ? z.out.rc : out.rc;
    rc = rc == KL_OK ? t.cells.rc : rc;
    if (rc == KL_OK) {
        rc = kl_synth_leak_write(l, c->file, kl_buf_span(is_zip ? &z.out.buf : &out.buf));
    } else {
        rc = kl_fail(l->err, rc, "no memory for an office document: give --leaks none");
    }
    kl_synth_zip_done(&z);
    kl_buf_done(&t.cells.buf);
    kl_buf_done(&out.buf);
    KL_TRY(rc);
    struct kl_synth_truth truth = {.name = c->file,
                                   .label = c->label,
                                   .columns = c->columns,
                                   .expect = "found",
                                   .with_rows = true};
    return kl_synth_truth_write(l, &truth);
}

enum kl_rc kl_synth_leaks_office(struct kl_synth_leaker *l)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KL_TRY(kl_synth_table_case_write(l, &cases[i], 3000 + i));
    }
    return KL_OK;
}
