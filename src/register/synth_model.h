/*
 * The nation in memory, and its registers row by row. About 60 bytes a person.
 * Thread rule: read-only once built.
 */
#ifndef KL_REGISTER_SYNTH_MODEL_H
#define KL_REGISTER_SYNTH_MODEL_H

#include "base/span.h"
#include "register/synth.h"
#include "register/synth_names.h"

#define KL_SYNTH_DAYS 7304u /* 1900-1909 (1900 is no leap year) and 2090-2099 */
#define KL_SYNTH_PHONES 26000000u
#define KL_SYNTH_PLATES 13810176u /* 24 second letters * 999 * 24 * 24 */
#define KL_SYNTH_NO_PHONE UINT32_MAX
#define KL_SYNTH_COLUMNS 10u

enum kl_synth_register {
    KL_SYNTH_NONE = 0,
    KL_SYNTH_CIVIL,
    KL_SYNTH_SALARIES,
    KL_SYNTH_VEHICLES,
    KL_SYNTH_VOTERS,
};

struct kl_synth_person {
    uint32_t house;
    uint32_t phone; /* below KL_SYNTH_PHONES, or KL_SYNTH_NO_PHONE */
    uint16_t given;
    uint16_t given2; /* 0: none; a double name */
    uint16_t family;
    uint16_t family2; /* 0: none; hyphenated after marriage */
    uint16_t father;  /* a male given name */
    uint16_t day;     /* below KL_SYNTH_DAYS */
    uint16_t serial;  /* below 1000 */
    uint8_t female;
    uint8_t rank; /* birth year 0 (1900, oldest) .. 19 (2099) */
};

struct kl_synth_house {
    uint16_t street;
    uint16_t number;
    uint16_t unit; /* polling unit, 1-based */
    uint8_t place;
    uint8_t flat; /* 0: a house */
};

struct kl_synth_employer {
    char nipt[11];
    uint8_t sector;
    uint8_t factor; /* percent of the usual salary */
    char name[53];
};

struct kl_synth_salary {
    uint32_t person;
    uint32_t employer;
    uint32_t amount;
    uint32_t job;
};

struct kl_synth_vehicle {
    uint32_t plate; /* below KL_SYNTH_PLATES; old ones have the top bit: place << 24 | number */
    uint32_t person;
    uint8_t car;
    uint8_t year; /* 1990 + year */
    uint8_t colour;
};

struct kl_synth_voter {
    uint32_t person;
    uint16_t at; /* place in the unit's list, 1-based */
    uint8_t party;
};

struct kl_synth_model {
    uint64_t seed;
    struct kl_synth_names *names;
    uint32_t n_people;
    uint32_t n_houses;
    uint32_t n_employers;
    uint32_t n_salaries;
    uint32_t n_vehicles;
    uint32_t n_voters;
    struct kl_synth_person *people;
    struct kl_synth_house *houses;
    struct kl_synth_employer *employers;
    struct kl_synth_salary *salaries;  /* grouped by employer */
    struct kl_synth_vehicle *vehicles; /* by plate */
    struct kl_synth_voter *voters;     /* by unit, then address */
    uint16_t *used;                    /* serials given out, by day * 2 + female */
    uint64_t *phone_bits;              /* phones given out */
};

/* One row of a register: its cells as UTF-8 text, in the order of the header. */
struct kl_synth_row {
    unsigned n;
    uint32_t at[KL_SYNTH_COLUMNS + 1]; /* cell i is text[at[i], at[i + 1]) */
    char text[1024];
};

/** Build a nation; caller frees with kl_synth_model_free. KL_E_LIMIT, KL_E_NOMEM. */
KL_MUST enum kl_rc kl_synth_model_new(uint32_t n_people, uint64_t seed,
                                      struct kl_synth_model **out_model, struct kl_err *err);
void kl_synth_model_free(struct kl_synth_model **model);

/** The four registers' part of kl_synth_model_new (synth_jobs.c). */
KL_MUST enum kl_rc kl_synth_model_jobs(struct kl_synth_model *m);

/** Old enough to vote and to own a car. */
static inline bool kl_synth_is_adult(const struct kl_synth_person *p)
{
    return p->rank <= 15;
}

/** NID with its check letter, 10 bytes. `serial` may be one that nobody has (see used). */
void kl_synth_nid_put(uint32_t day, bool female, uint32_t serial, char out[static 10]);

/** Set nid[9], the check letter of nid[0..8] (facts/law-identifiers.md 1.1). */
void kl_synth_check_put(char nid[static 10]);

/** Serial number k of a day and sex: the first used[] of them are given out. */
uint32_t kl_synth_serial_get(uint64_t seed, uint32_t day, bool female, uint32_t k);

/** National digits of a phone ("691234567"), 9 bytes. */
void kl_synth_phone_put(uint32_t phone, char out[static 9]);

/** "YYYY-MM-DD", 10 bytes. */
void kl_synth_day_put(uint32_t day, char out[static 10]);

/** Plate as it is written ("AA 123 BB", "TR 1234 A"); returns its length, at most 9. */
size_t kl_synth_plate_put(uint32_t plate, char out[static 9]);

/** Rows of a register. */
uint32_t kl_synth_rows_get(const struct kl_synth_model *m, enum kl_synth_register reg);

/** Row i (0-based) of a register. */
void kl_synth_row_get(const struct kl_synth_model *m, enum kl_synth_register reg, uint32_t i,
                      struct kl_synth_row *out);

/** Whose row that is. */
uint32_t kl_synth_row_person(const struct kl_synth_model *m, enum kl_synth_register reg,
                             uint32_t i);

static inline struct kl_span kl_synth_cell(const struct kl_synth_row *row, unsigned i)
{
    return kl_span_make(row->text + row->at[i], row->at[i + 1] - row->at[i]);
}

const char *kl_synth_register_name(enum kl_synth_register reg);
/** Column names, comma-separated (the CSV header). */
const char *kl_synth_header(enum kl_synth_register reg);
/** Position of a column, or -1. */
int kl_synth_column(enum kl_synth_register reg, const char *name);
/** The schema, YAML. */
const char *kl_synth_schema(enum kl_synth_register reg);

/** Set bit i; true when it was clear. */
static inline bool kl_synth_bit_take(uint64_t *bits, uint32_t i)
{
    uint64_t b = 1ull << (i & 63);
    bool was = (bits[i >> 6] & b) != 0;
    bits[i >> 6] |= b;
    return !was;
}

#endif
