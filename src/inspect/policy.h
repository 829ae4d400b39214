/*
 * The policy: from what was found to a verdict, with stated odds.
 *
 * YAML read strictly: an unknown key, a value out of range or a key given twice is an error with
 * its line. packs/policy/default.yaml shows every key with its default. Thread rule: a const policy
 * may be shared.
 */
#ifndef KL_INSPECT_POLICY_H
#define KL_INSPECT_POLICY_H

#include "finding/finding.h"

#define KL_POLICY_MAX_BYTES 262144u /* of a policy file */
#define KL_POLICY_MAX_ITEMS 256u    /* registers, allow and ignore entries each */
#define KL_POLICY_NAME_BYTES 64
#define KL_POLICY_REASONS 10 /* encrypted … stopped, and the default at 0 */

/* When the rows of one register mean something. */
struct kl_policy_limits {
    double row_bits;   /* evidence a row needs to count as accepted */
    uint64_t log_rows; /* log: at least so many rows … */
    double log_bits;   /* … and so many bits together */
    uint64_t hold_rows;
    uint64_t block_rows;
    uint64_t exclusive_rows; /* block: rows, when a column that exists nowhere else is among them */
    uint64_t ratio_keys;     /* block by hit ratio: keys of that shape in the part, at least */
    double ratio_min;        /* … share of them in the register, at least */
    double ratio_times;      /* … and so many times what chance gives */
    double max_log10_chance; /* hold and block: the odds of a coincidence, at most 10^this */
};

/* When identifiers mean something that no register knows (pattern mode). */
struct kl_policy_identifiers {
    uint64_t log_distinct;   /* distinct valid values of one type */
    uint64_t hold_distinct;  /* … and with a check digit; 0: never */
    uint64_t block_distinct; /* 0: never */
};

struct kl_policy_register {
    char name[KL_POLICY_NAME_BYTES];
    struct kl_policy_limits limits;
};

struct kl_policy_allow {
    char *glob;                      /* of the path; '*' also crosses '/'; owned */
    char name[KL_POLICY_NAME_BYTES]; /* register; "" = any */
    uint64_t max_rows;
};

struct kl_policy {
    struct kl_policy_limits limits; /* for registers without their own */
    struct kl_policy_register *registers;
    size_t n_registers;
    struct kl_policy_identifiers identifiers;
    enum kl_verdict gaps[KL_POLICY_REASONS]; /* by reason, kl_policy_reason_get; [0]: all others */
    struct kl_policy_allow *allow;
    size_t n_allow;
    char **ignore; /* globs of paths that are not scanned; owned */
    size_t n_ignore;
};

/** The defaults; *out_p owns nothing yet but goes through kl_policy_done all the same. */
void kl_policy_default(struct kl_policy *out_p);
void kl_policy_done(struct kl_policy *p);

/**
 * Read a policy; what it does not say stays at the default.
 * @param yaml   at most KL_POLICY_MAX_BYTES
 * @param out_p  written only on KL_OK; the caller releases it with kl_policy_done
 * @return KL_E_FORMAT with err->at_line and a remedy, KL_E_LIMIT (too long), KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_policy_parse(struct kl_span yaml, struct kl_policy *out_p,
                                   struct kl_err *err);

/** kl_policy_parse of a file; KL_E_IO when it cannot be read. */
KL_MUST enum kl_rc kl_policy_read(const char *path, struct kl_policy *out_p, struct kl_err *err);

/** The limits of a register; borrowed from p. limits->row_bits is the engine's threshold for a row.
 */
const struct kl_policy_limits *kl_policy_limits_get(const struct kl_policy *p, const char *name);

/** Number in kl_policy.gaps of a reason's name ("encrypted", …; "default" is 0), or -1. */
int kl_policy_reason_get(struct kl_span name);

/** True when the policy says that this path is not scanned. */
bool kl_policy_is_ignored(const struct kl_policy *p, const char *path);

/** Set f->verdict and f->rule from its registers, identifiers and gaps: the highest that applies.
 */
void kl_policy_decide(const struct kl_policy *p, struct kl_finding *f);

#endif
