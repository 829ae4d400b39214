/*
 * What is already known: a file of fingerprints, so that a repeated scan shows only what is new or
 * has grown.
 *
 * A finding has items: one for each register (its name and the columns found), each identifier type
 * and each reason of bytes not inspected. An item's fingerprint is a BLAKE2b-256 digest of the path
 * and those names, its count the rows, distinct values or bytes. A finding is known when each of
 * its items is in the baseline with a count not smaller. The file is JSON lines:
 * {"kulla_baseline":1}, then {"fingerprint":"…","count":N,"kind":"…","path":"…"} where kind and
 * path are for readers only. Thread rule: one owner; a const baseline may be shared.
 */
#ifndef KL_FINDING_BASELINE_H
#define KL_FINDING_BASELINE_H

#include "finding/finding.h"

#define KL_BASELINE_MAX_BYTES 1073741824u /* of a baseline file */
#define KL_FINGERPRINT_BYTES 32

struct kl_finding_item {
    const char *kind; /* static: "register", "identifier", "not_inspected" */
    uint64_t count;
    uint8_t fingerprint[KL_FINGERPRINT_BYTES];
};

/** How many items a finding has. */
size_t kl_finding_items_get(const struct kl_finding *f);

/** Item i < kl_finding_items_get: the registers first, then identifiers, then the gaps. */
KL_MUST enum kl_rc kl_finding_item(const struct kl_finding *f, size_t i,
                                   struct kl_finding_item *out);

struct kl_baseline_entry {
    uint8_t fingerprint[KL_FINGERPRINT_BYTES];
    uint64_t count;
};

struct kl_baseline {
    struct kl_baseline_entry *entries; /* sorted by fingerprint; owned */
    size_t n_entries;
};

/**
 * Read the text of a baseline.
 * @param out_b  written only on KL_OK; released with kl_baseline_done
 * @return KL_E_FORMAT with err->at_line and a remedy, KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_baseline_parse(struct kl_span text, struct kl_baseline *out_b,
                                     struct kl_err *err);
/** kl_baseline_parse of a file; KL_E_IO when it cannot be read, KL_E_LIMIT when it is too long. */
KL_MUST enum kl_rc kl_baseline_read(const char *path, struct kl_baseline *out_b,
                                    struct kl_err *err);
void kl_baseline_done(struct kl_baseline *b);

/** True when the finding has items and all are known and have not grown. KL_E_NOMEM counts as not
 * known. */
bool kl_baseline_has(const struct kl_baseline *b, const struct kl_finding *f);

/** Append the first line of a baseline file. */
KL_MUST enum kl_rc kl_baseline_write_begin(struct kl_buf *out);
/** Append the lines of a finding (none for one without items). */
KL_MUST enum kl_rc kl_baseline_write(const struct kl_finding *f, struct kl_buf *out);

#endif
