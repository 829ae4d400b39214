#include "kt.h"

#include "inspect/policy.h"

#include <math.h>

static enum kl_rc parse(const char *text, size_t n, struct kl_policy *out, struct kl_err *err)
{
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, text, n);
    enum kl_rc rc = kl_policy_parse(kl_span_make(copy, n), out, err);
    free(copy);
    return rc;
}

static struct kl_policy parsed(const char *text)
{
    struct kl_policy p = {0};
    struct kl_err err = {0};
    KT_EQ(parse(text, strlen(text), &p, &err), KL_OK);
    KT_STR(err.what, "");
    return p;
}

static void refused(const char *text, uint64_t line, const char *phrase)
{
    struct kl_policy p = {0};
    struct kl_err err = {0};
    KT_EQ(parse(text, strlen(text), &p, &err), KL_E_FORMAT);
    KT_EQ(err.at_line, line);
    if (strstr(err.what, phrase) == NULL) {
        KT_STR(err.what, phrase);
    }
    KT_OK(strstr(err.what, "; ") != NULL); /* a remedy */
    KT_OK(p.registers == NULL && p.allow == NULL && p.ignore == NULL);
}

KT_TEST(an_empty_policy_is_the_default)
{
    struct kl_policy want;
    struct kl_policy got = parsed("# nothing\n");
    kl_policy_default(&want);
    KT_MEM(&got.limits, &want.limits, sizeof want.limits);
    kl_policy_done(&got);
    got = parsed("");
    kl_policy_done(&got);
}

KT_TEST(the_file_of_defaults_says_what_the_code_does)
{
    struct kl_policy want;
    struct kl_policy got = {0};
    struct kl_err err = {0};
    kl_policy_default(&want);
    KT_EQ(kl_policy_read("packs/policy/default.yaml", &got, &err), KL_OK);
    KT_STR(err.what, "");
    KT_MEM(&got.limits, &want.limits, sizeof want.limits);
    KT_MEM(&got.identifiers, &want.identifiers, sizeof want.identifiers);
    KT_MEM(&got.gaps, &want.gaps, sizeof want.gaps);
    KT_EQ(got.n_registers + got.n_allow + got.n_ignore, 0);
    kl_policy_done(&got);
}

KT_TEST(every_key_is_read)
{
    struct kl_policy p =
        parsed("registers:\n"
               "  - name: salaries\n"
               "    thresholds: {hold: {rows: 5}, row_bits: 22}\n"
               "  - {name: voters}\n"
               "thresholds:\n"
               "  row_bits: 18.5\n"
               "  log: {rows: 2, bits: 30}\n"
               "  hold: {rows: 20}\n"
               "  block: {rows: 200, exclusive_rows: 3, ratio_keys: 300,\n"
               "          ratio_min: 0.6, ratio_times: 9}\n"
               "  max_log10_chance: -12\n"
               "identifiers: {log_distinct: 6, hold_distinct: 7, block_distinct: 8}\n"
               "not_inspected: {default: log, encrypted: block, stopped: pass}\n"
               "allow:\n"
               "  - {path: '/a/*', register: salaries, max_rows: 10}\n"
               "  - {path: '/b', max_rows: 1}\n"
               "ignore: ['*.iso', /tmp/*]\n");
    const struct kl_policy_limits want = {18.5, 2, 30, 20, 200, 3, 300, 0.6, 9, -12};
    KT_MEM(&p.limits, &want, sizeof want);
    KT_EQ(p.n_registers, 2);
    KT_EQ(kl_policy_limits_get(&p, "salaries")->hold_rows, 5);
    KT_EQ(kl_policy_limits_get(&p, "salaries")->row_bits, 22);
    KT_EQ(kl_policy_limits_get(&p, "salaries")->block_rows,
          200); /* from above, though it follows */
    KT_EQ(kl_policy_limits_get(&p, "voters")->hold_rows, 20);
    KT_OK(kl_policy_limits_get(&p, "civil") == &p.limits);
    KT_EQ(p.identifiers.log_distinct, 6);
    KT_EQ(p.identifiers.hold_distinct, 7);
    KT_EQ(p.identifiers.block_distinct, 8);
    KT_EQ(p.gaps[kl_policy_reason_get(KL_SPAN_LIT("format"))], KL_VERDICT_LOG);
    KT_EQ(p.gaps[kl_policy_reason_get(KL_SPAN_LIT("encrypted"))], KL_VERDICT_BLOCK);
    KT_EQ(p.gaps[kl_policy_reason_get(KL_SPAN_LIT("stopped"))], KL_VERDICT_PASS);
    KT_EQ(p.n_allow, 2);
    KT_STR(p.allow[0].glob, "/a/*");
    KT_EQ(p.allow[0].max_rows, 10);
    KT_STR(p.allow[1].name, "");
    KT_OK(kl_policy_is_ignored(&p, "/x/y.iso"));
    KT_OK(kl_policy_is_ignored(&p, "/tmp/a/b"));
    KT_OK(!kl_policy_is_ignored(&p, "/x/y.csv"));
    kl_policy_done(&p);
}

KT_TEST(one_word_stands_for_all_reasons)
{
    struct kl_policy p = parsed("not_inspected: hold\n");
    for (size_t i = 0; i < KL_POLICY_REASONS; i++) {
        KT_EQ(p.gaps[i], KL_VERDICT_HOLD);
    }
    kl_policy_done(&p);
}

KT_TEST(unknown_keys_are_refused_with_their_line)
{
    refused("\nthreshold: {}\n", 2, "unknown key");
    refused("thresholds:\n  rowbits: 3\n", 2, "unknown in thresholds");
    refused("thresholds:\n  log:\n    row: 3\n", 3, "unknown in log");
    refused("thresholds:\n  hold: {bits: 3}\n", 2, "unknown in hold");
    refused("thresholds:\n  block: {bits: 3}\n", 2, "unknown in block");
    refused("identifiers: {log: 3}\n", 1, "unknown in identifiers");
    refused("not_inspected:\n  crypted: log\n", 2, "unknown in not_inspected");
    refused("allow:\n - {glob: x}\n", 2, "unknown in an entry of allow");
    refused("registers:\n - {name: a, threshold: {}}\n", 2, "unknown in an entry of registers");
    refused("registers:\n - name: a\n   thresholds:\n     x: 1\n", 4, "unknown in thresholds");
}

KT_TEST(wrong_values_are_refused_with_their_line)
{
    refused("thresholds: 3\n", 1, "unknown in thresholds");
    refused("- a\n", 1, "unknown key");
    refused("thresholds:\n  row_bits: many\n", 2, "not a number");
    refused("thresholds:\n  row_bits: nan\n", 2, "not a number");
    refused("thresholds:\n  row_bits: inf\n", 2, "not a number");
    refused("thresholds:\n  row_bits: 0x10\n", 2, "not a number");
    refused("thresholds:\n  row_bits: 1e999\n", 2, "not a number");
    refused("thresholds:\n  row_bits:\n", 2, "not a number");
    refused("thresholds:\n  row_bits: 0.9\n", 2, "out of range");
    refused("thresholds:\n  row_bits: 1001\n", 2, "out of range");
    refused("thresholds:\n  max_log10_chance: 1\n", 2, "out of range");
    refused("thresholds:\n  hold: {rows: 1.5}\n", 2, "not a whole number");
    refused("thresholds:\n  hold: {rows: -1}\n", 2, "out of range");
    refused("thresholds:\n  log: {rows: 0}\n", 2, "out of range");
    refused("thresholds:\n  block: {ratio_min: 1.1}\n", 2, "out of range");
    refused("not_inspected: maybe\n", 1, "not a verdict");
    refused("not_inspected: {io: Block}\n", 1, "not a verdict");
    refused("not_inspected: [log]\n", 1, "a verdict or a mapping");
    refused("allow: {}\n", 1, "not a list");
    refused("allow:\n - {path: a}\n", 2, "without path or max_rows");
    refused("allow:\n - {max_rows: 1}\n", 2, "without path or max_rows");
    refused("allow:\n - {path: '', max_rows: 1}\n", 2, "not a path pattern");
    refused("ignore: x\n", 1, "not a list");
    refused("ignore:\n - [a]\n", 2, "not a path pattern");
    refused("registers:\n - thresholds: {}\n", 2, "without a name");
    refused("registers:\n - {name: a}\n - {name: a}\n", 3, "given twice");
    refused("registers:\n - {name: "
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
            2, "not the name");
}

KT_TEST(a_key_given_twice_is_refused)
{
    refused("ignore: []\nallow: []\nignore: []\n", 3, "given twice");
    refused("thresholds:\n  hold: {rows: 1, rows: 2}\n", 2, "given twice");
    refused("not_inspected:\n  io: log\n  io: hold\n", 3, "given twice");
}

KT_TEST(what_is_not_yaml_is_refused)
{
    refused("thresholds: {\n", 2, "not YAML");
    refused("a: 'b\n", 2, "not YAML");
    refused("\xff\xfe\xff", 1, "not YAML");
}

KT_TEST(lists_end_at_their_limit)
{
    for (unsigned n = KL_POLICY_MAX_ITEMS; n <= KL_POLICY_MAX_ITEMS + 1; n++) {
        char text[4096];
        size_t at = (size_t)snprintf(text, sizeof text, "ignore:\n");
        for (unsigned i = 0; i < n; i++) {
            at += (size_t)snprintf(text + at, sizeof text - at, "- x%u\n", i);
        }
        struct kl_policy p = {0};
        struct kl_err err = {0};
        KT_EQ(parse(text, at, &p, &err), n <= KL_POLICY_MAX_ITEMS ? KL_OK : KL_E_LIMIT);
        kl_policy_done(&p);
    }
}

KT_TEST(a_policy_ends_at_its_limit)
{
    for (size_t n = KL_POLICY_MAX_BYTES; n <= KL_POLICY_MAX_BYTES + 1; n++) {
        struct kl_policy p = {0};
        struct kl_err err = {0};
        char *text = malloc(n);
        memset(text, '\n', n);
        KT_EQ(parse(text, n, &p, &err), n <= KL_POLICY_MAX_BYTES ? KL_OK : KL_E_LIMIT);
        kl_policy_done(&p);
        free(text);
    }
}

/* A finding with one register. */
struct one {
    struct kl_finding f;
    struct kl_finding_register *r;
};

static struct one one_register(uint64_t n_rows, double bits, double log10_chance)
{
    struct one o = {0};
    KT_EQ(kl_finding_init(&o.f, "/a/b.csv"), KL_OK);
    KT_EQ(kl_finding_add_register(&o.f, &o.r), KL_OK);
    (void)snprintf(o.r->name, sizeof o.r->name, "salaries");
    o.r->n_rows = n_rows;
    o.r->evidence_bits = bits;
    o.r->log10_chance = log10_chance;
    return o;
}

static void expect(const struct kl_policy *p, struct one *o, enum kl_verdict v, const char *rule)
{
    kl_policy_decide(p, &o->f);
    KT_STR(kl_verdict_name(o->f.verdict), kl_verdict_name(v));
    KT_STR(o->f.rule, rule);
    kl_finding_done(&o->f);
}

static void expect_rows(uint64_t n_rows, double bits, double log10_chance, enum kl_verdict v,
                        const char *rule)
{
    struct kl_policy p;
    struct one o = one_register(n_rows, bits, log10_chance);
    kl_policy_default(&p);
    expect(&p, &o, v, rule);
}

KT_TEST(rows_decide_each_on_both_sides_of_its_threshold)
{
    expect_rows(0, 500, -50, KL_VERDICT_PASS, "");
    expect_rows(1, 19.9, -5, KL_VERDICT_PASS, "");
    expect_rows(1, 20, -5, KL_VERDICT_LOG, "log.rows (salaries)");
    expect_rows(9, 500, -50, KL_VERDICT_LOG, "log.rows (salaries)");
    expect_rows(10, 500, -50, KL_VERDICT_HOLD, "hold.rows (salaries)");
    expect_rows(99, 5000, -50, KL_VERDICT_HOLD, "hold.rows (salaries)");
    expect_rows(100, 5000, -50, KL_VERDICT_BLOCK, "block.rows (salaries)");
}

KT_TEST(nothing_holds_without_odds)
{
    expect_rows(1000, 50000, -8.9, KL_VERDICT_LOG, "log.rows (salaries)");
    expect_rows(1000, 50000, -9, KL_VERDICT_BLOCK, "block.rows (salaries)");
    expect_rows(1000, 50000, (double)NAN, KL_VERDICT_LOG, "log.rows (salaries)");
}

KT_TEST(an_exclusive_column_blocks_from_ten_rows)
{
    struct kl_policy p;
    kl_policy_default(&p);
    struct one o = one_register(10, 500, -50);
    o.r->exclusive = true;
    expect(&p, &o, KL_VERDICT_BLOCK, "block.exclusive_rows (salaries)");
    o = one_register(1, 60, -50); /* one citizen's own file */
    o.r->exclusive = true;
    expect(&p, &o, KL_VERDICT_LOG, "log.rows (salaries)");
}

static void expect_ratio(uint64_t n_keys, double hit, double chance, enum kl_verdict v)
{
    struct kl_policy p;
    struct one o = one_register(0, 0, -50);
    kl_policy_default(&p);
    o.r->n_keys = n_keys;
    o.r->hit_ratio = hit;
    o.r->chance_ratio = chance;
    expect(&p, &o, v, v == KL_VERDICT_BLOCK ? "block.ratio (salaries)" : "");
}

KT_TEST(a_hit_ratio_far_above_chance_blocks)
{
    expect_ratio(200, 0.98, 0.03, KL_VERDICT_BLOCK);
    expect_ratio(199, 0.98, 0.03, KL_VERDICT_PASS);
    expect_ratio(100000, 0.03, 0.03, KL_VERDICT_PASS); /* a foreign list */
    expect_ratio(100000, 0.49, 0.001, KL_VERDICT_PASS);
    expect_ratio(100000, 0.79, 0.1, KL_VERDICT_PASS); /* not eight times chance */
    expect_ratio(100000, 0.81, 0.1, KL_VERDICT_BLOCK);
}

static void expect_identifiers(const char *type, uint64_t n_distinct, enum kl_verdict v)
{
    struct kl_policy p;
    struct kl_finding f;
    struct kl_finding_identifier *i = NULL;
    kl_policy_default(&p);
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    KT_EQ(kl_finding_add_identifier(&f, &i), KL_OK);
    (void)snprintf(i->type, sizeof i->type, "%s", type);
    i->n_distinct = n_distinct;
    kl_policy_decide(&p, &f);
    KT_STR(kl_verdict_name(f.verdict), kl_verdict_name(v));
    kl_finding_done(&f);
}

KT_TEST(identifiers_alone_hold_only_with_a_check_digit)
{
    expect_identifiers("al.nid", 4, KL_VERDICT_PASS);
    expect_identifiers("al.nid", 5, KL_VERDICT_LOG);
    expect_identifiers("al.nid", 99, KL_VERDICT_LOG);
    expect_identifiers("al.nid", 100, KL_VERDICT_HOLD);
    expect_identifiers("al.nid", 1000000, KL_VERDICT_HOLD);
    expect_identifiers("phone", 1000000, KL_VERDICT_LOG);
}

KT_TEST(gaps_decide_by_their_reason)
{
    struct kl_policy p = parsed("not_inspected: {encrypted: hold, format: pass}\n");
    static const struct {
        const char *reason;
        enum kl_verdict v;
    } cases[] = {{"encrypted", KL_VERDICT_HOLD},
                 {"format", KL_VERDICT_PASS},
                 {"io", KL_VERDICT_NOT_INSPECTED},
                 {"a new reason", KL_VERDICT_NOT_INSPECTED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kl_finding f;
        KT_EQ(kl_finding_init(&f, "x"), KL_OK);
        f.not_inspected = 5;
        KT_EQ(kl_finding_add_gap(&f, KL_SPAN_LIT("a"), cases[i].reason, 5), KL_OK);
        kl_policy_decide(&p, &f);
        KT_STR(kl_verdict_name(f.verdict), kl_verdict_name(cases[i].v));
        kl_finding_done(&f);
    }
    kl_policy_done(&p);
}

KT_TEST(a_gap_that_is_only_counted_still_decides)
{
    struct kl_policy p;
    struct kl_finding f;
    kl_policy_default(&p);
    KT_EQ(kl_finding_init(&f, "x"), KL_OK);
    f.not_inspected = 1;
    kl_policy_decide(&p, &f);
    KT_EQ(f.verdict, KL_VERDICT_NOT_INSPECTED);
    f.not_inspected = 0;
    f.partial = true;
    kl_policy_decide(&p, &f);
    KT_EQ(f.verdict, KL_VERDICT_NOT_INSPECTED);
    f.partial = false;
    kl_policy_decide(&p, &f);
    KT_EQ(f.verdict, KL_VERDICT_PASS);
    kl_finding_done(&f);
}

KT_TEST(rows_at_home_pass_up_to_their_number)
{
    struct kl_policy p = parsed("allow: [{path: '/a/*.csv', register: salaries, max_rows: 500}]\n");
    struct one o = one_register(500, 5000, -50);
    expect(&p, &o, KL_VERDICT_PASS, "allow (salaries)");
    o = one_register(501, 5000, -50);
    expect(&p, &o, KL_VERDICT_BLOCK, "block.rows (salaries)");
    o = one_register(500, 5000, -50);
    o.r->name[0] = 'x';
    expect(&p, &o, KL_VERDICT_BLOCK, "block.rows (xalaries)");
    o = one_register(500, 5000, -50);
    o.f.path[1] = 'b';
    expect(&p, &o, KL_VERDICT_BLOCK, "block.rows (salaries)");
    kl_policy_done(&p);
}

KT_MAIN()
