#include "extract/worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "extract/extract.h"
#include "extract/password.h"
#include "extract/warm.h"
#include "extract/wire.h"
#include "os/bus.h"
#include "os/cage.h"
#include "os/channel.h"
#include "os/role.h"
#include "kulla/version.h"

#define EXIT_LEFT 0 /* the parent went away: the usual end */
#define EXIT_START 2
#define EXIT_MEMORY 3
#define HEAP_KEPT_BYTES (16u << 20)

struct worker {
    uint8_t *ring;
    uint32_t serial;
    unsigned next_slot;
    unsigned n_free;
    bool taken;        /* the block at next_slot was given out and not delivered yet */
    unsigned n_unsent; /* blocks in the batch */
    uint64_t n_blocks; /* well-filled ones of the document */
    size_t batch_len;
    uint8_t batch[KL_CHANNEL_BODY_BYTES];
    struct kl_passwords passwords;
    struct kl_channel_frame frame;
};

/* Memory of its own: a stack frame of 32 KiB would be fine too, but this one never moves. */
static struct worker the_worker;

static enum kl_rc flush(struct worker *w)
{
    if (w->batch_len == 0) {
        return KL_OK;
    }
    enum kl_rc rc = kl_channel_send(KL_ROLE_CHANNEL_FD, KL_WIRE_EVENTS, w->serial, 0,
                                    kl_span_make(w->batch, w->batch_len), -1, true);
    w->batch_len = 0;
    w->n_unsent = 0;
    return rc == KL_OK ? KL_OK : KL_E_IO;
}

static enum kl_rc await(struct worker *w, int *out_fd)
{
    enum kl_rc rc;

    do {
        rc = kl_channel_recv(KL_ROLE_CHANNEL_FD, &w->frame, out_fd, true);
    } while (rc == KL_E_MORE);
    return rc;
}

/* sink.block: the next slot; when all are with the parent, wait until it gives some back. */
static uint8_t *sink_block(void *ctx)
{
    struct worker *w = ctx;

    if (w->n_free == 0 && flush(w) != KL_OK) {
        return NULL;
    }
    while (w->n_free == 0) {
        if (await(w, NULL) != KL_OK || w->frame.head.type != KL_WIRE_RELEASE) {
            return NULL;
        }
        w->n_free += (unsigned)w->frame.head.value;
    }
    w->taken = true;
    return w->ring + (size_t)w->next_slot * KL_BLOCK_BYTES;
}

/* sink.event: events travel together, for a change to the other process costs as much as many of
 * them. At once go the first blocks (a verdict is near), half of all blocks, the last event and a
 * full batch. */
static enum kl_rc sink_event(void *ctx, const struct kl_event *ev)
{
    struct worker *w = ctx;
    uint32_t slot = w->next_slot;
    uint32_t from = 0;

    if (ev->kind == KL_EVENT_BLOCK) {
        const uint8_t *base = w->ring + (size_t)slot * KL_BLOCK_BYTES;
        if (!w->taken || ev->text.ptr < base || ev->text.ptr > base + KL_BLOCK_BYTES) {
            abort(); /* emit's bug: the text is not in the block taken last */
        }
        from = (uint32_t)(ev->text.ptr - base);
        w->taken = false;
        w->n_free--;
        w->next_slot = (slot + 1) % KL_BLOCK_SLOTS;
    }
    if (sizeof w->batch - w->batch_len < KL_WIRE_RECORD_MAX && flush(w) != KL_OK) {
        return KL_E_IO;
    }
    w->batch_len += kl_wire_put(ev, slot, from, w->batch + w->batch_len);
    bool full = ev->kind == KL_EVENT_BLOCK && ev->text.len >= KL_BLOCK_BYTES / 2;
    w->n_unsent += ev->kind == KL_EVENT_BLOCK;
    w->n_blocks += full;
    bool urgent = ev->kind == KL_EVENT_DONE || w->n_unsent >= KL_BLOCK_SLOTS / 2 ||
                  (full && w->n_blocks <= KL_BLOCK_SLOTS);
    return urgent ? flush(w) : KL_OK;
}

static enum kl_rc work(struct worker *w, int fd, uint64_t len_bytes)
{
    struct kl_sink sink = {w, sink_block, sink_event};
    struct kl_input in = kl_input_fd(fd, len_bytes);
    struct kl_emit *e = NULL;

    w->next_slot = 0;
    w->n_free = KL_BLOCK_SLOTS;
    w->taken = false;
    w->batch_len = 0;
    w->n_unsent = 0;
    w->n_blocks = 0;
    enum kl_rc rc = kl_emit_new(&sink, &e);
    if (rc == KL_OK) {
        kl_emit_candidates(e)->given = &w->passwords;
        rc = kl_extract_document(e, &in);
    }
    kl_emit_free(&e);
    return rc;
}

/* The ring, then the cage, then READY: no byte of a document was seen before. */
static enum kl_rc start(struct worker *w)
{
    struct kl_cage_opts opts = {KL_WORKER_BYTES, KL_ROLE_CHANNEL_FD};
    unsigned bits = 0;
    int fd = -1;

    KL_TRY(await(w, &fd));
    if (w->frame.head.type != KL_WIRE_RING || fd < 0) {
        return KL_E_FORMAT;
    }
    enum kl_rc rc = kl_ring_attach(fd, &w->ring, NULL);
    (void)close(fd);
    kl_warm_up();
    if (rc == KL_OK) {
        rc = kl_bus_install();
    }
    if (rc == KL_OK) {
        rc = kl_cage_enter(&opts, &bits, NULL);
    }
    if (rc != KL_OK) {
        kl_ignore(kl_channel_send(KL_ROLE_CHANNEL_FD, KL_WIRE_REFUSED, 0, (uint64_t)rc,
                                  kl_span_make(NULL, 0), -1, true),
                  "the exit says it too");
        return rc;
    }
    return kl_channel_send(KL_ROLE_CHANNEL_FD, KL_WIRE_READY, 0, bits, kl_span_str(kl_version()),
                           -1, true);
}

/* One frame of the parent; false: it went away or makes no sense. */
static bool serve(struct worker *w, int *out_exit)
{
    int fd = -1;

    if (await(w, &fd) != KL_OK) {
        return false;
    }
    if (w->frame.head.type == KL_WIRE_RELEASE && fd < 0) {
        return true; /* of the document before; the next one starts with all blocks free */
    }
    if (w->frame.head.type == KL_WIRE_PASSWORDS && fd < 0) {
        enum kl_rc rc =
            kl_passwords_unpack(&w->passwords, kl_span_make(w->frame.body, w->frame.body_len));
        explicit_bzero(w->frame.body, w->frame.body_len);
        if (rc != KL_OK) {
            *out_exit = rc == KL_E_NOMEM ? EXIT_MEMORY : EXIT_START;
        }
        return rc == KL_OK;
    }
    if (w->frame.head.type != KL_WIRE_DOCUMENT || fd < 0) {
        *out_exit = EXIT_START;
        return false;
    }
    w->serial = w->frame.head.serial;
    enum kl_rc rc = work(w, fd, w->frame.head.value);
    (void)close(fd);
    /* sbrk(0) is no system call in glibc: the small document does not pay for this. */
    static char *heap_floor;
    char *heap_top = sbrk(0);
    if (heap_floor == NULL) {
        heap_floor = heap_top;
    }
    if (heap_top > heap_floor + HEAP_KEPT_BYTES) {
        (void)malloc_trim(0);
    }
    if (rc != KL_OK && rc != KL_E_IO) {
        *out_exit = EXIT_MEMORY;
    }
    return rc == KL_OK;
}

int kl_extract_worker_main(void)
{
    struct worker *w = &the_worker;
    int status = EXIT_LEFT;

    if (kl_role_begin(NULL) != KL_OK || start(w) != KL_OK) {
        return EXIT_START;
    }
    while (serve(w, &status)) {
    }
    kl_passwords_done(&w->passwords);
    /* No atexit work inside the cage. */
    _exit(status);
}
