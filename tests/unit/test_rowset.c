#include "kt.h"

#include "match/rowset.h"

KT_TEST(masks_are_kept_by_row_and_forgotten_together)
{
    struct kl_rowset s;
    KT_EQ(kl_rowset_init(&s, 3 * KL_ROWSET_CHUNK + 1), KL_OK);
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t row = 0; row <= 3 * KL_ROWSET_CHUNK; row += 1024) {
            KT_EQ(kl_rowset_get(&s, row), 0);
            *kl_rowset_at(&s, row) |= row + 1;
        }
        for (uint32_t row = 0; row <= 3 * KL_ROWSET_CHUNK; row += 1024) {
            KT_EQ(kl_rowset_get(&s, row), row + 1);
            KT_EQ(kl_rowset_get(&s, row ^ 1), 0);
        }
        KT_EQ(s.n_touched, 4);
        kl_rowset_clear(&s);
        KT_EQ(s.n_touched, 0);
    }
    kl_rowset_done(&s);
    KT_OK(s.chunks == NULL);
    kl_rowset_done(&s);
}

KT_TEST(one_row_and_a_huge_register)
{
    struct kl_rowset s;
    KT_EQ(kl_rowset_init(&s, 1), KL_OK);
    *kl_rowset_at(&s, 0) = KL_ROW_WEAK;
    KT_EQ(kl_rowset_get(&s, 0) & KL_ROW_COLUMNS, 0);
    kl_rowset_done(&s);
    KT_EQ(kl_rowset_init(&s, 1ull << 32), KL_OK);
    *kl_rowset_at(&s, UINT32_MAX) = 5;
    KT_EQ(kl_rowset_get(&s, UINT32_MAX), 5);
    KT_EQ(kl_rowset_get(&s, 0), 0);
    kl_rowset_done(&s);
}

KT_MAIN()
