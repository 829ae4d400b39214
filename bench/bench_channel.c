/*
 * How fast text and small documents pass from a worker to its parent.
 *
 *   taskset -c 0 build/bench/bench_channel text     worker copies 256 KiB blocks into the ring, the
 * parent reads nothing: the channel's own cost, both on one core taskset -c 0,1
 * build/bench/bench_channel docs   1 KiB documents, submit to DONE, one after the other
 *
 * The extract here stands in for the real one and only copies. Prints one JSON line.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "extract/extract.h"
#include "extract/session.h"
#include "extract/worker.h"

#define TEXT_BYTES (16ull << 30)
#define DOCS 200000u
#define DOC_BYTES 1024u

static uint8_t source[KL_BLOCK_BYTES];

/* A document of DOC_BYTES is read and emitted; a longer one stands for so many copied bytes. */
enum kl_rc kl_extract_document(struct kl_emit *e, const struct kl_input *in)
{
    uint64_t left = in->len_bytes;

    kl_emit_start(e, in->len_bytes);
    KL_TRY(kl_emit_part_begin(e, KL_PART_TEXT));
    while (left > 0) {
        uint8_t *to;
        size_t cap;
        size_t n;
        KL_TRY(kl_emit_space(e, 1, &to, &cap));
        n = left < cap ? (size_t)left : cap;
        if (in->len_bytes <= DOC_BYTES) {
            KL_TRY(kl_input_read(in, 0, to, n, &n));
        } else {
            memcpy(to, source, n);
        }
        KL_TRY(kl_emit_commit(e, n));
        left -= n;
    }
    KL_TRY(kl_emit_part_end(e));
    return kl_emit_finish(e);
}

static double now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* @return bytes of text, 0 on any loss */
static uint64_t run(struct kl_session *s, int fd, uint64_t len)
{
    struct kl_event ev = {.kind = KL_EVENT_NONE};
    uint64_t text = 0;

    if (kl_session_submit(s, fd, len, NULL) != KL_OK) {
        return 0;
    }
    while (ev.kind != KL_EVENT_DONE && kl_session_next(s, &ev, NULL) == KL_OK) {
        text += ev.kind == KL_EVENT_BLOCK ? ev.text.len : 0;
    }
    return kl_session_losses_get(s) == 0 ? text : 0;
}

int main(int argc, char **argv)
{
    struct kl_session *s = NULL;
    struct kl_err err = {.rc = KL_OK};

    memset(source, 'a', sizeof source);
    for (size_t i = 99; i < sizeof source; i += 100) {
        source[i] = '\n';
    }
    if (argc == 3 && strcmp(argv[1], "--role") == 0) {
        return kl_extract_worker_main();
    }
    if (argc != 2 || kl_session_new(NULL, &s, &err) != KL_OK) {
        (void)fprintf(stderr, "bench_channel text|docs: %s\n", err.what);
        return 2;
    }
    int fd = memfd_create("document", MFD_CLOEXEC);
    if (fd < 0 || write(fd, source, DOC_BYTES) != (ssize_t)DOC_BYTES) {
        return 3;
    }
    bool text = strcmp(argv[1], "text") == 0;
    uint64_t n = text ? 1 : DOCS;
    uint64_t len = text ? TEXT_BYTES : DOC_BYTES;
    uint64_t bytes = 0;
    double start = now();
    for (uint64_t i = 0; i < n; i++) {
        bytes += run(s, fd, len);
    }
    double seconds = now() - start;
    (void)printf(
        "{\"bench\":\"channel.%s\",\"whole\":%s,\"gb_per_s\":%.2f,\"documents_per_s\":%.0f}\n",
        argv[1], bytes == n * len ? "true" : "false", (double)bytes / seconds / 1e9,
        (double)n / seconds);
    kl_session_free(&s);
    return bytes == n * len ? 0 : 1;
}
