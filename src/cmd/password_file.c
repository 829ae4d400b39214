#include "cmd/password_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every password at its longest, with "\r\n". */
#define FILE_BYTES ((size_t)KL_MAX_PASSWORDS * (KL_MAX_PASSWORD_BYTES + 2))

static enum kl_rc add_lines(struct kl_span text, struct kl_passwords *p, struct kl_err *err)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *nl = memchr(text.ptr + at, '\n', text.len - at);
        size_t end = nl == NULL ? text.len : (size_t)(nl - text.ptr);
        struct kl_span line = kl_span_part(text, at, end);
        at = end + 1;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len > KL_MAX_PASSWORD_BYTES) {
            return kl_fail(err, KL_E_LIMIT, "a password has more than 127 bytes; leave it out");
        }
        enum kl_rc rc = kl_passwords_add(p, line);
        if (rc != KL_OK) {
            return kl_fail(err, rc,
                           rc == KL_E_LIMIT ? "more than 1,000 passwords; leave some out"
                                            : "out of memory");
        }
    }
    return KL_OK;
}

static enum kl_rc read_all(int fd, struct kl_passwords *p, struct kl_err *err)
{
    size_t len = 0;
    ssize_t n = 1;
    uint8_t *text = malloc(FILE_BYTES + 1);

    if (text == NULL) {
        return kl_fail(err, KL_E_NOMEM, "out of memory");
    }
    while (n > 0 && len <= FILE_BYTES) {
        n = read(fd, text + len, FILE_BYTES + 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    enum kl_rc rc = KL_OK;
    if (n < 0) {
        rc = kl_fail_errno(err, "cannot read the file of passwords");
    } else if (len > FILE_BYTES) {
        rc = kl_fail(err, KL_E_LIMIT, "more than 1,000 passwords of 127 bytes; leave some out");
    } else {
        rc = add_lines(kl_span_make(text, len), p, err);
    }
    explicit_bzero(text, FILE_BYTES + 1);
    free(text);
    return rc;
}

enum kl_rc kl_password_file_read(const char *path, struct kl_passwords *out_p, struct kl_err *err)
{
    struct stat st;
    struct kl_passwords p = {NULL, 0, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return kl_fail_errno(err, "cannot open the file of passwords");
    }
    enum kl_rc rc = KL_OK;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
        rc = kl_fail(err, KL_E_KEY,
                     "the file of passwords is open to other users; run: chmod 600 FILE");
    } else {
        rc = read_all(fd, &p, err);
    }
    (void)close(fd);
    if (rc != KL_OK) {
        kl_passwords_done(&p);
        return rc;
    }
    *out_p = p;
    return KL_OK;
}
