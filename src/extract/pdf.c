#include <stdio.h>
#include <stdlib.h>

#include "extract/binary.h"
#include "extract/extract.h"
#include "extract/inflate.h"
#include "extract/member.h"

#define WINDOW_BYTES 65536u
#define DICT_BYTES 2048u /* of a stream's dictionary, looked at from its end */
#define HEAD_BYTES 64u   /* of a stream of no known type, to see whether it is a file */

/*
 * A PDF's pages go to pdftotext. Read here is what that program does not show: attached files, and
 * the object streams, whose strings are annotations, form fields and the document's properties.
 * Source: ISO 32000-1, 7.3.8 (streams), 7.5.7 (object streams), 7.11.4 (embedded files).
 */
struct pdf {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_inflate *z; /* NULL: not needed yet */
    uint8_t *window;      /* WINDOW_BYTES */
    bool is_locked;       /* its streams are noise */
};

struct stream {
    struct pdf *pdf;
    uint64_t at; /* of its data */
    uint64_t len;
    bool deflated;
    enum kl_reason lost;
};

/* ---- a stream's data ---- */

static enum kl_rc stream_rewind(void *ctx)
{
    struct stream *s = ctx;
    uint64_t header = s->deflated && s->len > 2 ? 2 : 0; /* of zlib */

    s->lost = KL_REASON_NONE;
    kl_inflate_start(s->pdf->z, s->pdf->in, s->at + header, s->len - header, !s->deflated);
    return KL_OK;
}

static enum kl_rc stream_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct stream *s = ctx;
    enum kl_rc rc = kl_inflate_read(s->pdf->z, dst, n, out_n);

    if (rc != KL_OK) {
        s->lost = rc == KL_E_IO ? KL_REASON_IO : KL_REASON_FORMAT;
        *out_n = 0;
    }
    return KL_OK;
}

static enum kl_reason stream_lost(void *ctx)
{
    const struct stream *s = ctx;
    return s->lost;
}

static enum kl_rc stream_check(void *ctx)
{
    (void)ctx;
    return KL_OK;
}

static const struct kl_member_ops stream_ops = {stream_rewind, stream_read, stream_lost,
                                                stream_check};

/* ---- which streams ---- */

enum use { USE_NONE = 0, USE_FILE, USE_OBJECTS, USE_UNKNOWN };

static bool names(struct kl_span dict, const char *name)
{
    return kl_span_find(dict, 0, kl_span_str(name)) < dict.len;
}

static enum use use_of(struct kl_span dict)
{
    static const char *const shown[] = {"/Image",   "/FontFile",    "/Form",
                                        "/XRef",    "/Metadata",    "/Font",
                                        "/Length1", "/CIDToGIDMap", "/ICCBased"};
    if (names(dict, "/EmbeddedFile")) {
        return USE_FILE;
    }
    if (names(dict, "/ObjStm")) {
        return USE_OBJECTS;
    }
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (names(dict, shown[i])) {
            return USE_NONE;
        }
    }
    return USE_UNKNOWN;
}

/* Deflated, or as it is: other filters are left to pdftotext. */
static bool is_readable(struct kl_span dict, bool *out_deflated)
{
    static const char *const filters[] = {"/ASCIIHex", "/ASCII85", "/LZW", "/RunLength",
                                          "/CCITTFax", "/JBIG2",   "/DCT", "/JPX",
                                          "/Crypt",    "/AHx",     "/A85"};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        if (names(dict, filters[i])) {
            return false;
        }
    }
    *out_deflated = names(dict, "/FlateDecode") || names(dict, "/Fl ") || names(dict, "/Fl/");
    return true;
}

/* A stream of no type may be an attached file all the same: /Type is optional there. */
static bool is_file(struct stream *s)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;

    kl_ignore(stream_rewind(s), "it does not fail");
    kl_ignore(stream_read(s, head, sizeof head, &n), "nothing is then there");
    enum kl_format format = kl_sniff(kl_span_make(head, n));
    return format > KL_FORMAT_BINARY;
}

static enum kl_rc extract_member(struct stream *s, enum use use)
{
    struct kl_emit *e = s->pdf->e;
    const struct kl_member member = {
        .ops = &stream_ops,
        .ctx = s,
        .claim_bytes = KL_MEMBER_UNKNOWN,
        .bad_code = "pdf.data",
        .size_code = "pdf.size_lie",
    };
    char name[40];

    enum kl_rc rc = kl_emit_charge_member(e);
    if (rc == KL_OK) {
        (void)snprintf(name, sizeof name, "%s@%llu", use == USE_OBJECTS ? "objects" : "attachment",
                       (unsigned long long)s->at);
        rc = kl_emit_enter(e, kl_span_str(name), s->len);
    }
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, s->len);
    }
    if (rc == KL_OK) {
        rc = kl_member_extract(e, &member);
        kl_emit_leave(e);
    }
    return rc;
}

static enum kl_rc take_stream(struct pdf *p, struct kl_span dict, uint64_t at, uint64_t len)
{
    struct stream s = {.pdf = p, .at = at, .len = len};
    enum use use = use_of(dict);

    if (use == USE_NONE || len == 0) {
        return KL_OK;
    }
    if (p->is_locked) {
        /* The empty password may open the pages: what is attached is then still not seen. */
        return use == USE_FILE ? kl_emit_not_inspected(p->e, KL_REASON_ENCRYPTED, len) : KL_OK;
    }
    if (!is_readable(dict, &s.deflated)) {
        if (use == USE_UNKNOWN) {
            return KL_OK; /* of a page: pdftotext reads it */
        }
        KL_TRY(kl_emit_anomaly(p->e, "pdf.filter"));
        return kl_emit_not_inspected(p->e, KL_REASON_FORMAT, len);
    }
    if (p->z == NULL) {
        KL_TRY(kl_inflate_new(&p->z));
    }
    return use == USE_UNKNOWN && !is_file(&s) ? KL_OK : extract_member(&s, use);
}

/* ---- where they are ---- */

/* Offset of the next `word` at or after `at`; the end of the input when there is none. */
static uint64_t find_word(const struct pdf *p, uint64_t at, struct kl_span word, uint8_t *window)
{
    while (at < p->in->len_bytes) {
        size_t n = 0;
        if (kl_input_read(p->in, at, window, WINDOW_BYTES, &n) != KL_OK || n < word.len) {
            break;
        }
        struct kl_span w = kl_span_make(window, n);
        size_t found = kl_span_find(w, 0, word);
        if (found < n) {
            return at + found;
        }
        at += n - word.len + 1;
    }
    return p->in->len_bytes;
}

/* The dictionary that ends at `at`: what stands between its "obj" and there. */
static struct kl_span dict_before(const struct pdf *p, uint64_t at, uint8_t dict[DICT_BYTES])
{
    size_t want = at < DICT_BYTES ? (size_t)at : DICT_BYTES;
    size_t n = 0;

    if (kl_input_read(p->in, at - want, dict, want, &n) != KL_OK) {
        n = 0;
    }
    struct kl_span d = kl_span_make(dict, n);
    size_t from = 0;
    for (size_t i = kl_span_find(d, 0, KL_SPAN_LIT("obj")); i < d.len;
         i = kl_span_find(d, i + 3, KL_SPAN_LIT("obj"))) {
        from = i + 3;
    }
    return kl_span_part(d, from, d.len);
}

/* Data begins behind the line end of "stream". */
static uint64_t data_after(const struct pdf *p, uint64_t at)
{
    uint8_t eol[2] = {0, 0};
    size_t n = 0;

    if (kl_input_read(p->in, at + 6, eol, 2, &n) != KL_OK || n == 0) {
        return at + 6;
    }
    return at + 6 + (eol[0] == '\r' && eol[1] == '\n' ? 2 : eol[0] == '\n' || eol[0] == '\r');
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == 0;
}

static void skip_space(struct kl_rd *r)
{
    while (kl_rd_left(r) > 0 && is_space(r->in.ptr[r->at])) {
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
static bool ends_at(const struct pdf *p, uint64_t at)
{
    const struct kl_span end = KL_SPAN_LIT("endstream");
    uint8_t buf[16];
    size_t n = 0;

    if (at >= p->in->len_bytes || kl_input_read(p->in, at, buf, sizeof buf, &n) != KL_OK) {
        return false;
    }
    struct kl_rd r = kl_rd_init(kl_span_make(buf, n));
    skip_space(&r);
    return r.at <= 2 && kl_span_eq(kl_rd_take(&r, end.len), end);
}

/*
 * A stream ends where its length says when the word is there: an attached PDF has such words of its
 * own. The next one is looked for behind the first of them all the same, for a length may hide
 * objects.
 */
static enum kl_rc take_streams(struct pdf *p)
{
    const struct kl_span begin = KL_SPAN_LIT("stream");
    const struct kl_span end = KL_SPAN_LIT("endstream");
    uint8_t dict[DICT_BYTES];
    uint64_t at = 0;

    while ((at = find_word(p, at, begin, p->window)) < p->in->len_bytes) {
        struct kl_span d = dict_before(p, at, dict);
        if (kl_span_eq(kl_span_part(d, d.len > 3 ? d.len - 3 : 0, d.len), KL_SPAN_LIT("end"))) {
            at += begin.len; /* of a stream whose length was believed */
            continue;
        }
        uint64_t data = data_after(p, at);
        uint64_t len = length_of(d);
        uint64_t first = find_word(p, data, end, p->window);
        uint64_t stop = len <= first - data || !ends_at(p, data + len) ? first : data + len;
        KL_TRY(take_stream(p, d, data, stop > data ? stop - data : 0));
        at = first + end.len;
    }
    return KL_OK;
}

/* Does the trailer name an encryption dictionary? It stands at the end; in a cross-reference
 * stream its dictionary is plain too. */
static bool says_encrypted(const struct pdf *p)
{
    uint64_t at = p->in->len_bytes > WINDOW_BYTES ? p->in->len_bytes - WINDOW_BYTES : 0;
    size_t n = 0;

    if (kl_input_read(p->in, at, p->window, WINDOW_BYTES, &n) != KL_OK) {
        return false;
    }
    return names(kl_span_make(p->window, n), "/Encrypt");
}

static enum kl_rc extract(struct pdf *p)
{
    p->is_locked = says_encrypted(p);
    KL_TRY(kl_emit_outside(p->e, p->is_locked ? KL_PART_PDF_LOCKED : KL_PART_PDF, p->in));
    KL_TRY(kl_extract_binary(p->e, p->in));
    return take_streams(p);
}

enum kl_rc kl_extract_pdf(struct kl_emit *e, const struct kl_input *in)
{
    struct pdf p = {.e = e, .in = in, .window = malloc(WINDOW_BYTES)};

    if (p.window == NULL) {
        return KL_E_NOMEM;
    }
    enum kl_rc rc = extract(&p);
    kl_inflate_free(&p.z);
    free(p.window);
    return rc;
}
