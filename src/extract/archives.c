#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "extract/extract.h"
#include "extract/member.h"
#include "extract/rar.h"
#include "extract/stream.h"

#define IN_BYTES 65536u
#define EMPTY_MAX 4096u /* blocks of no bytes in a row */
#define ODD_MAX 16u     /* warnings about one member's data */
#define RETRY_MAX 1000u /* headers in a row that are no members */
#define RECOVER_MAX 4u  /* times an archive is begun again behind a broken member */
#define GAP_BYTES 4096u /* of headers between two members that need no look */

struct kind {
    int (*setup)(struct archive *a);
    enum kl_format format;
    bool to_end;    /* where it ends is not where the reading stops */
    bool scans_rar; /* the headers are read by rar.c first */
    bool has_gaps;  /* what stands between two members' data is a header, and small */
};

struct reader {
    struct kl_emit *e;
    const struct kl_input *in;
    const struct kind *kind;
    struct archive *a;
    struct archive_entry *entry; /* borrowed from a */
    uint64_t at;                 /* of the input: what libarchive reads next */
    uint64_t n;                  /* members met so far in this pass */
    uint64_t start_at;           /* where the member's data begin, as far as it is known */
    uint64_t end_at;             /* where those of the one before ended */
    uint64_t plain_total;        /* 7z: of all members; 0: places are told by the input */
    uint64_t plain_before;       /* of the members before this one */
    uint64_t plain_size;
    uint64_t replayed; /* bytes read again to come back to a member */
    bool fresh;        /* not a byte of the member was read */
    bool ended;        /* it was read to its end, or to a break */
    bool is_open;
    bool is_odd;  /* its checksum is wrong */
    bool is_dead; /* libarchive will give nothing more in this pass */
    enum kl_reason lost;
    const uint8_t *block; /* borrowed from a: what is left of a block of data */
    size_t block_len;
    uint64_t block_at; /* offset of the block in the member */
    uint64_t out_at;   /* of what was given out */
    unsigned n_odd;
    uint8_t buf[IN_BYTES];
};

/* ---- what libarchive reads from ---- */

static la_ssize_t on_read(struct archive *a, void *ctx, const void **out_buf)
{
    struct reader *r = ctx;
    uint64_t left = r->at < r->in->len_bytes ? r->in->len_bytes - r->at : 0;
    size_t want = left < IN_BYTES ? (size_t)left : IN_BYTES;
    size_t n = 0;
    if (want > 0 && kl_input_read(r->in, r->at, r->buf, want, &n) != KL_OK) {
        archive_set_error(a, EIO, "read");
        return -1;
    }
    r->at += n;
    *out_buf = r->buf;
    return (la_ssize_t)n;
}

static la_int64_t on_skip(struct archive *a, void *ctx, la_int64_t n)
{
    struct reader *r = ctx;
    (void)a;
    uint64_t left = r->at < r->in->len_bytes ? r->in->len_bytes - r->at : 0;
    uint64_t by = n < 0 ? 0 : (uint64_t)n < left ? (uint64_t)n : left;
    r->at += by;
    return (la_int64_t)by;
}

static la_int64_t on_seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct reader *r = ctx;
    (void)a;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? (int64_t)r->at
                                        : (int64_t)r->in->len_bytes;
    int64_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0) {
        return ARCHIVE_FATAL;
    }
    uint64_t at = (uint64_t)to;
    r->at = at < r->in->len_bytes ? at : r->in->len_bytes;
    return (la_int64_t)r->at;
}

static int setup_z(struct archive *a)
{
    int rc = archive_read_support_filter_compress(a);
    return rc == ARCHIVE_OK ? archive_read_support_format_raw(a) : rc;
}

static const struct kind kinds[] = {
    {archive_read_support_format_7zip, KL_FORMAT_7Z, true, false, false},
    {archive_read_support_format_rar, KL_FORMAT_RAR, false, true, false},
    {archive_read_support_format_rar5, KL_FORMAT_RAR5, false, true, false},
    {archive_read_support_format_tar, KL_FORMAT_TAR, false, false, true},
    {archive_read_support_format_cpio, KL_FORMAT_CPIO, false, false, true},
    {archive_read_support_format_ar, KL_FORMAT_AR, false, false, true},
    {archive_read_support_format_cab, KL_FORMAT_CAB, true, false, false},
    {archive_read_support_format_lha, KL_FORMAT_LHA, false, false, true},
    {setup_z, KL_FORMAT_COMPRESS, true, false, false},
};

static const struct kind *kind_of(enum kl_format format)
{
    const struct kind *k = kinds;
    while (k->format != format) {
        k++;
    }
    return k;
}

static void reader_close(struct reader *r)
{
    if (r->a != NULL) {
        (void)archive_read_free(r->a);
        r->a = NULL;
    }
}

static enum kl_rc reader_open(struct reader *r)
{
    reader_close(r);
    r->at = 0;
    r->n = 0;
    r->plain_before = 0;
    r->plain_size = 0;
    r->is_dead = false;
    r->a = archive_read_new();
    if (r->a == NULL || r->kind->setup(r->a) != ARCHIVE_OK) {
        return KL_E_NOMEM;
    }
    (void)archive_read_set_callback_data(r->a, r);
    (void)archive_read_set_read_callback(r->a, on_read);
    (void)archive_read_set_skip_callback(r->a, on_skip);
    (void)archive_read_set_seek_callback(r->a, on_seek);
    r->is_open = archive_read_open1(r->a) == ARCHIVE_OK;
    r->is_dead = !r->is_open;
    return KL_OK;
}

static uint64_t sum_sat(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX / 2 - a ? UINT64_MAX / 2 : a + b;
}

/* How far libarchive has come in the input; in a 7z, whose header is behind: by the share of what
 * is packed in it. `done`: behind the member. */
static uint64_t position(const struct reader *r, bool done)
{
    if (r->plain_total > 0) {
        uint64_t plain = sum_sat(r->plain_before, done ? r->plain_size : 0);
        plain = plain < r->plain_total ? plain : r->plain_total;
        return (uint64_t)((unsigned __int128)r->in->len_bytes * plain / r->plain_total);
    }
    la_int64_t at = archive_filter_bytes(r->a, -1);
    return at < 0 ? 0 : (uint64_t)at < r->in->len_bytes ? (uint64_t)at : r->in->len_bytes;
}

/* The next member; false: the end, or the archive is broken (is_dead). */
static bool next(struct reader *r)
{
    int rc = ARCHIVE_RETRY;
    for (unsigned i = 0; i < RETRY_MAX && rc == ARCHIVE_RETRY && !r->is_dead; i++) {
        errno = 0; /* libarchive 3.6 takes an ENOMEM of long ago for its own, and exits */
        rc = archive_read_next_header(r->a, &r->entry);
    }
    r->is_dead = r->is_dead || (rc != ARCHIVE_OK && rc != ARCHIVE_WARN && rc != ARCHIVE_EOF);
    r->fresh = true;
    r->ended = false;
    r->is_odd = false;
    r->lost = KL_REASON_NONE;
    r->block_len = 0;
    r->block_at = 0;
    r->out_at = 0;
    r->n_odd = 0;
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
        return false;
    }
    r->n++;
    r->plain_before = sum_sat(r->plain_before, r->plain_size);
    r->plain_size = archive_entry_size(r->entry) > 0 ? (uint64_t)archive_entry_size(r->entry) : 0;
    r->plain_size = sum_sat(r->plain_size, 0);
    r->start_at = position(r, false);
    return true;
}

/* ---- one member, front to back ---- */

/* Come to the n-th member again: from the front. */
static enum kl_rc go_back(struct reader *r, uint64_t n)
{
    r->replayed += r->in->len_bytes + r->out_at;
    if (r->replayed > KL_MAX_REPLAYED) {
        KL_TRY(kl_emit_anomaly(r->e, "limit.replayed"));
        r->lost = KL_REASON_LIMIT;
        r->ended = true;
        return KL_OK;
    }
    KL_TRY(reader_open(r));
    while (r->n < n && next(r)) {
    }
    if (r->n < n) {
        r->lost = KL_REASON_FORMAT;
        r->ended = true;
    }
    return KL_OK;
}

static enum kl_rc member_rewind(void *ctx)
{
    struct reader *r = ctx;
    return r->fresh ? KL_OK : go_back(r, r->n);
}

static void break_off(struct reader *r)
{
    int why = archive_errno(r->a);
    r->lost = why == ENOMEM ? KL_REASON_LIMIT : why == EIO ? KL_REASON_IO : KL_REASON_FORMAT;
    r->ended = true;
}

/* The next block of data; it may begin behind out_at (a hole). */
static void next_block(struct reader *r)
{
    const void *ptr = NULL;
    for (unsigned empty = 0; r->block_len == 0 && !r->ended; empty++) {
        size_t len = 0;
        la_int64_t at = 0;
        int rc = archive_read_data_block(r->a, &ptr, &len, &at);
        if (rc == ARCHIVE_EOF) {
            r->ended = true;
            return;
        }
        if (rc == ARCHIVE_WARN && r->n_odd++ < ODD_MAX) {
            r->is_odd = true;
        } else if (rc != ARCHIVE_OK) {
            r->is_dead = r->is_dead || rc == ARCHIVE_FATAL;
            break_off(r);
            return;
        }
        if (len > 0 && (at < 0 || (uint64_t)at < r->out_at)) {
            break_off(r);
            return;
        }
        r->block = ptr;
        r->block_len = len;
        r->block_at = len > 0 ? (uint64_t)at : r->block_at;
        if (len == 0 && empty > EMPTY_MAX) {
            break_off(r);
        }
    }
}

static enum kl_rc member_read(void *ctx, void *dst, size_t n, size_t *out_n)
{
    struct reader *r = ctx;
    uint8_t *to = dst;
    size_t all = 0;
    r->fresh = false;
    while (all < n) {
        if (r->block_len == 0) {
            next_block(r);
        }
        if (r->block_len == 0) {
            break;
        }
        bool hole = r->out_at < r->block_at;
        uint64_t have = hole ? r->block_at - r->out_at : r->block_len;
        size_t len = have < n - all ? (size_t)have : n - all;
        if (hole) {
            memset(to + all, 0, len);
        } else {
            memcpy(to + all, r->block, len);
            r->block += len;
            r->block_len -= len;
            r->block_at += len;
        }
        r->out_at += len;
        all += len;
    }
    *out_n = all;
    return KL_OK;
}

static enum kl_reason member_lost(void *ctx)
{
    const struct reader *r = ctx;
    return r->lost;
}

static enum kl_rc member_check(void *ctx)
{
    const struct reader *r = ctx;
    return r->is_odd ? kl_emit_anomaly(r->e, "archives.crc") : KL_OK;
}

static const struct kl_member_ops member_ops = {member_rewind, member_read, member_lost,
                                                member_check};

static bool is_encrypted(const struct reader *r, const struct kl_rar *rar)
{
    return archive_entry_is_data_encrypted(r->entry) != 0 ||
           archive_entry_is_metadata_encrypted(r->entry) != 0 ||
           (rar->files != NULL && r->n <= rar->n_files && rar->files[r->n - 1].is_encrypted);
}

/* What an encrypted member takes of the archive. */
static uint64_t encrypted_bytes(const struct reader *r, const struct kl_rar *rar)
{
    uint64_t share = position(r, true) > r->start_at ? position(r, true) - r->start_at : 0;
    uint64_t bytes =
        rar->files != NULL && r->n <= rar->n_files ? rar->files[r->n - 1].packed_bytes : share;
    return bytes < r->in->len_bytes ? bytes : r->in->len_bytes;
}

static struct kl_span name_of(struct reader *r, uint8_t *buf)
{
    if (r->kind->format == KL_FORMAT_COMPRESS) {
        return kl_stream_name(r->e, "Z", buf);
    }
    const char *name = archive_entry_pathname(r->entry);
    if (name == NULL || name[0] == '\0') {
        return KL_SPAN_LIT("(no name)");
    }
    while (name[0] == '.' && name[1] == '/' && name[2] != '\0') {
        name += 2;
    }
    return kl_span_str(name);
}

static enum kl_rc extract_entered(struct reader *r, const struct kl_rar *rar)
{
    bool has_size = archive_entry_size_is_set(r->entry) != 0 && archive_entry_size(r->entry) >= 0;
    struct kl_member m = {
        .ops = &member_ops,
        .ctx = r,
        .claim_bytes = has_size ? (uint64_t)archive_entry_size(r->entry) : KL_MEMBER_UNKNOWN,
        .bad_code = "archive.data",
        .size_code = "archive.size_lie",
    };
    if (is_encrypted(r, rar)) {
        uint64_t bytes = encrypted_bytes(r, rar);
        kl_emit_set_raw(r->e, bytes);
        return kl_emit_not_inspected(r->e, KL_REASON_ENCRYPTED, bytes > 0 ? bytes : 1);
    }
    KL_TRY(kl_member_extract(r->e, &m));
    r->end_at = position(r, true);
    kl_emit_set_raw(r->e, r->end_at > r->start_at ? r->end_at - r->start_at : 1);
    return KL_OK;
}

/* *out_stop: the budget of the document is used up. */
static enum kl_rc extract_member(struct reader *r, const struct kl_rar *rar, bool *out_stop)
{
    uint8_t buf[KL_STREAM_NAME_BYTES];
    enum kl_rc rc = kl_emit_charge_member(r->e);
    *out_stop = rc == KL_E_LIMIT;
    if (rc != KL_OK) {
        return rc == KL_E_LIMIT ? KL_OK : rc;
    }
    mode_t type = archive_entry_filetype(r->entry);
    bool is_link =
        archive_entry_hardlink(r->entry) != NULL || archive_entry_symlink(r->entry) != NULL;
    bool is_empty = archive_entry_size_is_set(r->entry) != 0 && archive_entry_size(r->entry) == 0;
    if (is_empty || type == AE_IFDIR || (is_link && archive_entry_size(r->entry) <= 0)) {
        return KL_OK;
    }
    rc = kl_emit_enter(r->e, name_of(r, buf), 1);
    if (rc == KL_E_LIMIT) {
        *out_stop = true; /* no member of this archive is less deep */
        return KL_OK;
    }
    KL_TRY(rc);
    rc = extract_entered(r, rar);
    kl_emit_leave(r->e);
    *out_stop = !r->fresh && !r->ended;
    return rc;
}

/* ---- the archive ---- */

/* 7z names its coders by number; AES in the description of the header: nothing else can be told. */
static bool is_header_encrypted(const struct reader *r)
{
    uint8_t buf[4096];
    size_t n = 0;
    /* Not of an archive that was not even opened: libarchive 3.6 reads through NULL then. */
    if (r->is_open && archive_read_has_encrypted_entries(r->a) == 1) {
        return true;
    }
    if (r->kind->format != KL_FORMAT_7Z || kl_input_read(r->in, 0, buf, 32, &n) != KL_OK ||
        n < 32) {
        return false;
    }
    struct kl_rd rd = kl_rd_init(kl_span_make(buf, n));
    kl_rd_skip(&rd, 12);
    uint64_t at = kl_rd_le64(&rd);
    if (at > r->in->len_bytes || kl_input_read(r->in, at + 32, buf, sizeof buf, &n) != KL_OK) {
        return false;
    }
    struct kl_span head = kl_span_make(buf, n);
    return n > 0 && buf[0] == 0x17 && kl_span_find(head, 0, KL_SPAN_LIT("\6\xf1\7\1")) < n;
}

/* Where the archive ends by its own word. */
static uint64_t end_of(struct reader *r, const struct kl_rar *rar)
{
    uint8_t buf[32];
    size_t n = 0;
    uint64_t len = r->in->len_bytes;
    if (r->kind->scans_rar) {
        return rar->end_at;
    }
    if (!r->kind->to_end) {
        return position(r, true);
    }
    if (kl_input_read(r->in, 0, buf, sizeof buf, &n) != KL_OK || n < sizeof buf) {
        return len;
    }
    struct kl_rd rd = kl_rd_init(kl_span_make(buf, n));
    uint64_t end = len;
    if (r->kind->format == KL_FORMAT_7Z) {
        kl_rd_skip(&rd, 12);
        uint64_t offset = kl_rd_le64(&rd);
        uint64_t size = kl_rd_le64(&rd);
        end = offset < len && size < len ? 32 + offset + size : len;
    } else if (r->kind->format == KL_FORMAT_CAB) {
        kl_rd_skip(&rd, 8);
        end = kl_rd_le32(&rd);
    }
    return end < len ? end : len;
}

/* Broken from `from` on: said, and its text is seen all the same. */
static enum kl_rc extract_broken(struct reader *r, uint64_t from)
{
    struct kl_input rest = kl_input_part(r->in, from, r->in->len_bytes);
    if (archive_errno(r->a) == ENOMEM) {
        KL_TRY(kl_emit_anomaly(r->e, "limit.memory"));
        KL_TRY(kl_emit_not_inspected(r->e, KL_REASON_LIMIT, rest.len_bytes));
    } else {
        KL_TRY(kl_emit_anomaly(r->e, "archive.data"));
        KL_TRY(kl_emit_not_inspected(r->e, KL_REASON_FORMAT, rest.len_bytes));
    }
    return rest.len_bytes > 0 ? kl_extract_binary(r->e, &rest) : KL_OK;
}

/* Headers that are longer than headers are: somebody keeps something there. */
static enum kl_rc extract_gap(struct reader *r)
{
    uint64_t from = r->end_at;
    r->end_at = r->start_at;
    if (!r->kind->has_gaps || r->start_at < from || r->start_at - from <= GAP_BYTES) {
        return KL_OK;
    }
    struct kl_input part = kl_input_part(r->in, from, r->start_at);
    KL_TRY(kl_emit_anomaly(r->e, "archive.gap"));
    return kl_extract_binary(r->e, &part);
}

/* The names and sizes of a 7z are read without unpacking anything. */
static enum kl_rc count_plain(struct reader *r)
{
    uint64_t total = 0;
    KL_TRY(reader_open(r));
    while (r->n < KL_MAX_MEMBERS && next(r)) {
        total = sum_sat(total, r->plain_size);
    }
    r->plain_total = total;
    return KL_OK;
}

static enum kl_rc extract_members(struct reader *r, const struct kl_rar *rar)
{
    bool stop = false;
    unsigned n_recovered = 0;
    uint64_t from = 0; /* what is before is done with */

    if (r->kind->format == KL_FORMAT_7Z) {
        KL_TRY(count_plain(r));
    }
    KL_TRY(reader_open(r));
    for (;;) {
        if (!next(r)) {
            if (!r->is_dead || r->n == 0 || n_recovered++ == RECOVER_MAX) {
                break;
            }
            /* The member before broke the reader: begin again behind it. */
            uint64_t n = r->n;
            KL_TRY(go_back(r, n));
            if (r->lost != KL_REASON_NONE) {
                break;
            }
            continue;
        }
        from = r->start_at;
        KL_TRY(extract_gap(r));
        KL_TRY(extract_member(r, rar, &stop));
        if (stop) {
            return kl_emit_not_inspected(r->e, KL_REASON_LIMIT, r->in->len_bytes - from);
        }
    }
    if (r->is_dead || r->lost != KL_REASON_NONE) {
        if (r->n == 0 && is_header_encrypted(r)) {
            return kl_emit_not_inspected(r->e, KL_REASON_ENCRYPTED, r->in->len_bytes);
        }
        return extract_broken(r, from);
    }
    return kl_extract_rest(r->e, r->in, end_of(r, rar), "bytes", "archive.suffix");
}

static bool is_cab_volume(const struct kl_input *in)
{
    uint8_t buf[32];
    size_t n = 0;
    return kl_input_read(in, 0, buf, sizeof buf, &n) == KL_OK && n == sizeof buf &&
           (buf[30] & 3) != 0;
}

static enum kl_rc extract_volume(struct kl_emit *e, const struct kl_input *in)
{
    KL_TRY(kl_emit_anomaly(e, "archive.volume"));
    KL_TRY(kl_emit_not_inspected(e, KL_REASON_FORMAT, in->len_bytes));
    return kl_extract_binary(e, in);
}

enum kl_rc kl_extract_archive(struct kl_emit *e, const struct kl_input *in, enum kl_format format)
{
    struct kl_rar rar = {0};
    enum kl_rc rc = KL_OK;
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return KL_E_NOMEM;
    }
    r->e = e;
    r->in = in;
    r->kind = kind_of(format);
    if (r->kind->scans_rar) {
        rc = kl_rar_scan(in, format == KL_FORMAT_RAR ? 4 : 5, &rar);
    }
    if (rc == KL_E_IO) {
        rc = kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes);
    } else if (rc == KL_OK && rar.is_header_encrypted) {
        rc = kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, in->len_bytes);
    } else if (rc == KL_OK && (rar.is_volume || (format == KL_FORMAT_CAB && is_cab_volume(in)))) {
        rc = extract_volume(e, in);
    } else if (rc == KL_OK) {
        rc = extract_members(r, &rar);
    }
    reader_close(r);
    kl_rar_done(&rar);
    free(r);
    return rc;
}
