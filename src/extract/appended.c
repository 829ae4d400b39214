#include "extract/appended.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "extract/inflate.h"
#include "extract/rar.h"

#define CHUNK_BYTES 65536u
#define OVERLAP_BYTES 32u /* of two chunks: a signature and what is checked behind it */
#define END_BYTES 22u     /* of a zip's end record */
#define TAIL_BYTES (65535u + END_BYTES)
#define SAMPLE_BYTES 512u
#define LAST_BYTES 64u /* the end of what is too small to fill a sample */
#define N_SAMPLES 8u

bool kl_is_iso(const struct kl_input *in)
{
    uint8_t buf[6];
    size_t n = 0;
    return in->len_bytes >= 17 * 2048u && kl_input_read(in, 32768, buf, sizeof buf, &n) == KL_OK &&
           n == sizeof buf && buf[0] <= 3 && memcmp(buf + 1, "CD001", 5) == 0;
}

/* ---- where an archive begins ---- */

/* A 7z: the checksum of its first header holds. */
static bool is_7z(struct kl_span s)
{
    struct kl_rd r = kl_rd_init(s);
    kl_rd_skip(&r, 8);
    uint32_t crc = kl_rd_le32(&r);
    return s.len >= 32 && memcmp(s.ptr, "7z\xbc\xaf\x27\x1c", 6) == 0 &&
           kl_inflate_crc(kl_span_part(s, 12, 32)) == crc;
}

/* A rar: its first block is one that may come first. */
static bool is_rar(struct kl_span s)
{
    unsigned version = kl_rar_version(s);
    if (version == 4) {
        return s.len >= 20 && s.ptr[9] == 0x73;
    }
    /* Checksum, one or two bytes of size, then main or encryption header. */
    return version == 5 && s.len >= 16 && (s.ptr[12] < 0x80 ? s.ptr[13] : s.ptr[14]) <= 4;
}

/* The first 7z or rar from `from` on in a chunk; chunk.len: none. */
static size_t find_in(struct kl_span chunk, size_t from)
{
    const uint8_t *end = chunk.ptr + chunk.len;
    for (const uint8_t *p = chunk.ptr + from; p < end; p++) {
        const uint8_t *seven = memmem(p, (size_t)(end - p), "7z\xbc\xaf\x27\x1c", 6);
        const uint8_t *rar = memmem(p, (size_t)(end - p), "Rar!\x1a\7", 6);
        const uint8_t *first = seven == NULL || (rar != NULL && rar < seven) ? rar : seven;
        if (first == NULL) {
            break;
        }
        struct kl_span at = kl_span_make(first, (size_t)(end - first));
        if (first == seven ? is_7z(at) : is_rar(at)) {
            return (size_t)(first - chunk.ptr);
        }
        p = first;
    }
    return chunk.len;
}

/* Offset of the first 7z or rar behind the first byte, or the input's end. */
static enum kl_rc find_archive(const struct kl_input *in, uint64_t *out_at)
{
    uint8_t *buf = malloc(CHUNK_BYTES + OVERLAP_BYTES);
    uint64_t end = in->len_bytes < KL_MAX_SEARCHED ? in->len_bytes : KL_MAX_SEARCHED;
    *out_at = in->len_bytes;
    if (buf == NULL) {
        return KL_E_NOMEM;
    }
    for (uint64_t at = 0; at < end && *out_at == in->len_bytes; at += CHUNK_BYTES) {
        size_t n = 0;
        uint64_t data = kl_input_data(in, at);
        at = data > at ? data - data % CHUNK_BYTES : at;
        if (kl_input_read(in, at, buf, CHUNK_BYTES + OVERLAP_BYTES, &n) != KL_OK || n == 0) {
            break;
        }
        size_t found = find_in(kl_span_make(buf, n), at == 0);
        if (found < n && found < CHUNK_BYTES) {
            *out_at = at + found;
        }
    }
    free(buf);
    return KL_OK;
}

/* Where the zip begins whose end record lies in the tail, or the input's end. */
static uint64_t find_zip(const struct kl_input *in, struct kl_span tail, uint64_t tail_at)
{
    for (size_t i = tail.len < END_BYTES ? 0 : tail.len - END_BYTES + 1; i-- > 0;) {
        const uint8_t *p = memrchr(tail.ptr, 'P', i + 1);
        if (p == NULL) {
            break;
        }
        i = (size_t)(p - tail.ptr);
        struct kl_rd r = kl_rd_init(kl_span_part(tail, i, tail.len));
        if (kl_rd_le32(&r) != 0x06054b50u) {
            continue;
        }
        kl_rd_skip(&r, 8);
        uint64_t dir_bytes = kl_rd_le32(&r);
        uint64_t dir_at = kl_rd_le32(&r);
        uint64_t end = tail_at + i;
        if (!kl_rd_ok(&r) || dir_bytes < 46 || dir_bytes > end) {
            continue; /* of a zip64 the sizes are not here: the directory is looked for */
        }
        uint8_t sig[4];
        size_t n = 0;
        uint64_t real = end - dir_bytes;
        if (kl_input_read(in, real, sig, sizeof sig, &n) == KL_OK && n == 4 &&
            memcmp(sig, "PK\1\2", 4) == 0) {
            return dir_at <= real ? real - dir_at : 0;
        }
    }
    return in->len_bytes;
}

static bool is_texty(struct kl_span s)
{
    enum kl_format f = kl_sniff(s);
    return f == KL_FORMAT_TEXT || f == KL_FORMAT_NONE;
}

/* A text whose tail, and places between, are no text: something was put behind it. */
static bool is_text_all_through(const struct kl_input *in, struct kl_span tail)
{
    uint8_t buf[SAMPLE_BYTES];
    size_t n = 0;
    size_t from = tail.len < SAMPLE_BYTES ? 0 : tail.len - SAMPLE_BYTES;
    size_t last = tail.len < LAST_BYTES ? 0 : tail.len - LAST_BYTES;
    bool texty = is_texty(kl_span_part(tail, from, tail.len)) &&
                 is_texty(kl_span_part(tail, last, tail.len));
    /* A source would have to be unpacked again for a look at its middle. */
    for (unsigned i = 1; i < N_SAMPLES && texty && in->source == NULL; i++) {
        uint64_t at = in->len_bytes / N_SAMPLES * i;
        if (kl_input_read(in, at, buf, sizeof buf, &n) == KL_OK) {
            texty = is_texty(kl_span_make(buf, n));
        }
    }
    return texty;
}

/* ---- reading it ---- */

static enum kl_rc extract_at(struct kl_emit *e, const struct kl_input *in, uint64_t at, bool is_zip)
{
    char name[64];
    struct kl_input part = kl_input_part(in, at, in->len_bytes);
    int len = snprintf(name, sizeof name, "(archive at %llu)", (unsigned long long)at);
    KL_TRY(kl_emit_anomaly(e, at == 0 ? "polyglot" : "archive.appended"));
    enum kl_rc rc = kl_emit_charge_member(e);
    if (rc == KL_OK) {
        rc = kl_emit_enter(e, kl_span_make(name, (size_t)len), part.len_bytes);
    }
    if (rc == KL_E_LIMIT) {
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, part.len_bytes);
    }
    KL_TRY(rc);
    rc = is_zip ? kl_extract_zip(e, &part) : kl_extract_nested(e, &part);
    kl_emit_leave(e);
    return rc;
}

enum kl_rc kl_extract_appended(struct kl_emit *e, const struct kl_input *in, enum kl_format format)
{
    size_t want = in->len_bytes < TAIL_BYTES ? (size_t)in->len_bytes : TAIL_BYTES;
    uint64_t tail_at = in->len_bytes - want;
    size_t n = 0;
    if (in->len_bytes < END_BYTES) {
        return KL_OK;
    }
    uint8_t *buf = malloc(want);
    if (buf == NULL) {
        return KL_E_NOMEM;
    }
    if (kl_input_read(in, tail_at, buf, want, &n) != KL_OK) {
        n = 0;
    }
    struct kl_span tail = kl_span_make(buf, n);
    uint64_t zip_at = find_zip(in, tail, tail_at);
    bool search = format != KL_FORMAT_TEXT || !is_text_all_through(in, tail);
    free(buf);
    uint64_t other_at = in->len_bytes;
    if (search) {
        KL_TRY(find_archive(in, &other_at));
    }
    if (other_at < zip_at) {
        return extract_at(e, in, other_at, false);
    }
    return zip_at < in->len_bytes ? extract_at(e, in, zip_at, true) : KL_OK;
}
