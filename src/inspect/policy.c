#include "inspect/policy.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void kl_policy_default(struct kl_policy *out_p)
{
    *out_p = (struct kl_policy){
        .limits = {.row_bits = 17,
                   .log_rows = 1,
                   .log_bits = 20,
                   .hold_rows = 10,
                   .block_rows = 100,
                   .exclusive_rows = 10,
                   .ratio_keys = 200,
                   .ratio_min = 0.5,
                   .ratio_times = 8,
                   .max_log10_chance = -9},
        .identifiers = {.log_distinct = 5, .hold_distinct = 100, .block_distinct = 0},
    };
    for (size_t i = 0; i < KL_POLICY_REASONS; i++) {
        out_p->gaps[i] = KL_VERDICT_NOT_INSPECTED;
    }
}

void kl_policy_done(struct kl_policy *p)
{
    for (size_t i = 0; i < p->n_allow; i++) {
        free(p->allow[i].glob);
    }
    for (size_t i = 0; i < p->n_ignore; i++) {
        free(p->ignore[i]);
    }
    free(p->registers);
    free(p->allow);
    free(p->ignore);
    *p = (struct kl_policy){0};
}

const struct kl_policy_limits *kl_policy_limits_get(const struct kl_policy *p, const char *name)
{
    for (size_t i = 0; i < p->n_registers; i++) {
        if (strcmp(p->registers[i].name, name) == 0) {
            return &p->registers[i].limits;
        }
    }
    return &p->limits;
}

bool kl_policy_is_ignored(const struct kl_policy *p, const char *path)
{
    for (size_t i = 0; i < p->n_ignore; i++) {
        if (fnmatch(p->ignore[i], path, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* A verdict and the words for it. */
struct decision {
    enum kl_verdict verdict;
    const char *rule;
    const char *subject; /* register, type or reason */
};

static void raise_to(struct decision *d, enum kl_verdict v, const char *rule, const char *subject)
{
    if (v > d->verdict) {
        *d = (struct decision){v, rule, subject};
    }
}

static bool is_ratio_far_above_chance(const struct kl_policy_limits *l,
                                      const struct kl_finding_register *r)
{
    return l->ratio_keys > 0 && r->n_keys >= l->ratio_keys && r->hit_ratio >= l->ratio_min &&
           r->hit_ratio >= l->ratio_times * r->chance_ratio;
}

static void decide_register(const struct kl_policy_limits *l, const struct kl_finding_register *r,
                            struct decision *d)
{
    /* A NaN is no odds at all: the comparison is false. */
    bool odds = r->log10_chance <= l->max_log10_chance;

    if (r->n_rows >= l->log_rows && r->n_rows > 0 && r->evidence_bits >= l->log_bits) {
        raise_to(d, KL_VERDICT_LOG, "log.rows", r->name);
    }
    if (odds && l->hold_rows > 0 && r->n_rows >= l->hold_rows) {
        raise_to(d, KL_VERDICT_HOLD, "hold.rows", r->name);
    }
    if (odds && l->block_rows > 0 && r->n_rows >= l->block_rows) {
        raise_to(d, KL_VERDICT_BLOCK, "block.rows", r->name);
    }
    if (odds && r->exclusive && l->exclusive_rows > 0 && r->n_rows >= l->exclusive_rows) {
        raise_to(d, KL_VERDICT_BLOCK, "block.exclusive_rows", r->name);
    }
    if (odds && is_ratio_far_above_chance(l, r)) {
        raise_to(d, KL_VERDICT_BLOCK, "block.ratio", r->name);
    }
}

/* Types whose values carry a check digit: only those can hold or block without a register. */
static bool is_checked_type(const char *type)
{
    static const char *const checked[] = {"al.nid", "al.nipt", "iban", "card", "mrz"};
    for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++) {
        if (strcmp(type, checked[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void decide_identifier(const struct kl_policy_identifiers *l,
                              const struct kl_finding_identifier *i, struct decision *d)
{
    bool checked = is_checked_type(i->type);

    if (l->log_distinct > 0 && i->n_distinct >= l->log_distinct) {
        raise_to(d, KL_VERDICT_LOG, "identifiers.log", i->type);
    }
    if (checked && l->hold_distinct > 0 && i->n_distinct >= l->hold_distinct) {
        raise_to(d, KL_VERDICT_HOLD, "identifiers.hold", i->type);
    }
    if (checked && l->block_distinct > 0 && i->n_distinct >= l->block_distinct) {
        raise_to(d, KL_VERDICT_BLOCK, "identifiers.block", i->type);
    }
}

/* The names of extract/event.h's kl_reason_name; [0] stands for all others. */
static const char *const reasons[KL_POLICY_REASONS] = {
    "default", "encrypted", "format",  "limit",   "timeout",
    "crash",   "io",        "changed", "special", "stopped",
};

int kl_policy_reason_get(struct kl_span name)
{
    for (int i = 0; i < KL_POLICY_REASONS; i++) {
        if (kl_span_is(name, reasons[i])) {
            return i;
        }
    }
    return -1;
}

static void decide_gaps(const struct kl_policy *p, const struct kl_finding *f, struct decision *d)
{
    for (size_t i = 0; i < f->n_gaps; i++) {
        int reason = kl_policy_reason_get(kl_span_str(f->gaps[i].reason));
        raise_to(d, p->gaps[reason < 0 ? 0 : reason], "not_inspected", f->gaps[i].reason);
    }
    if (f->n_gaps_more > 0 || (f->n_gaps == 0 && f->not_inspected > 0) || f->partial) {
        raise_to(d, p->gaps[0], "not_inspected", "default");
    }
}

static const struct kl_policy_allow *find_allow(const struct kl_policy *p, const char *path,
                                                const struct kl_finding_register *r)
{
    for (size_t i = 0; i < p->n_allow; i++) {
        const struct kl_policy_allow *a = &p->allow[i];
        bool named = a->name[0] == '\0' || strcmp(a->name, r->name) == 0;
        if (named && r->n_rows <= a->max_rows && fnmatch(a->glob, path, 0) == 0) {
            return a;
        }
    }
    return NULL;
}

void kl_policy_decide(const struct kl_policy *p, struct kl_finding *f)
{
    struct decision d = {KL_VERDICT_PASS, NULL, NULL};
    struct decision allowed = {KL_VERDICT_PASS, NULL, NULL};

    for (size_t i = 0; i < f->n_registers; i++) {
        const struct kl_finding_register *r = &f->registers[i];
        bool allow = find_allow(p, f->path, r) != NULL;
        decide_register(kl_policy_limits_get(p, r->name), r, allow ? &allowed : &d);
    }
    for (size_t i = 0; i < f->n_identifiers; i++) {
        decide_identifier(&p->identifiers, &f->identifiers[i], &d);
    }
    decide_gaps(p, f, &d);
    f->verdict = d.verdict;
    f->rule[0] = '\0';
    if (d.rule != NULL) {
        (void)snprintf(f->rule, sizeof f->rule, "%s (%.40s)", d.rule, d.subject);
    } else if (allowed.rule != NULL) {
        (void)snprintf(f->rule, sizeof f->rule, "allow (%.40s)", allowed.subject);
    }
}
