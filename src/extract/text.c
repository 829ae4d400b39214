#include <stdlib.h>

#include "base/fold.h"
#include "extract/binary.h"
#include "extract/charset.h"
#include "extract/escape.h"
#include "extract/extract.h"
#include "extract/glance.h"
#include "extract/runs.h"
#include "extract/view.h"

#define HEAD_BYTES 4096u
#define RAW_BYTES KL_VIEW_BYTES
#define PIECE_BYTES 4096u  /* looked at in one go */
#define SMALL_BYTES 512u   /* how much of a piece one odd byte makes slow */
#define OPEN_BYTES 12u     /* of the longest escape */
#define LINE_BYTES 32768u  /* how far back a chunk is cut at a line end */
#define SOFT_BYTES 4096u   /* how far back it is cut behind a separator */
#define FOLD_GROWS 4u      /* bytes folded from one */
#define MAX_STRETCHES 16u  /* places with UTF-16 in 8-bit text that are told apart */
#define STRETCH_NEAR 4096u /* bytes looked at around such a place */

bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

struct buffers {
    uint8_t raw[RAW_BYTES];              /* UTF-16 or UTF-32: looked at more than once */
    uint8_t wide[RAW_BYTES / 2 * 3 + 3]; /* decoded from UTF-16 or UTF-32 */
    uint8_t a[PIECE_BYTES];              /* a piece without escapes */
    uint8_t b[3 * PIECE_BYTES];          /* decoded from a single-byte set */
};

struct stretch {
    uint64_t from;
    uint64_t to;
};

struct text {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_view view;
    enum kl_charset set;
    uint64_t at; /* of the input: what is before is done with */
    bool utf8;   /* UTF-8 letters were met */
    bool single; /* letters of a single-byte set were met */
    bool io;     /* the input cannot be read */
    bool cut;    /* the input ended early */
    bool voted;  /* this chunk was counted */
    struct kl_span chunk;
    struct kl_escape_style style;
    struct kl_charset_votes votes;
    struct kl_runs runs;
    struct stretch stretches[MAX_STRETCHES];
    unsigned n_stretches;
    struct buffers *bufs;
};

/* ---- where a chunk may end ---- */

/* Behind the last line end that is no soft break of quoted-printable; 0: none in the last half. */
static size_t line_cut(struct kl_span t)
{
    size_t floor = t.len / 2 < LINE_BYTES ? t.len / 2 : t.len - LINE_BYTES;
    size_t end = t.len;

    while (end > floor) {
        const uint8_t *nl = memrchr(t.ptr + floor, '\n', end - floor);
        if (nl == NULL) {
            return 0;
        }
        end = (size_t)(nl - t.ptr);
        size_t eol = end > 0 && t.ptr[end - 1] == '\r' ? end - 1 : end;
        if (eol == 0 || t.ptr[eol - 1] != '=') {
            return end + 1;
        }
    }
    return 0;
}

static size_t cut_of(struct kl_span t)
{
    size_t line = line_cut(t);
    if (line > 0) {
        return line;
    }
    size_t near = t.len / 2 < SOFT_BYTES ? t.len / 2 : SOFT_BYTES;
    for (size_t i = t.len; i > t.len - near; i--) {
        uint8_t c = t.ptr[i - 1];
        if (c == ' ' || c == ',' || c == ';' || c == '\t') {
            return i;
        }
    }
    size_t n = kl_charset_whole(t);
    n = kl_escape_whole(kl_span_part(t, 0, n));
    return n > 0 ? n : t.len;
}

/* ---- a piece ---- */

static enum kl_rc note_sets(struct text *t, const struct kl_charset_seen *seen)
{
    t->utf8 = t->utf8 || seen->utf8;
    t->single = t->single || seen->single;
    if (t->utf8 && t->single) {
        KL_TRY(kl_emit_anomaly(t->e, "charset.mixed"));
    }
    return seen->lost ? kl_emit_anomaly(t->e, "charset.lost") : KL_OK;
}

/* The set is told by the whole chunk; letters written as escapes show in the piece only. */
static enum kl_charset decide_set(struct text *t, struct kl_span piece, bool escaped)
{
    if (!t->voted) {
        kl_charset_count(&t->votes, t->chunk);
        t->voted = true;
    }
    if (escaped) {
        kl_charset_count(&t->votes, piece);
    }
    return kl_charset_decide(&t->votes);
}

static enum kl_rc emit_folded(struct text *t, struct kl_span s)
{
    uint8_t *ptr = NULL;
    size_t cap = 0;

    KL_TRY(kl_emit_space(t->e, FOLD_GROWS * s.len, &ptr, &cap));
    return kl_emit_commit(t->e, kl_fold_view(s, ptr, cap));
}

/* A piece that needs more than being passed on. */
static enum kl_rc take_slowly(struct text *t, struct kl_span s, unsigned flags)
{
    bool escaped = (flags & KL_GLANCE_ESCAPE) != 0;
    struct kl_charset_seen seen = {false, false, false};
    uint8_t *text = t->bufs->a;
    size_t repaired = 0;

    memcpy(text, s.ptr, s.len);
    size_t n = escaped ? kl_escape_undo(text, s.len, &t->style) : s.len;
    if (!kl_utf8_is_valid(text, n)) {
        size_t used = 0;
        struct kl_span bytes = kl_span_make(text, n);
        enum kl_charset set = decide_set(t, bytes, escaped);
        n = kl_charset_single(bytes, set, true, t->bufs->b, &used, &seen);
        text = t->bufs->b;
    } else {
        seen.utf8 = (flags & KL_GLANCE_HIGH) != 0;
    }
    KL_TRY(note_sets(t, &seen));
    if ((kl_glance(kl_span_make(text, n)) & KL_GLANCE_MANGLED) != 0) {
        n = kl_charset_unmangle(text, n, &repaired);
    }
    if (repaired > 0) {
        KL_TRY(kl_emit_anomaly(t->e, "charset.mojibake"));
    }
    struct kl_span out = kl_span_make(text, n);
    return kl_fold_is_odd(out) ? emit_folded(t, out) : kl_emit_text(t->e, out);
}

static bool is_plain(struct kl_span s, unsigned flags)
{
    return (flags & (KL_GLANCE_ESCAPE | KL_GLANCE_MANGLED)) == 0 &&
           ((flags & KL_GLANCE_HIGH) == 0 ||
            (kl_utf8_is_valid(s.ptr, s.len) && !kl_fold_is_odd(s)));
}

static enum kl_rc take_plainly(struct text *t, struct kl_span s, unsigned flags)
{
    if ((flags & KL_GLANCE_HIGH) != 0) {
        struct kl_charset_seen seen = {.utf8 = true};
        KL_TRY(note_sets(t, &seen));
    }
    return kl_emit_text(t->e, s);
}

/* The first bytes of s, cut where a value ends. */
static struct kl_span piece_of(struct kl_span s, size_t bytes)
{
    return s.len > bytes ? kl_span_part(s, 0, cut_of(kl_span_part(s, 0, bytes))) : s;
}

static enum kl_rc take_piece(struct text *t, struct kl_span s, unsigned flags)
{
    if (is_plain(s, flags)) {
        return take_plainly(t, s, flags);
    }
    while (s.len > 0) {
        struct kl_span small = piece_of(s, SMALL_BYTES);
        unsigned f = kl_glance(small);
        KL_TRY(is_plain(small, f) ? take_plainly(t, small, f) : take_slowly(t, small, f));
        s = kl_span_part(s, small.len, s.len);
    }
    return KL_OK;
}

/* ---- a chunk ---- */

/* Runs that show in the pieces chunk[from, to). */
static enum kl_rc find_runs(struct text *t, size_t from, size_t to)
{
    bool wide = t->set == KL_CHARSET_UTF16LE || t->set == KL_CHARSET_UTF16BE;
    bool wider = t->set == KL_CHARSET_UTF32LE || t->set == KL_CHARSET_UTF32BE;
    bool big = t->set == KL_CHARSET_UTF16BE || t->set == KL_CHARSET_UTF32BE;
    uint8_t step = wider ? 4 : wide ? 2 : 1;
    struct kl_run like = {KL_RUN_NONE, step, big ? (uint8_t)(step - 1) : 0, t->at, 0};
    enum kl_rc rc = kl_runs_find(&t->runs, t->in, t->chunk, from, to, &like);

    t->io = t->io || rc == KL_E_IO;
    return rc == KL_E_IO ? KL_OK : rc;
}

/* UTF-16 stands in this chunk: remember where; the last stretch takes what finds no place. */
static void add_stretch(struct text *t, size_t n)
{
    uint64_t from = t->at < STRETCH_NEAR ? 0 : t->at - STRETCH_NEAR;
    uint64_t left = t->in->len_bytes - t->at;
    uint64_t to = left < n + STRETCH_NEAR ? t->in->len_bytes : t->at + n + STRETCH_NEAR;
    unsigned last = t->n_stretches;

    if (last > 0 && (last == MAX_STRETCHES || from <= t->stretches[last - 1].to)) {
        t->stretches[last - 1].to = to;
        return;
    }
    t->stretches[t->n_stretches++] = (struct stretch){from, to};
}

/* Whether an escape may begin in the piece and end behind it. */
static bool is_open(struct kl_span piece)
{
    struct kl_span end = kl_span_part(piece, piece.len - OPEN_BYTES, piece.len);
    bool open = false;

    for (size_t i = 0; i < end.len; i++) {
        uint8_t c = end.ptr[i];
        open |= c == '%' || c == '&' || c == '=' || c == '\\';
    }
    return open;
}

/* A chunk of UTF-8 or 8-bit text, which began at t->at of the input. */
static enum kl_rc take_chunk(struct text *t, struct kl_span chunk)
{
    unsigned all = 0;
    size_t n = 0;

    t->chunk = chunk;
    t->style = kl_escape_style(chunk);
    t->voted = false;
    for (size_t at = 0; at < chunk.len; at += n) {
        struct kl_span rest = kl_span_part(chunk, at, chunk.len);
        struct kl_span piece = kl_span_part(rest, 0, PIECE_BYTES);
        unsigned flags = kl_glance_part(rest, PIECE_BYTES);
        /* Plain ASCII may be cut anywhere. */
        if (piece.len < rest.len && ((flags & KL_GLANCE_SLOW) != 0 || is_open(piece))) {
            piece = piece_of(rest, PIECE_BYTES);
        }
        n = piece.len;
        KL_TRY(take_piece(t, piece, flags));
        all |= flags;
        if ((flags & KL_GLANCE_RUN) != 0) {
            KL_TRY(find_runs(t, at, at + n));
        }
    }
    if ((all & KL_GLANCE_WIDE) != 0 && t->set == KL_CHARSET_8BIT) {
        add_stretch(t, chunk.len);
    }
    return KL_OK;
}

/* ---- reading ---- */

/* What lies at t->at; 0 bytes: the end, early or not. */
static enum kl_rc read_more(struct text *t, struct kl_span *out_raw, bool *out_last)
{
    uint64_t left = t->in->len_bytes - t->at;
    size_t want = left < RAW_BYTES ? (size_t)left : RAW_BYTES;
    enum kl_rc rc = kl_view_get(&t->view, t->at, want, out_raw);

    if (rc != KL_OK) {
        *out_raw = kl_span_make(NULL, 0);
        t->io = true;
    }
    left = t->in->len_bytes - t->at; /* the end of a source may be met only now */
    t->cut = t->cut || (out_raw->len < want && out_raw->len < left);
    *out_last = out_raw->len < want || out_raw->len == left;
    return rc == KL_E_IO ? KL_OK : rc;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static enum kl_rc step_8bit(struct text *t)
{
    bool last = false;
    struct kl_span raw;

    KL_TRY(read_more(t, &raw, &last));
    if (is_zero(raw.ptr, raw.len)) {
        uint64_t data = kl_input_data(t->in, t->at);
        t->at = data > t->at + raw.len ? data : t->at + raw.len;
        return KL_OK;
    }
    size_t n = last ? raw.len : cut_of(raw);
    KL_TRY(take_chunk(t, kl_span_part(raw, 0, n)));
    t->at += n;
    return KL_OK;
}

/* Bytes of the input that a piece of decoded text came from. */
static uint64_t wide_bytes(struct kl_span s, bool quads)
{
    uint64_t units = 0;
    for (size_t i = 0; i < s.len; i++) {
        units += (s.ptr[i] & 0xC0) != 0x80;
        units += !quads && s.ptr[i] >= 0xF0;
    }
    return units * (quads ? 4 : 2);
}

static enum kl_rc step_wide(struct text *t)
{
    bool last = false;
    struct kl_charset_seen seen = {false, false, false};
    size_t used = 0;
    struct kl_span raw;
    struct kl_span text = {t->bufs->wide, 0};

    KL_TRY(read_more(t, &raw, &last));
    if (raw.len > 0) {
        memcpy(t->bufs->raw, raw.ptr, raw.len);
    }
    text.len = kl_charset_wide(kl_span_make(t->bufs->raw, raw.len), t->set, last, t->bufs->wide,
                               &used, &seen);
    size_t cut = last ? text.len : cut_of(text);
    used -= (size_t)wide_bytes(kl_span_part(text, cut, text.len), t->set >= KL_CHARSET_UTF32LE);
    KL_TRY(note_sets(t, &seen));
    KL_TRY(take_chunk(t, kl_span_part(text, 0, cut)));
    t->at += used;
    return KL_OK;
}

static enum kl_rc read_part(struct text *t)
{
    bool eight = t->set == KL_CHARSET_8BIT;

    while (t->at < t->in->len_bytes && !t->io && !t->cut) {
        kl_emit_confirm_to(t->e, t->at);
        KL_TRY(eight ? step_8bit(t) : step_wide(t));
    }
    return KL_OK;
}

/* Bytes that were promised and not read, bytes that came later. */
static enum kl_rc account(struct text *t)
{
    uint64_t there = kl_view_there(&t->view, t->at);

    t->cut = t->cut || there < t->at;
    uint64_t left = t->in->len_bytes - there;
    if (left > 0) {
        KL_TRY(kl_emit_not_inspected(t->e, t->io ? KL_REASON_IO : KL_REASON_CHANGED, left));
    }
    if (t->cut && !t->io) {
        return kl_emit_anomaly(t->e, "file.changed");
    }
    uint8_t more;
    size_t got = 0;
    if (t->in->fd >= 0 && kl_input_read(t->in, t->in->len_bytes, &more, 1, &got) == KL_OK &&
        got == 1) {
        return kl_emit_anomaly(t->e, "file.changed");
    }
    return KL_OK;
}

static enum kl_rc extract_all(struct text *t)
{
    KL_TRY(kl_emit_part_begin(t->e, KL_PART_TEXT));
    enum kl_rc rc = read_part(t);
    enum kl_rc end = kl_emit_part_end(t->e);
    KL_TRY(rc);
    KL_TRY(end);
    KL_TRY(account(t));
    /* No longer needed; what lies inside brings its own. */
    kl_view_done(&t->view);
    free(t->bufs);
    t->bufs = NULL;
    KL_TRY(kl_runs_extract(&t->runs, t->e, t->in));
    for (unsigned i = 0; i < t->n_stretches; i++) {
        KL_TRY(kl_binary_utf16(t->e, t->in, t->stretches[i].from, t->stretches[i].to));
    }
    return KL_OK;
}

enum kl_rc kl_extract_text(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;
    size_t bom = 0;
    struct text t = {.e = e, .in = in};

    if (kl_input_read(in, 0, head, sizeof(head), &n) != KL_OK) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    if (n > in->len_bytes) {
        n = (size_t)in->len_bytes;
    }
    t.set = kl_charset_detect(kl_span_make(head, n), &bom);
    if (t.set == KL_CHARSET_NONE) {
        t.set = KL_CHARSET_8BIT;
    }
    t.at = bom;
    t.bufs = malloc(sizeof(*t.bufs));
    if (t.bufs == NULL) {
        return KL_E_NOMEM;
    }
    kl_runs_init(&t.runs);
    kl_view_init(&t.view, in);
    enum kl_rc rc = extract_all(&t);
    kl_view_done(&t.view);
    kl_runs_done(&t.runs);
    free(t.bufs);
    return rc;
}
