/* Rows that were deleted: their cells still stand in the free space of their page. */
#include "extract/pairsort.h"
#include "extract/sqlite.h"

#define MAX_CARVED_HEAD 128u /* bytes: of the head of a record that is looked for */
#define LOST_BYTES 4u        /* the list of free blocks overwrote as many of the first cell */

static uint64_t value_bytes(uint64_t type)
{
    static const uint8_t fixed[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < 12 ? fixed[type] : (type - 12) / 2;
}

/* Types from `at` to `end` (or `n` of them, when n > 0): bytes of their values, UINT64_MAX: none.
 */
static uint64_t types_sum(struct kl_sqlite *s, struct kl_span b, size_t *at, size_t end, unsigned n)
{
    uint64_t sum = 0;
    uint64_t type = 0;
    unsigned text = 0;
    unsigned done = 0;

    for (; n > 0 ? done < n : *at < end; done++) {
        if (!kl_sqlite_varint(b, at, &type) || type == 10 || type == 11 || sum > b.len) {
            return UINT64_MAX;
        }
        s->carve_steps -= s->carve_steps > 0;
        text += type >= 13 && type % 2 == 1;
        sum += value_bytes(type);
    }
    return text > 0 && (n > 0 || *at == end) ? sum : UINT64_MAX;
}

/* A whole record at `at` that ends within b: its length, else 0. */
static size_t record_at(struct kl_sqlite *s, struct kl_span b, size_t at, uint64_t claimed)
{
    uint64_t head = 0;
    size_t p = at;

    if (!kl_sqlite_varint(b, &p, &head) || head < 2 || head > MAX_CARVED_HEAD ||
        head > b.len - at) {
        return 0;
    }
    uint64_t sum = types_sum(s, b, &p, at + (size_t)head, 0);
    if (sum == UINT64_MAX || head + sum > b.len - at || (claimed != 0 && head + sum != claimed)) {
        return 0;
    }
    return (size_t)(head + sum);
}

static enum kl_rc put_carved(struct kl_sqlite *s, struct kl_span record)
{
    struct kl_sqlite_cell c = {.rowid = INT64_MIN, .has_payload = true, .bytes = record.len};
    return kl_sqlite_record_put(s, record, &c);
}

/* A cell at `at`: *out_n its length, 0 when there is none. */
static enum kl_rc carve_cell(struct kl_sqlite *s, struct kl_span b, size_t at, size_t *out_n)
{
    uint64_t payload = 0;
    uint64_t rowid = 0;
    size_t p = at;

    *out_n = 0;
    if (!kl_sqlite_varint(b, &p, &payload) || payload < 3 || payload > b.len - p ||
        !kl_sqlite_varint(b, &p, &rowid)) {
        return KL_OK;
    }
    size_t n = record_at(s, b, p, payload);
    if (n == 0) {
        return KL_OK;
    }
    *out_n = p + n - at;
    return put_carved(s, kl_span_part(b, p, p + n));
}

/*
 * The first cell of a free block, of which four bytes are gone: its head follows them, or only the
 * length of its head is gone too and the tree's other rows tell how many columns there were.
 */
static enum kl_rc carve_first(struct kl_sqlite *s, struct kl_span b, size_t *out_n)
{
    uint8_t record[MAX_CARVED_HEAD + 1];
    size_t n = record_at(s, b, LOST_BYTES, 0);
    size_t p = LOST_BYTES;

    *out_n = 0;
    if (n > 0) {
        *out_n = LOST_BYTES + n;
        return put_carved(s, kl_span_part(b, LOST_BYTES, LOST_BYTES + n));
    }
    if (s->n_columns == 0 || s->n_columns > MAX_CARVED_HEAD / 2) {
        return KL_OK;
    }
    uint64_t sum = types_sum(s, b, &p, 0, s->n_columns);
    if (sum == UINT64_MAX || sum > b.len - p || p - LOST_BYTES >= MAX_CARVED_HEAD) {
        return KL_OK;
    }
    /* The head again, with its length, in front of the values: as one record. */
    size_t head = p - LOST_BYTES + 1;
    s->payload.len = 0;
    record[0] = (uint8_t)head;
    memcpy(record + 1, b.ptr + LOST_BYTES, head - 1);
    KL_TRY(kl_buf_add(&s->payload, record, head));
    KL_TRY(kl_buf_add(&s->payload, b.ptr + p, (size_t)sum));
    *out_n = p + (size_t)sum;
    return put_carved(s, kl_buf_span(&s->payload));
}

static enum kl_rc carve(struct kl_sqlite *s, struct kl_span b, bool is_block)
{
    size_t n = 0;
    size_t at = 0;

    if (is_block && b.len > LOST_BYTES) {
        KL_TRY(carve_first(s, b, &n));
        at = n;
    }
    while (at < b.len && s->carve_steps > 0) {
        s->carve_steps--;
        KL_TRY(carve_cell(s, b, at, &n));
        at += n > 0 ? n : 1;
    }
    return KL_OK;
}

enum kl_rc kl_sqlite_carve_note(struct kl_sqlite *s, uint64_t at, struct kl_span bytes,
                                bool is_block)
{
    struct kl_pair p = {at, (uint64_t)bytes.len << 1 | is_block};

    if (bytes.len < LOST_BYTES + 3 || memcmp(bytes.ptr + 4, bytes.ptr + 5, bytes.len - 5) == 0) {
        return KL_OK;
    }
    enum kl_rc rc = kl_buf_add(&s->carved, &p, sizeof p);
    return rc == KL_E_LIMIT ? KL_OK : rc; /* it is left over for the views in any case */
}

static enum kl_rc carve_all(struct kl_sqlite *s)
{
    unsigned n_columns = s->n_columns;

    for (size_t i = 0; i < s->carved.len / sizeof(struct kl_pair); i++) {
        struct kl_pair p;
        size_t n = 0;
        memcpy(&p, s->carved.ptr + i * sizeof p, sizeof p);
        size_t want = (size_t)(p.value >> 1);
        s->n_columns = n_columns;
        if (kl_input_read(s->in, p.key, s->page, want, &n) == KL_OK) {
            KL_TRY(carve(s, kl_span_make(s->page, n), (p.value & 1) != 0));
        }
    }
    return KL_OK;
}

enum kl_rc kl_sqlite_carve_put(struct kl_sqlite *s)
{
    if (s->carved.len == 0 || kl_emit_depth(s->e) >= KL_MAX_NESTING) {
        return KL_OK;
    }
    KL_TRY(kl_emit_enter(s->e, KL_SPAN_LIT("deleted"), 0));
    enum kl_rc rc = kl_emit_part_begin(s->e, KL_PART_TABLE);
    if (rc == KL_OK) {
        bool is_schema = s->is_schema;
        s->is_schema = false; /* a table that was dropped has no tree any more */
        rc = carve_all(s);
        s->is_schema = is_schema;
        enum kl_rc flushed = kl_dbrow_flush(&s->row);
        enum kl_rc ended = kl_emit_part_end(s->e);
        rc = rc != KL_OK ? rc : flushed != KL_OK ? flushed : ended;
    }
    kl_emit_leave(s->e);
    s->carved.len = 0;
    return rc;
}
