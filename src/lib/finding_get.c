#include "kulla/finding.h"

#include "finding/finding.h"
#include "finding/write.h"
#include "lib/call.h"

#include <stdlib.h>

#define MAX_JSON_BYTES 268435456u /* of one finding: a bound, never reached by our limits */

void kl_finding_free(struct kl_finding **f)
{
    if (f == NULL || *f == NULL) {
        return;
    }
    kl_finding_done(*f);
    free(*f);
    *f = NULL;
}

enum kl_verdict kl_finding_verdict_get(const struct kl_finding *f)
{
    return f->verdict;
}

const char *kl_finding_rule_get(const struct kl_finding *f)
{
    return f->rule;
}

struct kl_finding_bytes kl_finding_bytes_get(const struct kl_finding *f)
{
    return (struct kl_finding_bytes){f->seen, f->inspected, f->not_inspected};
}

int kl_finding_is_partial(const struct kl_finding *f)
{
    return f->partial ? 1 : 0;
}

const struct kl_finding_register *kl_finding_register_get(const struct kl_finding *f, size_t i)
{
    return i < f->n_registers ? &f->registers[i] : NULL;
}

const char *kl_finding_register_name_get(const struct kl_finding_register *r)
{
    return r->name;
}

uint64_t kl_finding_register_rows_get(const struct kl_finding_register *r)
{
    return r->n_rows;
}

double kl_finding_register_log10_chance_get(const struct kl_finding_register *r)
{
    return r->log10_chance;
}

static void set_u64(uint64_t *out, uint64_t v)
{
    if (out != NULL) {
        *out = v;
    }
}

const char *kl_finding_column_get(const struct kl_finding_register *r, size_t i,
                                  uint64_t *out_cells)
{
    if (i >= r->n_columns) {
        return NULL;
    }
    set_u64(out_cells, r->columns[i].n_cells);
    return r->columns[i].name;
}

const char *kl_finding_identifier_get(const struct kl_finding *f, size_t i, uint64_t *out_distinct)
{
    if (i >= f->n_identifiers) {
        return NULL;
    }
    set_u64(out_distinct, f->identifiers[i].n_distinct);
    return f->identifiers[i].type;
}

const char *kl_finding_gap_get(const struct kl_finding *f, size_t i, const char **out_at,
                               uint64_t *out_bytes)
{
    if (i >= f->n_gaps) {
        return NULL;
    }
    if (out_at != NULL) {
        *out_at = f->gaps[i].at;
    }
    set_u64(out_bytes, f->gaps[i].bytes);
    return f->gaps[i].reason;
}

static enum kl_rc write_json(const struct kl_finding *f, struct kl_buf *out)
{
    KL_TRY(kl_write_json(f, out));
    return kl_buf_add_u8(out, '\0');
}

enum kl_rc kl_finding_json_get(const struct kl_finding *f, char **out_json, size_t *out_len,
                               struct kl_err *err)
{
    struct kl_call call = kl_call_begin(err);
    struct kl_buf out;

    if (f == NULL || out_json == NULL) {
        return kl_call_end(
            &call, kl_fail(err, KL_E_USE, "no finding, or no place for the text; pass both"));
    }
    kl_buf_init(&out, MAX_JSON_BYTES);
    enum kl_rc rc = write_json(f, &out);
    if (rc != KL_OK) {
        kl_buf_done(&out);
        return kl_call_end(&call, rc);
    }
    *out_json = (char *)out.ptr; /* kl_buf's memory is malloc's: the caller frees it */
    if (out_len != NULL) {
        *out_len = out.len - 1;
    }
    return kl_call_end(&call, KL_OK);
}
