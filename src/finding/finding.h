/*
 * The waist: what inspection says of one document. Holds no content: counts, column and
 * register names, masked samples. Everything that decides consumes this and nothing else.
 * Who embeds libkulla sees it through the functions of kulla/finding.h, where the verdicts stand.
 * Thread rule: one owner; a const finding may be read by any thread.
 */
#ifndef KL_FINDING_FINDING_H
#define KL_FINDING_FINDING_H

#include "base/buf.h"
#include "base/result.h"
#include "kulla/finding.h"

/** @return false when name is none of them */
bool kl_verdict_parse(const char *name, enum kl_verdict *out_v);

struct kl_finding_column {
    char name[64];
    uint64_t n_cells; /* distinct rows in which this column was found */
    bool derived;     /* follows from another column: shown, never counted as evidence */
    uint8_t ordinal;  /* its number among the fingerprinted columns, from 0: the bit in
                         kl_finding_part.columns */
};

struct kl_finding_part {
    char *path;       /* UTF-8; owned */
    uint64_t n_rows;  /* distinct rows accepted in this part */
    uint64_t columns; /* bit i: the column with ordinal i was found in this part */
};

struct kl_finding_register {
    char name[64];
    char index_id[33];
    uint64_t n_rows;       /* distinct register rows whose evidence passes the threshold */
    uint64_t n_index_rows; /* rows of the index */
    uint64_t n_weak_rows;  /* key hits whose evidence did not pass */
    double evidence_bits;  /* sum over the accepted rows */
    double hit_ratio;      /* matched keys / keys of that shape, in the part where it was best */
    uint64_t n_keys;       /* keys of that shape in that part; 0: not counted */
    double chance_ratio;   /* the measured density of the key space */
    double log10_chance;   /* log10 of the probability of this document by coincidence; <= 0 */
    uint64_t first_row;    /* row numbers in the register, 1-based; 0: none */
    uint64_t last_row;
    bool exclusive;                    /* a column that exists only in this register was matched */
    bool in_order;                     /* rows appear in register order (an export, unsorted) */
    struct kl_finding_column *columns; /* in schema order, only those found; owned */
    size_t n_columns;
    struct kl_finding_part *parts; /* owned */
    size_t n_parts;
};

struct kl_finding_identifier {
    char type[16];       /* "al.nid", "al.nipt", "iban", "phone", "plate", "mrz", "card" */
    uint64_t n_values;   /* of the shape */
    uint64_t n_distinct; /* of the valid ones */
    uint64_t n_valid;    /* check digit right (or no check exists) */
    double log10_chance; /* log10 of the odds that chance made them valid; <= 0 */
    char rank;           /* class of the type in its pack, 'A' … 'D' */
    bool is_estimate;    /* n_distinct is not exact (more than 65,536) */
};

struct kl_finding_gap { /* bytes not inspected */
    char *at;           /* container path; owned */
    const char *reason; /* static */
    uint64_t bytes;
};

struct kl_finding_anomaly {
    char *at; /* owned */
    char code[32];
};

#define KL_SAMPLE_BYTES 16
struct kl_finding {
    char *path; /* as given by the user or the walk; any bytes; owned */
    enum kl_verdict verdict;
    bool partial; /* stopped before the end (Ctrl-C, worker lost) */
    uint64_t seen;
    uint64_t inspected;
    uint64_t not_inspected;
    double seconds;
    struct kl_finding_register *registers;
    size_t n_registers;
    struct kl_finding_identifier *identifiers;
    size_t n_identifiers;
    struct kl_finding_gap *gaps;
    size_t n_gaps;
    uint64_t n_gaps_more; /* beyond KL_MAX_FINDING_GAPS; their bytes are in the totals */
    struct kl_finding_anomaly *anomalies;
    size_t n_anomalies;
    uint64_t n_anomalies_more;        /* beyond KL_MAX_FINDING_ANOMALIES */
    char (*samples)[KL_SAMPLE_BYTES]; /* masked: "A1…8K" */
    size_t n_samples;
    char sha256[65];    /* of the document when a worker or a program died or hung on it; or "" */
    uint64_t id;        /* number of the document in its scan; 0: none was given */
    uint64_t n_pending; /* pictures left for a later finding of this id */
    bool in_baseline;   /* known before (--baseline) and not grown: shown, not counted */
    char rule[64];      /* the policy rule that decided; "" = default */
};

#define KL_MAX_FINDING_GAPS 1000u
#define KL_MAX_FINDING_ANOMALIES 100u
#define KL_MAX_SAMPLES 5u

/** A zeroed finding for `path` (copied). */
KL_MUST enum kl_rc kl_finding_init(struct kl_finding *f, const char *path);
void kl_finding_done(struct kl_finding *f);

/* Adders copy what they are given; arrays grow; past the maximum they only count. */
KL_MUST enum kl_rc kl_finding_add_gap(struct kl_finding *f, struct kl_span at, const char *reason,
                                      uint64_t bytes);
KL_MUST enum kl_rc kl_finding_add_anomaly(struct kl_finding *f, struct kl_span at,
                                          const char *code);
/** First two and last two characters kept, the rest an ellipsis; fewer for short values. */
KL_MUST enum kl_rc kl_finding_add_sample(struct kl_finding *f, struct kl_pii value);

/* Zeroed entries to be filled in; *out is borrowed until the next one is added. */
KL_MUST enum kl_rc kl_finding_add_register(struct kl_finding *f, struct kl_finding_register **out);
KL_MUST enum kl_rc kl_finding_add_identifier(struct kl_finding *f,
                                             struct kl_finding_identifier **out);
KL_MUST enum kl_rc kl_finding_add_column(struct kl_finding_register *r,
                                         struct kl_finding_column **out);
KL_MUST enum kl_rc kl_finding_add_part(struct kl_finding_register *r, struct kl_span path,
                                       struct kl_finding_part **out);

#endif
