/*
 * A small streaming JSON writer over a growable buffer.
 *
 * Whatever bytes go in, valid UTF-8 JSON comes out: malformed UTF-8 becomes \ufffd, controls and
 * characters that hide or reorder text are escaped. The first failure sticks in `rc`; later calls
 * do nothing. Misuse (a value without a key in an object, one `end` too many) is our bug and
 * aborts. Thread rule: one owner.
 */
#ifndef KL_FINDING_JSON_H
#define KL_FINDING_JSON_H

#include "base/buf.h"

#define KL_JSON_MAX_DEPTH 32u

struct kl_json {
    struct kl_buf *out; /* borrowed; text is appended */
    enum kl_rc rc;
    unsigned depth;
    uint32_t is_object; /* bit d: level d is an object */
    uint32_t has_items; /* bit d: something stands in level d */
    bool has_key;       /* a key was written, its value is due */
};

void kl_json_init(struct kl_json *j, struct kl_buf *out);

void kl_json_object(struct kl_json *j);
void kl_json_array(struct kl_json *j);
void kl_json_end(struct kl_json *j); /* closes the innermost object or array */
void kl_json_key(struct kl_json *j, const char *key);

void kl_json_bytes(struct kl_json *j, struct kl_span s); /* as a string */
void kl_json_str(struct kl_json *j, const char *s);
void kl_json_hex(struct kl_json *j, struct kl_span s); /* as a string of hexadecimal digits */
void kl_json_u64(struct kl_json *j, uint64_t v);
void kl_json_bool(struct kl_json *j, bool v);
/** `digits` significant digits; NaN as null, infinities as +-1e308. */
void kl_json_f64(struct kl_json *j, double v, int digits);

#endif
