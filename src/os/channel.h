/*
 * Messages, file descriptors and shared blocks between two roles of kulla.
 *
 * Frames travel over a SOCK_SEQPACKET pair: a fixed versioned head, then a body of at most
 * KL_CHANNEL_BODY_BYTES. Both ends are the same program, so the byte order is the machine's.
 * Text travels in a ring of KL_BLOCK_SLOTS blocks of KL_BLOCK_BYTES in a memfd that neither
 * end can shrink or grow. The writer maps it read-write, the reader read-only.
 *
 * The reader must not trust a block to hold still: a hostile writer can change its bytes
 * while they are scanned. So nothing read from a block may be used as a length, an offset
 * or an index without a bound taken from a frame (a private copy), and a decision that
 * matters is taken from one read of the bytes, never from two that are thought equal.
 * Thread rule: one thread per end.
 */
#ifndef KL_OS_CHANNEL_H
#define KL_OS_CHANNEL_H

#include "base/limits.h"
#include "base/result.h"
#include "base/span.h"

#define KL_CHANNEL_VERSION 1u
#define KL_CHANNEL_BODY_BYTES 16384u
#define KL_RING_BYTES ((size_t)KL_BLOCK_SLOTS * KL_BLOCK_BYTES)

struct kl_channel_head {
    uint16_t magic;
    uint8_t version;
    uint8_t type;    /* the protocol above says which */
    uint32_t serial; /* of the document */
    uint64_t value;
};

struct kl_channel_frame {
    struct kl_channel_head head;
    uint8_t body[KL_CHANNEL_BODY_BYTES];
    size_t body_len;
};

/** A connected pair, both ends close-on-exec. */
KL_MUST enum kl_rc kl_channel_pair(int out_fds[2], struct kl_err *err);

/** How long kl_channel_recv waits before it says KL_E_MORE; 0: for ever. */
KL_MUST enum kl_rc kl_channel_wait_set(int fd, unsigned wait_ms, struct kl_err *err);

/**
 * Send one frame.
 * @param pass_fd  a file descriptor to hand over (it stays the caller's too); -1: none
 * @param wait     false: KL_E_MORE when there is no room
 * @return KL_E_IO when the other end is gone
 */
KL_MUST enum kl_rc kl_channel_send(int fd, uint8_t type, uint32_t serial, uint64_t value,
                                   struct kl_span body, int pass_fd, bool wait);

/**
 * Receive one frame.
 * @param out_fd  where a passed descriptor goes (-1: none came); NULL: frames with one are refused
 * @param wait    false: KL_E_MORE when nothing is there
 * @return KL_E_MORE when nothing came in time or a signal came; KL_E_FORMAT when it is no frame of
 * this version; KL_E_IO when the other end is gone
 */
KL_MUST enum kl_rc kl_channel_recv(int fd, struct kl_channel_frame *out_f, int *out_fd, bool wait);

/**
 * The head and length check of kl_channel_recv on a datagram of n bytes in *f. Pure.
 * @param n  bytes received, head included
 */
KL_MUST enum kl_rc kl_channel_check(struct kl_channel_frame *f, size_t n);

/** A new ring: a sealed memfd (close it once it was sent) and the reader's mapping. */
KL_MUST enum kl_rc kl_ring_new(int *out_fd, const uint8_t **out_ring, struct kl_err *err);

/** The writer's mapping of a ring received; checks its size and seals. */
KL_MUST enum kl_rc kl_ring_attach(int fd, uint8_t **out_ring, struct kl_err *err);

/** Unmap a ring of either kind; NULL is fine. */
void kl_ring_free(const uint8_t **ring);

#endif
