#include "extract/xlsx.h"

#include <stdlib.h>

#define MAX_FORMATS 65536u

static bool is_builtin_date(unsigned id)
{
    return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
           (id >= 50 && id <= 58);
}

bool kl_xlsx_format_is_date(struct kl_span code)
{
    uint8_t inside = 0; /* '"' or '[' */
    for (size_t i = 0; i < code.len; i++) {
        uint8_t c = code.ptr[i];
        if (inside != 0) {
            inside = c == (inside == '[' ? ']' : '"') ? 0 : inside;
        } else if (c == '"' || c == '[') {
            inside = c;
        } else if (c == '\\' || c == '_' || c == '*') {
            i++;
        } else if ((c | 32) == 'y' || (c | 32) == 'm' || (c | 32) == 'd') {
            return true;
        }
    }
    return false;
}

static unsigned number_of(struct kl_span v, unsigned max)
{
    unsigned n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9' || n > max) {
            return max;
        }
        n = n * 10 + (v.ptr[i] - '0');
    }
    return v.len > 0 && n < max ? n : max;
}

struct styles {
    uint8_t custom[MAX_FORMATS]; /* 1: a date, 2: defined and none */
    uint16_t xf[KL_XLSX_MAX_XF];
    unsigned n_xf;
    bool in_cell_xfs;
};

static void on_start(struct styles *s, const struct kl_xml_token *t)
{
    struct kl_span v;
    if (kl_span_is(t->name, "cellXfs")) {
        s->in_cell_xfs = !t->is_empty;
    } else if (kl_span_is(t->name, "numFmt") && kl_xml_attr(t->attrs, "numFmtId", &v)) {
        unsigned id = number_of(v, MAX_FORMATS);
        uint8_t code[512 * 3 + 32];
        if (id < MAX_FORMATS && kl_xml_attr(t->attrs, "formatCode", &v) && v.len <= 512) {
            size_t n = kl_xml_decode(v, 0, code);
            s->custom[id] = kl_xlsx_format_is_date(kl_span_make(code, n)) ? 1 : 2;
        }
    } else if (kl_span_is(t->name, "xf") && s->in_cell_xfs && s->n_xf < KL_XLSX_MAX_XF) {
        unsigned id = kl_xml_attr(t->attrs, "numFmtId", &v) ? number_of(v, MAX_FORMATS) : 0;
        s->xf[s->n_xf++] = (uint16_t)(id < MAX_FORMATS ? id : 0);
    }
}

enum kl_rc kl_xlsx_styles_read(void *ctx, const struct kl_zip_member *m)
{
    struct kl_xlsx *x = ctx;
    struct styles *s = calloc(1, sizeof *s);
    struct kl_xml_token t;
    if (s == NULL) {
        return KL_E_NOMEM;
    }
    kl_package_open(&x->pk, m);
    enum kl_rc rc = kl_xml_next(&x->pk.xml, &t);
    while (rc == KL_OK && t.kind != KL_XML_NONE) {
        if (t.kind == KL_XML_START) {
            on_start(s, &t);
        } else if (t.kind == KL_XML_END && kl_span_is(t.name, "cellXfs")) {
            s->in_cell_xfs = false;
        }
        rc = kl_xml_next(&x->pk.xml, &t);
    }
    for (unsigned i = 0; i < s->n_xf; i++) {
        uint8_t custom = s->custom[s->xf[i]];
        x->is_date[i] = custom == 1 || (custom == 0 && is_builtin_date(s->xf[i]));
    }
    free(s);
    return rc == KL_OK ? kl_package_close(&x->pk) : rc;
}
