/*
 * What kl_sniff knows of a known format beyond enum kl_format.
 * Thread rule: pure.
 */
#ifndef KL_EXTRACT_SNIFF_H
#define KL_EXTRACT_SNIFF_H

#include "base/span.h"

enum kl_magic {
    KL_MAGIC_NONE = 0,
    KL_MAGIC_PACKED, /* compressed or encrypted: the views show next to nothing */
    KL_MAGIC_PLAIN,  /* a format not read yet that keeps its text as it is */
    KL_MAGIC_OLE2,   /* as PLAIN; may hold an encrypted package */
    KL_MAGIC_ZIP,
};

enum kl_magic kl_sniff_magic(struct kl_span head);

#endif
