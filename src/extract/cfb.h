/*
 * Compound files (OLE2, CFB): the directory, and each stream as an input with random access.
 * Used by ole2.c (what is in one), and by the readers of what stands in its streams: msg, doc,
 * ppt, xls. Nothing is emitted here.
 *
 * Every sector belongs to the first stream of the directory that reaches it: a chain ends where
 * it leaves the file, meets itself or another stream. So no file makes more bytes than it has,
 * and what belongs to no stream (free sectors, header, tables, directory) is read as one more
 * stream by kl_cfb_rest_open.
 * Source: [MS-CFB] 2.1-2.6.
 * Thread rule: one owner at a time; the input must outlive it.
 */
#ifndef KL_EXTRACT_CFB_H
#define KL_EXTRACT_CFB_H

#include "extract/input.h"

#define KL_CFB_NONE UINT32_MAX
#define KL_CFB_STEPS 512u /* places of a chain that are remembered */

enum kl_cfb_kind {
    KL_CFB_KIND_NONE = 0, /* an unused place of the directory */
    KL_CFB_KIND_STORAGE,
    KL_CFB_KIND_STREAM,
    KL_CFB_KIND_ROOT, /* entry 0 */
};

/* One place of the directory; its number is its place there. */
struct kl_cfb_entry {
    uint64_t len_bytes;   /* that can be had, <= claim_bytes */
    uint64_t claim_bytes; /* as the directory says */
    uint32_t parent;      /* KL_CFB_NONE: the root, and what the tree does not reach */
    uint32_t child;       /* first entry below this one, KL_CFB_NONE ... */
    uint32_t sibling;     /* ... and the next one below the same parent, in order of place */
    uint32_t start;       /* first sector */
    uint32_t last;        /* last sector that can be had, when len_bytes > 0 */
    uint32_t name_at;     /* use kl_cfb_name */
    uint8_t name_len;
    uint8_t kind; /* enum kl_cfb_kind */
    bool is_mini;
    bool is_done;  /* for the readers: kl_cfb_done_set */
    bool is_whole; /* for the readers: kl_cfb_whole_set */
};

struct kl_cfb; /* opaque */

/**
 * Read the tables and the directory.
 * @param out_cfb  free with kl_cfb_free
 * @return KL_E_FORMAT: no compound file, or no root in its directory; KL_E_LIMIT: more
 *         than 2^27 sectors (64 GiB); KL_E_IO; KL_E_NOMEM
 */
KL_MUST enum kl_rc kl_cfb_open(const struct kl_input *in, struct kl_cfb **out_cfb);
void kl_cfb_free(struct kl_cfb **cfb);

/** How many places the directory has; what came past 65,536 of them is in the rest. */
uint32_t kl_cfb_count_get(const struct kl_cfb *cfb);
/** Borrowed; i < kl_cfb_count_get. */
const struct kl_cfb_entry *kl_cfb_entry_get(const struct kl_cfb *cfb, uint32_t i);
/** The name as UTF-8, borrowed; a lone surrogate is U+FFFD. */
struct kl_span kl_cfb_name(const struct kl_cfb *cfb, uint32_t i);
/** Entry i has this name, ASCII case ignored. */
bool kl_cfb_is_named(const struct kl_cfb *cfb, uint32_t i, const char *name);
/** The entry of this name (ASCII case ignored) below `parent` (0: the root); KL_CFB_NONE. */
uint32_t kl_cfb_find(const struct kl_cfb *cfb, uint32_t parent, const char *name);
/** Remember that a reader took this stream, so that it is not read as a member as well. */
void kl_cfb_done_set(struct kl_cfb *cfb, uint32_t i);
/** Remember that it was read as a document of its own, whatever is in it. */
void kl_cfb_whole_set(struct kl_cfb *cfb, uint32_t i);
/** A chain was broken, shared or longer than the file, or the directory was cut. */
bool kl_cfb_is_damaged(const struct kl_cfb *cfb);

/* A stream as an input. It must not be moved while `in` is used; nothing to free. */
struct kl_cfb_stream {
    struct kl_input in;
    struct kl_source source;
    struct kl_cfb *cfb;
    uint8_t table; /* which table names the next sector */
    uint32_t start;
    uint32_t n_sectors; /* 0: not known */
    uint32_t stride;    /* sectors between two steps */
    uint32_t at;        /* place in the chain ... */
    uint32_t sector;    /* ... and the sector that stands there */
    uint32_t n_steps;
    uint32_t steps[KL_CFB_STEPS];
};

/** Open a stream (KL_CFB_KIND_STREAM); s->in has entry.len_bytes bytes. */
void kl_cfb_stream_open(struct kl_cfb *cfb, uint32_t i, struct kl_cfb_stream *s);

/** All of the file that is in no stream; is_mini: all of the short streams' room that is in none.
 */
void kl_cfb_rest_open(struct kl_cfb *cfb, bool is_mini, struct kl_cfb_stream *s);

/**
 * What stands behind the end of stream i in its last sector (bytes of a file before it).
 * @param dst  room for `room` bytes; more is cut
 * @return bytes written
 */
size_t kl_cfb_slack_read(struct kl_cfb *cfb, uint32_t i, uint8_t *dst, size_t room);

#endif
