/* Where the lines of a part end: boundaries, the next message of an mbox, files in the text. */
#include "extract/mail_int.h"

static bool is_white(struct kl_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] > ' ') {
            return false;
        }
    }
    return true;
}

/* ---- boundaries ---- */

static bool is_boundary(const struct kl_mail_name *b, struct kl_span body, bool *out_close)
{
    struct kl_span rest = kl_span_part(body, 2 + b->len, body.len);

    if (body.len < 2 + b->len || memcmp(body.ptr + 2, b->ptr, b->len) != 0) {
        return false;
    }
    *out_close = rest.len >= 2 && rest.ptr[0] == '-' && rest.ptr[1] == '-';
    return *out_close || is_white(rest);
}

static bool stops_at_known(struct kl_mail *m, struct kl_span body)
{
    for (unsigned i = m->n_frames; i > 0; i--) {
        struct kl_mail_frame *f = &m->frames[i - 1];
        for (unsigned k = 0; k < f->n_boundaries; k++) {
            if (is_boundary(&f->boundary[k], body, &m->stop_is_close)) {
                m->stop = KL_MAIL_STOP_BOUNDARY;
                m->stop_frame = i - 1;
                return true;
            }
        }
    }
    return false;
}

/*
 * A multipart without its boundary, or whose first boundary is another than was said: a line
 * of the shape in front of the headers of a part is taken for it.
 */
static bool stops_at_guess(struct kl_mail *m, const struct kl_line *line)
{
    struct kl_mail_frame *f = &m->frames[m->n_frames - 1];
    struct kl_span body = kl_span_trim(kl_line_body(line));

    if (!m->is_preamble || body.len < 4 || body.len - 2 > KL_MAIL_BOUNDARY_BYTES ||
        f->n_boundaries == 2 || !kl_mail_starts(kl_lines_peek(&m->lines), "content-")) {
        return false;
    }
    struct kl_mail_name *name = &f->boundary[f->n_boundaries++];
    name->len = body.len - 2;
    memcpy(name->ptr, body.ptr + 2, name->len);
    m->stop = KL_MAIL_STOP_BOUNDARY;
    m->stop_frame = m->n_frames - 1;
    m->stop_is_close = false;
    m->is_guess = true;
    return true;
}

/* ---- the next message ---- */

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* "12:34" and a year: what mail programs write behind "From ". */
static bool has_date(struct kl_span s)
{
    bool time = false;
    bool year = false;

    for (size_t i = 0; i + 5 <= s.len; i++) {
        const uint8_t *p = s.ptr + i;
        time = time || (is_digit(p[0]) && is_digit(p[1]) && p[2] == ':' && is_digit(p[3]));
        year =
            year || (p[0] == ' ' && (memcmp(p + 1, "19", 2) == 0 || memcmp(p + 1, "20", 2) == 0) &&
                     is_digit(p[3]) && is_digit(p[4]));
    }
    return time && year;
}

static bool stops_at_from(struct kl_mail *m, const struct kl_line *line)
{
    if (line->at < m->no_from_till || (!m->is_blank && !has_date(line->text))) {
        return false;
    }
    struct kl_span next = kl_lines_peek(&m->lines);
    if (kl_mail_field_len(next) == 0 && !kl_mail_starts(next, ">from ")) {
        return false;
    }
    kl_lines_back(&m->lines, line, line->text.len);
    m->stop = KL_MAIL_STOP_FROM;
    return true;
}

/* ---- files in the text ---- */

/* The shape of a line of uuencoded bytes: a length, and room for that many. */
static bool is_uu_line(struct kl_span body)
{
    if (body.len < 2 || body.ptr[0] <= ' ' || body.ptr[0] > '`') {
        return false;
    }
    size_t n = (body.ptr[0] - 32u) & 63;
    size_t want = (n + 2) / 3 * 4;
    return n > 0 && body.len - 1 <= want + 2 && body.len + 3 > want;
}

static bool stops_at_uu(struct kl_mail *m, const struct kl_line *line)
{
    struct kl_span b = kl_line_body(line);
    size_t i = 6;

    while (i < b.len && b.ptr[i] >= '0' && b.ptr[i] <= '7') {
        i++;
    }
    if (i < 9 || i > 11 || i + 1 >= b.len || b.ptr[i] != ' ' ||
        !is_uu_line(kl_lines_peek(&m->lines))) {
        return false;
    }
    kl_lines_back(&m->lines, line, line->text.len);
    m->stop = KL_MAIL_STOP_UU;
    return true;
}

static bool stops_at_file(struct kl_mail *m, const struct kl_line *line, enum kl_mail_within within)
{
    struct kl_span b = kl_line_body(line);

    switch (within) {
    case KL_MAIL_WITHIN_TEXT:
        if (kl_mail_starts(b, "begin ")) {
            return stops_at_uu(m, line);
        }
        if (kl_span_find(kl_span_part(b, 0, 13), 0, KL_SPAN_LIT("=ybegin line=")) == 0 &&
            b.len > 13) {
            kl_lines_back(&m->lines, line, line->text.len);
            m->stop = KL_MAIL_STOP_YENC;
            return true;
        }
        return false;
    case KL_MAIL_WITHIN_UU:
        m->stop = kl_mail_is(kl_span_trim(b), "end") ? KL_MAIL_STOP_FILE_END : m->stop;
        break;
    case KL_MAIL_WITHIN_YENC:
        m->stop = kl_mail_starts(b, "=yend") ? KL_MAIL_STOP_FILE_END : m->stop;
        break;
    case KL_MAIL_WITHIN_OTHER:
        break;
    }
    return m->stop == KL_MAIL_STOP_FILE_END;
}

bool kl_mail_stops(struct kl_mail *m, const struct kl_line *line, enum kl_mail_within within)
{
    const uint8_t *p = line->text.ptr;
    size_t n = line->text.len;

    if (n > 2 && p[0] == '-' && p[1] == '-' && m->n_frames > 0) {
        if (stops_at_known(m, kl_line_body(line)) || stops_at_guess(m, line)) {
            return true;
        }
    }
    if (m->is_mbox && n > 5 && memcmp(p, "From ", 5) == 0 && stops_at_from(m, line)) {
        return true;
    }
    return within != KL_MAIL_WITHIN_OTHER && stops_at_file(m, line, within);
}
