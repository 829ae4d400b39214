#include "os/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "os/signals.h"

#define PIECE_BYTES 65536u

struct copy {
    int fd;
    uint64_t len;
    bool on_disk;
};

static enum kl_rc fail_disk(struct kl_err *err)
{
    return kl_fail_errno(err, errno == ENOSPC || errno == EDQUOT
                                  ? "the disk is full; free space or set TMPDIR to another disk"
                                  : "the input could not be stored for reading");
}

static enum kl_rc write_all(int fd, struct kl_span data, struct kl_err *err)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.ptr, data.len);
        if (n < 0 && errno != EINTR) {
            return fail_disk(err);
        }
        data = kl_span_part(data, n > 0 ? (size_t)n : 0, data.len);
    }
    return KL_OK;
}

/* Move what is in memory to an unnamed file. */
static enum kl_rc to_disk(struct copy *c, const char *dir, struct kl_err *err)
{
    uint8_t piece[PIECE_BYTES];
    uint64_t at = 0;
    const char *where = dir != NULL ? dir : getenv("TMPDIR");

    int fd = open(where != NULL && where[0] != '\0' ? where : "/var/tmp",
                  O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0) {
        return kl_fail_errno(err, "no file for a long input; set TMPDIR to a folder on a disk");
    }
    while (at < c->len) {
        ssize_t n = pread(c->fd, piece, sizeof piece, (off_t)at);
        enum kl_rc rc = n > 0 ? write_all(fd, kl_span_make(piece, (size_t)n), err)
                              : kl_fail_errno(err, "the input could not be read back");
        if (rc != KL_OK) {
            (void)close(fd);
            return rc;
        }
        at += (uint64_t)n;
    }
    (void)close(c->fd);
    c->fd = fd;
    c->on_disk = true;
    return KL_OK;
}

static enum kl_rc copy_all(int in_fd, const struct kl_spool_opts *opts, struct copy *c,
                           bool *out_cut, struct kl_err *err)
{
    uint8_t piece[PIECE_BYTES];

    for (;;) {
        if (kl_stop_is_asked()) {
            *out_cut = true;
            return KL_OK;
        }
        ssize_t n = read(in_fd, piece, sizeof piece);
        if (n == 0) {
            return KL_OK;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return kl_fail_errno(err, "the input could not be read");
        }
        uint64_t room = opts->max_bytes - c->len;
        size_t take = (uint64_t)n <= room ? (size_t)n : (size_t)room;
        if (!c->on_disk && c->len + take > opts->mem_bytes) {
            KL_TRY(to_disk(c, opts->dir, err));
        }
        KL_TRY(write_all(c->fd, kl_span_make(piece, take), err));
        c->len += take;
        if (take < (size_t)n) {
            *out_cut = true;
            return KL_OK;
        }
    }
}

/* A reader of hostile bytes is handed this: it must not be able to write. */
static enum kl_rc read_only(int fd, int *out_fd, struct kl_err *err)
{
    char self[32];

    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    *out_fd = open(self, O_RDONLY | O_CLOEXEC);
    return *out_fd >= 0 ? KL_OK : kl_fail_errno(err, "the stored input could not be reopened");
}

enum kl_rc kl_spool_fd(int in_fd, const struct kl_spool_opts *opts, struct kl_spool *out_s,
                       struct kl_err *err)
{
    struct copy c = {-1, 0, false};
    struct stat st;
    int fd = -1;
    bool cut = false;

    if (fstat(in_fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(in_fd, 0, SEEK_CUR) == 0) {
        fd = fcntl(in_fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
            return kl_fail_errno(err, "the input could not be opened again");
        }
        *out_s = (struct kl_spool){fd, (uint64_t)st.st_size, false};
        return KL_OK;
    }
    c.fd = memfd_create("kulla-spool", MFD_CLOEXEC);
    if (c.fd < 0) {
        return kl_fail_errno(err, "no memory for the input");
    }
    enum kl_rc rc = copy_all(in_fd, opts, &c, &cut, err);
    if (rc == KL_OK) {
        rc = read_only(c.fd, &fd, err);
    }
    (void)close(c.fd);
    if (rc == KL_OK) {
        *out_s = (struct kl_spool){fd, c.len, cut};
    }
    return rc;
}
