#include "cmd/scan_out.h"

#include "cmd/cmd.h"
#include "os/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_FINDING_BYTES                                                                          \
    268435456u /* of one finding as text: a bound, never reached by our limits */

struct kl_scan_out {
    struct kl_scan_out_opts opts;
    struct kl_scan_totals totals;
    struct kl_text_style style;
    struct kl_sarif sarif;
    struct kl_buf buf;
    struct kl_atomic_file *baseline; /* NULL: none asked for */
    int fd;
    bool broken; /* a write failed and was told */
};

/* Write the buffer and empty it. The first failure is told, the rest are silent. */
static bool put_buffer(struct kl_scan_out *o, enum kl_rc rc)
{
    struct kl_err err = {.rc = rc};

    for (size_t at = 0; rc == KL_OK && !o->broken && at < o->buf.len;) {
        struct kl_span rest = kl_span_part(kl_buf_span(&o->buf), at, o->buf.len);
        ssize_t n = write(o->fd, rest.ptr, rest.len);
        if (n > 0) {
            at += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            rc = kl_fail_errno(&err, "the findings cannot be written");
        }
    }
    if (rc != KL_OK && !o->broken) {
        (void)kl_cmd_failed(o->opts.out_path, &err);
        o->broken = true;
    }
    o->buf.len = 0;
    return !o->broken;
}

static bool put_baseline(struct kl_scan_out *o, enum kl_rc rc)
{
    struct kl_err err = {.rc = rc};
    if (rc == KL_OK) {
        rc = kl_atomic_file_write(o->baseline, kl_buf_span(&o->buf), &err);
    }
    if (rc != KL_OK && !o->broken) {
        (void)kl_cmd_failed(o->opts.write_baseline, &err);
        o->broken = true;
    }
    o->buf.len = 0;
    return !o->broken;
}

static bool open_outputs(struct kl_scan_out *o)
{
    struct kl_err err = {0};

    if (o->opts.write_baseline != NULL) {
        if (kl_atomic_file_new(o->opts.write_baseline, 0600, &o->baseline, &err) != KL_OK) {
            (void)kl_cmd_failed(o->opts.write_baseline, &err);
            return false;
        }
        if (!put_baseline(o, kl_baseline_write_begin(&o->buf))) {
            return false;
        }
    }
    if (o->opts.out_path != NULL) {
        /* Findings tell what leaked: for the owner's eyes. */
        o->fd = open(o->opts.out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (o->fd < 0) {
            (void)kl_fail_errno(&err, "the output file cannot be made");
            (void)kl_cmd_failed(o->opts.out_path, &err);
            return false;
        }
    }
    const char *no_colour = getenv("NO_COLOR");
    o->style.colour = isatty(o->fd) == 1 && (no_colour == NULL || no_colour[0] == '\0');
    return o->opts.format != KL_SCAN_SARIF ||
           put_buffer(o, kl_write_sarif_begin(&o->sarif, &o->buf));
}

static void out_free(struct kl_scan_out **p)
{
    struct kl_scan_out *o = *p;
    kl_buf_done(&o->buf);
    kl_atomic_file_free(&o->baseline);
    if (o->fd > STDOUT_FILENO) {
        (void)close(o->fd);
    }
    free(o);
    *p = NULL;
}

struct kl_scan_out *kl_scan_out_new(const struct kl_scan_out_opts *opts)
{
    struct kl_scan_out *o = calloc(1, sizeof *o);
    if (o == NULL) {
        (void)kl_cmd_failed(NULL, &(struct kl_err){.rc = KL_E_NOMEM});
        return NULL;
    }
    o->opts = *opts;
    o->fd = STDOUT_FILENO;
    kl_buf_init(&o->buf, MAX_FINDING_BYTES);
    if (!open_outputs(o)) {
        out_free(&o);
    }
    return o;
}

static void count(struct kl_scan_out *o, const struct kl_finding *f)
{
    struct kl_scan_totals *t = &o->totals;

    t->n_documents++;
    t->seen += f->seen;
    t->not_inspected += f->not_inspected;
    if (f->in_baseline) {
        t->n_known++;
        return;
    }
    t->n_verdicts[f->verdict]++;
    t->n_failing += f->verdict >= o->opts.fail_on;
    t->n_gaps += f->verdict != KL_VERDICT_PASS && (f->n_gaps > 0 || f->not_inspected > 0);
}

static enum kl_rc render(struct kl_scan_out *o, const struct kl_finding *f)
{
    /* JSON is one object for each document, whatever its verdict: the contract. */
    bool quiet = (f->verdict == KL_VERDICT_PASS || f->in_baseline) && !o->opts.all;

    switch (o->opts.format) {
    case KL_SCAN_JSON:
        return kl_write_json(f, &o->buf);
    case KL_SCAN_SARIF:
        return quiet ? KL_OK : kl_write_sarif(&o->sarif, f, &o->buf);
    case KL_SCAN_TEXT:
        break;
    }
    return quiet ? KL_OK : kl_write_text(f, &o->style, &o->buf);
}

bool kl_scan_out_add(struct kl_scan_out *o, struct kl_finding *f)
{
    f->in_baseline = o->opts.baseline != NULL && kl_baseline_has(o->opts.baseline, f);
    count(o, f);
    bool ok = put_buffer(o, render(o, f));
    /* Half a document's counts would hide the other half next time. */
    if (ok && o->baseline != NULL && !f->partial && f->verdict != KL_VERDICT_PASS) {
        ok = put_baseline(o, kl_baseline_write(f, &o->buf));
    }
    return ok;
}

bool kl_scan_out_early(struct kl_scan_out *o, struct kl_finding *f)
{
    bool tell = o->opts.format == KL_SCAN_JSON ||
                (o->opts.format == KL_SCAN_TEXT && f->verdict > KL_VERDICT_NOT_INSPECTED);

    f->in_baseline = o->opts.baseline != NULL && kl_baseline_has(o->opts.baseline, f);
    return !tell || put_buffer(o, render(o, f));
}

void kl_scan_out_count(struct kl_scan_out *o, struct kl_finding *f)
{
    count(o, f);
}

void kl_scan_out_ignore(struct kl_scan_out *o)
{
    o->totals.n_ignored++;
}

const struct kl_scan_totals *kl_scan_out_totals(const struct kl_scan_out *o)
{
    return &o->totals;
}

static enum kl_rc add_count(struct kl_buf *out, const char *before, uint64_t n, const char *after)
{
    KL_TRY(kl_buf_add_str(out, before));
    KL_TRY(kl_write_count(n, out));
    return kl_buf_add_str(out, after);
}

static enum kl_rc render_totals(const struct kl_scan_totals *t, bool complete, double seconds,
                                struct kl_buf *out)
{
    KL_TRY(add_count(out, complete ? "" : "stopped before the end: ", t->n_documents,
                     t->n_documents == 1 ? " document, " : " documents, "));
    KL_TRY(kl_write_size(t->seen, out));
    KL_TRY(kl_buf_addf(out, " in %.1f s", seconds));
    KL_TRY(add_count(out, ": ", t->n_verdicts[KL_VERDICT_BLOCK], " block"));
    KL_TRY(add_count(out, ", ", t->n_verdicts[KL_VERDICT_HOLD], " hold"));
    KL_TRY(add_count(out, ", ", t->n_verdicts[KL_VERDICT_LOG], " log"));
    KL_TRY(add_count(out, ", ", t->n_verdicts[KL_VERDICT_NOT_INSPECTED], " not inspected"));
    KL_TRY(add_count(out, ", ", t->n_verdicts[KL_VERDICT_PASS], " pass"));
    if (t->n_known > 0) {
        KL_TRY(add_count(out, ", ", t->n_known, " known from the baseline"));
    }
    if (t->n_ignored > 0) {
        KL_TRY(add_count(out, ", ", t->n_ignored, " ignored by the policy"));
    }
    KL_TRY(kl_buf_add_str(out, "; "));
    KL_TRY(kl_write_size(t->not_inspected, out));
    return kl_buf_add_str(out, " not inspected\n");
}

static bool end_baseline(struct kl_scan_out *o, bool complete)
{
    struct kl_err err = {0};
    if (o->baseline == NULL) {
        return true;
    }
    if (!complete) {
        kl_cmd_note("stopped before the end", o->opts.write_baseline, "no baseline was written");
        return true;
    }
    if (!o->broken && kl_atomic_file_commit(o->baseline, &err) != KL_OK) {
        (void)kl_cmd_failed(o->opts.write_baseline, &err);
        return false;
    }
    return true;
}

bool kl_scan_out_end(struct kl_scan_out **p, bool complete, double seconds,
                     struct kl_scan_totals *out_totals)
{
    struct kl_scan_out *o = *p;
    enum kl_rc rc = KL_OK;

    if (o->opts.format == KL_SCAN_SARIF) {
        rc = kl_write_sarif_end(&o->sarif, complete, &o->buf);
    } else if (o->opts.format == KL_SCAN_TEXT) {
        rc = render_totals(&o->totals, complete, seconds, &o->buf);
    }
    bool ok = put_buffer(o, rc);
    ok = end_baseline(o, complete) && ok;
    *out_totals = o->totals;
    out_free(p);
    return ok;
}
