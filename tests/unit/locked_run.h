/* Runs a document with passwords; the log is in sink_mem. */
#ifndef LOCKED_RUN_H
#define LOCKED_RUN_H

#include "extract/extract.h"
#include "extract/password.h"
#include "kt.h"

#include "sink_mem.h"
#include "zip_make.h"

/* With given passwords and words of the document, each NULL or separated by blanks. */
static inline void locked_run(struct sink_mem *s, const struct zm_bytes *b, const char *given,
                              const char *words)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_passwords list = {NULL, 0, 0};
    struct kl_emit *e = NULL;
    uint8_t *copy = malloc(b->len);
    memcpy(copy, b->ptr, b->len);
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    for (const char *p = given; p != NULL && *p != '\0';) {
        size_t n = strcspn(p, " ");
        KT_EQ(kl_passwords_add(&list, kl_span_make(p, n)), KL_OK);
        p += n + (p[n] == ' ');
    }
    kl_emit_candidates(e)->given = &list;
    struct kl_input in = kl_input_mem(kl_span_make(copy, b->len));
    kl_emit_start(e, b->len);
    for (const char *p = words; p != NULL && *p != '\0';) {
        size_t n = strcspn(p, " ");
        KT_EQ(kl_emit_note_word(e, kl_span_make(p, n)), KL_OK);
        p += n + (p[n] == ' ');
    }
    KT_EQ(kl_extract_nested(e, &in), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_OK(s->done && !s->bad_order);
    KT_EQ(s->inspected + s->not_inspected, b->len);
    kl_emit_free(&e);
    kl_passwords_done(&list);
    free(copy);
    if (s->log == NULL) {
        sink_mem_str(s, "");
    }
}

static inline bool locked_has(const struct sink_mem *s, const char *what)
{
    return s->log != NULL && memmem(s->log, s->log_len, what, strlen(what)) != NULL;
}

#endif
