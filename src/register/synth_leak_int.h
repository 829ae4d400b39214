/*
 * Shared by the writers of leaks: a sample of rows, text that fails once, the truth file.
 * Thread rule: one owner at a time.
 */
#ifndef KL_REGISTER_SYNTH_LEAK_INT_H
#define KL_REGISTER_SYNTH_LEAK_INT_H

#include "base/buf.h"
#include "register/synth_file.h"
#include "register/synth_model.h"

#define KL_SYNTH_SAMPLE 2000u

/* Rows 0-based, ascending. */
struct kl_synth_sample {
    enum kl_synth_register reg;
    uint32_t n;
    uint32_t rows[KL_SYNTH_SAMPLE];
};

/* What a sampled row must have, so that the leaked columns name one row only. */
enum kl_synth_need {
    KL_SYNTH_NEED_ANY = 0,
    KL_SYNTH_NEED_PHONE = 1,
    KL_SYNTH_NEED_UNIQUE =
        2, /* no other row has the same names and birth date / employer and salary */
};

struct kl_synth_leaker {
    const struct kl_synth_model *m;
    char dir[4096];
    uint64_t n_files;
    uint64_t *seen_once; /* bit maps over hashes of (names, date) and (names, employer, salary) */
    uint64_t *seen_twice;
    struct kl_synth_sample sample;
    struct kl_err *err;
};

/* Grows up to 256 MiB; the first failure sticks in `rc`. */
struct kl_synth_text {
    struct kl_buf buf;
    enum kl_rc rc;
};

static inline void kl_synth_text_init(struct kl_synth_text *t)
{
    kl_buf_init(&t->buf, 1u << 28);
    t->rc = KL_OK;
}

static inline void kl_synth_text_add(struct kl_synth_text *t, const void *ptr, size_t len)
{
    if (t->rc == KL_OK) {
        t->rc = kl_buf_add(&t->buf, ptr, len);
    }
}

static inline void kl_synth_text_str(struct kl_synth_text *t, const char *s)
{
    kl_synth_text_add(t, s, strlen(s));
}

static inline void kl_synth_text_span(struct kl_synth_text *t, struct kl_span s)
{
    kl_synth_text_add(t, s.ptr, s.len);
}

static inline void kl_synth_text_char(struct kl_synth_text *t, char c)
{
    kl_synth_text_add(t, &c, 1);
}

void kl_synth_text_number(struct kl_synth_text *t, uint64_t v);

/** Fill l->seen_*; released by kl_synth_leaker_done. */
KL_MUST enum kl_rc kl_synth_leaker_init(struct kl_synth_leaker *l, const struct kl_synth_model *m,
                                        const char *out_dir, struct kl_err *err);
void kl_synth_leaker_done(struct kl_synth_leaker *l);

/** Draw l->sample: up to KL_SYNTH_SAMPLE rows of reg; `purpose` picks the stream. */
void kl_synth_sample_draw(struct kl_synth_leaker *l, enum kl_synth_register reg, unsigned need,
                          uint64_t purpose);

/** Write l->dir/name. */
KL_MUST enum kl_rc kl_synth_leak_write(struct kl_synth_leaker *l, const char *name,
                                       struct kl_span content);

struct kl_synth_truth {
    const char *name;    /* of the leak file; the truth stands in name.truth.json */
    const char *label;   /* "8b phone with slash" */
    const char *columns; /* comma-separated register columns, or "" */
    const char *expect;  /* "found", "none", "optional" */
    const char *at_most; /* highest verdict that is right, or NULL */
    bool with_rows;      /* l->sample; else no register row is in it */
};

/** Write the truth file and count the leak. */
KL_MUST enum kl_rc kl_synth_truth_write(struct kl_synth_leaker *l, const struct kl_synth_truth *t);

/** One cell as a case writes it; see synth_tweak.c. */
enum kl_synth_tweak {
    KL_SYNTH_AS_IS = 0,
    KL_SYNTH_STRIPPED, /* ë → e, ç → c */
    KL_SYNTH_UPPER,
    KL_SYNTH_NFD,
    KL_SYNTH_PHONE_PLUS, /* +355 69 123 4567 */
    KL_SYNTH_PHONE_00,
    KL_SYNTH_PHONE_SLASH,
    KL_SYNTH_PHONE_BARE, /* 691234567 */
    KL_SYNTH_PHONE_DOTS,
    KL_SYNTH_PHONE_PAREN, /* (069) 1234567 */
    KL_SYNTH_PHONE_EXP,   /* 3.556912E+11: digits are lost */
    KL_SYNTH_NID_SPACED,
    KL_SYNTH_NID_NO_CHECK,
    KL_SYNTH_NID_LOWER,
    KL_SYNTH_NID_OCR,   /* 0 → O, 1 → I, 5 → S */
    KL_SYNTH_HOMOGLYPH, /* Cyrillic look-alikes, also in the NID */
    KL_SYNTH_FULLWIDTH,
    KL_SYNTH_ZEROWIDTH,
    KL_SYNTH_GREEK,
    KL_SYNTH_CYRILLIC,
    KL_SYNTH_MISSPELT, /* a letter is missing in every name above four */
    KL_SYNTH_OCR,      /* m → rn, l → 1, ë → e in names */
};

/**
 * Append a cell. Besides the register's columns there are "name" (given family), "name_cell"
 * ("HOXHA Agim N.") and "date_sq" (birth date as 3 maj 1905).
 */
void kl_synth_cell_put(struct kl_synth_text *t, const struct kl_synth_leaker *l,
                       const struct kl_synth_row *row, uint32_t row_no, const char *column,
                       enum kl_synth_tweak tweak);

/* The whole text in another coding; see synth_code.c. */
enum kl_synth_code {
    KL_SYNTH_UTF8 = 0,
    KL_SYNTH_LATIN, /* cp1250, cp1252, 8859-2, 8859-16 alike: ë ç have the same bytes in all */
    KL_SYNTH_CP852,
    KL_SYNTH_MAC,
    KL_SYNTH_MOJI_1252,
    KL_SYNTH_MOJI_1250,
    KL_SYNTH_MOJI_437,
    KL_SYNTH_MOJI_TWICE, /* UTF-8 taken for 8859-1 */
    KL_SYNTH_UTF16LE,
    KL_SYNTH_UTF16LE_BOM,
    KL_SYNTH_UTF16BE,
    KL_SYNTH_UTF16BE_BOM,
    KL_SYNTH_UTF32LE,
    KL_SYNTH_UTF32LE_BOM,
    KL_SYNTH_UTF32BE_BOM,
    KL_SYNTH_UTF8_BOM,
    KL_SYNTH_BASE64, /* lines of 76 */
    KL_SYNTH_BASE64_ONE,
    KL_SYNTH_HEX,
    KL_SYNTH_URL,          /* form encoding */
    KL_SYNTH_URL_ALL,      /* every byte %XX */
    KL_SYNTH_ENTITIES,     /* &euml; &ccedil; */
    KL_SYNTH_ENTITIES_ALL, /* every letter and digit &#N; */
    KL_SYNTH_QP_MAIL,
    KL_SYNTH_QP, /* the same without the head of a mail */
    KL_SYNTH_BASE64_MAIL,
    KL_SYNTH_PLAIN_MAIL, /* 8bit, a sentence before the text */
};

/** Append in, recoded, to out. */
void kl_synth_code_put(struct kl_synth_text *out, struct kl_span in, enum kl_synth_code code);

KL_MUST enum kl_rc kl_synth_leaks_text(struct kl_synth_leaker *l);
KL_MUST enum kl_rc kl_synth_leaks_book(struct kl_synth_leaker *l);
KL_MUST enum kl_rc kl_synth_leaks_office(struct kl_synth_leaker *l);
KL_MUST enum kl_rc kl_synth_leaks_control(struct kl_synth_leaker *l);
KL_MUST enum kl_rc kl_synth_leaks_mail(struct kl_synth_leaker *l);
KL_MUST enum kl_rc kl_synth_leaks_db(struct kl_synth_leaker *l);

#endif
