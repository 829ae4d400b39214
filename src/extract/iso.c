#include "extract/extract.h"

/*
 * Images of CDs and DVDs: ISO 9660 with Joliet and Rock Ridge names.
 *
 * Read by own code: files lie in one piece and as they are, so an input part is all a member needs,
 * and what no file has can be told and inspected too.
 * Source: ECMA-119 (3rd edition); Joliet specification; IEEE P1282 (RRIP 1.12), NM field.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fold.h"
#include "base/limits.h"
#include "extract/stream.h"

#define SECTOR 2048u
#define FIRST_DESCRIPTOR 16u
#define MAX_DESCRIPTORS 32u
#define MAX_FOLDERS_BYTES 67108864u /* of the records of all folders */
#define NAME_BYTES 1024u            /* of a path inside the image, in UTF-8 */
#define NAMES_BYTES 8388608u
#define GAP_BYTES 64u

struct extent {
    uint64_t at;
    uint64_t len_bytes;
    uint32_t name_at;
    uint32_t name_len;
    bool is_folder; /* its records, not a file's content */
    bool is_more;   /* the file goes on in the next extent of the same name */
};

struct iso {
    struct kl_emit *e;
    const struct kl_input *in;
    bool is_joliet;
    struct extent *x; /* files and folders, in the order they were met */
    size_t n;
    size_t cap;
    struct kl_buf names;
    uint64_t folders_bytes; /* read so far */
    uint64_t past_bytes;    /* of files past the budget of members */
};

static enum kl_rc add_extent(struct iso *o, struct extent x, struct kl_span name)
{
    if (o->n == o->cap) {
        size_t cap = o->cap == 0 ? 64 : o->cap * 2;
        struct extent *grown = realloc(o->x, cap * sizeof *grown);
        if (grown == NULL) {
            return KL_E_NOMEM;
        }
        o->x = grown;
        o->cap = cap;
    }
    x.name_at = (uint32_t)o->names.len;
    x.name_len = (uint32_t)name.len;
    KL_TRY(kl_buf_add(&o->names, name.ptr, name.len));
    o->x[o->n++] = x;
    return KL_OK;
}

static struct kl_span name_of(const struct iso *o, const struct extent *x)
{
    return kl_span_part(kl_buf_span(&o->names), x->name_at, (size_t)x->name_at + x->name_len);
}

/* ---- names ---- */

struct name {
    uint8_t buf[NAME_BYTES];
    size_t len;
};

static void name_put(struct name *n, uint32_t cp)
{
    uint8_t b[4];
    size_t len = kl_utf8_put(cp, b);
    if (len <= sizeof n->buf - n->len) {
        memcpy(n->buf + n->len, b, len);
        n->len += len;
    }
}

/* "NAME.TXT;1" without its version, or big-endian UTF-16 (Joliet). */
static void put_identifier(struct name *n, struct kl_span id, bool is_joliet)
{
    size_t step = is_joliet ? 2 : 1;
    for (size_t i = 0; i + step <= id.len; i += step) {
        uint32_t cp = is_joliet ? (uint32_t)id.ptr[i] << 8 | id.ptr[i + 1] : id.ptr[i];
        if (cp == ';') {
            break;
        }
        name_put(n, cp >= 0xd800 && cp < 0xe000 ? 0xfffd : cp);
    }
    if (n->len > 0 && n->buf[n->len - 1] == '.') {
        n->len--; /* "NAME." has no extension */
    }
}

/* The name of Rock Ridge in a record's system area; false: there is none. */
static bool put_rock_ridge(struct name *n, struct kl_span area)
{
    struct kl_rd r = kl_rd_init(area);
    bool found = false;
    while (kl_rd_left(&r) >= 4) {
        struct kl_span sig = kl_rd_take(&r, 2);
        uint8_t len = kl_rd_u8(&r);
        kl_rd_skip(&r, 1);
        struct kl_span data = kl_rd_take(&r, len >= 4 ? len - 4u : kl_rd_left(&r) + 1);
        if (!kl_rd_ok(&r)) {
            break;
        }
        if (kl_span_is(sig, "NM") && data.len > 1 && (data.ptr[0] & 6) == 0) {
            for (size_t i = 1; i < data.len && n->len < sizeof n->buf; i++) {
                n->buf[n->len++] = data.ptr[i];
            }
            found = true;
        }
    }
    return found;
}

/* ---- folders ---- */

/* One record of a folder; the bytes of it are all there. */
static enum kl_rc read_record(struct iso *o, struct kl_span rec, struct kl_span folder)
{
    struct kl_rd r = kl_rd_init(rec);
    struct extent x = {0};
    struct name name = {.len = 0};
    kl_rd_skip(&r, 1);
    uint8_t n_attributes = kl_rd_u8(&r);
    x.at = ((uint64_t)kl_rd_le32(&r) + n_attributes) * SECTOR;
    kl_rd_skip(&r, 4);
    x.len_bytes = kl_rd_le32(&r);
    kl_rd_skip(&r, 11);
    uint8_t flags = kl_rd_u8(&r);
    kl_rd_skip(&r, 6);
    struct kl_span id = kl_rd_take(&r, kl_rd_u8(&r));
    bool is_self = id.len == 1 && id.ptr[0] <= 1;
    if (!kl_rd_ok(&r) || is_self) {
        return KL_OK;
    }
    kl_rd_skip(&r, (id.len & 1) == 0 ? 1 : 0);
    if (folder.len > 0 && folder.len < sizeof name.buf) {
        memcpy(name.buf, folder.ptr, folder.len);
        name.len = folder.len;
        name_put(&name, '/');
    }
    if (o->is_joliet || !put_rock_ridge(&name, kl_rd_take(&r, kl_rd_left(&r)))) {
        put_identifier(&name, id, o->is_joliet);
    }
    x.is_folder = (flags & 2) != 0;
    x.is_more = (flags & 0x80) != 0;
    if (x.at >= o->in->len_bytes || x.len_bytes > o->in->len_bytes - x.at) {
        KL_TRY(kl_emit_anomaly(o->e, "iso.extent"));
        x.at = x.at < o->in->len_bytes ? x.at : o->in->len_bytes;
        x.len_bytes = o->in->len_bytes - x.at;
    }
    if (x.len_bytes == 0) {
        return KL_OK;
    }
    enum kl_rc rc = o->past_bytes > 0 ? KL_E_LIMIT : kl_emit_charge_member(o->e);
    if (rc == KL_E_LIMIT) {
        o->past_bytes += x.len_bytes;
        return KL_OK;
    }
    KL_TRY(rc);
    return add_extent(o, x, kl_span_make(name.buf, name.len));
}

static enum kl_rc read_folder(struct iso *o, const struct extent *folder, struct kl_span path)
{
    uint64_t left = MAX_FOLDERS_BYTES - o->folders_bytes;
    uint64_t len = folder->len_bytes < left ? folder->len_bytes : left;
    uint8_t buf[SECTOR];
    enum kl_rc rc = len < folder->len_bytes ? KL_E_LIMIT : KL_OK;
    o->folders_bytes += len;
    for (uint64_t at = 0; at < len && rc == KL_OK; at += SECTOR) {
        size_t n = 0;
        KL_TRY(kl_input_read(o->in, folder->at + at, buf, sizeof buf, &n));
        n = len - at < n ? (size_t)(len - at) : n;
        for (size_t i = 0; i + 34 <= n && buf[i] >= 34 && i + buf[i] <= n && rc == KL_OK;) {
            size_t size = buf[i];
            rc = read_record(o, kl_span_make(buf + i, size), path);
            i += size;
        }
    }
    return rc;
}

/* The folder's own place was seen before: folders that hold each other end here. */
static bool is_known(const struct iso *o, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (o->x[k].is_folder && o->x[k].at == o->x[i].at) {
            return true;
        }
    }
    return false;
}

static enum kl_rc read_tree(struct iso *o, struct extent root)
{
    root.is_folder = true;
    KL_TRY(add_extent(o, root, kl_span_make(NULL, 0)));
    for (size_t i = 0; i < o->n; i++) {
        if (!o->x[i].is_folder || is_known(o, i)) {
            continue;
        }
        uint8_t path[NAME_BYTES];
        struct kl_span name = name_of(o, &o->x[i]);
        if (name.len > 0) {
            memcpy(path, name.ptr, name.len);
        }
        struct extent folder = o->x[i];
        enum kl_rc rc = read_folder(o, &folder, kl_span_make(path, name.len));
        if (rc == KL_E_LIMIT) {
            return kl_emit_anomaly(o->e, "limit.members"); /* names past their ceiling */
        }
        KL_TRY(rc);
    }
    return KL_OK;
}

/* ---- descriptors ---- */

static bool is_joliet(const uint8_t *d)
{
    /* Escape sequences of UCS-2, levels 1 to 3. */
    return d[0] == 2 && d[88] == '%' && d[89] == '/' &&
           (d[90] == '@' || d[90] == 'C' || d[90] == 'E');
}

/* The descriptor with the better names; *out_end is where the volume ends. */
static enum kl_rc find_root(struct iso *o, struct extent *out_root, uint64_t *out_end)
{
    uint8_t d[SECTOR];
    bool found = false;
    for (unsigned i = 0; i < MAX_DESCRIPTORS; i++) {
        size_t n = 0;
        KL_TRY(kl_input_read(o->in, (uint64_t)(FIRST_DESCRIPTOR + i) * SECTOR, d, sizeof d, &n));
        if (n < sizeof d || memcmp(d + 1, "CD001", 5) != 0 || d[0] == 255) {
            break;
        }
        bool joliet = is_joliet(d);
        if (!joliet && (d[0] != 1 || found)) {
            continue;
        }
        struct kl_rd r = kl_rd_init(kl_span_make(d, n));
        kl_rd_skip(&r, 80);
        *out_end = (uint64_t)kl_rd_le32(&r) * SECTOR;
        kl_rd_skip(&r, 156 - 84 + 2);
        out_root->at = (uint64_t)kl_rd_le32(&r) * SECTOR;
        kl_rd_skip(&r, 4);
        out_root->len_bytes = kl_rd_le32(&r);
        o->is_joliet = joliet;
        found = true;
    }
    return found && out_root->at < o->in->len_bytes ? KL_OK : KL_E_FORMAT;
}

/* ---- content ---- */

static enum kl_rc extract_file(struct iso *o, const struct extent *x, uint64_t len_bytes)
{
    struct kl_input part = kl_input_part(o->in, x->at, x->at + len_bytes);
    enum kl_rc rc = kl_emit_enter(o->e, name_of(o, x), len_bytes);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(o->e, KL_REASON_LIMIT, len_bytes);
    }
    KL_TRY(rc);
    rc = kl_emit_charge_expanded(o->e, len_bytes);
    if (rc == KL_E_LIMIT) {
        rc = kl_emit_not_inspected(o->e, KL_REASON_LIMIT, len_bytes);
    } else if (rc == KL_OK) {
        rc = kl_extract_nested(o->e, &part);
    }
    kl_emit_leave(o->e);
    return rc;
}

/* Files in several extents that follow one another are one (the usual way past 4 GiB). */
static enum kl_rc extract_files(struct iso *o)
{
    for (size_t i = 0; i < o->n; i++) {
        struct extent x = o->x[i];
        if (x.is_folder) {
            continue;
        }
        while (o->x[i].is_more && i + 1 < o->n && !o->x[i + 1].is_folder &&
               o->x[i + 1].at == x.at + x.len_bytes &&
               kl_span_eq(name_of(o, &o->x[i]), name_of(o, &o->x[i + 1]))) {
            i++;
            x.len_bytes += o->x[i].len_bytes;
        }
        KL_TRY(extract_file(o, &x, x.len_bytes));
    }
    return KL_OK;
}

static void sift_down(struct extent *x, size_t at, size_t n)
{
    struct extent moved = x[at];
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && x[child + 1].at > x[child].at;
        if (x[child].at <= moved.at) {
            break;
        }
        x[at] = x[child];
        at = child;
    }
    x[at] = moved;
}

/* By place; not qsort, which asks the kernel what the cage does not let it ask. */
static void sort(struct extent *x, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) {
        sift_down(x, i, n);
    }
    for (size_t end = n; end-- > 1;) {
        struct extent last = x[0];
        x[0] = x[end];
        x[end] = last;
        sift_down(x, 0, end);
    }
}

/* What neither a file nor a folder has: the system area, descriptors, and anything hidden. */
static enum kl_rc extract_gaps(struct iso *o, uint64_t end_at)
{
    uint64_t at = 0;
    sort(o->x, o->n);
    for (size_t i = 0; i <= o->n; i++) {
        uint64_t next = i < o->n && o->x[i].at < end_at ? o->x[i].at : end_at;
        if (next > at && next - at > GAP_BYTES) {
            struct kl_input gap = kl_input_part(o->in, at, next);
            uint64_t data = 0;
            KL_TRY(kl_skip_zeros(&gap, &data));
            if (data < gap.len_bytes) {
                KL_TRY(kl_extract_binary(o->e, &gap));
            }
        }
        if (i < o->n) {
            uint64_t end = o->x[i].at + o->x[i].len_bytes;
            at = end > at ? end : at;
        }
    }
    return KL_OK;
}

static enum kl_rc extract_all(struct iso *o)
{
    struct extent root = {0};
    uint64_t end_at = 0;
    enum kl_rc rc = find_root(o, &root, &end_at);
    if (rc == KL_E_FORMAT) {
        KL_TRY(kl_emit_anomaly(o->e, "iso.descriptor"));
        return kl_extract_binary(o->e, o->in);
    }
    KL_TRY(rc);
    uint64_t left = o->in->len_bytes - root.at;
    root.len_bytes = root.len_bytes < left ? root.len_bytes : left;
    KL_TRY(read_tree(o, root));
    if (o->past_bytes > 0) {
        KL_TRY(kl_emit_not_inspected(o->e, KL_REASON_LIMIT, o->past_bytes));
    }
    KL_TRY(extract_files(o));
    /* A volume that says less than its files take is not believed. */
    for (size_t i = 0; i < o->n; i++) {
        uint64_t end = o->x[i].at + o->x[i].len_bytes;
        end_at = end > end_at ? end : end_at;
    }
    end_at = end_at < o->in->len_bytes ? end_at : o->in->len_bytes;
    KL_TRY(extract_gaps(o, end_at));
    return kl_extract_rest(o->e, o->in, end_at, "bytes", "archive.suffix");
}

enum kl_rc kl_extract_iso(struct kl_emit *e, const struct kl_input *in)
{
    struct iso o = {.e = e, .in = in};
    kl_buf_init(&o.names, NAMES_BYTES);
    enum kl_rc rc = extract_all(&o);
    kl_buf_done(&o.names);
    free(o.x);
    return rc == KL_E_IO ? kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes) : rc;
}
