#include "extract/leftover.h"
#include "extract/pairsort.h"
#include "kt.h"

#include "reader_run.h"

static struct kl_leftover *under_test;

static enum kl_rc extract_leftover(struct kl_emit *e, const struct kl_input *in)
{
    return kl_leftover_extract(under_test, e, in, "leftover");
}

static void run_leftover(struct sink_mem *s, struct kl_leftover *l, const char *text)
{
    under_test = l;
    reader_run(s, extract_leftover, text, strlen(text));
}

KT_TEST(ranges_are_seen_in_order_and_do_not_run_together)
{
    struct kl_leftover l;
    struct sink_mem s = {0};
    kl_leftover_init(&l);
    KT_EQ(kl_leftover_add(&l, 20, 25), KL_OK);
    KT_EQ(kl_leftover_add(&l, 0, 5), KL_OK);
    KT_EQ(kl_leftover_add(&l, 3, 8), KL_OK);
    KT_EQ(kl_leftover_add(&l, 7, 7), KL_OK);
    run_leftover(&s, &l, "aaaaabbbbbcccccdddddeeeee");
    KT_OK(reader_has(&s, "B text /leftover/8bit\naaaaabbb\teeeeeE\n"));
    sink_mem_done(&s);
    kl_leftover_done(&l);
}

KT_TEST(what_lies_behind_the_end_is_not_asked_for)
{
    struct kl_leftover l;
    struct sink_mem s = {0};
    struct sink_mem s2 = {0};
    kl_leftover_init(&l);
    KT_EQ(kl_leftover_add(&l, 2, UINT64_MAX), KL_OK);
    run_leftover(&s, &l, "xxyyyyyy");
    KT_OK(reader_has(&s, "B text /leftover/8bit\nyyyyyyE\n"));
    KT_EQ(s.not_inspected, 0);
    kl_leftover_done(&l);
    KT_EQ(kl_leftover_add(&l, 100, 200), KL_OK);
    run_leftover(&s2, &l, "xxyyyyyy");
    KT_STR(s2.log, "");
    sink_mem_done(&s);
    sink_mem_done(&s2);
    kl_leftover_done(&l);
}

KT_TEST(unused_bytes_are_not_kept)
{
    struct kl_leftover l;
    kl_leftover_init(&l);
    KT_EQ(kl_leftover_add_bytes(&l, 0, kl_span_make("\0\0\0\0\0\0", 6)), KL_OK);
    KT_EQ(kl_leftover_add_bytes(&l, 10, kl_span_make("abc", 3)), KL_OK);
    KT_EQ(l.ranges.len, 0);
    KT_EQ(kl_leftover_add_bytes(&l, 10, kl_span_make("abcd", 4)), KL_OK);
    KT_EQ(l.ranges.len, sizeof(struct kl_pair));
    kl_leftover_done(&l);
}

KT_TEST(past_the_ceiling_all_is_seen)
{
    static const char text[] = "the whole of it, not only what was asked for";
    for (unsigned more = 0; more <= 1; more++) {
        struct kl_leftover l;
        struct sink_mem s = {0};
        kl_leftover_init(&l);
        for (uint64_t i = 0; i < KL_LEFTOVER_RANGES + more; i++) {
            KT_EQ(kl_leftover_add(&l, 1000 + 2 * i, 1001 + 2 * i), KL_OK);
        }
        run_leftover(&s, &l, text);
        KT_EQ(reader_has(&s, "the whole of it"), more == 1);
        sink_mem_done(&s);
        kl_leftover_done(&l);
    }
}

KT_TEST(column_stores_are_said_to_be_unread_and_their_bytes_seen)
{
    static const struct {
        const char *head;
        const char *code;
    } cases[] = {{"PAR1", "A  parquet.unread\n"}, {"Obj\1", "A  avro.unread\n"}};
    for (size_t i = 0; i < 2; i++) {
        char file[64];
        struct sink_mem s = {0};
        int n = snprintf(file, sizeof file, "%s words in a column \2\3", cases[i].head);
        reader_run(&s, kl_extract_nested, file, (size_t)n);
        KT_OK(reader_has(&s, cases[i].code) && reader_has(&s, "words in a column"));
        KT_EQ(s.not_inspected, (uint64_t)n);
        sink_mem_done(&s);
    }
}

KT_TEST(pairs_are_sorted_whatever_their_order)
{
    static struct kl_pair p[1000];
    for (unsigned seed = 0; seed < 20; seed++) {
        uint64_t x = seed;
        size_t n = seed * 50;
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            p[i].key = seed < 3 ? i : seed < 6 ? n - i : x >> 50;
            p[i].value = p[i].key * 3;
            sum += p[i].key;
        }
        kl_pairsort(p, n);
        for (size_t i = 0; i < n; i++) {
            KT_OK(i == 0 || p[i - 1].key <= p[i].key);
            KT_EQ(p[i].value, p[i].key * 3);
            sum -= p[i].key;
        }
        KT_EQ(sum, 0);
    }
}

KT_MAIN()
