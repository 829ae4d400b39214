/*
 * A small synthetic register in memory and its index, for the tests and fuzz targets of
 * match. Everybody is born in decade A (1900s) or T (2090s).
 */
#ifndef KL_TESTS_SMALL_REGISTER_H
#define KL_TESTS_SMALL_REGISTER_H

#include "match/index.h"
#include "register/index_write.h"

#include <stdio.h>
#include <stdlib.h>

#define SMALL_COLUMNS 9u
#define SMALL_CELL 64u

enum { NID, GIVEN, FAMILY, BIRTH, EMPLOYER, PHONE, SALARY, PLATE, VOTE };

static const char small_schema_text[] =
    "register: small\n"
    "jurisdiction: al\n"
    "columns:\n"
    "  - {name: nid, type: al.nid, role: key}\n"
    "  - {name: given, type: person.given, role: identity}\n"
    "  - {name: family, type: person.family, role: identity}\n"
    "  - {name: birth_date, type: date, role: identity}\n"
    "  - {name: employer, type: org.name, role: attribute}\n"
    "  - {name: phone, type: phone, role: key-dense}\n"
    "  - {name: salary, type: money, role: attribute}\n"
    "  - {name: plate, type: al.plate, role: attribute}\n"
    "  - {name: vote, type: text, special: true}\n"
    "anchors: [[given, family, birth_date], [family, employer, salary]]\n"
    "derived: {birth_date: nid}\n";

typedef char small_row[SMALL_COLUMNS][SMALL_CELL];

static inline uint32_t small_random(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    uint32_t v = *x ^ *x >> 16;
    v *= 0x7feb352du;
    return v ^ v >> 15;
}

/* A word of syllables, by number: no two numbers below 8,000 give the same. */
static inline void small_word(uint32_t n, const char *end, char out[SMALL_CELL])
{
    static const char *const part[] = {"ar", "be",  "lu", "mi",  "dri", "ta", "ko",
                                       "ze", "shi", "va", "gje", "po",  "ri", "fa",
                                       "ne", "xhu", "sa", "le",  "do",  "by"};
    (void)snprintf(out, SMALL_CELL, "%s%s%s%s", part[n % 20], part[n / 20 % 20], part[n / 400 % 20],
                   end);
    out[0] = (char)(out[0] - 32);
}

/* Person `i` of nation `seed`; two nations share words and phone prefixes, not people. */
static inline void small_person(uint32_t seed, uint32_t i, small_row r)
{
    uint32_t x = seed * 7919u + i * 104729u + 17u;
    bool old = small_random(&x) % 2 == 0;
    unsigned year = small_random(&x) % 10;
    unsigned month = 1 + small_random(&x) % 12;
    unsigned day = 1 + small_random(&x) % 28;
    unsigned serial = (i * 3 + seed) % 1000;

    (void)snprintf(r[NID], SMALL_CELL, "%c%u%02u%02u%03u", old ? 'A' : 'T', year,
                   month + (i % 2 != 0 ? 50 : 0), day, serial);
    r[NID][9] = kl_al_check_letter((const uint8_t *)r[NID]);
    r[NID][10] = '\0';
    small_word(small_random(&x) % 900, "n", r[GIVEN]);
    small_word(small_random(&x) % 2000, "j", r[FAMILY]);
    (void)snprintf(r[BIRTH], SMALL_CELL, "%u-%02u-%02u", (old ? 1900 : 2090) + year, month, day);
    small_word(small_random(&x) % 40, " sha", r[EMPLOYER]);
    (void)snprintf(r[PHONE], SMALL_CELL, "06%u%u%06u", 7 + i % 3, 2 + small_random(&x) % 8,
                   small_random(&x) % 1000000);
    (void)snprintf(r[SALARY], SMALL_CELL, "%u", 30000 + small_random(&x) % 90000);
    (void)snprintf(r[PLATE], SMALL_CELL, "AA%03uZ%c", 1 + small_random(&x) % 999,
                   "ABCDEFGHJKLMNPRSTV"[i % 18]);
    small_word(small_random(&x) % 8000, "vote", r[VOTE]);
}

static const uint8_t small_secret[32] = {1, 2, 3, 4};

/* The index of persons 0..n-1 of nation 1 as a file; with_votes: their special column filled. */
static inline enum kl_rc small_index_write(const char *path, uint32_t n, bool with_votes,
                                           struct kl_err *err)
{
    static struct kl_schema schema; /* row prints borrow it */
    struct kl_prf prf;
    struct kl_key *key = NULL;
    struct kl_row_prints *rp = NULL;
    uint64_t unusable = 0;

    enum kl_rc rc = kl_schema_parse(kl_span_str(small_schema_text), &schema, err);
    rc = rc == KL_OK ? kl_key_from_bytes(small_secret, &key) : rc;
    if (rc == KL_OK) {
        kl_key_prf(key, schema.name, &prf);
        rc = kl_row_prints_new(&schema, &prf, &rp);
    }
    for (uint32_t i = 0; i < n && rc == KL_OK; i++) {
        small_row r;
        struct kl_span f[SMALL_COLUMNS];
        small_person(1, i, r);
        for (unsigned c = 0; c < SMALL_COLUMNS; c++) {
            f[c] = kl_span_str(c == VOTE && !with_votes ? "" : r[c]);
        }
        rc = kl_row_prints_add(rp, f, &unusable);
    }
    rc = rc == KL_OK ? kl_row_prints_flush(rp) : rc;
    rc = rc == KL_OK ? kl_index_write(rp, key, path, NULL, err) : rc;
    kl_row_prints_free(&rp);
    kl_key_free(&key);
    return rc;
}

#endif
