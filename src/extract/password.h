/*
 * Passwords that may open what is locked: those given to the scan, and words that a reader met in
 * the same document (a mail that says how to open its attachment).
 *
 * They are held in memory that is wiped, and never written anywhere.
 * Thread rule: one owner at a time.
 */
#ifndef KL_EXTRACT_PASSWORD_H
#define KL_EXTRACT_PASSWORD_H

#include "base/limits.h"
#include "base/result.h"
#include "base/span.h"

/* What Excel sets in a file that is only protected. */
#define KL_PASSWORD_OF_EXCEL "VelvetSweatshop"

struct kl_emit;

/* A list that never moves in memory: each word with its length in front. */
struct kl_passwords {
    uint8_t *ptr; /* owned; NULL while the list is empty */
    size_t len;
    size_t n;
};

/** Wipe and free; the list is empty again. */
void kl_passwords_done(struct kl_passwords *p);

/**
 * Add one of 1 to KL_MAX_PASSWORD_BYTES bytes; others are left out.
 * @return KL_E_LIMIT past KL_MAX_PASSWORDS, KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_passwords_add(struct kl_passwords *p, struct kl_span word);

/**
 * The next one from *at on (0 first), borrowed. False: no more.
 */
bool kl_passwords_next(const struct kl_passwords *p, size_t *at, struct kl_span *out_word);

/**
 * As they travel to a worker: the records from *at on that fit into max_bytes, borrowed; empty
 * behind the last.
 */
struct kl_span kl_passwords_pack(const struct kl_passwords *p, size_t *at, size_t max_bytes);

/** Add what kl_passwords_pack gave. KL_E_FORMAT: it did not. */
KL_MUST enum kl_rc kl_passwords_unpack(struct kl_passwords *p, struct kl_span packed);

/* What a document's readers may try; kl_emit holds it. */
struct kl_candidates {
    const struct kl_passwords *given; /* borrowed; NULL: none */
    struct kl_passwords words;        /* of this document */
    unsigned n_tries;
    uint64_t n_hashes;                   /* of a hash that the tries took */
    uint64_t n_word_hashes;              /* those for words */
    uint8_t last[KL_MAX_PASSWORD_BYTES]; /* the one that opened something last */
    size_t last_len;
};

/** Forget the words and what was tried; the given ones stay. */
void kl_candidates_reset(struct kl_candidates *c);

/** Where the emitter keeps them. */
struct kl_candidates *kl_emit_candidates(struct kl_emit *e);

/**
 * A word of the document that may open something else in it: 4 to 64 bytes, the first
 * KL_MAX_WORDS; others are left out, which is no failure.
 */
KL_MUST enum kl_rc kl_emit_note_word(struct kl_emit *e, struct kl_span word);

/* What is locked. */
struct kl_lock {
    /* KL_OK: tried, *out_fits says whether it opens; else the trying ends. */
    enum kl_rc (*fits)(void *ctx, struct kl_span password, bool *out_fits);
    void *ctx;
    uint64_t hashes;        /* that a try takes, about, in blocks of SHA-1; 0: next to none */
    const char *usual;      /* what a program sets when nobody chose: tried first; NULL: none */
    const char *usual_code; /* said instead of encrypted.opened when that opens it */
};

/**
 * Try what is known: the usual one, the last that fitted, the given ones, the words. After
 * KL_MAX_PASSWORD_TRIES or KL_MAX_PASSWORD_HASHES in one document (KL_MAX_WORD_HASHES for the
 * words) limit.passwords is said and nothing is tried any more.
 * @param out_found  true: the last call of `fits` said so, and that it was opened was said
 */
KL_MUST enum kl_rc kl_emit_try_passwords(struct kl_emit *e, const struct kl_lock *lock,
                                         bool *out_found);

/**
 * A password as UTF-16LE; what is not UTF-8 is taken byte by byte.
 * @param out  room for 2 * KL_MAX_PASSWORD_BYTES; wipe it
 * @return bytes written; a password that is longer than KL_MAX_PASSWORD_BYTES is cut
 */
size_t kl_password_wide(struct kl_span password, uint8_t *out);

#endif
