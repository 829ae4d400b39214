/*
 * Documents between the walk and the output of a scan: a ring in the order of the walk. Its files:
 * scan_ring.c (in and out of the ring), scan_walk.c (what is put there), scan_run.c (the threads).
 * Thread rule: functions take the lock themselves, unless their name ends with _locked.
 */
#ifndef KL_CMD_SCAN_RING_H
#define KL_CMD_SCAN_RING_H

#include "base/progress.h"
#include "cmd/scan_run.h"

#include <pthread.h>
#include <sys/types.h>

/* A document between the walk and the output. */
enum kl_scan_slot_state {
    SLOT_FREE = 0,
    SLOT_READY, /* the walk has put it there */
    SLOT_TAKEN, /* a thread inspects it */
    SLOT_DONE,  /* its finding waits for those before it */
};

struct kl_scan_slot {
    enum kl_scan_slot_state state;
    int fd;
    uint64_t len_bytes;
    bool cut;  /* stdin had more than was read */
    dev_t dev; /* DONE with pictures pending: the same file is opened again */
    ino_t ino;
    struct kl_finding finding;
};

/* A document with pictures: inspected again, with them, when all text is told. */
struct kl_scan_slow {
    int fd; /* of stdin; -1: to be opened again */
    bool cut;
    dev_t dev;
    ino_t ino;
    struct kl_finding early; /* stands when the second round does not come to it */
};

struct kl_scan_ring {
    const struct kl_scan_opts *opts;
    struct kl_scan_out *out;
    struct kl_inspect_live live;
    pthread_t walker;
    struct kl_progress line;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct kl_scan_slot *slots; /* ring of n_slots */
    size_t n_slots;
    uint64_t n_put; /* documents put into the ring so far */
    uint64_t n_taken;
    uint64_t n_shown;
    uint64_t n_total; /* of the counting walk */
    uint64_t bytes_total;
    bool walked;      /* nothing more will be put */
    bool failed;      /* told on stderr */
    bool missing;     /* a PATH does not exist; the walk's own */
    const char *root; /* the PATH that is walked; the walk's own */
    unsigned n_running;
    struct kl_scan_slow *slow;
    size_t n_slow;
    size_t cap_slow;
    size_t n_slow_shown; /* in the second round */
    bool is_slow;        /* the second round */
};

/** The scan ends before all is done: Ctrl-C or a failure. */
bool kl_scan_is_over(struct kl_scan_ring *r);

/** Tell the first failure on stderr (where: NULL, or a path) and end the scan. */
void kl_scan_fail(struct kl_scan_ring *r, const char *where, const struct kl_err *err);
void kl_scan_fail_locked(struct kl_scan_ring *r, const char *where, const struct kl_err *err);

/** Put a document there, to be inspected. @param id of the round before; 0: a new one
 * @return false: the scan is over, the descriptor is still the caller's */
bool kl_scan_put_file(struct kl_scan_ring *r, const struct kl_scan_slot *file, const char *path,
                      uint64_t id);

/** A finding that needs no inspection: what was met could not be opened or is no file. */
bool kl_scan_put_gap(struct kl_scan_ring *r, const char *path, const char *reason, uint64_t bytes,
                     uint64_t id);

/** Wait for a document to inspect. @return NULL: there will be none */
struct kl_scan_slot *kl_scan_take(struct kl_scan_ring *r);

/** Give out what is done and has nothing undone before it. */
void kl_scan_show_locked(struct kl_scan_ring *r);

/** After a stop: what was inspected is shown, what was only met is let go. */
void kl_scan_drain(struct kl_scan_ring *r);

/** The thread that walks (ctx: the ring), and the one that counts for the time left. */
void *kl_scan_walk_main(void *ctx);
void *kl_scan_count_main(void *ctx);

#endif
