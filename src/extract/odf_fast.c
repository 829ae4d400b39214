#include "extract/odf_int.h"

#define FAST_BYTES 4096u /* left in the window: more than a short cell */
#define MAX_TAG 512u
#define MAX_TEXT 2048u

static inline bool is_at(const uint8_t *p, const char *lit, size_t n)
{
    return memcmp(p, lit, n) == 0;
}
#define AT(p, lit) is_at((p), (lit), sizeof(lit) - 1)
#define SKIP(lit) (sizeof(lit) - 1)

/* <table:table-cell …: what its attributes say, in the order that writers use. */
struct head {
    bool has_value;
    struct kl_span value;
    const uint8_t *end; /* behind '>' */
};

static const uint8_t *quote_end(const uint8_t *q)
{
    return memchr(q, '"', MAX_TAG);
}

/* Behind ` table:style-name="ce1"`, when it is there; NULL: not closed. */
static const uint8_t *skip_style(const uint8_t *q)
{
    if (!AT(q, " table:style-name=\"")) {
        return q;
    }
    const uint8_t *end = quote_end(q + SKIP(" table:style-name=\""));
    return end != NULL ? end + 1 : NULL;
}

static bool read_head(const uint8_t *q, struct head *h)
{
    q = skip_style(q);
    if (q == NULL || !AT(q, " office:value-type=\"")) {
        return false;
    }
    q += SKIP(" office:value-type=\"");
    h->has_value = AT(q, "float\" office:value=\"");
    if (h->has_value) {
        q += SKIP("float\" office:value=\"");
        const uint8_t *end = quote_end(q);
        if (end == NULL) {
            return false;
        }
        h->value = kl_span_make(q, (size_t)(end - q));
        q = end + 1;
        q += AT(q, " calcext:value-type=\"float\"") ? SKIP(" calcext:value-type=\"float\"") : 0;
    } else if (AT(q, "string\"")) {
        q += SKIP("string\"");
        q += AT(q, " calcext:value-type=\"string\"") ? SKIP(" calcext:value-type=\"string\"") : 0;
    } else {
        return false;
    }
    h->end = q + 1;
    return *q == '>';
}

static bool is_integer(struct kl_span v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9') {
            return false;
        }
    }
    return v.len > 0 && v.len < 20;
}

/* A cell of one short paragraph without markup; NULL: another form. */
static const uint8_t *cell(struct kl_odf *o, const uint8_t *p, enum kl_rc *rc)
{
    static const char tail[] = "</text:p></table:table-cell>";
    struct head h = {.has_value = false};
    if (!read_head(p + SKIP("<table:table-cell"), &h) || !AT(h.end, "<text:p>")) {
        return NULL;
    }
    const uint8_t *text = h.end + SKIP("<text:p>");
    const uint8_t *lt = memchr(text, '<', MAX_TEXT);
    if (lt == NULL || !AT(lt, tail)) {
        return NULL;
    }
    struct kl_span raw = kl_span_make(text, (size_t)(lt - text));
    if (h.has_value && !(kl_span_eq(raw, h.value) && is_integer(raw))) {
        return NULL;
    }
    kl_grid_cell(&o->flow.rows, o->flow.col);
    *rc = kl_grid_xml(&o->flow.rows, raw, 0);
    o->flow.col++;
    return lt + SKIP("</text:p></table:table-cell>");
}

/* <table:table-row …> with a style at most. */
static const uint8_t *row(const uint8_t *p)
{
    const uint8_t *q = skip_style(p + SKIP("<table:table-row"));
    return q != NULL && *q == '>' ? q + 1 : NULL;
}

enum kl_rc kl_odf_fast(struct kl_odf *o)
{
    struct kl_xml *xml = o->xml;
    struct kl_flow *f = &o->flow;
    enum kl_rc rc = KL_OK;
    if (f->n_tables != 1 || f->n_asides > 0 || o->in_cell || f->in_cell || o->n_paragraphs > 0 ||
        o->in_base64 || xml->inside != 0 || f->line.len > 0 || f->struck.len > 0) {
        return KL_OK;
    }
    while (rc == KL_OK) {
        if ((size_t)(xml->end - xml->p) < FAST_BYTES) {
            rc = xml->eof ? KL_OK : kl_xml_more(xml);
            if (rc != KL_OK || (size_t)(xml->end - xml->p) < FAST_BYTES) {
                break;
            }
        }
        const uint8_t *p = xml->p;
        const uint8_t *q = NULL;
        if (AT(p, "<table:table-cell")) {
            q = cell(o, p, &rc);
        } else if (AT(p, "</table:table-row>") && o->extra.len == 0) {
            rc = kl_flow_row_end(f);
            q = p + SKIP("</table:table-row>");
        } else if (AT(p, "<table:table-row")) {
            q = row(p);
        }
        if (q == NULL) {
            break;
        }
        xml->p = q;
    }
    return rc;
}
