/*
 * A register's schema, any bytes.
 * Targets: kl_schema_parse.
 * Properties: what is accepted keeps the limits and names columns that are there; what is
 * refused says why and on which line.
 */
#include <assert.h>
#include <stdlib.h>

#include "register/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct kl_schema *s)
{
    unsigned n_indexed = 0;
    unsigned n_keys = 0;

    assert(s->name[0] != '\0' && s->n_columns > 0 && s->n_columns <= KL_SCHEMA_MAX_COLUMNS);
    for (unsigned i = 0; i < s->n_columns; i++) {
        const struct kl_schema_column *c = &s->columns[i];
        assert(c->name[0] != '\0' && kl_type_name(c->type) != NULL && c->role != KL_ROLE_NONE);
        assert(c->derived_from < (int)s->n_columns && c->derived_from != (int)i);
        n_indexed += kl_schema_is_indexed(c);
        n_keys += kl_schema_is_key(c);
    }
    assert(n_indexed <= KL_MAX_COLUMNS && n_keys + s->n_tuples >= 1);
    assert(n_keys + s->n_tuples <= KL_MAX_ANCHORS);
    for (unsigned t = 0; t < s->n_tuples; t++) {
        assert(s->tuples[t].n_columns >= 2 && s->tuples[t].n_columns <= KL_INDEX_MAX_TUPLE);
        for (unsigned k = 0; k < s->tuples[t].n_columns; k++) {
            assert(s->tuples[t].columns[k] < s->n_columns);
            assert(kl_schema_is_indexed(&s->columns[s->tuples[t].columns[k]]));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_schema s;
    struct kl_err err = {.rc = KL_OK};

    if (kl_schema_parse(kl_span_make(data, size), &s, &err) == KL_OK) {
        check(&s);
    } else {
        assert(err.rc == KL_E_FORMAT || err.rc == KL_E_NOMEM);
        assert(err.what[0] != '\0' && (err.rc == KL_E_NOMEM || err.at_line > 0));
    }
    return 0;
}
