#include "lib/engine.h"

#include "base/limits.h"
#include "lib/call.h"

#include <stdlib.h>
#include <string.h>

#ifndef KL_WORKER_PROGRAM
#define KL_WORKER_PROGRAM "/usr/local/bin/kulla" /* the build sets it */
#endif

#define MAX_OPTS_BYTES 4096u /* beyond it size_bytes was never set */

static bool is_empty(const char *s)
{
    return s == NULL || s[0] == '\0';
}

/* A caller's options may be longer than ours: then what we do not know must be unset. */
static enum kl_rc check_size(const struct kl_engine_opts *o, struct kl_err *err)
{
    if (o == NULL || o->size_bytes < sizeof *o || o->size_bytes > MAX_OPTS_BYTES) {
        return kl_fail(err, KL_E_USE,
                       "no options; set size_bytes to sizeof(struct kl_engine_opts)");
    }
    struct kl_rd rest =
        kl_rd_init(kl_span_part(kl_span_make(o, o->size_bytes), sizeof *o, o->size_bytes));
    while (kl_rd_left(&rest) > 0) {
        if (kl_rd_u8(&rest) != 0) {
            return kl_fail(err, KL_E_USE,
                           "an option that this libkulla does not know; install the newer one");
        }
    }
    return KL_OK;
}

static enum kl_rc check_opts(const struct kl_engine_opts *o, struct kl_err *err)
{
    KL_TRY(check_size(o, err));
    if (o->n_indexes > KL_MAX_INDEXES) {
        return kl_fail(err, KL_E_LIMIT, "at most %u indexes in one engine; use several",
                       KL_MAX_INDEXES);
    }
    if ((o->n_indexes == 0 && is_empty(o->packs)) || (o->n_indexes > 0 && o->indexes == NULL)) {
        return kl_fail(err, KL_E_USE, "nothing to look for; give an index or packs");
    }
    for (size_t i = 0; i < o->n_indexes; i++) {
        if (is_empty(o->indexes[i].index_path) || is_empty(o->indexes[i].key_path)) {
            (void)kl_fail(err, KL_E_USE, "an index without its path or key; give both");
            if (err != NULL) {
                err->at_item = i + 1;
            }
            return KL_E_USE;
        }
    }
    if (o->program != NULL && o->program[0] != '/') {
        return kl_fail(err, KL_E_USE,
                       "the path of the worker program is relative; give an absolute one");
    }
    return KL_OK;
}

static enum kl_rc open_all(struct kl_engine *e, const struct kl_engine_opts *o, struct kl_err *err)
{
    struct kl_inspect_opts io = {
        .indexes = o->indexes, .n_indexes = o->n_indexes, .packs = o->packs, .policy = &e->policy};
    struct kl_inspector *probe = NULL;
    size_t failed = o->n_indexes;

    e->program = strdup(o->program != NULL ? o->program : KL_WORKER_PROGRAM);
    if (e->program == NULL) {
        return KL_E_NOMEM;
    }
    io.program = e->program;
    if (o->policy_path != NULL) {
        KL_TRY(kl_policy_read(o->policy_path, &e->policy, err));
    }
    enum kl_rc rc = kl_inspect_new(&io, &e->ctx, &failed, err);
    if (rc != KL_OK) {
        if (err != NULL && failed < o->n_indexes) {
            err->at_item = failed + 1;
        }
        return rc;
    }
    /* A worker that is missing or of another version shall show now, not at the first document. */
    KL_TRY(kl_inspector_new(e->ctx, NULL, &probe, err));
    kl_inspector_free(&probe);
    return KL_OK;
}

static enum kl_rc engine_new(const struct kl_engine_opts *o, struct kl_engine **out_engine,
                             struct kl_err *err)
{
    if (out_engine == NULL) {
        return kl_fail(err, KL_E_USE, "no place for the engine; pass a pointer");
    }
    KL_TRY(check_opts(o, err));
    struct kl_engine *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return KL_E_NOMEM;
    }
    kl_policy_default(&e->policy);
    enum kl_rc rc = open_all(e, o, err);
    if (rc != KL_OK) {
        kl_engine_free(&e);
        return rc;
    }
    *out_engine = e;
    return KL_OK;
}

enum kl_rc kl_engine_new(const struct kl_engine_opts *opts, struct kl_engine **out_engine,
                         struct kl_err *err)
{
    struct kl_call call = kl_call_begin(err);

    return kl_call_end(&call, engine_new(opts, out_engine, err));
}

void kl_engine_free(struct kl_engine **engine)
{
    if (engine == NULL || *engine == NULL) {
        return;
    }
    kl_inspect_free(&(*engine)->ctx);
    kl_policy_done(&(*engine)->policy);
    free((*engine)->program);
    free(*engine);
    *engine = NULL;
}
