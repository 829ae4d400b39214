/*
 * libkulla: what inspection says of one document.
 *
 * A finding holds no content: counts, names of registers and columns, masked samples. Strings
 * are UTF-8 (a path inside a document), borrowed, and live as long as their finding.
 * Functions that take a number give NULL past the last, so a loop needs no count.
 * Thread rule: one owner; a const finding may be read by any thread. NULL is no finding: only
 * kl_finding_free takes it.
 */
#ifndef KULLA_FINDING_H
#define KULLA_FINDING_H

#include <kulla/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In order: the higher the worse. Numbers are never given anew. */
enum kl_verdict {
    KL_VERDICT_PASS = 0,
    KL_VERDICT_NOT_INSPECTED = 1, /* nothing found in what was read, something was not read */
    KL_VERDICT_LOG = 2,
    KL_VERDICT_HOLD = 3,
    KL_VERDICT_BLOCK = 4,
};

struct kl_finding;          /* opaque */
struct kl_finding_register; /* opaque; lives in its finding */

/* Of the document, in bytes: inspected + not_inspected = seen. */
struct kl_finding_bytes {
    uint64_t seen;
    uint64_t inspected;
    uint64_t not_inspected;
};

/** "pass", "not_inspected", "log", "hold", "block"; static storage. */
KL_API const char *kl_verdict_name(enum kl_verdict v);

/** Free a finding and set the pointer to NULL; a pointer to NULL is fine. */
KL_API void kl_finding_free(struct kl_finding **f);

KL_API enum kl_verdict kl_finding_verdict_get(const struct kl_finding *f);

/** The rule of the policy that decided ("block.rows (salaries)"); "" when none did. */
KL_API const char *kl_finding_rule_get(const struct kl_finding *f);

KL_API struct kl_finding_bytes kl_finding_bytes_get(const struct kl_finding *f);

/** 1 when inspection ended before the document did (stopped, worker lost), else 0. */
KL_API int kl_finding_is_partial(const struct kl_finding *f);

/** The i-th register of which something was found, from 0; single keys may make no row. */
KL_API const struct kl_finding_register *kl_finding_register_get(const struct kl_finding *f,
                                                                 size_t i);

KL_API const char *kl_finding_register_name_get(const struct kl_finding_register *r);

/** Distinct rows of the register whose evidence passes the policy's threshold. */
KL_API uint64_t kl_finding_register_rows_get(const struct kl_finding_register *r);

/** log10 of the probability that the rows are there by coincidence; at most 0. */
KL_API double kl_finding_register_log10_chance_get(const struct kl_finding_register *r);

/**
 * Name of the i-th column that was found, from 0, in the order of the schema.
 * @param out_cells  distinct rows in which it was found; may be NULL
 */
KL_API const char *kl_finding_column_get(const struct kl_finding_register *r, size_t i,
                                         uint64_t *out_cells);

/**
 * Type of the i-th kind of identifier that was found ("al.nid", "iban"), from 0; only with packs.
 * @param out_distinct  distinct valid values; may be NULL
 */
KL_API const char *kl_finding_identifier_get(const struct kl_finding *f, size_t i,
                                             uint64_t *out_distinct);

/**
 * Why the i-th run of bytes was not inspected, from 0: "encrypted", "format", "limit",
 * "timeout", "crash", "io", "changed", "special", "stopped"; later versions may have more.
 * The first 1,000 are here; kl_finding_bytes_get counts all.
 * @param out_at     path inside the document, "" for the whole; may be NULL
 * @param out_bytes  may be NULL
 */
KL_API const char *kl_finding_gap_get(const struct kl_finding *f, size_t i, const char **out_at,
                                      uint64_t *out_bytes);

/**
 * The finding as `kulla scan --format json` prints it: one object and a line end, valid UTF-8.
 * Everything is in it, masked samples and anomalies too. Fields may be added, never renamed.
 *
 * @param out_json  NUL-terminated; the caller frees it with free(3)
 * @param out_len   bytes before the NUL; may be NULL
 * @return KL_OK, KL_E_USE (NULL), KL_E_NOMEM, KL_E_LIMIT (more than 256 MiB: never in practice)
 */
KL_API KL_MUST enum kl_rc kl_finding_json_get(const struct kl_finding *f, char **out_json,
                                              size_t *out_len, struct kl_err *err);

#ifdef __cplusplus
}
#endif

#endif
