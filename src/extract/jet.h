/*
 * Microsoft Access: Jet 3 (97), Jet 4 (2000-2003), ACE (2007-2019).
 *
 * Private to extract's jet files; the door is kl_extract_jet. Tables are found by the owner that
 * each data page names, not by the usage maps: what was freed and still lies there is read too.
 * Source: the notes of the mdbtools project (HACKING.md) and Jackcess' documentation; checked
 * against files of both.
 */
#ifndef KL_EXTRACT_JET_H
#define KL_EXTRACT_JET_H

#include "base/buf.h"
#include "extract/dbpage.h"
#include "extract/dbrow.h"
#include "extract/leftover.h"

#define KL_JET_CATALOGUE 2u /* the page that defines MSysObjects */

enum kl_jet_type {
    KL_JET_NONE = 0,
    KL_JET_BOOL = 1,
    KL_JET_BYTE = 2,
    KL_JET_INT16 = 3,
    KL_JET_INT32 = 4,
    KL_JET_MONEY = 5,
    KL_JET_FLOAT = 6,
    KL_JET_DOUBLE = 7,
    KL_JET_DATE = 8,
    KL_JET_BINARY = 9,
    KL_JET_TEXT = 10,
    KL_JET_OLE = 11,
    KL_JET_MEMO = 12,
    KL_JET_GUID = 15,
    KL_JET_NUMERIC = 16,
    KL_JET_COMPLEX = 18,
    KL_JET_INT64 = 19,
    KL_JET_DATE_EXT = 20,
};

struct kl_jet_column {
    uint8_t type;
    uint8_t scale;
    bool is_fixed;
    bool is_calculated; /* the value has a head of its own */
    uint16_t number;    /* bit of the null mask */
    uint16_t fixed_at;
    uint16_t var_no;
    uint16_t len;
    uint16_t name_len;
    uint32_t name_at; /* in kl_jet.names */
};

struct kl_jet_table {
    uint32_t page; /* of its definition */
    uint32_t first_column;
    uint16_t n_columns;
    uint16_t n_var;
    bool has_names;   /* of its columns: they were written once */
    uint32_t name_at; /* in kl_jet.names, UTF-8 */
    uint32_t name_len;
};

/* A page of long values, and which of its rows were reached. */
struct kl_jet_long_page {
    uint64_t reached;
    uint32_t page;
};

struct kl_jet {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_dbpage pages;
    uint32_t page_bytes;
    bool is_jet3;
    bool is_forward;          /* the input is best read from front to back */
    bool has_raw;             /* the row at hand has bytes that no cell shows */
    uint32_t table;           /* of the row at hand: page of its definition */
    uint64_t follow_bytes;    /* budget: bytes had through pointers */
    struct kl_buf leaves;     /* struct kl_pair: owner and page of each data page */
    struct kl_buf long_pages; /* struct kl_jet_long_page, ascending */
    struct kl_buf tables;     /* struct kl_jet_table, ascending */
    struct kl_buf columns;    /* struct kl_jet_column */
    struct kl_buf names;
    struct kl_buf documents; /* struct kl_jet_document: values that may hold files */
    struct kl_buf inlined;   /* bytes of documents that stand in their row */
    struct kl_leftover left;
    struct kl_dbrow row;
    uint8_t page[4096];   /* the data page at hand */
    uint8_t follow[4096]; /* a page behind a pointer */
    uint8_t moved[4096];  /* a row behind a pointer */
};

/* One row of a page: the bytes, and what its offset says. */
struct kl_jet_slot {
    struct kl_span bytes;
    bool is_deleted;
    bool is_pointer;
};

unsigned kl_jet_rows_get(const struct kl_jet *j, const uint8_t *page);
/** Row `no` < kl_jet_rows_get; false when its offsets lie. */
bool kl_jet_slot_get(const struct kl_jet *j, const uint8_t *page, unsigned no,
                     struct kl_jet_slot *out_s);

/** Read the definition at page `no`; KL_E_FORMAT: there is none; KL_E_LIMIT: one we do not read. */
KL_MUST enum kl_rc kl_jet_table_read(struct kl_jet *j, uint32_t no);
/** Give a table its name, as a cell of the catalogue stores it. */
KL_MUST enum kl_rc kl_jet_table_name(struct kl_jet *j, struct kl_jet_table *t, struct kl_span raw);
/** NULL: no such table. */
struct kl_jet_table *kl_jet_table_find(const struct kl_jet *j, uint32_t page);
const struct kl_jet_column *kl_jet_columns_get(const struct kl_jet *j,
                                               const struct kl_jet_table *t);

/* A row taken apart: where each column's value lies. */
struct kl_jet_fields {
    struct kl_span row;
    const uint8_t *nulls;
    unsigned n_columns; /* that the row knows of */
    unsigned n_var;
    unsigned n_nulls;         /* bytes of the mask */
    uint16_t var_at[256 + 1]; /* ends with the end of the last */
};

/** False: the row does not hold together. */
bool kl_jet_row_crack(const struct kl_jet *j, struct kl_span row, struct kl_jet_fields *out_f);
/** Only for tables that have variable columns: the rows of others have no such list. */
bool kl_jet_row_crack_var(const struct kl_jet *j, struct kl_jet_fields *f);
/** The value of a column; ptr NULL: null. */
struct kl_span kl_jet_field_get(const struct kl_jet *j, const struct kl_jet_fields *f,
                                const struct kl_jet_column *c);
bool kl_jet_field_is_set(const struct kl_jet_fields *f, const struct kl_jet_column *c);

/** Write a value into the cell that was begun; what is no text sets j->has_raw. */
KL_MUST enum kl_rc kl_jet_cell_put(struct kl_jet *j, const struct kl_jet_column *c,
                                   struct kl_span value);
/** Text as Jet 3 (code page) or Jet 4 (UTF-16, maybe compressed) stores it. */
void kl_jet_text_put(struct kl_jet *j, struct kl_span text);

/* A value that may hold a file of its own. */
struct kl_jet_document {
    uint32_t table;   /* page of its definition */
    uint32_t length;  /* as the row says: flags in the two upper bits */
    uint32_t pointer; /* to the first piece; or where it stands in kl_jet.inlined */
    uint32_t inline_len;
};

/** The memo or OLE value whose 12 bytes (and more when it is inline) are `value`. */
KL_MUST enum kl_rc kl_jet_long_put(struct kl_jet *j, const struct kl_jet_column *c,
                                   struct kl_span value);
/** Follow a pointer (row in the low byte, page above it) into j->follow. KL_E_FORMAT: a lie. */
KL_MUST enum kl_rc kl_jet_follow(struct kl_jet *j, uint32_t pointer, struct kl_span *out_bytes);
/** Files inside of values, as members. */
KL_MUST enum kl_rc kl_jet_documents_extract(struct kl_jet *j);
/** Pages of long values that not all was reached of. */
KL_MUST enum kl_rc kl_jet_long_leftover(struct kl_jet *j);

static inline struct kl_span kl_jet_name_get(const struct kl_jet *j, uint32_t at, uint32_t len)
{
    return kl_span_part(kl_buf_span(&j->names), at, (size_t)at + len);
}

static inline uint32_t kl_jet_le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t kl_jet_le32(const uint8_t *p)
{
    return kl_jet_le16(p) | kl_jet_le16(p + 2) << 16;
}

#endif
