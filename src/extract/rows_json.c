/*
 * JSON over many lines as rows: an object in an array, or on its own, is a line; its values are
 * cells. Keys are left to the plain text.
 */
#include "extract/rows.h"

#include "base/fold.h"

enum state {
    OUTSIDE = 0,
    STRING,
    ESCAPE,  /* behind a backslash */
    UNICODE, /* the digits of \u */
    BARE,    /* a number, true, null */
};

/* A string is a key until something else than ':' follows: the first in an object is one. */
static bool is_key(const struct kl_rows *r)
{
    bool object = r->depth > 0 && r->depth <= KL_ROWS_DEPTH && !r->has_children[r->depth - 1];
    return object && !r->is_value;
}

static void put_char(struct kl_rows *r, uint8_t c)
{
    if (is_key(r)) {
        return;
    }
    if (c > ' ') {
        kl_rows_text(r, c);
    } else {
        r->is_blank = true;
    }
}

static void opened(struct kl_rows *r, bool is_array)
{
    if (r->depth < KL_ROWS_DEPTH) {
        r->has_children[r->depth] = is_array;
    }
    r->depth++;
    r->is_value = false;
    r->is_gap = true;
}

static void closed(struct kl_rows *r)
{
    r->is_broken = r->depth == 0;
    r->depth -= r->depth > 0;
    bool in_array = r->depth > 0 && r->depth <= KL_ROWS_DEPTH && r->has_children[r->depth - 1];
    if (r->depth == 0 || in_array) {
        kl_rows_end(r);
    }
    r->is_value = false;
    r->is_gap = true;
}

static void outside(struct kl_rows *r, uint8_t c)
{
    switch (c) {
    case '{':
    case '[':
        opened(r, c == '[');
        break;
    case '}':
    case ']':
        closed(r);
        break;
    case ':':
        r->is_value = true;
        break;
    case ',':
        r->is_value = false;
        r->is_gap = true;
        break;
    case '"':
        r->state = STRING;
        r->is_gap = true;
        break;
    case '\n':
        if (r->depth == 0) {
            kl_rows_end(r);
        }
        break;
    default:
        if (c > ' ') {
            r->state = BARE;
            r->is_gap = true;
            put_char(r, c);
        }
        break;
    }
}

static void bare(struct kl_rows *r, uint8_t c)
{
    if (c <= ' ' || c == ',' || c == '}' || c == ']' || c == ':' || c == '{' || c == '[' ||
        c == '"') {
        r->state = OUTSIDE;
        outside(r, c);
    } else {
        put_char(r, c);
    }
}

static void unicode(struct kl_rows *r, uint8_t c)
{
    uint8_t low = c | 0x20;
    int v = (uint8_t)(c - '0') < 10 ? c - '0' : (uint8_t)(low - 'a') < 6 ? low - 'a' + 10 : -1;

    if (v < 0) {
        r->state = STRING;
        return;
    }
    r->keep[r->n_keep++] = (uint8_t)v;
    if (r->n_keep < 4) {
        return;
    }
    r->state = STRING;
    uint32_t cp = (uint32_t)r->keep[0] << 12 | (uint32_t)r->keep[1] << 8 |
                  (uint32_t)r->keep[2] << 4 | r->keep[3];
    uint8_t out[4];
    /* Halves of a pair, both: no letter of ours is one. */
    size_t n = cp == 0 || (cp >= 0xD800 && cp < 0xE000) ? 0 : kl_utf8_put(cp, out);
    for (size_t i = 0; i < n; i++) {
        put_char(r, out[i]);
    }
}

static void escape(struct kl_rows *r, uint8_t c)
{
    r->state = STRING;
    switch (c) {
    case 'u':
        r->state = UNICODE;
        r->n_keep = 0;
        break;
    case 'n':
    case 't':
    case 'r':
    case 'b':
    case 'f':
        put_char(r, ' ');
        break;
    default:
        put_char(r, c);
        break;
    }
}

static void string(struct kl_rows *r, uint8_t c)
{
    if (c == '"') {
        r->state = OUTSIDE;
    } else if (c == '\\') {
        r->state = ESCAPE;
    } else {
        put_char(r, c);
    }
}

void kl_rows_json(struct kl_rows *r, struct kl_span in)
{
    static void (*const steps[])(struct kl_rows * r, uint8_t c) = {
        [OUTSIDE] = outside, [STRING] = string, [ESCAPE] = escape,
        [UNICODE] = unicode, [BARE] = bare,
    };
    for (size_t i = 0; i < in.len && !r->is_broken; i++) {
        steps[r->state](r, in.ptr[i]);
    }
}
