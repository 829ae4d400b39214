/*
 * Where format readers put what they find: the writing end of the event stream.
 *
 * A reader opens a part, adds text, closes the part. emit cuts the text into blocks at
 * record ends, keeps the container path, and does the accounting of bytes not inspected.
 * Nothing is emitted between kl_emit_part_end and the next kl_emit_part_begin but
 * anomalies and bytes not inspected.
 * Thread rule: one emitter, one thread.
 */
#ifndef KL_EXTRACT_EMIT_H
#define KL_EXTRACT_EMIT_H

#include "base/limits.h"
#include "base/result.h"
#include "extract/event.h"
#include "extract/input.h"

/* The transport below: the channel in the worker, a callback in tests. */
struct kl_sink {
    void *ctx;
    /* A free block of KL_BLOCK_BYTES to write into; waits for one. NULL: the reader went away. */
    uint8_t *(*block)(void *ctx);
    /* Deliver; for BLOCK ev->text lies in the block taken last. KL_E_IO: the reader went away. */
    enum kl_rc (*event)(void *ctx, const struct kl_event *ev);
};

struct kl_emit; /* opaque; its passwords: extract/password.h */

KL_MUST enum kl_rc kl_emit_new(const struct kl_sink *sink, struct kl_emit **out_e);
void kl_emit_free(struct kl_emit **e);

/**
 * Enter a container level: `name` is appended to the path with a '/' (also at depth 0: a
 * path begins with '/', the file's own name is the caller's), until kl_emit_leave.
 * @param name       any bytes; not UTF-8, control or bidi characters are made visible as %XX
 * @param raw_bytes  how many bytes of the level above stand behind this one (a zip member's
 *                   compressed size): losses inside are scaled to it. 0: unknown, a lost byte
 *                   counts as a byte of the level above (a decoded run)
 * @return KL_E_LIMIT past KL_MAX_NESTING (record it as not inspected and go on; no leave)
 */
KL_MUST enum kl_rc kl_emit_enter(struct kl_emit *e, struct kl_span name, uint64_t raw_bytes);
/** With a part still open (its reader failed) all that follows fails: KL_E_NOMEM if nothing did. */
void kl_emit_leave(struct kl_emit *e);
/** The current level's raw_bytes, when they are known only at its end. */
void kl_emit_set_raw(struct kl_emit *e, uint64_t raw_bytes);
unsigned kl_emit_depth(const struct kl_emit *e);
/** Name of the current level as it stands in the path; empty at depth 0. Borrowed. */
struct kl_span kl_emit_name_get(const struct kl_emit *e);

KL_MUST enum kl_rc kl_emit_part_begin(struct kl_emit *e, enum kl_part_kind kind);
KL_MUST enum kl_rc kl_emit_part_end(struct kl_emit *e);

/**
 * Hand the whole of the current level, `in`, to a program of others: a part of its bytes, or at
 * depth 0 an empty one, for the file itself. Above KL_MAX_OUTSIDE_BYTES of bytes it is said not to
 * be inspected (limit) instead.
 * @param kind  an outside kind
 */
KL_MUST enum kl_rc kl_emit_outside(struct kl_emit *e, enum kl_part_kind kind,
                                   const struct kl_input *in);

/** Append text to the open part (copied). */
KL_MUST enum kl_rc kl_emit_text(struct kl_emit *e, struct kl_span text);

/**
 * Write in place: at least `want` (<= KL_BLOCK_BYTES / 2) free bytes of the current block.
 * The pointer holds until the next call that adds text or ends the part; kl_emit_commit says
 * how many were written.
 */
KL_MUST enum kl_rc kl_emit_space(struct kl_emit *e, size_t want, uint8_t **out_ptr,
                                 size_t *out_cap);
KL_MUST enum kl_rc kl_emit_commit(struct kl_emit *e, size_t len);

/** `code`: a literal shorter than KL_ANOMALY_BYTES. The same code at the same path is said once. */
KL_MUST enum kl_rc kl_emit_anomaly(struct kl_emit *e, const char *code);

/** `bytes` of the current level were not inspected. */
KL_MUST enum kl_rc kl_emit_not_inspected(struct kl_emit *e, enum kl_reason reason, uint64_t bytes);

/*
 * The budget of the whole document. A charge that does not fit is said (limit.members,
 * limit.expanded, limit.ratio), not counted, and returns KL_E_LIMIT.
 */
KL_MUST enum kl_rc kl_emit_charge_member(struct kl_emit *e);
/** Expanded bytes against KL_MAX_EXPANDED and KL_MAX_RATIO x the bytes of the file. */
KL_MUST enum kl_rc kl_emit_charge_expanded(struct kl_emit *e, uint64_t bytes);
/** Text written again and again from one place (a shared string): a budget of the same size. */
KL_MUST enum kl_rc kl_emit_charge_repeated(struct kl_emit *e, uint64_t bytes);
/** How many more expanded bytes fit into the budget. */
uint64_t kl_emit_budget_get(const struct kl_emit *e);
/** How many bytes of text were added to the document so far. */
uint64_t kl_emit_text_get(const struct kl_emit *e);
/** Bytes of the current level that were said not to be inspected so far. */
uint64_t kl_emit_lost_get(const struct kl_emit *e);
/*
 * For a scan that is stopped midway: how much of the document's file was told in full. Both do
 * nothing inside a level.
 */
/** Add the bytes of a member that is done with. */
void kl_emit_confirm(struct kl_emit *e, uint64_t bytes);
/** All text added so far comes from the first `at` bytes, and is all of theirs. */
void kl_emit_confirm_to(struct kl_emit *e, uint64_t at);

/** The current level's own size, when it is known better than by what was charged. */
void kl_emit_set_size(struct kl_emit *e, uint64_t own_bytes);

/** Start and end of a document; kl_emit_finish sends DONE with seen = file_bytes. */
void kl_emit_start(struct kl_emit *e, uint64_t file_bytes);
KL_MUST enum kl_rc kl_emit_finish(struct kl_emit *e);

#endif
