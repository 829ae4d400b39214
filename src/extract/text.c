#include <stdlib.h>

#include "base/fold.h"
#include "extract/binary.h"
#include "extract/charset.h"
#include "extract/escape.h"
#include "extract/extract.h"
#include "extract/glance.h"
#include "extract/runs.h"

#define HEAD_BYTES 4096u
#define LINE_BYTES 32768u /* how far back a chunk is cut at a line end */
#define SOFT_BYTES 4096u  /* how far back it is cut behind a separator */
#define FOLD_BYTES 32768u /* folded in one go: four times it is half a block */

bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

struct text {
    struct kl_emit *e;
    const struct kl_input *in;
    enum kl_charset set;
    uint64_t at;       /* of the input: what is before is done with */
    uint64_t nul_from; /* first chunk with zero bytes; UINT64_MAX: none */
    bool folded;
    bool utf8;   /* UTF-8 letters were met */
    bool single; /* letters of a single-byte set were met */
    bool io;     /* the input cannot be read */
    bool cut;    /* the input ended early */
    struct kl_charset_votes votes;
    struct kl_runs runs;
    uint8_t *a; /* KL_BLOCK_BYTES: raw bytes, or the chunk without escapes; NULL: not needed yet */
    uint8_t *b; /* three times that: decoded from a single-byte set */
};

/* ---- where a chunk may end ---- */

static size_t cut_of(struct kl_span t)
{
    size_t far = t.len < LINE_BYTES ? t.len : LINE_BYTES;
    const uint8_t *nl = memrchr(t.ptr + t.len - far, '\n', far);
    if (nl != NULL) {
        return (size_t)(nl - t.ptr) + 1;
    }
    size_t near = t.len < SOFT_BYTES ? t.len : SOFT_BYTES;
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

/* ---- the slower steps ---- */

static enum kl_rc scratch(struct text *t)
{
    if (t->a == NULL) {
        t->a = malloc(KL_BLOCK_BYTES);
        t->b = malloc(3 * (size_t)KL_BLOCK_BYTES);
    }
    return t->a != NULL && t->b != NULL ? KL_OK : KL_E_NOMEM;
}

static enum kl_rc emit_folded(struct text *t, struct kl_span s)
{
    kl_emit_set_folded(t->e, true);
    t->folded = true;
    while (s.len > 0) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        size_t n = s.len <= FOLD_BYTES ? s.len : cut_of(kl_span_part(s, 0, FOLD_BYTES));
        KL_TRY(kl_emit_space(t->e, KL_BLOCK_BYTES / 2, &ptr, &cap));
        KL_TRY(kl_emit_commit(t->e, kl_fold_view(kl_span_part(s, 0, n), ptr, cap)));
        s = kl_span_part(s, n, s.len);
    }
    return KL_OK;
}

static enum kl_rc note_sets(struct text *t, const struct kl_charset_seen *seen)
{
    t->utf8 = t->utf8 || seen->utf8;
    t->single = t->single || seen->single;
    if (t->utf8 && t->single) {
        KL_TRY(kl_emit_anomaly(t->e, "charset.mixed"));
    }
    return seen->lost ? kl_emit_anomaly(t->e, "charset.lost") : KL_OK;
}

/* A chunk that needs more than being passed on; `s` may lie in the emit block. */
static enum kl_rc emit_slowly(struct text *t, struct kl_span s, unsigned flags)
{
    KL_TRY(scratch(t));
    struct kl_charset_seen seen = {false, false, false};
    uint8_t *text = t->a;
    size_t n = s.len;
    size_t repaired = 0;

    memmove(t->a, s.ptr, s.len);
    if ((flags & KL_GLANCE_ESCAPE) != 0) {
        n = kl_escape_undo(t->a, n);
    }
    if (!kl_utf8_is_valid(t->a, n)) {
        size_t used = 0;
        kl_charset_count(&t->votes, kl_span_make(t->a, n));
        n = kl_charset_single(kl_span_make(t->a, n), kl_charset_decide(&t->votes), true, t->b,
                              &used, &seen);
        text = t->b;
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

/* One zero byte alone is a slip, not text of two bytes a character. */
static bool has_nuls(struct kl_span s)
{
    const uint8_t *one = memchr(s.ptr, 0, s.len);
    return one != NULL && memchr(one + 1, 0, s.len - (size_t)(one + 1 - s.ptr)) != NULL;
}

/* `n` bytes of UTF-8 or 8-bit text at `ptr`, written into the emit block, not committed. */
static enum kl_rc take_chunk(struct text *t, const uint8_t *ptr, size_t n, unsigned flags)
{
    struct kl_span s = kl_span_make(ptr, n);

    if ((flags & KL_GLANCE_RUN) != 0) {
        bool wide = t->set == KL_CHARSET_UTF16LE || t->set == KL_CHARSET_UTF16BE;
        bool wider = t->set == KL_CHARSET_UTF32LE || t->set == KL_CHARSET_UTF32BE;
        bool big = t->set == KL_CHARSET_UTF16BE || t->set == KL_CHARSET_UTF32BE;
        uint8_t step = wider ? 4 : wide ? 2 : 1;
        struct kl_run like = {KL_RUN_NONE, step, big ? (uint8_t)(step - 1) : 0, t->at, 0};
        enum kl_rc rc = kl_runs_find(&t->runs, t->in, s, &like);
        t->io = t->io || rc == KL_E_IO;
        if (rc != KL_OK && rc != KL_E_IO) {
            return rc;
        }
    }
    if ((flags & KL_GLANCE_NUL) != 0 && t->nul_from == UINT64_MAX && has_nuls(s)) {
        t->nul_from = t->at;
    }
    if ((flags & (KL_GLANCE_ESCAPE | KL_GLANCE_MANGLED)) != 0) {
        return emit_slowly(t, s, flags);
    }
    if ((flags & KL_GLANCE_HIGH) != 0) {
        if (!kl_utf8_is_valid(ptr, n) || kl_fold_is_odd(s)) {
            return emit_slowly(t, s, flags);
        }
        struct kl_charset_seen seen = {.utf8 = true};
        KL_TRY(kl_emit_commit(t->e, n));
        return note_sets(t, &seen);
    }
    return kl_emit_commit(t->e, n);
}

/* ---- reading ---- */

/* Read at t->at into dst; 0 bytes: the end, early or not. */
static size_t read_more(struct text *t, uint8_t *dst, size_t cap, bool *out_last)
{
    uint64_t left = t->in->len_bytes - t->at;
    size_t want = left < cap ? (size_t)left : cap;
    size_t got = 0;

    if (kl_input_read(t->in, t->at, dst, want, &got) != KL_OK) {
        t->io = true;
        got = 0;
    }
    t->cut = t->cut || got < want;
    *out_last = got < want || got == left;
    return got;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* One chunk of 8-bit text, read straight into the block. */
static enum kl_rc step_8bit(struct text *t, uint8_t *ptr, size_t cap)
{
    bool last = false;
    size_t got = read_more(t, ptr, cap, &last);
    if (got == 0) {
        return KL_OK;
    }
    unsigned flags = kl_glance(kl_span_make(ptr, got));
    if ((flags & KL_GLANCE_NUL) != 0 && is_zero(ptr, got)) {
        uint64_t data = kl_input_data(t->in, t->at);
        t->at = data > t->at + got ? data : t->at + got;
        return KL_OK;
    }
    size_t n = last ? got : cut_of(kl_span_make(ptr, got));
    KL_TRY(take_chunk(t, ptr, n, flags));
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

static enum kl_rc step_wide(struct text *t, uint8_t *ptr, size_t cap)
{
    bool last = false;
    struct kl_charset_seen seen = {false, false, false};
    KL_TRY(scratch(t));
    size_t got = read_more(t, t->a, cap / 3 * 2 - 8, &last);
    if (got == 0) {
        return KL_OK;
    }
    size_t used = 0;
    size_t n = kl_charset_wide(kl_span_make(t->a, got), t->set, last, ptr, &used, &seen);
    if (!last) {
        size_t cut = cut_of(kl_span_make(ptr, n));
        if (cut < n) {
            used -=
                (size_t)wide_bytes(kl_span_make(ptr + cut, n - cut), t->set >= KL_CHARSET_UTF32LE);
            n = cut;
        }
    }
    seen.utf8 = false;
    KL_TRY(note_sets(t, &seen));
    unsigned flags = kl_glance(kl_span_make(ptr, n));
    KL_TRY(take_chunk(t, ptr, n, flags & ~KL_GLANCE_NUL));
    t->at += used;
    return KL_OK;
}

static enum kl_rc read_part(struct text *t)
{
    bool eight = t->set == KL_CHARSET_8BIT;

    while (t->at < t->in->len_bytes && !t->io && !t->cut) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        kl_emit_confirm_to(t->e, t->at);
        if (t->folded) {
            kl_emit_set_folded(t->e, false);
            t->folded = false;
        }
        KL_TRY(kl_emit_space(t->e, KL_BLOCK_BYTES / 2, &ptr, &cap));
        KL_TRY(eight ? step_8bit(t, ptr, cap) : step_wide(t, ptr, cap));
    }
    return KL_OK;
}

/* Bytes that were promised and not read, bytes that came later. */
static enum kl_rc account(struct text *t)
{
    uint64_t left = t->in->len_bytes - t->at;

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
    free(t->a);
    free(t->b);
    t->a = NULL;
    t->b = NULL;
    KL_TRY(kl_runs_extract(&t->runs, t->e, t->in));
    return t->nul_from != UINT64_MAX ? kl_binary_utf16(t->e, t->in, t->nul_from) : KL_OK;
}

enum kl_rc kl_extract_text(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;
    size_t bom = 0;
    struct text t = {.e = e, .in = in, .nul_from = UINT64_MAX};

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
    kl_runs_init(&t.runs);
    enum kl_rc rc = extract_all(&t);
    kl_runs_done(&t.runs);
    free(t.a);
    free(t.b);
    return rc;
}
