#include "extract/rows.h"

#include <stdlib.h>

#include "extract/extract.h"
#include "extract/member.h"
#include "extract/pull.h"

#define HEAD_BYTES 4096u

/* ---- which one ---- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool starts_at(struct kl_span s, size_t at, const char *with)
{
    size_t i = 0;
    while (with[i] != '\0' && at + i < s.len && lower(s.ptr[at + i]) == (uint8_t)with[i]) {
        i++;
    }
    return with[i] == '\0';
}

static size_t skip_white(struct kl_span s, size_t at)
{
    while (at < s.len && s.ptr[at] <= ' ') {
        at++;
    }
    return at;
}

/* Any of the tags that HTML is made of, within the head. */
static bool is_html(struct kl_span s, size_t at)
{
    static const char *const tags[] = {
        "<html", "<!doctype html", "<table", "<body", "<head", "<div", "<tr", "<td", "<span",
        "<p>",   "<center",        "<br",    "<font", "<meta", "<ul"};
    const uint8_t *p = s.ptr + at;

    while (p != NULL) {
        size_t i = (size_t)(p - s.ptr);
        for (size_t k = 0; k < sizeof(tags) / sizeof(tags[0]); k++) {
            if (starts_at(s, i, tags[k])) {
                return true;
            }
        }
        p = memchr(p + 1, '<', s.len - i - 1);
    }
    return false;
}

/* A member or an element of its own line: what one record is made of. */
static bool is_spread(struct kl_span s, size_t at)
{
    unsigned lines = 0;
    unsigned n = 0;
    bool json = s.ptr[at] != '<';

    for (size_t i = at; i < s.len; i++) {
        if (s.ptr[i] != '\n') {
            continue;
        }
        size_t next = skip_white(s, i);
        lines++;
        if (next < s.len) {
            uint8_t c = s.ptr[next];
            n += json ? c == '"' || c == '}' || c == '{' || c == '[' || c == ']' : c == '<';
        }
    }
    return lines > 0 && n * 2 >= lines;
}

enum kl_rows_kind kl_rows_sniff(struct kl_span head)
{
    size_t at = head.len >= 3 && memcmp(head.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    at = skip_white(head, at);
    if (at == head.len) {
        return KL_ROWS_NONE;
    }
    if (starts_at(head, at, "begin:vcard")) {
        return KL_ROWS_VCARD;
    }
    if (head.ptr[at] == '<') {
        if (is_html(head, at)) {
            return KL_ROWS_HTML;
        }
        bool xml = starts_at(head, at, "<?xml") ||
                   (at + 1 < head.len && (uint8_t)(lower(head.ptr[at + 1]) - 'a') < 26);
        return xml && is_spread(head, at) ? KL_ROWS_XML : KL_ROWS_NONE;
    }
    if (head.ptr[at] == '{' || head.ptr[at] == '[') {
        size_t next = skip_white(head, at + 1);
        uint8_t c = next < head.len ? head.ptr[next] : 0;
        bool json = c == '"' || (head.ptr[at] == '[' && (c == '{' || c == '['));
        return json && is_spread(head, at) ? KL_ROWS_JSON : KL_ROWS_NONE;
    }
    return KL_ROWS_NONE;
}

/* ---- reading ---- */

struct reader {
    const struct kl_input *in;
    uint64_t at;
    struct kl_pull pull;
    struct kl_rows rows;
    uint8_t raw[KL_ROWS_RAW_BYTES];
};

static void reader_begin(void *ctx)
{
    struct reader *r = ctx;
    enum kl_rows_kind kind = r->rows.kind;

    memset(&r->rows, 0, offsetof(struct kl_rows, out));
    r->rows.kind = kind;
    r->at = 0;
}

static bool reader_more(void *ctx)
{
    struct reader *r = ctx;
    uint64_t left = r->in->len_bytes - r->at;
    size_t want = left < sizeof(r->raw) ? (size_t)left : sizeof(r->raw);
    size_t n = 0;

    r->rows.n_out = 0;
    /* What cannot be read was said by the plain text. */
    if (want == 0 || r->rows.is_broken || kl_input_read(r->in, r->at, r->raw, want, &n) != KL_OK ||
        n == 0) {
        return false;
    }
    r->at += n;
    struct kl_span raw = kl_span_make(r->raw, n);
    switch (r->rows.kind) {
    case KL_ROWS_JSON:
        kl_rows_json(&r->rows, raw);
        break;
    case KL_ROWS_VCARD:
        kl_rows_vcard(&r->rows, raw);
        break;
    case KL_ROWS_NONE:
    case KL_ROWS_HTML:
    case KL_ROWS_XML:
        kl_rows_markup(&r->rows, raw);
        break;
    }
    if (r->at == r->in->len_bytes) {
        kl_rows_end(&r->rows);
    }
    r->pull.out = kl_span_make(r->rows.out, r->rows.n_out);
    return true;
}

enum kl_rc kl_extract_rows(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;

    KL_TRY(kl_extract_text(e, in));
    if (kl_input_read(in, 0, head, sizeof(head), &n) != KL_OK) {
        return KL_OK; /* said above */
    }
    struct reader *r = malloc(sizeof(*r));
    if (r == NULL) {
        return KL_E_NOMEM;
    }
    r->in = in;
    r->rows.kind = kl_rows_sniff(kl_span_make(head, n));
    r->pull = (struct kl_pull){.ctx = r,
                               .begin = reader_begin,
                               .more = reader_more,
                               .bad_code = "rows.data",
                               .claim_bytes = KL_MEMBER_UNKNOWN};
    /* 0 bytes stand for it: they were read as text. */
    enum kl_rc rc = kl_pull_extract_at(e, &r->pull, KL_SPAN_LIT("rows"), 0);
    free(r);
    return rc;
}
