#include "extract/sqlite.h"

#include <stdlib.h>

#include "extract/extract.h"
#include "extract/pairsort.h"

#define HEAD_BYTES 100u
#define MAX_VISITED 67108864u /* pages that are told apart: 8 MiB of bits */
#define MAX_TREES 65536u
#define MAX_CARVED 524288u
#define NAMES_BYTES 16777216u

enum kl_rc kl_sqlite_new(struct kl_emit *e, const struct kl_input *in, uint32_t page_bytes,
                         struct kl_sqlite **out_s)
{
    struct kl_sqlite *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return KL_E_NOMEM;
    }
    s->e = e;
    s->in = in;
    s->page_bytes = page_bytes;
    s->usable = page_bytes;
    enum kl_rc rc = kl_dbpage_init(&s->pages, in, page_bytes);
    s->n_visitable = s->pages.n_pages < MAX_VISITED ? s->pages.n_pages : MAX_VISITED;
    s->follow_pages = s->n_visitable;
    s->visited = calloc(s->n_visitable / 8 + 1, 1);
    kl_buf_init(&s->trees, MAX_TREES * sizeof(struct kl_sqlite_tree));
    kl_buf_init(&s->names, NAMES_BYTES);
    kl_buf_init(&s->payload, KL_MAX_WHOLE_MEMBER + KL_SQLITE_MAX_PAGE);
    kl_buf_init(&s->documents, KL_MAX_MEMBERS * sizeof(struct kl_sqlite_document));
    kl_buf_init(&s->carved, MAX_CARVED * sizeof(struct kl_pair));
    s->carve_steps = 4 * in->len_bytes;
    kl_leftover_init(&s->left);
    kl_dbrow_init(&s->row, e, KL_CHARSET_NONE);
    if (rc == KL_OK && s->visited == NULL) {
        rc = KL_E_NOMEM;
    }
    *out_s = s;
    if (rc != KL_OK) {
        kl_sqlite_free(out_s);
    }
    return rc;
}

void kl_sqlite_free(struct kl_sqlite **s)
{
    if (*s != NULL) {
        kl_dbpage_done(&(*s)->pages);
        free((*s)->visited);
        kl_buf_done(&(*s)->trees);
        kl_buf_done(&(*s)->names);
        kl_buf_done(&(*s)->payload);
        kl_buf_done(&(*s)->documents);
        kl_buf_done(&(*s)->carved);
        kl_leftover_done(&(*s)->left);
        free(*s);
    }
    *s = NULL;
}

/* ---- pages on their own ---- */

enum kl_rc kl_sqlite_page_end(struct kl_sqlite *s)
{
    if (!s->is_open) {
        return KL_OK;
    }
    s->is_open = false;
    enum kl_rc flushed = kl_dbrow_flush(&s->row);
    enum kl_rc ended = kl_emit_part_end(s->e);
    enum kl_rc rc = flushed != KL_OK ? flushed : ended;
    if (rc == KL_OK) {
        rc = kl_sqlite_carve_put(s);
    }
    kl_emit_leave(s->e);
    return rc;
}

enum kl_rc kl_sqlite_page_put(struct kl_sqlite *s, uint64_t at, bool is_first, const char *part)
{
    struct kl_sqlite_node n;

    if (!kl_sqlite_node_read(s, s->page, at, is_first, &n)) {
        return kl_leftover_add_bytes(&s->left, at, kl_span_make(s->page, s->page_bytes));
    }
    if (!s->is_open) {
        enum kl_rc rc = kl_emit_enter(s->e, kl_span_str(part), 0);
        if (rc == KL_E_LIMIT) {
            return kl_leftover_add(&s->left, at, at + s->page_bytes);
        }
        KL_TRY(rc);
        rc = kl_emit_part_begin(s->e, KL_PART_TABLE);
        if (rc != KL_OK) {
            kl_emit_leave(s->e);
            return rc;
        }
        s->is_open = true;
    }
    if (is_first) {
        KL_TRY(kl_leftover_add_bytes(&s->left, at, kl_span_make(s->page, HEAD_BYTES)));
    }
    return kl_sqlite_node_put(s, &n, 0);
}

/* All pages that were not taken, in their order. */
static enum kl_rc put_unreached(struct kl_sqlite *s)
{
    const uint8_t *page = NULL;

    s->is_local = true;
    for (uint64_t no = 0; no < s->pages.n_pages; no++) {
        uint64_t at = no * s->page_bytes;
        if (no >= s->n_visitable || kl_dbpage_get(&s->pages, no, &page) != KL_OK) {
            return kl_leftover_add(&s->left, at, s->in->len_bytes);
        }
        if ((s->visited[no / 8] >> (no & 7) & 1) != 0) {
            continue;
        }
        if (page[0] == 0) {
            uint64_t next = kl_dbpage_next(&s->pages, no);
            if (next > no) {
                no = next - 1;
                continue;
            }
        }
        memcpy(s->page, page, s->page_bytes);
        KL_TRY(kl_sqlite_page_put(s, at, no == 0, "unreached"));
    }
    return KL_OK;
}

/* ---- trees ---- */

/* A tree as a part of its own. */
static enum kl_rc put_tree(struct kl_sqlite *s, uint32_t root, struct kl_span name)
{
    bool is_entered = kl_emit_depth(s->e) < KL_MAX_NESTING;

    if (is_entered) {
        KL_TRY(kl_emit_enter(s->e, name, 0));
    }
    enum kl_rc rc = kl_emit_part_begin(s->e, KL_PART_TABLE);
    if (rc == KL_OK) {
        s->row.rc = KL_OK;
        s->n_columns = 0;
        rc = kl_sqlite_tree_put(s, root);
        enum kl_rc flushed = kl_dbrow_flush(&s->row);
        enum kl_rc ended = kl_emit_part_end(s->e);
        rc = rc != KL_OK ? rc : flushed != KL_OK ? flushed : ended;
    }
    if (rc == KL_OK) {
        rc = kl_sqlite_documents_extract(s);
    }
    if (rc == KL_OK) {
        rc = kl_sqlite_carve_put(s);
    }
    if (is_entered) {
        kl_emit_leave(s->e);
    }
    return rc;
}

static enum kl_rc put_all(struct kl_sqlite *s)
{
    if (s->in->source == NULL) {
        s->is_schema = true;
        KL_TRY(put_tree(s, 1, KL_SPAN_LIT("sqlite_schema")));
        s->is_schema = false;
        for (size_t i = 0; i < s->trees.len / sizeof(struct kl_sqlite_tree); i++) {
            struct kl_sqlite_tree t;
            memcpy(&t, s->trees.ptr + i * sizeof t, sizeof t);
            struct kl_span names = kl_buf_span(&s->names);
            size_t end = (size_t)t.name_at + t.name_len;
            KL_TRY(put_tree(s, t.root, kl_span_part(names, t.name_at, end)));
        }
    }
    /* An input that is best read from front to back has all its pages read on their own. */
    enum kl_rc rc = put_unreached(s);
    enum kl_rc ended = kl_sqlite_page_end(s);
    return rc != KL_OK ? rc : ended;
}

enum kl_rc kl_extract_sqlite(struct kl_emit *e, const struct kl_input *in)
{
    uint8_t head[HEAD_BYTES];
    struct kl_sqlite *s = NULL;
    size_t n = 0;

    if (kl_input_read(in, 0, head, sizeof head, &n) != KL_OK) {
        return kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    }
    uint32_t page_bytes = n == sizeof head ? kl_sqlite_be16(head + 16) : 0;
    page_bytes = page_bytes == 1 ? KL_SQLITE_MAX_PAGE : page_bytes;
    if (page_bytes < 512 || (page_bytes & (page_bytes - 1)) != 0 || head[20] > page_bytes - 480) {
        KL_TRY(kl_emit_anomaly(e, "sqlite.header"));
        return kl_extract_binary(e, in);
    }
    KL_TRY(kl_sqlite_new(e, in, page_bytes, &s));
    s->usable = page_bytes - head[20];
    s->encoding = kl_sqlite_be32(head + 56) <= 3
                      ? (enum kl_sqlite_encoding)kl_sqlite_be32(head + 56)
                      : KL_SQLITE_UNKNOWN;
    enum kl_rc rc = kl_leftover_add_bytes(&s->left, 0, kl_span_make(head, sizeof head));
    if (rc == KL_OK) {
        rc = put_all(s);
    }
    if (rc == KL_OK) {
        rc = kl_leftover_extract(&s->left, e, in, "leftover");
    }
    kl_sqlite_free(&s);
    return rc;
}
