#include "inspect/inspect.h"

#include "crypt/digest.h"
#include "extract/session.h"
#include "inspect/outside.h"
#include "match/document.h"
#include "match/identifiers.h"
#include "match/ocr_view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct kl_inspect {
    struct kl_index *indexes[KL_MAX_INDEXES];
    double thresholds[KL_MAX_INDEXES];
    size_t n_indexes;
    struct kl_ident_packs *packs; /* NULL: pattern mode is off */
    const struct kl_policy *policy;
    const char *program;
    const struct kl_passwords *passwords;
};

struct kl_inspector {
    const struct kl_inspect *ctx;
    struct kl_inspect_live *live;
    struct kl_session *session;
    struct kl_match *match;
    struct kl_ident *ident; /* NULL without packs */
    struct kl_outside *outside;
    struct kl_finding *finding; /* of the document under way */
    struct kl_err *err;         /* of the call under way */
    const char *prefix;         /* of the paths of the text that is read; "" for the document */
    struct kl_buf path;         /* prefix and path */
    bool in_outside;            /* the open part is an outside part */
    bool is_ocr;                /* the text was read from a picture */
    uint8_t *ocr_view;          /* room for the view of a block; NULL: not needed yet */
};

static enum kl_rc open_index(struct kl_inspect *ctx, const struct kl_inspect_index *in,
                             struct kl_err *err)
{
    struct kl_key *key = NULL;
    struct kl_index *ix = NULL;

    KL_TRY(kl_key_read(in->key_path, &key, err));
    enum kl_rc rc = kl_index_open(in->index_path, key, &ix, err);
    kl_key_free(&key);
    if (rc != KL_OK) {
        return rc;
    }
    ctx->thresholds[ctx->n_indexes] = kl_policy_limits_get(ctx->policy, ix->head->name)->row_bits;
    ctx->indexes[ctx->n_indexes++] = ix;
    return KL_OK;
}

enum kl_rc kl_inspect_new(const struct kl_inspect_opts *opts, struct kl_inspect **out_ctx,
                          size_t *out_failed, struct kl_err *err)
{
    struct kl_inspect *ctx = calloc(1, sizeof *ctx);
    enum kl_rc rc = KL_OK;
    size_t i = 0;

    if (ctx == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    ctx->policy = opts->policy;
    ctx->program = opts->program;
    ctx->passwords = opts->passwords;
    if (opts->n_indexes > KL_MAX_INDEXES) {
        rc = kl_fail(err, KL_E_LIMIT, "at most 64 indexes in one scan");
    }
    for (; rc == KL_OK && i < opts->n_indexes; i++) {
        rc = open_index(ctx, &opts->indexes[i], err);
        if (rc != KL_OK) {
            break;
        }
    }
    if (out_failed != NULL) {
        *out_failed = i;
    }
    if (rc == KL_OK && opts->packs != NULL && opts->packs[0] != '\0') {
        rc = kl_ident_packs_new(opts->packs, &ctx->packs, err);
    }
    if (rc != KL_OK) {
        kl_inspect_free(&ctx);
        return rc;
    }
    *out_ctx = ctx;
    return KL_OK;
}

void kl_inspect_free(struct kl_inspect **ctx)
{
    if (*ctx == NULL) {
        return;
    }
    for (size_t i = 0; i < (*ctx)->n_indexes; i++) {
        kl_index_free(&(*ctx)->indexes[i]);
    }
    kl_ident_packs_free(&(*ctx)->packs);
    free(*ctx);
    *ctx = NULL;
}

enum kl_rc kl_inspector_new(const struct kl_inspect *ctx, struct kl_inspect_live *live,
                            struct kl_inspector **out_i, struct kl_err *err)
{
    const struct kl_session_opts so = {.program = ctx->program,
                                       .passwords = ctx->passwords,
                                       .stop = live != NULL ? &live->cancel : NULL};
    struct kl_inspector *in = calloc(1, sizeof *in);

    if (in == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    in->ctx = ctx;
    in->live = live;
    in->prefix = "";
    kl_buf_init(&in->path, 2 * KL_MAX_PATH_BYTES + 64);
    enum kl_rc rc = kl_match_new((const struct kl_index *const *)ctx->indexes, ctx->n_indexes,
                                 ctx->thresholds, &in->match);
    if (rc == KL_OK && ctx->packs != NULL) {
        rc = kl_ident_new(ctx->packs, &in->ident);
    }
    if (rc == KL_OK) {
        rc = kl_outside_new(&in->outside);
    }
    if (rc == KL_OK) {
        rc = kl_session_new(&so, &in->session, err);
    }
    if (rc != KL_OK) {
        kl_inspector_free(&in);
        return kl_fail(err, rc, "an inspector cannot be started");
    }
    *out_i = in;
    return KL_OK;
}

void kl_inspector_free(struct kl_inspector **i)
{
    if (*i == NULL) {
        return;
    }
    kl_session_free(&(*i)->session);
    kl_match_free(&(*i)->match);
    kl_ident_free(&(*i)->ident);
    kl_outside_free(&(*i)->outside);
    kl_buf_done(&(*i)->path);
    free((*i)->ocr_view);
    free(*i);
    *i = NULL;
}

static bool cancelled(const struct kl_inspector *i)
{
    return i->live != NULL && atomic_load_explicit(&i->live->cancel, memory_order_relaxed);
}

static enum kl_rc end_part(struct kl_inspector *i)
{
    KL_TRY(kl_match_part_end(i->match));
    return i->ident != NULL ? kl_ident_part_end(i->ident) : KL_OK;
}

static enum kl_rc on_block(struct kl_inspector *i, struct kl_span text)
{
    if (i->is_ocr) {
        if (i->ocr_view == NULL) {
            i->ocr_view = malloc(kl_ocr_view_max(KL_BLOCK_BYTES));
        }
        if (i->ocr_view == NULL) {
            return KL_E_NOMEM;
        }
        text = kl_span_make(i->ocr_view, kl_ocr_view(text, i->ocr_view));
    }
    KL_TRY(kl_match_block(i->match, text));
    if (i->ident != NULL) {
        KL_TRY(kl_ident_block(i->ident, text));
    }
    return KL_OK;
}

/* Where the event's path is in the document. */
static enum kl_rc whole_path(struct kl_inspector *i, struct kl_span path, struct kl_span *out)
{
    *out = path;
    if (i->prefix[0] == '\0') {
        return KL_OK;
    }
    i->path.len = 0;
    KL_TRY(kl_buf_add_str(&i->path, i->prefix));
    KL_TRY(kl_buf_add(&i->path, path.ptr, path.len));
    *out = kl_buf_span(&i->path);
    return KL_OK;
}

/* What a program of others could not read is moved from the one sum to the other. */
static enum kl_rc lose(void *ctx, const char *path, const char *reason, uint64_t bytes)
{
    struct kl_inspector *i = ctx;
    struct kl_finding *f = i->finding;
    uint64_t b = bytes < f->inspected ? bytes : f->inspected;

    f->inspected -= b;
    f->not_inspected += b;
    f->partial = f->partial || strcmp(reason, "crash") == 0 || strcmp(reason, "timeout") == 0 ||
                 strcmp(reason, "stopped") == 0;
    return kl_finding_add_gap(f, kl_span_str(path), reason, b);
}

static enum kl_rc note(void *ctx, const char *path, const char *code)
{
    struct kl_inspector *i = ctx;
    return kl_finding_add_anomaly(i->finding, kl_span_str(path), code);
}

static enum kl_rc on_loss(struct kl_inspector *i, const struct kl_event *ev, struct kl_span path)
{
    struct kl_finding *f = i->finding;

    f->partial = f->partial || ev->reason == KL_REASON_CRASH || ev->reason == KL_REASON_TIMEOUT;
    if (i->prefix[0] == '\0') {
        return kl_finding_add_gap(f, path, kl_reason_name(ev->reason), ev->bytes);
    }
    KL_TRY(kl_buf_add_u8(&i->path, 0));
    return lose(i, (const char *)i->path.ptr, kl_reason_name(ev->reason), ev->bytes);
}

static enum kl_rc on_event(struct kl_inspector *i, const struct kl_event *ev, struct kl_finding *f)
{
    struct kl_span path = ev->text;

    if (ev->kind == KL_EVENT_PART_BEGIN) {
        i->in_outside = kl_part_is_outside(ev->part_kind);
    }
    if (i->in_outside && (ev->kind == KL_EVENT_PART_BEGIN || ev->kind == KL_EVENT_BLOCK ||
                          ev->kind == KL_EVENT_PART_END)) {
        return kl_outside_event(i->outside, ev, i->prefix);
    }
    if (ev->kind != KL_EVENT_BLOCK) {
        KL_TRY(whole_path(i, ev->text, &path));
    }
    switch (ev->kind) {
    case KL_EVENT_PART_BEGIN:
        KL_TRY(kl_match_part_begin(i->match, path, ev->part_kind == KL_PART_TABLE));
        if (i->ident != NULL) {
            KL_TRY(kl_ident_part_begin(i->ident, ev->part_kind == KL_PART_TABLE));
        }
        break;
    case KL_EVENT_BLOCK:
        return on_block(i, ev->text);
    case KL_EVENT_PART_END:
        return end_part(i);
    case KL_EVENT_ANOMALY:
        return kl_finding_add_anomaly(f, path, ev->code);
    case KL_EVENT_NOT_INSPECTED:
        return on_loss(i, ev, path);
    case KL_EVENT_DONE:
        f->seen = ev->seen;
        f->inspected = ev->inspected;
        f->not_inspected = ev->not_inspected;
        break;
    case KL_EVENT_NONE:
        break;
    }
    return KL_OK;
}

/* Ctrl-C: what was found so far stands, and the bytes that the worker had told count. */
static enum kl_rc stop_here(struct kl_inspector *i, uint64_t len_bytes, uint64_t confirmed,
                            bool in_part, struct kl_finding *f)
{
    kl_session_cancel(i->session);
    if (in_part && !i->in_outside) {
        KL_TRY(end_part(i));
    }
    f->partial = true;
    f->seen = len_bytes;
    f->inspected = confirmed;
    f->not_inspected = len_bytes - confirmed;
    return kl_finding_add_gap(f, kl_span_make("", 0), kl_reason_name(KL_REASON_STOPPED),
                              len_bytes - confirmed);
}

static enum kl_rc read_document(struct kl_inspector *i, int fd, uint64_t len_bytes,
                                struct kl_finding *f, struct kl_err *err)
{
    struct kl_event ev = {.kind = KL_EVENT_NONE};
    bool in_part = false;
    uint64_t shown = 0;
    uint64_t confirmed = 0;

    KL_TRY(kl_session_submit(i->session, fd, len_bytes, err));
    while (ev.kind != KL_EVENT_DONE) {
        KL_TRY(kl_session_next(i->session, &ev, err));
        bool stopped = ev.kind == KL_EVENT_NOT_INSPECTED && ev.reason == KL_REASON_STOPPED;
        if (stopped || (ev.kind != KL_EVENT_DONE && cancelled(i))) {
            return stop_here(i, len_bytes, confirmed, in_part, f);
        }
        if (ev.kind == KL_EVENT_PART_BEGIN || ev.kind == KL_EVENT_BLOCK) {
            confirmed = ev.inspected;
        }
        in_part = ev.kind == KL_EVENT_PART_BEGIN || (in_part && ev.kind != KL_EVENT_PART_END);
        KL_TRY(on_event(i, &ev, f));
        if (ev.kind == KL_EVENT_BLOCK && i->live != NULL && shown < len_bytes) {
            uint64_t step = ev.text.len < len_bytes - shown ? ev.text.len : len_bytes - shown;
            atomic_fetch_add_explicit(&i->live->n_bytes, step, memory_order_relaxed);
            shown += step;
        }
    }
    if (i->live != NULL && f->seen > shown) {
        atomic_fetch_add_explicit(&i->live->n_bytes, f->seen - shown, memory_order_relaxed);
    }
    return KL_OK;
}

/* Text that a program of others made: read as a document, its parts under the path given. */
static enum kl_rc read_text(void *ctx, int fd, uint64_t len_bytes, const char *path, bool is_ocr)
{
    struct kl_inspector *i = ctx;
    struct kl_event ev = {.kind = KL_EVENT_NONE};
    bool in_part = false;
    enum kl_rc rc = kl_session_submit(i->session, fd, len_bytes, i->err);

    i->prefix = path;
    i->is_ocr = is_ocr;
    while (rc == KL_OK && ev.kind != KL_EVENT_DONE) {
        rc = kl_session_next(i->session, &ev, i->err);
        if (rc == KL_OK && ev.kind != KL_EVENT_DONE && cancelled(i)) {
            kl_session_cancel(i->session);
            rc = in_part && !i->in_outside ? end_part(i) : KL_OK;
            rc = rc == KL_OK ? lose(i, path, "stopped", len_bytes) : rc;
            break;
        }
        in_part = ev.kind == KL_EVENT_PART_BEGIN || (in_part && ev.kind != KL_EVENT_PART_END);
        if (rc == KL_OK && ev.kind != KL_EVENT_DONE) {
            rc = on_event(i, &ev, i->finding);
        }
    }
    i->prefix = "";
    i->is_ocr = false;
    return rc;
}

static enum kl_rc read_outside(struct kl_inspector *i, enum kl_ocr ocr, struct kl_finding *f,
                               struct kl_err *err)
{
    const struct kl_outside_sink sink = {i, read_text, lose, note};

    return kl_outside_run(i->outside, i->ctx->program, ocr, &sink, &f->n_pending, err);
}

/* A size and a time by which a later look shows that the file was written to. */
struct look {
    bool is_file;
    uint64_t len_bytes;
    struct timespec written_at;
};

static struct look look_at(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return (struct look){.is_file = false};
    }
    return (struct look){true, (uint64_t)st.st_size, st.st_mtim};
}

static bool has_anomaly(const struct kl_finding *f, const char *code)
{
    for (size_t i = 0; i < f->n_anomalies; i++) {
        if (f->anomalies[i].at[0] == '\0' && strcmp(f->anomalies[i].code, code) == 0) {
            return true;
        }
    }
    return false;
}

/* What was written while we read: said, and what came behind the end counted as not inspected. */
static enum kl_rc say_changes(const struct look *before, const struct look *after,
                              uint64_t len_bytes, struct kl_finding *f)
{
    bool same = before->written_at.tv_sec == after->written_at.tv_sec &&
                before->written_at.tv_nsec == after->written_at.tv_nsec &&
                after->len_bytes == len_bytes;

    if (!before->is_file || !after->is_file || same) {
        return KL_OK;
    }
    if (!has_anomaly(f, "file.changed")) {
        KL_TRY(kl_finding_add_anomaly(f, kl_span_make("", 0), "file.changed"));
    }
    if (after->len_bytes <= len_bytes) {
        return KL_OK;
    }
    uint64_t more = after->len_bytes - len_bytes;
    f->seen += more;
    f->not_inspected += more;
    return kl_finding_add_gap(f, kl_span_make("", 0), kl_reason_name(KL_REASON_CHANGED), more);
}

/* A document that killed or hung its reader is named by its hash, so that it can be found again. */
static void name_reproducer(int fd, struct kl_finding *f)
{
    bool bad = false;

    for (size_t i = 0; i < f->n_gaps && !bad; i++) {
        bad = strcmp(f->gaps[i].reason, "crash") == 0 || strcmp(f->gaps[i].reason, "timeout") == 0;
    }
    if (bad && kl_digest_file(fd, f->sha256) != KL_OK) {
        f->sha256[0] = '\0';
    }
}

static double now_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum kl_rc kl_inspector_file(struct kl_inspector *i, int fd, uint64_t len_bytes, const char *path,
                             enum kl_ocr ocr, struct kl_finding *out, struct kl_err *err)
{
    double start = now_seconds();
    enum kl_rc rc = kl_finding_init(out, path);

    if (rc != KL_OK) {
        return kl_fail(err, rc, "out of memory");
    }
    kl_match_begin(i->match);
    if (i->ident != NULL) {
        kl_ident_begin(i->ident);
    }
    i->finding = out;
    i->err = err;
    kl_outside_begin(i->outside, fd, len_bytes);
    struct look before = look_at(fd);
    rc = read_document(i, fd, len_bytes, out, err);
    if (rc == KL_OK) {
        rc = read_outside(i, ocr, out, err);
    }
    if (rc == KL_OK) {
        struct look after = look_at(fd);
        name_reproducer(fd, out);
        rc = say_changes(&before, &after, len_bytes, out);
    }
    if (rc == KL_OK) {
        rc = kl_match_finish(i->match, out);
    }
    if (rc == KL_OK && i->ident != NULL) {
        rc = kl_ident_finish(i->ident, out);
    }
    if (rc != KL_OK) {
        kl_session_cancel(i->session);
        kl_finding_done(out);
        return kl_fail(err, rc, "the document could not be inspected (%s)", kl_rc_name(rc));
    }
    out->seconds = now_seconds() - start;
    kl_policy_decide(i->ctx->policy, out);
    return KL_OK;
}
