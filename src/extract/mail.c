/*
 * Mail: a message, or many of them in an mbox, and the parts they are made of (ADR 0007).
 * One pass from front to back whatever the nesting of multiparts. A part that is a message is a
 * document of its own, read by whoever reads such a document.
 */
#include "extract/mail.h"

#include <stdio.h>
#include <stdlib.h>

#include "extract/extract.h"
#include "extract/mail_int.h"

#define HEAD_RAW_BYTES 65536u /* of one header that is understood; the rest of it is only read */
#define HEAD_TEXT_BYTES 1048576u
#define HEAD_FLUSH_BYTES 65536u
#define NUMBER_BYTES 256u

/* ---- by content ---- */

struct known {
    const char *name;
    bool is_sure; /* no one writes it by hand */
};

static const struct known *known_header(struct kl_span name)
{
    static const struct known list[] = {
        {"received", true},
        {"return-path", true},
        {"message-id", true},
        {"mime-version", true},
        {"content-type", true},
        {"content-transfer-encoding", true},
        {"delivered-to", true},
        {"in-reply-to", true},
        {"references", true},
        {"dkim-signature", true},
        {"authentication-results", true},
        {"content-disposition", true},
        {"thread-topic", true},
        {"thread-index", true},
        {"user-agent", false},
        {"from", false},
        {"to", false},
        {"cc", false},
        {"bcc", false},
        {"subject", false},
        {"date", false},
        {"reply-to", false},
        {"sender", false},
        {"importance", false},
        {"errors-to", true},
        {"precedence", false},
        {"newsgroups", true},
        {"path", false},
        {"xref", true},
        {"lines", false},
        {"organization", false},
        {"snapshot-content-location", true},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (kl_mail_is(name, list[i].name)) {
            return &list[i];
        }
    }
    static const struct known list_like = {"x-", true};
    bool is = kl_mail_starts(name, "x-") || kl_mail_starts(name, "list-") ||
              kl_mail_starts(name, "arc-") || kl_mail_starts(name, "resent-");
    return is ? &list_like : NULL;
}

static struct kl_span line_at(struct kl_span s, size_t at, size_t *out_next)
{
    const uint8_t *nl = at < s.len ? memchr(s.ptr + at, '\n', s.len - at) : NULL;
    size_t end = nl != NULL ? (size_t)(nl - s.ptr) : s.len;

    *out_next = end + (nl != NULL);
    end -= end > at && s.ptr[end - 1] == '\r';
    return kl_span_part(s, at, end);
}

/* Lines that some programs write in front of the headers. */
static bool is_before_headers(struct kl_span line)
{
    bool digits = line.len > 0 && line.len <= 10; /* an .emlx: how long it is */

    for (size_t i = 0; i < line.len; i++) {
        digits = digits && (uint8_t)(line.ptr[i] - '0') < 10;
    }
    return line.len == 0 || digits || kl_mail_starts(line, ">from ");
}

bool kl_mail_is_message(struct kl_span head)
{
    unsigned n = 0;
    unsigned n_sure = 0;
    unsigned n_lines = 0;
    size_t at = head.len >= 3 && memcmp(head.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (; at < head.len && n_lines < 60; n_lines++) {
        struct kl_span line = line_at(head, at, &at);
        if (n_lines < 4 && n == 0 && is_before_headers(line)) {
            continue;
        }
        bool folded = line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
        size_t len = kl_mail_field_len(line);
        if (folded && n_lines > 0) {
            continue;
        }
        if (len == 0) {
            break;
        }
        const struct known *k = known_header(kl_span_part(line, 0, len));
        n += k != NULL;
        n_sure += k != NULL && k->is_sure;
    }
    return n >= 3 || (n >= 2 && n_sure >= 1);
}

bool kl_mail_is_mbox(struct kl_span head)
{
    size_t at = 0;
    struct kl_span first = line_at(head, 0, &at);
    struct kl_span second = line_at(head, at, &at);

    if (first.len < 6 || memcmp(first.ptr, "From ", 5) != 0) {
        return false;
    }
    size_t n = kl_mail_field_len(second);
    return (n > 0 && known_header(kl_span_part(second, 0, n)) != NULL) ||
           kl_mail_starts(second, ">from ");
}

/* ---- headers ---- */

static enum kl_rc flush_heads(struct kl_mail *m)
{
    struct kl_input in = kl_input_mem(kl_buf_span(&m->head_text));

    if (m->is_guess) {
        m->is_guess = false;
        KL_TRY(kl_emit_anomaly(m->e, "mail.boundary"));
    }
    if (in.len_bytes == 0) {
        return KL_OK;
    }
    KL_TRY(kl_extract_text(m->e, &in));
    m->head_text.len = 0;
    return KL_OK;
}

static enum kl_rc end_header(struct kl_mail *m)
{
    struct kl_span raw = kl_buf_span(&m->head_raw);

    while (raw.len > 0 && (raw.ptr[raw.len - 1] == '\n' || raw.ptr[raw.len - 1] == '\r')) {
        raw.len--;
    }
    m->head_raw.len = 0;
    if (raw.len == 0) {
        return KL_OK;
    }
    KL_TRY(kl_mail_head_take(&m->head, raw, &m->head_text));
    return m->head_text.len >= HEAD_FLUSH_BYTES ? flush_heads(m) : KL_OK;
}

/* A line of the header that is being read; what is longer than any header is only text. */
static enum kl_rc add_line(struct kl_mail *m, struct kl_span text)
{
    if (m->head_raw.len + text.len > HEAD_RAW_BYTES) {
        KL_TRY(kl_emit_anomaly(m->e, "mail.header"));
        KL_TRY(end_header(m));
    }
    return kl_buf_add(&m->head_raw, text.ptr, text.len);
}

/* The headers up to the empty line, or up to what is none. */
static enum kl_rc read_head(struct kl_mail *m, bool is_first)
{
    struct kl_line line;
    bool any = false;

    kl_mail_head_init(&m->head);
    m->stop = KL_MAIL_STOP_NONE;
    while (kl_lines_next(&m->lines, &line)) {
        struct kl_span body = kl_line_body(&line);
        if (line.is_start && any && kl_mail_stops(m, &line, KL_MAIL_WITHIN_OTHER)) {
            return end_header(m);
        }
        kl_mail_passed(m, &line);
        bool folded =
            !line.is_start || (body.len > 0 && (body.ptr[0] == ' ' || body.ptr[0] == '\t'));
        bool before =
            is_first && !any && (is_before_headers(body) || kl_mail_starts(body, "from "));
        if (body.len == 0 && line.is_start && !before) {
            return end_header(m);
        }
        if (!folded && !before && kl_mail_field_len(body) == 0) {
            /* No header: the body has begun without its empty line. */
            kl_lines_back(&m->lines, &line, line.text.len);
            KL_TRY(kl_emit_anomaly(m->e, "mail.header"));
            return end_header(m);
        }
        if (!folded) {
            KL_TRY(end_header(m));
        }
        any = any || !before;
        KL_TRY(add_line(m, line.text));
    }
    m->stop = KL_MAIL_STOP_END;
    return end_header(m);
}

/* An mbox whose messages say how long they are: true when the next one begins just there. */
static void trust_length(struct kl_mail *m)
{
    uint64_t at = kl_lines_at(&m->lines);
    const struct kl_input *in = m->lines.in;
    uint8_t next[8];
    size_t n = 0;

    if (!m->is_mbox || m->head.content_bytes > in->len_bytes - at ||
        (in->source != NULL && m->head.content_bytes > 65536)) {
        return;
    }
    uint64_t end = at + m->head.content_bytes;
    if (kl_input_read(in, end, next, sizeof(next), &n) != KL_OK) {
        return;
    }
    struct kl_span s = kl_span_make(next, n);
    while (s.len > 0 && (s.ptr[0] == '\n' || s.ptr[0] == '\r')) {
        s = kl_span_part(s, 1, s.len);
    }
    if (s.len == 0 || kl_mail_starts(s, "from ")) {
        m->no_from_till = end;
    }
}

/* ---- parts ---- */

/* "2.1" of the part that is open, and its file name as given: "2.1/paga.zip". */
static struct kl_span part_name(const struct kl_mail *m, const struct kl_mail_name *file,
                                uint8_t out[NUMBER_BYTES + KL_MAIL_NAME_BYTES + 1])
{
    size_t n = 0;

    for (unsigned i = 0; i < m->n_frames && n < NUMBER_BYTES - 16; i++) {
        n += (size_t)snprintf((char *)out + n, NUMBER_BYTES - n, i > 0 ? ".%u" : "%u",
                              m->frames[i].n_parts);
    }
    if (m->n_frames == 0) {
        out[n++] = '1';
    }
    if (file != NULL && file->len > 0) {
        out[n++] = '/';
        memcpy(out + n, file->ptr, file->len);
        n += file->len;
    }
    return kl_span_make(out, n);
}

static enum kl_rc read_part(struct kl_mail *m, const struct kl_mail_how *how,
                            const struct kl_mail_name *file, bool skip_blank)
{
    uint8_t name[NUMBER_BYTES + KL_MAIL_NAME_BYTES + 1];
    return kl_mail_body(m, how, part_name(m, file, name), skip_blank);
}

/* Text beside the parts: preamble, epilogue, what follows a file in the text. */
static enum kl_rc read_text(struct kl_mail *m, const char *name)
{
    struct kl_mail_how how = {.within = KL_MAIL_WITHIN_TEXT, .is_text = true};

    if (name == NULL) {
        return read_part(m, &how, NULL, true);
    }
    m->is_preamble = name[0] == 'p';
    enum kl_rc rc = kl_mail_body(m, &how, kl_span_str(name), true);
    m->is_preamble = false;
    return rc;
}

/* Open the multipart that the headers announce; false: too deep, it is read as text. */
static enum kl_rc open_frame(struct kl_mail *m, bool *out_open)
{
    *out_open = m->n_frames < KL_MAIL_FRAMES;
    if (!*out_open) {
        return kl_emit_anomaly(m->e, "mail.depth");
    }
    struct kl_mail_frame *f = &m->frames[m->n_frames++];
    f->n_parts = 0;
    f->n_boundaries = m->head.n_boundaries;
    for (unsigned i = 0; i < f->n_boundaries; i++) {
        f->boundary[i] = m->head.boundary[i];
    }
    if (f->n_boundaries == 0) {
        KL_TRY(kl_emit_anomaly(m->e, "mail.boundary"));
    }
    return KL_OK;
}

/* What follows the headers, whether of the message or of a part. */
static enum kl_rc read_content(struct kl_mail *m)
{
    const struct kl_mail_head *h = &m->head;
    bool text = h->type[0] == '\0' || strncmp(h->type, "text/", 5) == 0;

    if (h->is_twice) {
        KL_TRY(kl_emit_anomaly(m->e, "mail.twice"));
    }
    if (m->stop != KL_MAIL_STOP_NONE) {
        return KL_OK; /* no content at all */
    }
    if (h->is_multipart) {
        bool open = false;
        KL_TRY(open_frame(m, &open));
        if (open) {
            return read_text(m, "preamble");
        }
    }
    struct kl_mail_how how = {
        .coding = h->coding,
        .charset = h->charset,
        .within = h->coding == KL_MAIL_CODING_NONE && (text || h->is_multipart)
                      ? KL_MAIL_WITHIN_TEXT
                  : h->coding == KL_MAIL_CODING_UU ? KL_MAIL_WITHIN_UU
                                                   : KL_MAIL_WITHIN_OTHER,
        .is_text = text || h->is_multipart,
        .is_flowed = h->is_flowed && text,
        .is_delsp = h->is_delsp,
        .is_encrypted = h->is_encrypted,
    };
    return read_part(m, &how, &h->name, false);
}

/* The name in "begin 644 name" and "=ybegin line=128 size=1 name=name". */
static void file_name(struct kl_span line, enum kl_mail_stop stop, struct kl_mail_name *out)
{
    size_t at = 6;

    if (stop == KL_MAIL_STOP_UU) {
        while (at < line.len && line.ptr[at] != ' ') {
            at++;
        }
    } else {
        at = kl_span_find(line, 0, KL_SPAN_LIT(" name=")) + 6;
    }
    struct kl_span name = kl_span_trim(kl_span_part(line, at, line.len));
    out->len = name.len < sizeof(out->ptr) ? name.len : sizeof(out->ptr);
    memcpy(out->ptr, name.ptr, out->len);
}

static enum kl_rc read_file(struct kl_mail *m)
{
    bool uu = m->stop == KL_MAIL_STOP_UU;
    struct kl_mail_how how = {
        .coding = uu ? KL_MAIL_CODING_UU : KL_MAIL_CODING_YENC,
        .within = uu ? KL_MAIL_WITHIN_UU : KL_MAIL_WITHIN_YENC,
    };
    struct kl_mail_name name;

    file_name(kl_lines_peek(&m->lines), m->stop, &name);
    return read_part(m, &how, &name, false);
}

static enum kl_rc at_boundary(struct kl_mail *m)
{
    struct kl_mail_frame *f = &m->frames[m->stop_frame];

    m->is_blank = false;
    m->n_frames = m->stop_frame + 1;
    if (m->stop_is_close) {
        return read_text(m, "epilogue");
    }
    if (m->n_parts == KL_MAX_MAIL_PARTS) {
        /* The rest is read as it stands: no boundary ends it, nothing is left out. */
        m->n_frames = 0;
        KL_TRY(kl_emit_anomaly(m->e, "limit.parts"));
        return read_text(m, "rest");
    }
    m->n_parts++;
    f->n_parts++;
    KL_TRY(read_head(m, false));
    return read_content(m);
}

/* One message, up to the end of the input or to the next one of an mbox. */
static enum kl_rc read_message(struct kl_mail *m)
{
    m->n_frames = 0;
    m->n_parts = 0;
    m->no_from_till = 0;
    m->is_blank = false;
    KL_TRY(read_head(m, true));
    KL_TRY(flush_heads(m));
    trust_length(m);
    KL_TRY(read_content(m));
    while (m->stop != KL_MAIL_STOP_END && m->stop != KL_MAIL_STOP_FROM) {
        enum kl_rc rc = KL_OK;
        switch (m->stop) {
        case KL_MAIL_STOP_BOUNDARY:
            rc = at_boundary(m);
            break;
        case KL_MAIL_STOP_UU:
        case KL_MAIL_STOP_YENC:
            rc = read_file(m);
            break;
        case KL_MAIL_STOP_FILE_END:
        case KL_MAIL_STOP_NONE:
        case KL_MAIL_STOP_END:
        case KL_MAIL_STOP_FROM:
            rc = read_text(m, NULL);
            break;
        }
        KL_TRY(rc);
    }
    return flush_heads(m);
}

/* Each message of an mbox at a level of its own. */
static enum kl_rc read_mbox(struct kl_mail *m)
{
    uint64_t from = 0;

    for (unsigned long long n = 1; from < m->lines.in->len_bytes; n++) {
        char name[24];
        size_t len = (size_t)snprintf(name, sizeof(name), "%llu", n);
        enum kl_rc rc = kl_emit_enter(m->e, kl_span_make(name, len), 0);
        if (rc == KL_E_LIMIT) {
            return kl_emit_not_inspected(m->e, KL_REASON_LIMIT, m->lines.in->len_bytes - from);
        }
        KL_TRY(rc);
        rc = read_message(m);
        uint64_t to = kl_lines_at(&m->lines);
        kl_emit_set_raw(m->e, to - from);
        kl_emit_set_size(m->e, to - from);
        kl_emit_leave(m->e);
        KL_TRY(rc);
        if (m->lines.io || m->lines.cut || to == from) {
            break;
        }
        from = to;
    }
    return KL_OK;
}

static enum kl_rc read_all(struct kl_mail *m)
{
    KL_TRY(m->is_mbox ? read_mbox(m) : read_message(m));
    uint64_t at = kl_lines_at(&m->lines);
    uint64_t left = m->lines.in->len_bytes > at ? m->lines.in->len_bytes - at : 0;
    if (m->lines.cut) {
        KL_TRY(kl_emit_anomaly(m->e, "file.changed"));
    }
    if (left > 0) {
        return kl_emit_not_inspected(m->e, m->lines.io ? KL_REASON_IO : KL_REASON_CHANGED, left);
    }
    return KL_OK;
}

enum kl_rc kl_extract_mail(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_mail *m = calloc(1, sizeof(*m));
    uint8_t first[5];
    size_t n = 0;

    if (m == NULL) {
        return KL_E_NOMEM;
    }
    m->e = e;
    kl_buf_init(&m->head_raw, HEAD_RAW_BYTES + KL_LINE_BYTES);
    kl_buf_init(&m->head_text, HEAD_TEXT_BYTES);
    enum kl_rc rc = kl_lines_init(&m->lines, in);
    if (rc == KL_OK) {
        m->is_mbox = kl_input_read(in, 0, first, sizeof(first), &n) == KL_OK && n == 5 &&
                     memcmp(first, "From ", 5) == 0;
        rc = read_all(m);
    }
    kl_lines_done(&m->lines);
    kl_buf_done(&m->head_raw);
    kl_buf_done(&m->head_text);
    free(m);
    return rc;
}
