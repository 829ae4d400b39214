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
    enum kl_rc (*fits)(void *ctx, struct kl_span password, bool *out_fits);
    void *ctx;
    bool found;
};

static enum kl_rc try_one(struct trial *t, struct kl_span password)
{
    if (t->c->n_tries == KL_MAX_PASSWORD_TRIES) {
        KL_TRY(kl_emit_anomaly(t->e, "limit.passwords"));
        return KL_E_LIMIT;
    }
    t->c->n_tries++;
    KL_TRY(t->fits(t->ctx, password, &t->found));
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

enum kl_rc kl_emit_try_passwords(struct kl_emit *e,
                                 enum kl_rc (*fits)(void *ctx, struct kl_span password,
                                                    bool *out_fits),
                                 void *ctx, bool *out_found)
{
    struct kl_candidates *c = kl_emit_candidates(e);
    struct trial t = {e, c, fits, ctx, false};
    enum kl_rc rc = KL_OK;

    if (c->last_len > 0) {
        rc = try_one(&t, kl_span_make(c->last, c->last_len));
    }
    if (rc == KL_OK) {
        rc = try_list(&t, &c->words);
    }
    if (rc == KL_OK) {
        rc = try_list(&t, c->given);
    }
    *out_found = t.found;
    return rc == KL_E_LIMIT ? KL_OK : rc;
}
