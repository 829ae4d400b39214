#include "extract/zip.h"

#include <stdlib.h>

#define SIG_LOCAL 0x04034b50u
#define SIG_CENTRAL 0x02014b50u
#define SIG_DESCRIPTOR 0x08074b50u
#define LOCAL_BYTES 30u
#define DESCRIPTOR_BYTES 16u
#define CHUNK_BYTES 65536u
#define NAME_BYTES 65535u

/* The walk over local headers, for a zip without a usable central directory. */
struct walk {
    struct kl_zip *zip;
    uint64_t expanded; /* bytes inflated only to find where members end */
    uint8_t *buf;      /* CHUNK_BYTES + LOCAL_BYTES + NAME_BYTES */
};

/* Offset of the next of up to two signatures from `from` on, or the input's end. */
static uint64_t next_sig(struct walk *w, uint64_t from, uint32_t sig_a, uint32_t sig_b)
{
    uint64_t len = w->zip->in->len_bytes;
    for (uint64_t at = from; at < len; at += CHUNK_BYTES) {
        size_t n = 0;
        if (kl_input_read(w->zip->in, at, w->buf, CHUNK_BYTES + 3, &n) != KL_OK || n < 4) {
            return len;
        }
        const uint8_t *p = w->buf;
        const uint8_t *stop = w->buf + n - 3;
        while (p < stop && (p = memchr(p, 'P', (size_t)(stop - p))) != NULL) {
            struct kl_rd r = kl_rd_init(kl_span_make(p, 4));
            uint32_t sig = kl_rd_le32(&r);
            if (sig == sig_a || sig == sig_b) {
                return at + (uint64_t)(p - w->buf);
            }
            p++;
        }
        if (w->buf[0] == 0 && w->buf[n - 1] == 0) {
            /* Perhaps a hole: on to the chunk in which it ends. */
            uint64_t data = kl_input_data(w->zip->in, at + n - 1);
            at = data > at + CHUNK_BYTES ? data - CHUNK_BYTES - 3 : at;
        }
    }
    return len;
}

/* Inflate to learn where the member ends. */
static enum kl_rc measure(struct walk *w, struct kl_zip_member *m)
{
    uint64_t left = w->zip->in->len_bytes - m->data_at;
    uint64_t plain = 0;
    size_t n = 1;
    enum kl_rc rc = KL_OK;
    kl_inflate_start(w->zip->z, w->zip->in, m->data_at, left, false);
    while (rc == KL_OK && n > 0 && w->expanded < KL_MAX_EXPANDED) {
        rc = kl_inflate_read(w->zip->z, w->buf, CHUNK_BYTES, &n);
        n = rc == KL_OK ? n : 0;
        plain += n;
        w->expanded += n;
    }
    m->comp_bytes = kl_inflate_taken_get(w->zip->z);
    m->plain_bytes = plain;
    if (w->expanded >= KL_MAX_EXPANDED) {
        m->comp_bytes = left;
        m->no_size = true;
    }
    return rc == KL_E_FORMAT ? KL_OK : rc;
}

/* A stored member ends before its descriptor, when there is one. */
static enum kl_rc trim_descriptor(struct walk *w, struct kl_zip_member *m)
{
    uint8_t buf[DESCRIPTOR_BYTES];
    size_t n = 0;
    if (m->comp_bytes < DESCRIPTOR_BYTES) {
        return KL_OK;
    }
    uint64_t comp = m->comp_bytes - DESCRIPTOR_BYTES;
    KL_TRY(kl_input_read(w->zip->in, m->data_at + comp, buf, sizeof buf, &n));
    struct kl_rd r = kl_rd_init(kl_span_make(buf, n));
    uint32_t sig = kl_rd_le32(&r);
    uint32_t crc = kl_rd_le32(&r);
    if (sig == SIG_DESCRIPTOR && kl_rd_le32(&r) == (comp & UINT32_MAX) && kl_rd_ok(&r)) {
        m->comp_bytes = comp;
        m->crc = crc;
        m->no_crc = m->method != 0;
    }
    return KL_OK;
}

static enum kl_rc member_end(struct walk *w, struct kl_zip_member *m)
{
    uint64_t len = w->zip->in->len_bytes;
    bool unknown = (m->flags & KL_ZIP_FLAG_DESCRIPTOR) != 0 && m->comp_bytes == 0;
    m->no_crc = unknown;
    if (unknown && m->method == 8 && (m->flags & KL_ZIP_FLAG_ENCRYPTED) == 0) {
        return measure(w, m);
    }
    if (unknown) {
        m->comp_bytes = next_sig(w, m->data_at, SIG_LOCAL, SIG_CENTRAL) - m->data_at;
        m->no_size = true;
        return trim_descriptor(w, m);
    }
    if (m->comp_bytes > len - m->data_at) {
        m->comp_bytes = len - m->data_at;
        return kl_emit_anomaly(w->zip->e, "zip.truncated");
    }
    return KL_OK;
}

/* The member whose header is at `at`; *out_next is where to go on. */
static enum kl_rc read_member(struct walk *w, uint64_t at, uint64_t *out_next)
{
    uint64_t len = w->zip->in->len_bytes;
    size_t got = 0;
    *out_next = at + 4;
    KL_TRY(kl_input_read(w->zip->in, at, w->buf, LOCAL_BYTES + NAME_BYTES, &got));
    struct kl_rd r = kl_rd_init(kl_span_make(w->buf, got));
    struct kl_zip_member m = {.head_at = at};
    kl_rd_skip(&r, 6);
    m.flags = kl_rd_le16(&r);
    m.method = kl_rd_le16(&r);
    kl_rd_skip(&r, 4);
    m.crc = kl_rd_le32(&r);
    m.comp_bytes = kl_rd_le32(&r);
    m.plain_bytes = kl_rd_le32(&r);
    size_t n_name = kl_rd_le16(&r);
    size_t n_extra = kl_rd_le16(&r);
    struct kl_span name = kl_rd_take(&r, n_name);
    m.data_at = at + LOCAL_BYTES + n_name + n_extra;
    if (!kl_rd_ok(&r) || m.data_at > len) {
        return KL_OK;
    }
    m.no_size = m.comp_bytes == UINT32_MAX; /* zip64: the data decide */
    uint8_t *copy = malloc(n_name + 1);
    if (copy == NULL) {
        return KL_E_NOMEM;
    }
    memcpy(copy, name.ptr, name.len);
    enum kl_rc rc = member_end(w, &m);
    if (rc == KL_OK) {
        rc = kl_zip_add(w->zip, &m, kl_span_make(copy, name.len));
        *out_next = m.data_at + m.comp_bytes;
    }
    free(copy);
    return rc == KL_E_LIMIT ? KL_OK : rc;
}

enum kl_rc kl_zip_index_local(struct kl_zip *zip)
{
    struct walk w = {.zip = zip};
    w.buf = malloc(CHUNK_BYTES + LOCAL_BYTES + NAME_BYTES);
    if (w.buf == NULL) {
        return KL_E_NOMEM;
    }
    uint64_t len = zip->in->len_bytes;
    enum kl_rc rc = KL_OK;
    zip->covered_to = len;
    zip->end_at = len;
    for (uint64_t at = 0; at < len && rc == KL_OK;) {
        at = next_sig(&w, at, SIG_LOCAL, SIG_LOCAL);
        if (at < len) {
            rc = read_member(&w, at, &at);
        }
    }
    free(w.buf);
    return rc;
}
