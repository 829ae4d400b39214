#include "kt.h"

#include "match/distinct.h"

static uint64_t spread(uint64_t i)
{
    i = (i + 1) * 0x9e3779b97f4a7c15ull;
    i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9ull;
    i = (i ^ (i >> 27)) * 0x94d049bb133111ebull;
    return i ^ (i >> 31);
}

KT_TEST(up_to_the_limit_the_count_is_exact)
{
    struct kl_distinct d = {0};
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < KL_DISTINCT_EXACT; i++) {
            KT_EQ(kl_distinct_add(&d, spread(i)), KL_OK);
        }
    }
    KT_EQ(kl_distinct_count(&d), KL_DISTINCT_EXACT);
    KT_OK(kl_distinct_is_exact(&d));
    KT_EQ(kl_distinct_add(&d, spread(KL_DISTINCT_EXACT)), KL_OK);
    KT_OK(!kl_distinct_is_exact(&d));
    kl_distinct_done(&d);
}

KT_TEST(beyond_the_limit_the_estimate_is_within_three_percent)
{
    struct kl_distinct d = {0};
    for (uint64_t i = 0; i < 1000000; i++) {
        KT_EQ(kl_distinct_add(&d, spread(i)), KL_OK);
    }
    KT_OK(kl_distinct_count(&d) > 970000 && kl_distinct_count(&d) < 1030000);
    KT_OK(d.n <= KL_DISTINCT_EXACT);
    kl_distinct_clear(&d);
    KT_EQ(kl_distinct_count(&d), 0);
    KT_OK(kl_distinct_is_exact(&d));
    kl_distinct_done(&d);
}

KT_TEST(zero_is_a_value_and_clear_forgets)
{
    struct kl_distinct d = {0};
    KT_EQ(kl_distinct_add(&d, 0), KL_OK);
    KT_EQ(kl_distinct_add(&d, 0), KL_OK);
    KT_EQ(kl_distinct_count(&d), 1);
    kl_distinct_clear(&d);
    KT_EQ(kl_distinct_add(&d, 7), KL_OK);
    KT_EQ(kl_distinct_count(&d), 1);
    kl_distinct_done(&d);
}

KT_MAIN()
