#include "extract/sqlite.h"

#define MAX_DEPTH 64u /* a tree of 2^32 pages is not deeper */
#define INNER_INDEX 2u
#define INNER_TABLE 5u
#define LEAF_INDEX 10u
#define LEAF_TABLE 13u

bool kl_sqlite_node_read(const struct kl_sqlite *s, const uint8_t *page, uint64_t at, bool is_first,
                         struct kl_sqlite_node *out_n)
{
    uint32_t head = is_first ? 100 : 0;
    const uint8_t *h = page + head;
    bool is_inner = h[0] == INNER_INDEX || h[0] == INNER_TABLE;

    if (!is_inner && h[0] != LEAF_INDEX && h[0] != LEAF_TABLE) {
        return false;
    }
    *out_n = (struct kl_sqlite_node){.page = page, .at = at, .head = head, .type = h[0]};
    out_n->n_cells = kl_sqlite_be16(h + 3);
    out_n->content = kl_sqlite_be16(h + 5);
    out_n->content = out_n->content == 0 ? 65536 : out_n->content;
    out_n->cells = head + (is_inner ? 12 : 8);
    out_n->right = is_inner ? kl_sqlite_be32(h + 8) : 0;
    return out_n->cells + 2 * out_n->n_cells <= out_n->content && out_n->content <= s->usable;
}

/* How much of a payload lies in the page itself. */
static uint64_t local_bytes(uint64_t usable, uint64_t payload, bool is_table)
{
    uint64_t max = is_table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
    uint64_t min = (usable - 12) * 32 / 255 - 23;
    if (payload <= max) {
        return payload;
    }
    uint64_t some = min + (payload - min) % (usable - 4);
    return some <= max ? some : min;
}

bool kl_sqlite_cell_read(const struct kl_sqlite *s, const struct kl_sqlite_node *n, uint32_t no,
                         struct kl_sqlite_cell *out_c)
{
    struct kl_span page = kl_span_make(n->page, s->usable);
    size_t at;
    uint64_t v = 0;

    if (no >= n->n_cells) {
        return false;
    }
    at = kl_sqlite_be16(n->page + n->cells + 2 * (size_t)no);
    *out_c = (struct kl_sqlite_cell){.at = (uint32_t)at, .rowid = INT64_MIN};
    if (at < n->cells + 2 * n->n_cells) {
        return false;
    }
    if (n->type == INNER_INDEX || n->type == INNER_TABLE) {
        if (page.len < 4 || at > page.len - 4) {
            return false;
        }
        out_c->child = kl_sqlite_be32(page.ptr + at);
        at += 4;
    }
    out_c->has_payload = n->type != INNER_TABLE;
    if (out_c->has_payload && !kl_sqlite_varint(page, &at, &out_c->bytes)) {
        return false;
    }
    if (n->type == LEAF_TABLE || n->type == INNER_TABLE) {
        if (!kl_sqlite_varint(page, &at, &v)) {
            return false;
        }
        out_c->rowid = (int64_t)v;
    }
    if (out_c->has_payload) {
        uint64_t local = local_bytes(s->usable, out_c->bytes, n->type == LEAF_TABLE);
        if (at > page.len || local > page.len - at) {
            return false;
        }
        out_c->local = kl_span_part(page, at, at + (size_t)local);
        at += (size_t)local;
        if (local < out_c->bytes) {
            if (page.len - at < 4) {
                return false;
            }
            out_c->overflow = kl_sqlite_be32(page.ptr + at);
            at += 4;
        }
    }
    out_c->end = (uint32_t)(at - out_c->at < 4 && at < page.len ? out_c->at + 4 : at);
    out_c->end = out_c->end > s->usable ? s->usable : out_c->end;
    return true;
}

bool kl_sqlite_take(struct kl_sqlite *s, uint32_t page_no)
{
    if (page_no == 0 || page_no > s->n_visitable) {
        return false;
    }
    uint8_t *byte = &s->visited[(page_no - 1) / 8];
    uint8_t bit = (uint8_t)(1u << ((page_no - 1) & 7));
    bool is_new = (*byte & bit) == 0;
    *byte |= bit;
    return is_new;
}

/* ---- what is on a page besides its cells ---- */

/* Free blocks; their sum is added to *sum. False: the list lies. */
static enum kl_rc add_free(struct kl_sqlite *s, const struct kl_sqlite_node *n, uint64_t *sum,
                           bool *out_good)
{
    uint32_t at = kl_sqlite_be16(n->page + n->head + 1);
    uint32_t before = 0;

    *out_good = false;
    while (at != 0) {
        if (at < n->content || at <= before || at > s->usable - 4) {
            return KL_OK;
        }
        uint32_t len = kl_sqlite_be16(n->page + at + 2);
        if (len < 4 || len > s->usable - at) {
            return KL_OK;
        }
        struct kl_span block = kl_span_make(n->page + at, len);
        KL_TRY(kl_leftover_add_bytes(&s->left, n->at + at + 4, kl_span_part(block, 4, len)));
        KL_TRY(kl_sqlite_carve_note(s, n->at + at, block, true));
        *sum += len;
        before = at;
        at = kl_sqlite_be16(n->page + at);
    }
    *out_good = true;
    return KL_OK;
}

/* `cells` bytes of the page are cells that were read: is all the rest known to be free? */
static enum kl_rc add_rest(struct kl_sqlite *s, const struct kl_sqlite_node *n, uint64_t cells)
{
    uint32_t gap = n->cells + 2 * n->n_cells;
    uint64_t sum = cells + n->page[n->head + 7] + (n->content - gap);
    bool is_good = false;

    KL_TRY(add_free(s, n, &sum, &is_good));
    KL_TRY(
        kl_sqlite_carve_note(s, n->at + gap, kl_span_make(n->page + gap, n->content - gap), false));
    if (!is_good || sum != s->usable - gap) {
        return kl_leftover_add_bytes(&s->left, n->at, kl_span_make(n->page, s->page_bytes));
    }
    KL_TRY(kl_leftover_add_bytes(&s->left, n->at + gap,
                                 kl_span_make(n->page + gap, n->content - gap)));
    return kl_leftover_add_bytes(&s->left, n->at + s->usable,
                                 kl_span_make(n->page + s->usable, s->page_bytes - s->usable));
}

/* A row with bytes that no cell showed: its part of the page, and its overflow pages. */
static enum kl_rc add_raw(struct kl_sqlite *s, const struct kl_sqlite_node *n,
                          const struct kl_sqlite_cell *c)
{
    uint64_t steps = c->bytes / (s->usable - 4) + 1;
    uint32_t next = s->is_local ? 0 : c->overflow;

    KL_TRY(kl_leftover_add(&s->left, n->at + c->at, n->at + c->end));
    steps = steps < s->follow_pages ? steps : s->follow_pages;
    for (; next != 0 && next <= s->n_visitable && steps > 0; steps--) {
        const uint8_t *page = NULL;
        if (kl_dbpage_get(&s->pages, next - 1, &page) != KL_OK) {
            break;
        }
        uint64_t at = (uint64_t)(next - 1) * s->page_bytes;
        KL_TRY(kl_leftover_add(&s->left, at, at + s->page_bytes));
        next = kl_sqlite_be32(page);
        s->follow_pages--;
    }
    return KL_OK;
}

static enum kl_rc put_cell(struct kl_sqlite *s, const struct kl_sqlite_node *n,
                           const struct kl_sqlite_cell *c, uint32_t page_no, uint32_t cell_no)
{
    struct kl_span payload;
    bool is_whole = false;

    KL_TRY(kl_sqlite_payload_get(s, c, false, &payload, &is_whole));
    if (!is_whole && !s->is_local) {
        KL_TRY(kl_emit_anomaly(s->e, "sqlite.overflow"));
    }
    KL_TRY(kl_sqlite_record_put(s, payload, c));
    if (s->has_file && !s->is_local) {
        struct kl_sqlite_document d = {page_no, cell_no};
        enum kl_rc rc = kl_emit_charge_member(s->e);
        if (rc == KL_OK) {
            rc = kl_buf_add(&s->documents, &d, sizeof d);
        }
        if (rc != KL_E_LIMIT) {
            return rc;
        }
    }
    return s->has_raw ? add_raw(s, n, c) : KL_OK;
}

enum kl_rc kl_sqlite_node_put(struct kl_sqlite *s, const struct kl_sqlite_node *n, uint32_t page_no)
{
    uint64_t sum = 0;
    bool is_lie = false;

    for (uint32_t i = 0; i < n->n_cells; i++) {
        struct kl_sqlite_cell c;
        if (!kl_sqlite_cell_read(s, n, i, &c)) {
            is_lie = true;
            continue;
        }
        sum += c.end - c.at;
        /* More than a page of cells on a page: they overlap, the rest of them say nothing new. */
        if (sum > s->usable) {
            is_lie = true;
            break;
        }
        if (c.has_payload) {
            KL_TRY(put_cell(s, n, &c, page_no, i));
        }
    }
    if (is_lie) {
        KL_TRY(kl_emit_anomaly(s->e, "sqlite.page"));
        return kl_leftover_add(&s->left, n->at, n->at + s->page_bytes);
    }
    return add_rest(s, n, sum);
}

/* ---- trees ---- */

struct step {
    uint32_t page;
    uint32_t next; /* child: 0 to n_cells, the last is the one to the right */
};

/* Read page `no` into s->page. */
static enum kl_rc fetch(struct kl_sqlite *s, uint32_t no, struct kl_sqlite_node *out_n)
{
    const uint8_t *page = NULL;
    KL_TRY(kl_dbpage_get(&s->pages, no - 1, &page));
    memcpy(s->page, page, s->page_bytes);
    uint64_t at = (uint64_t)(no - 1) * s->page_bytes;
    return kl_sqlite_node_read(s, s->page, at, no == 1, out_n) ? KL_OK : KL_E_FORMAT;
}

/* Enter a page: its rows are written; *out_inner: it has children. */
static enum kl_rc enter_page(struct kl_sqlite *s, uint32_t no, bool *out_inner)
{
    struct kl_sqlite_node n;

    *out_inner = false;
    if (no == 0 || no > s->n_visitable || (s->visited[(no - 1) / 8] >> ((no - 1) & 7) & 1) != 0) {
        return kl_emit_anomaly(s->e, "sqlite.tree");
    }
    if (fetch(s, no, &n) != KL_OK) {
        return kl_emit_anomaly(s->e, "sqlite.tree"); /* not taken: it is seen with the unreached */
    }
    (void)kl_sqlite_take(s, no);
    *out_inner = n.type == INNER_INDEX || n.type == INNER_TABLE;
    return kl_sqlite_node_put(s, &n, no);
}

/* The next child of the step on top; false: there is none. */
static bool child_get(struct kl_sqlite *s, struct step *top, uint32_t *out_child)
{
    struct kl_sqlite_node n;
    struct kl_sqlite_cell c;
    const uint8_t *page = NULL;

    if (kl_dbpage_get(&s->pages, top->page - 1, &page) != KL_OK ||
        !kl_sqlite_node_read(s, page, 0, top->page == 1, &n)) {
        return false;
    }
    while (top->next < n.n_cells) {
        if (kl_sqlite_cell_read(s, &n, top->next++, &c)) {
            *out_child = c.child;
            return true;
        }
    }
    *out_child = n.right;
    return top->next++ == n.n_cells;
}

enum kl_rc kl_sqlite_tree_put(struct kl_sqlite *s, uint32_t root)
{
    struct step stack[MAX_DEPTH];
    unsigned depth = 0;
    bool is_inner = false;

    KL_TRY(enter_page(s, root, &is_inner));
    if (is_inner) {
        stack[depth++] = (struct step){root, 0};
    }
    while (depth > 0) {
        uint32_t child = 0;
        if (!child_get(s, &stack[depth - 1], &child)) {
            depth--;
            continue;
        }
        KL_TRY(enter_page(s, child, &is_inner));
        if (is_inner && depth < MAX_DEPTH) {
            stack[depth++] = (struct step){child, 0};
        } else if (is_inner) {
            KL_TRY(kl_emit_anomaly(s->e, "sqlite.tree"));
        }
    }
    return KL_OK;
}
