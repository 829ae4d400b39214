#include "extract/zip.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMBER_NAME_BYTES 4096u /* kept of a name; a path holds no more */
#define SMALL_GAP_BYTES 64u     /* descriptors, padding, a central record of a broken zip */

enum kl_rc kl_zip_add(struct kl_zip *zip, const struct kl_zip_member *m, struct kl_span name)
{
    name = kl_span_part(name, 0, MEMBER_NAME_BYTES);
    enum kl_rc rc = zip->past_bytes > 0 ? KL_E_LIMIT : kl_emit_charge_member(zip->e);
    if (rc == KL_OK) {
        rc = kl_buf_add(&zip->names, name.ptr, name.len);
    }
    if (rc == KL_E_LIMIT) {
        uint64_t add = m->comp_bytes + 30u + name.len;
        zip->past_bytes =
            add > UINT64_MAX / 2 - zip->past_bytes ? UINT64_MAX / 2 : zip->past_bytes + add;
    }
    if (rc != KL_OK) {
        return rc;
    }
    if (zip->n == zip->cap) {
        size_t cap = zip->cap == 0 ? 16 : zip->cap * 2;
        struct kl_zip_member *grown = realloc(zip->m, cap * sizeof *grown);
        if (grown == NULL) {
            return KL_E_NOMEM;
        }
        zip->m = grown;
        zip->cap = cap;
    }
    struct kl_zip_member *to = &zip->m[zip->n++];
    *to = *m;
    to->name_at = (uint32_t)(zip->names.len - name.len);
    to->name_len = (uint16_t)name.len;
    to->share_bytes = m->comp_bytes;
    return KL_OK;
}

struct kl_span kl_zip_name(const struct kl_zip *zip, const struct kl_zip_member *m)
{
    return kl_span_part(kl_buf_span(&zip->names), m->name_at, (size_t)m->name_at + m->name_len);
}

static bool is_before(const struct kl_zip_member *x, const struct kl_zip_member *y)
{
    return x->head_at != y->head_at ? x->head_at < y->head_at : x < y;
}

static void sift_down(struct kl_zip_member **heap, size_t at, size_t n)
{
    struct kl_zip_member *m = heap[at];
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && is_before(heap[child], heap[child + 1]);
        if (!is_before(m, heap[child])) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = m;
}

/* By place. A heap sort, not qsort: glibc's asks the kernel how much memory there is, which the
 * cage forbids. */
static void sort(struct kl_zip_member **order, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) {
        sift_down(order, i, n);
    }
    for (size_t end = n; end-- > 1;) {
        struct kl_zip_member *last = order[0];
        order[0] = order[end];
        order[end] = last;
        sift_down(order, 0, end);
    }
}

static enum kl_rc add_gap(struct kl_zip *zip, const char *what, uint64_t from, uint64_t to)
{
    char name[64];
    int len = snprintf(name, sizeof name, "(%s at %llu)", what, (unsigned long long)from);
    struct kl_zip_member m = {.head_at = from,
                              .data_at = from,
                              .comp_bytes = to - from,
                              .plain_bytes = to - from,
                              .no_crc = true};
    enum kl_rc rc = kl_zip_add(zip, &m, kl_span_make(name, (size_t)len));
    return rc == KL_E_LIMIT ? KL_OK : rc;
}

/* Bytes that no member, directory or end record accounts for are members of their own. */
static enum kl_rc add_gaps(struct kl_zip *zip, struct kl_zip_member **order, size_t n)
{
    uint64_t at = 0;
    for (size_t i = 0; i <= n; i++) {
        uint64_t next = i < n ? order[i]->head_at : zip->covered_to;
        if (next > at && next - at > SMALL_GAP_BYTES && next <= zip->in->len_bytes) {
            KL_TRY(kl_emit_anomaly(zip->e, at == 0 ? "zip.prefix" : "zip.gap"));
            KL_TRY(add_gap(zip, "bytes", at, next));
        }
        if (i < n && order[i]->state == KL_ZIP_STATE_NONE) {
            uint64_t end = order[i]->data_at + order[i]->comp_bytes;
            at = end > at ? end : at;
        }
    }
    uint64_t len = zip->in->len_bytes;
    uint64_t end = zip->end_at;
    if (zip->comment_bytes > 0 && zip->comment_bytes <= len - end) {
        KL_TRY(add_gap(zip, "comment", end, end + zip->comment_bytes));
        end += zip->comment_bytes;
    }
    if (end < len) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.suffix"));
        KL_TRY(add_gap(zip, "bytes", end, len));
    }
    return KL_OK;
}

/* A member that begins inside an earlier one is refused: zip bombs live from that. */
static void refuse_overlaps(struct kl_zip_member **order, size_t n)
{
    uint64_t end = 0;
    for (size_t i = 0; i < n; i++) {
        struct kl_zip_member *m = order[i];
        if (m->state != KL_ZIP_STATE_NONE) {
            continue;
        }
        uint64_t m_end = m->data_at + m->comp_bytes;
        if (m->head_at < end) {
            m->state = KL_ZIP_STATE_OVERLAP;
            /* Only what the earlier ones do not cover is lost. */
            m->share_bytes = m_end > end ? m_end - end : 1;
        }
        end = m_end > end ? m_end : end;
    }
}

static enum kl_rc order_members(struct kl_zip *zip)
{
    size_t n = zip->n;
    struct kl_zip_member **order =
        malloc((n + 1) * sizeof *order); /* NOLINT(bugprone-sizeof-expression) */
    if (order == NULL) {
        return KL_E_NOMEM;
    }
    /* Room first: add_gaps must not move what `order` points at. */
    enum kl_rc rc = KL_OK;
    size_t cap = n * 2 + 4;
    struct kl_zip_member *grown = realloc(zip->m, cap * sizeof *grown);
    if (grown == NULL) {
        rc = KL_E_NOMEM;
    } else {
        zip->m = grown;
        zip->cap = cap;
        for (size_t i = 0; i < n; i++) {
            order[i] = &zip->m[i];
        }
        sort(order, n);
        refuse_overlaps(order, n);
        zip->n_real = n;
        rc = add_gaps(zip, order, n);
    }
    free(order);
    return rc;
}

enum kl_rc kl_zip_index(struct kl_zip *zip)
{
    bool found = false;
    KL_TRY(kl_zip_index_central(zip, &found));
    if (!found) {
        KL_TRY(kl_emit_anomaly(zip->e, "zip.central"));
        zip->n = 0;
        zip->names.len = 0;
        zip->past_bytes = 0;
        zip->comment_bytes = 0;
        zip->is_central = false;
        KL_TRY(kl_zip_index_local(zip));
    }
    if (zip->n == 0) {
        return KL_OK;
    }
    return order_members(zip);
}
