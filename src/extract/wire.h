/*
 * The events of extract as bytes, and the parent's check of them.
 *
 * Frame types (os/channel.h), parent to worker: RING (a memfd), DOCUMENT (a descriptor;
 * value = its length), RELEASE (value = blocks read), PASSWORDS (records of kl_passwords_pack, in
 * as many frames as they need, behind READY). Worker to parent: READY (value = kl_cage_bits, body =
 * kl_version), REFUSED (value = kl_rc), EVENTS (records, one behind the other).
 *
 * A record is a struct kl_wire_rec and, but for BLOCK, its `len` bytes of text. Blocks are
 * taken in turn: slot = number of the block in its document modulo KL_BLOCK_SLOTS; at most
 * KL_BLOCK_SLOTS are not yet released.
 *
 * The worker is hostile once it has read a document. kl_wire_next accepts a record only
 * when every field is in range, fields its kind does not have are zero, paths and codes are
 * clean, the order is that of event.h, DONE adds up to the document's length, and the sums
 * stay within what a document of that length can give.
 * Thread rule: pure but for its arguments.
 */
#ifndef KL_EXTRACT_WIRE_H
#define KL_EXTRACT_WIRE_H

#include "extract/event.h"
#include "base/limits.h"
#include "base/result.h"

enum kl_wire_type {
    KL_WIRE_NONE = 0,
    KL_WIRE_RING,
    KL_WIRE_DOCUMENT,
    KL_WIRE_RELEASE,
    KL_WIRE_READY,
    KL_WIRE_REFUSED,
    KL_WIRE_EVENTS,
    KL_WIRE_PASSWORDS,
};

struct kl_wire_rec {
    uint8_t kind;
    uint8_t part_kind; /* PART_BEGIN, BLOCK, PART_END */
    uint8_t reason;
    uint8_t zero;  /* always */
    uint32_t slot; /* BLOCK */
    uint32_t from; /* BLOCK: offset of the text in its slot */
    uint32_t len;  /* of the text */
    uint64_t v[3]; /* BLOCK: at_byte, inspected; PART_BEGIN: 0, inspected; NOT_INSPECTED: bytes;
                      DONE: seen, inspected, not_inspected */
    char code[KL_ANOMALY_BYTES];
};

/* What the parent knows of a document under way. */
struct kl_wire_order {
    uint64_t doc_bytes;
    uint64_t confirmed; /* inspected, as said by the event before */
    uint64_t n_events;
    uint64_t text_bytes;
    unsigned next_slot;
    unsigned in_flight;          /* blocks accepted, not yet released */
    enum kl_part_kind part_kind; /* of the open part; NONE: none is open */
    bool done;
};

void kl_wire_order_init(struct kl_wire_order *o, uint64_t doc_bytes);

/**
 * Write an event as a record. For BLOCK: slot and from are given, the text stays where it is.
 * @param out  room for KL_WIRE_RECORD_MAX
 * @return bytes written; a longer path is cut
 */
#define KL_WIRE_RECORD_MAX (sizeof(struct kl_wire_rec) + KL_MAX_PATH_BYTES)
size_t kl_wire_put(const struct kl_event *ev, uint32_t slot, uint32_t from, uint8_t *out);

/**
 * Take and check the next record.
 * @param ring  the blocks; a BLOCK's text points into it and may change while it is read
 * @return KL_E_FORMAT: the worker lies; trust nothing of it any more
 */
KL_MUST enum kl_rc kl_wire_next(struct kl_wire_order *o, struct kl_rd *r, const uint8_t *ring,
                                struct kl_event *out_ev);

#endif
