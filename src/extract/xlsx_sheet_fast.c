#include "extract/xlsx_sheet.h"

#define FAST_BYTES 2048u /* left in the window: more than a row's or a short cell's tag */
#define MAX_ROW_TAG 512u

static inline bool is_at(const uint8_t *p, const char *lit, size_t n)
{
    return memcmp(p, lit, n) == 0;
}
#define AT(p, lit) is_at((p), (lit), sizeof(lit) - 1)

/* What stands in the opening tag of a cell. */
struct cell {
    uint32_t col;
    uint32_t style;
    enum kl_cell_type type;
    bool is_empty;
};

/* <c r="B12" s="3" t="s"> with attributes in this order; NULL: another form. */
static inline const uint8_t *cell_tag(const uint8_t *q, struct cell *c)
{
    uint32_t col = 0;
    const uint8_t *from = q;
    for (uint32_t d = *q - 'A'; d < 26; d = *++q - 'A') {
        col = col * 26 + d + 1;
    }
    if ((size_t)(q - from) - 1 > 2 || col > KL_SHEET_MAX_COL) {
        return NULL;
    }
    c->col = col - 1;
    while ((uint8_t)(*q - '0') < 10) {
        q++;
    }
    if (*q != '"') {
        return NULL;
    }
    q++;
    c->style = 0;
    if (AT(q, " s=\"")) {
        q += 4;
        for (uint32_t d = *q - '0'; d < 10 && c->style < KL_XLSX_MAX_XF; d = *++q - '0') {
            c->style = c->style * 10 + d;
        }
        if (*q != '"') {
            return NULL;
        }
        q++;
    }
    c->type = KL_CELL_NUMBER;
    if (AT(q, " t=\"")) {
        q += 4;
        if (AT(q, "s\"")) {
            c->type = KL_CELL_SHARED;
            q += 2;
        } else if (AT(q, "inlineStr\"")) {
            c->type = KL_CELL_INLINE;
            q += 10;
        } else if (AT(q, "str\"")) {
            c->type = KL_CELL_STRING;
            q += 4;
        } else if (AT(q, "n\"")) {
            q += 2;
        } else {
            return NULL;
        }
    }
    c->is_empty = q[0] == '/' && q[1] == '>';
    if (c->is_empty) {
        return q + 2;
    }
    return *q == '>' ? q + 1 : NULL;
}

/* <v>123</v></c> of a shared string; NULL: another form. */
static inline const uint8_t *shared(struct kl_sheet *s, const struct cell *c, const uint8_t *q,
                                    enum kl_rc *rc)
{
    struct kl_sst *sst = &s->x->sst;
    uint32_t i = 0;
    if (!AT(q, "<v>")) {
        return NULL;
    }
    q += 3;
    const uint8_t *from = q;
    for (uint32_t d = *q - '0'; d < 10; d = *++q - '0') {
        i = i * 10 + d;
    }
    if ((size_t)(q - from) - 1 > 8 || !AT(q, "</v></c>") || i >= sst->n) {
        return NULL;
    }
    struct kl_span text = kl_sst_get(sst, i);
    if (text.len > KL_SHEET_SHORT_BYTES) {
        *rc = kl_sheet_long_string(s, c->col, i);
    } else {
        sst->used.ptr[i / 8] |= (uint8_t)(1u << i % 8);
        if (text.len > 0) {
            *rc = kl_sheet_put(s, c->col, text);
        }
    }
    return q + 8;
}

static inline const uint8_t *number(struct kl_sheet *s, const struct cell *c, const uint8_t *q,
                                    enum kl_rc *rc)
{
    if (!AT(q, "<v>")) {
        return NULL;
    }
    q += 3;
    const uint8_t *from = q;
    while ((uint8_t)(*q - '0') < 10) {
        q++;
    }
    size_t len = (size_t)(q - from);
    bool is_date = c->style < KL_XLSX_MAX_XF && s->x->is_date[c->style] != 0;
    if (*q == '<' && len - 1 < 19 && !is_date) {
        if (!AT(q, "</v></c>")) {
            return NULL;
        }
        *rc = kl_sheet_put(s, c->col, kl_span_make(from, len));
        return q + 8;
    }
    while ((uint8_t)(*q - '0') < 10 || *q == '.' || *q == '-' || *q == '+' || (*q | 32) == 'e') {
        q++;
    }
    len = (size_t)(q - from);
    if (len - 1 >= 64 || !AT(q, "</v></c>")) {
        return NULL;
    }
    s->cell_col = c->col;
    s->style = c->style;
    s->type = KL_CELL_NUMBER;
    *rc = kl_sheet_value(s, kl_span_make(from, len));
    return q + 8;
}

/* Text up to '<' and the closing tags `tail`. */
static inline const uint8_t *text(struct kl_sheet *s, const struct cell *c, const uint8_t *q,
                                  const char *tail, size_t n_tail, enum kl_rc *rc)
{
    const uint8_t *end = s->x->pk.xml.end;
    const uint8_t *lt = memchr(q, '<', (size_t)(end - q));
    if (lt == NULL || !is_at(lt, tail, n_tail)) {
        return NULL;
    }
    struct kl_span raw = kl_span_make(q, (size_t)(lt - q));
    if (raw.len > KL_SHEET_PIECE_BYTES) {
        s->cell_col = c->col;
        s->cell_has = false;
        *rc = kl_sheet_text(s, raw, KL_XML_ESCAPES);
    } else if (raw.len > 0) {
        *rc = kl_sheet_need(s, raw.len * 3 + KL_SHEET_MAX_GAP + KL_XML_PAD);
        if (*rc == KL_OK) {
            kl_sheet_seek(s, c->col);
            s->o += kl_xml_decode(raw, KL_XML_ESCAPES, s->o);
        }
    }
    return lt + n_tail;
}

static inline const uint8_t *inline_string(struct kl_sheet *s, const struct cell *c,
                                           const uint8_t *q, enum kl_rc *rc)
{
    static const char tail[] = "</t></is></c>";
    if (AT(q, "<is><t>")) {
        return text(s, c, q + 7, tail, sizeof tail - 1, rc);
    }
    static const char keep[] = "<is><t xml:space=\"preserve\">";
    if (AT(q, keep)) {
        return text(s, c, q + sizeof keep - 1, tail, sizeof tail - 1, rc);
    }
    return NULL;
}

static inline const uint8_t *cell(struct kl_sheet *s, const uint8_t *p, enum kl_rc *rc)
{
    struct cell c;
    const uint8_t *q = cell_tag(p + 6, &c);
    if (q == NULL) {
        return NULL;
    }
    if (!c.is_empty) {
        static const char tail[] = "</v></c>";
        switch (c.type) {
        case KL_CELL_SHARED:
            q = shared(s, &c, q, rc);
            break;
        case KL_CELL_NUMBER:
            q = number(s, &c, q, rc);
            break;
        case KL_CELL_INLINE:
            q = inline_string(s, &c, q, rc);
            break;
        case KL_CELL_STRING:
            q = AT(q, "<v>") ? text(s, &c, q + 3, tail, sizeof tail - 1, rc) : NULL;
            break;
        case KL_CELL_BOOL:
        case KL_CELL_ERROR:
        case KL_CELL_DATE:
            return NULL;
        }
    }
    s->next = c.col + 1;
    return q;
}

/* <row …> without an attribute that matters; NULL: another form. */
static const uint8_t *row_tag(struct kl_sheet *s, const uint8_t *p, enum kl_rc *rc)
{
    const uint8_t *gt = memchr(p, '>', MAX_ROW_TAG);
    if (gt == NULL || gt[-1] == '/' || memchr(p + 1, '<', (size_t)(gt - p - 1)) != NULL) {
        return NULL;
    }
    size_t len = (size_t)(gt - p);
    if (memmem(p, len, "hidden", 6) != NULL) {
        return NULL;
    }
    for (size_t i = 0, quotes = 0; i < len; i++) {
        quotes += p[i] == '"';
        if (p[i] == '\'' || (i + 1 == len && quotes % 2 != 0)) {
            return NULL;
        }
    }
    *rc = kl_sheet_row_begin(s);
    return gt + 1;
}

enum kl_rc kl_sheet_fast(struct kl_sheet *s)
{
    struct kl_xml *xml = &s->x->pk.xml;
    enum kl_rc rc = KL_OK;
    if (s->in_cell || xml->inside != 0) {
        return KL_OK;
    }
    while (rc == KL_OK) {
        const uint8_t *p = xml->p;
        if ((size_t)(xml->end - p) < FAST_BYTES && !xml->eof) {
            rc = kl_xml_more(xml);
            p = xml->p;
            if (rc != KL_OK || (size_t)(xml->end - p) < FAST_BYTES) {
                break;
            }
        }
        const uint8_t *q = NULL;
        if (s->in_row && AT(p, "<c r=\"")) {
            q = cell(s, p, &rc);
        } else if (s->in_row && AT(p, "</row>")) {
            rc = kl_sheet_row_end(s);
            q = p + 6;
        } else if (!s->in_row && AT(p, "<row ") && (size_t)(xml->end - p) >= FAST_BYTES) {
            q = row_tag(s, p, &rc);
        }
        if (q == NULL) {
            break;
        }
        xml->p = q;
    }
    return rc;
}
