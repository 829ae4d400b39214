/* Writes archives for tests: with libarchive what it can write, by hand what it cannot. */
#ifndef ARCHIVE_MAKE_H
#define ARCHIVE_MAKE_H

#include "zip_make.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

struct am_file {
    const char *name;
    const void *data;
    size_t len;
};

static inline la_ssize_t am_write(struct archive *a, void *ctx, const void *buf, size_t n)
{
    (void)a;
    zm_put(ctx, buf, n);
    return (la_ssize_t)n;
}

/* Files with a libarchive format ("7zip", "ustar", …) and filter ("none", "gzip", …). */
static inline struct zm_bytes am_make(const char *format, const char *filter, const char *options,
                                      const char *password, const struct am_file *files, size_t n)
{
    struct zm_bytes out = {0};
    struct archive *a = archive_write_new();
    bool good = archive_write_set_format_by_name(a, format) == ARCHIVE_OK &&
                (strcmp(filter, "none") == 0 ||
                 archive_write_add_filter_by_name(a, filter) == ARCHIVE_OK) &&
                archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
                (options == NULL || archive_write_set_options(a, options) == ARCHIVE_OK) &&
                (password == NULL || archive_write_set_passphrase(a, password) == ARCHIVE_OK) &&
                archive_write_open(a, &out, NULL, am_write, NULL) == ARCHIVE_OK;
    for (size_t i = 0; i < n && good; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, files[i].name);
        archive_entry_set_size(e, (la_int64_t)files[i].len);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        good = archive_write_header(a, e) == ARCHIVE_OK &&
               archive_write_data(a, files[i].data, files[i].len) == (la_ssize_t)files[i].len;
        archive_entry_free(e);
    }
    if (!good || archive_write_close(a) != ARCHIVE_OK) {
        printf("# %s %s: %s\n", format, filter, archive_error_string(a));
        abort();
    }
    (void)archive_write_free(a);
    return out;
}

/* A block of rar 4: checksum, type, flags, size, body; then its data. */
static inline void am_rar4_block(struct zm_bytes *b, uint8_t type, uint16_t flags, const void *body,
                                 size_t n_body)
{
    struct zm_bytes h = {0};
    zm_le(&h, type, 1);
    zm_le(&h, flags, 2);
    zm_le(&h, 7 + n_body, 2);
    zm_put(&h, body, n_body);
    zm_le(b, libdeflate_crc32(0, h.ptr, h.len) & 0xffff, 2);
    zm_put(b, h.ptr, h.len);
    free(h.ptr);
}

/* One stored member. main_flags: 1 volume, 0x80 headers encrypted; file_flags: 4 encrypted. */
static inline struct zm_bytes am_rar4(const char *name, const void *data, size_t len,
                                      uint16_t main_flags, uint16_t file_flags)
{
    struct zm_bytes out = {0};
    struct zm_bytes f = {0};
    zm_put(&out, "Rar!\x1a\7\0", 7);
    am_rar4_block(&out, 0x73, main_flags, "\0\0\0\0\0\0", 6);
    zm_le(&f, len, 4);
    zm_le(&f, len, 4);
    zm_le(&f, 3, 1);
    zm_le(&f, libdeflate_crc32(0, data, len), 4);
    zm_le(&f, 0x5a000000, 4);
    zm_le(&f, 29, 1);
    zm_le(&f, 0x30, 1);
    zm_le(&f, strlen(name), 2);
    zm_le(&f, 0x20, 4);
    zm_put(&f, name, strlen(name));
    am_rar4_block(&out, 0x74, (uint16_t)(0x8000 | file_flags), f.ptr, f.len);
    zm_put(&out, data, len);
    am_rar4_block(&out, 0x7b, 0x4000, "", 0);
    free(f.ptr);
    return out;
}

static inline void am_vint(struct zm_bytes *b, uint64_t v)
{
    for (; v > 127; v >>= 7) {
        zm_le(b, (v & 127) | 128, 1);
    }
    zm_le(b, v, 1);
}

static inline void am_rar5_block(struct zm_bytes *out, const struct zm_bytes *body)
{
    struct zm_bytes h = {0};
    am_vint(&h, body->len);
    zm_put(&h, body->ptr, body->len);
    zm_le(out, libdeflate_crc32(0, h.ptr, h.len), 4);
    zm_put(out, h.ptr, h.len);
    free(h.ptr);
}

/* One stored member; volume: 0 or 1; header: an encryption header in front of all others. */
static inline struct zm_bytes am_rar5(const char *name, const void *data, size_t len,
                                      bool encrypted, uint64_t volume, bool header)
{
    static const char crypt[] = "\x30\1\0\1\x0fsaltsaltsaltsaltiviviviviviviviv012345678901";
    struct zm_bytes out = {0};
    struct zm_bytes b = {0};
    zm_put(&out, "Rar!\x1a\7\1\0", 8);
    if (header) {
        am_vint(&b, 4);
        zm_put(&b,
               "\0\0\0\x0f"
               "salt0123salt0123",
               20);
        am_rar5_block(&out, &b);
        b.len = 0;
    }
    am_vint(&b, 1);
    am_vint(&b, 0);
    am_vint(&b, volume);
    am_rar5_block(&out, &b);
    b.len = 0;
    am_vint(&b, 2);
    am_vint(&b, encrypted ? 3 : 2);
    if (encrypted) {
        am_vint(&b, sizeof crypt - 1);
    }
    am_vint(&b, len);
    am_vint(&b, 4);
    am_vint(&b, len);
    am_vint(&b, 0);
    zm_le(&b, libdeflate_crc32(0, data, len), 4);
    am_vint(&b, 0);
    am_vint(&b, 0);
    am_vint(&b, strlen(name));
    zm_put(&b, name, strlen(name));
    if (encrypted) {
        zm_put(&b, crypt, sizeof crypt - 1);
    }
    am_rar5_block(&out, &b);
    zm_put(&out, data, len);
    b.len = 0;
    zm_put(&b, "\5\0\0", 3);
    am_rar5_block(&out, &b);
    free(b.ptr);
    return out;
}

/* A stored member of lha, level 0. */
static inline struct zm_bytes am_lha(const char *name, const void *data, size_t len)
{
    struct zm_bytes out = {0};
    struct zm_bytes h = {0};
    uint16_t crc = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= ((const uint8_t *)data)[i];
        for (unsigned k = 0; k < 8; k++) {
            crc = (uint16_t)(crc >> 1 ^ ((crc & 1) != 0 ? 0xA001 : 0));
        }
    }
    zm_put(&h, "-lh0-", 5);
    zm_le(&h, len, 4);
    zm_le(&h, len, 4);
    zm_le(&h, 0, 4);
    zm_le(&h, 0x20, 1);
    zm_le(&h, 0, 1);
    zm_le(&h, strlen(name), 1);
    zm_put(&h, name, strlen(name));
    zm_le(&h, crc, 2);
    for (size_t i = 0; i < h.len; i++) {
        sum = (uint8_t)(sum + h.ptr[i]);
    }
    zm_le(&out, h.len, 1);
    zm_le(&out, sum, 1);
    zm_put(&out, h.ptr, h.len);
    zm_put(&out, data, len);
    zm_le(&out, 0, 1);
    free(h.ptr);
    return out;
}

/* A stored member of a cabinet; flags: 1 and 2 say that others come before and behind. */
static inline struct zm_bytes am_cab(const char *name, const void *data, size_t len, uint16_t flags)
{
    struct zm_bytes b = {0};
    size_t n_name = strlen(name) + 1;
    size_t file_at = 36 + 8;
    size_t data_at = file_at + 16 + n_name;
    zm_put(&b, "MSCF", 4);
    zm_le(&b, 0, 4);
    zm_le(&b, data_at + 8 + len, 4);
    zm_le(&b, 0, 4);
    zm_le(&b, file_at, 4);
    zm_le(&b, 0, 4);
    zm_le(&b, 0x0103, 2); /* version */
    zm_le(&b, 1, 2);      /* folders */
    zm_le(&b, 1, 2);      /* files */
    zm_le(&b, flags, 2);
    zm_le(&b, 0, 4);
    zm_le(&b, data_at, 4);
    zm_le(&b, 1, 2); /* blocks of data */
    zm_le(&b, 0, 2); /* stored */
    zm_le(&b, len, 4);
    zm_le(&b, 0, 4);
    zm_le(&b, 0, 2);
    zm_le(&b, 0x5a215a21, 4);
    zm_le(&b, 0x20, 2);
    zm_put(&b, name, n_name);
    zm_le(&b, 0, 4); /* no checksum */
    zm_le(&b, len, 2);
    zm_le(&b, len, 2);
    zm_put(&b, data, len);
    return b;
}

#endif
