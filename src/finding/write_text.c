#include "finding/write.h"

#include "finding/utf8.h"

#include <inttypes.h>
#include <math.h>

#define GAPS_SHOWN 10u
#define ANOMALIES_SHOWN 10u
#define PARTS_SHOWN 10u

enum kl_rc kl_write_safe(struct kl_span text, struct kl_buf *out)
{
    uint32_t cp = 0;
    for (size_t at = 0; at < text.len;) {
        size_t len = kl_utf8_char(text, at, &cp);
        bool plain = len > 0 && kl_utf8_is_plain(cp);
        struct kl_rd one = kl_rd_init(kl_span_part(text, at, at + (len > 0 ? len : 1)));
        if (plain) {
            KL_TRY(kl_buf_add(out, one.in.ptr, one.in.len));
        }
        while (!plain && kl_rd_left(&one) > 0) {
            KL_TRY(kl_buf_addf(out, "\\x%02x", (unsigned)kl_rd_u8(&one)));
        }
        at += one.in.len;
    }
    return KL_OK;
}

enum kl_rc kl_write_count(uint64_t n, struct kl_buf *out)
{
    uint64_t unit = 1;
    while (n / unit >= 1000) {
        unit *= 1000;
    }
    KL_TRY(kl_buf_addf(out, "%" PRIu64, n / unit));
    while (unit > 1) {
        n %= unit;
        unit /= 1000;
        KL_TRY(kl_buf_addf(out, ",%03" PRIu64, n / unit));
    }
    return KL_OK;
}

enum kl_rc kl_write_size(uint64_t n_bytes, struct kl_buf *out)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (n_bytes < 1000) {
        return kl_buf_addf(out, "%" PRIu64 " byte%s", n_bytes, n_bytes == 1 ? "" : "s");
    }
    double v = (double)n_bytes / 1e3;
    size_t u = 0;
    while (v >= 999.95 && u + 1 < sizeof units / sizeof units[0]) {
        v /= 1e3;
        u++;
    }
    return kl_buf_addf(out, "%.1f %s", v, units[u]);
}

static enum kl_rc write_head(const struct kl_finding *f, const struct kl_text_style *style,
                             struct kl_buf *out)
{
    static const char *const colours[] = {"32", "36", "33", "35", "1;31"}; /* by verdict */
    static const char *const words[] = {"pass", "NOT INSPECTED", "LOG", "HOLD", "BLOCK"};
    size_t v = (size_t)f->verdict < sizeof words / sizeof words[0] ? (size_t)f->verdict : 0;

    if (style->colour) {
        KL_TRY(kl_buf_addf(out, "\x1b[%sm%s\x1b[0m  ", colours[v], words[v]));
    } else {
        KL_TRY(kl_buf_addf(out, "%s  ", words[v]));
    }
    KL_TRY(kl_write_safe(kl_span_str(f->path), out));
    if (f->partial) {
        KL_TRY(kl_buf_add_str(out, "  (partial: stopped before its end)"));
    }
    if (f->in_baseline) {
        KL_TRY(kl_buf_add_str(out, "  (known: in the baseline)"));
    }
    return kl_buf_add_u8(out, '\n');
}

static bool part_has(const struct kl_finding_part *p, const struct kl_finding_column *c)
{
    return c->ordinal < 64 && (p->columns >> c->ordinal & 1) != 0;
}

/* The columns of the mask, or all when it is NULL, without those of `but`. */
static enum kl_rc write_columns(const struct kl_finding_register *r,
                                const struct kl_finding_part *in, uint64_t but, struct kl_buf *out)
{
    const char *comma = "";
    for (size_t i = 0; i < r->n_columns; i++) {
        const struct kl_finding_column *c = &r->columns[i];
        bool wanted = in == NULL || part_has(in, c);
        if (wanted && (c->ordinal >= 64 || (but >> c->ordinal & 1) == 0)) {
            KL_TRY(kl_buf_add_str(out, comma));
            KL_TRY(kl_write_safe(kl_span_str(c->name), out));
            KL_TRY(kl_buf_add_str(out, c->derived ? " (derived)" : ""));
            comma = ", ";
        }
    }
    return KL_OK;
}

/* "sheet 2" of "a.zip/b.xlsx/xl/worksheets/sheet2.xml"; the path itself for all else. */
static enum kl_rc write_part_name(const char *path, struct kl_buf *out)
{
    static const char folder[] = "xl/worksheets/sheet";
    const char *sheet = strstr(path, folder);
    if (sheet != NULL) {
        const char *digits = sheet + sizeof folder - 1;
        size_t n = strspn(digits, "0123456789");
        if (n > 0 && strcmp(digits + n, ".xml") == 0) {
            KL_TRY(kl_buf_add_str(out, "sheet "));
            return kl_buf_add(out, digits, n);
        }
    }
    return kl_write_safe(kl_span_str(path), out);
}

static enum kl_rc write_chance(double log10_chance, struct kl_buf *out)
{
    if (isnan(log10_chance) || log10_chance > -1) {
        return kl_buf_add_str(out, "this may well be coincidence");
    }
    double power = log10_chance < -300 ? 300 : floor(-log10_chance);
    return kl_buf_addf(out, "chance of this by coincidence below 1e-%.0f", power);
}

static size_t largest_part(const struct kl_finding_register *r)
{
    size_t best = 0;
    for (size_t i = 1; i < r->n_parts; i++) {
        if (r->parts[i].n_rows > r->parts[best].n_rows) {
            best = i;
        }
    }
    return best;
}

/* "; sheet 2 adds phone" for each part with a column that none before it had. */
static enum kl_rc write_additions(const struct kl_finding_register *r, size_t main_part,
                                  struct kl_buf *out)
{
    uint64_t seen = r->parts[main_part].columns;
    uint64_t named = 0;
    unsigned n_shown = 0;
    /* A part may hold a chance cell of a column too rare in the document to be named. */
    for (size_t i = 0; i < r->n_columns; i++) {
        named |= r->columns[i].ordinal < 64 ? 1ull << r->columns[i].ordinal : 0;
    }
    for (size_t i = 0; i < r->n_parts && n_shown < PARTS_SHOWN; i++) {
        if ((r->parts[i].columns & named & ~seen) == 0) {
            continue;
        }
        KL_TRY(kl_buf_add_str(out, "; "));
        KL_TRY(write_part_name(r->parts[i].path, out));
        KL_TRY(kl_buf_add_str(out, " adds "));
        KL_TRY(write_columns(r, &r->parts[i], seen, out));
        seen |= r->parts[i].columns;
        n_shown++;
    }
    return KL_OK;
}

static enum kl_rc write_rows(const struct kl_finding_register *r, struct kl_buf *out)
{
    KL_TRY(kl_buf_add_str(out, "  rows of "));
    KL_TRY(kl_write_safe(kl_span_str(r->name), out));
    KL_TRY(kl_buf_add_str(out, ": "));
    KL_TRY(kl_write_count(r->n_rows, out));
    KL_TRY(kl_buf_add_str(out, " of "));
    KL_TRY(kl_write_count(r->n_index_rows, out));
    if (r->n_index_rows > 0) {
        double percent = 100.0 * (double)r->n_rows / (double)r->n_index_rows;
        /* 637,137 of 637,138 are not "100.0 %", and one of a million is not "0.0 %". */
        bool nearly_all = percent >= 99.95 && r->n_rows < r->n_index_rows;
        bool hardly_any = percent < 0.05 && r->n_rows > 0;
        KL_TRY(nearly_all   ? kl_buf_add_str(out, " (> 99.9 %)")
               : hardly_any ? kl_buf_add_str(out, " (< 0.1 %)")
                            : kl_buf_addf(out, " (%.1f %%)", percent));
    }
    size_t main_part = largest_part(r);
    if (r->n_columns > 0) {
        KL_TRY(kl_buf_add_str(out, r->n_columns == 1 ? "; column " : "; columns "));
        KL_TRY(write_columns(r, r->n_parts > 1 ? &r->parts[main_part] : NULL, 0, out));
    }
    KL_TRY(kl_buf_add_str(out, "; "));
    KL_TRY(write_chance(r->log10_chance, out));
    if (r->n_parts > 1) {
        KL_TRY(write_additions(r, main_part, out));
    }
    return kl_buf_add_u8(out, '\n');
}

static enum kl_rc write_register(const struct kl_finding_register *r, struct kl_buf *out)
{
    KL_TRY(write_rows(r, out));
    if (r->n_keys > 0) {
        KL_TRY(kl_buf_addf(out, "    keys: %.1f %% of ", 100.0 * r->hit_ratio));
        KL_TRY(kl_write_count(r->n_keys, out));
        KL_TRY(kl_buf_addf(out, " are in the register; %.2g %% would be by chance\n",
                           100.0 * r->chance_ratio));
    }
    if (r->n_weak_rows > 0) {
        KL_TRY(kl_buf_add_str(out, "    not counted: "));
        KL_TRY(kl_write_count(r->n_weak_rows, out));
        KL_TRY(kl_buf_add_str(out, " rows whose key alone was found, with too little beside it\n"));
    }
    if (r->in_order && r->first_row > 0) {
        KL_TRY(kl_buf_add_str(out, "    order: as in the register, rows "));
        KL_TRY(kl_write_count(r->first_row, out));
        KL_TRY(kl_buf_add_str(out, " to "));
        KL_TRY(kl_write_count(r->last_row, out));
        KL_TRY(kl_buf_add_str(out, "; this looks like an export\n"));
    }
    if (r->exclusive) {
        KL_TRY(
            kl_buf_add_str(out, "    origin: holds a column that exists only in this register\n"));
    }
    return KL_OK;
}

static enum kl_rc write_identifiers(const struct kl_finding *f, struct kl_buf *out)
{
    for (size_t i = 0; i < f->n_identifiers; i++) {
        const struct kl_finding_identifier *d = &f->identifiers[i];
        KL_TRY(kl_buf_add_str(out, "  identifiers "));
        KL_TRY(kl_write_safe(kl_span_str(d->type), out));
        if (d->rank != '\0') {
            KL_TRY(kl_buf_addf(out, " (class %c)", d->rank));
        }
        KL_TRY(kl_buf_add_str(out, ": "));
        KL_TRY(kl_write_count(d->n_values, out));
        KL_TRY(kl_buf_add_str(out, " of the shape, "));
        KL_TRY(kl_write_count(d->n_valid, out));
        KL_TRY(kl_buf_add_str(out, d->is_estimate ? " valid, about " : " valid, "));
        KL_TRY(kl_write_count(d->n_distinct, out));
        KL_TRY(kl_buf_add_str(out, " distinct; "));
        /* Nothing to check, nothing to reckon with: the pack's class D. */
        KL_TRY(d->log10_chance < 0 ? write_chance(d->log10_chance, out)
                                   : kl_buf_add_str(out, "the shape alone, without a check digit"));
        KL_TRY(kl_buf_add_u8(out, '\n'));
    }
    return KL_OK;
}

static enum kl_rc write_more(uint64_t n, struct kl_buf *out)
{
    if (n == 0) {
        return KL_OK;
    }
    KL_TRY(kl_buf_add_str(out, "    and "));
    KL_TRY(kl_write_count(n, out));
    return kl_buf_add_str(out, " more\n");
}

static enum kl_rc write_gaps(const struct kl_finding *f, struct kl_buf *out)
{
    if (f->n_gaps == 0 && f->not_inspected == 0) {
        return KL_OK;
    }
    KL_TRY(kl_buf_add_str(out, "  not inspected:"));
    if (f->not_inspected > 0) {
        KL_TRY(kl_buf_add_u8(out, ' '));
        KL_TRY(kl_write_size(f->not_inspected, out));
        KL_TRY(kl_buf_add_str(out, " of "));
        KL_TRY(kl_write_size(f->seen, out));
    }
    KL_TRY(kl_buf_add_u8(out, '\n'));
    if (f->sha256[0] != '\0') {
        KL_TRY(kl_buf_addf(out, "    to be looked at: sha256 %s\n", f->sha256));
    }
    size_t n = f->n_gaps < GAPS_SHOWN ? f->n_gaps : GAPS_SHOWN;
    for (size_t i = 0; i < n; i++) {
        const struct kl_finding_gap *g = &f->gaps[i];
        KL_TRY(kl_buf_addf(out, "    %s: ", g->reason));
        KL_TRY(kl_write_safe(kl_span_str(g->at[0] != '\0' ? g->at : f->path), out));
        if (g->bytes > 0) {
            KL_TRY(kl_buf_add_str(out, ", "));
            KL_TRY(kl_write_size(g->bytes, out));
        }
        KL_TRY(kl_buf_add_u8(out, '\n'));
    }
    return write_more(f->n_gaps - n + f->n_gaps_more, out);
}

static enum kl_rc write_anomalies(const struct kl_finding *f, struct kl_buf *out)
{
    if (f->n_anomalies == 0) {
        return KL_OK;
    }
    KL_TRY(kl_buf_add_str(out, "  anomalies:\n"));
    size_t n = f->n_anomalies < ANOMALIES_SHOWN ? f->n_anomalies : ANOMALIES_SHOWN;
    for (size_t i = 0; i < n; i++) {
        const struct kl_finding_anomaly *a = &f->anomalies[i];
        KL_TRY(kl_buf_addf(out, "    %s: ", a->code));
        KL_TRY(kl_write_safe(kl_span_str(a->at[0] != '\0' ? a->at : f->path), out));
        KL_TRY(kl_buf_add_u8(out, '\n'));
    }
    return write_more(f->n_anomalies - n + f->n_anomalies_more, out);
}

static enum kl_rc write_samples(const struct kl_finding *f, struct kl_buf *out)
{
    if (f->n_samples == 0) {
        return KL_OK;
    }
    KL_TRY(kl_buf_add_str(out, "  samples, masked: "));
    for (size_t i = 0; i < f->n_samples; i++) {
        KL_TRY(kl_buf_add_str(out, i == 0 ? "" : ", "));
        KL_TRY(kl_write_safe(kl_span_str(f->samples[i]), out));
    }
    return kl_buf_add_u8(out, '\n');
}

enum kl_rc kl_write_text(const struct kl_finding *f, const struct kl_text_style *style,
                         struct kl_buf *out)
{
    KL_TRY(write_head(f, style, out));
    for (size_t i = 0; i < f->n_registers; i++) {
        KL_TRY(write_register(&f->registers[i], out));
    }
    KL_TRY(write_identifiers(f, out));
    if (f->rule[0] != '\0') {
        KL_TRY(kl_buf_add_str(out, "  decided by: "));
        KL_TRY(kl_write_safe(kl_span_str(f->rule), out));
        KL_TRY(kl_buf_add_u8(out, '\n'));
    }
    KL_TRY(write_gaps(f, out));
    KL_TRY(write_anomalies(f, out));
    KL_TRY(write_samples(f, out));
    return kl_buf_add_u8(out, '\n');
}
