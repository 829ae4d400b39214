#include "extract/zip.h"

#include <stdlib.h>

#define SIG_CENTRAL 0x02014b50u
#define SIG_LOCAL 0x04034b50u
#define SIG_END 0x06054b50u
#define SIG_END64 0x06064b50u
#define SIG_END64_LOCATOR 0x07064b50u
#define END_BYTES 22u
#define END64_BYTES 56u
#define LOCATOR_BYTES 20u
#define CENTRAL_BYTES 46u
#define LOCAL_BYTES 30u
#define TAIL_BYTES (65535u + END_BYTES + LOCATOR_BYTES)
#define CURSOR_BYTES 262144u
#define LOCAL_NAME_BYTES 512u

/* What the end record says. */
struct end {
    uint64_t at; /* of the end record */
    uint64_t n;
    uint64_t dir_bytes;
    uint64_t dir_at;
    uint64_t stop_at; /* where the directory must have ended: the first end record */
    uint64_t comment_bytes;
    bool is_64;
};

/* Read exactly n bytes at `at` into dst, or a reader that is already bad. */
static struct kl_rd read_at(const struct kl_zip *zip, uint64_t at, uint8_t *dst, size_t n,
                            enum kl_rc *out_rc)
{
    size_t got = 0;
    *out_rc = kl_input_read(zip->in, at, dst, n, &got);
    struct kl_rd r = kl_rd_init(kl_span_make(dst, *out_rc == KL_OK ? got : 0));
    r.bad = got < n;
    return r;
}

static bool has_sig(const struct kl_zip *zip, uint64_t at, uint32_t sig)
{
    uint8_t buf[4];
    enum kl_rc rc;
    struct kl_rd r = read_at(zip, at, buf, sizeof buf, &rc);
    return kl_rd_le32(&r) == sig && kl_rd_ok(&r);
}

static void read_end64(const struct kl_zip *zip, struct end *d)
{
    uint8_t buf[END64_BYTES];
    enum kl_rc rc;
    if (d->at < LOCATOR_BYTES || !has_sig(zip, d->at - LOCATOR_BYTES, SIG_END64_LOCATOR)) {
        return;
    }
    struct kl_rd l = read_at(zip, d->at - LOCATOR_BYTES + 8, buf, 8, &rc);
    uint64_t at = kl_rd_le64(&l);
    if (!has_sig(zip, at, SIG_END64)) { /* data were put before the zip */
        at = d->at >= LOCATOR_BYTES + END64_BYTES ? d->at - LOCATOR_BYTES - END64_BYTES : 0;
    }
    struct kl_rd r = read_at(zip, at, buf, sizeof buf, &rc);
    if (kl_rd_le32(&r) != SIG_END64) {
        return;
    }
    kl_rd_skip(&r, 28);
    uint64_t n = kl_rd_le64(&r);
    uint64_t dir_bytes = kl_rd_le64(&r);
    uint64_t dir_at = kl_rd_le64(&r);
    if (kl_rd_ok(&r)) {
        d->n = n;
        d->dir_bytes = dir_bytes;
        d->dir_at = dir_at;
        d->stop_at = at;
        d->is_64 = true;
    }
}

static bool read_end(struct kl_span tail, size_t at, uint64_t tail_at, struct end *out_d)
{
    struct kl_rd r = kl_rd_init(kl_span_part(tail, at, tail.len));
    if (kl_rd_le32(&r) != SIG_END) {
        return false;
    }
    kl_rd_skip(&r, 6);
    struct end d = {.at = tail_at + at, .stop_at = tail_at + at};
    d.n = kl_rd_le16(&r);
    d.dir_bytes = kl_rd_le32(&r);
    d.dir_at = kl_rd_le32(&r);
    d.comment_bytes = kl_rd_le16(&r);
    if (!kl_rd_ok(&r) || d.comment_bytes > kl_rd_left(&r)) {
        return false;
    }
    *out_d = d;
    return true;
}

/* Where the directory really begins: as said, or before the end record (data in front). */
static bool locate(const struct kl_zip *zip, struct end *d, uint64_t *out_base)
{
    *out_base = 0;
    if (d->n == 0 && d->dir_bytes == 0) {
        return true;
    }
    if (d->dir_at < d->stop_at && has_sig(zip, d->dir_at, SIG_CENTRAL)) {
        return true;
    }
    if (d->dir_bytes > d->stop_at || d->dir_at > d->stop_at - d->dir_bytes) {
        return false;
    }
    uint64_t real = d->stop_at - d->dir_bytes;
    *out_base = real - d->dir_at;
    d->dir_at = real;
    return has_sig(zip, real, SIG_CENTRAL);
}

static enum kl_rc find_end(struct kl_zip *zip, struct end *out_d, uint64_t *out_base,
                           bool *out_found)
{
    uint64_t len = zip->in->len_bytes;
    size_t want = len < TAIL_BYTES ? (size_t)len : TAIL_BYTES;
    size_t got = 0;
    uint8_t *buf = malloc(want + 1);
    *out_found = false;
    if (buf == NULL) {
        return KL_E_NOMEM;
    }
    if (kl_input_read(zip->in, len - want, buf, want, &got) == KL_OK) {
        struct kl_span tail = kl_span_make(buf, got);
        for (size_t at = got; at-- > 0 && !*out_found;) {
            struct end d = {.at = 0};
            if (buf[at] == 'P' && read_end(tail, at, len - want, &d)) {
                read_end64(zip, &d);
                *out_found = locate(zip, &d, out_base);
                *out_d = d;
            }
        }
    }
    free(buf);
    return KL_OK;
}

/* ---- the directory's entries ---- */

struct cursor {
    const struct kl_zip *zip;
    uint64_t at; /* of the next byte to read */
    uint64_t stop;
    uint8_t *buf;
    size_t from;
    size_t to;
};

/* A borrowed view of the next n <= CURSOR_BYTES bytes, empty when there are fewer. */
static struct kl_span cursor_peek(struct cursor *c, size_t n)
{
    if (c->to - c->from < n) {
        memmove(c->buf, c->buf + c->from, c->to - c->from);
        c->to -= c->from;
        c->from = 0;
        uint64_t left = c->stop - c->at;
        size_t want = CURSOR_BYTES - c->to < left ? CURSOR_BYTES - c->to : (size_t)left;
        size_t got = 0;
        if (kl_input_read(c->zip->in, c->at, c->buf + c->to, want, &got) != KL_OK) {
            got = 0;
        }
        c->at += got;
        c->to += got;
    }
    return c->to - c->from < n ? kl_span_make(c->buf, 0) : kl_span_make(c->buf + c->from, n);
}

/* The zip64 extra field holds, in this order, what does not fit into 32 bits. */
static void read_extra64(struct kl_span extra, struct kl_zip_member *m)
{
    struct kl_rd r = kl_rd_init(extra);
    while (kl_rd_ok(&r) && kl_rd_left(&r) >= 4) {
        uint16_t id = kl_rd_le16(&r);
        struct kl_span field = kl_rd_take(&r, kl_rd_le16(&r));
        if (id != 1 || !kl_rd_ok(&r)) {
            continue;
        }
        struct kl_rd f = kl_rd_init(field);
        uint64_t *want[] = {&m->plain_bytes, &m->comp_bytes, &m->head_at};
        for (size_t i = 0; i < 3; i++) {
            if (*want[i] == UINT32_MAX && kl_rd_left(&f) >= 8) {
                *want[i] = kl_rd_le64(&f);
            }
        }
        return;
    }
}

/* Compare with the local header and learn where the data begin. */
static void read_local(const struct kl_zip *zip, struct kl_zip_member *m, struct kl_span name)
{
    uint8_t buf[LOCAL_BYTES + LOCAL_NAME_BYTES];
    size_t want = LOCAL_BYTES + (name.len < LOCAL_NAME_BYTES ? name.len : LOCAL_NAME_BYTES);
    uint64_t len = zip->in->len_bytes;
    enum kl_rc rc;
    struct kl_rd r = read_at(zip, m->head_at, buf, want, &rc);
    r.bad = false;
    if (kl_rd_le32(&r) != SIG_LOCAL) {
        m->state = KL_ZIP_STATE_LOST;
        m->data_at = m->head_at < len ? m->head_at : len;
        m->comp_bytes = m->comp_bytes < len - m->data_at ? m->comp_bytes : len - m->data_at;
        return;
    }
    kl_rd_skip(&r, 2);
    uint16_t flags = kl_rd_le16(&r);
    uint16_t method = kl_rd_le16(&r);
    kl_rd_skip(&r, 8);
    uint32_t comp = kl_rd_le32(&r);
    kl_rd_skip(&r, 4);
    uint16_t n_name = kl_rd_le16(&r);
    uint16_t n_extra = kl_rd_le16(&r);
    struct kl_span local = kl_rd_take(&r, n_name < LOCAL_NAME_BYTES ? n_name : LOCAL_NAME_BYTES);
    m->is_mismatch =
        method != m->method || n_name != name.len ||
        !kl_span_eq(local, kl_span_part(name, 0, local.len)) ||
        ((flags & KL_ZIP_FLAG_DESCRIPTOR) == 0 && comp != UINT32_MAX && comp != m->comp_bytes);
    if (method != m->method && method == 8) {
        m->method = method; /* "stored" would hide what deflate shows */
    }
    m->data_at = m->head_at + LOCAL_BYTES + n_name + n_extra;
    if (m->data_at > len || m->comp_bytes > len - m->data_at) {
        m->is_size_lie = true;
        m->data_at = m->data_at < len ? m->data_at : len;
        m->comp_bytes = len - m->data_at;
    }
}

/* False: this is no entry. */
static bool read_entry(struct cursor *c, uint64_t base, struct kl_zip_member *out_m,
                       struct kl_span *out_name)
{
    struct kl_rd r = kl_rd_init(cursor_peek(c, CENTRAL_BYTES));
    if (kl_rd_le32(&r) != SIG_CENTRAL) {
        return false;
    }
    struct kl_zip_member m = {0};
    kl_rd_skip(&r, 4);
    m.flags = kl_rd_le16(&r);
    m.method = kl_rd_le16(&r);
    kl_rd_skip(&r, 4);
    m.crc = kl_rd_le32(&r);
    m.comp_bytes = kl_rd_le32(&r);
    m.plain_bytes = kl_rd_le32(&r);
    size_t n_name = kl_rd_le16(&r);
    size_t n_extra = kl_rd_le16(&r);
    size_t n_note = kl_rd_le16(&r);
    kl_rd_skip(&r, 8);
    m.head_at = kl_rd_le32(&r);
    struct kl_rd all = kl_rd_init(cursor_peek(c, CENTRAL_BYTES + n_name + n_extra + n_note));
    kl_rd_skip(&all, CENTRAL_BYTES);
    *out_name = kl_rd_take(&all, n_name);
    struct kl_span extra = kl_rd_take(&all, n_extra);
    if (!kl_rd_ok(&all)) {
        return false;
    }
    read_extra64(extra, &m);
    m.head_at = m.head_at > UINT64_MAX - base ? UINT64_MAX : m.head_at + base;
    m.head_at = m.head_at > UINT64_MAX / 2 ? UINT64_MAX / 2 : m.head_at;
    c->from += CENTRAL_BYTES + n_name + n_extra + n_note;
    *out_m = m;
    return true;
}

static enum kl_rc read_entries(struct kl_zip *zip, struct cursor *c, const struct end *d,
                               uint64_t base, bool *out_whole)
{
    struct kl_zip_member m;
    struct kl_span name;
    uint64_t n = 0;
    while (read_entry(c, base, &m, &name)) {
        n++;
        if (zip->past_bytes == 0) {
            read_local(zip, &m, name);
        }
        enum kl_rc rc = kl_zip_add(zip, &m, name);
        if (rc != KL_OK && rc != KL_E_LIMIT) {
            return rc;
        }
    }
    uint64_t stopped_at = c->at - (c->to - c->from);
    *out_whole = stopped_at == d->stop_at || n == d->n;
    if (*out_whole && n != d->n && (d->is_64 || (n & 0xFFFF) != d->n)) {
        return kl_emit_anomaly(zip->e, "zip.count");
    }
    return KL_OK;
}

enum kl_rc kl_zip_index_central(struct kl_zip *zip, bool *out_found)
{
    struct end d = {.at = 0};
    uint64_t base = 0;
    KL_TRY(find_end(zip, &d, &base, out_found));
    if (!*out_found) {
        return KL_OK;
    }
    struct cursor c = {.zip = zip, .at = d.dir_at, .stop = d.stop_at};
    c.buf = malloc(CURSOR_BYTES);
    if (c.buf == NULL) {
        return KL_E_NOMEM;
    }
    enum kl_rc rc = KL_OK;
    if (d.n > 0 || d.dir_bytes > 0) {
        rc = read_entries(zip, &c, &d, base, out_found);
    } else {
        c.at = d.stop_at;
        d.dir_at = d.stop_at;
    }
    free(c.buf);
    zip->covered_to = d.dir_at;
    zip->end_at = d.at + END_BYTES;
    zip->comment_bytes = d.comment_bytes;
    zip->is_central = true;
    if (rc == KL_OK && base > 0) {
        rc = kl_emit_anomaly(zip->e, "zip.prefix");
    }
    return rc;
}
