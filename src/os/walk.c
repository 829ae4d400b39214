#include "os/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

/* Every level gets half of what is left, but never less: 256 levels x 32 KiB = 8 MiB. */
#define LEVEL_MIN_BYTES 32768u
/* NAME_MAX is 255, but a file system may give longer names. */
#define NAME_BYTES 1024u
#define PATH_BYTES_MAX (KL_WALK_MAX_DEPTH * (NAME_BYTES + 1u) + NAME_BYTES)
#define OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* One batch of a directory's names: the smallest ones behind `after`, sorted. */
struct names {
    char *bytes; /* NUL-terminated names, one behind the other */
    size_t len;
    size_t cap;
    char **at; /* n pointers into bytes */
    size_t n;
    size_t cap_at;
    bool more;              /* names were left for the next batch */
    char limit[NAME_BYTES]; /* when more: only names <= limit belong to this batch */
};

struct level {
    DIR *dir;
    dev_t dev;
    ino_t ino;
    struct names names;
    size_t next;            /* in names */
    size_t path_len;        /* of the walk's path, with the '/' */
    size_t charged;         /* taken from names_left */
    char after[NAME_BYTES]; /* the last name of the batch before */
};

struct walk {
    struct kl_walk_opts opts;
    kl_walk_fn *fn;
    void *ctx;
    struct kl_err *err;
    struct kl_buf path;
    struct level *levels; /* KL_WALK_MAX_DEPTH of them */
    size_t depth;
    size_t names_left; /* of the budget, in bytes */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Full: keep the smaller half and pack it. */
static void names_halve(struct names *s)
{
    qsort(s->at, s->n, sizeof *s->at, by_name);
    size_t keep = s->n / 2;
    /* Packing in address order moves each name down or not at all; the order by name is made again
     * at the end. */
    char *cut = s->at[keep - 1];
    memcpy(s->limit, cut, strlen(cut) + 1);
    s->more = true;
    char *to = s->bytes;
    size_t n = 0;
    for (char *from = s->bytes; from < s->bytes + s->len;) {
        size_t bytes = strlen(from) + 1;
        char *next = from + bytes;
        if (strcmp(from, s->limit) <= 0) {
            memmove(to, from, bytes);
            s->at[n++] = to;
            to += bytes;
        }
        from = next;
    }
    s->n = n;
    s->len = (size_t)(to - s->bytes);
}

static void names_add(struct names *s, const char *name)
{
    size_t bytes = strlen(name) + 1;

    if (s->more && strcmp(name, s->limit) > 0) {
        return;
    }
    if (s->len + bytes > s->cap || s->n == s->cap_at) {
        names_halve(s);
        if (strcmp(name, s->limit) > 0) {
            return;
        }
    }
    memcpy(s->bytes + s->len, name, bytes);
    s->at[s->n++] = s->bytes + s->len;
    s->len += bytes;
}

static void names_free(struct names *s)
{
    free(s->bytes);
    free(s->at);
    memset(s, 0, sizeof *s);
}

/* `bytes`: the budget of this level, names and pointers together. */
static enum kl_rc names_new(struct names *s, size_t bytes)
{
    memset(s, 0, sizeof *s);
    /* Names are about 16 bytes long, pointers 8; whichever is full first ends the batch. */
    s->cap = bytes / 3 * 2;
    s->cap_at = bytes / 3 / sizeof *s->at;
    s->bytes = malloc(s->cap);
    s->at = calloc(s->cap_at, sizeof *s->at);
    if (s->bytes == NULL || s->at == NULL) {
        names_free(s);
        return KL_E_NOMEM;
    }
    return KL_OK;
}

/* The next batch of names behind l->after. errno is set and KL_E_IO returned when reading fails. */
static enum kl_rc read_names(struct level *l)
{
    struct names *s = &l->names;

    s->len = 0;
    s->n = 0;
    s->more = false;
    l->next = 0;
    rewinddir(l->dir);
    int read_errno = 0;
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(l->dir);
        if (d == NULL) {
            read_errno = errno != 0 ? errno : read_errno;
            break;
        }
        if (strlen(d->d_name) >= NAME_BYTES) {
            read_errno = ENAMETOOLONG;
        } else if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
                   strcmp(d->d_name, l->after) > 0) {
            names_add(s, d->d_name);
        }
    }
    qsort(s->at, s->n, sizeof *s->at, by_name);
    errno = read_errno;
    return read_errno == 0 ? KL_OK : KL_E_IO;
}

/* Call back with the path as it stands; a FILE's descriptor is closed unless taken. */
static enum kl_rc tell(struct walk *w, enum kl_walk_kind kind, int fd, int sys_errno,
                       const struct stat *st)
{
    struct kl_walk_entry e = {.kind = kind, .fd = fd, .sys_errno = sys_errno};

    if (st != NULL) {
        e.st = *st;
    }
    enum kl_rc rc = kl_buf_room(&w->path, 1);
    if (rc == KL_OK) {
        w->path.ptr[w->path.len] = 0;
        e.path = kl_buf_span(&w->path);
        rc = w->fn(w->ctx, &e);
    } else {
        kl_ignore(kl_fail(w->err, rc, "out of memory"), "rc is returned");
    }
    if (e.fd >= 0) {
        (void)close(e.fd);
    }
    return rc;
}

static bool holds_itself(const struct walk *w, const struct stat *st)
{
    for (size_t i = 0; i < w->depth; i++) {
        if (w->levels[i].dev == st->st_dev && w->levels[i].ino == st->st_ino) {
            return true;
        }
    }
    return false;
}

static void leave(struct walk *w)
{
    struct level *l = &w->levels[--w->depth];

    w->names_left += l->charged;
    names_free(&l->names);
    if (l->dir != NULL) {
        (void)closedir(l->dir);
    }
}

/* Enter the directory fd (taken) named by the path so far. */
static enum kl_rc enter(struct walk *w, int fd, const struct stat *st)
{
    if (w->depth == KL_WALK_MAX_DEPTH || holds_itself(w, st)) {
        (void)close(fd);
        return tell(w, w->depth == KL_WALK_MAX_DEPTH ? KL_WALK_LIMIT : KL_WALK_SPECIAL, -1, 0, st);
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int open_errno = errno;
        (void)close(fd);
        return tell(w, KL_WALK_UNREADABLE, -1, open_errno, st);
    }
    struct level *l = &w->levels[w->depth++];
    *l = (struct level){.dir = dir, .dev = st->st_dev, .ino = st->st_ino};
    size_t share = w->names_left / 2 > LEVEL_MIN_BYTES ? w->names_left / 2 : LEVEL_MIN_BYTES;
    enum kl_rc rc = names_new(&l->names, share);
    l->charged = share < w->names_left ? share : w->names_left;
    w->names_left -= l->charged;
    if (rc == KL_OK && read_names(l) != KL_OK) {
        /* What could be read is walked all the same. */
        rc = tell(w, KL_WALK_UNREADABLE, -1, errno, st);
    }
    if (rc == KL_OK && (w->path.len == 0 || w->path.ptr[w->path.len - 1] != '/')) {
        rc = kl_buf_add_u8(&w->path, '/');
    }
    l->path_len = w->path.len;
    return rc;
}

/* What the open file turned out to be: it may have been replaced since it was looked at. */
static enum kl_rc take_open(struct walk *w, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        int stat_errno = errno;
        (void)close(fd);
        return tell(w, KL_WALK_UNREADABLE, -1, stat_errno, NULL);
    }
    if (S_ISREG(st.st_mode)) {
        return tell(w, KL_WALK_FILE, fd, 0, &st);
    }
    if (S_ISDIR(st.st_mode)) {
        return enter(w, fd, &st);
    }
    (void)close(fd);
    return tell(w, KL_WALK_SPECIAL, -1, 0, &st);
}

/* One name in a directory: look, and open only what is a file or a directory. */
static enum kl_rc visit(struct walk *w, int dir_fd, const char *name, bool follow)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return tell(w, KL_WALK_UNREADABLE, -1, errno, NULL);
    }
    if (S_ISLNK(st.st_mode)) {
        return tell(w, KL_WALK_LINK, -1, 0, &st);
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return tell(w, KL_WALK_SPECIAL, -1, 0, &st);
    }
    int flags = S_ISDIR(st.st_mode) ? OPEN_DIR | O_NOFOLLOW : OPEN_FILE;
    int fd = openat(dir_fd, name, follow ? flags & ~O_NOFOLLOW : flags);
    if (fd < 0) {
        return errno == ELOOP ? tell(w, KL_WALK_LINK, -1, 0, &st)
                              : tell(w, KL_WALK_UNREADABLE, -1, errno, &st);
    }
    return take_open(w, fd);
}

/* One step of the deepest directory. */
static enum kl_rc step(struct walk *w)
{
    struct level *l = &w->levels[w->depth - 1];
    struct names *s = &l->names;

    w->path.len = l->path_len;
    if (l->next < s->n) {
        const char *name = s->at[l->next++];
        enum kl_rc rc = kl_buf_add_str(&w->path, name);
        return rc == KL_OK ? visit(w, dirfd(l->dir), name, false) : rc;
    }
    if (!s->more) {
        leave(w);
        return KL_OK;
    }
    memcpy(l->after, s->limit, sizeof l->after);
    if (read_names(l) != KL_OK) {
        return tell(w, KL_WALK_UNREADABLE, -1, errno, NULL);
    }
    return KL_OK;
}

enum kl_rc kl_walk(const char *path, const struct kl_walk_opts *opts, kl_walk_fn *fn, void *ctx,
                   struct kl_err *err)
{
    struct walk w = {.fn = fn, .ctx = ctx, .err = err};

    if (opts != NULL) {
        w.opts = *opts;
    }
    w.names_left = 2 * (w.opts.names_bytes > 0 ? w.opts.names_bytes : KL_WALK_NAMES_BYTES);
    w.levels = calloc(KL_WALK_MAX_DEPTH, sizeof *w.levels);
    if (w.levels == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    kl_buf_init(&w.path, strlen(path) + PATH_BYTES_MAX);
    enum kl_rc rc = kl_buf_add_str(&w.path, path);
    if (rc == KL_OK) {
        rc = visit(&w, AT_FDCWD, path, w.opts.follow_root);
    }
    while (rc == KL_OK && w.depth > 0) {
        rc = step(&w);
    }
    while (w.depth > 0) {
        leave(&w);
    }
    if (rc == KL_E_NOMEM) {
        kl_ignore(kl_fail(err, rc, "out of memory"), "rc is returned");
    }
    free(w.levels);
    kl_buf_done(&w.path);
    return rc;
}
