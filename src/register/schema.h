/*
 * The schema of a register: its columns, their types and roles, its tuple anchors.
 * The form is design section 7; unknown keys are refused with their line.
 * Thread rule: one owner; a const schema may be shared.
 */
#ifndef KL_REGISTER_SCHEMA_H
#define KL_REGISTER_SCHEMA_H

#include "base/result.h"
#include "match/index_format.h"
#include "match/norm.h"

#define KL_SCHEMA_MAX_COLUMNS 256u

struct kl_schema_column {
    char name[KL_INDEX_NAME_BYTES];
    enum kl_type type;
    enum kl_role role;
    bool special;     /* GDPR Art. 9: known to exist, never fingerprinted */
    int derived_from; /* column number; -1: none */
};

struct kl_schema_anchor {
    unsigned n_columns;
    unsigned columns[KL_INDEX_MAX_TUPLE];
};

struct kl_schema {
    char name[KL_INDEX_NAME_BYTES];
    char jurisdiction[8];
    struct kl_schema_column columns[KL_SCHEMA_MAX_COLUMNS];
    unsigned n_columns;
    struct kl_schema_anchor tuples[KL_MAX_ANCHORS];
    unsigned n_tuples;
};

/**
 * Parse a schema.
 * @param text  YAML, at most 1 MiB
 * @param out_schema  filled only on KL_OK
 * @return KL_E_FORMAT with err->at_line
 */
KL_MUST enum kl_rc kl_schema_parse(struct kl_span text, struct kl_schema *out_schema,
                                   struct kl_err *err);

/** Read and parse a file. */
KL_MUST enum kl_rc kl_schema_read(const char *path, struct kl_schema *out_schema,
                                  struct kl_err *err);

/** Column fingerprinted in the index: not special, not ignored. */
static inline bool kl_schema_is_indexed(const struct kl_schema_column *c)
{
    return !c->special && c->role != KL_ROLE_IGNORE;
}

/** Column whose values are anchors of their own: keys, and codes that exist only here. */
static inline bool kl_schema_is_key(const struct kl_schema_column *c)
{
    return !c->special && (c->role == KL_ROLE_KEY || c->role == KL_ROLE_KEY_DENSE ||
                           (c->role == KL_ROLE_EXCLUSIVE && c->type == KL_TYPE_CODE));
}

#endif
