#include "extract/password.h"

#include <stdlib.h>

#include "extract/emit.h"

#define LIST_BYTES ((size_t)KL_MAX_PASSWORDS * (KL_MAX_PASSWORD_BYTES + 1))
#define WORD_LEAST 4u
#define WORD_MOST 64u

void kl_passwords_done(struct kl_passwords *p)
{
    if (p->ptr != NULL) {
        explicit_bzero(p->ptr, LIST_BYTES);
        free(p->ptr);
    }
    *p = (struct kl_passwords){NULL, 0, 0};
}

enum kl_rc kl_passwords_add(struct kl_passwords *p, struct kl_span word)
{
    if (word.len == 0 || word.len > KL_MAX_PASSWORD_BYTES) {
        return KL_OK;
    }
    if (p->n == KL_MAX_PASSWORDS) {
        return KL_E_LIMIT;
    }
    if (p->ptr == NULL) {
        /* All at once: growing would leave copies behind. */
        p->ptr = malloc(LIST_BYTES);
        if (p->ptr == NULL) {
            return KL_E_NOMEM;
        }
    }
    p->ptr[p->len] = (uint8_t)word.len;
    memcpy(p->ptr + p->len + 1, word.ptr, word.len);
    p->len += word.len + 1;
    p->n++;
    return KL_OK;
}

bool kl_passwords_next(const struct kl_passwords *p, size_t *at, struct kl_span *out_word)
{
    if (*at >= p->len) {
        return false;
    }
    *out_word = kl_span_make(p->ptr + *at + 1, p->ptr[*at]);
    *at += out_word->len + 1;
    return true;
}

struct kl_span kl_passwords_pack(const struct kl_passwords *p, size_t *at, size_t max_bytes)
{
    size_t from = *at;
    size_t next = from;
    struct kl_span word;

    while (kl_passwords_next(p, &next, &word) && next - from <= max_bytes) {
        *at = next;
    }
    return kl_span_part(kl_span_make(p->ptr, p->len), from, *at);
}

enum kl_rc kl_passwords_unpack(struct kl_passwords *p, struct kl_span packed)
{
    struct kl_rd r = kl_rd_init(packed);

    while (kl_rd_left(&r) > 0) {
        struct kl_span word = kl_rd_take(&r, kl_rd_u8(&r));
        if (!kl_rd_ok(&r) || word.len == 0 || word.len > KL_MAX_PASSWORD_BYTES) {
            return KL_E_FORMAT;
        }
        KL_TRY(kl_passwords_add(p, word));
    }
    return KL_OK;
}

void kl_candidates_reset(struct kl_candidates *c)
{
    kl_passwords_done(&c->words);
    explicit_bzero(c->last, sizeof c->last);
    c->last_len = 0;
    c->n_tries = 0;
    c->n_hashes = 0;
    c->n_word_hashes = 0;
}

enum kl_rc kl_emit_note_word(struct kl_emit *e, struct kl_span word)
{
    struct kl_candidates *c = kl_emit_candidates(e);

    if (word.len < WORD_LEAST || word.len > WORD_MOST || c->words.n == KL_MAX_WORDS) {
        return KL_OK;
    }
    return kl_passwords_add(&c->words, word);
}

struct trial {
    struct kl_emit *e;
    struct kl_candidates *c;
    const struct kl_lock *lock;
    bool is_word; /* of the document: who wrote it chose how long a try takes, too */
    bool found;
};

/* A try that is too many, or too dear, is said and not made. */
static enum kl_rc fits(struct trial *t, struct kl_span password)
{
    struct kl_candidates *c = t->c;
    uint64_t left = KL_MAX_PASSWORD_HASHES - c->n_hashes;
    if (t->is_word && left > KL_MAX_WORD_HASHES - c->n_word_hashes) {
        left = KL_MAX_WORD_HASHES - c->n_word_hashes;
    }
    if (c->n_tries == KL_MAX_PASSWORD_TRIES || t->lock->hashes > left) {
        KL_TRY(kl_emit_anomaly(t->e, "limit.passwords"));
        return KL_E_LIMIT;
    }
    c->n_tries++;
    c->n_hashes += t->lock->hashes;
    c->n_word_hashes += t->is_word ? t->lock->hashes : 0;
    return t->lock->fits(t->lock->ctx, password, &t->found);
}

static enum kl_rc try_usual(struct trial *t)
{
    KL_TRY(fits(t, kl_span_str(t->lock->usual)));
    return t->found ? kl_emit_anomaly(t->e, t->lock->usual_code) : KL_OK;
}

static enum kl_rc try_one(struct trial *t, struct kl_span password)
{
    KL_TRY(fits(t, password));
    if (t->found) {
        memmove(t->c->last, password.ptr, password.len);
        t->c->last_len = password.len;
        KL_TRY(kl_emit_anomaly(t->e, "encrypted.opened"));
    }
    return KL_OK;
}

static enum kl_rc try_list(struct trial *t, const struct kl_passwords *list)
{
    struct kl_span word;

    for (size_t at = 0; list != NULL && !t->found && kl_passwords_next(list, &at, &word);) {
        KL_TRY(try_one(t, word));
    }
    return KL_OK;
}

static enum kl_rc try_all(struct trial *t)
{
    if (t->lock->usual != NULL) {
        KL_TRY(try_usual(t));
    }
    if (!t->found && t->c->last_len > 0) {
        KL_TRY(try_one(t, kl_span_make(t->c->last, t->c->last_len)));
    }
    KL_TRY(try_list(t, t->c->given));
    t->is_word = true;
    return try_list(t, &t->c->words);
}

enum kl_rc kl_emit_try_passwords(struct kl_emit *e, const struct kl_lock *lock, bool *out_found)
{
    struct trial t = {e, kl_emit_candidates(e), lock, false, false};
    enum kl_rc rc = try_all(&t);

    *out_found = t.found;
    return rc == KL_E_LIMIT ? KL_OK : rc;
}

/* ---- as UTF-16 ---- */

/* The character at the front of s, and its length: 1 when it is not UTF-8. */
static uint32_t first_char(struct kl_span s, size_t *out_len)
{
    uint8_t c = s.ptr[0];
    size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;
    uint32_t cp = len == 1 ? c : c & (0x7Fu >> len);

    for (size_t i = 1; i < len; i++) {
        if (i >= s.len || (s.ptr[i] & 0xC0) != 0x80) {
            *out_len = 1;
            return c;
        }
        cp = cp << 6 | (s.ptr[i] & 0x3Fu);
    }
    *out_len = cp <= 0x10FFFF ? len : 1;
    return cp <= 0x10FFFF ? cp : c;
}

static size_t put_16(uint8_t *out, uint32_t unit)
{
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)(unit >> 8);
    return 2;
}

size_t kl_password_wide(struct kl_span password, uint8_t *out)
{
    struct kl_span s = kl_span_part(password, 0, KL_MAX_PASSWORD_BYTES);
    size_t n = 0;

    while (s.len > 0) {
        size_t len = 1;
        uint32_t cp = first_char(s, &len);
        if (cp >= 0x10000) {
            n += put_16(out + n, 0xD800 + ((cp - 0x10000) >> 10));
            n += put_16(out + n, 0xDC00 + ((cp - 0x10000) & 0x3FF));
        } else {
            n += put_16(out + n, cp);
        }
        s = kl_span_part(s, len, s.len);
    }
    return n;
}
