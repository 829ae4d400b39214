/* The bytes of a part of a mail: lines in, decoded bytes out, read as a member by its content. */
#include <stdlib.h>

#include "base/hex.h"
#include "extract/base64.h"
#include "extract/extract.h"
#include "extract/mail_int.h"
#include "extract/member.h"
#include "extract/range.h"
#include "extract/words.h"

#define DECODED_BYTES (KL_LINE_BYTES + 16u)
#define LEAST_LINE 40u /* base64 is written in lines of this length at least */

bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

enum set_use { SET_UNKNOWN = 0, SET_NO, SET_YES };

/* Of format=flowed: what the last characters were. */
struct flowed {
    size_t line_len;
    uint8_t last;
    bool is_joined; /* this line goes on with the one before */
    bool is_start;
    bool is_held; /* a blank that vanishes if the line ends here */
    bool is_sign; /* "-- " so far: never joined */
};

struct body {
    struct kl_mail *m;
    struct kl_mail_how how;
    uint64_t from;
    uint64_t to; /* where it stopped */
    uint64_t n_out;
    bool ended;
    bool is_odd;   /* some of it is not what the coding makes: to be read as it stands, too */
    bool is_bad;   /* and no accident of the transport */
    bool is_noted; /* its words were looked at */
    enum set_use set_use;
    struct kl_base64 base64;
    size_t line_len; /* of the first line of base64 */
    bool is_short;   /* a line shorter than that was met: the last one, by rights */
    bool yenc_escape;
    struct kl_decoder decoder;
    struct flowed flowed;
    uint8_t eol[2]; /* held back: it may belong to the boundary */
    size_t n_eol;
    size_t pos;
    size_t len;
    struct kl_buf words;
    uint8_t decoded[DECODED_BYTES];
    uint8_t out[3 * DECODED_BYTES + 16];
};

/* ---- codings, a line each ---- */

static size_t take_plain(struct body *b, const struct kl_line *line)
{
    struct kl_span text = kl_line_body(line);
    size_t n = b->n_eol;

    memcpy(b->decoded, b->eol, n);
    b->n_eol = line->text.len - text.len;
    memcpy(b->eol, line->text.ptr + text.len, b->n_eol);
    if (b->m->is_mbox && line->is_start && text.len > 0 && text.ptr[0] == '>') {
        size_t i = 1;
        while (i < text.len && text.ptr[i] == '>') {
            i++;
        }
        bool quoted = kl_mail_starts(kl_span_part(text, i, text.len), "from ");
        text = kl_span_part(text, quoted ? 1 : 0, text.len);
    }
    memcpy(b->decoded + n, text.ptr, text.len);
    return n + text.len;
}

static size_t take_qp(struct body *b, const struct kl_line *line)
{
    struct kl_span text = kl_line_body(line);
    size_t n = 0;

    if (line->is_whole) {
        while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
            text.len--;
        }
    } else if (text.len > 2 && text.len == line->text.len) {
        /* A piece of a line: "=X" may go on in the next one. */
        size_t back = text.ptr[text.len - 1] == '=' ? 1 : text.ptr[text.len - 2] == '=' ? 2 : 0;
        if (back > 0 && text.len == KL_LINE_BYTES) {
            kl_lines_back(&b->m->lines, line, back);
            text.len -= back;
        }
    }
    const uint8_t *p = text.ptr;
    for (size_t i = 0; i < text.len; i++) {
        if (p[i] != '=') {
            b->decoded[n++] = p[i];
            continue;
        }
        int high = i + 2 < text.len ? kl_hex_value(p[i + 1]) : -1;
        int low = high >= 0 ? kl_hex_value(p[i + 2]) : -1;
        if (low >= 0) {
            b->decoded[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (i + 1 == text.len) {
            return n; /* a soft line end */
        } else {
            b->decoded[n++] = '=';
        }
    }
    size_t n_eol = line->is_whole ? line->text.len - kl_line_body(line).len : 0;
    memcpy(b->decoded + n, line->text.ptr + line->text.len - n_eol, n_eol);
    return n + n_eol;
}

/* Lines of base64 have one length, all but the last: what has not may be text. */
static void judge_base64(struct body *b, struct kl_span text)
{
    struct kl_span t = kl_span_trim(text);

    if (t.len == 0) {
        return;
    }
    bool first = b->line_len == 0;
    bool inner_space = memchr(t.ptr, ' ', t.len) != NULL || memchr(t.ptr, '\t', t.len) != NULL;
    b->is_odd = b->is_odd || inner_space || b->is_short || (!first && b->line_len < LEAST_LINE);
    if (first) {
        b->line_len = t.len;
        return;
    }
    b->is_odd = b->is_odd || t.len > b->line_len;
    b->is_short = t.len < b->line_len;
}

static size_t take_base64(struct body *b, const struct kl_line *line)
{
    struct kl_span text = kl_line_body(line);
    size_t n = 0;

    if (line->is_start && line->is_whole) {
        judge_base64(b, text);
        /* Groups begin anew with the lines, where lines are made of whole groups. */
        if (b->base64.n != 0 && b->line_len % 4 == 0 && text.len >= LEAST_LINE) {
            n = kl_base64_end(&b->base64, b->decoded);
            b->is_odd = b->is_bad = true;
        }
    }
    n += kl_base64_add(&b->base64, text, b->decoded + n);
    b->is_odd = b->is_odd || b->base64.odd;
    b->is_bad = b->is_bad || b->base64.odd;
    return n;
}

static size_t take_uu(struct body *b, const struct kl_line *line)
{
    struct kl_span text = kl_line_body(line);
    size_t o = 0;

    if (text.len == 0 || kl_mail_starts(text, "begin ")) {
        return 0;
    }
    size_t want = (text.ptr[0] - 32u) & 63;
    bool bad = text.ptr[0] < ' ' || text.ptr[0] > '`' || text.len > (want + 2) / 3 * 4 + 3;
    for (size_t i = 1; o < want; i += 4) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            /* Blanks at the end of a line were lost on many a way: they are zeros. */
            uint8_t c = i + k < text.len ? text.ptr[i + k] : ' ';
            bad = bad || c < ' ' || c > '`';
            v = v << 6 | ((c - 32u) & 63);
        }
        for (size_t k = 0; k < 3 && o < want; k++) {
            b->decoded[o++] = (uint8_t)(v >> (16 - 8 * k));
        }
    }
    b->is_odd = b->is_odd || bad;
    b->is_bad = b->is_bad || bad;
    return o;
}

static size_t take_yenc(struct body *b, const struct kl_line *line)
{
    struct kl_span text = kl_line_body(line);
    size_t n = 0;

    if (line->is_start && (kl_mail_starts(text, "=ybegin ") || kl_mail_starts(text, "=ypart "))) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (b->yenc_escape) {
            c = (uint8_t)(c - 64);
            b->yenc_escape = false;
        } else if (c == '=') {
            b->yenc_escape = true;
            continue;
        }
        b->decoded[n++] = (uint8_t)(c - 42);
    }
    return n;
}

/* What is held back, at the end; no part of the content in front of a boundary. */
static size_t take_end(struct body *b)
{
    size_t n = 0;

    if (b->how.coding == KL_MAIL_CODING_BASE64) {
        n = kl_base64_end(&b->base64, b->decoded);
    } else if (b->m->stop != KL_MAIL_STOP_BOUNDARY) {
        memcpy(b->decoded, b->eol, b->n_eol);
        n = b->n_eol;
    }
    b->n_eol = 0;
    return n;
}

/* ---- what is done to text ---- */

static void flow_end(struct body *b)
{
    struct flowed *f = &b->flowed;

    f->is_joined = f->last == ' ' && !(f->is_sign && f->line_len == 3);
    if (!f->is_joined) {
        b->out[b->len] = ' '; /* of "-- " */
        b->len += f->is_held;
        b->out[b->len++] = '\n';
    }
    f->is_held = false;
    f->is_start = f->is_sign = true;
    f->line_len = 0;
    f->last = 0;
}

/* RFC 3676: a line that ends in a blank goes on in the next one. */
static void add_flowed(struct body *b, struct kl_span text)
{
    static const char sign[] = "-- ";
    struct flowed *f = &b->flowed;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (f->is_start && f->is_joined && c == '>') {
            continue; /* the quote marks of a line that goes on */
        }
        if (f->is_start && c == ' ') {
            f->is_start = false;
            continue; /* stuffed */
        }
        f->is_start = false;
        if (c == '\r') {
            continue;
        }
        if (c == '\n') {
            flow_end(b);
            continue;
        }
        f->is_sign = f->is_sign && f->line_len < 3 && c == (uint8_t)sign[f->line_len];
        f->line_len++;
        f->last = c;
        if (f->is_held) {
            b->out[b->len++] = ' ';
        }
        f->is_held = b->how.is_delsp && c == ' ';
        if (!f->is_held) {
            b->out[b->len++] = c;
        }
    }
}

/* A set that was named counts when the text is not UTF-8 and our own rule does not know better. */
static bool use_set(struct body *b, size_t n)
{
    enum kl_codepage_kind kind = b->how.charset.kind;

    if (kind <= KL_CODEPAGE_UTF8 || b->how.charset.is_latin || !b->how.is_text) {
        return false;
    }
    if (kind != KL_CODEPAGE_SINGLE && kind != KL_CODEPAGE_WHOLE) {
        return true;
    }
    if (b->set_use == SET_UNKNOWN) {
        for (size_t i = 0; i < n; i++) {
            if (b->decoded[i] >= 0x80) {
                b->set_use = kl_utf8_is_valid(b->decoded, n) ? SET_NO : SET_YES;
                break;
            }
        }
    }
    return b->set_use == SET_YES;
}

static enum kl_rc pass_on(struct body *b, size_t n)
{
    struct kl_span text = kl_span_make(b->decoded, n);

    b->pos = 0;
    b->len = 0;
    if (use_set(b, n)) {
        b->len = kl_decoder_add(&b->decoder, text, b->out);
    } else if (b->how.is_flowed) {
        add_flowed(b, text);
    } else {
        memcpy(b->out, text.ptr, n);
        b->len = n;
    }
    b->n_out += b->len;
    if (b->how.is_text && !b->is_noted && b->words.len < KL_WORDS_TEXT_BYTES) {
        size_t room = KL_WORDS_TEXT_BYTES - b->words.len;
        return kl_buf_add(&b->words, b->out, b->len < room ? b->len : room);
    }
    return KL_OK;
}

/* ---- reading ---- */

/* Up to the next decoded bytes, or to the end of the part. */
static enum kl_rc step(struct body *b)
{
    struct kl_mail *m = b->m;
    struct kl_line line;
    size_t n = 0;

    if (!kl_lines_next(&m->lines, &line)) {
        m->stop = KL_MAIL_STOP_END;
        b->to = kl_lines_at(&m->lines);
        b->ended = true;
        return pass_on(b, take_end(b));
    }
    if (line.is_start && kl_mail_stops(m, &line, b->how.within)) {
        b->to = line.at;
        b->ended = true;
        return pass_on(b, take_end(b));
    }
    kl_mail_passed(m, &line);
    switch (b->how.coding) {
    case KL_MAIL_CODING_NONE:
        n = take_plain(b, &line);
        break;
    case KL_MAIL_CODING_BASE64:
        n = take_base64(b, &line);
        break;
    case KL_MAIL_CODING_QP:
        n = take_qp(b, &line);
        break;
    case KL_MAIL_CODING_UU:
        n = take_uu(b, &line);
        break;
    case KL_MAIL_CODING_YENC:
        n = take_yenc(b, &line);
        break;
    }
    return pass_on(b, n);
}

static enum kl_rc body_rewind(void *ctx)
{
    struct body *b = ctx;

    kl_lines_seek(&b->m->lines, b->from);
    b->m->is_blank = true;
    b->m->stop = KL_MAIL_STOP_NONE;
    b->is_noted = b->is_noted || b->ended;
    b->ended = false;
    b->n_out = 0;
    b->pos = b->len = 0;
    b->set_use = SET_UNKNOWN;
    b->base64 = (struct kl_base64){0};
    b->line_len = 0;
    b->is_short = false;
    b->yenc_escape = false;
    b->decoder = kl_decoder_init(b->how.charset);
    b->flowed = (struct flowed){.is_start = true, .is_sign = true};
    b->n_eol = 0;
    b->words.len = b->is_noted ? b->words.len : 0;
    return KL_OK;
}

static enum kl_rc body_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct body *b = ctx;
    size_t all = 0;

    while (all < n) {
        if (b->pos == b->len) {
            if (b->ended) {
                break;
            }
            KL_TRY(step(b));
            continue;
        }
        size_t len = b->len - b->pos < n - all ? b->len - b->pos : n - all;
        memcpy((uint8_t *)dst + all, b->out + b->pos, len);
        b->pos += len;
        all += len;
    }
    *out_n = all;
    return KL_OK;
}

/* An input that cannot be read to its end is said once, by the mail as a whole. */
static enum kl_reason body_lost(void *ctx)
{
    (void)ctx;
    return KL_REASON_NONE;
}

static enum kl_rc body_check(void *ctx)
{
    const struct body *b = ctx;
    return b->is_bad ? kl_emit_anomaly(b->m->e, "mail.coding") : KL_OK;
}

static const struct kl_member_ops body_ops = {body_rewind, body_read, body_lost, body_check};

/* ---- the part ---- */

/* The part as it stands, for what its coding did not make. */
static enum kl_rc extract_raw(struct body *b)
{
    struct kl_range r;
    struct kl_emit *e = b->m->e;
    enum kl_rc rc =
        kl_emit_depth(e) < KL_MAX_NESTING ? kl_emit_enter(e, KL_SPAN_LIT("raw"), 0) : KL_E_LIMIT;

    if (rc != KL_OK && rc != KL_E_LIMIT) {
        return rc;
    }
    kl_range_init(&r, b->m->lines.in, b->from, b->to);
    enum kl_rc done = kl_extract_text(e, &r.in);
    if (rc == KL_OK) {
        kl_emit_leave(e);
    }
    return done;
}

static enum kl_rc skip_rest(struct body *b)
{
    while (!b->ended) {
        KL_TRY(step(b));
    }
    return KL_OK;
}

static enum kl_rc extract_entered(struct body *b)
{
    struct kl_emit *e = b->m->e;
    struct kl_member member = {&body_ops, b, KL_MEMBER_UNKNOWN, "mail.data", "mail.size"};

    KL_TRY(kl_member_extract(e, &member));
    KL_TRY(skip_rest(b));
    if (b->how.is_encrypted && b->n_out > 0) {
        KL_TRY(kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, b->n_out));
    }
    if (b->is_odd) {
        KL_TRY(extract_raw(b));
    }
    if (b->how.is_text) {
        KL_TRY(kl_words_note(e, kl_buf_span(&b->words)));
    }
    kl_emit_set_raw(e, b->to - b->from);
    return KL_OK;
}

/* True: up to its stop there is nothing but white space, and it was passed over. */
static bool pass_blank(struct kl_mail *m, enum kl_mail_within within)
{
    struct kl_line line;

    while (kl_lines_next(&m->lines, &line)) {
        if (line.is_start && kl_mail_stops(m, &line, within)) {
            return true;
        }
        if (kl_span_trim(line.text).len > 0) {
            kl_lines_back(&m->lines, &line, line.text.len);
            return false;
        }
        kl_mail_passed(m, &line);
    }
    m->stop = KL_MAIL_STOP_END;
    return true;
}

enum kl_rc kl_mail_body(struct kl_mail *m, const struct kl_mail_how *how, struct kl_span name,
                        bool skip_blank)
{
    m->stop = KL_MAIL_STOP_NONE;
    if (skip_blank && pass_blank(m, how->within)) {
        return KL_OK;
    }
    struct body *b = malloc(sizeof(*b));
    if (b == NULL) {
        return KL_E_NOMEM;
    }
    memset(b, 0, offsetof(struct body, decoded));
    b->m = m;
    b->how = *how;
    b->from = kl_lines_at(&m->lines);
    kl_buf_init(&b->words, KL_WORDS_TEXT_BYTES);
    enum kl_rc rc = body_rewind(b);
    if (rc == KL_OK) {
        rc = kl_emit_enter(m->e, name, 0);
    }
    if (rc == KL_OK) {
        rc = extract_entered(b);
        kl_emit_leave(m->e);
    } else if (rc == KL_E_LIMIT) {
        rc = skip_rest(b);
        if (rc == KL_OK && b->to > b->from) {
            rc = kl_emit_not_inspected(m->e, KL_REASON_LIMIT, b->to - b->from);
        }
    }
    kl_buf_done(&b->words);
    free(b);
    return rc;
}
