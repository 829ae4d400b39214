#include "extract/mail_words.h"

#include "base/hex.h"
#include "extract/base64.h"

#define MAX_PIECES 64u /* of one parameter */
#define WORD_BYTES 1024u

/* ---- encoded words ---- */

struct word {
    struct kl_span charset;
    struct kl_span text;
    bool is_base64;
    size_t end; /* behind it, in the value */
};

static size_t find_byte(struct kl_span s, size_t from, uint8_t c)
{
    const uint8_t *p = from < s.len ? memchr(s.ptr + from, c, s.len - from) : NULL;
    return p != NULL ? (size_t)(p - s.ptr) : s.len;
}

/* The word at `at`: =?charset*language?B?text?= */
static bool word_at(struct kl_span v, size_t at, struct word *w)
{
    if (v.len - at < 8 || v.ptr[at] != '=' || v.ptr[at + 1] != '?') {
        return false;
    }
    size_t q1 = find_byte(v, at + 2, '?');
    if (q1 + 3 > v.len || v.ptr[q1 + 2] != '?') {
        return false;
    }
    uint8_t kind = v.ptr[q1 + 1] | 0x20;
    size_t end = q1 + 3;
    while (end + 1 < v.len && !(v.ptr[end] == '?' && v.ptr[end + 1] == '=')) {
        end++;
    }
    if ((kind != 'b' && kind != 'q') || end + 1 >= v.len || q1 - at > 64) {
        return false;
    }
    w->charset = kl_span_part(v, at + 2, q1);
    w->charset = kl_span_part(w->charset, 0, find_byte(w->charset, 0, '*'));
    w->text = kl_span_part(v, q1 + 3, end);
    w->is_base64 = kind == 'b';
    w->end = end + 2;
    return true;
}

/* What an encoded word stands for, in its own set; `base64` goes on from word to word. */
static size_t word_bytes(const struct word *w, struct kl_span text, struct kl_base64 *base64,
                         uint8_t *out)
{
    size_t n = 0;

    if (w->is_base64) {
        return kl_base64_add(base64, text, out);
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        int high = c == '=' && i + 2 < text.len ? kl_hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? kl_hex_value(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = c == '_' ? ' ' : c;
        }
    }
    return n;
}

static enum kl_rc add_decoded(struct kl_buf *out, struct kl_decoder *d, struct kl_span bytes)
{
    uint8_t text[3 * WORD_BYTES + 16];
    return kl_buf_add(out, text, kl_decoder_add(d, bytes, text));
}

/* One word; the decoder and the base64 of the word before go on when it is a neighbour. */
static enum kl_rc add_word(struct kl_buf *out, const struct word *w, struct kl_decoder *d,
                           struct kl_base64 *base64)
{
    uint8_t bytes[WORD_BYTES + 4];
    size_t step = WORD_BYTES;

    for (size_t at = 0; at < w->text.len; at += step) {
        step = w->text.len - at < WORD_BYTES ? w->text.len - at : WORD_BYTES;
        /* Not inside "=XX". */
        while (!w->is_base64 && at + step < w->text.len && step > WORD_BYTES - 3 &&
               (w->text.ptr[at + step - 1] == '=' || w->text.ptr[at + step - 2] == '=')) {
            step--;
        }
        size_t n = word_bytes(w, kl_span_part(w->text, at, at + step), base64, bytes);
        KL_TRY(add_decoded(out, d, kl_span_make(bytes, n)));
    }
    size_t n = kl_base64_end(base64, bytes);
    return add_decoded(out, d, kl_span_make(bytes, n));
}

static size_t skip_white(struct kl_span v, size_t at)
{
    while (at < v.len &&
           (v.ptr[at] == ' ' || v.ptr[at] == '\t' || v.ptr[at] == '\r' || v.ptr[at] == '\n')) {
        at++;
    }
    return at;
}

enum kl_rc kl_mail_words_add(struct kl_buf *out, struct kl_span v)
{
    struct kl_decoder d = {0};
    struct kl_span charset = {0};
    size_t plain = 0; /* from here on nothing was put out */
    size_t at = 0;
    bool after_word = false;

    while (at < v.len) {
        struct word w;
        size_t eq = find_byte(v, at, '=');
        if (eq == v.len) {
            break;
        }
        if (!word_at(v, eq, &w)) {
            at = eq + 1;
            continue;
        }
        /* White space between two words is none. */
        bool joined = after_word && skip_white(v, plain) == eq;
        if (!joined) {
            KL_TRY(kl_buf_add(out, v.ptr + plain, eq - plain));
        }
        if (!joined || !kl_span_eq(charset, w.charset)) {
            d = kl_decoder_init(kl_codepage_by_name(w.charset));
            charset = w.charset;
        }
        struct kl_base64 base64 = {0};
        KL_TRY(add_word(out, &w, &d, &base64));
        at = plain = w.end;
        after_word = true;
    }
    return plain < v.len ? kl_buf_add(out, v.ptr + plain, v.len - plain) : KL_OK;
}

/* ---- parameters ---- */

struct piece {
    unsigned number;
    bool is_encoded; /* %XX */
    struct kl_span text;
};

static bool is_attr_end(uint8_t c)
{
    return c == '=' || c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value behind '=': quoted (without its quotes) or up to the next ';'. */
static struct kl_span take_value(struct kl_span v, size_t *at)
{
    size_t from = skip_white(v, *at);

    if (from < v.len && v.ptr[from] == '"') {
        size_t end = from + 1;
        while (end < v.len && v.ptr[end] != '"') {
            end += v.ptr[end] == '\\' ? 2 : 1;
        }
        *at = end < v.len ? end + 1 : v.len;
        return kl_span_part(v, from + 1, end);
    }
    size_t end = find_byte(v, from, ';');
    *at = end;
    return kl_span_trim(kl_span_part(v, from, end));
}

/* The next "name=value"; false at the end. */
static bool next_param(struct kl_span v, size_t *at, struct kl_span *name, struct kl_span *value)
{
    while (*at < v.len) {
        size_t from = *at;
        while (from < v.len && (v.ptr[from] == ';' || is_attr_end(v.ptr[from]))) {
            from++;
        }
        size_t end = from;
        while (end < v.len && !is_attr_end(v.ptr[end])) {
            end++;
        }
        size_t eq = skip_white(v, end);
        *name = kl_span_part(v, from, end);
        if (eq < v.len && v.ptr[eq] == '=') {
            *at = eq + 1;
            *value = take_value(v, at);
            return true;
        }
        *at = end > *at ? end : *at + 1;
    }
    return false;
}

/* name, name*, name*0, name*0*: which piece of `want` it is; false: another's. */
static bool is_piece_of(struct kl_span name, const char *want, struct piece *p)
{
    size_t len = strlen(want);
    struct kl_span rest = kl_span_part(name, len, name.len);

    if (name.len < len || !kl_mail_is(kl_span_part(name, 0, len), want)) {
        return false;
    }
    p->number = 0;
    p->is_encoded = false;
    if (rest.len == 0) {
        return true;
    }
    if (rest.ptr[0] != '*') {
        return false;
    }
    size_t i = 1;
    while (i < rest.len && (uint8_t)(rest.ptr[i] - '0') < 10 && p->number < MAX_PIECES) {
        p->number = p->number * 10 + rest.ptr[i] - '0';
        i++;
    }
    p->is_encoded = rest.len == 1 || (i < rest.len && rest.ptr[i] == '*');
    return true;
}

static void name_put(struct kl_mail_name *n, const uint8_t *ptr, size_t len)
{
    size_t room = sizeof(n->ptr) - n->len;
    len = len < room ? len : room;
    memcpy(n->ptr + n->len, ptr, len);
    n->len += len;
}

/* Undo %XX or backslashes, then the set. */
static void piece_put(const struct piece *p, struct kl_decoder *d, struct kl_mail_name *out)
{
    for (size_t i = 0; i < p->text.len; i++) {
        uint8_t c = p->text.ptr[i];
        uint8_t text[16];
        bool more = i + 2 < p->text.len;
        int high = p->is_encoded && c == '%' && more ? kl_hex_value(p->text.ptr[i + 1]) : -1;
        int low = high >= 0 ? kl_hex_value(p->text.ptr[i + 2]) : -1;
        if (low >= 0) {
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (!p->is_encoded && c == '\\' && i + 1 < p->text.len &&
                   (p->text.ptr[i + 1] == '"' || p->text.ptr[i + 1] == '\\')) {
            c = p->text.ptr[++i];
        } else if (c == '\r' || c == '\n') {
            continue;
        }
        name_put(out, text, kl_decoder_add(d, kl_span_make(&c, 1), text));
    }
}

/* charset'language' in front of the first piece. */
static struct kl_codepage take_charset(struct piece *p)
{
    size_t q1 = find_byte(p->text, 0, '\'');
    size_t q2 = find_byte(p->text, q1 + 1, '\'');
    struct kl_codepage set = {0};

    if (p->is_encoded && q2 < p->text.len) {
        set = kl_codepage_by_name(kl_span_part(p->text, 0, q1));
        p->text = kl_span_part(p->text, q2 + 1, p->text.len);
    }
    return set;
}

/* Names are often written as encoded words, though they should not be. */
static void undo_words(struct kl_mail_name *n)
{
    struct kl_buf buf;
    size_t len = 0;

    kl_buf_init(&buf, 4 * KL_MAIL_NAME_BYTES);
    if (kl_mail_words_add(&buf, kl_span_make(n->ptr, n->len)) == KL_OK) {
        len = buf.len < sizeof(n->ptr) ? buf.len : sizeof(n->ptr);
        memcpy(n->ptr, buf.ptr, len);
        n->len = len;
    }
    kl_buf_done(&buf);
}

bool kl_mail_param_get(struct kl_span value, const char *name, unsigned nth,
                       struct kl_mail_name *out)
{
    struct piece pieces[MAX_PIECES] = {0};
    struct kl_span attr;
    struct kl_span text;
    size_t at = find_byte(value, 0, ';');
    unsigned n = 0;
    unsigned wholes = 0; /* plain "name=" met */
    bool any = false;

    while (n < MAX_PIECES && next_param(value, &at, &attr, &text)) {
        struct piece p = {0, false, text};
        if (!is_piece_of(attr, name, &p)) {
            continue;
        }
        bool whole = kl_mail_is(attr, name);
        if (!whole || wholes++ == nth) {
            pieces[n++] = p;
            any = any || whole || nth == 0;
        }
    }
    out->len = 0;
    if (!any) {
        return false;
    }
    struct kl_decoder d = {0};
    for (unsigned k = 0; k < MAX_PIECES; k++) {
        for (unsigned i = 0; i < n; i++) {
            if (pieces[i].number == k) {
                if (k == 0) {
                    d = kl_decoder_init(take_charset(&pieces[i]));
                }
                piece_put(&pieces[i], &d, out);
            }
        }
    }
    if (find_byte(kl_span_make(out->ptr, out->len), 0, '=') < out->len && out->len > 0) {
        undo_words(out);
    }
    return true;
}
