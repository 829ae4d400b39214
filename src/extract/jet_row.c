#include "extract/jet.h"

#define DELETED 0x8000u
#define POINTER 0x4000u
#define OFFSET 0x1FFFu

static unsigned head_bytes(const struct kl_jet *j)
{
    return j->is_jet3 ? 10 : 14;
}

unsigned kl_jet_rows_get(const struct kl_jet *j, const uint8_t *page)
{
    unsigned head = head_bytes(j);
    unsigned n = kl_jet_le16(page + head - 2);
    unsigned max = (j->page_bytes - head) / 2;
    return n < max ? n : max;
}

bool kl_jet_slot_get(const struct kl_jet *j, const uint8_t *page, unsigned no,
                     struct kl_jet_slot *out_s)
{
    unsigned head = head_bytes(j);
    unsigned raw = kl_jet_le16(page + head + 2 * no);
    unsigned from = raw & OFFSET;
    unsigned to = no == 0 ? j->page_bytes : kl_jet_le16(page + head + 2 * no - 2) & OFFSET;

    if (from < head + 2 * kl_jet_rows_get(j, page) || from > to || to > j->page_bytes) {
        return false;
    }
    out_s->bytes = kl_span_make(page + from, to - from);
    out_s->is_deleted = (raw & DELETED) != 0;
    out_s->is_pointer = (raw & POINTER) != 0;
    return true;
}

/* Offsets of one byte; the jump table tells from which column on 256 more are added. */
static bool crack_jet3(struct kl_jet_fields *f)
{
    const uint8_t *p = f->row.ptr;
    size_t last = f->row.len - 1;
    size_t end = last - f->n_nulls; /* of the count of variable columns */

    f->n_var = p[end];
    size_t jumps = last / 256;
    if (end < jumps + 1) {
        return false;
    }
    size_t table = end - jumps - 1;
    if (table < f->n_var) {
        return false;
    }
    jumps -= (table - f->n_var) / 256 < jumps; /* the last may be a dummy */
    size_t used = 0;
    for (unsigned i = 0; i <= f->n_var; i++) {
        while (used < jumps && p[end - used - 1] == i) {
            used++;
        }
        f->var_at[i] = (uint16_t)(p[table - i] + used * 256);
    }
    return true;
}

static bool crack_jet4(struct kl_jet_fields *f)
{
    const uint8_t *p = f->row.ptr;
    size_t end = f->row.len - f->n_nulls;

    if (end < 4) {
        return false;
    }
    f->n_var = kl_jet_le16(p + end - 2);
    if (f->n_var > 255 || end < 4 + 2 * (size_t)f->n_var) {
        return false;
    }
    for (unsigned i = 0; i <= f->n_var; i++) {
        f->var_at[i] = (uint16_t)kl_jet_le16(p + end - 4 - 2 * (size_t)i);
    }
    return true;
}

bool kl_jet_row_crack(const struct kl_jet *j, struct kl_span row, struct kl_jet_fields *out_f)
{
    unsigned head = j->is_jet3 ? 1 : 2;

    if (row.len < head + 1) {
        return false;
    }
    out_f->row = row;
    out_f->n_columns = j->is_jet3 ? row.ptr[0] : kl_jet_le16(row.ptr);
    out_f->n_nulls = (out_f->n_columns + 7) / 8;
    out_f->n_var = 0;
    if (out_f->n_columns == 0 || out_f->n_columns > 256 || row.len < head + out_f->n_nulls + 1) {
        return false;
    }
    out_f->nulls = row.ptr + row.len - out_f->n_nulls;
    return true;
}

bool kl_jet_row_crack_var(const struct kl_jet *j, struct kl_jet_fields *f)
{
    return j->is_jet3 ? crack_jet3(f) : crack_jet4(f);
}

bool kl_jet_field_is_set(const struct kl_jet_fields *f, const struct kl_jet_column *c)
{
    return c->number < f->n_columns && (f->nulls[c->number / 8] >> (c->number & 7) & 1) != 0;
}

struct kl_span kl_jet_field_get(const struct kl_jet *j, const struct kl_jet_fields *f,
                                const struct kl_jet_column *c)
{
    size_t from = (size_t)c->fixed_at + (j->is_jet3 ? 1 : 2);
    size_t to = from + c->len;

    if (!c->is_fixed) {
        if (c->var_no >= f->n_var) {
            return kl_span_make(NULL, 0);
        }
        from = f->var_at[c->var_no];
        to = f->var_at[c->var_no + 1];
    }
    if (!kl_jet_field_is_set(f, c) || from > to || to > f->row.len - f->n_nulls) {
        return kl_span_make(NULL, 0);
    }
    return kl_span_make(f->row.ptr + from, to - from);
}
