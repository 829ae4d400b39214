/*
 * Text written with escapes, to the text it stands for: percent, HTML entities, JSON and C
 * escapes, quoted-printable.
 * Thread rule: pure functions.
 */
#ifndef KL_EXTRACT_ESCAPE_H
#define KL_EXTRACT_ESCAPE_H

#include "base/span.h"

enum kl_escape_known { KL_ESCAPE_UNKNOWN = 0, KL_ESCAPE_NO, KL_ESCAPE_YES };

/** Which kinds a text uses, beside those that are always undone; found out when first asked. */
struct kl_escape_style {
    struct kl_span around;                 /* the text; borrowed */
    enum kl_escape_known quoted_printable; /* otherwise "id=20…" would lose digits */
    enum kl_escape_known json;             /* otherwise a Windows path would lose letters */
};

static inline struct kl_escape_style kl_escape_style(struct kl_span around)
{
    return (struct kl_escape_style){around, KL_ESCAPE_UNKNOWN, KL_ESCAPE_UNKNOWN};
}

/**
 * Undo escapes in place; what is not one stays, '+' stays '+'. The result is never longer.
 * @param style  of the text around, a larger piece than this one and not changed by this call
 * Percent and quoted-printable give bytes of any character set.
 * @return the new length
 */
size_t kl_escape_undo(uint8_t *text, size_t len, struct kl_escape_style *style);

/** Where a block may be cut without cutting an escape: `len` or a few bytes less. */
size_t kl_escape_whole(struct kl_span text);

#endif
