#include "extract/xlsx.h"

#define PIECE_BYTES 8192u
#define FAST_BYTES 1024u /* the fast path is tried with this many bytes in the window */

struct reader {
    struct kl_xlsx *x;
    bool in_si;
    bool in_t;
    unsigned phonetic; /* inside that many <rPh> */
    bool is_over;      /* the table is full: the rest goes out as text */
    bool in_part;
    bool has_text; /* over: the string has put out something */
    uint8_t out[PIECE_BYTES * 3 + 32];
};

/* The table takes no more: say so once, and go on as text. */
static enum kl_rc overflow(struct reader *r)
{
    r->is_over = true;
    KL_TRY(kl_emit_anomaly(r->x->pk.e, "limit.sst"));
    r->in_part = true;
    KL_TRY(kl_emit_part_begin(r->x->pk.e, KL_PART_TEXT));
    /* The beginning of the string that did not fit. */
    const struct kl_sst *s = &r->x->sst;
    struct kl_span begun = kl_span_part(kl_buf_span(&s->arena), kl_sst_off(s, s->n), s->arena.len);
    r->has_text = begun.len > 0;
    return kl_emit_text(r->x->pk.e, begun);
}

static enum kl_rc add_text(struct reader *r, struct kl_span raw, unsigned flags)
{
    struct kl_sst *s = &r->x->sst;
    while (raw.len > 0) {
        size_t n = kl_xml_piece(raw, PIECE_BYTES);
        struct kl_span piece = kl_span_part(raw, 0, n);
        raw = kl_span_part(raw, n, raw.len);
        if (!r->is_over) {
            enum kl_rc rc = kl_buf_room(&s->arena, n * 3 + KL_XML_PAD);
            if (rc == KL_OK) {
                s->arena.len += kl_xml_decode(piece, flags, s->arena.ptr + s->arena.len);
                continue;
            }
            if (rc != KL_E_LIMIT) {
                return rc;
            }
            KL_TRY(overflow(r));
        }
        size_t len = kl_xml_decode(piece, flags, r->out);
        r->has_text |= len > 0;
        KL_TRY(kl_emit_text(r->x->pk.e, kl_span_make(r->out, len)));
    }
    return KL_OK;
}

static enum kl_rc end_string(struct reader *r)
{
    struct kl_sst *s = &r->x->sst;
    r->in_si = false;
    if (!r->is_over) {
        enum kl_rc rc = kl_sst_push(s);
        if (rc != KL_E_LIMIT) {
            return rc;
        }
        KL_TRY(overflow(r));
    }
    if (r->has_text) {
        r->has_text = false;
        return kl_emit_text(r->x->pk.e, KL_SPAN_LIT("\n"));
    }
    return KL_OK;
}

static enum kl_rc on_token(struct reader *r, const struct kl_xml_token *t)
{
    bool open = t->kind == KL_XML_START && !t->is_empty;
    if (t->kind == KL_XML_TEXT || t->kind == KL_XML_CDATA) {
        unsigned flags = KL_XML_ESCAPES | (t->kind == KL_XML_CDATA ? KL_XML_RAW : 0);
        return r->in_si && r->in_t && r->phonetic == 0 ? add_text(r, t->text, flags) : KL_OK;
    }
    if (kl_span_is(t->name, "t")) {
        r->in_t = open;
    } else if (kl_span_is(t->name, "rPh")) {
        r->phonetic = open ? r->phonetic + 1 : r->phonetic - (!t->is_empty && r->phonetic > 0);
    } else if (kl_span_is(t->name, "si")) {
        if (t->kind == KL_XML_START && r->in_si) {
            KL_TRY(end_string(r)); /* the last one was not closed */
        }
        r->in_si = true;
        r->in_t = false;
        r->phonetic = 0;
        return open ? KL_OK : end_string(r);
    }
    return KL_OK;
}

/* <si><t>text</t></si>, the form that nearly every string has; bytes taken, or 0. */
static size_t fast_string(struct reader *r, enum kl_rc *rc)
{
    static const char keep[] = "<si><t xml:space=\"preserve\">";
    const struct kl_xml *x = &r->x->pk.xml;
    const uint8_t *q = x->p;
    if (memcmp(q, "<si><t>", 7) == 0) {
        q += 7;
    } else if (memcmp(q, keep, sizeof keep - 1) == 0) {
        q += sizeof keep - 1;
    } else {
        return 0;
    }
    const uint8_t *lt = memchr(q, '<', (size_t)(x->end - q));
    if (lt == NULL || memcmp(lt, "</t></si>", 9) != 0) {
        return 0;
    }
    *rc = add_text(r, kl_span_make(q, (size_t)(lt - q)), KL_XML_ESCAPES);
    if (*rc == KL_OK) {
        *rc = end_string(r);
    }
    return (size_t)(lt - x->p) + 9;
}

static enum kl_rc read_all(struct reader *r)
{
    struct kl_xml *xml = &r->x->pk.xml;
    struct kl_xml_token t;
    enum kl_rc rc = KL_OK;
    for (;;) {
        if ((size_t)(xml->end - xml->p) < FAST_BYTES && !xml->eof) {
            KL_TRY(kl_xml_more(xml));
        }
        if (!r->in_si && xml->inside == 0 && !r->x->no_fast) {
            size_t n = fast_string(r, &rc);
            KL_TRY(rc);
            if (n > 0) {
                xml->p += n;
                continue;
            }
        }
        KL_TRY(kl_xml_next(xml, &t));
        if (t.kind == KL_XML_NONE) {
            return KL_OK;
        }
        KL_TRY(on_token(r, &t));
    }
}

enum kl_rc kl_xlsx_sst_read(void *ctx, const struct kl_zip_member *m)
{
    struct kl_xlsx *x = ctx;
    struct reader r = {.x = x};
    struct kl_sst *s = &x->sst;
    KL_TRY(kl_sst_init(s));
    kl_package_open(&x->pk, m);
    KL_TRY(read_all(&r));
    if (r.in_si) {
        KL_TRY(end_string(&r)); /* cut short: what was read counts */
    }
    if (r.in_part) {
        KL_TRY(kl_emit_part_end(x->pk.e));
    }
    KL_TRY(kl_sst_close(s));
    return kl_package_close(&x->pk);
}

enum kl_rc kl_xlsx_sst_rest(struct kl_xlsx *x)
{
    return kl_sst_rest(&x->sst, x->pk.e);
}
