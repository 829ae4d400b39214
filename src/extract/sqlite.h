/*
 * SQLite databases, write-ahead logs and rollback journals.
 *
 * Private to extract's sqlite files; the doors are kl_extract_sqlite and kl_extract_sqlite_log.
 * Tables are walked from the schema, each page once; pages that no tree reaches (freed, hidden) are
 * read as rows where they are rows; free space, slack and the rest is left over for the views.
 * Source: "Database File Format", sections 1 to 4, of the SQLite project.
 */
#ifndef KL_EXTRACT_SQLITE_H
#define KL_EXTRACT_SQLITE_H

#include "base/buf.h"
#include "extract/dbpage.h"
#include "extract/dbrow.h"
#include "extract/leftover.h"

#define KL_SQLITE_MAX_PAGE 65536u

enum kl_sqlite_encoding {
    KL_SQLITE_UNKNOWN = 0, /* a log: told by the text */
    KL_SQLITE_UTF8 = 1,
    KL_SQLITE_UTF16LE = 2,
    KL_SQLITE_UTF16BE = 3,
};

/* A tree of the schema. */
struct kl_sqlite_tree {
    uint32_t root;
    uint32_t name_at; /* in kl_sqlite.names */
    uint32_t name_len;
};

/* A row with values that may hold files. */
struct kl_sqlite_document {
    uint32_t page;
    uint32_t cell;
};

struct kl_sqlite {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_dbpage pages; /* number 0 is SQLite's page 1 */
    uint32_t page_bytes;
    uint32_t usable; /* bytes of a page without its reserved end */
    enum kl_sqlite_encoding encoding;
    bool is_schema;        /* rows at hand are those of the schema */
    bool is_local;         /* pointers to overflow pages are not followed */
    bool has_raw;          /* the row at hand has bytes that no cell shows */
    bool has_file;         /* ... and some look like a file */
    bool is_open;          /* the part of pages on their own */
    uint64_t follow_pages; /* budget: overflow pages that are walked a second time */
    uint8_t *visited;      /* a bit a page; owned */
    uint64_t n_visitable;  /* pages that have one */
    struct kl_buf trees;   /* struct kl_sqlite_tree */
    struct kl_buf names;
    struct kl_buf payload; /* of the row at hand, when it does not lie in one page */
    struct kl_buf documents;
    struct kl_buf carved; /* struct kl_pair: free space, where deleted rows are looked for */
    uint64_t carve_steps; /* budget */
    unsigned n_columns;   /* of the row written last */
    struct kl_leftover left;
    struct kl_dbrow row;
    uint8_t page[KL_SQLITE_MAX_PAGE]; /* at hand */
};

/* A page as its head describes it. */
struct kl_sqlite_node {
    const uint8_t *page;
    uint64_t at;   /* in the input */
    uint32_t head; /* 100 on page 1 */
    uint8_t type;  /* 2, 5: inner; 10, 13: leaf; 5, 13: of a table */
    uint32_t n_cells;
    uint32_t cells; /* where the pointers to them begin */
    uint32_t content;
    uint32_t right; /* child of an inner page */
};

/* A cell. */
struct kl_sqlite_cell {
    uint32_t at; /* in the page */
    uint32_t end;
    uint32_t child; /* inner pages */
    bool has_payload;
    int64_t rowid;
    uint64_t bytes; /* of the payload, as claimed */
    struct kl_span local;
    uint32_t overflow; /* page; 0: none */
};

/** False: no page of a tree. */
bool kl_sqlite_node_read(const struct kl_sqlite *s, const uint8_t *page, uint64_t at, bool is_first,
                         struct kl_sqlite_node *out_n);
bool kl_sqlite_cell_read(const struct kl_sqlite *s, const struct kl_sqlite_node *n, uint32_t no,
                         struct kl_sqlite_cell *out_c);

/** Write the rows of a page (copied to s->page before); what is no row of it is left over. */
KL_MUST enum kl_rc kl_sqlite_node_put(struct kl_sqlite *s, const struct kl_sqlite_node *n,
                                      uint32_t page_no);
/** Walk the tree from `root`, writing its rows into the open part. */
KL_MUST enum kl_rc kl_sqlite_tree_put(struct kl_sqlite *s, uint32_t root);
/** Take a page (from 1) for the first time; false: taken before, or there is none. */
bool kl_sqlite_take(struct kl_sqlite *s, uint32_t page_no);

/**
 * The payload of a cell: where it lies in the page, else gathered in s->payload.
 * @param again  it was gathered before: pages are not taken anew
 * @param out_whole  false: the chain is broken, or longer than may be held
 */
KL_MUST enum kl_rc kl_sqlite_payload_get(struct kl_sqlite *s, const struct kl_sqlite_cell *c,
                                         bool again, struct kl_span *out_p, bool *out_whole);
/** Write a record as a row. */
KL_MUST enum kl_rc kl_sqlite_record_put(struct kl_sqlite *s, struct kl_span payload,
                                        const struct kl_sqlite_cell *c);
/** Extract the values of the rows in s->documents that may be files, as members. */
KL_MUST enum kl_rc kl_sqlite_documents_extract(struct kl_sqlite *s);

/** Remember free space of a page; is_block: the list of free blocks begins in its first bytes. */
KL_MUST enum kl_rc kl_sqlite_carve_note(struct kl_sqlite *s, uint64_t at, struct kl_span bytes,
                                        bool is_block);
/** Write the rows that still stand there, as a part "deleted". */
KL_MUST enum kl_rc kl_sqlite_carve_put(struct kl_sqlite *s);

/**
 * A page on its own, copied to s->page before: its rows into the part `part`, nothing followed;
 * what is no page of rows is left over.
 */
KL_MUST enum kl_rc kl_sqlite_page_put(struct kl_sqlite *s, uint64_t at, bool is_first,
                                      const char *part);
/** Close the part, if one was begun. */
KL_MUST enum kl_rc kl_sqlite_page_end(struct kl_sqlite *s);

KL_MUST enum kl_rc kl_sqlite_new(struct kl_emit *e, const struct kl_input *in, uint32_t page_bytes,
                                 struct kl_sqlite **out_s);
void kl_sqlite_free(struct kl_sqlite **s);

static inline uint32_t kl_sqlite_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t kl_sqlite_be32(const uint8_t *p)
{
    return kl_sqlite_be16(p) << 16 | kl_sqlite_be16(p + 2);
}

/** A number of 1 to 9 bytes; false: it is cut. */
static inline bool kl_sqlite_varint(struct kl_span s, size_t *at, uint64_t *out_v)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 9; i++) {
        if (*at >= s.len) {
            return false;
        }
        uint8_t c = s.ptr[(*at)++];
        if (i == 8) {
            *out_v = v << 8 | c;
            return true;
        }
        v = v << 7 | (c & 0x7F);
        if (c < 0x80) {
            break;
        }
    }
    *out_v = v;
    return true;
}

#endif
