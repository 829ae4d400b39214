#include "extract/rar.h"

#include <stdlib.h>

#include "base/limits.h"

#define HEAD_BYTES 4096u   /* of a header that is looked at */
#define MAX_BLOCKS 100000u /* of any type */

/* Block types and flags of version 4. */
#define R4_MAIN 0x73
#define R4_FILE 0x74
#define R4_SUB 0x7a
#define R4_END 0x7b
#define R4_HAS_DATA 0x8000u
#define R4_MAIN_VOLUME 0x0001u
#define R4_MAIN_PASSWORD 0x0080u
#define R4_FILE_SPLIT 0x0003u
#define R4_FILE_PASSWORD 0x0004u
#define R4_FILE_LARGE 0x0100u

/* Of version 5. */
#define R5_MAIN 1u
#define R5_FILE 2u
#define R5_ENCRYPTION 4u
#define R5_END 5u
#define R5_HAS_EXTRA 1u
#define R5_HAS_DATA 2u
#define R5_SPLIT 0x18u
#define R5_MAIN_VOLUME 1u
#define R5_EXTRA_ENCRYPTION 1u

unsigned kl_rar_version(struct kl_span head)
{
    static const char magic[] = "Rar!\x1a\7";
    if (head.len < 8 || memcmp(head.ptr, magic, 6) != 0) {
        return 0;
    }
    if (head.ptr[6] == 0) {
        return 4;
    }
    return head.ptr[6] == 1 && head.ptr[7] == 0 ? 5 : 0;
}

void kl_rar_done(struct kl_rar *r)
{
    free(r->files);
    *r = (struct kl_rar){0};
}

static enum kl_rc add_file(struct kl_rar *r, uint64_t packed_bytes, bool is_encrypted)
{
    if (r->n_files == KL_MAX_MEMBERS) {
        return KL_OK; /* those past the limit are not read anyway */
    }
    if (r->n_files == r->cap) {
        size_t cap = r->cap == 0 ? 16 : r->cap * 2;
        struct kl_rar_file *grown = realloc(r->files, cap * sizeof *grown);
        if (grown == NULL) {
            return KL_E_NOMEM;
        }
        r->files = grown;
        r->cap = cap;
    }
    r->files[r->n_files++] = (struct kl_rar_file){packed_bytes, is_encrypted};
    return KL_OK;
}

/* One block at `at`; *out_next is where the next begins, 0: this was the last. */
static enum kl_rc block4(struct kl_rar *r, struct kl_span head, uint64_t at, uint64_t *out_next)
{
    struct kl_rd rd = kl_rd_init(head);
    *out_next = 0;
    kl_rd_skip(&rd, 2);
    uint8_t type = kl_rd_u8(&rd);
    uint16_t flags = kl_rd_le16(&rd);
    uint64_t size = kl_rd_le16(&rd);
    if (!kl_rd_ok(&rd) || size < 7 || type < R4_MAIN - 1 || type > R4_END) {
        return KL_OK;
    }
    uint64_t data = 0;
    if (type == R4_MAIN) {
        r->is_volume = r->is_volume || (flags & R4_MAIN_VOLUME) != 0;
        r->is_header_encrypted = (flags & R4_MAIN_PASSWORD) != 0;
    } else if (type == R4_FILE || type == R4_SUB || (flags & R4_HAS_DATA) != 0) {
        data = kl_rd_le32(&rd);
        kl_rd_skip(&rd, 21);
        if ((type == R4_FILE || type == R4_SUB) && (flags & R4_FILE_LARGE) != 0) {
            data |= (uint64_t)kl_rd_le32(&rd) << 32;
        }
    }
    if (type == R4_FILE) {
        r->is_volume = r->is_volume || (flags & R4_FILE_SPLIT) != 0;
        KL_TRY(add_file(r, data, (flags & R4_FILE_PASSWORD) != 0));
    }
    uint64_t next = data > UINT64_MAX / 2 ? UINT64_MAX / 2 : at + size + data;
    if (type == R4_END) {
        r->end_at = next;
        return KL_OK;
    }
    *out_next = r->is_header_encrypted ? 0 : next;
    return KL_OK;
}

/* A number of seven bits a byte, the low ones first. */
static uint64_t vint(struct kl_rd *rd)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t c = kl_rd_u8(rd);
        v |= (uint64_t)(c & 0x7fu) << shift;
        if ((c & 0x80) == 0) {
            return v;
        }
    }
    rd->bad = true;
    return 0;
}

static bool has_encryption(struct kl_span extra)
{
    struct kl_rd rd = kl_rd_init(extra);
    while (kl_rd_ok(&rd) && kl_rd_left(&rd) > 0) {
        uint64_t size = vint(&rd);
        size_t at = rd.at;
        if (vint(&rd) == R5_EXTRA_ENCRYPTION && kl_rd_ok(&rd)) {
            return true;
        }
        if (size == 0 || size > extra.len - at) {
            return false;
        }
        rd.at = at + (size_t)size;
    }
    return false;
}

static enum kl_rc block5(struct kl_rar *r, struct kl_span head, uint64_t at, uint64_t *out_next)
{
    struct kl_rd rd = kl_rd_init(head);
    *out_next = 0;
    kl_rd_skip(&rd, 4);
    uint64_t size = vint(&rd);
    size_t from = rd.at;
    uint64_t type = vint(&rd);
    uint64_t flags = vint(&rd);
    uint64_t n_extra = (flags & R5_HAS_EXTRA) != 0 ? vint(&rd) : 0;
    uint64_t data = (flags & R5_HAS_DATA) != 0 ? vint(&rd) : 0;
    if (!kl_rd_ok(&rd) || size == 0 || size > (1u << 21) || n_extra > size) {
        return KL_OK;
    }
    if (type == R5_MAIN) {
        r->is_volume = r->is_volume || (vint(&rd) & R5_MAIN_VOLUME) != 0;
    }
    r->is_header_encrypted = r->is_header_encrypted || type == R5_ENCRYPTION;
    if (type == R5_FILE) {
        size_t end = from + (size_t)size;
        struct kl_span extra = kl_span_part(head, end - (size_t)n_extra, end);
        r->is_volume = r->is_volume || (flags & R5_SPLIT) != 0;
        KL_TRY(add_file(r, data, has_encryption(extra)));
    }
    uint64_t next = data > UINT64_MAX / 2 ? UINT64_MAX / 2 : at + from + size + data;
    if (type == R5_END) {
        r->end_at = next;
        return KL_OK;
    }
    *out_next = r->is_header_encrypted ? 0 : next;
    return KL_OK;
}

enum kl_rc kl_rar_scan(const struct kl_input *in, unsigned version, struct kl_rar *out_r)
{
    uint8_t buf[HEAD_BYTES];
    uint64_t at = version == 4 ? 7 : 8;

    *out_r = (struct kl_rar){.end_at = in->len_bytes};
    for (unsigned i = 0; i < MAX_BLOCKS && at > 0 && at < in->len_bytes; i++) {
        size_t n = 0;
        KL_TRY(kl_input_read(in, at, buf, sizeof buf, &n));
        struct kl_span head = kl_span_make(buf, n);
        KL_TRY(version == 4 ? block4(out_r, head, at, &at) : block5(out_r, head, at, &at));
    }
    if (out_r->end_at > in->len_bytes) {
        out_r->end_at = in->len_bytes;
    }
    return KL_OK;
}
