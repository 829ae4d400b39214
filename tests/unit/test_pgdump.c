#include "extract/extract.h"
#include "kt.h"

#include "reader_run.h"

#include <libdeflate.h>

/* Writes an archive as pg_dump -Fc does. */
struct pm {
    uint8_t b[16384];
    size_t len;
};

static void put_u8(struct pm *p, uint8_t v)
{
    p->b[p->len++] = v;
}

static void put_bytes(struct pm *p, const void *ptr, size_t n)
{
    memcpy(p->b + p->len, ptr, n);
    p->len += n;
}

static void put_int(struct pm *p, int64_t v)
{
    uint64_t u = v < 0 ? (uint64_t)-v : (uint64_t)v;
    put_u8(p, v < 0);
    for (unsigned i = 0; i < 4; i++) {
        put_u8(p, (uint8_t)(u >> 8 * i));
    }
}

static void put_str(struct pm *p, const char *s)
{
    if (s == NULL) {
        put_int(p, -1);
        return;
    }
    put_int(p, (int64_t)strlen(s));
    put_bytes(p, s, strlen(s));
}

static void put_entry(struct pm *p, unsigned minor, int id, const char *schema, const char *tag)
{
    put_int(p, id);
    put_int(p, tag != NULL);
    if (minor >= 8) {
        put_str(p, "0");
    }
    put_str(p, "16384");
    put_str(p, tag != NULL ? tag : "a view");
    put_str(p, tag != NULL ? "TABLE DATA" : "VIEW");
    if (minor >= 11) {
        put_int(p, 3);
    }
    put_str(p, tag != NULL ? "" : "CREATE VIEW v AS SELECT 'words in the contents';");
    put_str(p, "");
    put_str(p, "COPY paga FROM stdin;");
    put_str(p, schema);
    if (minor >= 10) {
        put_str(p, NULL);
    }
    if (minor >= 14) {
        put_str(p, NULL);
    }
    if (minor >= 16) {
        put_int(p, 'r');
    }
    put_str(p, "postgres");
    if (minor >= 9) {
        put_str(p, "false");
    }
    put_str(p, "215");
    put_str(p, NULL);
    put_u8(p, 2);
    put_bytes(p, "\0\0\0\0\0\0\0\0", 8);
}

/* Head and contents: entry 7 is public.paga. */
static void put_toc(struct pm *p, unsigned minor, unsigned format, int compression)
{
    p->len = 0;
    put_bytes(p, "PGDMP", 5);
    put_u8(p, 1);
    put_u8(p, (uint8_t)minor);
    put_u8(p, 0);
    put_u8(p, 4);
    put_u8(p, 8);
    put_u8(p, (uint8_t)format);
    if (minor >= 15) {
        put_u8(p, (uint8_t)compression);
    } else {
        put_int(p, compression);
    }
    for (unsigned i = 0; i < 7; i++) {
        put_int(p, 1);
    }
    put_str(p, "shteti");
    if (minor >= 10) {
        put_str(p, "15.18");
        put_str(p, "15.18");
    }
    put_int(p, 2);
    put_entry(p, minor, 8, "public", NULL);
    put_entry(p, minor, 7, "public", "paga");
}

static const char rows[] = "T00202186H\tArben\nT00202187J\tBesa\n\\.\n";

/* Data in chunks of `step`. */
static void put_chunks(struct pm *p, const uint8_t *data, size_t n, size_t step)
{
    for (size_t at = 0; at < n; at += step) {
        size_t len = n - at < step ? n - at : step;
        put_int(p, (int64_t)len);
        put_bytes(p, data + at, len);
    }
    put_int(p, 0);
}

static size_t zlib(const char *s, uint8_t *out, size_t cap)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    size_t n = libdeflate_zlib_compress(c, s, strlen(s), out, cap);
    libdeflate_free_compressor(c);
    return n;
}

static void put_data(struct pm *p, int id, const char *s, bool deflate, size_t step)
{
    uint8_t comp[4096];
    put_u8(p, 1);
    put_int(p, id);
    if (deflate) {
        size_t n = zlib(s, comp, sizeof comp);
        put_chunks(p, comp, n, step);
    } else {
        put_chunks(p, (const uint8_t *)s, strlen(s), step);
    }
}

KT_TEST(blocks_are_members_under_the_names_of_their_tables)
{
    static const unsigned minors[] = {7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    for (size_t i = 0; i < 10; i++) {
        for (int deflate = 0; deflate <= 1; deflate++) {
            static struct pm p;
            struct sink_mem s = {0};
            put_toc(&p, minors[i], 1, deflate);
            put_data(&p, 7, rows, deflate != 0, 5);
            put_data(&p, 99, "of an unknown entry", deflate != 0, 4096);
            KT_EQ(kl_sniff(kl_span_make(p.b, p.len)), KL_FORMAT_PGDUMP);
            reader_run(&s, kl_extract_pgdump, p.b, p.len);
            KT_OK(reader_has(&s,
                             "B text /public.paga\nT00202186H\tArben\nT00202187J\tBesa\n\\.\nE\n"));
            KT_OK(reader_has(&s, "B text /entry-99\nof an unknown entryE\n"));
            KT_OK(reader_has(&s, "words in the contents") && !reader_has(&s, "pgdump."));
            KT_EQ(s.not_inspected, 0);
            sink_mem_done(&s);
        }
    }
}

KT_TEST(large_objects_are_members)
{
    static struct pm p;
    struct sink_mem s = {0};
    uint8_t comp[100];
    put_toc(&p, 14, 1, -1);
    put_u8(&p, 3);
    put_int(&p, 9);
    put_int(&p, 16394);
    put_chunks(&p, comp, zlib("first object", comp, sizeof comp), 4096);
    put_int(&p, 16395);
    put_chunks(&p, comp, zlib("second object", comp, sizeof comp), 4096);
    put_int(&p, 0);
    put_data(&p, 7, rows, true, 4096);
    reader_run(&s, kl_extract_pgdump, p.b, p.len);
    KT_OK(reader_has(&s, "B text /blob-16394\nfirst objectE\nB text /blob-16395\nsecond objectE\n"
                         "B text /public.paga\n"));
    sink_mem_done(&s);
}

KT_TEST(broken_data_are_said_and_the_next_block_is_read)
{
    static struct pm p;
    struct sink_mem s = {0};
    put_toc(&p, 14, 1, 6);
    size_t at = p.len;
    put_data(&p, 7, rows, true, 4096);
    memset(p.b + at + 12, 0xFF, 12);
    put_data(&p, 8, "the next block", true, 4096);
    reader_run(&s, kl_extract_pgdump, p.b, p.len);
    KT_OK(reader_has(&s, "A /public.paga pgdump.data\n") &&
          reader_has(&s, "N /public.paga format "));
    KT_OK(reader_has(&s, "the next block"));
    KT_OK(s.not_inspected > 0);
    sink_mem_done(&s);
}

KT_TEST(bytes_hidden_behind_deflated_data_are_seen)
{
    static struct pm p;
    struct sink_mem s = {0};
    uint8_t comp[200];
    size_t n = zlib("short", comp, sizeof comp);
    memcpy(comp + n, "hidden behind the end", 21);
    put_toc(&p, 14, 1, 6);
    put_u8(&p, 1);
    put_int(&p, 7);
    put_chunks(&p, comp, n + 21, 4096);
    reader_run(&s, kl_extract_pgdump, p.b, p.len);
    KT_OK(reader_has(&s, "shortE\n") && reader_has(&s, "hidden behind the end"));
    sink_mem_done(&s);
}

KT_TEST(chunks_longer_than_the_file_are_said)
{
    for (int deflate = 0; deflate <= 1; deflate++) {
        static struct pm p;
        struct sink_mem s = {0};
        put_toc(&p, 14, 1, deflate);
        put_u8(&p, 1);
        put_int(&p, 7);
        put_int(&p, 0x7FFFFFFF);
        put_bytes(&p, rows, sizeof rows - 1);
        reader_run(&s, kl_extract_pgdump, p.b, p.len);
        KT_OK(reader_has(&s, "pgdump.block") && reader_has(&s, "T00202186H"));
        KT_OK(s.not_inspected > 0);
        sink_mem_done(&s);
    }
}

KT_TEST(an_unknown_block_is_said_and_seen)
{
    static struct pm p;
    struct sink_mem s = {0};
    put_toc(&p, 14, 1, 0);
    put_data(&p, 7, rows, false, 4096);
    put_bytes(&p, "\7 an unknown block", 18);
    reader_run(&s, kl_extract_pgdump, p.b, p.len);
    KT_OK(reader_has(&s, "A  pgdump.block\n") && reader_has(&s, "N  format 18\n"));
    KT_OK(reader_has(&s, " an unknown block"));
    KT_EQ(s.not_inspected, 18);
    sink_mem_done(&s);
}

KT_TEST(contents_that_cannot_be_read_are_said)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } lies[] = {{5, 2}, {6, 6}, {8, 0}, {8, 9}, {9, 0}, {9, 17}};
    for (size_t i = 0; i < 6; i++) {
        static struct pm p;
        struct sink_mem s = {0};
        put_toc(&p, 14, 1, 0);
        put_data(&p, 7, rows, false, 4096);
        p.b[lies[i].at] = lies[i].value;
        reader_run(&s, kl_extract_pgdump, p.b, p.len);
        KT_OK(reader_has(&s, "A  pgdump.toc\n") && reader_has(&s, "T00202186H"));
        KT_EQ(s.not_inspected, p.len);
        sink_mem_done(&s);
    }
}

KT_TEST(the_contents_of_a_directory_dump_are_seen)
{
    static struct pm p;
    struct sink_mem s = {0};
    put_toc(&p, 14, 3, 6);
    reader_run(&s, kl_extract_pgdump, p.b, p.len);
    KT_OK(reader_has(&s, "words in the contents") && !reader_has(&s, "pgdump."));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(more_blocks_than_members_are_allowed_end_at_the_limit)
{
    for (unsigned more = 0; more <= 1; more++) {
        static struct pm head;
        struct sink_mem s = {.quiet = true};
        size_t n = KL_MAX_MEMBERS + more;
        put_toc(&head, 14, 1, 0);
        size_t toc = head.len;
        put_data(&head, 7, "x", false, 1);
        size_t block = head.len - toc;
        uint8_t *all = malloc(toc + n * block);
        memcpy(all, head.b, toc);
        for (size_t i = 0; i < n; i++) {
            memcpy(all + toc + i * block, head.b + toc, block);
        }
        reader_run(&s, kl_extract_pgdump, all, toc + n * block);
        KT_EQ(reader_has(&s, "limit.members"), more == 1);
        KT_EQ(s.not_inspected, more * block);
        free(all);
        sink_mem_done(&s);
    }
}

KT_TEST(a_bomb_of_zeros_ends_at_the_ratio)
{
    static struct pm p;
    struct sink_mem s = {.quiet = true};
    size_t n = 64u << 20;
    uint8_t *zero = calloc(1, n);
    uint8_t *comp = malloc(n / 500);
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
    size_t len = libdeflate_zlib_compress(c, zero, n, comp, n / 500);
    libdeflate_free_compressor(c);
    KT_OK(len > 0);
    put_toc(&p, 14, 1, 9);
    uint8_t *all = malloc(p.len + len + 32);
    memcpy(all, p.b, p.len);
    size_t at = p.len;
    p.len = 0;
    put_u8(&p, 1);
    put_int(&p, 7);
    put_int(&p, (int64_t)len);
    memcpy(all + at, p.b, p.len);
    memcpy(all + at + p.len, comp, len);
    memset(all + at + p.len + len, 0, 5);
    reader_run(&s, kl_extract_pgdump, all, at + p.len + len + 5);
    KT_OK(s.text_bytes <= (at + p.len + len + 5) * KL_MAX_RATIO);
    free(all);
    free(zero);
    free(comp);
    sink_mem_done(&s);
}

KT_TEST(read_forward_it_says_the_same)
{
    static struct pm p;
    struct sink_mem a = {0};
    struct sink_mem b = {0};
    put_toc(&p, 14, 1, 6);
    put_data(&p, 7, rows, true, 5);
    reader_run(&a, kl_extract_pgdump, p.b, p.len);
    reader_run_forward(&b, kl_extract_pgdump, p.b, p.len);
    KT_STR(b.log, a.log);
    sink_mem_done(&a);
    sink_mem_done(&b);
}

KT_TEST(no_damage_breaks_the_accounting)
{
    static struct pm p;
    put_toc(&p, 14, 1, 6);
    put_data(&p, 7, rows, true, 5);
    reader_run_damaged(kl_extract_pgdump, p.b, p.len, 1);
}

KT_MAIN()
