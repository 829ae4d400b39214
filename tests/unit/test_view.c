#include "extract/view.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kt.h"
#include "os/bus.h"

#define FILE_BYTES (9u << 20) /* more than a window */

static uint8_t byte_at(uint64_t i)
{
    return (uint8_t)(1 + i % 251);
}

static int file_of(size_t len)
{
    int fd = memfd_create("view", MFD_CLOEXEC);
    static uint8_t part[65536];

    for (size_t at = 0; at < len;) {
        size_t n = len - at < sizeof part ? len - at : sizeof part;
        for (size_t i = 0; i < n; i++) {
            part[i] = byte_at(at + i);
        }
        ssize_t done = write(fd, part, n);
        if (done <= 0) {
            abort();
        }
        at += (size_t)done;
    }
    return fd;
}

static bool is_right(struct kl_span s, uint64_t at)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != byte_at(at + i)) {
            return false;
        }
    }
    return true;
}

/* Every byte of `in`, whose first is byte_at(from), in steps that fit nothing. */
static void read_all(const struct kl_input *in, uint64_t from)
{
    struct kl_view v;
    uint64_t at = 0;

    kl_view_init(&v, in);
    while (at < in->len_bytes) {
        struct kl_span s;
        KT_EQ(kl_view_get(&v, at, 65521, &s), KL_OK);
        KT_OK(s.len > 0 && s.len <= 65521 && is_right(s, from + at));
        if (s.len == 0) {
            break;
        }
        at += s.len;
    }
    KT_EQ(at, in->len_bytes);
    KT_EQ(kl_view_there(&v, at), at);
    kl_view_done(&v);
}

KT_TEST(a_file_is_read_without_the_handler)
{
    int fd = file_of(FILE_BYTES);
    struct kl_input in = kl_input_fd(fd, FILE_BYTES);

    KT_OK(!kl_bus_is_installed());
    read_all(&in, 0);
    (void)close(fd);
}

KT_TEST(a_file_is_mapped_window_by_window)
{
    int fd = file_of(FILE_BYTES);
    struct kl_input in = kl_input_fd(fd, FILE_BYTES);
    struct kl_input part = kl_input_part(&in, 5000001, 8500003);

    KT_EQ(kl_bus_install(), KL_OK);
    read_all(&in, 0);
    read_all(&part, 5000001);
    (void)close(fd);
}

KT_TEST(memory_is_not_copied)
{
    static uint8_t mem[70000];
    struct kl_input in = kl_input_mem(kl_span_make(mem, sizeof mem));
    struct kl_view v;
    struct kl_span s;

    kl_view_init(&v, &in);
    KT_EQ(kl_view_get(&v, 65536, 65536, &s), KL_OK);
    KT_OK(s.ptr == mem + 65536 && s.len == sizeof mem - 65536);
    KT_EQ(kl_view_get(&v, sizeof mem, 65536, &s), KL_OK);
    KT_EQ(s.len, 0);
    kl_view_done(&v);
}

KT_TEST(a_file_longer_than_the_input_ends_where_the_input_does)
{
    int fd = file_of(10000);
    struct kl_input in = kl_input_fd(fd, 6000);
    struct kl_view v;
    struct kl_span s;

    kl_view_init(&v, &in);
    KT_EQ(kl_view_get(&v, 0, 65536, &s), KL_OK);
    KT_EQ(s.len, 6000);
    kl_view_done(&v);
    (void)close(fd);
}

KT_TEST(what_is_truncated_while_mapped_reads_as_zeros_and_is_known)
{
    int fd = file_of(FILE_BYTES);
    struct kl_input in = kl_input_fd(fd, FILE_BYTES);
    struct kl_view v;
    struct kl_span s;
    uint64_t sum = 0;

    KT_EQ(kl_bus_install(), KL_OK);
    kl_view_init(&v, &in);
    KT_EQ(kl_view_get(&v, 2u << 20, 65536, &s), KL_OK);
    KT_EQ(ftruncate(fd, (2 << 20) + 5000), 0);
    for (size_t i = 0; i < s.len; i++) {
        sum += s.ptr[i];
    }
    KT_OK(sum > 0);
    KT_EQ(s.ptr[5000], 0);
    KT_EQ(s.ptr[65535], 0);
    KT_OK(kl_bus_is_lost());
    KT_EQ(kl_view_there(&v, (2u << 20) + 65536), (2u << 20) + 5000);
    /* Read again: what is there, and no more. */
    KT_EQ(kl_view_get(&v, 2u << 20, 65536, &s), KL_OK);
    KT_EQ(s.len, 5000);
    KT_OK(is_right(s, 2u << 20));
    KT_EQ(kl_view_get(&v, (2u << 20) + 5000, 65536, &s), KL_OK);
    KT_EQ(s.len, 0);
    kl_view_done(&v);
    (void)close(fd);
}

KT_MAIN()
