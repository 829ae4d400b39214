#include "finding/write.h"

#include "finding/json.h"
#include "finding/utf8.h"

static void write_columns(struct kl_json *j, const struct kl_finding_register *r)
{
    kl_json_key(j, "columns");
    kl_json_array(j);
    for (size_t i = 0; i < r->n_columns; i++) {
        kl_json_object(j);
        kl_json_key(j, "name");
        kl_json_str(j, r->columns[i].name);
        kl_json_key(j, "cells");
        kl_json_u64(j, r->columns[i].n_cells);
        if (r->columns[i].derived) {
            kl_json_key(j, "derived");
            kl_json_bool(j, true);
        }
        kl_json_end(j);
    }
    kl_json_end(j);
}

/* "parts" is the contract's list of paths; "part_details" says what was found where. */
static void write_parts(struct kl_json *j, const struct kl_finding_register *r)
{
    kl_json_key(j, "parts");
    kl_json_array(j);
    for (size_t i = 0; i < r->n_parts; i++) {
        kl_json_str(j, r->parts[i].path);
    }
    kl_json_end(j);
    kl_json_key(j, "part_details");
    kl_json_array(j);
    for (size_t i = 0; i < r->n_parts; i++) {
        kl_json_object(j);
        kl_json_key(j, "at");
        kl_json_str(j, r->parts[i].path);
        kl_json_key(j, "rows");
        kl_json_u64(j, r->parts[i].n_rows);
        kl_json_key(j, "columns");
        kl_json_array(j);
        for (size_t c = 0; c < r->n_columns; c++) {
            unsigned bit = r->columns[c].ordinal;
            if (bit < 64 && (r->parts[i].columns >> bit & 1) != 0) {
                kl_json_str(j, r->columns[c].name);
            }
        }
        kl_json_end(j);
        kl_json_end(j);
    }
    kl_json_end(j);
}

static void write_register(struct kl_json *j, const struct kl_finding_register *r)
{
    kl_json_object(j);
    kl_json_key(j, "register");
    kl_json_str(j, r->name);
    kl_json_key(j, "index");
    kl_json_str(j, r->index_id);
    kl_json_key(j, "rows");
    kl_json_u64(j, r->n_rows);
    kl_json_key(j, "evidence_bits");
    kl_json_f64(j, r->evidence_bits, 10);
    kl_json_key(j, "hit_ratio");
    kl_json_f64(j, r->hit_ratio, 6);
    kl_json_key(j, "chance_ratio");
    kl_json_f64(j, r->chance_ratio, 6);
    kl_json_key(j, "log10_chance");
    kl_json_f64(j, r->log10_chance, 6);
    kl_json_key(j, "index_rows");
    kl_json_u64(j, r->n_index_rows);
    kl_json_key(j, "weak_rows");
    kl_json_u64(j, r->n_weak_rows);
    kl_json_key(j, "keys");
    kl_json_u64(j, r->n_keys);
    kl_json_key(j, "first_row");
    kl_json_u64(j, r->first_row);
    kl_json_key(j, "last_row");
    kl_json_u64(j, r->last_row);
    kl_json_key(j, "exclusive");
    kl_json_bool(j, r->exclusive);
    kl_json_key(j, "in_order");
    kl_json_bool(j, r->in_order);
    write_columns(j, r);
    write_parts(j, r);
    kl_json_end(j);
}

static void write_identifiers(struct kl_json *j, const struct kl_finding *f)
{
    kl_json_key(j, "identifiers");
    kl_json_array(j);
    for (size_t i = 0; i < f->n_identifiers; i++) {
        const struct kl_finding_identifier *d = &f->identifiers[i];
        const char rank[2] = {d->rank, '\0'};
        kl_json_object(j);
        kl_json_key(j, "type");
        kl_json_str(j, d->type);
        kl_json_key(j, "class");
        kl_json_str(j, rank);
        kl_json_key(j, "values");
        kl_json_u64(j, d->n_values);
        kl_json_key(j, "distinct");
        kl_json_u64(j, d->n_distinct);
        kl_json_key(j, "distinct_is_estimate");
        kl_json_bool(j, d->is_estimate);
        kl_json_key(j, "valid");
        kl_json_u64(j, d->n_valid);
        kl_json_key(j, "log10_chance");
        kl_json_f64(j, d->log10_chance, 6);
        kl_json_end(j);
    }
    kl_json_end(j);
}

static void write_bytes(struct kl_json *j, const struct kl_finding *f)
{
    kl_json_key(j, "bytes");
    kl_json_object(j);
    kl_json_key(j, "seen");
    kl_json_u64(j, f->seen);
    kl_json_key(j, "inspected");
    kl_json_u64(j, f->inspected);
    kl_json_key(j, "not_inspected");
    kl_json_u64(j, f->not_inspected);
    kl_json_end(j);
    kl_json_key(j, "not_inspected");
    kl_json_array(j);
    for (size_t i = 0; i < f->n_gaps; i++) {
        kl_json_object(j);
        kl_json_key(j, "at");
        kl_json_str(j, f->gaps[i].at);
        kl_json_key(j, "reason");
        kl_json_str(j, f->gaps[i].reason);
        kl_json_key(j, "bytes");
        kl_json_u64(j, f->gaps[i].bytes);
        kl_json_end(j);
    }
    kl_json_end(j);
    if (f->n_gaps_more > 0) {
        kl_json_key(j, "not_inspected_more");
        kl_json_u64(j, f->n_gaps_more);
    }
}

static void write_anomalies(struct kl_json *j, const struct kl_finding *f)
{
    kl_json_key(j, "anomalies");
    kl_json_array(j);
    for (size_t i = 0; i < f->n_anomalies; i++) {
        kl_json_object(j);
        kl_json_key(j, "at");
        kl_json_str(j, f->anomalies[i].at);
        kl_json_key(j, "code");
        kl_json_str(j, f->anomalies[i].code);
        kl_json_end(j);
    }
    kl_json_end(j);
    if (f->n_anomalies_more > 0) {
        kl_json_key(j, "anomalies_more");
        kl_json_u64(j, f->n_anomalies_more);
    }
    kl_json_key(j, "masked_samples");
    kl_json_array(j);
    for (size_t i = 0; i < f->n_samples; i++) {
        kl_json_str(j, f->samples[i]);
    }
    kl_json_end(j);
}

enum kl_rc kl_write_json(const struct kl_finding *f, struct kl_buf *out)
{
    struct kl_json j;
    struct kl_span path = kl_span_str(f->path);

    kl_json_init(&j, out);
    kl_json_object(&j);
    kl_json_key(&j, "path");
    kl_json_bytes(&j, path);
    if (!kl_utf8_is_wellformed(path)) {
        kl_json_key(&j, "path_hex");
        kl_json_hex(&j, path);
    }
    if (f->id > 0) {
        kl_json_key(&j, "id");
        kl_json_u64(&j, f->id);
    }
    kl_json_key(&j, "verdict");
    kl_json_str(&j, kl_verdict_name(f->verdict));
    kl_json_key(&j, "rule");
    kl_json_str(&j, f->rule);
    kl_json_key(&j, "pending");
    kl_json_u64(&j, f->n_pending);
    kl_json_key(&j, "partial");
    kl_json_bool(&j, f->partial);
    if (f->sha256[0] != '\0') {
        kl_json_key(&j, "sha256");
        kl_json_str(&j, f->sha256);
    }
    if (f->in_baseline) {
        kl_json_key(&j, "in_baseline");
        kl_json_bool(&j, true);
    }
    write_bytes(&j, f);
    kl_json_key(&j, "registers");
    kl_json_array(&j);
    for (size_t i = 0; i < f->n_registers; i++) {
        write_register(&j, &f->registers[i]);
    }
    kl_json_end(&j);
    write_identifiers(&j, f);
    write_anomalies(&j, f);
    kl_json_key(&j, "seconds");
    kl_json_f64(&j, f->seconds, 6);
    kl_json_end(&j);
    KL_TRY(j.rc);
    return kl_buf_add_u8(out, '\n');
}
