/* Memory runs out while a register is read, an index built, opened and asked. */
#include "fault_each.h"

#include "../unit/small_register.h"
#include "inspect/inspect.h"
#include "match/document.h"
#include "match/identifiers.h"
#include "register/csv.h"

#include <sodium.h>
#include <unistd.h>

#define PEOPLE 40u

/* An index in a file, made before memory runs out. */
static char index_path[] = "/tmp/kulla-fault-XXXXXX";
static char key_path[] = "/tmp/kulla-fault-key-XXXXXX";
static struct kl_key *key;
static struct kl_index *ix;

static enum kl_rc parse_schema(void *ctx)
{
    static struct kl_schema schema;
    struct kl_err err = {.rc = KL_OK};
    (void)ctx;
    enum kl_rc rc = kl_schema_parse(kl_span_str(small_schema_text), &schema, &err);
    KT_OK(rc == err.rc && (rc == KL_OK || strstr(err.what, "memory") != NULL));
    return rc;
}

KT_TEST(a_schema_is_read_or_memory_is_said_to_be_out)
{
    fault_each("schema", parse_schema, NULL);
}

static enum kl_rc read_schema(void *ctx)
{
    static struct kl_schema schema;
    return kl_schema_read(ctx, &schema, NULL);
}

KT_TEST(so_is_a_schema_in_a_file)
{
    char path[] = "/tmp/kulla-fault-schema-XXXXXX";
    int fd = mkstemp(path);
    size_t len = strlen(small_schema_text);

    KT_OK(fd >= 0 && write(fd, small_schema_text, len) == (ssize_t)len && close(fd) == 0);
    fault_each("schema file", read_schema, path);
    (void)unlink(path);
}

static enum kl_rc write_index(void *ctx)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s.new", (const char *)ctx);
    enum kl_rc rc = small_index_write(path, 5, true, NULL);
    /* What failed leaves nothing behind. */
    KT_EQ(access(path, F_OK), rc == KL_OK ? 0 : -1);
    (void)unlink(path);
    return rc;
}

KT_TEST(an_index_is_written_whole_or_not_at_all)
{
    fault_each("index build", write_index, index_path);
}

static enum kl_rc open_index(void *ctx)
{
    struct kl_index *opened = NULL;
    enum kl_rc rc = kl_index_open(ctx, key, &opened, NULL);
    KT_EQ(opened != NULL, rc == KL_OK);
    kl_index_free(&opened);
    return rc;
}

KT_TEST(an_index_is_opened_or_not)
{
    fault_each("index open", open_index, index_path);
}

static enum kl_rc read_key(void *ctx)
{
    struct kl_key *k = NULL;
    enum kl_rc rc = kl_key_read(ctx, &k, NULL);
    kl_key_free(&k);
    return rc;
}

KT_TEST(a_key_is_read_or_not)
{
    fault_each("key", read_key, key_path);
}

/* A document of rows: with keys, and (by tuples) without. */
static char table[65536];
static char names[65536];

static void make_texts(void)
{
    size_t n = 0;
    size_t m = 0;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        small_row r;
        small_person(1, i, r);
        n += (size_t)snprintf(table + n, sizeof table - n, "%s\t%s\t%s\t%s\t%s\n", r[NID], r[GIVEN],
                              r[FAMILY], r[PHONE], r[SALARY]);
        m += (size_t)snprintf(names + m, sizeof names - m, "%s %s; %s; %s\n", r[GIVEN], r[FAMILY],
                              r[BIRTH], r[EMPLOYER]);
    }
}

static enum kl_rc put_part(struct kl_match *m, const char *path, bool is_table, const char *text)
{
    KL_TRY(kl_match_part_begin(m, kl_span_str(path), is_table));
    KL_TRY(kl_match_block(m, kl_span_str(text)));
    return kl_match_part_end(m);
}

static enum kl_rc put_document(struct kl_match *m, struct kl_finding *f)
{
    kl_match_begin(m);
    KL_TRY(put_part(m, "sheet1", true, table));
    KL_TRY(put_part(m, "names", false, names));
    KL_TRY(kl_match_finish(m, f));
    KT_EQ(kl_match_rows_get(m), PEOPLE);
    KT_EQ(f->n_registers, 1);
    return KL_OK;
}

static enum kl_rc match_document(void *ctx)
{
    static const double bits[] = {17};
    struct kl_match *m = NULL;
    struct kl_finding f;

    (void)ctx;
    KL_TRY(kl_finding_init(&f, "d"));
    enum kl_rc rc = kl_match_new((const struct kl_index *const *)&ix, 1, bits, &m);
    if (rc == KL_OK) {
        rc = put_document(m, &f);
    }
    kl_match_free(&m);
    kl_finding_done(&f);
    return rc;
}

KT_TEST(a_document_is_matched_or_memory_is_said_to_be_out)
{
    fault_each("match", match_document, NULL);
}

/* A matcher that failed in one document is good for the next. */
static enum kl_rc match_again(void *ctx)
{
    struct kl_match *m = ctx;
    struct kl_finding f;

    KL_TRY(kl_finding_init(&f, "d"));
    enum kl_rc rc = put_document(m, &f);
    kl_finding_done(&f);
    return rc;
}

KT_TEST(a_matcher_survives_a_document_that_failed)
{
    static const double bits[] = {17};

    for (uint64_t nth = 1; nth < 200; nth++) {
        struct kl_match *m = NULL;
        size_t live = 0;
        KT_EQ(kl_match_new((const struct kl_index *const *)&ix, 1, bits, &m), KL_OK);
        fault_arm(nth, false);
        enum kl_rc rc = match_again(m);
        bool refused = fault_disarm(&live);
        KT_EQ(rc, refused ? KL_E_NOMEM : KL_OK);
        KT_EQ(match_again(m), KL_OK);
        kl_match_free(&m);
        if (!refused) {
            KT_OK(nth > 1);
            break;
        }
    }
}

static enum kl_rc find_identifiers(void *ctx)
{
    struct kl_ident_packs *packs = NULL;
    struct kl_ident *id = NULL;
    struct kl_finding f;

    (void)ctx;
    KL_TRY(kl_finding_init(&f, "d"));
    enum kl_rc rc = kl_ident_packs_new("al", &packs, NULL);
    rc = rc == KL_OK ? kl_ident_new(packs, &id) : rc;
    if (rc == KL_OK) {
        kl_ident_begin(id);
        rc = kl_ident_part_begin(id, true);
        rc = rc == KL_OK ? kl_ident_block(id, kl_span_str(table)) : rc;
        rc = rc == KL_OK ? kl_ident_part_end(id) : rc;
        rc = rc == KL_OK ? kl_ident_finish(id, &f) : rc;
        KT_OK(rc != KL_OK || f.n_identifiers > 0);
    }
    kl_ident_free(&id);
    kl_ident_packs_free(&packs);
    kl_finding_done(&f);
    return rc;
}

KT_TEST(identifiers_are_found_or_memory_is_said_to_be_out)
{
    fault_each("identifiers", find_identifiers, NULL);
}

static enum kl_rc open_all(void *ctx)
{
    const struct kl_policy *policy = ctx;
    struct kl_inspect_index in = {index_path, key_path};
    struct kl_inspect_opts opts = {.indexes = &in, .n_indexes = 1, .packs = "al", .policy = policy};
    struct kl_inspect *all = NULL;
    enum kl_rc rc = kl_inspect_new(&opts, &all, NULL, NULL);
    kl_inspect_free(&all);
    return rc;
}

KT_TEST(what_all_threads_share_is_opened_or_not)
{
    struct kl_policy policy;
    kl_policy_default(&policy);
    fault_each("inspect", open_all, &policy);
    kl_policy_done(&policy);
}

static enum kl_rc on_row(void *ctx, const struct kl_csv_row *row)
{
    *(uint64_t *)ctx += row->n_fields;
    return KL_OK;
}

static enum kl_rc read_csv(void *ctx)
{
    struct kl_csv *csv = NULL;
    uint64_t n_fields = 0;

    KL_TRY(kl_csv_new(0, true, on_row, &n_fields, &csv));
    enum kl_rc rc = KL_OK;
    for (const char *p = ctx; *p != '\0' && rc == KL_OK; p += strlen(p) < 100 ? strlen(p) : 100) {
        rc = kl_csv_feed(csv, kl_span_make(p, strlen(p) < 100 ? strlen(p) : 100));
    }
    rc = rc == KL_OK ? kl_csv_finish(csv) : rc;
    KT_OK(rc != KL_OK || n_fields > PEOPLE);
    kl_csv_free(&csv);
    return rc;
}

KT_TEST(csv_is_read_or_memory_is_said_to_be_out)
{
    char text[3000];
    size_t n = (size_t)snprintf(text, sizeof text, "a;b;c\n");
    for (unsigned i = 0; i < PEOPLE; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%u;\"quoted \"\"%u\"\" text\";plain\n", i,
                              i);
    }
    n += (size_t)snprintf(text + n, sizeof text - n, "one long field ");
    memset(text + n, 'x', 1000);
    text[n + 1000] = '\0';
    fault_each("csv", read_csv, text);
}

/* The key of small_register.h as a file. */
static bool write_key(void)
{
    char b64[sodium_base64_ENCODED_LEN(sizeof small_secret, sodium_base64_VARIANT_ORIGINAL)];
    int fd = mkstemp(key_path);

    (void)sodium_bin2base64(b64, sizeof b64, small_secret, sizeof small_secret,
                            sodium_base64_VARIANT_ORIGINAL);
    bool ok =
        fd >= 0 && dprintf(fd, "kulla-key-1\nid %s\nsecret %s\n", kl_key_id_get(key), b64) > 0;
    return ok && close(fd) == 0;
}

int main(int argc, char **argv)
{
    int fd = mkstemp(index_path);

    if (fd < 0 || close(fd) != 0 || kl_key_from_bytes(small_secret, &key) != KL_OK ||
        !write_key() || small_index_write(index_path, PEOPLE, true, NULL) != KL_OK ||
        kl_index_open(index_path, key, &ix, NULL) != KL_OK) {
        return 1;
    }
    make_texts();
    int status = kt_run(argc, argv);
    kl_index_free(&ix);
    kl_key_free(&key);
    (void)unlink(index_path);
    (void)unlink(key_path);
    return status;
}
