#include "extract/cfb.h"
#include "kt.h"

#include "cfb_make.h"

/* A pattern in which every place is told apart. */
static uint8_t *pattern(size_t len, uint8_t seed)
{
    uint8_t *p = malloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(seed + i * 7 + (i >> 8) * 13);
    }
    return p;
}

/* An exact-size copy of the file, opened. */
struct opened {
    uint8_t *copy;
    struct kl_input in;
    struct kl_cfb *cfb;
};

static enum kl_rc open_len(struct opened *o, const struct cm *c, size_t len)
{
    o->copy = malloc(len + (len == 0));
    memcpy(o->copy, c->out, len);
    o->in = kl_input_mem(kl_span_make(o->copy, len));
    o->cfb = NULL;
    return kl_cfb_open(&o->in, &o->cfb);
}

static void close_it(struct opened *o)
{
    kl_cfb_free(&o->cfb);
    free(o->copy);
}

/* The whole stream, and each of a few places, is what was put in. */
static void check_stream(struct kl_cfb *cfb, uint32_t i, const uint8_t *want, size_t len)
{
    struct kl_cfb_stream s;
    uint8_t *got = malloc(len + 16);
    size_t n = 0;
    kl_cfb_stream_open(cfb, i, &s);
    KT_EQ(s.in.len_bytes, len);
    KT_EQ(kl_input_read(&s.in, 0, got, len + 16, &n), KL_OK);
    KT_EQ(n, len);
    KT_MEM(got, want, n);
    for (size_t k = 0; k < 40 && len > 0; k++) {
        size_t at = (k * 7919) % len;
        size_t m = len - at < 700 ? len - at : 700;
        KT_EQ(kl_input_read(&s.in, at, got, 700, &n), KL_OK);
        KT_EQ(n, m);
        KT_MEM(got, want + at, n);
    }
    KT_EQ(kl_input_read(&s.in, len, got, 1, &n), KL_OK);
    KT_EQ(n, 0);
    free(got);
}

static void make_tree(struct cm *c, uint8_t *big, uint8_t *small)
{
    int a = cm_add(c, 0, "Store", NULL, 0);
    cm_add(c, 0, "Big", big, 40000);
    cm_add(c, a, "Small", small, 300);
    cm_add(c, a, "Empty", "", 0);
    int b = cm_add(c, a, "Deep", NULL, 0);
    cm_add(c, b, "Edge", big, 4096);
    cm_add(c, b, "Under", big, 4095);
    cm_end(c);
}

static void check_tree(const struct cm *c, const uint8_t *big, const uint8_t *small)
{
    struct opened o;
    KT_EQ(open_len(&o, c, c->out_len), KL_OK);
    KT_OK(!kl_cfb_is_damaged(o.cfb));
    uint32_t store = kl_cfb_find(o.cfb, 0, "sTORE");
    uint32_t deep = kl_cfb_find(o.cfb, store, "Deep");
    KT_EQ(kl_cfb_entry_get(o.cfb, store)->kind, KL_CFB_KIND_STORAGE);
    KT_EQ(kl_cfb_entry_get(o.cfb, deep)->parent, store);
    KT_EQ(kl_cfb_find(o.cfb, 0, "Small"), KL_CFB_NONE);
    KT_EQ(kl_cfb_find(o.cfb, 0, "Stor"), KL_CFB_NONE);
    check_stream(o.cfb, kl_cfb_find(o.cfb, 0, "Big"), big, 40000);
    check_stream(o.cfb, kl_cfb_find(o.cfb, store, "Small"), small, 300);
    check_stream(o.cfb, kl_cfb_find(o.cfb, store, "Empty"), small, 0);
    check_stream(o.cfb, kl_cfb_find(o.cfb, deep, "Edge"), big, 4096);
    check_stream(o.cfb, kl_cfb_find(o.cfb, deep, "Under"), big, 4095);
    KT_OK(kl_span_is(kl_cfb_name(o.cfb, 0), "Root Entry"));
    close_it(&o);
}

KT_TEST(streams_long_and_short_come_out_as_they_went_in)
{
    uint8_t *big = pattern(40000, 1);
    uint8_t *small = pattern(300, 90);
    for (unsigned k = 0; k < 4; k++) {
        struct cm c = {.v4 = (k & 1) != 0, .backwards = (k & 2) != 0};
        make_tree(&c, big, small);
        check_tree(&c, big, small);
        cm_done(&c);
    }
    free(big);
    free(small);
}

KT_TEST(every_byte_of_the_file_is_in_a_stream_or_in_the_rest)
{
    uint8_t *big = pattern(40000, 1);
    uint8_t *small = pattern(300, 90);
    struct cm c = {0};
    struct opened o;
    struct kl_cfb_stream rest;
    uint8_t buf[64];
    make_tree(&c, big, small);
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < kl_cfb_count_get(o.cfb); i++) {
        const struct kl_cfb_entry *e = kl_cfb_entry_get(o.cfb, i);
        if (e->kind == KL_CFB_KIND_STREAM && !e->is_mini) {
            uint8_t slack[4096];
            sum += e->len_bytes + kl_cfb_slack_read(o.cfb, i, slack, sizeof slack);
        }
    }
    kl_cfb_rest_open(o.cfb, false, &rest);
    /* The room of the short streams is full sectors here. */
    uint64_t room = (kl_cfb_entry_get(o.cfb, 0)->len_bytes + 511) / 512 * 512;
    KT_EQ(sum + room + rest.in.len_bytes, c.out_len);
    size_t n = 0;
    KT_EQ(kl_input_read(&rest.in, 0, buf, 8, &n), KL_OK);
    KT_MEM(buf, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    kl_cfb_rest_open(o.cfb, true, &rest);
    KT_EQ(rest.in.len_bytes, 0);
    close_it(&o);
    cm_done(&c);
    free(big);
    free(small);
}

KT_TEST(what_lies_in_free_sectors_and_behind_a_stream_is_read)
{
    struct cm c = {0};
    struct opened o;
    uint8_t *big = pattern(5000, 3);
    uint8_t buf[4096];
    size_t n = 0;
    struct kl_cfb_stream rest;
    cm_add(&c, 0, "Gone", big, 5000);
    cm_add(&c, 0, "Short", "hello", 5);
    cm_add(&c, 0, "Kept", big, 5000);
    cm_end(&c);
    cm_entry_at(&c, 1)[66] = 0; /* deleted: its sectors belong to nobody */
    memcpy(c.out + 512 * (c.e[3].start + 10) + 392, "slack", 5);
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    KT_EQ(kl_cfb_find(o.cfb, 0, "Gone"), KL_CFB_NONE);
    kl_cfb_rest_open(o.cfb, false, &rest);
    KT_EQ(kl_input_read(&rest.in, 512, buf, 4096, &n), KL_OK);
    KT_MEM(buf, big, n);
    KT_EQ(kl_cfb_slack_read(o.cfb, 3, buf, sizeof buf), 5120 - 5000);
    KT_MEM(buf, "slack", 5);
    KT_EQ(kl_cfb_slack_read(o.cfb, 2, buf, 10), 10);
    close_it(&o);
    cm_done(&c);
    free(big);
}

KT_TEST(chains_that_meet_themselves_or_others_end_there)
{
    struct cm c = {0};
    struct opened o;
    uint8_t *big = pattern(20000, 3);
    cm_add(&c, 0, "A", big, 20000);
    cm_add(&c, 0, "B", big, 20000);
    cm_end(&c);
    cm_le(cm_fat_at(&c, c.e[1].start + 5), c.e[1].start, 4); /* A: back to its first sector */
    cm_le(cm_entry_at(&c, 1) + 120, 0x7FFFFFFF, 4);
    cm_le(cm_fat_at(&c, c.e[2].start + 9), c.e[1].start + 2, 4); /* B: into A */
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    KT_OK(kl_cfb_is_damaged(o.cfb));
    KT_EQ(kl_cfb_entry_get(o.cfb, 1)->claim_bytes, 0x7FFFFFFF);
    check_stream(o.cfb, 1, big, 6 * 512);
    check_stream(o.cfb, 2, big, 10 * 512);
    close_it(&o);
    cm_done(&c);
    free(big);
}

KT_TEST(short_chains_that_meet_themselves_end_there)
{
    struct cm c = {0};
    struct opened o;
    uint8_t *small = pattern(1000, 3);
    cm_add(&c, 0, "A", small, 1000);
    cm_end(&c);
    cm_le(c.out + 512 * (c.mini_at + 1) + 4 * 3, 1, 4);
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    KT_OK(kl_cfb_is_damaged(o.cfb));
    check_stream(o.cfb, 1, small, 4 * 64);
    struct kl_cfb_stream rest;
    uint8_t buf[1024];
    size_t n = 0;
    kl_cfb_rest_open(o.cfb, true, &rest);
    KT_EQ(kl_input_read(&rest.in, 0, buf, sizeof buf, &n), KL_OK);
    KT_EQ(n, 1024 - 4 * 64);
    KT_MEM(buf, small + 256, 1000 - 256);
    close_it(&o);
    cm_done(&c);
    free(small);
}

KT_TEST(a_directory_or_a_tree_in_a_circle_ends)
{
    struct cm c = {0};
    struct opened o;
    int store = cm_add(&c, 0, "Store", NULL, 0);
    cm_add(&c, store, "Leaf", "leaf", 4);
    cm_end(&c);
    cm_le(cm_fat_at(&c, c.dir_at), c.dir_at, 4);
    cm_le(cm_entry_at(&c, 2) + 68, 1, 4);
    cm_le(cm_entry_at(&c, 2) + 72, 2, 4);
    cm_le(cm_entry_at(&c, 1) + 76, 1, 4);
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    KT_OK(kl_cfb_is_damaged(o.cfb));
    KT_EQ(kl_cfb_count_get(o.cfb), 4);
    /* Not reached by the tree, and yet found. */
    KT_EQ(kl_cfb_find(o.cfb, 0, "Leaf"), 2);
    check_stream(o.cfb, 2, (const uint8_t *)"leaf", 4);
    close_it(&o);
    cm_done(&c);
}

KT_TEST(every_truncation_is_read_as_far_as_it_goes)
{
    uint8_t *big = pattern(6000, 1);
    struct cm c = {0};
    cm_add(&c, 0, "Small", big, 100);
    cm_add(&c, 0, "Big", big, 6000);
    cm_end(&c);
    for (size_t len = 0; len <= c.out_len; len += len > 600 && len < c.out_len - 600 ? 37 : 1) {
        struct opened o;
        enum kl_rc rc = open_len(&o, &c, len);
        KT_OK(rc == KL_OK || rc == KL_E_FORMAT);
        for (uint32_t i = 0; rc == KL_OK && i < kl_cfb_count_get(o.cfb); i++) {
            struct kl_cfb_stream s;
            uint8_t buf[6001];
            size_t n = 0;
            kl_cfb_stream_open(o.cfb, i, &s);
            KT_EQ(kl_input_read(&s.in, 0, buf, sizeof buf, &n), KL_OK);
            KT_EQ(n, s.in.len_bytes);
            KT_MEM(buf, big, i > 0 ? n : 0);
        }
        close_it(&o);
    }
    cm_done(&c);
    free(big);
}

KT_TEST(what_is_no_compound_file_is_refused)
{
    struct cm c = {0};
    struct opened o;
    cm_add(&c, 0, "Small", "x", 1);
    cm_end(&c);
    c.out[30] = 8;
    KT_EQ(open_len(&o, &c, c.out_len), KL_E_FORMAT);
    close_it(&o);
    c.out[30] = 17;
    KT_EQ(open_len(&o, &c, c.out_len), KL_E_FORMAT);
    close_it(&o);
    c.out[30] = 9;
    cm_entry_at(&c, 0)[66] = 2; /* no root */
    KT_EQ(open_len(&o, &c, c.out_len), KL_E_FORMAT);
    close_it(&o);
    cm_entry_at(&c, 0)[66] = 5;
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    close_it(&o);
    c.out[0] = 0;
    KT_EQ(open_len(&o, &c, c.out_len), KL_E_FORMAT);
    close_it(&o);
    cm_done(&c);
}

/* A directory of n sectors that are full of streams without a byte. */
static void wide_file(struct cm *c, uint32_t n, unsigned shift)
{
    size_t ss = (size_t)1 << shift;
    uint32_t per = (uint32_t)(ss / 4);
    uint32_t n_fat = n / per + 1;
    uint32_t difat = n + n_fat; /* the sector that names what the header has no room for */
    c->out_len = ss * (n + n_fat + 2);
    c->out = calloc(1, c->out_len);
    memcpy(c->out, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    cm_le(c->out + 26, 3, 2);
    cm_le(c->out + 30, shift, 2);
    cm_le(c->out + 56, 4096, 4);
    cm_le(c->out + 60, CM_END, 4);
    cm_le(c->out + 68, n_fat > 109 ? difat : CM_END, 4);
    cm_le(c->out + ss * (difat + 2) - 4, CM_END, 4);
    for (uint32_t i = 0; i < n_fat; i++) {
        uint8_t *at = i < 109 ? c->out + 76 + 4ul * i : c->out + ss * (difat + 1) + 4ul * (i - 109);
        cm_le(at, n + i, 4);
    }
    for (uint32_t s = 0; s < n; s++) {
        cm_le(c->out + ss * (n + 1) + 4ul * s, s + 1 < n ? s + 1 : CM_END, 4);
        for (uint32_t k = 0; k < ss / 128; k++) {
            uint8_t *d = c->out + ss * (s + 1) + 128ul * k;
            d[0] = 'x';
            cm_le(d + 64, 4, 2);
            d[66] = s + k == 0 ? 5 : 2;
        }
    }
}

KT_TEST(a_directory_may_have_65536_entries_and_no_more)
{
    for (uint32_t more = 0; more < 2; more++) {
        struct cm c = {0};
        struct opened o;
        wide_file(&c, 2048 + more, 12);
        KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
        KT_EQ(kl_cfb_count_get(o.cfb), 65536);
        KT_EQ(kl_cfb_is_damaged(o.cfb), more);
        close_it(&o);
        cm_done(&c);
    }
}

KT_TEST(a_table_too_long_for_the_header_is_read)
{
    struct cm c = {0};
    struct opened o;
    wide_file(&c, 15000, 9);
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    KT_EQ(kl_cfb_count_get(o.cfb), 60000);
    KT_OK(!kl_cfb_is_damaged(o.cfb));
    close_it(&o);
    /* The same with a chain of such sectors that meets itself. */
    cm_le(c.out + c.out_len - 4, 15000 + 15000 / 128 + 1, 4);
    KT_EQ(open_len(&o, &c, c.out_len), KL_OK);
    KT_EQ(kl_cfb_count_get(o.cfb), 60000);
    close_it(&o);
    cm_done(&c);
}

KT_MAIN()
