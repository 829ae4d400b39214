#include "inspect/policy.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

/* What a parse carries along. The document is libyaml's, a flat array of nodes: depth here is fixed
 * by the keys. */
struct parse {
    yaml_document_t *doc;
    struct kl_policy *p;
    struct kl_err *err;
};

static enum kl_rc fail_at(struct parse *ps, const yaml_node_t *at, enum kl_rc rc, const char *what)
{
    rc = kl_fail(ps->err, rc, "%s", what);
    if (ps->err != NULL && ps->err->at_line == 0) {
        ps->err->at_line = (uint64_t)at->start_mark.line + 1;
    }
    return rc;
}

static struct kl_span scalar_of(const yaml_node_t *n)
{
    return n->type == YAML_SCALAR_NODE ? kl_span_make(n->data.scalar.value, n->data.scalar.length)
                                       : kl_span_make(NULL, 0);
}

/* A key of a mapping: how its value is read and where to. */
struct field {
    const char *key;
    enum kl_rc (*read)(struct parse *ps, const yaml_node_t *value, void *target,
                       const struct field *f);
    size_t offset;      /* of the target in the structure at hand */
    double least, most; /* of a number */
};

/* Read each key of a mapping by the table; unknown and repeated keys are errors. */
static enum kl_rc read_map(struct parse *ps, const yaml_node_t *map, void *base,
                           const struct field *fields, size_t n_fields, const char *remedy)
{
    uint32_t seen = 0;

    if (map->type != YAML_MAPPING_NODE) {
        return fail_at(ps, map, KL_E_FORMAT, remedy);
    }
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
         pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(ps->doc, pair->key);
        const yaml_node_t *value = yaml_document_get_node(ps->doc, pair->value);
        size_t i = 0;
        while (i < n_fields && !kl_span_is(scalar_of(key), fields[i].key)) {
            i++;
        }
        if (i == n_fields) {
            return fail_at(ps, key, KL_E_FORMAT, remedy);
        }
        if ((seen >> i & 1) != 0) {
            return fail_at(ps, key, KL_E_FORMAT, "a key is given twice; keep one of them");
        }
        seen |= UINT32_C(1) << i;
        KL_TRY(fields[i].read(ps, value, (char *)base + fields[i].offset, &fields[i]));
    }
    return KL_OK;
}

#define READ_MAP(ps, node, base, fields, remedy)                                                   \
    read_map(ps, node, base, fields, sizeof(fields) / sizeof((fields)[0]), remedy)

static enum kl_rc read_number(struct parse *ps, const yaml_node_t *n, const struct field *f,
                              double *out)
{
    char text[32];
    char *end = text;
    struct kl_span s = scalar_of(n);
    double v = 0;
    bool plain = s.len > 0 && s.len < sizeof text;

    if (plain) {
        memcpy(text, s.ptr, s.len);
        text[s.len] = '\0';
        /* strtod also knows "inf", "nan" and hexadecimal: none of them is a threshold. */
        plain = strspn(text, "+-.0123456789eE") == s.len;
    }
    if (plain) {
        v = strtod(text, &end);
        plain = end == text + s.len && isfinite(v);
    }
    if (!plain) {
        return fail_at(ps, n, KL_E_FORMAT, "not a number; write digits, as in 17 or 0.5");
    }
    if (v < f->least || v > f->most) {
        if (ps->err != NULL && ps->err->rc == KL_OK) {
            ps->err->at_line = (uint64_t)n->start_mark.line + 1;
        }
        return kl_fail(ps->err, KL_E_FORMAT, "a number out of range; use %g to %g", f->least,
                       f->most);
    }
    *out = v;
    return KL_OK;
}

static enum kl_rc read_f64(struct parse *ps, const yaml_node_t *n, void *target,
                           const struct field *f)
{
    double v = 0;
    KL_TRY(read_number(ps, n, f, &v));
    *(double *)target = v;
    return KL_OK;
}

static enum kl_rc read_u64(struct parse *ps, const yaml_node_t *n, void *target,
                           const struct field *f)
{
    double v = 0;
    KL_TRY(read_number(ps, n, f, &v));
    if (v != floor(v)) {
        return fail_at(ps, n, KL_E_FORMAT, "not a whole number; write digits only");
    }
    *(uint64_t *)target = (uint64_t)v;
    return KL_OK;
}

static enum kl_rc read_name(struct parse *ps, const yaml_node_t *n, void *target,
                            const struct field *f)
{
    struct kl_span s = scalar_of(n);
    (void)f;
    if (s.len == 0 || s.len >= KL_POLICY_NAME_BYTES || memchr(s.ptr, 0, s.len) != NULL) {
        return fail_at(ps, n, KL_E_FORMAT, "not the name of a register; use 1 to 63 bytes");
    }
    char *name = target;
    memcpy(name, s.ptr, s.len);
    name[s.len] = '\0';
    return KL_OK;
}

static enum kl_rc read_glob(struct parse *ps, const yaml_node_t *n, void *target,
                            const struct field *f)
{
    struct kl_span s = scalar_of(n);
    (void)f;
    if (s.len == 0 || s.len > 1024 || memchr(s.ptr, 0, s.len) != NULL) {
        return fail_at(ps, n, KL_E_FORMAT,
                       "not a path pattern; use 1 to 1024 bytes, as in \"*.iso\"");
    }
    char *glob = strndup((const char *)s.ptr, s.len);
    if (glob == NULL) {
        return fail_at(ps, n, KL_E_NOMEM, "no memory for the policy; use a smaller one");
    }
    *(char **)target = glob;
    return KL_OK;
}

#define COUNT_MAX 1e15 /* exact as a double */
#define AT(member) offsetof(struct kl_policy_limits, member)

static enum kl_rc read_log(struct parse *ps, const yaml_node_t *n, void *target,
                           const struct field *f)
{
    static const struct field fields[] = {
        {"rows", read_u64, AT(log_rows), 1, COUNT_MAX},
        {"bits", read_f64, AT(log_bits), 0, 1e9},
    };
    (void)f;
    return READ_MAP(ps, n, target, fields, "unknown in log; use rows and bits");
}

static enum kl_rc read_hold(struct parse *ps, const yaml_node_t *n, void *target,
                            const struct field *f)
{
    static const struct field fields[] = {
        {"rows", read_u64, AT(hold_rows), 0, COUNT_MAX},
    };
    (void)f;
    return READ_MAP(ps, n, target, fields, "unknown in hold; use rows");
}

static enum kl_rc read_block(struct parse *ps, const yaml_node_t *n, void *target,
                             const struct field *f)
{
    static const struct field fields[] = {
        {"rows", read_u64, AT(block_rows), 0, COUNT_MAX},
        {"exclusive_rows", read_u64, AT(exclusive_rows), 0, COUNT_MAX},
        {"ratio_keys", read_u64, AT(ratio_keys), 0, COUNT_MAX},
        {"ratio_min", read_f64, AT(ratio_min), 0, 1},
        {"ratio_times", read_f64, AT(ratio_times), 1, 1e9},
    };
    (void)f;
    return READ_MAP(
        ps, n, target, fields,
        "unknown in block; use rows, exclusive_rows, ratio_keys, ratio_min, ratio_times");
}

#define LIMIT_FIELDS                                                                               \
    {"row_bits", read_f64, AT(row_bits), 1, 1000}, {"log", read_log, 0, 0, 0},                     \
        {"hold", read_hold, 0, 0, 0}, {"block", read_block, 0, 0, 0},                              \
        {"max_log10_chance", read_f64, AT(max_log10_chance), -300, 0},

static enum kl_rc read_thresholds(struct parse *ps, const yaml_node_t *n, void *target,
                                  const struct field *f)
{
    static const struct field fields[] = {LIMIT_FIELDS};
    struct kl_policy *p = target;
    (void)f;
    return READ_MAP(ps, n, &p->limits, fields,
                    "unknown in thresholds; use row_bits, log, hold, block, max_log10_chance");
}

static enum kl_rc skip_value(struct parse *ps, const yaml_node_t *n, void *target,
                             const struct field *f)
{
    (void)ps;
    (void)n;
    (void)target;
    (void)f;
    return KL_OK;
}

static enum kl_rc check_list(struct parse *ps, const yaml_node_t *n, size_t *out_n)
{
    if (n->type != YAML_SEQUENCE_NODE) {
        return fail_at(ps, n, KL_E_FORMAT, "not a list; write one entry a line, each after \"- \"");
    }
    *out_n = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    return *out_n <= KL_POLICY_MAX_ITEMS
               ? KL_OK
               : fail_at(ps, n, KL_E_LIMIT, "more than 256 entries; join some by a wider pattern");
}

static enum kl_rc new_array(struct parse *ps, const yaml_node_t *n, size_t n_items,
                            size_t item_bytes, void **out)
{
    *out = calloc(n_items > 0 ? n_items : 1, item_bytes);
    return *out != NULL ? KL_OK
                        : fail_at(ps, n, KL_E_NOMEM, "no memory for the policy; use a smaller one");
}

static enum kl_rc read_registers(struct parse *ps, const yaml_node_t *n, void *target,
                                 const struct field *f)
{
    static const struct field fields[] = {
        {"name", read_name, 0, 0, 0},
        {"thresholds", skip_value, 0, 0, 0},
    };
    static const struct field limits[] = {LIMIT_FIELDS};
    struct kl_policy *p = target;
    size_t n_items = 0;
    void *items = NULL;
    (void)f;

    KL_TRY(check_list(ps, n, &n_items));
    KL_TRY(new_array(ps, n, n_items, sizeof *p->registers, &items));
    p->registers = items;
    for (size_t i = 0; i < n_items; i++) {
        const yaml_node_t *item = yaml_document_get_node(ps->doc, n->data.sequence.items.start[i]);
        struct kl_policy_register *r = &p->registers[i];
        r->limits = p->limits;
        KL_TRY(READ_MAP(ps, item, r->name, fields,
                        "unknown in an entry of registers; use name and thresholds"));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(p->registers[k].name, r->name) == 0) {
                return fail_at(ps, item, KL_E_FORMAT,
                               "a register is given twice; keep one of them");
            }
        }
        if (r->name[0] == '\0') {
            return fail_at(ps, item, KL_E_FORMAT, "an entry of registers without a name; add name");
        }
        for (const yaml_node_pair_t *pair = item->data.mapping.pairs.start;
             pair < item->data.mapping.pairs.top; pair++) {
            const yaml_node_t *key = yaml_document_get_node(ps->doc, pair->key);
            if (kl_span_is(scalar_of(key), "thresholds")) {
                KL_TRY(READ_MAP(
                    ps, yaml_document_get_node(ps->doc, pair->value), &r->limits, limits,
                    "unknown in thresholds; use row_bits, log, hold, block, max_log10_chance"));
            }
        }
        p->n_registers++;
    }
    return KL_OK;
}

static enum kl_rc read_allow(struct parse *ps, const yaml_node_t *n, void *target,
                             const struct field *f)
{
    static const struct field fields[] = {
        {"path", read_glob, offsetof(struct kl_policy_allow, glob), 0, 0},
        {"register", read_name, offsetof(struct kl_policy_allow, name), 0, 0},
        {"max_rows", read_u64, offsetof(struct kl_policy_allow, max_rows), 1, COUNT_MAX},
    };
    struct kl_policy *p = target;
    size_t n_items = 0;
    void *items = NULL;
    (void)f;

    KL_TRY(check_list(ps, n, &n_items));
    KL_TRY(new_array(ps, n, n_items, sizeof *p->allow, &items));
    p->allow = items;
    for (size_t i = 0; i < n_items; i++) {
        const yaml_node_t *item = yaml_document_get_node(ps->doc, n->data.sequence.items.start[i]);
        struct kl_policy_allow *a = &p->allow[p->n_allow++];
        KL_TRY(READ_MAP(ps, item, a, fields,
                        "unknown in an entry of allow; use path, register and max_rows"));
        if (a->glob == NULL || a->max_rows == 0) {
            return fail_at(ps, item, KL_E_FORMAT,
                           "an entry of allow without path or max_rows; add both");
        }
    }
    return KL_OK;
}

static enum kl_rc read_ignore(struct parse *ps, const yaml_node_t *n, void *target,
                              const struct field *f)
{
    struct kl_policy *p = target;
    size_t n_items = 0;
    void *items = NULL;

    KL_TRY(check_list(ps, n, &n_items));
    KL_TRY(new_array(ps, n, n_items, sizeof *p->ignore, &items));
    p->ignore = items;
    for (size_t i = 0; i < n_items; i++) {
        const yaml_node_t *item = yaml_document_get_node(ps->doc, n->data.sequence.items.start[i]);
        KL_TRY(read_glob(ps, item, &p->ignore[i], f));
        p->n_ignore++;
    }
    return KL_OK;
}

static enum kl_rc read_identifiers(struct parse *ps, const yaml_node_t *n, void *target,
                                   const struct field *f)
{
    static const struct field fields[] = {
        {"log_distinct", read_u64, offsetof(struct kl_policy_identifiers, log_distinct), 0,
         COUNT_MAX},
        {"hold_distinct", read_u64, offsetof(struct kl_policy_identifiers, hold_distinct), 0,
         COUNT_MAX},
        {"block_distinct", read_u64, offsetof(struct kl_policy_identifiers, block_distinct), 0,
         COUNT_MAX},
    };
    struct kl_policy *p = target;
    (void)f;
    return READ_MAP(ps, n, &p->identifiers, fields,
                    "unknown in identifiers; use log_distinct, hold_distinct, block_distinct");
}

static enum kl_rc read_gap_verdict(struct parse *ps, const yaml_node_t *n, void *target,
                                   const struct field *f)
{
    char text[16] = "";
    struct kl_span s = scalar_of(n);
    (void)f;
    if (s.len > 0 && s.len < sizeof text) {
        memcpy(text, s.ptr, s.len);
    }
    return kl_verdict_parse(text, target)
               ? KL_OK
               : fail_at(ps, n, KL_E_FORMAT,
                         "not a verdict; use pass, not_inspected, log, hold or block");
}

/* One verdict for all reasons, or a mapping whose "default" stands for the reasons it does not
 * name. */
static enum kl_rc read_gaps(struct parse *ps, const yaml_node_t *n, void *target,
                            const struct field *f)
{
    struct kl_policy *p = target;
    enum kl_verdict named[KL_POLICY_REASONS];
    bool is_named[KL_POLICY_REASONS] = {true};

    named[0] = p->gaps[0];
    if (n->type == YAML_SCALAR_NODE) {
        KL_TRY(read_gap_verdict(ps, n, &named[0], f));
    } else if (n->type == YAML_MAPPING_NODE) {
        uint32_t seen = 0;
        for (const yaml_node_pair_t *pair = n->data.mapping.pairs.start;
             pair < n->data.mapping.pairs.top; pair++) {
            const yaml_node_t *key = yaml_document_get_node(ps->doc, pair->key);
            int i = kl_policy_reason_get(scalar_of(key));
            if (i < 0) {
                return fail_at(ps, key, KL_E_FORMAT,
                               "unknown in not_inspected; use default, encrypted, format, limit, "
                               "timeout, crash, io, changed, special, stopped");
            }
            if ((seen >> i & 1) != 0) {
                return fail_at(ps, key, KL_E_FORMAT, "a key is given twice; keep one of them");
            }
            seen |= UINT32_C(1) << i;
            KL_TRY(
                read_gap_verdict(ps, yaml_document_get_node(ps->doc, pair->value), &named[i], f));
            is_named[i] = true;
        }
    } else {
        return fail_at(ps, n, KL_E_FORMAT, "not_inspected is a verdict or a mapping; write it so");
    }
    for (size_t i = 0; i < KL_POLICY_REASONS; i++) {
        p->gaps[i] = is_named[i] ? named[i] : named[0];
    }
    return KL_OK;
}

static const char root_remedy[] = "unknown key; use thresholds, registers, identifiers, "
                                  "not_inspected, allow, ignore";

static enum kl_rc read_root(struct parse *ps)
{
    /* Two rounds: a register starts from the thresholds wherever in the file they stand. */
    static const struct field first[] = {
        {"thresholds", read_thresholds, 0, 0, 0}, {"identifiers", read_identifiers, 0, 0, 0},
        {"not_inspected", read_gaps, 0, 0, 0},    {"allow", read_allow, 0, 0, 0},
        {"ignore", read_ignore, 0, 0, 0},         {"registers", skip_value, 0, 0, 0},
    };
    static const struct field second[] = {
        {"thresholds", skip_value, 0, 0, 0},    {"identifiers", skip_value, 0, 0, 0},
        {"not_inspected", skip_value, 0, 0, 0}, {"allow", skip_value, 0, 0, 0},
        {"ignore", skip_value, 0, 0, 0},        {"registers", read_registers, 0, 0, 0},
    };
    const yaml_node_t *root = yaml_document_get_root_node(ps->doc);

    if (root == NULL || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0)) {
        return KL_OK; /* nothing said: the defaults */
    }
    KL_TRY(READ_MAP(ps, root, ps->p, first, root_remedy));
    return READ_MAP(ps, root, ps->p, second, root_remedy);
}

enum kl_rc kl_policy_parse(struct kl_span yaml, struct kl_policy *out_p, struct kl_err *err)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    struct kl_policy p;

    if (yaml.len > KL_POLICY_MAX_BYTES) {
        return kl_fail(err, KL_E_LIMIT, "the policy is longer than 256 KiB; use a smaller one");
    }
    if (yaml_parser_initialize(&parser) == 0) {
        return kl_fail(err, KL_E_NOMEM, "no memory for the policy; free some");
    }
    yaml_parser_set_input_string(&parser, yaml.len > 0 ? yaml.ptr : (const uint8_t *)"", yaml.len);
    if (yaml_parser_load(&parser, &doc) == 0) {
        bool no_memory = parser.error == YAML_MEMORY_ERROR;
        if (!no_memory && err != NULL && err->rc == KL_OK) {
            err->at_line = (uint64_t)parser.problem_mark.line + 1;
        }
        yaml_parser_delete(&parser);
        if (no_memory) {
            return kl_fail(err, KL_E_NOMEM, "no memory for the policy; free some");
        }
        return kl_fail(err, KL_E_FORMAT, "not YAML; check indentation, quotes and colons there");
    }
    kl_policy_default(&p);
    struct parse ps = {&doc, &p, err};
    enum kl_rc rc = read_root(&ps);
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    if (rc != KL_OK) {
        kl_policy_done(&p);
        return rc;
    }
    *out_p = p;
    return KL_OK;
}

enum kl_rc kl_policy_read(const char *path, struct kl_policy *out_p, struct kl_err *err)
{
    uint8_t *text = malloc(KL_POLICY_MAX_BYTES + 1);
    FILE *in = text != NULL ? fopen(path, "re") : NULL;
    enum kl_rc rc = KL_OK;

    if (text == NULL) {
        return kl_fail(err, KL_E_NOMEM, "no memory for the policy; free some");
    }
    if (in == NULL) {
        rc = kl_fail_errno(err, "the policy cannot be opened");
        free(text);
        return rc;
    }
    size_t n = fread(text, 1, KL_POLICY_MAX_BYTES + 1, in);
    rc = ferror(in) ? kl_fail_errno(err, "the policy cannot be read")
                    : kl_policy_parse(kl_span_make(text, n), out_p, err);
    (void)fclose(in);
    free(text);
    return rc;
}
