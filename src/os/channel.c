#include "os/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHANNEL_MAGIC 0x4b4cu
#define RING_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Room for one descriptor; a union so that the cmsghdr in it is aligned. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

enum kl_rc kl_channel_pair(int out_fds[2], struct kl_err *err)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
        return kl_fail_errno(err, "no socket pair for a worker; raise the limit of open files");
    }
    out_fds[0] = fds[0];
    out_fds[1] = fds[1];
    return KL_OK;
}

enum kl_rc kl_channel_wait_set(int fd, unsigned wait_ms, struct kl_err *err)
{
    struct timeval tv = {.tv_sec = wait_ms / 1000, .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) != 0) {
        return kl_fail_errno(err, "no time limit could be set on a worker's channel");
    }
    return KL_OK;
}

enum kl_rc kl_channel_send(int fd, uint8_t type, uint32_t serial, uint64_t value,
                           struct kl_span body, int pass_fd, bool wait)
{
    struct kl_channel_head head = {CHANNEL_MAGIC, KL_CHANNEL_VERSION, type, serial, value};
    /* sendmsg does not write through the pointer; struct iovec has no const form. */
    struct iovec iov[2] = {{&head, sizeof head}, {(void *)(uintptr_t)body.ptr, body.len}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = body.len > 0 ? 2 : 1};
    union control control;

    if (body.len > KL_CHANNEL_BODY_BYTES) {
        return KL_E_LIMIT;
    }
    if (pass_fd >= 0) {
        memset(&control, 0, sizeof control);
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &pass_fd, sizeof pass_fd);
    }
    for (;;) {
        if (sendmsg(fd, &msg, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0) {
            return KL_OK;
        }
        if (errno == EAGAIN) {
            return KL_E_MORE;
        }
        if (errno != EINTR) {
            return KL_E_IO;
        }
    }
}

enum kl_rc kl_channel_check(struct kl_channel_frame *f, size_t n)
{
    if (n < sizeof f->head || n > sizeof f->head + sizeof f->body) {
        return KL_E_FORMAT;
    }
    f->body_len = n - sizeof f->head;
    return f->head.magic == CHANNEL_MAGIC && f->head.version == KL_CHANNEL_VERSION ? KL_OK
                                                                                   : KL_E_FORMAT;
}

/* The descriptor of a message, or -1. Only one fits the control buffer; the kernel closes what does
 * not fit. */
static int taken_fd(struct msghdr *msg)
{
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);

    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    }
    return fd;
}

enum kl_rc kl_channel_recv(int fd, struct kl_channel_frame *out_f, int *out_fd, bool wait)
{
    struct iovec iov[2] = {{&out_f->head, sizeof out_f->head}, {out_f->body, sizeof out_f->body}};
    union control control;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    int passed = -1;

    if (out_fd != NULL) {
        *out_fd = -1;
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
    }
    ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? KL_E_MORE : KL_E_IO;
    }
    if (n == 0) {
        return KL_E_IO;
    }
    if (out_fd != NULL) {
        passed = taken_fd(&msg);
    }
    enum kl_rc rc = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
                        ? KL_E_FORMAT
                        : kl_channel_check(out_f, (size_t)n);
    if (rc != KL_OK && passed >= 0) {
        (void)close(passed);
        passed = -1;
    }
    if (out_fd != NULL) {
        *out_fd = passed;
    }
    return rc;
}

enum kl_rc kl_ring_new(int *out_fd, const uint8_t **out_ring, struct kl_err *err)
{
    int fd = memfd_create("kulla-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return kl_fail_errno(err, "no shared memory for a worker");
    }
    if (ftruncate(fd, (off_t)KL_RING_BYTES) != 0 || fcntl(fd, F_ADD_SEALS, RING_SEALS) != 0) {
        enum kl_rc rc = kl_fail_errno(err, "shared memory for a worker could not be sealed");
        (void)close(fd);
        return rc;
    }
    void *ring = mmap(NULL, KL_RING_BYTES, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (ring == MAP_FAILED) {
        enum kl_rc rc = kl_fail_errno(err, "shared memory for a worker could not be mapped");
        (void)close(fd);
        return rc;
    }
    *out_fd = fd;
    *out_ring = ring;
    return KL_OK;
}

enum kl_rc kl_ring_attach(int fd, uint8_t **out_ring, struct kl_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return kl_fail_errno(err, "shared memory of the parent cannot be read");
    }
    if (st.st_size != (off_t)KL_RING_BYTES || (fcntl(fd, F_GET_SEALS) & RING_SEALS) != RING_SEALS) {
        return kl_fail(err, KL_E_FORMAT, "shared memory of the parent is of another version");
    }
    void *ring =
        mmap(NULL, KL_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (ring == MAP_FAILED) {
        return kl_fail_errno(err, "shared memory of the parent could not be mapped");
    }
    *out_ring = ring;
    return KL_OK;
}

void kl_ring_free(const uint8_t **ring)
{
    if (*ring != NULL) {
        /* munmap does not write; it has no const form. */
        (void)munmap((void *)(uintptr_t)*ring, KL_RING_BYTES);
        *ring = NULL;
    }
}
