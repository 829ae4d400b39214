/* A sink for tests: keeps every event as a line of a log, and the text of each part. */
#ifndef SINK_MEM_H
#define SINK_MEM_H

#include "extract/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sink_mem {
    uint8_t *block; /* exact size, fresh each time: ASan sees a late write */
    char *log;      /* "B kind path\n", "T text", "E\n", "A path code\n", "N path reason n\n" */
    size_t log_len;
    size_t log_cap;
    uint64_t text_bytes;
    uint64_t n_blocks;
    uint64_t next_at;
    unsigned depth;
    bool quiet;             /* keep no text */
    uint64_t outside_share; /* bytes of the file behind the last such part */
    bool outside;           /* the open part is one: its bytes are no text */
    bool done;
    bool bad_order;
    uint64_t seen, inspected, not_inspected;
    uint64_t confirmed;  /* inspected, by the event before */
    uint64_t fail_after; /* events; 0: never */
    uint64_t n_events;
};

static inline void sink_mem_put(struct sink_mem *s, const void *ptr, size_t len)
{
    if (s->log_len + len + 1 > s->log_cap) {
        s->log_cap = (s->log_len + len + 1) * 2;
        s->log = realloc(s->log, s->log_cap);
        if (s->log == NULL) {
            abort();
        }
    }
    if (len > 0) {
        memcpy(s->log + s->log_len, ptr, len);
    }
    s->log_len += len;
    s->log[s->log_len] = 0;
}

static inline void sink_mem_str(struct sink_mem *s, const char *str)
{
    sink_mem_put(s, str, strlen(str));
}

static inline uint8_t *sink_mem_block(void *ctx)
{
    struct sink_mem *s = ctx;
    free(s->block);
    s->block = malloc(KL_BLOCK_BYTES);
    return s->block;
}

static inline enum kl_rc sink_mem_event(void *ctx, const struct kl_event *ev)
{
    struct sink_mem *s = ctx;
    char num[64];
    s->n_events++;
    if (s->fail_after != 0 && s->n_events > s->fail_after) {
        return KL_E_IO;
    }
    s->bad_order |= s->done;
    if (ev->kind == KL_EVENT_PART_BEGIN || ev->kind == KL_EVENT_BLOCK) {
        s->bad_order |= ev->inspected < s->confirmed;
        s->confirmed = ev->inspected;
    }
    switch (ev->kind) {
    case KL_EVENT_PART_BEGIN:
        s->bad_order |= s->depth != 0;
        s->depth = 1;
        s->next_at = 0;
        s->outside = kl_part_is_outside(ev->part_kind);
        s->bad_order |= s->outside && ev->bytes == 0;
        s->outside_share = s->outside ? ev->bytes : s->outside_share;
        sink_mem_str(s, s->outside                       ? "B outside "
                        : ev->part_kind == KL_PART_TABLE ? "B table "
                                                         : "B text ");
        sink_mem_put(s, ev->text.ptr, ev->text.len);
        sink_mem_str(s, "\n");
        break;
    case KL_EVENT_BLOCK:
        s->bad_order |= s->depth != 1 || ev->text.len == 0 || ev->text.len > KL_BLOCK_BYTES ||
                        ev->at_byte != s->next_at || ev->text.ptr != s->block;
        s->next_at += ev->text.len;
        s->text_bytes += ev->text.len;
        s->n_blocks++;
        if (!s->quiet && !s->outside) {
            sink_mem_put(s, ev->text.ptr, ev->text.len);
        }
        break;
    case KL_EVENT_PART_END:
        s->bad_order |= s->depth != 1;
        s->depth = 0;
        sink_mem_str(s, "E\n");
        break;
    case KL_EVENT_ANOMALY:
        sink_mem_str(s, "A ");
        sink_mem_put(s, ev->text.ptr, ev->text.len);
        sink_mem_str(s, " ");
        sink_mem_str(s, ev->code);
        sink_mem_str(s, "\n");
        break;
    case KL_EVENT_NOT_INSPECTED:
        sink_mem_str(s, "N ");
        sink_mem_put(s, ev->text.ptr, ev->text.len);
        snprintf(num, sizeof num, " %s %llu\n", kl_reason_name(ev->reason),
                 (unsigned long long)ev->bytes);
        sink_mem_str(s, num);
        break;
    case KL_EVENT_DONE:
        s->done = true;
        s->bad_order |= s->depth != 0 || ev->seen != ev->inspected + ev->not_inspected ||
                        s->confirmed > ev->seen;
        s->seen = ev->seen;
        s->inspected = ev->inspected;
        s->not_inspected = ev->not_inspected;
        break;
    case KL_EVENT_NONE:
        s->bad_order = true;
        break;
    }
    return KL_OK;
}

static inline struct kl_sink sink_mem_sink(struct sink_mem *s)
{
    return (struct kl_sink){s, sink_mem_block, sink_mem_event};
}

static inline void sink_mem_done(struct sink_mem *s)
{
    free(s->block);
    free(s->log);
    memset(s, 0, sizeof *s);
}

#endif
