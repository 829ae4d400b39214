/*
 * Base64 from front to back, standard and URL-safe. (Runs of it in plain text: run.h.)
 * Source: RFC 2045 6.8, RFC 4648 4-5.
 * Thread rule: one decoder, one thread.
 */
#ifndef KL_EXTRACT_BASE64_H
#define KL_EXTRACT_BASE64_H

#include "base/span.h"

struct kl_base64 {
    uint32_t bits;
    uint8_t n; /* letters of the group of four so far */
    bool odd;  /* a byte that is neither a letter nor '=' nor white space was met and left out */
};

/** The six bits of a letter; 64: '=', 65: white space, 66: anything else. */
uint8_t kl_base64_value(uint8_t c);

/**
 * Decode on. '=' ends a group and the next letter begins a new one.
 * @param out  room for in.len / 4 * 3 + 3
 * @return bytes written
 */
size_t kl_base64_add(struct kl_base64 *b, struct kl_span in, uint8_t *out);

/** The bytes of an unfinished group, at the end or at a break; a new group begins. At most 2. */
size_t kl_base64_end(struct kl_base64 *b, uint8_t *out);

#endif
