#include "extract/extract.h"
#include "extract/inflate.h"
#include "kt.h"

#include "nested_fake.h"
#include "sink_mem.h"
#include "zip_make.h"

#include <isa-l/igzip_lib.h>

/* Run a zip from an exact-size copy; the log stays in s. */
static void run(struct sink_mem *s, const void *ptr, size_t len)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;
    uint8_t *copy = malloc(len + (len == 0));
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    struct kl_input in = kl_input_mem(kl_span_make(copy, len));
    kl_emit_start(e, len);
    KT_EQ(kl_extract_zip(e, &in), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_OK(s->done && !s->bad_order);
    KT_EQ(s->seen, len);
    kl_emit_free(&e);
    free(copy);
    if (s->log == NULL) {
        sink_mem_str(s, "");
    }
}

/* The same through a file descriptor. */
static void run_fd(struct sink_mem *s, const void *ptr, size_t len)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;
    FILE *f = tmpfile();
    KT_OK(f != NULL && fwrite(ptr, 1, len, f) == len && fflush(f) == 0);
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    struct kl_input in = kl_input_fd(fileno(f), len);
    kl_emit_start(e, len);
    KT_EQ(kl_extract_zip(e, &in), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_OK(s->done && !s->bad_order);
    kl_emit_free(&e);
    fclose(f);
}

static bool has(const struct sink_mem *s, const char *what)
{
    return strstr(s->log, what) != NULL;
}

KT_TEST(members_come_out_under_their_names)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    struct sink_mem f = {0};
    zm_add(&z, "a.txt", "alpha");
    zm_add_opts(&z, "dir/", "", 0, (struct zm_opts){.stored = true});
    zm_add_opts(&z, "dir/b.txt", "beta", 4, (struct zm_opts){.stored = true});
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_STR(s.log, "B text /a.txt\nalphaE\nB text /dir/b.txt\nbetaE\n");
    KT_EQ(s.not_inspected, 0);
    run_fd(&f, z.out.ptr, z.out.len);
    KT_STR(f.log, s.log);
    sink_mem_done(&s);
    sink_mem_done(&f);
    zm_done(&z);
}

KT_TEST(zip64_and_descriptors_are_read)
{
    struct zm z = {.zip64 = true};
    struct sink_mem s = {0};
    zm_add_opts(&z, "a.txt", "alpha", 5, (struct zm_opts){.zip64 = true});
    zm_add_opts(&z, "b.txt", "beta", 4, (struct zm_opts){.descriptor = true});
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_STR(s.log, "B text /a.txt\nalphaE\nB text /b.txt\nbetaE\n");
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(without_a_directory_the_local_headers_are_read)
{
    struct zm z = {.no_end = true};
    struct sink_mem s = {0};
    zm_add(&z, "a.txt", "alpha alpha alpha alpha");
    zm_add_opts(&z, "b.txt", "beta", 4, (struct zm_opts){.descriptor = true});
    zm_add_opts(&z, "c.txt", "gamma", 5, (struct zm_opts){.descriptor = true, .stored = true});
    zm_add(&z, "d.txt", "delta");
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "A  zip.central\n"));
    KT_OK(has(&s, "B text /a.txt\nalpha alpha alpha alphaE\n"));
    KT_OK(has(&s, "B text /b.txt\nbetaE\n"));
    KT_OK(has(&s, "gamma"));
    KT_OK(has(&s, "B text /d.txt\ndeltaE\n"));
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(every_truncation_is_said_and_keeps_what_is_whole)
{
    struct zm z = {0};
    zm_add(&z, "first.txt", "the first member");
    zm_add_opts(&z, "second.txt", "the second member", 17, (struct zm_opts){.descriptor = true});
    zm_end(&z, "note");
    for (size_t len = 0; len < z.out.len; len++) {
        struct sink_mem s = {0};
        run(&s, z.out.ptr, len);
        if (len > 0) {
            KT_OK(s.log_len > 0);
        }
        if (len >= 60) {
            KT_OK(has(&s, "the first member"));
        }
        sink_mem_done(&s);
    }
    zm_done(&z);
}

KT_TEST(flipped_bytes_never_break_the_accounting)
{
    struct zm z = {0};
    zm_add(&z, "first.txt", "the first member, the first member, the first member");
    zm_add_opts(&z, "second.txt", "the second member", 17, (struct zm_opts){.zip64 = true});
    zm_end(&z, "note");
    for (size_t i = 0; i < z.out.len; i++) {
        for (unsigned k = 0; k < 3; k++) {
            static const uint8_t mask[] = {0xFF, 1, 0x80};
            struct sink_mem s = {0};
            z.out.ptr[i] ^= mask[k];
            run(&s, z.out.ptr, z.out.len);
            z.out.ptr[i] ^= mask[k];
            sink_mem_done(&s);
        }
    }
    zm_done(&z);
}

KT_TEST(data_around_the_zip_are_inspected)
{
    char front[200];
    struct zm z = {0};
    struct sink_mem s = {0};
    struct zm_bytes all = {0};
    memset(front, 'f', sizeof front);
    zm_add(&z, "a.txt", "alpha");
    zm_end(&z, "the comment");
    zm_put(&all, front, sizeof front);
    zm_put(&all, z.out.ptr, z.out.len);
    zm_put(&all, "after", 5);
    run(&s, all.ptr, all.len);
    KT_OK(has(&s, "zip.prefix") && has(&s, "zip.suffix"));
    KT_OK(has(&s, "B text /a.txt\nalphaE\n"));
    KT_OK(has(&s, "ffffffff") && has(&s, "the comment") && has(&s, "after"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    free(all.ptr);
    zm_done(&z);
}

KT_TEST(a_member_left_out_of_the_directory_is_found)
{
    struct zm z = {0};
    struct zm_bytes keep = {0};
    struct sink_mem s = {0};
    char hidden[300];
    for (size_t i = 0; i < sizeof hidden; i++) {
        hidden[i] = (char)('a' + i * 7 % 26);
    }
    zm_add(&z, "a.txt", "alpha");
    zm_put(&keep, z.dir.ptr, z.dir.len);
    zm_add_opts(&z, "hidden.txt", hidden, sizeof hidden, (struct zm_opts){0});
    z.dir.len = 0;
    z.n = 1;
    zm_put(&z.dir, keep.ptr, keep.len);
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    hidden[sizeof hidden - 1] = 0;
    KT_OK(has(&s, "zip.gap") && has(&s, "/hidden.txt\n") && has(&s, hidden));
    sink_mem_done(&s);
    free(keep.ptr);
    zm_done(&z);
}

KT_TEST(encrypted_and_unknown_members_are_not_inspected)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    zm_add_opts(&z, "e.txt", "secret", 6, (struct zm_opts){.encrypted = true, .stored = true});
    zm_add_opts(&z, "z.txt", "zstd", 4, (struct zm_opts){.method = 93});
    zm_add(&z, "a.txt", "alpha");
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "N /e.txt encrypted 6\n"));
    KT_OK(has(&s, "N /z.txt format "));
    KT_OK(has(&s, "alpha"));
    KT_OK(s.not_inspected >= 12 && s.not_inspected < 30);
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(a_wrong_checksum_is_said_and_the_content_inspected)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    zm_add_opts(&z, "a.txt", "alpha", 5, (struct zm_opts){.bad_crc = true});
    zm_add_opts(&z, "b.txt", "beta", 4, (struct zm_opts){.bad_crc = true, .stored = true});
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "A /a.txt zip.crc\n") && has(&s, "A /b.txt zip.crc\n"));
    KT_OK(has(&s, "alpha") && has(&s, "beta"));
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(lying_sizes_are_said_and_all_bytes_inspected)
{
    static const int64_t lies[] = {-3, 1000, -4, 0x7fff0000};
    for (size_t i = 0; i < 4; i++) {
        struct zm z = {0};
        struct sink_mem s = {0};
        zm_add_opts(&z, "a.txt", "alpha", 5, (struct zm_opts){.lie_plain = lies[i]});
        zm_add(&z, "b.txt", "beta");
        zm_end(&z, "");
        run(&s, z.out.ptr, z.out.len);
        KT_OK(has(&s, "A /a.txt zip.size_lie\n") && has(&s, "beta"));
        KT_OK(has(&s, "alpha") || has(&s, "alp"));
        sink_mem_done(&s);
        zm_done(&z);
    }
    struct zm z = {0};
    struct sink_mem s = {0};
    zm_add_opts(&z, "a.txt", "alpha", 5, (struct zm_opts){.lie_comp = 1 << 20});
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "zip.size_lie") && has(&s, "alpha"));
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(names_that_differ_are_said)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    zm_add_opts(&z, "a.txt", "alpha", 5, (struct zm_opts){.local_name = "b.exe"});
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "A /a.txt zip.mismatch\n") && has(&s, "alpha"));
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(overlapping_members_are_refused)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    zm_add(&z, "a.txt", "alpha");
    for (unsigned i = 0; i < 50; i++) {
        zm_add_opts(&z, "b.txt", "alpha", 5, (struct zm_opts){.same_place = true});
    }
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "A /b.txt zip.overlap\n") && has(&s, "N /b.txt format"));
    KT_EQ(s.text_bytes, 5);
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(a_million_empty_members_end_at_the_limit)
{
    struct zm z = {.zip64 = true};
    struct sink_mem s = {0};
    for (unsigned i = 0; i < 1000000; i++) {
        struct zm_opts o = {.stored = true};
        zm_entry(&z, "e", &o, 0, 0, 0, 0, 0, z.out.len);
        static const uint8_t local[31] = {0x50, 0x4b, 3, 4, [26] = 1, [30] = 'e'};
        zm_put(&z.out, local, sizeof local);
    }
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "limit.members") && has(&s, "N  limit"));
    KT_OK(s.not_inspected > 30000000);
    sink_mem_done(&s);
    zm_done(&z);
}

/* A member of n x 16 MiB of two bytes in turn, deflated once and repeated, so that no test holds
 * it. */
static void add_flood(struct zm *z, const char *name, unsigned n, const char bytes[static 2])
{
    static struct isal_zstream c;
    uint32_t step = 1u << 24;
    uint8_t *plain_bytes = malloc(step);
    uint8_t *comp = malloc(step);
    struct zm_bytes all = {0};
    struct zm_opts o = {0};
    uint64_t at = z->out.len;
    isal_deflate_stateless_init(&c);
    for (uint32_t i = 0; i < step; i++) {
        plain_bytes[i] = (uint8_t)bytes[i % 2];
    }
    c.flush = FULL_FLUSH;
    c.end_of_stream = 0;
    c.next_in = plain_bytes;
    c.avail_in = step;
    c.next_out = comp;
    c.avail_out = step;
    KT_EQ(isal_deflate_stateless(&c), COMP_OK);
    for (unsigned i = 0; i < n; i++) {
        zm_put(&all, comp, c.total_out);
    }
    zm_put(&all, "\1\0\0\377\377", 5);
    uint64_t plain = (uint64_t)n << 24;
    zm_le(&z->out, 0x04034b50u, 4);
    zm_le(&z->out, 45, 2);
    zm_le(&z->out, 0, 2);
    zm_le(&z->out, 8, 2);
    zm_le(&z->out, 0, 8);
    zm_le(&z->out, all.len, 4);
    zm_le(&z->out, plain & UINT32_MAX, 4);
    zm_le(&z->out, strlen(name), 2);
    zm_le(&z->out, 0, 2);
    zm_put(&z->out, name, strlen(name));
    zm_put(&z->out, all.ptr, all.len);
    zm_entry(z, name, &o, 0, 8, 0, all.len, plain & UINT32_MAX, at);
    free(all.ptr);
    free(plain_bytes);
    free(comp);
}

/* Zips of zips of zeros: each level alone is within what deflate can do. */
KT_TEST(a_ratio_bomb_ends_at_the_limit)
{
    struct zm inner = {0};
    struct zm outer = {0};
    struct sink_mem s = {.quiet = true};
    size_t n = 24u << 20;
    uint8_t *zero = calloc(1, n);
    zm_add_opts(&inner, "zeros", zero, n, (struct zm_opts){0});
    zm_end(&inner, "");
    /* Sixty copies of the same small zip deflate well. */
    struct zm_bytes many = {0};
    struct zm list = {0};
    for (unsigned i = 0; i < 60; i++) {
        char name[16];
        snprintf(name, sizeof name, "z%u", i);
        zm_add_opts(&list, name, inner.out.ptr, inner.out.len, (struct zm_opts){.stored = true});
    }
    zm_end(&list, "");
    zm_add_opts(&outer, "list.zip", list.out.ptr, list.out.len, (struct zm_opts){0});
    zm_end(&outer, "");
    run(&s, outer.out.ptr, outer.out.len);
    KT_OK(has(&s, "limit.ratio"));
    KT_OK(s.text_bytes <= outer.out.len * KL_MAX_RATIO);
    KT_OK(s.not_inspected > 0);
    free(many.ptr);
    free(zero);
    sink_mem_done(&s);
    zm_done(&inner);
    zm_done(&list);
    zm_done(&outer);
}

KT_TEST(nested_zips_end_at_the_limit)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    zm_add(&z, "deep.txt", "the deepest");
    zm_end(&z, "");
    for (unsigned i = 0; i < KL_MAX_NESTING + 3; i++) {
        struct zm up = {0};
        zm_add_opts(&up, "z.zip", z.out.ptr, z.out.len, (struct zm_opts){.stored = i % 2 == 0});
        zm_end(&up, "");
        zm_done(&z);
        z = up;
    }
    run(&s, z.out.ptr, z.out.len);
    KT_OK(has(&s, "limit.nesting") && has(&s, " limit "));
    KT_OK(!has(&s, "the deepest"));
    KT_OK(s.not_inspected > 0);
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(a_member_longer_than_memory_is_streamed)
{
    struct zm z = {0};
    struct sink_mem s = {.quiet = true};
    size_t n = KL_MAX_WHOLE_MEMBER + 5000000;
    char *text = malloc(n);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + (i * 2654435761u >> 13) % 23);
    }
    zm_add_opts(&z, "long.txt", text, n, (struct zm_opts){0});
    zm_add_opts(&z, "lie.txt", text, n, (struct zm_opts){.lie_plain = -5100000});
    zm_add_opts(&z, "big_lie.txt", text, n, (struct zm_opts){.lie_plain = 50});
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_EQ(s.text_bytes, 3 * n);
    KT_OK(has(&s, "A /lie.txt zip.size_lie\n") && has(&s, "A /big_lie.txt zip.size_lie\n"));
    KT_OK(!has(&s, "zip.crc"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    zm_done(&z);
    free(text);
}

KT_TEST(a_zip_longer_than_memory_inside_a_zip_is_read)
{
    struct zm in = {0};
    struct zm z = {0};
    struct sink_mem s = {.quiet = true};
    size_t n = 20000000;
    uint8_t *noise = malloc(n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        noise[i] = (uint8_t)('!' + (x >> 24) % 90);
    }
    zm_add_opts(&in, "1", noise, n, (struct zm_opts){.stored = true});
    zm_add_opts(&in, "2", noise, n, (struct zm_opts){.stored = true});
    zm_end(&in, "");
    zm_add_opts(&z, "in.zip", in.out.ptr, in.out.len, (struct zm_opts){0});
    zm_end(&z, "");
    run_fd(&s, z.out.ptr, z.out.len);
    KT_EQ(s.text_bytes, 2 * n);
    KT_EQ(s.not_inspected, 0);
    KT_STR(s.log, "B text /in.zip/1\nE\nB text /in.zip/2\nE\n");
    sink_mem_done(&s);
    zm_done(&in);
    zm_done(&z);
    free(noise);
}

KT_TEST(four_gigabytes_end_at_the_limit)
{
    struct zm z = {0};
    struct sink_mem s = {.quiet = true};
    add_flood(&z, "flood", 257, "ab");
    zm_add(&z, "a.txt", "alpha");
    zm_end(&z, "");
    run(&s, z.out.ptr, z.out.len);
    KT_EQ(s.text_bytes, KL_MAX_EXPANDED);
    KT_OK(has(&s, "A /flood limit.expanded\n") && has(&s, "N /flood limit "));
    KT_OK(has(&s, "N /a.txt limit 5\n"));
    sink_mem_done(&s);
    zm_done(&z);
}

KT_TEST(a_run_as_long_as_allowed_and_a_longer_one)
{
    for (unsigned more = 0; more < 2; more++) {
        struct zm z = {0};
        struct sink_mem s = {.quiet = true};
        add_flood(&z, "zeros", KL_MAX_RUN / (1u << 24) + more, "\0");
        zm_add(&z, "a.txt", "alpha");
        zm_end(&z, "");
        run(&s, z.out.ptr, z.out.len);
        KT_EQ(s.text_bytes, KL_MAX_RUN + 5);
        KT_OK(has(&s, "A /zeros limit.run\n") == (more == 1));
        KT_OK(has(&s, "N /zeros limit ") == (more == 1));
        sink_mem_done(&s);
        zm_done(&z);
    }
}

KT_TEST(streams_give_the_same_bytes_in_any_step)
{
    struct zm z = {0};
    size_t n = 300000;
    uint8_t *text = malloc(n);
    uint8_t *out = malloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        text[i] = (uint8_t)((i * i >> 7) % 251);
    }
    zm_add_opts(&z, "x", text, n, (struct zm_opts){0});
    struct kl_input in = kl_input_mem(kl_span_make(z.out.ptr + 31, z.out.len - 31));
    struct kl_inflate *f = NULL;
    KT_EQ(kl_inflate_new(&f), KL_OK);
    static const size_t steps[] = {1, 7, 4096, 65537, 300001};
    for (size_t k = 0; k < 5; k++) {
        size_t all = 0;
        size_t got = 1;
        kl_inflate_start(f, &in, 0, in.len_bytes, false);
        while (got > 0 && all <= n) {
            size_t want = steps[k] < n + 1 - all ? steps[k] : n + 1 - all;
            KT_EQ(kl_inflate_read(f, out + all, want, &got), KL_OK);
            all += got;
        }
        KT_EQ(all, n);
        KT_MEM(out, text, n);
        KT_EQ(kl_inflate_taken_get(f), in.len_bytes);
        KT_EQ(kl_inflate_crc_get(f), libdeflate_crc32(0, text, n));
    }
    kl_inflate_free(&f);
    free(text);
    free(out);
    zm_done(&z);
}

KT_MAIN()
