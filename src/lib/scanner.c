#include "kulla/inspect.h"

#include "base/span.h"
#include "lib/call.h"
#include "lib/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define DOCUMENT_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct kl_scanner {
    struct kl_inspector *inspector;
    struct kl_inspect_live live;
};

static enum kl_rc scanner_new(const struct kl_engine *engine, struct kl_scanner **out_scanner,
                              struct kl_err *err)
{
    if (engine == NULL || out_scanner == NULL) {
        return kl_fail(err, KL_E_USE, "no engine, or no place for the scanner; pass both");
    }
    struct kl_scanner *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return KL_E_NOMEM;
    }
    enum kl_rc rc = kl_inspector_new(engine->ctx, &s->live, &s->inspector, err);
    if (rc != KL_OK) {
        free(s);
        return rc;
    }
    *out_scanner = s;
    return KL_OK;
}

enum kl_rc kl_scanner_new(const struct kl_engine *engine, struct kl_scanner **out_scanner,
                          struct kl_err *err)
{
    struct kl_call call = kl_call_begin(err);

    return kl_call_end(&call, scanner_new(engine, out_scanner, err));
}

void kl_scanner_free(struct kl_scanner **scanner)
{
    if (scanner == NULL || *scanner == NULL) {
        return;
    }
    kl_inspector_free(&(*scanner)->inspector);
    free(*scanner);
    *scanner = NULL;
}

void kl_scanner_stop(struct kl_scanner *scanner)
{
    atomic_store(&scanner->live.cancel, true);
}

/* What the three ways ask for. */
static enum kl_rc check_use(const struct kl_scanner *s, const char *name,
                            struct kl_finding *const *out_finding, struct kl_err *err)
{
    return s != NULL && name != NULL && out_finding != NULL
               ? KL_OK
               : kl_fail(err, KL_E_USE,
                         "no scanner, no name or no place for the finding; pass all");
}

/* Inspect fd, ours, and close it. */
static enum kl_rc inspect(struct kl_scanner *s, int fd, const char *name,
                          struct kl_finding **out_finding, struct kl_err *err)
{
    struct stat st;
    enum kl_rc rc = KL_OK;
    struct kl_finding *f = calloc(1, sizeof *f);

    if (f == NULL) {
        rc = KL_E_NOMEM;
    } else if (fstat(fd, &st) != 0) {
        rc = kl_fail_errno(err, "the document cannot be read");
    } else if (!S_ISREG(st.st_mode)) {
        rc = kl_fail(err, KL_E_USE,
                     "the document is not a regular file; hand over its bytes instead");
    } else {
        rc = kl_inspector_file(s->inspector, fd, (uint64_t)st.st_size, name, KL_OCR_OFF, f, err);
        atomic_store(&s->live.cancel, false);
    }
    (void)close(fd);
    if (rc != KL_OK) {
        free(f);
        return rc;
    }
    *out_finding = f;
    return KL_OK;
}

/* Open for reading, and not as 0 to 2: a host that closed those may still write to them. */
static int open_document(const char *path)
{
    int fd = open(path, OPEN_FLAGS);

    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(fd);
    return moved;
}

static enum kl_rc scan_path(struct kl_scanner *s, const char *path, struct kl_finding **out_finding,
                            struct kl_err *err)
{
    KL_TRY(check_use(s, path, out_finding, err));
    int fd = open_document(path);
    if (fd < 0) {
        return kl_fail_errno(err, "the document cannot be opened");
    }
    return inspect(s, fd, path, out_finding, err);
}

enum kl_rc kl_scanner_path(struct kl_scanner *scanner, const char *path,
                           struct kl_finding **out_finding, struct kl_err *err)
{
    struct kl_call call = kl_call_begin(err);

    return kl_call_end(&call, scan_path(scanner, path, out_finding, err));
}

/* A worker moves the offset of what it reads; so it gets a file description of its own. */
static enum kl_rc scan_fd(struct kl_scanner *s, int fd, const char *name,
                          struct kl_finding **out_finding, struct kl_err *err)
{
    char self[32];
    struct stat st;

    KL_TRY(check_use(s, name, out_finding, err));
    if (fstat(fd, &st) != 0) {
        return kl_fail(err, KL_E_USE, "the document's descriptor is not open; pass an open one");
    }
    if (!S_ISREG(st.st_mode)) {
        return kl_fail(err, KL_E_USE,
                       "the document is not a regular file; hand over its bytes instead");
    }
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int own = open_document(self);
    if (own < 0) {
        return kl_fail_errno(err, "the document cannot be opened anew; mount /proc, or hand over "
                                  "its bytes instead");
    }
    return inspect(s, own, name, out_finding, err);
}

enum kl_rc kl_scanner_fd(struct kl_scanner *scanner, int fd, const char *name,
                         struct kl_finding **out_finding, struct kl_err *err)
{
    struct kl_call call = kl_call_begin(err);

    return kl_call_end(&call, scan_fd(scanner, fd, name, out_finding, err));
}

static enum kl_rc fill(int fd, struct kl_span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR) {
            return KL_E_IO;
        }
        bytes = kl_span_part(bytes, n > 0 ? (size_t)n : 0, bytes.len);
    }
    return fcntl(fd, F_ADD_SEALS, DOCUMENT_SEALS) == 0 ? KL_OK : KL_E_IO;
}

static enum kl_rc scan_bytes(struct kl_scanner *s, struct kl_span bytes, const char *name,
                             struct kl_finding **out_finding, struct kl_err *err)
{
    static const char refused[] = "no memory for a copy of the document; hand over a file instead";

    KL_TRY(check_use(s, name, out_finding, err));
    if (bytes.ptr == NULL && bytes.len > 0) {
        return kl_fail(err, KL_E_USE, "a length without bytes; pass both");
    }
    int made = memfd_create("kulla-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int fd = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (made >= 0) {
        (void)close(made);
    }
    if (fd < 0) {
        return kl_fail_errno(err, refused);
    }
    if (fill(fd, bytes) != KL_OK) {
        enum kl_rc rc = kl_fail_errno(err, refused);
        (void)close(fd);
        return rc;
    }
    return inspect(s, fd, name, out_finding, err);
}

enum kl_rc kl_scanner_bytes(struct kl_scanner *scanner, const void *bytes, size_t len_bytes,
                            const char *name, struct kl_finding **out_finding, struct kl_err *err)
{
    struct kl_call call = kl_call_begin(err);

    return kl_call_end(&call,
                       scan_bytes(scanner, kl_span_make(bytes, len_bytes), name, out_finding, err));
}
