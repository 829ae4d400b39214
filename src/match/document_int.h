/* The state behind match/document.h, shared by its files: keys, tuples, rows and the summary. */
#ifndef KL_MATCH_DOCUMENT_INT_H
#define KL_MATCH_DOCUMENT_INT_H

#include "match/document.h"
#include "match/evidence.h"
#include "match/rowset.h"

#define KL_SCAN_BATCH 512u
#define KL_MAX_KEY_HITS (KL_SCAN_BATCH * KL_MAX_ROWS_PER_KEY)
#define KL_MAX_SPANS 16384u
#define KL_MAX_PARTS 256u
#define KL_LAYOUT_FIELDS 64u
#define KL_LAYOUT_TRIES 32u

/* Where a part keeps its columns: learned from accepted rows, used to read the next ones fast. */
struct kl_layout {
    uint32_t n_rows; /* that voted */
    uint32_t votes[KL_LAYOUT_FIELDS][KL_MAX_COLUMNS];
    uint32_t seen[KL_MAX_COLUMNS];    /* rows that had the column, wherever */
    int8_t slot_of[KL_LAYOUT_FIELDS]; /* -1: none */
    uint64_t slots;                   /* all of them */
    uint32_t version;                 /* of slot_of */
    uint32_t n_fast;                  /* rows read by the layout, and of them … */
    uint32_t n_slow;                  /* … how many had to be read again the slow way */
};

struct kl_anchor_stats { /* of the open part */
    uint64_t n_shaped;   /* values of the key's shape, or records a tuple was tried in */
    uint64_t n_repeats;  /* of them: the key of a row met before in this part */
    uint64_t n_rows;     /* distinct rows hit, accepted or weak */
    double chance_sum;   /* tuples: chances of each hit, for the mean */
};

struct kl_weak_row {
    uint32_t row;
    uint8_t anchor;
    float bits;
};

struct kl_part_sum {
    char *path;
    uint64_t n_rows;
    uint64_t slots;
};

struct kl_text_span {
    uint32_t from;
    uint32_t to;
};

/* Rows that gained the same columns: counted by set, as nearly all gain one of a few sets. */
struct kl_column_tally {
    uint64_t slots;
    uint64_t n_rows;
};
#define KL_TALLIES 8u

struct kl_doc_index {
    const struct kl_index *ix;
    double threshold;
    unsigned n_keys;                  /* anchors of one column; they come first */
    uint16_t anchors_of_kind[16];     /* key anchors by candidate kind, bit mask */
    uint8_t key_slot[KL_MAX_ANCHORS]; /* slot of each key anchor */
    struct kl_rowset rows;
    uint64_t n_accepted;
    uint64_t n_weak;
    struct kl_column_tally tally[KL_TALLIES]; /* not yet in … */
    uint64_t n_cells[KL_MAX_COLUMNS];
    uint64_t n_exclusive;
    double bits;
    double log10_parts; /* of weak rows accepted by the ratio: log10 of their chance */
    uint64_t n_chances; /* keys and records looked at, whole document */
    uint32_t first_row;
    uint32_t last_row;
    uint32_t prev_row;
    uint64_t n_ascending;
    double best_ratio;
    uint64_t best_keys;
    double best_density;
    double best_log10;
    struct kl_anchor_stats stats[KL_MAX_ANCHORS];
    struct kl_weak_row *weak;
    size_t n_weak_part;
    size_t cap_weak;
    struct kl_text_span
        *spans; /* records of the block explained by a key of this index, in order */
    size_t n_spans;
    struct kl_layout layout;
    uint32_t n_window; /* windows tried in this part, and … */
    uint32_t n_window_ok;
    struct kl_part_sum *parts;
    size_t n_parts;
    uint64_t part_rows; /* of the open part */
    uint64_t part_slots;
};

struct kl_key_hit {
    uint32_t at; /* in the block */
    uint32_t row;
    uint8_t anchor;
};

struct kl_match {
    struct kl_doc_index *di;
    size_t n;
    uint32_t want_keys;
    uint32_t want_tuples; /* DATE, NUMBER … that drive tuples; 0: none */
    bool has_tuples;
    bool has_word_tuples; /* tuples without a number: every line is a chance */
    bool is_table;
    struct kl_buf path;
    struct kl_span text; /* the open block */
    /* scratch */
    struct kl_cand *cands;
    struct kl_cell32 *cells;
    struct kl_tag *tags;
    struct kl_key_hit *hits;
    struct kl_tag *hit_blocks;
    struct kl_index_try tries[KL_INDEX_TRIES];
    uint16_t try_at[KL_INDEX_TRIES]; /* its candidate */
    struct kl_forms *forms;
    char samples[KL_MAX_SAMPLES]
                [32]; /* canonical keys of accepted rows; only kl_finding_add_sample prints them */
    uint8_t sample_len[KL_MAX_SAMPLES];
    size_t n_samples;
};

/* A record, split when first needed, its forms built when first needed (for one index). */
struct kl_record {
    struct kl_span text;
    uint32_t from; /* in the block */
    size_t n_units;
    bool split;
    const struct kl_index *forms_for;
    struct kl_unit units[KL_MAX_UNITS];
};

void kl_doc_record_init(struct kl_record *out, struct kl_span text, uint32_t from);
void kl_doc_record_at(struct kl_match *m, size_t at, struct kl_record *out);
void kl_doc_forms(struct kl_match *m, const struct kl_index *ix, struct kl_record *r);

/* Keys of a block (document_keys.c) and tuples of what they left (document_tuples.c). */
KL_MUST enum kl_rc kl_doc_keys(struct kl_match *m);
KL_MUST enum kl_rc kl_doc_tuples(struct kl_match *m, struct kl_doc_index *d);

/* Rows (document_rows.c). @param slots matched columns; bits: of this record */
KL_MUST enum kl_rc kl_doc_accept(struct kl_match *m, struct kl_doc_index *d, uint32_t row,
                                 uint64_t slots, double bits);
KL_MUST enum kl_rc kl_doc_weak(struct kl_doc_index *d, uint32_t row, uint64_t slots, double bits,
                               unsigned anchor);
/** Bring n_cells and n_exclusive up to date. */
void kl_doc_settle_columns(struct kl_doc_index *d);
KL_MUST enum kl_rc kl_doc_end_part(struct kl_match *m, struct kl_doc_index *d);

/* Layout (layout.c). */
void kl_layout_vote(struct kl_layout *l, const struct kl_evidence *ev);

/* A record of which one row is suspected. */
struct kl_layout_try {
    struct kl_span text;
    uint32_t row;
    uint64_t known;   /* slots that the keys established */
    uint32_t version; /* out: of the layout that was used */
    uint64_t slots;   /* out: with those of the fields that equal the row's cells */
    unsigned n_wrong; /* out: fields that are a value and not the row's: the layout may be off */
    double bits;      /* out: evidence */
};

/** Read n records by the layout, many at once. */
void kl_layout_read(const struct kl_match *m, const struct kl_doc_index *d,
                    struct kl_layout_try *tries, size_t n);

#endif
