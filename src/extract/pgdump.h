/*
 * PostgreSQL archives (pg_dump -Fc): head and table of contents.
 *
 * Private to extract's pgdump files; the door is kl_extract_pgdump.
 * Source: what pg_dump 8 to 17 write (archive versions 1.7 to 1.16), checked with files of 15.
 */
#ifndef KL_EXTRACT_PGDUMP_H
#define KL_EXTRACT_PGDUMP_H

#include "base/buf.h"
#include "extract/emit.h"
#include "extract/input.h"

/* Reads forward; the first lack sets `bad`. */
struct kl_pgdump_cursor {
    const struct kl_input *in;
    uint64_t at;
    bool bad;
    uint64_t from; /* of what is in buf */
    size_t len;
    uint8_t buf[4096];
};

struct kl_pgdump_toc {
    unsigned version; /* major * 256 + minor */
    unsigned int_bytes;
    unsigned offset_bytes;
    unsigned format; /* 1: custom, with its data in the file */
    int64_t compression;
    struct kl_buf entries; /* struct kl_pair: dump id; place in names << 16 | length */
    struct kl_buf names;   /* schema.table */
};

uint8_t kl_pgdump_u8(struct kl_pgdump_cursor *c);
/** A signed number as the archive writes it. */
int64_t kl_pgdump_int(struct kl_pgdump_cursor *c, const struct kl_pgdump_toc *t);

/** Up to the first block of data. KL_E_FORMAT: it does not hold together; KL_E_NOMEM */
KL_MUST enum kl_rc kl_pgdump_toc_read(struct kl_pgdump_cursor *c, struct kl_pgdump_toc *t);
void kl_pgdump_toc_done(struct kl_pgdump_toc *t);

/** The name of what has this dump id; empty: unknown. */
struct kl_span kl_pgdump_name_get(const struct kl_pgdump_toc *t, int64_t dump_id);

#endif
