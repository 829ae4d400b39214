#include "register/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#define MAX_SCHEMA_BYTES 1048576u
#define MAX_PENDING 64u

/* Names met before the columns they speak of are known. */
struct pending {
    char from[KL_INDEX_NAME_BYTES];
    char to[KL_INDEX_NAME_BYTES];
    size_t line;
};

struct parse {
    yaml_document_t doc;
    struct kl_schema *s;
    struct kl_err *err;
    struct pending derived[MAX_PENDING];
    unsigned n_derived;
    char tuple_names[KL_MAX_ANCHORS][KL_INDEX_MAX_TUPLE][KL_INDEX_NAME_BYTES];
    size_t tuple_line[KL_MAX_ANCHORS];
};

static enum kl_rc bad(struct parse *p, const yaml_node_t *n, const char *what)
{
    if (p->err != NULL && p->err->rc == KL_OK) {
        p->err->at_line = n != NULL ? n->start_mark.line + 1 : 0;
    }
    return kl_fail(p->err, KL_E_FORMAT, "%s", what);
}

static struct kl_span scalar(const yaml_node_t *n)
{
    if (n == NULL || n->type != YAML_SCALAR_NODE) {
        return kl_span_make("", 0);
    }
    return kl_span_make(n->data.scalar.value, n->data.scalar.length);
}

/* Copy a name: 1..63 bytes, printable, no quotes or separators that would spoil a report. */
static enum kl_rc copy_name(struct parse *p, const yaml_node_t *n, char *out, size_t cap)
{
    struct kl_span v = scalar(n);

    if (v.len == 0 || v.len >= cap) {
        return bad(p, n, "a name is 1 to 63 bytes of text");
    }
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < 0x20 || v.ptr[i] == 0x7f) {
            return bad(p, n, "a name holds no control characters");
        }
    }
    memcpy(out, v.ptr, v.len);
    out[v.len] = '\0';
    return KL_OK;
}

static enum kl_role role_parse(struct kl_span v)
{
    static const char *const names[] = {"",          "key",       "key-dense", "identity",
                                        "attribute", "exclusive", "ignore"};
    for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++) {
        if (kl_span_is(v, names[i])) {
            return (enum kl_role)i;
        }
    }
    return KL_ROLE_NONE;
}

static enum kl_rc column_field(struct parse *p, struct kl_schema_column *c, struct kl_span key,
                               const yaml_node_t *val)
{
    if (kl_span_is(key, "name")) {
        return copy_name(p, val, c->name, sizeof c->name);
    }
    if (kl_span_is(key, "type")) {
        c->type = kl_type_parse(scalar(val));
        return c->type != KL_TYPE_NONE
                   ? KL_OK
                   : bad(p, val,
                         "unknown type; known: text person.given person.family person.father "
                         "org.name place al.nid al.nipt phone al.plate date money integer id email "
                         "iban");
    }
    if (kl_span_is(key, "role")) {
        c->role = role_parse(scalar(val));
        return c->role != KL_ROLE_NONE
                   ? KL_OK
                   : bad(p, val,
                         "unknown role; known: key key-dense identity attribute exclusive ignore");
    }
    if (kl_span_is(key, "special")) {
        struct kl_span v = scalar(val);
        c->special = kl_span_is(v, "true");
        return c->special || kl_span_is(v, "false") ? KL_OK
                                                    : bad(p, val, "special is true or false");
    }
    return bad(p, val, "unknown key in a column; known: name type role special");
}

static enum kl_rc one_column(struct parse *p, const yaml_node_t *n)
{
    struct kl_schema_column c = {.derived_from = -1};

    if (n == NULL || n->type != YAML_MAPPING_NODE) {
        return bad(p, n, "a column is a mapping: {name: nid, type: al.nid, role: key}");
    }
    for (yaml_node_pair_t *it = n->data.mapping.pairs.start; it < n->data.mapping.pairs.top; it++) {
        KL_TRY(column_field(p, &c, scalar(yaml_document_get_node(&p->doc, it->key)),
                            yaml_document_get_node(&p->doc, it->value)));
    }
    if (c.name[0] == '\0' || c.type == KL_TYPE_NONE) {
        return bad(p, n, "a column needs a name and a type");
    }
    if (c.role == KL_ROLE_NONE) {
        c.role = c.special ? KL_ROLE_IGNORE : KL_ROLE_ATTRIBUTE;
    }
    if ((c.role == KL_ROLE_KEY || c.role == KL_ROLE_KEY_DENSE) && kl_type_is_words(c.type)) {
        return bad(p, n, "a column of words is no key; use a tuple under anchors");
    }
    for (unsigned i = 0; i < p->s->n_columns; i++) {
        if (strcmp(p->s->columns[i].name, c.name) == 0) {
            return bad(p, n, "two columns have the same name");
        }
    }
    if (p->s->n_columns == KL_SCHEMA_MAX_COLUMNS) {
        return bad(p, n, "more than 256 columns");
    }
    p->s->columns[p->s->n_columns++] = c;
    return KL_OK;
}

static enum kl_rc one_tuple(struct parse *p, const yaml_node_t *n)
{
    if (n == NULL || n->type != YAML_SEQUENCE_NODE) {
        return bad(p, n, "an anchor is a list of columns: [given, family, birth_date]");
    }
    unsigned t = p->s->n_tuples;
    size_t len = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if (t == KL_MAX_ANCHORS || len < 2 || len > KL_INDEX_MAX_TUPLE) {
        return bad(p, n, "an anchor has 2 to 6 columns, a register at most 16 anchors");
    }
    for (size_t i = 0; i < len; i++) {
        KL_TRY(copy_name(p, yaml_document_get_node(&p->doc, n->data.sequence.items.start[i]),
                         p->tuple_names[t][i], KL_INDEX_NAME_BYTES));
    }
    p->s->tuples[t].n_columns = (unsigned)len;
    p->tuple_line[t] = n->start_mark.line + 1;
    p->s->n_tuples++;
    return KL_OK;
}

static enum kl_rc each(struct parse *p, const yaml_node_t *n, const char *what,
                       enum kl_rc (*one)(struct parse *, const yaml_node_t *))
{
    if (n == NULL || n->type != YAML_SEQUENCE_NODE) {
        return bad(p, n, what);
    }
    for (yaml_node_item_t *it = n->data.sequence.items.start; it < n->data.sequence.items.top;
         it++) {
        KL_TRY(one(p, yaml_document_get_node(&p->doc, *it)));
    }
    return KL_OK;
}

static enum kl_rc derived_map(struct parse *p, const yaml_node_t *n)
{
    if (n == NULL || n->type != YAML_MAPPING_NODE) {
        return bad(p, n, "derived is a mapping: {birth_date: nid}");
    }
    for (yaml_node_pair_t *it = n->data.mapping.pairs.start; it < n->data.mapping.pairs.top; it++) {
        const yaml_node_t *key = yaml_document_get_node(&p->doc, it->key);
        if (p->n_derived == MAX_PENDING) {
            return bad(p, key, "more than 64 derived columns");
        }
        struct pending *d = &p->derived[p->n_derived++];
        d->line = key->start_mark.line + 1;
        KL_TRY(copy_name(p, key, d->from, sizeof d->from));
        KL_TRY(copy_name(p, yaml_document_get_node(&p->doc, it->value), d->to, sizeof d->to));
    }
    return KL_OK;
}

static enum kl_rc top_field(struct parse *p, const yaml_node_t *key, const yaml_node_t *val)
{
    struct kl_span k = scalar(key);

    if (kl_span_is(k, "register")) {
        return copy_name(p, val, p->s->name, sizeof p->s->name);
    }
    if (kl_span_is(k, "jurisdiction")) {
        return copy_name(p, val, p->s->jurisdiction, sizeof p->s->jurisdiction);
    }
    if (kl_span_is(k, "columns")) {
        return each(p, val, "columns is a list", one_column);
    }
    if (kl_span_is(k, "anchors")) {
        return each(p, val, "anchors is a list of lists", one_tuple);
    }
    if (kl_span_is(k, "derived")) {
        return derived_map(p, val);
    }
    return bad(p, key, "unknown key; known: register jurisdiction columns anchors derived");
}

static int find_column(const struct kl_schema *s, const char *name)
{
    for (unsigned i = 0; i < s->n_columns; i++) {
        if (strcmp(s->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static enum kl_rc at_line(struct parse *p, size_t line, const char *what)
{
    if (p->err != NULL && p->err->rc == KL_OK) {
        p->err->at_line = line;
    }
    return kl_fail(p->err, KL_E_FORMAT, "%s", what);
}

static size_t derived_line(const struct parse *p, const char *name)
{
    for (unsigned i = 0; i < p->n_derived; i++) {
        if (strcmp(p->derived[i].from, name) == 0) {
            return p->derived[i].line;
        }
    }
    return 0;
}

static enum kl_rc check_circles(struct parse *p)
{
    const struct kl_schema *s = p->s;

    for (unsigned i = 0; i < s->n_columns; i++) {
        int to = s->columns[i].derived_from;
        for (unsigned steps = 0; to >= 0 && steps < s->n_columns; steps++) {
            if (to == (int)i) { /* all of them would count as derived, none as evidence */
                return at_line(p, derived_line(p, s->columns[i].name),
                               "derived columns follow from each other in a circle");
            }
            to = s->columns[to].derived_from;
        }
    }
    return KL_OK;
}

static enum kl_rc resolve_names(struct parse *p)
{
    struct kl_schema *s = p->s;

    for (unsigned i = 0; i < p->n_derived; i++) {
        int from = find_column(s, p->derived[i].from);
        int to = find_column(s, p->derived[i].to);
        if (to < 0 || from == to) {
            return at_line(p, p->derived[i].line, "derived names a column that is not there");
        }
        if (from >= 0) { /* a derived value that is no column needs no rule */
            s->columns[from].derived_from = to;
        }
    }
    KL_TRY(check_circles(p));
    unsigned kept = 0;
    for (unsigned t = 0; t < s->n_tuples; t++) {
        bool missing = false;
        struct kl_schema_anchor a = {.n_columns = s->tuples[t].n_columns};
        for (unsigned i = 0; i < a.n_columns; i++) {
            int c = find_column(s, p->tuple_names[t][i]);
            missing = missing || c < 0;
            if (c >= 0 && !kl_schema_is_indexed(&s->columns[c])) {
                return at_line(p, p->tuple_line[t], "an anchor names a special or ignored column");
            }
            a.columns[i] = c < 0 ? 0 : (unsigned)c;
            for (unsigned k = 0; k < i; k++) {
                if (c >= 0 && a.columns[k] == (unsigned)c) {
                    return at_line(p, p->tuple_line[t], "an anchor names a column twice");
                }
            }
        }
        if (missing) {
            return at_line(p, p->tuple_line[t], "an anchor names a column that is not there");
        }
        s->tuples[kept++] = a;
    }
    s->n_tuples = kept;
    return KL_OK;
}

static enum kl_rc check_whole(struct parse *p)
{
    unsigned n_indexed = 0;
    unsigned n_anchors = p->s->n_tuples;

    if (p->s->name[0] == '\0' || p->s->n_columns == 0) {
        return at_line(p, 1, "a schema needs register: and columns:");
    }
    KL_TRY(resolve_names(p));
    for (unsigned i = 0; i < p->s->n_columns; i++) {
        n_indexed += kl_schema_is_indexed(&p->s->columns[i]);
        n_anchors += kl_schema_is_key(&p->s->columns[i]);
    }
    if (n_indexed > KL_MAX_COLUMNS) {
        return at_line(p, 1, "more than 60 fingerprinted columns; give some role: ignore");
    }
    if (n_anchors == 0 || n_anchors > KL_MAX_ANCHORS) {
        return at_line(p, 1,
                       "a schema needs 1 to 16 anchors: key columns or tuples under anchors:");
    }
    return KL_OK;
}

enum kl_rc kl_schema_parse(struct kl_span text, struct kl_schema *out_schema, struct kl_err *err)
{
    yaml_parser_t y;
    enum kl_rc rc = KL_E_NOMEM;

    struct parse *p = calloc(1, sizeof *p);
    struct kl_schema *s = calloc(1, sizeof *s);
    if (p == NULL || s == NULL || !yaml_parser_initialize(&y)) {
        free(p);
        free(s);
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    p->s = s;
    p->err = err;
    yaml_parser_set_input_string(&y, text.ptr, text.len);
    if (!yaml_parser_load(&y, &p->doc)) {
        rc = y.error == YAML_MEMORY_ERROR
                 ? kl_fail(err, KL_E_NOMEM, "out of memory")
                 : at_line(p, y.problem_mark.line + 1,
                           "not YAML; mind the indentation and the brackets");
        goto out;
    }
    yaml_node_t *root = yaml_document_get_root_node(&p->doc);
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        rc = at_line(p, 1, "a schema is a mapping with register: and columns:");
    } else {
        rc = KL_OK;
        for (yaml_node_pair_t *it = root->data.mapping.pairs.start;
             rc == KL_OK && it < root->data.mapping.pairs.top; it++) {
            rc = top_field(p, yaml_document_get_node(&p->doc, it->key),
                           yaml_document_get_node(&p->doc, it->value));
        }
        if (rc == KL_OK) {
            rc = check_whole(p);
        }
    }
    if (rc == KL_OK) {
        *out_schema = *s;
    }
    yaml_document_delete(&p->doc);
out:
    yaml_parser_delete(&y);
    free(s);
    free(p);
    return rc;
}

enum kl_rc kl_schema_read(const char *path, struct kl_schema *out_schema, struct kl_err *err)
{
    enum kl_rc rc;
    uint8_t *text = malloc(MAX_SCHEMA_BYTES);

    if (text == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        rc = kl_fail_errno(err, "cannot open the schema");
        goto out;
    }
    size_t n = fread(text, 1, MAX_SCHEMA_BYTES, f);
    rc = ferror(f) ? kl_fail_errno(err, "cannot read the schema") : KL_OK;
    (void)fclose(f);
    if (rc == KL_OK && n == MAX_SCHEMA_BYTES) {
        rc = kl_fail(err, KL_E_LIMIT, "a schema has at most 1 MiB");
    }
    if (rc == KL_OK) {
        rc = kl_schema_parse(kl_span_make(text, n), out_schema, err);
    }
out:
    free(text);
    return rc;
}
