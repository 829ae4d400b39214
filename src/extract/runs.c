#include "extract/runs.h"

#include <stdio.h>

#include "extract/extract.h"
#include "extract/glance.h"

#define RUNS_BYTES (65536u * sizeof(struct kl_run))
#define BACK_PAIRS 192u /* bytes looked back for the first pair of spaced hex */
#define JUNK_BYTES 256u /* decoded bytes: less than this and no text: a hash or a token */
#define HEAD_BYTES 4096u
#define LINE_LEAST 40u /* as run.c: shorter lines are not joined */

void kl_runs_init(struct kl_runs *r)
{
    kl_buf_init(&r->list, RUNS_BYTES);
    r->past = 0;
    r->full = false;
}

void kl_runs_done(struct kl_runs *r)
{
    kl_buf_done(&r->list);
}

/* ---- finding ---- */

static size_t letters_back(struct kl_span t, size_t at)
{
    while (at > 0 && kl_glance_is_base64(t.ptr[at - 1])) {
        at--;
    }
    return at;
}

/* Begin of the run of letters around `at`: also over the wrapped lines in front of it. */
static size_t begin_of(struct kl_span t, size_t at, size_t floor)
{
    size_t begin = letters_back(t, at);

    while (begin > floor && t.ptr[begin - 1] == '\n') {
        size_t end = begin - 1;
        if (end > 0 && t.ptr[end - 1] == '\r') {
            end--;
        }
        size_t line = letters_back(t, end);
        if (end - line < LINE_LEAST || line < floor) {
            break;
        }
        begin = line;
    }
    return begin > floor ? begin : floor;
}

static bool is_hex_letter(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}

/* Input offset of a place in the text: characters times bytes per character. */
static uint64_t offset_of(struct kl_span t, size_t from, size_t to, const struct kl_run *like)
{
    uint64_t units = 0;

    if (like->step == 1) {
        return to - from;
    }
    for (size_t i = from; i < to; i++) {
        units += (t.ptr[i] & 0xC0) != 0x80;
        units += like->step == 2 && t.ptr[i] >= 0xF0;
    }
    return units * like->step;
}

struct finder {
    struct kl_runs *runs;
    const struct kl_input *in;
    struct kl_span text;
    const struct kl_run *like;
    size_t known; /* place in text whose offset is known */
    uint64_t known_at;
};

static uint64_t find_offset(struct finder *f, size_t at)
{
    if (at < f->known) {
        f->known = 0;
        f->known_at = f->like->from;
    }
    f->known_at += offset_of(f->text, f->known, at, f->like);
    f->known = at;
    return f->known_at;
}

/* Measure at `at`; *out_next: where in the text to look on. */
static enum kl_rc try_at(struct finder *f, size_t at, size_t *out_next, bool *out_hit)
{
    struct kl_run run = {KL_RUN_NONE, f->like->step, f->like->phase, find_offset(f, at), 0};

    /* Text of one byte a character is the input itself. */
    struct kl_span known = kl_span_part(f->text, run.step == 1 ? at : f->text.len, f->text.len);
    KL_TRY(kl_run_measure(f->in, known, &run));
    uint64_t len = (run.to - run.from) / run.step;
    *out_next = len < f->text.len - at ? at + (size_t)len : f->text.len;
    *out_hit = run.kind != KL_RUN_NONE;
    if (!*out_hit) {
        return KL_OK;
    }
    f->runs->past = run.to;
    enum kl_rc rc = kl_buf_add(&f->runs->list, &run, sizeof(run));
    if (rc == KL_E_LIMIT) {
        f->runs->full = true;
        return KL_OK;
    }
    return rc;
}

/* Spaced pairs around `at`: begin at the first pair behind something that is not one. */
static enum kl_rc try_pairs(struct finder *f, size_t at, size_t floor, size_t *out_next)
{
    struct kl_span t = f->text;
    size_t from = at - floor > BACK_PAIRS ? at - BACK_PAIRS : floor;

    for (size_t i = from; i < at + 16 && i + 1 < t.len; i++) {
        bool first = i == 0 || !is_hex_letter(t.ptr[i - 1]);
        bool pair = is_hex_letter(t.ptr[i]) && is_hex_letter(t.ptr[i + 1]) &&
                    (i + 2 == t.len || !is_hex_letter(t.ptr[i + 2]));
        bool hit = false;
        if (first && pair) {
            KL_TRY(try_at(f, i, out_next, &hit));
        }
        if (hit) {
            return KL_OK;
        }
    }
    *out_next = at + 64;
    return KL_OK;
}

enum kl_rc kl_runs_find(struct kl_runs *r, const struct kl_input *in, struct kl_span text,
                        size_t from, size_t to, const struct kl_run *like)
{
    struct finder f = {r, in, text, like, 0, like->from};
    size_t floor = 0; /* up to here runs were measured */

    if (r->past > like->from) {
        uint64_t n = (r->past - like->from) / like->step;
        floor = n < text.len ? (size_t)n : text.len;
    }
    struct kl_span window = kl_span_part(text, 0, to + 64); /* blocks of 64 begin elsewhere here */
    size_t at = 0;
    from = from / 64 * 64; /* as the glance at the piece saw it, or earlier */
    from = from > floor ? from : floor;
    for (;;) {
        enum kl_glance_kind kind = kl_glance_run(window, from, &at);
        size_t next = at + 32;
        bool hit = false;
        if (kind == KL_GLANCE_NOTHING) {
            return KL_OK;
        }
        if (kind == KL_GLANCE_PAIRS) {
            KL_TRY(try_pairs(&f, at, floor, &next));
        } else {
            KL_TRY(try_at(&f, begin_of(text, at, floor), &next, &hit));
        }
        floor = next > floor ? next : floor;
        from = next > at ? next : at + 32;
    }
}

/* ---- extracting ---- */

static enum kl_rc extract_piece(struct kl_emit *e, struct kl_span bytes, enum kl_format format,
                                bool first)
{
    struct kl_input in = kl_input_mem(bytes);
    enum kl_rc rc = kl_emit_charge_expanded(e, bytes.len);

    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, bytes.len);
    }
    KL_TRY(rc);
    if (first) {
        return kl_extract_nested(e, &in);
    }
    return format == KL_FORMAT_TEXT ? kl_extract_text(e, &in) : kl_extract_binary(e, &in);
}

/* The pieces behind the first: text goes on; the rest of a container is not reached. */
static enum kl_rc extract_rest(struct kl_emit *e, const struct kl_input *in,
                               const struct kl_run *run, uint64_t at, enum kl_format format,
                               struct kl_buf *buf)
{
    while (at < run->to) {
        if (format != KL_FORMAT_TEXT && format != KL_FORMAT_BINARY) {
            KL_TRY(kl_emit_anomaly(e, "limit.run"));
            return kl_emit_not_inspected(e, KL_REASON_LIMIT, (run->to - at) / run->step);
        }
        buf->len = 0;
        enum kl_rc rc = kl_run_decode(in, run, &at, KL_MAX_WHOLE_MEMBER, buf);
        if (rc == KL_E_IO) {
            return kl_emit_not_inspected(e, KL_REASON_IO, run->to - at);
        }
        KL_TRY(rc);
        if (buf->len > 0) {
            KL_TRY(extract_piece(e, kl_buf_span(buf), format, false));
        }
    }
    return KL_OK;
}

static enum kl_rc extract_level(struct kl_emit *e, const struct kl_input *in,
                                const struct kl_run *run, uint64_t at, enum kl_format format,
                                struct kl_buf *buf)
{
    char name[40];

    (void)snprintf(name, sizeof(name), "%s@%llu", run->kind == KL_RUN_BASE64 ? "base64" : "hex",
                   (unsigned long long)run->from);
    enum kl_rc rc = kl_emit_enter(e, kl_span_str(name), run->to - run->from);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, run->to - run->from);
    }
    KL_TRY(rc);
    rc = extract_piece(e, kl_buf_span(buf), format, true);
    if (rc == KL_OK) {
        rc = extract_rest(e, in, run, at, format, buf);
    }
    kl_emit_leave(e);
    return rc;
}

static enum kl_rc extract_run(struct kl_emit *e, const struct kl_input *in,
                              const struct kl_run *run)
{
    struct kl_buf buf;
    uint64_t at = run->from;

    /* One group of letters may end behind the ceiling. */
    kl_buf_init(&buf, KL_MAX_WHOLE_MEMBER + 8);
    enum kl_rc rc = kl_run_decode(in, run, &at, KL_MAX_WHOLE_MEMBER, &buf);
    enum kl_format format = kl_sniff(kl_span_part(kl_buf_span(&buf), 0, HEAD_BYTES));
    bool junk = format == KL_FORMAT_NONE || (format == KL_FORMAT_BINARY && buf.len < JUNK_BYTES);
    if (rc == KL_OK && !junk) {
        rc = extract_level(e, in, run, at, format, &buf);
    } else if (rc == KL_E_IO) {
        /* The text itself was read: only what it stands for is not known. */
        rc = kl_emit_not_inspected(e, KL_REASON_IO, run->to - run->from);
    }
    kl_buf_done(&buf);
    return rc;
}

enum kl_rc kl_runs_extract(struct kl_runs *r, struct kl_emit *e, const struct kl_input *in)
{
    struct kl_span list = kl_buf_span(&r->list);

    if (r->full) {
        KL_TRY(kl_emit_anomaly(e, "limit.runs"));
    }
    for (size_t i = 0; i + sizeof(struct kl_run) <= list.len; i += sizeof(struct kl_run)) {
        struct kl_run run;
        memcpy(&run, list.ptr + i, sizeof(run));
        KL_TRY(extract_run(e, in, &run));
    }
    return KL_OK;
}
