#include "os/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kt.h"

static struct kl_channel_frame frame;

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

KT_TEST(a_frame_arrives_as_it_was_sent)
{
    int fds[2];
    int passed = 7;

    KT_EQ(kl_channel_pair(fds, NULL), KL_OK);
    KT_EQ(kl_channel_send(fds[0], 3, 42, 1ull << 40, KL_SPAN_LIT("body"), -1, true), KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, &passed, true), KL_OK);
    KT_EQ(frame.head.type, 3);
    KT_EQ(frame.head.serial, 42);
    KT_EQ(frame.head.value, 1ll << 40);
    KT_EQ(frame.body_len, 4);
    KT_MEM(frame.body, "body", 4);
    KT_EQ(passed, -1);
    (void)close(fds[0]);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_E_IO);
    KT_EQ(kl_channel_send(fds[1], 3, 0, 0, KL_SPAN_LIT(""), -1, true), KL_E_IO);
    (void)close(fds[1]);
}

KT_TEST(a_descriptor_is_passed_and_refused_where_none_is_wanted)
{
    int fds[2];
    int passed = -1;
    int file = memfd_create("x", MFD_CLOEXEC);

    KT_EQ(kl_channel_pair(fds, NULL), KL_OK);
    KT_EQ(kl_channel_send(fds[0], 1, 0, 0, KL_SPAN_LIT(""), file, true), KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, &passed, true), KL_OK);
    KT_OK(passed >= 0 && passed != file && is_open(passed));
    KT_OK((fcntl(passed, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(passed);
    /* The kernel closes it: the next free number is not used up. */
    KT_EQ(kl_channel_send(fds[0], 1, 0, 0, KL_SPAN_LIT(""), file, true), KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_E_FORMAT);
    KT_OK(!is_open(passed));
    (void)close(file);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

KT_TEST(a_body_at_the_limit_passes_and_one_byte_more_does_not)
{
    int fds[2];
    uint8_t *body = calloc(1, KL_CHANNEL_BODY_BYTES + 1);

    KT_EQ(kl_channel_pair(fds, NULL), KL_OK);
    KT_EQ(kl_channel_send(fds[0], 1, 0, 0, kl_span_make(body, KL_CHANNEL_BODY_BYTES), -1, true),
          KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_OK);
    KT_EQ(frame.body_len, KL_CHANNEL_BODY_BYTES);
    KT_EQ(kl_channel_send(fds[0], 1, 0, 0, kl_span_make(body, KL_CHANNEL_BODY_BYTES + 1), -1, true),
          KL_E_LIMIT);
    /* A sender that does not ask us. */
    uint8_t *raw = calloc(1, sizeof frame.head + KL_CHANNEL_BODY_BYTES + 1);
    KT_EQ(kl_channel_send(fds[0], 1, 0, 0, kl_span_make(body, 1), -1, true), KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_OK);
    memcpy(raw, &frame.head, sizeof frame.head);
    KT_OK(send(fds[0], raw, sizeof frame.head + KL_CHANNEL_BODY_BYTES + 1, 0) > 0);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_E_FORMAT);
    free(raw);
    free(body);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

KT_TEST(every_truncation_and_another_version_is_refused)
{
    int fds[2];
    uint8_t raw[sizeof frame.head];

    KT_EQ(kl_channel_pair(fds, NULL), KL_OK);
    KT_EQ(kl_channel_send(fds[0], 1, 0, 0, KL_SPAN_LIT(""), -1, true), KL_OK);
    KT_EQ(recv(fds[1], raw, sizeof raw, 0), (ssize_t)sizeof raw);
    for (size_t n = 1; n < sizeof raw; n++) {
        KT_EQ(send(fds[0], raw, n, 0), (ssize_t)n);
        KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_E_FORMAT);
    }
    for (size_t at = 0; at < 3; at++) { /* magic and version */
        raw[at] ^= 1;
        KT_OK(send(fds[0], raw, sizeof raw, 0) > 0);
        KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_E_FORMAT);
        raw[at] ^= 1;
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
}

KT_TEST(waiting_ends_when_it_was_told_to)
{
    int fds[2];

    KT_EQ(kl_channel_pair(fds, NULL), KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, false), KL_E_MORE);
    KT_EQ(kl_channel_wait_set(fds[1], 20, NULL), KL_OK);
    KT_EQ(kl_channel_recv(fds[1], &frame, NULL, true), KL_E_MORE);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

KT_TEST(a_peer_that_does_not_read_cannot_block_a_sender_that_will_not_wait)
{
    int fds[2];
    uint8_t *body = calloc(1, KL_CHANNEL_BODY_BYTES);
    enum kl_rc rc = KL_OK;

    KT_EQ(kl_channel_pair(fds, NULL), KL_OK);
    for (int i = 0; i < 100000 && rc == KL_OK; i++) {
        rc = kl_channel_send(fds[0], 1, 0, 0, kl_span_make(body, KL_CHANNEL_BODY_BYTES), -1, false);
    }
    KT_EQ(rc, KL_E_MORE);
    free(body);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

KT_TEST(a_ring_is_shared_read_only_to_the_reader_and_cannot_change_its_size)
{
    const uint8_t *reader = NULL;
    uint8_t *writer = NULL;
    int fd = -1;

    KT_EQ(kl_ring_new(&fd, &reader, NULL), KL_OK);
    KT_EQ(kl_ring_attach(fd, &writer, NULL), KL_OK);
    writer[KL_RING_BYTES - 1] = 77;
    KT_EQ(reader[KL_RING_BYTES - 1], 77);
    KT_EQ(ftruncate(fd, 4096), -1);
    KT_EQ(errno, EPERM);
    KT_EQ(ftruncate(fd, (off_t)KL_RING_BYTES * 2), -1);
    /* mincore-free way to see the protection: the kernel refuses to read a file into it. */
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    KT_EQ(read(zero, (void *)(uintptr_t)reader, 1), -1);
    KT_EQ(errno, EFAULT);
    (void)close(zero);
    const uint8_t *w = writer;
    kl_ring_free(&w);
    kl_ring_free(&reader);
    KT_OK(reader == NULL);
    (void)close(fd);
}

KT_TEST(a_ring_of_another_size_or_without_seals_is_refused)
{
    uint8_t *ring = NULL;
    int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    KT_EQ(ftruncate(fd, (off_t)KL_RING_BYTES), 0);
    KT_EQ(kl_ring_attach(fd, &ring, NULL), KL_E_FORMAT);
    KT_EQ(ftruncate(fd, (off_t)KL_RING_BYTES - 1), 0);
    KT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    KT_EQ(kl_ring_attach(fd, &ring, NULL), KL_E_FORMAT);
    (void)close(fd);
    KT_EQ(kl_ring_attach(fd, &ring, NULL), KL_E_IO);
    KT_OK(ring == NULL);
}

KT_MAIN()
