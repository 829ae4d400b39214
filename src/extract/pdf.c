#include <stdio.h>
#include <stdlib.h>

#include "extract/binary.h"
#include "extract/extract.h"
#include "extract/inflate.h"
#include "extract/member.h"
#include "extract/pdf_lock.h"

#define HEAD_BYTES 64u /* of a stream of no known type, to see whether it is a file */

/*
 * A PDF's pages go to pdftotext. Read here is what that program does not show: attached files, and
 * the object streams, whose strings are annotations, form fields and the document's properties.
 * Source: ISO 32000-1, 7.3.8 (streams), 7.5.7 (object streams), 7.11.4 (embedded files).
 */
struct pdf {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_inflate *z; /* NULL: not needed yet */
    uint8_t *window;      /* KL_PDF_WINDOW */
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

static enum use use_of(struct kl_span dict)
{
    static const char *const shown[] = {"/Image",   "/FontFile",    "/Form",
                                        "/XRef",    "/Metadata",    "/Font",
                                        "/Length1", "/CIDToGIDMap", "/ICCBased"};
    if (kl_pdf_names(dict, "/EmbeddedFile")) {
        return USE_FILE;
    }
    if (kl_pdf_names(dict, "/ObjStm")) {
        return USE_OBJECTS;
    }
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (kl_pdf_names(dict, shown[i])) {
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
        if (kl_pdf_names(dict, filters[i])) {
            return false;
        }
    }
    *out_deflated = kl_pdf_names(dict, "/FlateDecode") || kl_pdf_names(dict, "/Fl ") ||
                    kl_pdf_names(dict, "/Fl/");
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

/* ---- the document ---- */

static enum kl_rc take_streams(struct pdf *p)
{
    struct kl_pdf_scan scan = {.in = p->in, .window = p->window};
    struct kl_pdf_stream s;

    while (kl_pdf_next_stream(&scan, &s)) {
        KL_TRY(take_stream(p, s.dict, s.at, s.len));
    }
    return KL_OK;
}

/* Does the trailer name an encryption dictionary? It stands at the end, or in a file that is made
 * for the web at the front; in a cross-reference stream its dictionary is plain too. */
static bool says_encrypted(const struct pdf *p)
{
    uint64_t end = p->in->len_bytes > KL_PDF_WINDOW ? p->in->len_bytes - KL_PDF_WINDOW : 0;
    size_t n = 0;

    for (unsigned i = 0; i < 2; i++) {
        if (kl_input_read(p->in, i == 0 ? end : 0, p->window, KL_PDF_WINDOW, &n) == KL_OK &&
            kl_pdf_names(kl_span_make(p->window, n), "/Encrypt")) {
            return true;
        }
    }
    return false;
}

static enum kl_rc extract_plain(struct pdf *p)
{
    KL_TRY(kl_emit_outside(p->e, KL_PART_PDF, p->in));
    KL_TRY(kl_extract_binary(p->e, p->in));
    return take_streams(p);
}

/* The streams of one that does not open are noise; pdftotext may still know how to. */
static enum kl_rc extract_locked(struct pdf *p)
{
    p->is_locked = true;
    KL_TRY(kl_emit_outside(p->e, KL_PART_PDF_LOCKED, p->in));
    KL_TRY(kl_extract_binary(p->e, p->in));
    return take_streams(p);
}

static enum kl_rc extract_opened(struct pdf *p, struct kl_pdf_lock *lock)
{
    if (lock->left_bytes > 0) {
        KL_TRY(kl_emit_not_inspected(p->e, KL_REASON_ENCRYPTED, lock->left_bytes));
    }
    p->in = &lock->input;
    KL_TRY(extract_plain(p));
    return kl_pdf_lock_strings(lock);
}

static enum kl_rc extract_encrypted(struct pdf *p)
{
    struct kl_pdf_lock *lock = calloc(1, sizeof *lock);
    bool open = false;

    if (lock == NULL) {
        return KL_E_NOMEM;
    }
    enum kl_rc rc = kl_pdf_unlock(p->e, p->in, p->window, lock, &open);
    if (rc == KL_OK) {
        rc = open ? extract_opened(p, lock) : extract_locked(p);
    }
    kl_pdf_lock_done(lock);
    free(lock);
    return rc;
}

enum kl_rc kl_extract_pdf(struct kl_emit *e, const struct kl_input *in)
{
    struct pdf p = {.e = e, .in = in, .window = malloc(KL_PDF_WINDOW)};

    if (p.window == NULL) {
        return KL_E_NOMEM;
    }
    enum kl_rc rc = says_encrypted(&p) ? extract_encrypted(&p) : extract_plain(&p);
    kl_inflate_free(&p.z);
    free(p.window);
    return rc;
}
