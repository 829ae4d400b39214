#include "register/synth_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUF_BYTES 262144u
#define PATH_BYTES 4096u

enum kl_rc kl_synth_file_open(struct kl_synth_file *f, const char *dir, const char *name,
                              struct kl_err *err)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);

    *f = (struct kl_synth_file){.fd = -1};
    if (n < 0 || (size_t)n >= sizeof path) {
        return kl_fail(err, KL_E_LIMIT, "the output path is too long: give a shorter one");
    }
    f->buf = malloc(BUF_BYTES);
    if (f->buf == NULL) {
        return kl_fail(err, KL_E_NOMEM, "no memory for an output buffer");
    }
    f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (f->fd < 0) {
        enum kl_rc rc = kl_fail_errno(err, "cannot create an output file: check the directory");
        free(f->buf);
        f->buf = NULL;
        return rc;
    }
    return KL_OK;
}

static void flush(struct kl_synth_file *f)
{
    size_t at = 0;
    while (at < f->len && f->sys_errno == 0) {
        ssize_t n = write(f->fd, f->buf + at, f->len - at);
        if (n >= 0) {
            at += (size_t)n;
        } else if (errno != EINTR) {
            f->sys_errno = errno;
        }
    }
    f->bytes += f->len;
    f->len = 0;
}

void kl_synth_file_add(struct kl_synth_file *f, const void *ptr, size_t len)
{
    const uint8_t *p = ptr;
    while (len > BUF_BYTES - f->len) {
        size_t part = BUF_BYTES - f->len;
        memcpy(f->buf + f->len, p, part);
        f->len += part;
        p += part;
        len -= part;
        flush(f);
    }
    if (len > 0) {
        memcpy(f->buf + f->len, p, len);
        f->len += len;
    }
}

void kl_synth_file_add_str(struct kl_synth_file *f, const char *s)
{
    kl_synth_file_add(f, s, strlen(s));
}

void kl_synth_file_add_csv(struct kl_synth_file *f, struct kl_span cell, char sep)
{
    bool quote = false;
    for (size_t i = 0; i < cell.len; i++) {
        uint8_t c = cell.ptr[i];
        quote = quote || c == (uint8_t)sep || c == '"' || c == '\n' || c == '\r';
    }
    if (!quote) {
        kl_synth_file_add(f, cell.ptr, cell.len);
        return;
    }
    kl_synth_file_add(f, "\"", 1);
    for (size_t i = 0; i < cell.len; i++) {
        kl_synth_file_add(f, "\"\"", cell.ptr[i] == '"' ? 1 : 0);
        kl_synth_file_add(f, &cell.ptr[i], 1);
    }
    kl_synth_file_add(f, "\"", 1);
}

enum kl_rc kl_synth_file_close(struct kl_synth_file *f, struct kl_err *err)
{
    if (f->fd < 0) {
        return KL_OK;
    }
    flush(f);
    if (close(f->fd) != 0 && f->sys_errno == 0) {
        f->sys_errno = errno;
    }
    free(f->buf);
    f->buf = NULL;
    f->fd = -1;
    if (f->sys_errno != 0) {
        errno = f->sys_errno;
        return kl_fail_errno(err, "cannot write an output file: check the free space");
    }
    return KL_OK;
}

enum kl_rc kl_synth_dir_make(const char *path, struct kl_err *err)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return errno == ENOENT ? kl_fail(err, KL_E_IO,
                                         "the folder around the one of --out is not there: make it")
                               : kl_fail_errno(err, "cannot make the output folder");
    }
    return KL_OK;
}
