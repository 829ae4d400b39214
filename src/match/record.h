/*
 * Records and units: where the values that belong together begin and end.
 *
 * A record is a line; in a line of more than KL_RECORD_MAX bytes the SQL tuple or JSON
 * object around the point, else a window. Units are the pieces between hard separators.
 * Thread rule: pure.
 */
#ifndef KL_MATCH_RECORD_H
#define KL_MATCH_RECORD_H

#include "base/span.h"

#define KL_RECORD_MAX 2048u
#define KL_RECORD_BYTES_MAX (2 * KL_RECORD_MAX) /* no record is longer: so far on both sides */
#define KL_WINDOW 400u
#define KL_MAX_UNITS 64u

struct kl_unit {
    uint32_t at; /* in the record */
    uint32_t len;
    uint8_t ordinal; /* which field of the record, from 0; 255: beyond 254 */
    bool has_digit;
};

/** The record of text[at]: [*out_from, *out_to), without its line end. */
void kl_record_find(struct kl_span text, size_t at, size_t *out_from, size_t *out_to);

/**
 * Split a record at the separator it uses: tab, ';' or '|' when the line has two of them,
 * else any of , ; tab | " < > = : { } [ ] ( ). Pieces without a letter or digit are dropped
 * but count as fields. Between quotes that border a field of up to 128 bytes, ',' and ';' (up to
 * three, and nothing else that parts) are no separators; in a table a quote is a byte like others.
 * @param record  bytes behind its first KL_RECORD_BYTES_MAX are no part of it
 * @return units written, <= KL_MAX_UNITS
 */
size_t kl_record_split(struct kl_span record, bool is_table,
                       struct kl_unit units[static KL_MAX_UNITS]);

#endif
