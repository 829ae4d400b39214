#include "finding/json.h"

#include "finding/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void kl_json_init(struct kl_json *j, struct kl_buf *out)
{
    *j = (struct kl_json){.out = out, .rc = KL_OK};
}

static void put(struct kl_json *j, const char *text, size_t len)
{
    if (j->rc == KL_OK) {
        j->rc = kl_buf_add(j->out, text, len);
    }
}

static void put_str(struct kl_json *j, const char *text)
{
    put(j, text, strlen(text));
}

/* The comma before an item, and the check that an item may stand here. */
static void before_item(struct kl_json *j)
{
    uint32_t bit = UINT32_C(1) << j->depth;
    bool in_object = (j->is_object & bit) != 0;

    assert(in_object == j->has_key);
    if (!in_object && (j->has_items & bit) != 0) {
        assert(j->depth > 0); /* one document, one value */
        put(j, ",", 1);
    }
    j->has_items |= bit;
    j->has_key = false;
}

static void open_level(struct kl_json *j, bool is_object)
{
    before_item(j);
    assert(j->depth + 1 < KL_JSON_MAX_DEPTH);
    j->depth++;
    uint32_t bit = UINT32_C(1) << j->depth;
    j->has_items &= ~bit;
    j->is_object = is_object ? j->is_object | bit : j->is_object & ~bit;
    put(j, is_object ? "{" : "[", 1);
}

void kl_json_object(struct kl_json *j)
{
    open_level(j, true);
}

void kl_json_array(struct kl_json *j)
{
    open_level(j, false);
}

void kl_json_end(struct kl_json *j)
{
    assert(j->depth > 0 && !j->has_key);
    put(j, (j->is_object & UINT32_C(1) << j->depth) != 0 ? "}" : "]", 1);
    j->depth--;
}

static void put_escape(struct kl_json *j, uint32_t cp)
{
    char text[16];
    int n = 0;

    if (cp > 0xffff) {
        uint32_t v = cp - 0x10000;
        n = snprintf(text, sizeof text, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (v >> 10),
                     0xdc00 + (v & 0x3ff));
    } else if (cp == '\n') {
        n = snprintf(text, sizeof text, "\\n");
    } else if (cp == '\t') {
        n = snprintf(text, sizeof text, "\\t");
    } else if (cp == '"' || cp == '\\') {
        n = snprintf(text, sizeof text, "\\%c", (int)cp);
    } else {
        n = snprintf(text, sizeof text, "\\u%04" PRIx32, cp);
    }
    put(j, text, (size_t)n);
}

static void put_string(struct kl_json *j, struct kl_span s)
{
    size_t run = 0; /* start of what can be copied as it is */
    uint32_t cp = 0;

    put(j, "\"", 1);
    for (size_t at = 0; at < s.len;) {
        size_t len = kl_utf8_char(s, at, &cp);
        if (len == 0) {
            cp = 0xfffd;
        }
        if (len == 0 || cp == '"' || cp == '\\' || !kl_utf8_is_plain(cp)) {
            struct kl_span plain = kl_span_part(s, run, at);
            put(j, (const char *)plain.ptr, plain.len);
            put_escape(j, cp);
            run = at + (len > 0 ? len : 1);
        }
        at += len > 0 ? len : 1;
    }
    struct kl_span rest = kl_span_part(s, run, s.len);
    put(j, (const char *)rest.ptr, rest.len);
    put(j, "\"", 1);
}

void kl_json_key(struct kl_json *j, const char *key)
{
    uint32_t bit = UINT32_C(1) << j->depth;

    assert((j->is_object & bit) != 0 && !j->has_key);
    if ((j->has_items & bit) != 0) {
        put(j, ",", 1);
    }
    j->has_items |= bit;
    put_string(j, kl_span_str(key));
    put(j, ":", 1);
    j->has_key = true;
}

void kl_json_bytes(struct kl_json *j, struct kl_span s)
{
    before_item(j);
    put_string(j, s);
}

void kl_json_str(struct kl_json *j, const char *s)
{
    kl_json_bytes(j, kl_span_str(s));
}

void kl_json_hex(struct kl_json *j, struct kl_span s)
{
    static const char digits[] = "0123456789abcdef";
    struct kl_rd r = kl_rd_init(s);

    before_item(j);
    put(j, "\"", 1);
    while (kl_rd_left(&r) > 0) {
        uint8_t c = kl_rd_u8(&r);
        put(j, (const char[]){digits[c >> 4], digits[c & 15]}, 2);
    }
    put(j, "\"", 1);
}

void kl_json_u64(struct kl_json *j, uint64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, v);
    before_item(j);
    put(j, text, (size_t)n);
}

void kl_json_bool(struct kl_json *j, bool v)
{
    before_item(j);
    put_str(j, v ? "true" : "false");
}

void kl_json_f64(struct kl_json *j, double v, int digits)
{
    char text[40];

    before_item(j);
    if (isnan(v)) {
        put_str(j, "null");
        return;
    }
    if (isinf(v)) {
        put_str(j, v > 0 ? "1e308" : "-1e308");
        return;
    }
    int n = snprintf(text, sizeof text, "%.*g", digits < 1 || digits > 17 ? 17 : digits, v);
    put(j, text, (size_t)n);
}
