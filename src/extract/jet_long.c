#include "extract/jet.h"

#include <stdio.h>

#include "extract/extract.h"
#include "extract/inflate.h"
#include "extract/member.h"

#define INLINE 0x80000000u
#define SINGLE 0x40000000u
#define LENGTH 0x3FFFFFFFu
#define HEAD_BYTES 12u
#define STEP_COST 64u         /* bytes of the budget that a pointer costs at least */
#define GATHER_BYTES 1048576u /* text that is decoded in one go */
#define PEEK_BYTES 1024u      /* how far into a value a file's signature is looked for */

/* ---- pointers ---- */

static struct kl_jet_long_page *long_page_find(const struct kl_jet *j, uint32_t page)
{
    struct kl_jet_long_page *l = (struct kl_jet_long_page *)(void *)j->long_pages.ptr;
    size_t lo = 0;
    size_t hi = j->long_pages.len / sizeof *l;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (l[mid].page == page) {
            return &l[mid];
        }
        if (l[mid].page < page) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

static void mark_reached(const struct kl_jet *j, uint32_t pointer)
{
    struct kl_jet_long_page *l = long_page_find(j, pointer >> 8);
    if (l != NULL && (pointer & 0xFF) < 64) {
        l->reached |= 1ull << (pointer & 0xFF);
    }
}

enum kl_rc kl_jet_follow(struct kl_jet *j, uint32_t pointer, struct kl_span *out_bytes)
{
    struct kl_jet_slot slot;
    const uint8_t *page = NULL;

    if (j->is_forward || j->follow_bytes < STEP_COST) {
        return KL_E_FORMAT;
    }
    if (kl_dbpage_get(&j->pages, pointer >> 8, &page) != KL_OK || page[0] != 1) {
        return KL_E_FORMAT;
    }
    memcpy(j->follow, page, j->page_bytes);
    if ((pointer & 0xFF) >= kl_jet_rows_get(j, j->follow) ||
        !kl_jet_slot_get(j, j->follow, pointer & 0xFF, &slot)) {
        return KL_E_FORMAT;
    }
    uint64_t cost = slot.bytes.len > STEP_COST ? slot.bytes.len : STEP_COST;
    j->follow_bytes -= cost < j->follow_bytes ? cost : j->follow_bytes;
    *out_bytes = slot.bytes;
    return KL_OK;
}

/* ---- the pieces of a value, one after the other ---- */

struct chain {
    struct kl_jet *j;
    uint32_t pointer; /* of the next piece; 0: none */
    uint32_t left;
    bool is_single;
    bool is_marking; /* what was read counts as seen */
    bool is_broken;
};

static struct chain chain_start(struct kl_jet *j, uint32_t length, uint32_t pointer, bool marks)
{
    return (struct chain){j, pointer, length & LENGTH, (length & SINGLE) != 0, marks, false};
}

/* The next piece, in j->follow; empty: the end, or a break. */
static struct kl_span chain_next(struct chain *c)
{
    struct kl_span bytes = {NULL, 0};

    if (c->left == 0 || c->pointer == 0) {
        c->is_broken |= c->left > 0;
        return bytes;
    }
    uint32_t at = c->pointer;
    if (kl_jet_follow(c->j, at, &bytes) != KL_OK || (!c->is_single && bytes.len < 4)) {
        c->is_broken = true;
        return kl_span_make(NULL, 0);
    }
    c->pointer = 0;
    if (!c->is_single) {
        c->pointer = kl_jet_le32(bytes.ptr);
        bytes = kl_span_part(bytes, 4, bytes.len);
    }
    if (bytes.len <= c->left && c->is_marking) {
        mark_reached(c->j, at);
    }
    bytes = kl_span_part(bytes, 0, c->left);
    c->left -= (uint32_t)bytes.len;
    return bytes;
}

/* ---- text ---- */

static enum kl_rc put_chain(struct kl_jet *j, struct chain *c)
{
    struct kl_buf text;
    enum kl_rc rc = KL_OK;

    kl_buf_init(&text, GATHER_BYTES + 4096);
    for (struct kl_span s = chain_next(c); s.len > 0 && rc == KL_OK; s = chain_next(c)) {
        rc = kl_buf_add(&text, s.ptr, s.len);
        if (text.len >= GATHER_BYTES) {
            kl_jet_text_put(j, kl_span_make(text.ptr, text.len & ~(size_t)1));
            memmove(text.ptr, text.ptr + (text.len & ~(size_t)1), text.len & 1);
            text.len &= 1;
        }
    }
    if (text.len > 0) {
        kl_jet_text_put(j, kl_buf_span(&text));
    }
    kl_buf_done(&text);
    if (rc == KL_OK && c->is_broken && !j->is_forward) {
        rc = kl_emit_anomaly(j->e, "jet.long");
    }
    return rc;
}

/* ---- values that may hold files ---- */

/* Where a file begins in a value: its own start, behind the head of an OLE package, or nowhere. */
static size_t file_at(struct kl_span head)
{
    static const uint8_t begins[256] = {
        ['P'] = 1, ['%'] = 1,  ['R'] = 1,  ['7'] = 1,  ['G'] = 1, ['B'] = 1,
        ['S'] = 1, [0xD0] = 1, [0x89] = 1, [0xFF] = 1, [0x1F] = 1};
    for (size_t at = 0; at + 8 < head.len && at < PEEK_BYTES; at++) {
        if (begins[head.ptr[at]] == 0) {
            continue;
        }
        enum kl_format f = kl_sniff(kl_span_part(head, at, at + 16));
        if (f != KL_FORMAT_NONE && f != KL_FORMAT_TEXT && f != KL_FORMAT_BINARY) {
            return at;
        }
    }
    return head.len;
}

/* An attachment: 1 (deflated) or 0, the length of what follows. */
static bool is_attachment(struct kl_span v, uint32_t length)
{
    return v.len >= 10 && kl_jet_le32(v.ptr) == 1 && (v.ptr[8] & 0x0F) == 8 &&
           ((uint32_t)v.ptr[8] << 8 | v.ptr[9]) % 31 == 0 && (length & LENGTH) > 10;
}

static enum kl_rc document_keep(struct kl_jet *j, uint32_t length, uint32_t pointer,
                                struct kl_span inlined)
{
    struct kl_jet_document d = {j->table, length, pointer, (uint32_t)inlined.len};

    if (inlined.len > 0) {
        d.pointer = (uint32_t)j->inlined.len;
    }
    enum kl_rc rc = kl_buf_add(&j->inlined, inlined.ptr, inlined.len);
    if (rc == KL_OK) {
        rc = kl_buf_add(&j->documents, &d, sizeof d);
    }
    if (rc == KL_E_LIMIT) {
        j->has_raw = true; /* it is seen by its views only */
        return KL_OK;
    }
    return rc;
}

enum kl_rc kl_jet_long_put(struct kl_jet *j, const struct kl_jet_column *c, struct kl_span value)
{
    uint32_t length = kl_jet_le32(value.ptr);
    uint32_t pointer = kl_jet_le32(value.ptr + 4);
    struct kl_span inlined = kl_span_part(value, HEAD_BYTES, value.len);
    bool is_memo = c->type == KL_JET_MEMO;
    uint8_t peek[PEEK_BYTES + 16];

    if ((length & INLINE) != 0) {
        if (is_memo || kl_dbrow_is_text(inlined)) {
            kl_jet_text_put(j, inlined);
            return KL_OK;
        }
        j->has_raw = true;
        return is_attachment(inlined, length) || file_at(inlined) < inlined.len
                   ? document_keep(j, length, pointer, inlined)
                   : KL_OK;
    }
    struct chain all = chain_start(j, length, pointer, true);
    if (is_memo) {
        return put_chain(j, &all);
    }
    struct chain first = chain_start(j, length, pointer, false);
    struct kl_span head = chain_next(&first);
    head = kl_span_part(head, 0, sizeof peek);
    if (head.len > 0) {
        memcpy(peek, head.ptr, head.len);
    }
    head.ptr = peek;
    if (head.len > 0 && kl_dbrow_is_text(head)) {
        for (struct kl_span s = chain_next(&all); s.len > 0; s = chain_next(&all)) {
            kl_dbrow_text(&j->row, s);
        }
        return KL_OK;
    }
    if (is_attachment(head, length) || file_at(head) < head.len) {
        return document_keep(j, length, pointer, kl_span_make(NULL, 0));
    }
    return KL_OK; /* no piece of it was marked: its pages are left over */
}

/* The whole value, at most what a member may hold in memory; the rest stays left over. */
static enum kl_rc document_read(struct kl_jet *j, const struct kl_jet_document *d,
                                struct kl_buf *out)
{
    if (d->inline_len > 0) {
        return kl_buf_add(out, j->inlined.ptr + d->pointer, d->inline_len);
    }
    struct chain c = chain_start(j, d->length, d->pointer, true);
    for (struct kl_span s = chain_next(&c); s.len > 0; s = chain_next(&c)) {
        enum kl_rc rc = kl_buf_add(out, s.ptr, s.len);
        if (rc == KL_E_LIMIT) {
            return kl_emit_anomaly(j->e, "jet.document");
        }
        KL_TRY(rc);
    }
    return c.is_broken ? kl_emit_anomaly(j->e, "jet.long") : KL_OK;
}

/* Deflated content: a short head with the name's ending, then the file. */
static enum kl_rc attachment_extract(struct kl_jet *j, struct kl_span v)
{
    struct kl_input in = kl_input_mem(kl_span_part(v, 10, v.len)); /* behind zlib's own head */
    struct kl_inflate *z = NULL;
    struct kl_buf out;
    size_t n = 1;

    KL_TRY(kl_inflate_new(&z));
    kl_inflate_start(z, &in, 0, in.len_bytes, false);
    kl_buf_init(&out, KL_MAX_WHOLE_MEMBER);
    enum kl_rc rc = KL_OK;
    while (rc == KL_OK && n > 0) {
        rc = kl_buf_room(&out, 65536);
        if (rc == KL_OK) {
            rc = kl_inflate_read(z, out.ptr + out.len, 65536, &n);
            out.len += rc == KL_OK ? n : 0;
        }
    }
    kl_inflate_free(&z);
    if (rc == KL_E_FORMAT || rc == KL_E_LIMIT) {
        rc = kl_emit_anomaly(j->e, "jet.attachment");
    }
    if (rc == KL_OK) {
        rc = kl_emit_charge_expanded(j->e, out.len);
    }
    if (rc == KL_OK) {
        struct kl_span file = kl_buf_span(&out);
        uint32_t head = file.len > 4 ? kl_jet_le32(file.ptr) : 0;
        file = kl_span_part(file, head < file.len && head < 64 ? head : 0, file.len);
        struct kl_input file_in = kl_input_mem(file);
        rc = file.len > 0 ? kl_extract_nested(j->e, &file_in) : KL_OK;
    } else if (rc == KL_E_LIMIT) {
        rc = kl_emit_not_inspected(j->e, KL_REASON_LIMIT, v.len);
    }
    kl_buf_done(&out);
    return rc;
}

static enum kl_rc document_extract(struct kl_jet *j, const struct kl_jet_document *d)
{
    struct kl_buf buf;

    kl_buf_init(&buf, kl_member_whole_max(j->e));
    enum kl_rc rc = document_read(j, d, &buf);
    if (rc == KL_OK && buf.len > 0) {
        struct kl_span v = kl_buf_span(&buf);
        if (is_attachment(v, d->length)) {
            rc = attachment_extract(j, v);
        } else {
            size_t at = file_at(kl_span_part(v, 0, PEEK_BYTES + 16));
            struct kl_input in = kl_input_mem(kl_span_part(v, at < v.len ? at : 0, v.len));
            struct kl_input front = kl_input_mem(kl_span_part(v, 0, at < v.len ? at : 0));
            rc = kl_extract_nested(j->e, &in);
            if (rc == KL_OK && front.len_bytes > 0) {
                rc = kl_extract_binary(j->e, &front);
            }
        }
    }
    kl_buf_done(&buf);
    return rc;
}

enum kl_rc kl_jet_documents_extract(struct kl_jet *j)
{
    const struct kl_jet_document *d =
        (const struct kl_jet_document *)(const void *)j->documents.ptr;
    size_t n = j->documents.len / sizeof *d;
    char name[32];

    for (size_t i = 0; i < n; i++) {
        enum kl_rc rc = kl_emit_charge_member(j->e);
        if (rc == KL_E_LIMIT) {
            return KL_OK; /* no piece of it was marked: its pages are left over */
        }
        KL_TRY(rc);
        (void)snprintf(name, sizeof name, "value-%zu", i + 1);
        rc = kl_emit_enter(j->e, kl_span_str(name), 0);
        if (rc == KL_E_LIMIT) {
            return KL_OK;
        }
        KL_TRY(rc);
        rc = document_extract(j, &d[i]);
        kl_emit_leave(j->e);
        KL_TRY(rc);
    }
    return KL_OK;
}

enum kl_rc kl_jet_long_leftover(struct kl_jet *j)
{
    const struct kl_jet_long_page *l =
        (const struct kl_jet_long_page *)(const void *)j->long_pages.ptr;
    size_t n = j->long_pages.len / sizeof *l;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *page = NULL;
        uint64_t at = (uint64_t)l[i].page * j->page_bytes;
        if (kl_dbpage_get(&j->pages, l[i].page, &page) != KL_OK) {
            continue; /* the views say so */
        }
        unsigned rows = kl_jet_rows_get(j, page);
        struct kl_jet_slot slot;
        size_t low = j->page_bytes;
        bool all = rows <= 64;
        for (unsigned k = 0; k < rows && all; k++) {
            all = kl_jet_slot_get(j, page, k, &slot) &&
                  (slot.bytes.len == 0 || (l[i].reached >> k & 1) != 0);
            low = all ? (size_t)(slot.bytes.ptr - page) : low;
        }
        size_t head = (j->is_jet3 ? 10u : 14u) + 2 * (size_t)rows;
        size_t from = all ? head : 0;
        size_t to = all ? low : j->page_bytes;
        if (from < to) {
            KL_TRY(
                kl_leftover_add_bytes(&j->left, at + from, kl_span_make(page + from, to - from)));
        }
    }
    return KL_OK;
}
