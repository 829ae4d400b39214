#include "finding/finding.h"

#include "base/limits.h"
#include "finding/redact.h"

#include <stdlib.h>

static const char *const verdict_names[] = {"pass", "not_inspected", "log", "hold", "block"};
#define N_VERDICTS (sizeof verdict_names / sizeof verdict_names[0])

const char *kl_verdict_name(enum kl_verdict v)
{
    return (size_t)v < N_VERDICTS ? verdict_names[v] : "unknown";
}

bool kl_verdict_parse(const char *name, enum kl_verdict *out_v)
{
    for (size_t i = 0; i < N_VERDICTS; i++) {
        if (strcmp(name, verdict_names[i]) == 0) {
            *out_v = (enum kl_verdict)i;
            return true;
        }
    }
    return false;
}

/* Room for one more of n; the capacity is n rounded up to a power of two, so none is stored. */
static enum kl_rc grow(void **array, size_t n, size_t item_bytes)
{
    if ((n & (n - 1)) == 0) {
        void *p = reallocarray(*array, n == 0 ? 1 : 2 * n, item_bytes);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        *array = p;
    }
    return KL_OK;
}

#define ADD_ZEROED(owner, array, n, out)                                                           \
    do {                                                                                           \
        void *add_p_ = (owner)->array;                                                             \
        KL_TRY(grow(&add_p_, (owner)->n, sizeof *(owner)->array));                                 \
        (owner)->array = add_p_;                                                                   \
        *(out) = &(owner)->array[(owner)->n++];                                                    \
        memset(*(out), 0, sizeof **(out));                                                         \
    } while (0)

static char *copy_path(struct kl_span s)
{
    s = kl_span_part(s, 0, KL_MAX_PATH_BYTES);
    char *p = malloc(s.len + 1);
    if (p != NULL) {
        if (s.len > 0) {
            memcpy(p, s.ptr, s.len);
        }
        p[s.len] = '\0';
    }
    return p;
}

enum kl_rc kl_finding_init(struct kl_finding *f, const char *path)
{
    *f = (struct kl_finding){0};
    f->path = strdup(path); /* in full: the caller must be able to find the file again */
    return f->path != NULL ? KL_OK : KL_E_NOMEM;
}

static void register_done(struct kl_finding_register *r)
{
    for (size_t i = 0; i < r->n_parts; i++) {
        free(r->parts[i].path);
    }
    free(r->parts);
    free(r->columns);
}

void kl_finding_done(struct kl_finding *f)
{
    for (size_t i = 0; i < f->n_registers; i++) {
        register_done(&f->registers[i]);
    }
    for (size_t i = 0; i < f->n_gaps; i++) {
        free(f->gaps[i].at);
    }
    for (size_t i = 0; i < f->n_anomalies; i++) {
        free(f->anomalies[i].at);
    }
    free(f->registers);
    free(f->identifiers);
    free(f->gaps);
    free(f->anomalies);
    free(f->samples);
    free(f->path);
    *f = (struct kl_finding){0};
}

enum kl_rc kl_finding_add_gap(struct kl_finding *f, struct kl_span at, const char *reason,
                              uint64_t bytes)
{
    if (f->n_gaps >= KL_MAX_FINDING_GAPS) {
        f->n_gaps_more++;
        return KL_OK;
    }
    char *copy = copy_path(at);
    void *gaps = f->gaps;
    if (copy == NULL || grow(&gaps, f->n_gaps, sizeof *f->gaps) != KL_OK) {
        free(copy);
        return KL_E_NOMEM;
    }
    f->gaps = gaps;
    f->gaps[f->n_gaps++] = (struct kl_finding_gap){copy, reason, bytes};
    return KL_OK;
}

enum kl_rc kl_finding_add_anomaly(struct kl_finding *f, struct kl_span at, const char *code)
{
    if (f->n_anomalies >= KL_MAX_FINDING_ANOMALIES) {
        f->n_anomalies_more++;
        return KL_OK;
    }
    char *copy = copy_path(at);
    void *anomalies = f->anomalies;
    if (copy == NULL || grow(&anomalies, f->n_anomalies, sizeof *f->anomalies) != KL_OK) {
        free(copy);
        return KL_E_NOMEM;
    }
    f->anomalies = anomalies;
    struct kl_finding_anomaly *a = &f->anomalies[f->n_anomalies++];
    *a = (struct kl_finding_anomaly){.at = copy};
    struct kl_span word = kl_span_part(kl_span_str(code), 0, sizeof a->code - 1);
    memcpy(a->code, word.ptr, word.len);
    return KL_OK;
}

enum kl_rc kl_finding_add_sample(struct kl_finding *f, struct kl_pii value)
{
    char text[KL_SAMPLE_BYTES];
    _Static_assert(KL_SAMPLE_BYTES == KL_REDACT_BYTES, "a masked value fills a sample");

    if (f->n_samples >= KL_MAX_SAMPLES) {
        return KL_OK;
    }
    kl_redact(value, text);
    for (size_t i = 0; i < f->n_samples; i++) {
        if (strcmp(f->samples[i], text) == 0) {
            return KL_OK;
        }
    }
    void *samples = f->samples;
    KL_TRY(grow(&samples, f->n_samples, sizeof *f->samples));
    f->samples = samples;
    memcpy(f->samples[f->n_samples++], text, sizeof text);
    return KL_OK;
}

enum kl_rc kl_finding_add_register(struct kl_finding *f, struct kl_finding_register **out)
{
    ADD_ZEROED(f, registers, n_registers, out);
    return KL_OK;
}

enum kl_rc kl_finding_add_identifier(struct kl_finding *f, struct kl_finding_identifier **out)
{
    ADD_ZEROED(f, identifiers, n_identifiers, out);
    return KL_OK;
}

enum kl_rc kl_finding_add_column(struct kl_finding_register *r, struct kl_finding_column **out)
{
    ADD_ZEROED(r, columns, n_columns, out);
    return KL_OK;
}

enum kl_rc kl_finding_add_part(struct kl_finding_register *r, struct kl_span path,
                               struct kl_finding_part **out)
{
    char *copy = copy_path(path);
    void *parts = r->parts;
    if (copy == NULL || grow(&parts, r->n_parts, sizeof *r->parts) != KL_OK) {
        free(copy);
        return KL_E_NOMEM;
    }
    r->parts = parts;
    *out = &r->parts[r->n_parts++];
    **out = (struct kl_finding_part){.path = copy};
    return KL_OK;
}
