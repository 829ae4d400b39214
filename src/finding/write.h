/*
 * The three outputs of a finding: JSON lines, SARIF 2.1.0 and a report for people.
 *
 * All append valid UTF-8 to a buffer; document content never reaches them, paths of any bytes do.
 * Return KL_E_NOMEM or KL_E_LIMIT from the buffer, else KL_OK. Thread rule: pure but for the
 * buffer.
 */
#ifndef KL_FINDING_WRITE_H
#define KL_FINDING_WRITE_H

#include "base/buf.h"
#include "finding/finding.h"

/** One object and a line end, as in the command-line contract (docs/design section 7). */
KL_MUST enum kl_rc kl_write_json(const struct kl_finding *f, struct kl_buf *out);

struct kl_text_style {
    bool colour; /* ANSI colours: only for a terminal, never with NO_COLOR */
};

/** The report of one finding, ending with an empty line. */
KL_MUST enum kl_rc kl_write_text(const struct kl_finding *f, const struct kl_text_style *style,
                                 struct kl_buf *out);

/** Text of any bytes made safe for a terminal: what is malformed or not plain becomes \xNN. */
KL_MUST enum kl_rc kl_write_safe(struct kl_span text, struct kl_buf *out);

/** 1234567 as "1,234,567". */
KL_MUST enum kl_rc kl_write_count(uint64_t n, struct kl_buf *out);

/** "637 bytes", "1.5 MB" (decimal units). */
KL_MUST enum kl_rc kl_write_size(uint64_t n_bytes, struct kl_buf *out);

/* A SARIF document: begin, the findings, end. */
struct kl_sarif {
    bool has_results;
};
KL_MUST enum kl_rc kl_write_sarif_begin(struct kl_sarif *s, struct kl_buf *out);
KL_MUST enum kl_rc kl_write_sarif(struct kl_sarif *s, const struct kl_finding *f,
                                  struct kl_buf *out);
/** @param complete  false: the scan was stopped before its end */
KL_MUST enum kl_rc kl_write_sarif_end(struct kl_sarif *s, bool complete, struct kl_buf *out);

#endif
