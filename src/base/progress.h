/*
 * One line on a terminal that says how far the work is; nothing anywhere else.
 * Thread rule: one owner.
 */
#ifndef KL_BASE_PROGRESS_H
#define KL_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kl_progress {
    int fd;
    bool on;    /* fd is a terminal that understands "clear the line" */
    bool shown; /* a line stands there now */
};

struct kl_progress_state {
    const char *unit; /* "files", "rows" */
    uint64_t n_done;
    uint64_t n_total; /* 0: not known */
    uint64_t bytes_done;
    uint64_t bytes_total; /* 0: not known */
    uint64_t n_findings;
    bool has_findings; /* show n_findings */
    double seconds;
};

void kl_progress_init(struct kl_progress *p, int fd);

/** Show or replace the line; nothing when off. */
void kl_progress_show(struct kl_progress *p, const struct kl_progress_state *s);

/** Take the line away, before other output. */
void kl_progress_clear(struct kl_progress *p);

/** The line itself: "1,204 of 3,000 files, 812 MB/s, 2 findings, 12 s left". Zero-terminated, cut
 * to cap. */
void kl_progress_line(const struct kl_progress_state *s, char *out, size_t cap);

#endif
