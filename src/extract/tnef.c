/*
 * winmail.dat (TNEF): a message of Outlook's in one stream of attributes.
 * Source: [MS-OXTNEF] 2.1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "extract/binary.h"
#include "extract/decoded.h"
#include "extract/extract.h"
#include "extract/lzfu.h"
#include "extract/mapi.h"
#include "extract/range.h"

#define HEAD_BYTES 6u
#define ATTR_BYTES 9u /* level, id, length */
#define SHORT_BYTES 4096u
#define TEXT_BYTES 1048576u
#define MAX_VALUES 65536u /* of one property */

/* The lower halves of the attributes' ids. */
enum {
    ATT_FROM = 0x8000,
    ATT_SUBJECT = 0x8004,
    ATT_BODY = 0x800C,
    ATT_DATA = 0x800F,
    ATT_TITLE = 0x8010,
    ATT_REND = 0x9002, /* begins an attachment */
    ATT_PROPS = 0x9003,
    ATT_RECIPIENTS = 0x9004,
    ATT_ATTACHMENT = 0x9005,
    ATT_CODEPAGE = 0x9007,
};

struct piece {
    uint64_t from;
    uint64_t to;
};

struct tnef {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_codepage set;
    struct kl_buf text;
    struct kl_buf name; /* of the attachment that is open */
    bool has_long_name;
    struct piece data;   /* its bytes */
    struct piece object; /* or a message in it */
    unsigned n_attachments;
};

/* ---- strings ---- */

static enum kl_rc flush_text(struct tnef *t)
{
    struct kl_input in = kl_input_mem(kl_buf_span(&t->text));

    if (in.len_bytes == 0) {
        return KL_OK;
    }
    KL_TRY(kl_extract_text(t->e, &in));
    t->text.len = 0;
    return KL_OK;
}

/* A short string, decoded, appended to `out`. */
static enum kl_rc add_string(struct tnef *t, struct piece p, bool wide, struct kl_buf *out)
{
    uint8_t raw[SHORT_BYTES];
    uint8_t text[3 * SHORT_BYTES + 8];
    size_t n = 0;

    size_t want = p.to - p.from < sizeof(raw) ? (size_t)(p.to - p.from) : sizeof(raw);
    if (kl_input_read(t->in, p.from, raw, want, &n) != KL_OK) {
        return kl_emit_not_inspected(t->e, KL_REASON_IO, p.to - p.from);
    }
    struct kl_decoder d = kl_decoder_init(wide ? kl_codepage_by_number(1200) : t->set);
    n = kl_decoder_add(&d, kl_span_make(raw, n), text);
    while (n > 0 && text[n - 1] == 0) {
        n--;
    }
    for (size_t k = 0; k < n; k++) {
        text[k] = text[k] == 0 ? ' ' : text[k];
    }
    enum kl_rc rc = kl_buf_add(out, text, n);
    return rc == KL_E_LIMIT ? KL_OK : rc; /* a name of an attachment: long enough */
}

/* Without the zeros that end it. */
static struct piece trim(struct tnef *t, struct piece p)
{
    uint8_t last = 0;
    size_t n = 1;

    for (unsigned k = 0; k < 4 && p.to > p.from && last == 0 && n == 1; k++) {
        if (kl_input_read(t->in, p.to - 1, &last, 1, &n) != KL_OK) {
            break;
        }
        p.to -= last == 0 && n == 1;
    }
    return p;
}

/* A string as a line of the text; a long one as a text of its own. */
static enum kl_rc take_string(struct tnef *t, struct piece p, bool wide, unsigned id,
                              const char *name)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%04X", id);
    if (p.to - p.from > SHORT_BYTES || id == KL_MAPI_BODY) {
        struct kl_range r;
        p = wide ? p : trim(t, p);
        kl_range_init(&r, t->in, p.from, p.to);
        KL_TRY(flush_text(t));
        return kl_decoded_extract(t->e, &r.in, wide ? kl_codepage_by_number(1200) : t->set,
                                  id == KL_MAPI_BODY ? KL_SPAN_LIT("body") : kl_span_str(number));
    }
    if (t->text.len + 4 * SHORT_BYTES > t->text.max_bytes) {
        KL_TRY(flush_text(t));
    }
    KL_TRY(kl_buf_addf(&t->text, "%s: ", name != NULL ? name : number));
    KL_TRY(add_string(t, p, wide, &t->text));
    return kl_buf_add_u8(&t->text, '\n');
}

/* ---- properties ---- */

/* A cursor over the properties of one attribute. */
struct props {
    struct tnef *t;
    uint64_t at;
    uint64_t end;
    bool bad;
    bool of_attachment;
};

static uint64_t props_take(struct props *p, unsigned n)
{
    uint8_t b[8] = {0};
    size_t got = 0;

    if (p->bad || n > p->end - p->at || kl_input_read(p->t->in, p->at, b, n, &got) != KL_OK ||
        got < n) {
        p->bad = true;
        return 0;
    }
    p->at += n;
    struct kl_rd r = kl_rd_init(kl_span_make(b, sizeof(b)));
    return kl_rd_le64(&r);
}

static void props_skip(struct props *p, uint64_t n)
{
    p->bad = p->bad || n > p->end - p->at;
    p->at += p->bad ? 0 : n;
}

static uint64_t padded(uint64_t n)
{
    return (n + 3) / 4 * 4;
}

/* The value of a property that has a length of its own. */
static enum kl_rc take_value(struct props *p, unsigned id, unsigned type, struct piece v)
{
    struct tnef *t = p->t;
    bool wide = type == KL_MAPI_UNICODE;
    bool string = wide || type == KL_MAPI_STRING;
    struct kl_range r;

    if (p->of_attachment && string && (id == KL_MAPI_LONG_NAME || id == KL_MAPI_SHORT_NAME) &&
        !t->has_long_name) {
        t->name.len = 0;
        t->has_long_name = id == KL_MAPI_LONG_NAME;
        KL_TRY(add_string(t, v, wide, &t->name));
    }
    if (string) {
        return take_string(t, v, wide, id, kl_mapi_name(id));
    }
    kl_range_init(&r, t->in, v.from, v.to);
    if (p->of_attachment && id == KL_MAPI_DATA &&
        (type == KL_MAPI_OBJECT || type == KL_MAPI_BINARY)) {
        t->object = v;
        t->object.from += type == KL_MAPI_OBJECT ? 16 : 0; /* which interface it is of */
        return KL_OK;
    }
    if (type != KL_MAPI_BINARY || r.in.len_bytes == 0) {
        return KL_OK; /* numbers, dates, keys of Outlook's own: see read_views */
    }
    if (id == KL_MAPI_RTF || id == KL_MAPI_HTML) {
        KL_TRY(flush_text(t));
        return id == KL_MAPI_RTF ? kl_lzfu_extract(t->e, &r.in, KL_SPAN_LIT("rtf"))
                                 : kl_plain_extract(t->e, &r.in, KL_SPAN_LIT("html"));
    }
    return KL_OK;
}

static unsigned fixed_bytes(unsigned type)
{
    switch (type) {
    case 0x02: /* 16 bits, padded */
    case 0x03:
    case 0x04:
    case 0x0A:
    case 0x0B:
    case 0x01:
        return 4;
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x14:
    case 0x40:
        return 8;
    case 0x48:
        return 16;
    default:
        return 0;
    }
}

/* A named property says its name in between. */
static void skip_name(struct props *p)
{
    props_skip(p, 16);
    uint64_t by_string = props_take(p, 4);
    uint64_t n = props_take(p, 4); /* its number, or the length of its name */
    props_skip(p, by_string != 0 ? padded(n) : 0);
}

static enum kl_rc read_prop(struct props *p)
{
    unsigned type = (unsigned)props_take(p, 2);
    unsigned id = (unsigned)props_take(p, 2);
    bool many = (type & KL_MAPI_MANY) != 0;

    type &= ~KL_MAPI_MANY;
    if (id >= 0x8000) {
        skip_name(p);
    }
    unsigned fixed = fixed_bytes(type);
    bool sized = type == KL_MAPI_STRING || type == KL_MAPI_UNICODE || type == KL_MAPI_OBJECT ||
                 type == KL_MAPI_BINARY;
    uint64_t n = many || sized ? props_take(p, 4) : 1;
    p->bad = p->bad || (!sized && fixed == 0) || n > MAX_VALUES;
    for (uint64_t k = 0; k < n && !p->bad; k++) {
        if (!sized) {
            props_skip(p, fixed);
            continue;
        }
        uint64_t len = props_take(p, 4);
        if (p->bad || len > p->end - p->at) {
            p->bad = true;
            break;
        }
        KL_TRY(take_value(p, id, type, (struct piece){p->at, p->at + len}));
        props_skip(p, padded(len) < p->end - p->at ? padded(len) : p->end - p->at);
    }
    return KL_OK;
}

static enum kl_rc read_props(struct props *p)
{
    uint64_t n = props_take(p, 4);

    for (uint64_t k = 0; k < n && !p->bad && p->at < p->end; k++) {
        KL_TRY(read_prop(p));
    }
    return p->bad ? kl_emit_anomaly(p->t->e, "tnef.property") : KL_OK;
}

static enum kl_rc read_recipients(struct props *p)
{
    uint64_t n = props_take(p, 4);

    for (uint64_t k = 0; k < n && !p->bad && p->at < p->end; k++) {
        KL_TRY(read_props(p));
    }
    return KL_OK;
}

/* ---- attachments ---- */

static enum kl_rc extract_piece(struct tnef *t, struct piece p, struct kl_span name)
{
    struct kl_range r;

    kl_range_init(&r, t->in, p.from, p.to);
    return r.in.len_bytes > 0 ? kl_plain_extract(t->e, &r.in, name) : KL_OK;
}

/* The attachment that is open, now that its name is known. */
static enum kl_rc end_attachment(struct tnef *t)
{
    uint8_t name[SHORT_BYTES];

    if (t->n_attachments == 0 || (t->data.to == 0 && t->object.to == 0)) {
        return KL_OK;
    }
    KL_TRY(flush_text(t));
    int n = snprintf((char *)name, sizeof(name), "%u%s%.*s", t->n_attachments,
                     t->name.len > 0 ? "/" : "", (int)t->name.len, (const char *)t->name.ptr);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(name) ? (size_t)n : sizeof(name) - 1;
    struct kl_span path = kl_span_make(name, len);
    KL_TRY(extract_piece(t, t->data, path));
    KL_TRY(extract_piece(t, t->object, path));
    t->data = t->object = (struct piece){0, 0};
    return KL_OK;
}

/* ---- attributes ---- */

static enum kl_rc take_attribute(struct tnef *t, unsigned id, struct piece p)
{
    struct props props = {t, p.from, p.to, false, id == ATT_ATTACHMENT};
    uint8_t number[4] = {0};
    size_t n = 0;

    switch (id) {
    case ATT_CODEPAGE: {
        kl_ignore(kl_input_read(t->in, p.from, number, sizeof(number), &n), "no code page");
        struct kl_rd r = kl_rd_init(kl_span_make(number, n));
        t->set = kl_codepage_by_number(kl_rd_le32(&r));
        return KL_OK;
    }
    case ATT_PROPS:
    case ATT_ATTACHMENT:
        return read_props(&props);
    case ATT_RECIPIENTS:
        return read_recipients(&props);
    case ATT_BODY:
        return take_string(t, p, false, KL_MAPI_BODY, NULL);
    case ATT_SUBJECT:
        return take_string(t, p, false, id, "Subject");
    case ATT_FROM:
        return take_string(t, p, false, id, "From");
    case ATT_REND:
        KL_TRY(end_attachment(t));
        t->n_attachments++;
        t->name.len = 0;
        t->has_long_name = false;
        return KL_OK;
    case ATT_TITLE:
        if (t->name.len == 0) {
            KL_TRY(add_string(t, p, false, &t->name));
        }
        return take_string(t, p, false, id, "File");
    case ATT_DATA:
        t->n_attachments += t->n_attachments == 0;
        t->data = p;
        return KL_OK;
    default:
        return KL_OK;
    }
}

/* All attributes; *out_at: behind the last good one. */
static enum kl_rc read_attributes(struct tnef *t, uint64_t *out_at)
{
    uint64_t at = HEAD_BYTES;
    uint8_t head[ATTR_BYTES];
    size_t n = 0;

    *out_at = at;
    while (at < t->in->len_bytes) {
        if (kl_input_read(t->in, at, head, sizeof(head), &n) != KL_OK || n < sizeof(head)) {
            break;
        }
        struct kl_rd r = kl_rd_init(kl_span_make(head, n));
        unsigned level = kl_rd_u8(&r);
        unsigned id = kl_rd_le32(&r) & 0xFFFF;
        uint64_t len = kl_rd_le32(&r);
        uint64_t left = t->in->len_bytes - at - ATTR_BYTES;
        if (level < 1 || level > 2) {
            break;
        }
        uint64_t have = len < left ? len : left;
        KL_TRY(take_attribute(t, id, (struct piece){at + ATTR_BYTES, at + ATTR_BYTES + have}));
        at += ATTR_BYTES + have + 2;
        *out_at = at < t->in->len_bytes ? at : t->in->len_bytes;
        if (len > left) {
            return kl_emit_anomaly(t->e, "tnef.cut");
        }
    }
    return KL_OK;
}

static enum kl_rc read_all(struct tnef *t)
{
    uint64_t at = 0;

    KL_TRY(read_attributes(t, &at));
    KL_TRY(end_attachment(t));
    KL_TRY(flush_text(t));
    if (at < t->in->len_bytes) {
        KL_TRY(kl_emit_anomaly(t->e, "tnef.rest"));
    }
    /* Numbers, names of properties, what is no attribute: whatever text is in there shows. */
    return kl_extract_binary(t->e, t->in);
}

enum kl_rc kl_extract_tnef(struct kl_emit *e, const struct kl_input *in)
{
    struct tnef t = {.e = e, .in = in};

    kl_buf_init(&t.text, TEXT_BYTES);
    kl_buf_init(&t.name, SHORT_BYTES - 64);
    enum kl_rc rc = read_all(&t);
    kl_buf_done(&t.text);
    kl_buf_done(&t.name);
    return rc;
}
