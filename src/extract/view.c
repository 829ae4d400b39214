#include "extract/view.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/bus.h"

#define WINDOW_BYTES (8u << 20)
#define ALIGN_BYTES (2u << 20) /* of a huge page: a large folio of the page cache maps at once */

void kl_view_init(struct kl_view *v, const struct kl_input *in)
{
    *v = (struct kl_view){.in = in, .no_map = in->fd < 0 || !kl_bus_is_installed()};
}

static void unmap(struct kl_view *v)
{
    if (v->map != NULL) {
        kl_bus_watch(NULL, 0);
        (void)munmap(v->map, v->map_len);
        v->map = NULL;
    }
}

void kl_view_done(struct kl_view *v)
{
    unmap(v);
    free(v->buf);
    v->buf = NULL;
}

/* A window of the descriptor from offset `at` on, of what the file has now. */
static void map_from(struct kl_view *v, uint64_t at)
{
    uint64_t from = at / ALIGN_BYTES * ALIGN_BYTES;
    off_t end = lseek(v->in->fd, 0, SEEK_END);

    unmap(v);
    if (end < 0 || (uint64_t)end <= at) {
        return;
    }
    uint64_t left = (uint64_t)end - from;
    size_t len = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, v->in->fd, (off_t)from);
    if (map == MAP_FAILED) {
        v->no_map = true;
        return;
    }
    v->map = map;
    v->map_at = from;
    v->map_len = len;
    kl_bus_watch(map, len);
}

/* @return false: not to be had this way */
static bool get_mapped(struct kl_view *v, uint64_t at, size_t n, struct kl_span *out)
{
    if (v->map == NULL || at < v->map_at || at + n > v->map_at + v->map_len) {
        map_from(v, at);
    }
    if (v->map == NULL || kl_bus_is_lost()) {
        return false;
    }
    uint64_t left = v->map_at + v->map_len - at;
    *out = kl_span_make(v->map + (at - v->map_at), n < left ? n : (size_t)left);
    return true;
}

enum kl_rc kl_view_get(struct kl_view *v, uint64_t at, size_t n, struct kl_span *out)
{
    const struct kl_input *in = v->in;

    n = n < KL_VIEW_BYTES ? n : KL_VIEW_BYTES;
    if (in->fd < 0 && in->source == NULL) {
        *out = kl_span_part(in->mem, (size_t)at, (size_t)at + n);
        return KL_OK;
    }
    uint64_t left = at < in->len_bytes ? in->len_bytes - at : 0;
    size_t most = n < left ? n : (size_t)left; /* a window is of the input, not of what follows */
    if (!v->no_map && most > 0 && get_mapped(v, in->base + at, most, out)) {
        return KL_OK;
    }
    if (v->buf == NULL) {
        v->buf = malloc(KL_VIEW_BYTES);
        if (v->buf == NULL) {
            return KL_E_NOMEM;
        }
    }
    out->ptr = v->buf;
    return kl_input_read(in, at, v->buf, n, &out->len);
}

uint64_t kl_view_there(const struct kl_view *v, uint64_t to)
{
    off_t end = v->in->fd >= 0 ? lseek(v->in->fd, 0, SEEK_END) : -1;
    uint64_t there = end < 0 || (uint64_t)end < v->in->base ? 0 : (uint64_t)end - v->in->base;

    return end < 0 || to < there ? to : there;
}
