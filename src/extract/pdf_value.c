#include "extract/pdf_value.h"

#include "base/hex.h"

static bool is_delimiter(uint8_t c)
{
    return c == '(' || c == ')' || c == '<' || c == '>' || c == '[' || c == ']' || c == '{' ||
           c == '}' || c == '/' || c == '%';
}

static void put(struct kl_pdf_lex *l, uint8_t c)
{
    if (l->string_len < sizeof l->string) {
        l->string[l->string_len++] = c;
    }
}

/* Blanks and comments. */
static size_t skip(const struct kl_pdf_lex *l)
{
    size_t i = l->at;
    while (i < l->in.len && (kl_pdf_is_blank(l->in.ptr[i]) || l->in.ptr[i] == '%')) {
        if (l->in.ptr[i] == '%') {
            while (i < l->in.len && l->in.ptr[i] != '\n' && l->in.ptr[i] != '\r') {
                i++;
            }
        } else {
            i++;
        }
    }
    return i;
}

/* Behind a backslash; the place behind what it stands for. */
static size_t escape(struct kl_pdf_lex *l, size_t i)
{
    static const char from[] = "nrtbf";
    static const char to[] = "\n\r\t\b\f";
    uint8_t c = l->in.ptr[i];
    const char *known = c != 0 ? strchr(from, c) : NULL;

    if (known != NULL) {
        put(l, (uint8_t)to[known - from]);
        return i + 1;
    }
    if (c >= '0' && c <= '7') {
        unsigned v = 0;
        for (size_t k = 0; k < 3 && i < l->in.len && l->in.ptr[i] >= '0' && l->in.ptr[i] <= '7';
             k++) {
            v = v * 8 + (l->in.ptr[i++] - (unsigned)'0');
        }
        put(l, (uint8_t)v);
        return i;
    }
    if (c == '\r' && i + 1 < l->in.len && l->in.ptr[i + 1] == '\n') {
        return i + 2;
    }
    if (c != '\r' && c != '\n') {
        put(l, c);
    }
    return i + 1;
}

/* ( … ), with others in it; false: it does not end here. */
static bool literal(struct kl_pdf_lex *l, size_t i)
{
    unsigned depth = 1;
    while (i < l->in.len) {
        uint8_t c = l->in.ptr[i++];
        if (c == '\\' && i < l->in.len) {
            i = escape(l, i);
            continue;
        }
        depth += c == '(';
        depth -= c == ')';
        if (depth == 0) {
            l->at = i;
            return true;
        }
        put(l, c);
    }
    return false;
}

/* < … > */
static bool hex(struct kl_pdf_lex *l, size_t i)
{
    unsigned v = 0;
    unsigned n = 0;
    for (; i < l->in.len && l->in.ptr[i] != '>'; i++) {
        int d = kl_hex_value(l->in.ptr[i]);
        if (d < 0) {
            continue;
        }
        v = v << 4 | (unsigned)d;
        if (++n % 2 == 0) {
            put(l, (uint8_t)v);
        }
    }
    if (n % 2 == 1) {
        put(l, (uint8_t)(v << 4));
    }
    l->at = i + 1;
    return i < l->in.len;
}

static enum kl_pdf_kind word(struct kl_pdf_lex *l, size_t i, enum kl_pdf_kind kind)
{
    size_t from = i;
    while (i < l->in.len && !kl_pdf_is_blank(l->in.ptr[i]) && !is_delimiter(l->in.ptr[i])) {
        i++;
    }
    if (i == l->in.len) {
        return KL_PDF_END;
    }
    i += kind == KL_PDF_WORD && i == from; /* a lone delimiter */
    l->text = kl_span_part(l->in, from, i);
    l->at = i;
    return kind;
}

static enum kl_pdf_kind pair(struct kl_pdf_lex *l, size_t i, enum kl_pdf_kind kind)
{
    l->at = i + 2;
    return kind;
}

enum kl_pdf_kind kl_pdf_lex_next(struct kl_pdf_lex *l)
{
    size_t i = skip(l);

    l->string_len = 0;
    if (i + 1 >= l->in.len) {
        return KL_PDF_END;
    }
    uint8_t c = l->in.ptr[i];
    uint8_t next = l->in.ptr[i + 1];
    switch (c) {
    case '(':
        return literal(l, i + 1) ? KL_PDF_TEXT : KL_PDF_END;
    case '<':
        if (next == '<') {
            return pair(l, i, KL_PDF_OPEN);
        }
        return hex(l, i + 1) ? KL_PDF_TEXT : KL_PDF_END;
    case '>':
        return next == '>' ? pair(l, i, KL_PDF_CLOSE) : word(l, i, KL_PDF_WORD);
    case '/':
        return word(l, i + 1, KL_PDF_NAME);
    default:
        return word(l, i, KL_PDF_WORD);
    }
}

uint32_t kl_pdf_number(struct kl_span text)
{
    bool minus = text.len > 0 && text.ptr[0] == '-';
    uint32_t n = 0;
    for (size_t i = minus; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        n = n * 10 + (text.ptr[i] - (uint32_t)'0');
    }
    return minus ? 0 - n : n;
}
