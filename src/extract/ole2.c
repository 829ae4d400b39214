#include "extract/ole2.h"

#include <stdlib.h>

#include "base/buf.h"
#include "extract/appended.h"
#include "extract/binary.h"
#include "extract/decoded.h"
#include "extract/extract.h"
#include "extract/office_lock.h"
#include "extract/xls.h"

#define PATH_BYTES 1024u
#define MAX_DEPTH 16u         /* storages in storages, in a name */
#define SMALL_BYTES 4096u     /* streams of a message up to this length are read together */
#define GATHER_BYTES 1048576u /* so many bytes at a time */
#define BETWEEN_BYTES 32u     /* zeros between two of them */
#define SLACK_BYTES 65536u

enum kl_rc kl_ole2_member(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i, struct kl_span name)
{
    struct kl_cfb_stream s;

    kl_cfb_done_set(cfb, i);
    kl_cfb_whole_set(cfb, i);
    kl_cfb_stream_open(cfb, i, &s);
    return s.in.len_bytes > 0 ? kl_plain_extract(e, &s.in, name) : KL_OK;
}

/* "Storage/Stream", as deep as MAX_DEPTH. */
static struct kl_span path_of(const struct kl_cfb *cfb, uint32_t i, uint8_t out[PATH_BYTES])
{
    size_t at = PATH_BYTES;

    for (unsigned depth = 0; depth < MAX_DEPTH && i != 0 && i != KL_CFB_NONE; depth++) {
        struct kl_span name = kl_cfb_name(cfb, i);
        if (name.len + 1 > at) {
            break;
        }
        if (at < PATH_BYTES) {
            out[--at] = '/';
        }
        at -= name.len;
        memcpy(out + at, name.ptr, name.len);
        i = kl_cfb_entry_get(cfb, i)->parent;
    }
    return kl_span_make(out + at, PATH_BYTES - at);
}

/* ---- what no reader took ---- */

static enum kl_rc read_member(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i)
{
    uint8_t path[PATH_BYTES];
    uint64_t len = kl_cfb_entry_get(cfb, i)->len_bytes;
    enum kl_rc rc = kl_emit_charge_member(e);

    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, len);
    }
    KL_TRY(rc);
    return kl_ole2_member(e, cfb, i, path_of(cfb, i, path));
}

static enum kl_rc flush(struct kl_emit *e, struct kl_buf *buf, const char *name)
{
    struct kl_input in = kl_input_mem(kl_buf_span(buf));
    enum kl_rc rc = KL_OK;

    if (in.len_bytes == 0) {
        return KL_OK;
    }
    rc = kl_emit_enter(e, kl_span_str(name), 0);
    if (rc == KL_OK) {
        rc = kl_extract_binary(e, &in);
        kl_emit_leave(e);
    } else if (rc == KL_E_LIMIT) {
        rc = kl_emit_not_inspected(e, KL_REASON_LIMIT, in.len_bytes);
    }
    buf->len = 0;
    return rc;
}

/* Append n bytes that `at` points to, and zeros behind them. */
static enum kl_rc gather(struct kl_emit *e, struct kl_buf *buf, struct kl_span bytes,
                         const char *name)
{
    static const uint8_t zeros[BETWEEN_BYTES];

    if (buf->len + bytes.len + BETWEEN_BYTES > buf->max_bytes) {
        KL_TRY(flush(e, buf, name));
    }
    KL_TRY(kl_buf_add(buf, bytes.ptr, bytes.len));
    return kl_buf_add(buf, zeros, sizeof(zeros));
}

/* A message has hundreds of streams of a few bytes each: they are read together. */
static enum kl_rc gather_small(struct kl_emit *e, struct kl_cfb *cfb, struct kl_buf *buf)
{
    uint8_t bytes[SMALL_BYTES];

    for (uint32_t i = 0; i < kl_cfb_count_get(cfb); i++) {
        const struct kl_cfb_entry *entry = kl_cfb_entry_get(cfb, i);
        struct kl_cfb_stream s;
        size_t n = 0;
        if (entry->kind != KL_CFB_KIND_STREAM || entry->is_done || entry->len_bytes == 0 ||
            entry->len_bytes > SMALL_BYTES) {
            continue;
        }
        kl_cfb_done_set(cfb, i);
        kl_cfb_stream_open(cfb, i, &s);
        if (kl_input_read(&s.in, 0, bytes, sizeof(bytes), &n) != KL_OK) {
            KL_TRY(kl_emit_not_inspected(e, KL_REASON_IO, entry->len_bytes));
        }
        KL_TRY(gather(e, buf, kl_span_make(bytes, n), "properties"));
    }
    return flush(e, buf, "properties");
}

static bool is_blank(struct kl_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != 0) {
            return false;
        }
    }
    return true;
}

/* What stands behind the ends of the streams: often a piece of another document. */
static enum kl_rc gather_slack(struct kl_emit *e, struct kl_cfb *cfb, struct kl_buf *buf)
{
    uint8_t *bytes = malloc(SLACK_BYTES);
    enum kl_rc rc = bytes != NULL ? KL_OK : KL_E_NOMEM;

    for (uint32_t i = 0; i < kl_cfb_count_get(cfb) && rc == KL_OK; i++) {
        struct kl_span s = kl_span_make(bytes, kl_cfb_slack_read(cfb, i, bytes, SLACK_BYTES));
        if (!is_blank(s)) {
            rc = gather(e, buf, s, "slack");
        }
    }
    free(bytes);
    return rc == KL_OK ? flush(e, buf, "slack") : rc;
}

static enum kl_rc read_free(struct kl_emit *e, struct kl_cfb *cfb, bool is_mini)
{
    struct kl_cfb_stream s;

    kl_cfb_rest_open(cfb, is_mini, &s);
    if (s.in.len_bytes == 0) {
        return KL_OK;
    }
    enum kl_rc rc =
        kl_emit_enter(e, is_mini ? KL_SPAN_LIT("free.short") : KL_SPAN_LIT("free"), s.in.len_bytes);
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, s.in.len_bytes);
    }
    KL_TRY(rc);
    kl_emit_set_size(e, s.in.len_bytes);
    rc = kl_extract_binary(e, &s.in);
    rc = rc == KL_OK ? kl_extract_appended(e, &s.in, KL_FORMAT_BINARY) : rc;
    kl_emit_leave(e);
    return rc;
}

static enum kl_rc read_rest(struct kl_emit *e, struct kl_cfb *cfb, bool is_msg)
{
    struct kl_buf buf;
    enum kl_rc rc = KL_OK;

    kl_buf_init(&buf, GATHER_BYTES);
    if (is_msg) {
        rc = gather_small(e, cfb, &buf);
    }
    for (uint32_t i = 0; i < kl_cfb_count_get(cfb) && rc == KL_OK; i++) {
        const struct kl_cfb_entry *entry = kl_cfb_entry_get(cfb, i);
        if (entry->kind == KL_CFB_KIND_STREAM && !entry->is_done && entry->len_bytes > 0) {
            rc = read_member(e, cfb, i);
        }
    }
    rc = rc == KL_OK ? gather_slack(e, cfb, &buf) : rc;
    kl_buf_done(&buf);
    rc = rc == KL_OK ? read_free(e, cfb, true) : rc;
    return rc == KL_OK ? read_free(e, cfb, false) : rc;
}

/* ---- archives in streams ---- */

static enum kl_rc search_stream(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i)
{
    uint8_t path[PATH_BYTES];
    struct kl_cfb_stream s;

    kl_cfb_stream_open(cfb, i, &s);
    enum kl_rc rc = kl_emit_enter(e, path_of(cfb, i, path), s.in.len_bytes);
    if (rc == KL_E_LIMIT) {
        return KL_OK; /* what its reader told stands */
    }
    KL_TRY(rc);
    kl_emit_set_size(e, s.in.len_bytes);
    rc = kl_extract_appended(e, &s.in, KL_FORMAT_BINARY);
    kl_emit_leave(e);
    return rc;
}

/*
 * What stands in streams that have readers of their own. The file as a whole is not searched: a
 * stream in pieces would be an archive with holes there. A broken one is, for what its chains lost.
 */
static enum kl_rc search_streams(struct kl_emit *e, struct kl_cfb *cfb, const struct kl_input *in)
{
    for (uint32_t i = 1; i < kl_cfb_count_get(cfb); i++) {
        const struct kl_cfb_entry *entry = kl_cfb_entry_get(cfb, i);
        if (entry->kind == KL_CFB_KIND_STREAM && !entry->is_whole && entry->len_bytes > 0) {
            KL_TRY(search_stream(e, cfb, i));
        }
    }
    return kl_cfb_is_damaged(cfb) ? kl_extract_appended(e, in, KL_FORMAT_OLE2) : KL_OK;
}

/* ---- which format ---- */

/* Its streams are opened here: a stream has a table of steps that is not to be moved. */
static enum kl_rc open_package(struct kl_emit *e, struct kl_cfb *cfb, uint32_t package,
                               struct kl_office_lock *lock, bool *out_open)
{
    struct kl_cfb_stream info;
    struct kl_cfb_stream s;
    uint32_t i = kl_cfb_find(cfb, 0, "EncryptionInfo");

    *out_open = false;
    if (i == KL_CFB_NONE) {
        return KL_OK;
    }
    kl_cfb_stream_open(cfb, i, &info);
    kl_cfb_stream_open(cfb, package, &s);
    enum kl_rc rc = kl_office_unlock(e, &info.in, &s.in, lock, out_open);
    if (rc == KL_OK && *out_open) {
        rc = kl_plain_extract(e, &lock->input, kl_cfb_name(cfb, package));
    }
    return rc;
}

/* The package of an Office file with a password. */
static enum kl_rc read_encrypted(struct kl_emit *e, struct kl_cfb *cfb)
{
    uint32_t package = kl_cfb_find(cfb, 0, "EncryptedPackage");
    bool open = false;

    if (package == KL_CFB_NONE) {
        return KL_OK;
    }
    struct kl_office_lock *lock = malloc(sizeof *lock);
    if (lock == NULL) {
        return KL_E_NOMEM;
    }
    kl_cfb_done_set(cfb, package);
    enum kl_rc rc = open_package(e, cfb, package, lock, &open);
    kl_office_lock_done(lock);
    free(lock);
    if (rc != KL_OK || open) {
        return rc;
    }
    return kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, kl_cfb_entry_get(cfb, package)->len_bytes);
}

struct known {
    const char *name;
    enum kl_rc (*extract)(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i);
};

/* A stream that has a reader; one in a storage (an embedded object) at the level of its path. */
static enum kl_rc read_known(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i,
                             const struct known *k)
{
    uint8_t path[PATH_BYTES];
    uint32_t parent = kl_cfb_entry_get(cfb, i)->parent;

    if (parent == 0 || parent == KL_CFB_NONE) {
        return k->extract(e, cfb, i);
    }
    enum kl_rc rc = kl_emit_enter(e, path_of(cfb, parent, path), 0);
    if (rc == KL_E_LIMIT) {
        return KL_OK; /* it is a member still, and said there */
    }
    KL_TRY(rc);
    rc = k->extract(e, cfb, i);
    kl_emit_leave(e);
    return rc;
}

static enum kl_rc read_all_known(struct kl_emit *e, struct kl_cfb *cfb)
{
    static const struct known known[] = {{"Workbook", kl_xls_extract},
                                         {"Book", kl_xls_extract},
                                         {"WordDocument", kl_doc_extract},
                                         {"PowerPoint Document", kl_ppt_extract}};

    for (uint32_t i = 1; i < kl_cfb_count_get(cfb); i++) {
        const struct kl_cfb_entry *entry = kl_cfb_entry_get(cfb, i);
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            if (entry->kind == KL_CFB_KIND_STREAM && !entry->is_done && entry->len_bytes > 0 &&
                kl_cfb_is_named(cfb, i, known[k].name)) {
                KL_TRY(read_known(e, cfb, i, &known[k]));
            }
        }
    }
    return KL_OK;
}

static enum kl_rc read_all(struct kl_emit *e, struct kl_cfb *cfb)
{
    bool is_msg = kl_cfb_find(cfb, 0, "__properties_version1.0") != KL_CFB_NONE;

    if (kl_cfb_is_damaged(cfb)) {
        KL_TRY(kl_emit_anomaly(e, "ole2.damaged"));
    }
    KL_TRY(read_encrypted(e, cfb));
    if (is_msg) {
        KL_TRY(kl_msg_extract(e, cfb, 0));
    }
    KL_TRY(read_all_known(e, cfb));
    return read_rest(e, cfb, is_msg);
}

enum kl_rc kl_extract_ole2(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_cfb *cfb = NULL;
    enum kl_rc rc = kl_cfb_open(in, &cfb);

    if (rc == KL_E_NOMEM) {
        return rc;
    }
    if (rc != KL_OK) {
        KL_TRY(kl_emit_anomaly(e, "ole2.damaged"));
        if (kl_binary_is_encrypted(in)) {
            KL_TRY(kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, in->len_bytes));
        }
        KL_TRY(kl_extract_binary(e, in));
        return kl_extract_appended(e, in, KL_FORMAT_OLE2);
    }
    rc = read_all(e, cfb);
    rc = rc == KL_OK ? search_streams(e, cfb, in) : rc;
    kl_cfb_free(&cfb);
    return rc;
}
