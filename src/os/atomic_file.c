#include "os/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_TRIES 16

struct kl_atomic_file {
    int dir_fd;
    int fd;
    bool named;   /* tmp exists in the directory */
    char tmp[32]; /* our own name, short: the target's may be as long as names get */
    char name[NAME_MAX + 1];
};

static enum kl_rc fail_disk(struct kl_err *err, const char *what)
{
    if (errno == ENOSPC || errno == EDQUOT) {
        what = "the disk is full, nothing was replaced; free space and repeat";
    } else if (errno == EFBIG) {
        what = "a file may not grow so large here, nothing was replaced; see ulimit -f and repeat";
    }
    return kl_fail_errno(err, what);
}

/* Split path, open its directory, refuse what a rename must not replace. */
static enum kl_rc open_place(struct kl_atomic_file *f, const char *path, struct kl_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char dir[PATH_MAX] = ".";
    struct stat st;

    if (name[0] == '\0' || strlen(name) > NAME_MAX || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0 || strlen(path) >= sizeof dir) {
        return kl_fail(err, KL_E_FORMAT, "the output is not the name of a file");
    }
    if (slash != NULL) {
        /* "/x" is in "/". */
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        memcpy(dir, path, n);
        dir[n] = '\0';
    }
    memcpy(f->name, name, strlen(name) + 1);
    f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir_fd < 0) {
        return kl_fail_errno(err, "the folder of the output cannot be opened");
    }
    if (fstatat(f->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode)) {
        return kl_fail(err, KL_E_FORMAT,
                       "the output exists and is not a regular file; give another name");
    }
    return KL_OK;
}

static void make_name(struct kl_atomic_file *f)
{
    uint64_t r = 0;

    if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r) {
        r = (uint64_t)getpid();
    }
    (void)snprintf(f->tmp, sizeof f->tmp, ".kulla-%016llx", (unsigned long long)r);
}

static enum kl_rc open_file(struct kl_atomic_file *f, mode_t mode, struct kl_err *err)
{
    f->fd = openat(f->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    for (int i = 0; i < NAME_TRIES && f->fd < 0; i++) {
        make_name(f);
        f->fd = openat(f->dir_fd, f->tmp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
        f->named = f->fd >= 0;
        if (f->fd < 0 && errno != EEXIST) {
            break;
        }
    }
    return f->fd >= 0 ? KL_OK
                      : fail_disk(err, "no file can be created in the folder of the output");
}

enum kl_rc kl_atomic_file_new(const char *path, mode_t mode, struct kl_atomic_file **out_f,
                              struct kl_err *err)
{
    struct kl_atomic_file *f = calloc(1, sizeof *f);

    if (f == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    f->dir_fd = -1;
    f->fd = -1;
    enum kl_rc rc = open_place(f, path, err);
    if (rc == KL_OK) {
        rc = open_file(f, mode, err);
    }
    if (rc != KL_OK) {
        kl_atomic_file_free(&f);
        return rc;
    }
    *out_f = f;
    return KL_OK;
}

int kl_atomic_file_fd_get(const struct kl_atomic_file *f)
{
    return f->fd;
}

enum kl_rc kl_atomic_file_write(struct kl_atomic_file *f, struct kl_span data, struct kl_err *err)
{
    while (data.len > 0) {
        ssize_t n = write(f->fd, data.ptr, data.len);
        if (n < 0 && errno != EINTR) {
            return fail_disk(err, "the output could not be written");
        }
        data = kl_span_part(data, n > 0 ? (size_t)n : 0, data.len);
    }
    return KL_OK;
}

enum kl_rc kl_atomic_file_write_at(struct kl_atomic_file *f, uint64_t at, struct kl_span data,
                                   struct kl_err *err)
{
    while (data.len > 0) {
        ssize_t n = pwrite(f->fd, data.ptr, data.len, (off_t)at);
        if (n < 0 && errno != EINTR) {
            return fail_disk(err, "the output could not be written");
        }
        size_t done = n > 0 ? (size_t)n : 0;
        at += done;
        data = kl_span_part(data, done, data.len);
    }
    return KL_OK;
}

/* rename replaces, linkat does not: an unnamed file gets a name of ours first. */
static enum kl_rc give_name(struct kl_atomic_file *f, struct kl_err *err)
{
    char self[32];

    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
    for (int i = 0; i < NAME_TRIES; i++) {
        make_name(f);
        if (linkat(AT_FDCWD, self, f->dir_fd, f->tmp, AT_SYMLINK_FOLLOW) == 0) {
            f->named = true;
            return KL_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return fail_disk(err, "the output could not be given a name");
}

enum kl_rc kl_atomic_file_commit(struct kl_atomic_file *f, struct kl_err *err)
{
    if (fsync(f->fd) != 0) {
        return fail_disk(err, "the output could not be made durable");
    }
    if (!f->named) {
        KL_TRY(give_name(f, err));
    }
    if (renameat(f->dir_fd, f->tmp, f->dir_fd, f->name) != 0) {
        return fail_disk(err, "the output could not be put in place");
    }
    f->named = false;
    if (fsync(f->dir_fd) != 0) {
        return kl_fail_errno(err, "the output is in place but not proven durable; repeat");
    }
    return KL_OK;
}

void kl_atomic_file_free(struct kl_atomic_file **f)
{
    if (*f == NULL) {
        return;
    }
    if ((*f)->named) {
        (void)unlinkat((*f)->dir_fd, (*f)->tmp, 0);
    }
    if ((*f)->fd >= 0) {
        (void)close((*f)->fd);
    }
    if ((*f)->dir_fd >= 0) {
        (void)close((*f)->dir_fd);
    }
    free(*f);
    *f = NULL;
}
