/*
 * The index file (.kidx), little-endian. docs/PROTOCOL.index tells it in prose.
 *
 *   page 0..       kl_index_header, then n_columns kl_index_column, then n_anchors kl_index_anchor,
 *                  zero-padded to header_bytes; the last 64 bytes are the Ed25519 signature over
 *                  everything before them
 *   body           sections at 4096-byte offsets: anchor tables, row sketch, rarity, vocabulary
 *   chunk table    BLAKE2b-256 of each KL_INDEX_CHUNK_BYTES of the body; its own digest stands in
 *                  the header
 *
 * Anchor table: 64-byte buckets of entries {row, tag}; a bucket that is full continues in the next
 * one. Entry: row in the low row_bits bits, tag above; all ones = free. 4 bytes up to 2^24 rows,
 * else 5. Row sketch: n_slots x uint16 a row: the low 16 bits of AES_tweak(T(value) ^ (row,
 * column)). Rarity: per slot 2^rarity_log2 bytes: 8 x log2(rows / rows with a value of that hash).
 * Vocabulary: a Bloom bit set over the words of tuple columns.
 */
#ifndef KL_MATCH_INDEX_FORMAT_H
#define KL_MATCH_INDEX_FORMAT_H

#include "base/limits.h"

#include <stdint.h>

#define KL_INDEX_MAGIC "KULLAIX1"
#define KL_INDEX_VERSION 1u
#define KL_INDEX_PAGE 4096u
#define KL_INDEX_CHUNK_BYTES 1048576u
#define KL_INDEX_BUCKET_BYTES 64u
#define KL_INDEX_NAME_BYTES 64u
#define KL_INDEX_MAX_TUPLE 6u
#define KL_INDEX_SIGN_BYTES 64u
/* The low bits of a fingerprint's first half do not choose the bucket: the builder keeps the tag
 * there. */
#define KL_INDEX_TAG_MASK 0xFFFFFFull
/* An entry this many buckets from home is not stored: the value is too common to anchor. */
#define KL_INDEX_MAX_PROBE 16u

enum kl_role {
    KL_ROLE_NONE = 0,
    KL_ROLE_KEY,
    KL_ROLE_KEY_DENSE,
    KL_ROLE_IDENTITY,
    KL_ROLE_ATTRIBUTE,
    KL_ROLE_EXCLUSIVE,
    KL_ROLE_IGNORE,
};

struct kl_index_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;
    uint64_t file_bytes;
    uint64_t n_rows;
    uint64_t built_at_us;
    uint64_t fold_id;
    uint8_t key_check[8];
    char key_id[16];
    uint8_t index_id[16]; /* random, names this build */
    char name[KL_INDEX_NAME_BYTES];
    char jurisdiction[8];
    uint32_t n_columns;
    uint32_t n_slots; /* fingerprinted columns */
    uint32_t n_anchors;
    uint32_t entry_bytes;
    uint32_t row_bits;
    uint32_t rarity_log2;
    uint64_t sketch_at;
    uint64_t rarity_at;
    uint64_t vocab_at;
    uint64_t vocab_bits; /* power of two; 0: none */
    uint64_t chunks_at;
    uint64_t n_chunks;
    uint8_t chunks_digest[32];
};

#define KL_INDEX_SPECIAL 1u
#define KL_INDEX_NO_SLOT 0xFFFFFFFFu

struct kl_index_column {
    char name[KL_INDEX_NAME_BYTES];
    uint8_t type; /* enum kl_type */
    uint8_t role; /* enum kl_role */
    uint8_t flags;
    uint8_t is_derived; /* from column derived_from */
    uint32_t derived_from;
    uint32_t slot; /* KL_INDEX_NO_SLOT: special or ignored, nothing of it is here */
    uint32_t reserved;
    uint64_t n_filled;   /* rows with a usable value */
    uint64_t n_unusable; /* rows whose value is not of the type */
    double density;      /* key columns: chance that a random well-formed value is here */
};

struct kl_index_anchor {
    uint32_t n_columns; /* 1: a key column */
    uint32_t columns[KL_INDEX_MAX_TUPLE];
    uint32_t reserved;
    uint64_t at; /* of the table */
    uint64_t n_buckets;
    uint64_t n_entries;
    uint64_t n_dropped; /* values too common to anchor */
};

#endif
