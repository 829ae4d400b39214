#include "extract/pdf_scan.h"

#include "extract/pdf_value.h"

/* The bytes from `at` on, at least `least` of them or all up to the end: what is in the window
 * already, or a new one. */
static struct kl_span look(struct kl_pdf_scan *s, uint64_t at, size_t least)
{
    uint64_t behind = s->from + s->n;
    if (at < s->from || at + least > behind) {
        s->from = at;
        if (kl_input_read(s->in, at, s->window, KL_PDF_WINDOW, &s->n) != KL_OK) {
            s->n = 0;
        }
    }
    return kl_span_part(kl_span_make(s->window, s->n), (size_t)(at - s->from), s->n);
}

uint64_t kl_pdf_find(struct kl_pdf_scan *s, uint64_t from, uint64_t to, struct kl_span word)
{
    uint64_t at = from;
    while (at < to) {
        struct kl_span w = look(s, at, word.len);
        w = kl_span_part(w, 0, to - at < w.len ? (size_t)(to - at) : w.len);
        if (w.len < word.len) {
            break;
        }
        size_t found = kl_span_find(w, 0, word);
        if (found < w.len) {
            return at + found;
        }
        at += w.len - word.len + 1;
    }
    return to;
}

/* The number that ends at *at, which goes back in front of it and the blanks before it. */
static bool number_before(struct kl_span s, size_t *at, uint32_t *out)
{
    size_t to = *at;
    while (to > 0 && s.ptr[to - 1] <= ' ') {
        to--;
    }
    size_t from = to;
    uint64_t n = 0;
    while (from > 0 && s.ptr[from - 1] >= '0' && s.ptr[from - 1] <= '9' && to - from < 10) {
        from--;
    }
    for (size_t i = from; i < to; i++) {
        n = n * 10 + (s.ptr[i] - (uint64_t)'0');
    }
    *at = from;
    *out = (uint32_t)n;
    return from < to && n <= UINT32_MAX;
}

/* What stands between "obj" and the word "stream", and the numbers in front of it. */
static void read_dict(struct kl_pdf_scan *s, uint64_t at, struct kl_pdf_stream *out)
{
    /* Not from before the end of the stream before. */
    size_t want = at - s->at < KL_PDF_DICT ? (size_t)(at - s->at) : KL_PDF_DICT;
    size_t n = 0;
    size_t from = 0;

    if (kl_input_read(s->in, at - want, s->dict, want, &n) != KL_OK) {
        n = 0;
    }
    struct kl_span d = kl_span_make(s->dict, n);
    for (size_t i = kl_span_find(d, 0, KL_SPAN_LIT("obj")); i < d.len;
         i = kl_span_find(d, i + 3, KL_SPAN_LIT("obj"))) {
        from = i + 3;
    }
    out->dict = kl_span_part(d, from, d.len);
    size_t head = from >= 3 ? from - 3 : 0;
    out->is_numbered = from >= 3 && number_before(d, &head, &out->generation) &&
                       number_before(d, &head, &out->number);
}

/* Data begins behind the line end of "stream". */
static uint64_t data_after(const struct kl_pdf_scan *s, uint64_t at)
{
    uint8_t eol[2] = {0, 0};
    size_t n = 0;

    if (kl_input_read(s->in, at + 6, eol, 2, &n) != KL_OK || n == 0) {
        return at + 6;
    }
    return at + 6 + (eol[0] == '\r' && eol[1] == '\n' ? 2 : eol[0] == '\n' || eol[0] == '\r');
}

static void skip_space(struct kl_rd *r)
{
    while (kl_rd_left(r) > 0 && kl_pdf_is_blank(r->in.ptr[r->at])) {
        kl_rd_skip(r, 1);
    }
}

/* A number; false: there is none. */
static bool take_number(struct kl_rd *r, uint64_t *out)
{
    size_t from = r->at;

    *out = 0;
    while (kl_rd_left(r) > 0 && (uint8_t)(r->in.ptr[r->at] - '0') < 10 && r->at - from < 18) {
        *out = *out * 10 + (uint64_t)(kl_rd_u8(r) - '0');
    }
    return r->at > from;
}

/* The /Length of a dictionary; 0: none, or it stands elsewhere ("7 0 R"). */
static uint64_t length_of(struct kl_span dict)
{
    const struct kl_span word = KL_SPAN_LIT("/Length");
    uint64_t len = 0;
    uint64_t other = 0;

    for (size_t i = kl_span_find(dict, 0, word); i < dict.len;
         i = kl_span_find(dict, i + word.len, word)) {
        struct kl_rd r = kl_rd_init(kl_span_part(dict, i + word.len, dict.len));
        skip_space(&r);
        if (r.at == 0 || !take_number(&r, &len)) {
            continue; /* /Length1 */
        }
        skip_space(&r);
        return take_number(&r, &other) ? 0 : len;
    }
    return 0;
}

/* Does "endstream" stand at `at`, perhaps behind a line end? */
static bool ends_at(const struct kl_pdf_scan *s, uint64_t at)
{
    const struct kl_span end = KL_SPAN_LIT("endstream");
    uint8_t buf[16];
    size_t n = 0;

    if (at >= s->in->len_bytes || kl_input_read(s->in, at, buf, sizeof buf, &n) != KL_OK) {
        return false;
    }
    struct kl_rd r = kl_rd_init(kl_span_make(buf, n));
    skip_space(&r);
    return r.at <= 2 && kl_span_eq(kl_rd_take(&r, end.len), end);
}

static bool is_end_of_stream(struct kl_span dict)
{
    return kl_span_eq(kl_span_part(dict, dict.len > 3 ? dict.len - 3 : 0, dict.len),
                      KL_SPAN_LIT("end"));
}

/*
 * A stream ends where its length says when the word is there: an attached PDF has such words of its
 * own. The next one is looked for behind the first of them all the same, for a length may hide
 * objects.
 */
bool kl_pdf_next_stream(struct kl_pdf_scan *s, struct kl_pdf_stream *out)
{
    const struct kl_span begin = KL_SPAN_LIT("stream");
    const struct kl_span end = KL_SPAN_LIT("endstream");
    uint64_t len = s->in->len_bytes;
    uint64_t at = s->at;

    for (;;) {
        at = kl_pdf_find(s, at, len, begin);
        if (at >= len) {
            return false;
        }
        *out = (struct kl_pdf_stream){.word_at = at};
        read_dict(s, at, out);
        if (!is_end_of_stream(out->dict)) {
            break;
        }
        at += begin.len; /* of a stream whose length was believed */
    }
    out->at = data_after(s, at);
    out->said = length_of(out->dict);
    uint64_t first = kl_pdf_find(s, out->at, len, end);
    uint64_t most = first > out->at ? first - out->at : 0;
    out->len = out->said > most && ends_at(s, out->at + out->said) ? out->said : most;
    s->at = first + end.len;
    return true;
}
