/*
 * libkulla: the inspection engine inside another program (a proxy, a mail filter, a file server).
 *
 * struct kl_engine holds what all threads share: opened indexes, policy, packs. struct kl_scanner
 * is one thread's: a worker process and scratch memory. One document in, one finding out.
 *
 * Documents are never parsed in this process. The worker is the program kulla, started as
 * `kulla --role extract` and locked in before it reads a byte; see kl_engine_opts.program.
 *
 * Thread rule: an engine is immutable once made and may be used by all threads. A scanner is for
 * one thread at a time and is freed before its engine. Its worker is killed when the thread that
 * made the scanner ends; the next document then gets a new one. After fork() only one of the two
 * processes may use or free a scanner; an engine is good in both.
 *
 * The host: no signal handler is set, SIGPIPE is never raised, no environment variable but
 * KULLA_CPU is read, nothing is written to any stream, the locale of the thread is left as it was,
 * every descriptor is close-on-exec and none is 0 to 2, and only our own child is waited for.
 * A host with a handler for SIGCHLD sees it when a worker ends.
 *
 * Errors: `err` may be NULL; every call writes it, also (rc = KL_OK) on success.
 */
#ifndef KULLA_INSPECT_H
#define KULLA_INSPECT_H

#include <kulla/finding.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kl_engine;  /* opaque */
struct kl_scanner; /* opaque */

struct kl_inspect_index {
    const char *index_path; /* R.kidx, as `kulla register build` wrote it */
    const char *key_path;   /* the key file it was built with */
};

/* Fill with {0}, then set size_bytes and what is needed. All is borrowed for the call only. */
struct kl_engine_opts {
    size_t size_bytes; /* sizeof(struct kl_engine_opts): later versions add fields at the end */
    const struct kl_inspect_index *indexes;
    size_t n_indexes;        /* at most 64 */
    const char *packs;       /* "al" or "al,xk": look for identifiers of these; NULL or "": no */
    const char *policy_path; /* a policy file; NULL: the default policy */
    const char *program;     /* absolute path of kulla; NULL: the one installed with this library */
};

/**
 * Open the indexes, read the policy, and start and end one worker to see that it is there.
 *
 * The policy's `ignore` has no effect here (what is handed over is inspected); its `allow` is
 * compared with the name given for the document. An index file that is replaced must be replaced by
 * rename: who writes into it while it is open may end this process (SIGBUS).
 *
 * @param out_engine  written only on KL_OK; the caller frees it with kl_engine_free
 * @return KL_OK
 *         KL_E_USE      no index and no pack, a NULL or empty path, a relative program, unknown
 *                       options (err->at_item: the index)
 *         KL_E_KEY      wrong key, or no key file (err->at_item)
 *         KL_E_FORMAT   index cut, altered or older (err->at_item); policy malformed
 * (err->at_line); unknown pack KL_E_LIMIT    more than 64 indexes; policy too long KL_E_VERSION the
 * worker program is of another version than this library KL_E_IO       a file cannot be read
 * (err->at_item), or a worker cannot be started KL_E_NOMEM
 */
KL_API KL_MUST enum kl_rc kl_engine_new(const struct kl_engine_opts *opts,
                                        struct kl_engine **out_engine, struct kl_err *err);

/** Free an engine, after its last scanner, and set the pointer to NULL; one to NULL is fine. */
KL_API void kl_engine_free(struct kl_engine **engine);

/**
 * A scanner with its worker.
 * @param engine       borrowed; outlives the scanner
 * @param out_scanner  written only on KL_OK; the caller frees it with kl_scanner_free
 * @return KL_OK, KL_E_USE (NULL), KL_E_VERSION, KL_E_IO (no worker), KL_E_NOMEM
 */
KL_API KL_MUST enum kl_rc kl_scanner_new(const struct kl_engine *engine,
                                         struct kl_scanner **out_scanner, struct kl_err *err);

/** End the worker, free the scanner and set the pointer to NULL; one to NULL is fine. */
KL_API void kl_scanner_free(struct kl_scanner **scanner);

/*
 * The three ways to hand over a document. In all of them:
 *
 * @param out_finding  written only on KL_OK; the caller frees it with kl_finding_free
 * @return KL_OK also for a document that is malformed, encrypted or hostile, for a lost worker and
 *         for a stop: the finding says so, and its verdict what the policy makes of it.
 *         KL_E_USE, KL_E_NOMEM; KL_E_IO and KL_E_VERSION when the document cannot be opened or a
 *         lost worker cannot be replaced. Without a finding nothing was inspected: what that means
 *         is the caller's policy. The scanner stays usable.
 */

/**
 * Inspect the file behind a descriptor.
 * @param fd    a regular file or a memfd, open for reading; stays the caller's. It is opened anew
 *              (/proc/self/fd), so its offset is neither used nor moved: the whole file is read.
 *              Anything else (a pipe, a socket) is KL_E_USE
 * @param name  as the finding shall call it; any bytes but NUL
 */
KL_API KL_MUST enum kl_rc kl_scanner_fd(struct kl_scanner *scanner, int fd, const char *name,
                                        struct kl_finding **out_finding, struct kl_err *err);

/** Inspect a file; symbolic links are followed. KL_E_USE when it is not a regular file. */
KL_API KL_MUST enum kl_rc kl_scanner_path(struct kl_scanner *scanner, const char *path,
                                          struct kl_finding **out_finding, struct kl_err *err);

/**
 * Inspect memory. It is copied once, to where the worker may see it and nothing else.
 * @param bytes  len_bytes of any content; may be NULL when len_bytes is 0
 * @param name   as for kl_scanner_fd
 */
KL_API KL_MUST enum kl_rc kl_scanner_bytes(struct kl_scanner *scanner, const void *bytes,
                                           size_t len_bytes, const char *name,
                                           struct kl_finding **out_finding, struct kl_err *err);

/**
 * End the inspection under way, within a fraction of a second: its finding is partial, with the
 * reason "stopped". Between two documents it ends the next one. May be called from any thread and
 * from a signal handler, as long as the scanner is not freed.
 */
KL_API void kl_scanner_stop(struct kl_scanner *scanner);

#ifdef __cplusplus
}
#endif

#endif
