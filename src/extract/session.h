/*
 * The parent's end of an extract worker: one document at a time, events out.
 *
 * The worker is this program re-executed ("--role extract", channel on fd 3), caged with
 * seccomp, Landlock and rlimits before it reads a byte of a document. One that dies or
 * makes no progress costs its document (NOT_INSPECTED, crash or timeout) and is replaced.
 * Thread rule: one session per thread.
 */
#ifndef KL_EXTRACT_SESSION_H
#define KL_EXTRACT_SESSION_H

#include "extract/event.h"
#include "extract/password.h"
#include "base/result.h"

#include <stdatomic.h>

struct kl_session; /* opaque */

struct kl_session_opts {
    const char *program;  /* the kulla binary to re-execute; NULL: /proc/self/exe */
    unsigned progress_ms; /* longest silence of the worker; 0: KL_DOCUMENT_SECONDS */
    const struct kl_passwords *passwords; /* tried on what is locked; NULL: none; borrowed */
    const atomic_bool *stop; /* set by anyone: a wait ends as with Ctrl-C; NULL: none; borrowed */
};

/**
 * Start a worker.
 * @return KL_E_VERSION when the program is a kulla of another version, KL_E_IO when it cannot be
 * started or is no kulla, KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_session_new(const struct kl_session_opts *opts, struct kl_session **out_s,
                                  struct kl_err *err);
void kl_session_free(struct kl_session **s);

/**
 * Hand a document to the worker (started anew when it died).
 * @param fd  open for reading, a regular file or memfd; stays the caller's
 */
KL_MUST enum kl_rc kl_session_submit(struct kl_session *s, int fd, uint64_t len_bytes,
                                     struct kl_err *err);

/**
 * The next event of the document; ev->text is borrowed until the next call. When the
 * worker died or hung: an open part is ended, NOT_INSPECTED(crash|timeout) for the rest of the
 * document, then DONE. The last event is always DONE.
 */
KL_MUST enum kl_rc kl_session_next(struct kl_session *s, struct kl_event *out_ev,
                                   struct kl_err *err);

/** Break off the document: the worker is killed; the next submit starts a new one. */
void kl_session_cancel(struct kl_session *s);

/** How many workers died or were killed so far. */
unsigned kl_session_losses_get(const struct kl_session *s);

#endif
