/*
 * vCards 2.1 to 4.0 as rows: a card is a line, the parts of its values are cells; folded lines
 * are joined, quoted-printable is undone.
 * Source: RFC 6350 3.2-3.3, RFC 2426, vCard 2.1 2.1.3.
 */
#include "base/hex.h"
#include "extract/rows.h"

enum state {
    LINE = 0, /* at the begin of a line */
    NAME,     /* and its parameters, up to ':' */
    VALUE,
    FOLD,   /* behind a line end: white space goes on */
    ESCAPE, /* behind a backslash */
    QP,     /* behind '=' */
};

static void line(struct kl_rows *r, uint8_t c);

static void put_char(struct kl_rows *r, uint8_t c)
{
    if (c > ' ') {
        kl_rows_text(r, c);
    } else {
        r->is_blank = true;
    }
}

/* The parameters are looked at through the last letters that went by. */
static void remember(struct kl_rows *r, uint8_t c)
{
    if (r->n_name == sizeof(r->name) - 1) {
        memmove(r->name, r->name + 1, sizeof(r->name) - 2);
        r->n_name--;
    }
    r->name[r->n_name++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    r->name[r->n_name] = '\0';
    r->is_qp = r->is_qp || strstr(r->name, "quoted-print") != NULL;
}

static void name(struct kl_rows *r, uint8_t c)
{
    if (c == '\n') {
        r->state = LINE;
    } else if (c == ':') {
        bool end = strcmp(r->name, "end") == 0;
        bool begin = strcmp(r->name, "begin") == 0;
        r->state = VALUE;
        r->is_gap = true;
        r->is_value = !end && !begin && strcmp(r->name, "version") != 0;
        if (end || begin) {
            kl_rows_end(r);
        }
    } else {
        remember(r, c);
    }
}

static void value(struct kl_rows *r, uint8_t c)
{
    r->state = VALUE;
    if (c == '\n') {
        r->state = FOLD;
    } else if (c == '\r' || !r->is_value) {
        return;
    } else if (c == ';' || c == ',') {
        r->is_gap = true;
    } else if (c == '\\') {
        r->state = ESCAPE;
    } else if (c == '=' && r->is_qp) {
        r->state = QP;
        r->n_keep = 0;
    } else {
        put_char(r, c);
    }
}

static void fold(struct kl_rows *r, uint8_t c)
{
    if (c == ' ' || c == '\t') {
        r->state = VALUE;
    } else {
        line(r, c);
    }
}

static void escape(struct kl_rows *r, uint8_t c)
{
    r->state = VALUE;
    put_char(r, c == 'n' || c == 'N' ? ' ' : c);
}

/* "=XX", or a line end that is none. */
static void qp(struct kl_rows *r, uint8_t c)
{
    int v = kl_hex_value(c);

    if (c == '\r') {
        return;
    }
    if (c == '\n') {
        r->state = VALUE;
        return;
    }
    if (v < 0) {
        put_char(r, '=');
        value(r, c);
        return;
    }
    r->keep[r->n_keep++] = (uint8_t)v;
    if (r->n_keep == 2) {
        r->state = VALUE;
        uint8_t b = (uint8_t)(r->keep[0] << 4 | r->keep[1]);
        if (b == ';' || b == ',') {
            r->is_gap = true;
        } else {
            put_char(r, b);
        }
    }
}

static void line(struct kl_rows *r, uint8_t c)
{
    r->n_name = 0;
    r->name[0] = '\0';
    r->is_qp = false;
    r->state = NAME;
    name(r, c);
}

void kl_rows_vcard(struct kl_rows *r, struct kl_span in)
{
    static void (*const steps[])(struct kl_rows * r, uint8_t c) = {
        [LINE] = line, [NAME] = name, [VALUE] = value, [FOLD] = fold, [ESCAPE] = escape, [QP] = qp,
    };
    for (size_t i = 0; i < in.len; i++) {
        steps[r->state](r, in.ptr[i]);
    }
}
