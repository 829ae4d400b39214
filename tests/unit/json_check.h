/* A small strict JSON validator (RFC 8259), independent of our writer: for tests only. */
#ifndef JSON_CHECK_H
#define JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct json_check {
    const unsigned char *p;
    const unsigned char *end;
    unsigned depth;
};

static bool json_value(struct json_check *c);

static inline bool json_take(struct json_check *c, unsigned char want)
{
    if (c->p < c->end && *c->p == want) {
        c->p++;
        return true;
    }
    return false;
}

static inline void json_blank(struct json_check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r')) {
        c->p++;
    }
}

static inline bool json_hex4(struct json_check *c, unsigned *out)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        if (c->p >= c->end) {
            return false;
        }
        const char *digits = "0123456789abcdef";
        const char *d = strchr(digits, *c->p | 0x20);
        if (*c->p == 0 || d == NULL) {
            return false;
        }
        v = v * 16 + (unsigned)(d - digits);
        c->p++;
    }
    *out = v;
    return true;
}

static inline bool json_escape(struct json_check *c)
{
    unsigned hi = 0;
    unsigned lo = 0;
    if (c->p >= c->end) {
        return false;
    }
    if (*c->p != 'u') {
        bool known = *c->p != 0 && strchr("\"\\/bfnrt", *c->p) != NULL;
        c->p++;
        return known;
    }
    c->p++;
    if (!json_hex4(c, &hi) || (hi >= 0xdc00 && hi < 0xe000)) {
        return false;
    }
    if (hi < 0xd800 || hi >= 0xe000) {
        return true;
    }
    return json_take(c, '\\') && json_take(c, 'u') && json_hex4(c, &lo) && lo >= 0xdc00 &&
           lo < 0xe000;
}

static inline bool json_utf8(struct json_check *c)
{
    unsigned b = *c->p;
    size_t n = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : (b & 0xf0) == 0xe0 ? 3 : 4;
    unsigned lo = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    unsigned hi = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if ((n == 4 && (b < 0xf0 || b > 0xf4)) || n > (size_t)(c->end - c->p)) {
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        if (c->p[i] < (i == 1 ? lo : 0x80) || c->p[i] > (i == 1 ? hi : 0xbf)) {
            return false;
        }
    }
    c->p += n;
    return true;
}

static inline bool json_string(struct json_check *c)
{
    if (!json_take(c, '"')) {
        return false;
    }
    while (c->p < c->end && *c->p != '"') {
        if (*c->p < 0x20) {
            return false;
        }
        bool escape = *c->p == '\\';
        c->p += escape;
        if (!(escape ? json_escape(c) : json_utf8(c))) {
            return false;
        }
    }
    return json_take(c, '"');
}

static inline bool json_digits(struct json_check *c)
{
    const unsigned char *from = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
        c->p++;
    }
    return c->p > from;
}

static inline bool json_number(struct json_check *c)
{
    (void)json_take(c, '-');
    bool ok = json_take(c, '0') || json_digits(c);
    if (ok && json_take(c, '.')) {
        ok = json_digits(c);
    }
    if (ok && (json_take(c, 'e') || json_take(c, 'E'))) {
        (void)(json_take(c, '-') || json_take(c, '+'));
        ok = json_digits(c);
    }
    return ok;
}

static inline bool json_word(struct json_check *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) {
        return false;
    }
    c->p += n;
    return true;
}

static inline bool json_items(struct json_check *c, bool is_object)
{
    unsigned char close = is_object ? '}' : ']';
    c->p++;
    json_blank(c);
    if (json_take(c, close)) {
        return true;
    }
    do {
        json_blank(c);
        if (is_object) {
            if (!json_string(c)) {
                return false;
            }
            json_blank(c);
            if (!json_take(c, ':')) {
                return false;
            }
        }
        if (!json_value(c)) {
            return false;
        }
        json_blank(c);
    } while (json_take(c, ','));
    return json_take(c, close);
}

static bool json_value(struct json_check *c)
{
    json_blank(c);
    if (c->p >= c->end || c->depth > 64) {
        return false;
    }
    bool ok = false;
    c->depth++;
    switch (*c->p) {
    case '{':
    case '[':
        ok = json_items(c, *c->p == '{');
        break;
    case '"':
        ok = json_string(c);
        break;
    case 't':
        ok = json_word(c, "true");
        break;
    case 'f':
        ok = json_word(c, "false");
        break;
    case 'n':
        ok = json_word(c, "null");
        break;
    default:
        ok = json_number(c);
        break;
    }
    c->depth--;
    return ok;
}

/* One value and nothing behind it but white space. */
static inline bool json_is_valid(const void *text, size_t len)
{
    struct json_check c = {text, (const unsigned char *)text + len, 0};
    bool ok = json_value(&c);
    json_blank(&c);
    return ok && c.p == c.end;
}

#endif
