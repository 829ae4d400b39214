#include "extract/wire.h"

#include "kt.h"

static uint8_t ring[64]; /* never read by what is tested */

/* Check one record in an exact-size heap copy; the order moves on. */
static enum kl_rc check(struct kl_wire_order *o, const void *ptr, size_t len, struct kl_event *ev)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    memcpy(copy, ptr, len);
    struct kl_rd r = kl_rd_init(kl_span_make(copy, len));
    enum kl_rc rc = kl_wire_next(o, &r, ring, ev);
    free(copy);
    return rc;
}

static enum kl_rc send_event(struct kl_wire_order *o, struct kl_event ev, uint32_t slot,
                             uint32_t from)
{
    uint8_t out[KL_WIRE_RECORD_MAX];
    struct kl_event got;

    return check(o, out, kl_wire_put(&ev, slot, from, out), &got);
}

static enum kl_rc send_rec(struct kl_wire_order o, struct kl_wire_rec rec)
{
    struct kl_event ev;

    return check(&o, &rec, sizeof rec, &ev);
}

#define BEGIN ((struct kl_event){.kind = KL_EVENT_PART_BEGIN, .part_kind = KL_PART_TEXT})
#define END ((struct kl_event){.kind = KL_EVENT_PART_END, .part_kind = KL_PART_TEXT})
#define BLOCK(n)                                                                                   \
    ((struct kl_event){                                                                            \
        .kind = KL_EVENT_BLOCK, .part_kind = KL_PART_TEXT, .text = kl_span_make(ring, (n))})
#define DONE(a, b, c)                                                                              \
    ((struct kl_event){.kind = KL_EVENT_DONE, .seen = (a), .inspected = (b), .not_inspected = (c)})

KT_TEST(each_kind_comes_out_as_it_went_in)
{
    struct kl_wire_order o;
    uint8_t out[KL_WIRE_RECORD_MAX * 2];
    struct kl_event ev = {.kind = KL_EVENT_NOT_INSPECTED,
                          .reason = KL_REASON_ENCRYPTED,
                          .bytes = 1ull << 50,
                          .text = KL_SPAN_LIT("a.zip/\xc3\xab.xlsx")};
    struct kl_event two = {
        .kind = KL_EVENT_ANOMALY, .code = "zip.size_lie", .text = KL_SPAN_LIT("a")};
    struct kl_event got;

    kl_wire_order_init(&o, 10);
    size_t n = kl_wire_put(&ev, 0, 0, out);
    n += kl_wire_put(&two, 0, 0, out + n);
    struct kl_rd r = kl_rd_init(kl_span_make(out, n));
    KT_EQ(kl_wire_next(&o, &r, ring, &got), KL_OK);
    KT_EQ(got.kind, ev.kind);
    KT_EQ(got.reason, ev.reason);
    KT_EQ(got.bytes, ev.bytes);
    KT_OK(kl_span_eq(got.text, ev.text));
    KT_EQ(kl_wire_next(&o, &r, ring, &got), KL_OK);
    KT_STR(got.code, "zip.size_lie");
    KT_EQ(kl_rd_left(&r), 0);
    struct kl_event block = BLOCK(100);
    block.at_byte = 5;
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_OK);
    n = kl_wire_put(&block, 0, 16, out);
    KT_EQ(check(&o, out, n, &got), KL_OK);
    KT_OK(got.at_byte == 5 && got.text.ptr == ring + 16 && got.text.len == 100);
    KT_EQ(send_event(&o, END, 0, 0), KL_OK);
    n = kl_wire_put(&DONE(10, 4, 6), 0, 0, out);
    KT_EQ(check(&o, out, n, &got), KL_OK);
    KT_OK(got.seen == 10 && got.inspected == 4 && got.not_inspected == 6);
}

KT_TEST(every_truncation_is_refused)
{
    uint8_t out[KL_WIRE_RECORD_MAX];
    struct kl_event ev = {
        .kind = KL_EVENT_NOT_INSPECTED, .reason = KL_REASON_IO, .text = KL_SPAN_LIT("some/path")};
    struct kl_event got;
    size_t n = kl_wire_put(&ev, 0, 0, out);

    for (size_t len = 0; len < n; len++) {
        struct kl_wire_order o;
        kl_wire_order_init(&o, 0);
        KT_EQ(check(&o, out, len, &got), KL_E_FORMAT);
    }
}

KT_TEST(events_out_of_order_are_refused)
{
    struct kl_wire_order o;

    kl_wire_order_init(&o, 3);
    KT_EQ(send_event(&o, BLOCK(1), 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, END, 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_OK);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, DONE(3, 3, 0), 0, 0), KL_E_FORMAT);
    struct kl_event table_end = END;
    table_end.part_kind = KL_PART_TABLE;
    KT_EQ(send_event(&o, table_end, 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, END, 0, 0), KL_OK);
    KT_EQ(send_event(&o, DONE(3, 3, 0), 0, 0), KL_OK);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, DONE(3, 3, 0), 0, 0), KL_E_FORMAT);
}

KT_TEST(blocks_come_in_turn_and_at_most_a_ring_of_them)
{
    struct kl_wire_order o;

    kl_wire_order_init(&o, 3);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_OK);
    KT_EQ(send_event(&o, BLOCK(1), 1, 0), KL_E_FORMAT);
    for (uint32_t i = 0; i < KL_BLOCK_SLOTS; i++) {
        KT_EQ(send_event(&o, BLOCK(1), i, 0), KL_OK);
    }
    KT_EQ(send_event(&o, BLOCK(1), 0, 0), KL_E_FORMAT);
    o.in_flight--;
    KT_EQ(send_event(&o, BLOCK(1), KL_BLOCK_SLOTS, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, BLOCK(1), 0, 0), KL_OK);
}

KT_TEST(a_block_ends_in_its_slot)
{
    struct kl_wire_order o;

    kl_wire_order_init(&o, 3);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_OK);
    KT_EQ(send_event(&o, BLOCK(KL_BLOCK_BYTES + 1), 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, BLOCK(KL_BLOCK_BYTES), 0, 1), KL_E_FORMAT);
    KT_EQ(send_event(&o, BLOCK(2), 0, KL_BLOCK_BYTES - 1), KL_E_FORMAT);
    KT_EQ(send_event(&o, BLOCK(1), 0, UINT32_MAX), KL_E_FORMAT);
    KT_EQ(send_event(&o, BLOCK(UINT32_MAX), 0, 1), KL_E_FORMAT);
    KT_EQ(send_event(&o, BLOCK(KL_BLOCK_BYTES), 0, 0), KL_OK);
    KT_EQ(send_event(&o, BLOCK(0), 1, KL_BLOCK_BYTES), KL_OK);
}

KT_TEST(done_adds_up_to_the_document)
{
    struct kl_wire_order o;

    kl_wire_order_init(&o, 10);
    KT_EQ(send_event(&o, DONE(9, 9, 0), 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, DONE(10, 9, 0), 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, DONE(10, 11, UINT64_MAX), 0, 0), KL_E_FORMAT);
    KT_EQ(send_event(&o, DONE(10, 7, 3), 0, 0), KL_OK);
}

KT_TEST(values_out_of_range_are_refused)
{
    struct kl_wire_order o;
    struct kl_wire_rec lost = {.kind = KL_EVENT_NOT_INSPECTED, .reason = KL_REASON_IO};
    struct kl_wire_rec begin = {.kind = KL_EVENT_PART_BEGIN, .part_kind = KL_PART_TABLE};

    kl_wire_order_init(&o, 0);
    KT_EQ(send_rec(o, lost), KL_OK);
    KT_EQ(send_rec(o, begin), KL_OK);
#define REFUSED(rec, field, value)                                                                 \
    do {                                                                                           \
        struct kl_wire_rec bad_ = (rec);                                                           \
        bad_.field = (value);                                                                      \
        KT_EQ(send_rec(o, bad_), KL_E_FORMAT);                                                     \
    } while (0)
    REFUSED(lost, kind, 0);
    REFUSED(lost, kind, KL_EVENT_DONE + 1);
    REFUSED(lost, kind, 255);
    REFUSED(lost, reason, 0);
    REFUSED(lost, reason, KL_REASON_STOPPED + 1);
    REFUSED(lost, zero, 1);
    REFUSED(lost, slot, 1);
    REFUSED(lost, from, 1);
    REFUSED(lost, part_kind, 1);
    REFUSED(lost, v[1], 1);
    REFUSED(lost, v[2], 1);
    REFUSED(lost, code[0], 'a');
    REFUSED(begin, part_kind, 0);
    REFUSED(begin, part_kind, KL_PART_LAST + 1);
    REFUSED(begin, reason, 1);
    REFUSED(begin, v[0], 1);
    REFUSED(begin, len, 1);
#undef REFUSED
}

KT_TEST(bytes_confirmed_only_grow_up_to_the_document)
{
    struct kl_wire_order o;
    struct kl_event begin = BEGIN;
    struct kl_event block = BLOCK(8);

    kl_wire_order_init(&o, 10);
    begin.inspected = 11;
    KT_EQ(send_event(&o, begin, 0, 0), KL_E_FORMAT);
    kl_wire_order_init(&o, 10);
    begin.inspected = 4;
    KT_EQ(send_event(&o, begin, 0, 0), KL_OK);
    block.inspected = 10;
    KT_EQ(send_event(&o, block, 0, 0), KL_OK);
    KT_EQ(o.confirmed, 10);
    block.inspected = 9;
    KT_EQ(send_event(&o, block, 1, 0), KL_E_FORMAT);
    struct kl_event end = END;
    end.inspected = 10;
    KT_EQ(send_event(&o, end, 0, 0), KL_E_FORMAT);
}

static enum kl_rc send_path(const char *path, size_t len)
{
    struct kl_wire_order o;
    struct kl_event ev = BEGIN;

    kl_wire_order_init(&o, 0);
    ev.text = kl_span_make(path, len);
    return send_event(&o, ev, 0, 0);
}

KT_TEST(a_path_is_clean_text)
{
    static const char *const GOOD[] = {
        "",         "a b/c",       "\xc3\xab", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd",
        "\xc2\xa0", "\xe2\x80\xa7"};
    static const char *const BAD[] = {"\n",
                                      "a\x1b[2J",
                                      "\x7f",
                                      "\x80",
                                      "\xc3",
                                      "\xc0\xaf",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xc2\x9b",
                                      "\xe2\x80\xae",
                                      "\xe2\x80\xa8",
                                      "\xe2\x81\xa6",
                                      "\xe2\x80\x8f",
                                      "\xe2\x82"};

    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        KT_EQ(send_path(GOOD[i], strlen(GOOD[i])), KL_OK);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        KT_EQ(send_path(BAD[i], strlen(BAD[i])), KL_E_FORMAT);
    }
    KT_EQ(send_path("\0", 1), KL_E_FORMAT);
}

KT_TEST(a_path_at_the_limit_passes_and_a_longer_one_is_cut_at_a_character)
{
    char path[KL_MAX_PATH_BYTES + 2];
    uint8_t out[KL_WIRE_RECORD_MAX];
    struct kl_event ev = BEGIN;
    struct kl_wire_rec rec;

    memset(path, 'p', sizeof path);
    KT_EQ(send_path(path, KL_MAX_PATH_BYTES), KL_OK);
    memcpy(path + KL_MAX_PATH_BYTES - 1, "\xc3\xab", 2);
    ev.text = kl_span_make(path, KL_MAX_PATH_BYTES + 1);
    KT_EQ(kl_wire_put(&ev, 0, 0, out), sizeof rec + KL_MAX_PATH_BYTES - 1);
    KT_EQ(send_path(path, KL_MAX_PATH_BYTES + 1), KL_OK);
    /* One that was not cut. */
    struct kl_wire_order o;
    uint8_t *big = calloc(1, sizeof rec + KL_MAX_PATH_BYTES + 1);
    rec = (struct kl_wire_rec){
        .kind = KL_EVENT_PART_BEGIN, .part_kind = KL_PART_TEXT, .len = KL_MAX_PATH_BYTES + 1};
    memset(big, 'p', sizeof rec + KL_MAX_PATH_BYTES + 1);
    memcpy(big, &rec, sizeof rec);
    kl_wire_order_init(&o, 0);
    KT_EQ(check(&o, big, sizeof rec + KL_MAX_PATH_BYTES + 1, &ev), KL_E_FORMAT);
    free(big);
}

KT_TEST(an_anomaly_code_is_a_short_word)
{
    struct kl_wire_order o;
    struct kl_wire_rec rec = {.kind = KL_EVENT_ANOMALY, .code = "zip.size_lie"};

    kl_wire_order_init(&o, 0);
    KT_EQ(send_rec(o, rec), KL_OK);
    rec.code[20] = 'x'; /* behind the end */
    KT_EQ(send_rec(o, rec), KL_E_FORMAT);
    memset(rec.code, 'x', sizeof rec.code);
    KT_EQ(send_rec(o, rec), KL_E_FORMAT);
    rec.code[KL_ANOMALY_BYTES - 1] = '\0';
    KT_EQ(send_rec(o, rec), KL_OK);
    rec.code[3] = ' ';
    KT_EQ(send_rec(o, rec), KL_E_FORMAT);
    memset(rec.code, 0, sizeof rec.code);
    KT_EQ(send_rec(o, rec), KL_E_FORMAT);
}

KT_TEST(a_flood_of_events_or_text_is_refused)
{
    struct kl_wire_order o;
    struct kl_event ev = {.kind = KL_EVENT_NOT_INSPECTED, .reason = KL_REASON_IO};

    kl_wire_order_init(&o, 800);
    o.n_events = (1u << 20) + 99;
    KT_EQ(send_event(&o, ev, 0, 0), KL_OK);
    KT_EQ(send_event(&o, ev, 0, 0), KL_E_FORMAT);
    kl_wire_order_init(&o, 0);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_OK);
    o.text_bytes = (KL_MAX_EXPANDED + 1) * 32 - 2;
    KT_EQ(send_event(&o, BLOCK(1), 0, 0), KL_OK);
    KT_EQ(send_event(&o, BLOCK(1), 1, 0), KL_E_FORMAT);
    /* The longest file there can be leaves the sums without overflow. */
    kl_wire_order_init(&o, UINT64_MAX);
    KT_EQ(send_event(&o, BEGIN, 0, 0), KL_OK);
    KT_EQ(send_event(&o, END, 0, 0), KL_OK);
    KT_EQ(send_event(&o, DONE(UINT64_MAX, 0, UINT64_MAX), 0, 0), KL_OK);
}

KT_MAIN()
