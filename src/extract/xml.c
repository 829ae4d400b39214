#include "extract/xml.h"

#include <stdlib.h>

#include "base/fold.h"

#define BACK_BYTES 16u /* an entity or _xHHHH_ is not cut: look back this far */
#define WIDE_BYTES 16384u
#define BYTE_ORDER_MARK 0xFEFFu

enum inside {
    INSIDE_NONE = 0,
    INSIDE_COMMENT,
    INSIDE_PI,
    INSIDE_DOCTYPE,
    INSIDE_CDATA,
};

enum kl_rc kl_xml_init(struct kl_xml *x, struct kl_xml_feed feed)
{
    uint8_t *buf = malloc(KL_XML_WINDOW_BYTES + KL_XML_PAD);
    if (buf == NULL) {
        return KL_E_NOMEM;
    }
    x->buf = buf;
    kl_xml_start(x, feed);
    return KL_OK;
}

void kl_xml_start(struct kl_xml *x, struct kl_xml_feed feed)
{
    uint8_t *buf = x->buf;
    memset(buf, 0, KL_XML_PAD);
    *x = (struct kl_xml){.feed = feed, .buf = buf, .p = buf, .end = buf};
}

void kl_xml_done(struct kl_xml *x)
{
    free(x->buf);
    x->buf = NULL;
}

/* ---- the window ---- */

static uint32_t unit_at(const struct kl_xml *x, const uint8_t *p)
{
    return x->wide == 2 ? (uint32_t)p[0] | (uint32_t)p[1] << 8
                        : (uint32_t)p[0] << 8 | (uint32_t)p[1];
}

/* UTF-16 to UTF-8; returns bytes written, the unfinished rest is kept in odd. */
static size_t narrow(struct kl_xml *x, const uint8_t *raw, size_t n, bool last, uint8_t *dst)
{
    size_t w = 0;
    size_t at = 0;
    while (n - at >= 2) {
        uint32_t cp = unit_at(x, raw + at);
        size_t len = 2;
        if (cp >= 0xD800 && cp < 0xDC00) {
            if (n - at < 4 && !last) {
                break;
            }
            uint32_t low = n - at >= 4 ? unit_at(x, raw + at + 2) : 0;
            bool pair = low >= 0xDC00 && low < 0xE000;
            cp = pair ? 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            len = pair ? 4 : 2;
        } else if (cp >= 0xDC00 && cp < 0xE000) {
            cp = 0xFFFD;
        }
        uint8_t four[4];
        size_t k = cp == BYTE_ORDER_MARK ? 0 : kl_utf8_put(cp, four);
        memcpy(dst + w, four, k);
        w += k;
        at += len;
    }
    x->n_odd = last ? 0 : (uint8_t)(n - at);
    memcpy(x->odd, raw + at, x->n_odd);
    return w;
}

static enum kl_rc fill_wide(struct kl_xml *x, uint8_t *dst, size_t room, size_t *out_n)
{
    uint8_t raw[WIDE_BYTES + 4];
    size_t w = 0;
    while (room - w >= (WIDE_BYTES + 4) * 2 && !x->eof) {
        size_t n = 0;
        memcpy(raw, x->odd, x->n_odd);
        KL_TRY(x->feed.read(x->feed.ctx, raw + x->n_odd, WIDE_BYTES, &n));
        x->eof = n == 0;
        w += narrow(x, raw, n + x->n_odd, x->eof, dst + w);
    }
    *out_n = w;
    return KL_OK;
}

static uint8_t wide_of(const uint8_t *p, size_t n)
{
    if (n < 2) {
        return 1;
    }
    if ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == '<' && p[1] == 0)) {
        return 2;
    }
    return (p[0] == 0xFE && p[1] == 0xFF) || (p[0] == 0 && p[1] == '<') ? 3 : 1;
}

/* The first four bytes decide how to read; they wait in odd when they are UTF-16. */
static enum kl_rc begin(struct kl_xml *x, uint8_t *dst, size_t *out_n)
{
    size_t n = 0;
    uint8_t head[4];
    while (n < sizeof head) {
        size_t got = 0;
        KL_TRY(x->feed.read(x->feed.ctx, head + n, sizeof head - n, &got));
        n += got;
        if (got == 0) {
            break;
        }
    }
    x->wide = wide_of(head, n);
    *out_n = 0;
    if (x->wide > 1) {
        x->n_odd = (uint8_t)n;
        memcpy(x->odd, head, n);
    } else {
        size_t bom = n >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        memcpy(dst, head + bom, n - bom);
        *out_n = n - bom;
    }
    return KL_OK;
}

enum kl_rc kl_xml_more(struct kl_xml *x)
{
    size_t have = (size_t)(x->end - x->p);
    memmove(x->buf, x->p, have);
    x->p = x->buf;
    enum kl_rc rc = KL_OK;
    size_t n = 0;
    if (x->wide == 0) {
        rc = begin(x, x->buf + have, &n);
        have += n;
    }
    n = 0;
    if (rc == KL_OK && x->wide > 1) {
        rc = fill_wide(x, x->buf + have, KL_XML_WINDOW_BYTES - have, &n);
    } else if (rc == KL_OK && !x->eof) {
        size_t want = KL_XML_WINDOW_BYTES - have;
        rc = x->feed.read(x->feed.ctx, x->buf + have, want, &n);
        x->eof = n == 0 && want > 0;
    }
    x->end = x->buf + have + n;
    memset(x->buf + have + n, 0, KL_XML_PAD);
    return rc;
}

static size_t left(const struct kl_xml *x)
{
    return (size_t)(x->end - x->p);
}

static struct kl_span window(const struct kl_xml *x)
{
    return kl_span_make(x->p, left(x));
}

/* More bytes, if the window can take some and there are any; false: neither. */
static bool try_more(struct kl_xml *x, enum kl_rc *rc)
{
    size_t before = left(x);
    if (*rc != KL_OK || x->eof || before >= KL_XML_WINDOW_BYTES) {
        return false;
    }
    *rc = kl_xml_more(x);
    return *rc == KL_OK && left(x) > before;
}

/* ---- tokens ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool starts(struct kl_span s, const char *lit)
{
    return kl_span_is(kl_span_part(s, 0, strlen(lit)), lit);
}

/* Skip up to and with `stop`; a construct may be longer than the window. */
static enum kl_rc skip_to(struct kl_xml *x, const char *stop)
{
    struct kl_span lit = kl_span_str(stop);
    enum kl_rc rc = KL_OK;
    for (;;) {
        size_t at = kl_span_find(window(x), 0, lit);
        if (at < left(x)) {
            x->p += at + lit.len;
            x->inside = INSIDE_NONE;
            return KL_OK;
        }
        size_t keep = left(x) < lit.len - 1 ? left(x) : lit.len - 1;
        x->p = x->end - keep;
        if (!try_more(x, &rc)) {
            x->p = x->end;
            return rc;
        }
    }
}

/* <!DOCTYPE … [ … ]>: brackets are counted, quotes respected. */
static enum kl_rc skip_doctype(struct kl_xml *x)
{
    enum kl_rc rc = KL_OK;
    unsigned depth = 0;
    uint8_t quote = 0;
    x->has_doctype = true;
    do {
        while (x->p < x->end) {
            uint8_t c = *x->p++;
            if (quote != 0) {
                quote = c == quote ? 0 : quote;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (c == '[') {
                depth++;
            } else if (c == ']') {
                depth -= depth > 0;
            } else if (c == '>' && depth == 0) {
                x->inside = INSIDE_NONE;
                return KL_OK;
            }
        }
    } while (try_more(x, &rc));
    return rc;
}

/*
 * Offset of the '>' that ends the tag at s.ptr[0] == '<', of a '<' before it (then it is no
 * tag: XML has none there, and a scan that went on would be quadratic), or s.len.
 */
static size_t tag_end(struct kl_span s)
{
    uint8_t quote = 0;
    for (size_t i = 1; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if (c == '<') {
            return i;
        }
        if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return i;
        }
    }
    return s.len;
}

static struct kl_span local_name(struct kl_span name)
{
    const uint8_t *colon = memchr(name.ptr, ':', name.len);
    return colon == NULL ? name : kl_span_part(name, (size_t)(colon - name.ptr) + 1, name.len);
}

static void parse_tag(struct kl_span tag, struct kl_xml_token *t)
{
    /* tag: between '<' and '>' */
    bool is_end = tag.len > 0 && tag.ptr[0] == '/';
    t->kind = is_end ? KL_XML_END : KL_XML_START;
    t->is_empty = !is_end && tag.len > 0 && tag.ptr[tag.len - 1] == '/';
    tag = kl_span_part(tag, is_end ? 1 : 0, tag.len - (t->is_empty ? 1 : 0));
    size_t at = 0;
    while (at < tag.len && !is_space(tag.ptr[at])) {
        at++;
    }
    t->name = local_name(kl_span_part(tag, 0, at));
    t->attrs = kl_span_part(tag, at, tag.len);
}

size_t kl_xml_piece(struct kl_span s, size_t n)
{
    if (n >= s.len) {
        return s.len;
    }
    size_t at = n;
    for (size_t back = 1; back <= BACK_BYTES && back < n; back++) {
        uint8_t c = s.ptr[n - back];
        if (c == '&' || c == '_' || c >= 0xC0) {
            at = n - back;
        }
    }
    return at;
}

static enum kl_rc take_text(struct kl_xml *x, struct kl_xml_token *t)
{
    enum kl_rc rc = KL_OK;
    size_t from = *x->p == '<' ? 1 : 0; /* a '<' that begins no tag is text */
    size_t n;
    for (;;) {
        const uint8_t *lt = memchr(x->p + from, '<', left(x) - from);
        n = lt != NULL ? (size_t)(lt - x->p) : left(x);
        if (lt != NULL || !try_more(x, &rc)) {
            if (lt == NULL && !x->eof) {
                n = kl_xml_piece(kl_span_make(x->p, n + 1), n);
            }
            break;
        }
    }
    KL_TRY(rc);
    t->kind = KL_XML_TEXT;
    t->text = kl_span_make(x->p, n);
    x->p += n;
    return KL_OK;
}

static enum kl_rc take_cdata(struct kl_xml *x, struct kl_xml_token *t)
{
    enum kl_rc rc = KL_OK;
    size_t at;
    x->inside = INSIDE_CDATA;
    for (;;) {
        at = kl_span_find(window(x), 0, KL_SPAN_LIT("]]>"));
        if (at < left(x) || !try_more(x, &rc)) {
            break;
        }
    }
    KL_TRY(rc);
    t->kind = KL_XML_CDATA;
    if (at < left(x)) {
        t->text = kl_span_make(x->p, at);
        x->p += at + 3;
        x->inside = INSIDE_NONE;
        return KL_OK;
    }
    at = x->eof ? at : kl_xml_piece(window(x), at > 2 ? at - 2 : at);
    t->text = kl_span_make(x->p, at);
    x->p += at;
    return KL_OK;
}

static enum kl_rc take_tag(struct kl_xml *x, struct kl_xml_token *t)
{
    enum kl_rc rc = KL_OK;
    size_t at;
    for (;;) {
        at = tag_end(window(x));
        if (at < left(x) || !try_more(x, &rc)) {
            break;
        }
    }
    KL_TRY(rc);
    if (at >= left(x) || x->p[at] == '<') {
        x->has_long_tag |= at >= left(x) && !x->eof;
        return take_text(x, t);
    }
    parse_tag(kl_span_make(x->p + 1, at - 1), t);
    x->p += at + 1;
    return KL_OK;
}

static enum kl_rc go_on(struct kl_xml *x)
{
    switch (x->inside) {
    case INSIDE_COMMENT:
        return skip_to(x, "-->");
    case INSIDE_PI:
        return skip_to(x, "?>");
    case INSIDE_DOCTYPE:
        return skip_doctype(x);
    default:
        return KL_OK;
    }
}

/* What begins at '<'; a token or, for what is skipped, none. */
static enum kl_rc take_markup(struct kl_xml *x, struct kl_xml_token *t)
{
    struct kl_span s = window(x);
    if (starts(s, "<!--")) {
        x->inside = INSIDE_COMMENT;
        x->p += 4;
    } else if (starts(s, "<?")) {
        x->inside = INSIDE_PI;
        x->p += 2;
    } else if (starts(s, "<![CDATA[")) {
        x->p += 9;
        return take_cdata(x, t);
    } else if (starts(s, "<!")) {
        x->inside = INSIDE_DOCTYPE;
        x->p += 2;
    } else if (s.len > 1 && (s.ptr[1] == '/' || s.ptr[1] == '_' || s.ptr[1] >= 0x80 ||
                             ((s.ptr[1] | 32) >= 'a' && (s.ptr[1] | 32) <= 'z'))) {
        return take_tag(x, t);
    } else {
        return take_text(x, t);
    }
    return go_on(x);
}

enum kl_rc kl_xml_next(struct kl_xml *x, struct kl_xml_token *out_t)
{
    enum kl_rc rc = KL_OK;
    memset(out_t, 0, sizeof *out_t);
    while (rc == KL_OK && out_t->kind == KL_XML_NONE) {
        while (left(x) < BACK_BYTES && try_more(x, &rc)) {
        }
        KL_TRY(rc);
        if (x->p == x->end) {
            return KL_OK;
        }
        if (x->inside == INSIDE_CDATA) {
            rc = take_cdata(x, out_t);
        } else if (x->inside != INSIDE_NONE) {
            rc = go_on(x);
        } else if (*x->p == '<') {
            rc = take_markup(x, out_t);
        } else {
            rc = take_text(x, out_t);
        }
    }
    return rc;
}

/* ---- attributes ---- */

static size_t skip_space(struct kl_span s, size_t at)
{
    while (at < s.len && is_space(s.ptr[at])) {
        at++;
    }
    return at;
}

bool kl_xml_attr_next(struct kl_span attrs, size_t *at, struct kl_span *out_name,
                      struct kl_span *out_value)
{
    size_t from = skip_space(attrs, *at);
    size_t to = from;
    while (to < attrs.len && attrs.ptr[to] != '=' && !is_space(attrs.ptr[to])) {
        to++;
    }
    *out_name = local_name(kl_span_part(attrs, from, to));
    to = skip_space(attrs, to);
    if (to >= attrs.len || attrs.ptr[to] != '=') {
        /* A name without a value: not XML; go on behind it. */
        *out_value = kl_span_part(attrs, to, to);
        *at = to > from ? to : attrs.len;
        return to > from;
    }
    to = skip_space(attrs, to + 1);
    uint8_t quote = to < attrs.len ? attrs.ptr[to] : 0;
    if (quote != '"' && quote != '\'') {
        *out_value = kl_span_part(attrs, to, to);
        *at = to > from ? to : attrs.len;
        return true;
    }
    const uint8_t *stop = memchr(attrs.ptr + to + 1, quote, attrs.len - to - 1);
    size_t end = stop != NULL ? (size_t)(stop - attrs.ptr) : attrs.len;
    *out_value = kl_span_part(attrs, to + 1, end);
    *at = end < attrs.len ? end + 1 : end;
    return true;
}

bool kl_xml_attr(struct kl_span attrs, const char *name, struct kl_span *out_value)
{
    struct kl_span have;
    size_t at = 0;
    while (kl_xml_attr_next(attrs, &at, &have, out_value)) {
        if (kl_span_is(have, name)) {
            return true;
        }
    }
    *out_value = kl_span_part(attrs, 0, 0);
    return false;
}

bool kl_xml_attr_is_true(struct kl_span attrs, const char *name)
{
    struct kl_span v;
    return kl_xml_attr(attrs, name, &v) &&
           (kl_span_is(v, "1") || kl_span_is(v, "true") || kl_span_is(v, "on"));
}
