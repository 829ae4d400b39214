#include "extract/input.h"

#include <errno.h>
#include <unistd.h>

static size_t read_mem(const struct kl_input *in, uint64_t at, void *dst, size_t n)
{
    if (at >= in->mem.len) {
        return 0;
    }
    struct kl_span part = {in->mem.ptr + at, in->mem.len - (size_t)at};
    size_t len = n < part.len ? n : part.len;
    if (len > 0) {
        memcpy(dst, part.ptr, len);
    }
    return len;
}

enum kl_rc kl_input_read(const struct kl_input *in, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    if (in->source != NULL) {
        return in->source->read(in->source->ctx, at, dst, n, out_n);
    }
    if (in->fd < 0) {
        *out_n = read_mem(in, at, dst, n);
        return KL_OK;
    }
    size_t got = 0;
    /* off_t is signed: an offset beyond it lies behind the end of every file. */
    while (got < n && at <= (uint64_t)INT64_MAX - n) {
        ssize_t len = pread(in->fd, (uint8_t *)dst + got, n - got, (off_t)(at + got));
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0) {
            return KL_E_IO;
        }
        if (len == 0) {
            break;
        }
        got += (size_t)len;
    }
    *out_n = got;
    return KL_OK;
}

uint64_t kl_input_data(const struct kl_input *in, uint64_t at)
{
    if (in->source != NULL && in->source->data != NULL) {
        uint64_t data = in->source->data(in->source->ctx, at);
        return data < in->len_bytes ? data : in->len_bytes;
    }
    if (in->fd < 0 || at > (uint64_t)INT64_MAX) {
        return at;
    }
    off_t data = lseek(in->fd, (off_t)at, SEEK_DATA);
    if (data < 0) {
        /* ENXIO: nothing but a hole up to the end, which may have come nearer since the file was
         * opened: what is behind it is no hole but gone. Any other error: no such thing here. */
        off_t end = errno == ENXIO ? lseek(in->fd, 0, SEEK_END) : -1;
        if (end < 0 || (uint64_t)end <= at) {
            return at;
        }
        return (uint64_t)end < in->len_bytes ? (uint64_t)end : in->len_bytes;
    }
    return (uint64_t)data < in->len_bytes ? (uint64_t)data : in->len_bytes;
}
