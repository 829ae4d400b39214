/*
 * The parent's check of what a worker sends. The input is a sequence of datagrams, each
 * behind a 16-bit length; between two of them the parent releases what it read.
 * Targets: kl_channel_check, kl_wire_next (fields, paths, codes, order, sums), kl_wire_put.
 * Properties: text lies in its slot or in the datagram; blocks in flight never exceed the
 * ring; DONE adds up and is last; an accepted event written again is the same record.
 */
#include <assert.h>
#include <stdlib.h>

#include "extract/wire.h"
#include "os/channel.h"

#define DOC_BYTES 1000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never written: the worker's memory, whatever it holds. */
static uint8_t ring[KL_RING_BYTES];

static void check_event(const struct kl_wire_order *o, const struct kl_event *ev,
                        struct kl_span body, struct kl_span record)
{
    uint32_t slot = 0;
    uint32_t from = 0;

    if (ev->kind == KL_EVENT_BLOCK) {
        size_t at = (size_t)(ev->text.ptr - ring);
        assert(ev->text.ptr >= ring && at + ev->text.len <= sizeof ring);
        slot = (o->next_slot + KL_BLOCK_SLOTS - 1) % KL_BLOCK_SLOTS;
        assert(at >= (size_t)slot * KL_BLOCK_BYTES);
        from = (uint32_t)(at - (size_t)slot * KL_BLOCK_BYTES);
        assert(from + ev->text.len <= KL_BLOCK_BYTES);
    } else {
        assert(ev->text.ptr >= body.ptr && ev->text.ptr + ev->text.len <= body.ptr + body.len);
        for (size_t i = 0; i < ev->text.len; i++) {
            assert(ev->text.ptr[i] >= 0x20 && ev->text.ptr[i] != 0x7f);
        }
    }
    assert(o->in_flight <= KL_BLOCK_SLOTS);
    assert(ev->code[KL_ANOMALY_BYTES - 1] == '\0');
    if (ev->kind == KL_EVENT_DONE) {
        assert(ev->seen == DOC_BYTES && ev->inspected + ev->not_inspected == ev->seen);
    }
    uint8_t again[KL_WIRE_RECORD_MAX];
    size_t n = kl_wire_put(ev, slot, from, again);
    assert(kl_span_eq(kl_span_make(again, n), record));
}

/* One datagram as kl_channel_recv leaves it. @return false: the worker would be killed */
static bool one_frame(struct kl_wire_order *o, struct kl_span datagram)
{
    struct kl_channel_frame f;

    if (datagram.len > sizeof f.head + sizeof f.body) {
        return false;
    }
    memset(&f.head, 0, sizeof f.head);
    memcpy(&f, datagram.ptr, datagram.len);
    if (kl_channel_check(&f, datagram.len) != KL_OK) {
        return false;
    }
    assert(f.body_len <= sizeof f.body);
    /* An exact-size copy: a read behind the body is seen. */
    uint8_t *body = malloc(f.body_len > 0 ? f.body_len : 1);
    memcpy(body, f.body, f.body_len);
    struct kl_rd r = kl_rd_init(kl_span_make(body, f.body_len));
    bool fine = true;
    while (fine && kl_rd_left(&r) > 0) {
        struct kl_event ev;
        bool was_done = o->done;
        size_t at = r.at;
        fine = kl_wire_next(o, &r, ring, &ev) == KL_OK;
        if (fine) {
            assert(!was_done);
            check_event(o, &ev, r.in, kl_span_part(r.in, at, r.at));
        }
    }
    free(body);
    return fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kl_rd in = kl_rd_init(kl_span_make(data, size));
    struct kl_wire_order o;
    bool fine = true;

    kl_wire_order_init(&o, DOC_BYTES);
    while (fine && kl_rd_left(&in) >= 2) {
        size_t n = kl_rd_le16(&in);
        size_t left = kl_rd_left(&in);
        fine = one_frame(&o, kl_rd_take(&in, n < left ? n : left));
        o.in_flight = 0;
    }
    return 0;
}
