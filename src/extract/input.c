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

struct kl_input kl_input_part(const struct kl_input *in, uint64_t from, uint64_t to)
{
    struct kl_input part = *in;

    to = to < in->len_bytes ? to : in->len_bytes;
    from = from < to ? from : to;
    part.len_bytes = to - from;
    if (in->fd < 0 && in->source == NULL) {
        part.mem = kl_span_part(in->mem, (size_t)from, (size_t)to);
        return part;
    }
    part.base = in->base + from;
    part.is_part = true;
    return part;
}

enum kl_rc kl_input_read(const struct kl_input *in, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    if (in->is_part) {
        uint64_t left = at < in->len_bytes ? in->len_bytes - at : 0;
        n = n < left ? n : (size_t)left;
        at += in->base;
    }
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
    uint64_t real = at + in->base;

    if (in->source != NULL && in->source->data != NULL) {
        uint64_t data = in->source->data(in->source->ctx, real) - in->base;
        return data < in->len_bytes ? data : in->len_bytes;
    }
    if (in->fd < 0 || at >= in->len_bytes || real > (uint64_t)INT64_MAX) {
        return at;
    }
    off_t data = lseek(in->fd, (off_t)real, SEEK_DATA);
    if (data < 0) {
        /* ENXIO: nothing but a hole up to the end, which may have come nearer since the file was
         * opened: what is behind it is no hole but gone. Any other error: no such thing here. */
        off_t end = errno == ENXIO ? lseek(in->fd, 0, SEEK_END) : -1;
        if (end < 0 || (uint64_t)end <= real) {
            return at;
        }
        data = end;
    }
    uint64_t to = (uint64_t)data - in->base;
    return to < in->len_bytes ? to : in->len_bytes;
}
