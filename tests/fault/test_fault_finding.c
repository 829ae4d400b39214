/* Memory runs out while a policy is read, a finding written, a baseline compared. */
#include "fault_each.h"

#include "../unit/finding_sample.h"
#include "finding/baseline.h"
#include "finding/write.h"
#include "inspect/policy.h"
#include "os/atomic_file.h"
#include "os/spool.h"
#include "os/walk.h"

#include <unistd.h>

static const char policy_text[] =
    "registers:\n"
    "  - {name: salaries, thresholds: {row_bits: 20, hold: {rows: 5}}}\n"
    "  - {name: civil, thresholds: {log: {rows: 2}}}\n"
    "allow:\n"
    "  - {path: '*/own/*', register: salaries, max_rows: 1}\n"
    "  - {path: '/srv/hr/*', max_rows: 7}\n"
    "ignore: ['*.o', '*/.git/*', '/proc/*']\n";

static enum kl_rc parse_policy(void *ctx)
{
    struct kl_policy p;
    struct kl_err err = {.rc = KL_OK};
    enum kl_rc rc = kl_policy_parse(kl_span_str(ctx), &p, &err);
    KT_OK(rc == err.rc);
    if (rc == KL_OK) {
        KT_EQ(p.n_ignore, 3);
        kl_policy_done(&p);
    } else if (rc != KL_E_NOMEM) {
        printf("# line %llu: %s\n", (unsigned long long)err.at_line, err.what);
    }
    return rc;
}

KT_TEST(a_policy_is_read_or_memory_is_said_to_be_out)
{
    fault_each("policy", parse_policy, (void *)(uintptr_t)policy_text);
}

static enum kl_rc read_policy(void *ctx)
{
    struct kl_policy p;
    enum kl_rc rc = kl_policy_read(ctx, &p, NULL);
    if (rc == KL_OK) {
        kl_policy_done(&p);
    }
    return rc;
}

KT_TEST(so_is_a_policy_in_a_file)
{
    fault_each("policy file", read_policy, (void *)(uintptr_t) "packs/policy/default.yaml");
}

static enum kl_rc fill(struct kl_finding *f)
{
    struct kl_finding_register *r = NULL;
    struct kl_finding_column *c = NULL;
    struct kl_finding_part *p = NULL;
    struct kl_finding_identifier *id = NULL;

    for (unsigned i = 0; i < 9; i++) {
        KL_TRY(kl_finding_add_register(f, &r));
        KL_TRY(kl_finding_add_column(r, &c));
        KL_TRY(kl_finding_add_column(r, &c));
        KL_TRY(kl_finding_add_part(r, KL_SPAN_LIT("/sheet1"), &p));
        KL_TRY(kl_finding_add_part(r, KL_SPAN_LIT("/sheet2"), &p));
        KL_TRY(kl_finding_add_identifier(f, &id));
        KL_TRY(kl_finding_add_gap(f, KL_SPAN_LIT("/a"), "format", 5));
        KL_TRY(kl_finding_add_anomaly(f, KL_SPAN_LIT("/b"), "zip.crc"));
        KL_TRY(kl_finding_add_sample(f, (struct kl_pii){KL_SPAN_LIT("A10101001A")}));
    }
    return KL_OK;
}

static enum kl_rc make_finding(void *ctx)
{
    struct kl_finding f;
    (void)ctx;
    KL_TRY(kl_finding_init(&f, "path"));
    enum kl_rc rc = fill(&f);
    kl_finding_done(&f);
    return rc;
}

KT_TEST(a_finding_is_filled_or_memory_is_said_to_be_out)
{
    fault_each("finding", make_finding, NULL);
}

static enum kl_rc write_json(void *ctx)
{
    struct kl_buf out;
    kl_buf_init(&out, 1u << 20);
    enum kl_rc rc = kl_write_json(ctx, &out);
    kl_buf_done(&out);
    return rc;
}

static enum kl_rc write_text(void *ctx)
{
    const struct kl_text_style style = {.colour = true};
    struct kl_buf out;
    kl_buf_init(&out, 1u << 20);
    enum kl_rc rc = kl_write_text(ctx, &style, &out);
    kl_buf_done(&out);
    return rc;
}

static enum kl_rc write_sarif(void *ctx)
{
    struct kl_sarif s;
    struct kl_buf out;
    kl_buf_init(&out, 1u << 20);
    enum kl_rc rc = kl_write_sarif_begin(&s, &out);
    rc = rc == KL_OK ? kl_write_sarif(&s, ctx, &out) : rc;
    rc = rc == KL_OK ? kl_write_sarif_end(&s, true, &out) : rc;
    kl_buf_done(&out);
    return rc;
}

KT_TEST(a_finding_is_written_or_memory_is_said_to_be_out)
{
    struct kl_finding f = sample_finding();
    fault_each("json", write_json, &f);
    fault_each("text", write_text, &f);
    fault_each("sarif", write_sarif, &f);
    kl_finding_done(&f);
}

static enum kl_rc write_baseline(void *ctx)
{
    struct kl_buf out;
    struct kl_baseline b;
    kl_buf_init(&out, 1u << 20);
    enum kl_rc rc = kl_baseline_write_begin(&out);
    rc = rc == KL_OK ? kl_baseline_write(ctx, &out) : rc;
    rc = rc == KL_OK ? kl_baseline_parse(kl_buf_span(&out), &b, NULL) : rc;
    if (rc == KL_OK) {
        KT_EQ(b.n_entries, 3);
        kl_baseline_done(&b);
    }
    kl_buf_done(&out);
    return rc;
}

KT_TEST(a_baseline_is_written_and_read_or_memory_is_said_to_be_out)
{
    struct kl_finding f = sample_finding();
    fault_each("baseline", write_baseline, &f);
    kl_finding_done(&f);
}

struct known {
    struct kl_baseline b;
    struct kl_finding f;
    bool has;
};

static enum kl_rc ask_baseline(void *ctx)
{
    struct known *k = ctx;
    k->has = kl_baseline_has(&k->b, &k->f);
    return KL_OK;
}

/* The documented degradation: without memory a finding is new, so it is shown and counted. */
KT_TEST(without_memory_nothing_counts_as_known)
{
    struct known k = {.f = sample_finding()};
    struct kl_buf out;
    size_t live = 0;

    kl_buf_init(&out, 1u << 20);
    KT_EQ(kl_baseline_write_begin(&out), KL_OK);
    KT_EQ(kl_baseline_write(&k.f, &out), KL_OK);
    KT_EQ(kl_baseline_parse(kl_buf_span(&out), &k.b, NULL), KL_OK);
    for (uint64_t nth = 1; nth < 100; nth++) {
        fault_arm(nth, false);
        KT_EQ(ask_baseline(&k), KL_OK);
        bool refused = fault_disarm(&live);
        KT_EQ(k.has, !refused);
        KT_EQ(live, 0);
        if (!refused) {
            break;
        }
    }
    kl_buf_done(&out);
    kl_baseline_done(&k.b);
    kl_finding_done(&k.f);
}

static enum kl_rc on_entry(void *ctx, struct kl_walk_entry *e)
{
    *(uint64_t *)ctx += e->kind == KL_WALK_FILE;
    return KL_OK;
}

static enum kl_rc walk(void *ctx)
{
    uint64_t n = 0;
    const struct kl_walk_opts opts = {.follow_root = true};
    enum kl_rc rc = kl_walk(ctx, &opts, on_entry, &n, NULL);
    KT_OK(rc != KL_OK || n > 10);
    return rc;
}

KT_TEST(a_tree_is_walked_or_memory_is_said_to_be_out)
{
    fault_each("walk", walk, (void *)(uintptr_t) "tests/golden");
}

static enum kl_rc write_file(void *ctx)
{
    struct kl_atomic_file *f = NULL;
    KL_TRY(kl_atomic_file_new(ctx, 0600, &f, NULL));
    enum kl_rc rc = kl_atomic_file_write(f, KL_SPAN_LIT("text"), NULL);
    rc = rc == KL_OK ? kl_atomic_file_commit(f, NULL) : rc;
    kl_atomic_file_free(&f);
    return rc;
}

KT_TEST(a_file_appears_or_memory_is_said_to_be_out)
{
    char path[] = "/tmp/kulla-fault-file-XXXXXX";
    int fd = mkstemp(path);
    KT_OK(fd >= 0 && close(fd) == 0);
    fault_each("atomic file", write_file, path);
    (void)unlink(path);
}

KT_MAIN()
