#include "kt.h"
#include "small_register.h"

#include <unistd.h>

#define ROWS 300u

static char path[64];
static struct kl_key *key;
static uint8_t *file; /* the good index */
static size_t len;
static struct kl_err err;

static void load(void)
{
    (void)snprintf(path, sizeof path, "/tmp/kulla-index-XXXXXX");
    int fd = mkstemp(path);
    KT_OK(fd >= 0);
    (void)close(fd);
    err = (struct kl_err){0};
    KT_EQ(kl_key_from_bytes(small_secret, &key), KL_OK);
    KT_EQ(small_index_write(path, ROWS, true, &err), KL_OK);
    FILE *f = fopen(path, "rb");
    file = malloc(1u << 24);
    len = fread(file, 1, 1u << 24, f);
    (void)fclose(f);
    KT_OK(len > 4096 && len < 1u << 24);
}

static void unload(void)
{
    (void)unlink(path);
    kl_key_free(&key);
    free(file);
}

/* kl_index_check of an aligned copy, of exactly n bytes up to the end of its pages. */
static enum kl_rc check(const uint8_t *bytes, size_t n, const struct kl_key *k, struct kl_index *ix,
                        uint8_t **out_copy)
{
    if (posix_memalign((void **)out_copy, 64, n > 0 ? n : 1) != 0) {
        abort();
    }
    memcpy(*out_copy, bytes, n);
    err = (struct kl_err){0};
    return kl_index_check(kl_span_make(*out_copy, n), k, ix, &err);
}

static void refused(const uint8_t *bytes, size_t n, const struct kl_key *k, enum kl_rc want)
{
    struct kl_index ix;
    uint8_t *copy = NULL;
    KT_EQ(check(bytes, n, k, &ix, &copy), want);
    KT_OK(err.what[0] != '\0');
    free(copy);
}

static struct kl_tag key_tag(const struct kl_index *ix, enum kl_type t, const char *cell)
{
    struct kl_norm nm;
    KT_OK(kl_norm_cell(t, kl_span_str(cell), &nm) && nm.n > 0);
    return kl_prf_text(&ix->prf, kl_span_make(nm.bytes, nm.n), (uint8_t)kl_type_domain(t));
}

static bool probe_finds(const struct kl_index *ix, unsigned anchor, struct kl_tag t, uint32_t row)
{
    struct kl_index_try try = {.tag = t, .anchor = &ix->anchors[anchor]};
    kl_index_probe(ix, &try, 1);
    for (unsigned i = 0; i < try.n; i++) {
        if (try.row[i] == row) {
            return true;
        }
    }
    return false;
}

KT_TEST(every_row_is_found_by_its_keys_and_tuples_and_cells)
{
    static const enum kl_type type[] = {KL_TYPE_NID, KL_TYPE_GIVEN, KL_TYPE_FAMILY, KL_TYPE_DATE,
                                        KL_TYPE_ORG, KL_TYPE_PHONE, KL_TYPE_MONEY,  KL_TYPE_PLATE};
    struct kl_index *ix = NULL;
    unsigned foreign = 0;

    load();
    KT_EQ(kl_index_open(path, key, &ix, &err), KL_OK);
    KT_STR(ix->head->name, "small");
    KT_EQ(ix->head->n_rows, ROWS);
    KT_EQ(ix->head->n_slots, 8);
    KT_EQ(ix->head->n_anchors, 4);
    KT_EQ(ix->columns[VOTE].slot, KL_INDEX_NO_SLOT);
    KT_EQ(ix->columns[VOTE].n_filled, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        small_row r;
        struct kl_tag t[8];
        struct kl_tag cell[8];
        small_person(1, i, r);
        for (unsigned c = 0; c < 8; c++) {
            t[c] = key_tag(ix, type[c], r[c]);
            cell[c] = kl_index_cell_block(t[c], i, ix->columns[c].slot);
        }
        kl_prf_tweak(&ix->prf, cell, 8);
        for (unsigned c = 0; c < 8; c++) {
            KT_EQ((uint16_t)cell[c].lo, kl_index_cell(ix, i, ix->columns[c].slot));
        }
        KT_OK(probe_finds(ix, 0, t[NID], i));
        KT_OK(probe_finds(ix, 1, t[PHONE], i));
        struct kl_tag sum = kl_tag_add(kl_tag_add(t[BIRTH], t[FAMILY]), t[GIVEN]);
        kl_index_tuple_tags(&ix->prf, &sum, 1, 2);
        KT_OK(probe_finds(ix, 2, sum, i));
        sum = kl_tag_add(kl_tag_add(t[FAMILY], t[EMPLOYER]), t[SALARY]);
        kl_index_tuple_tags(&ix->prf, &sum, 1, 3);
        KT_OK(probe_finds(ix, 3, sum, i));
        KT_OK(kl_index_has_word(ix, t[GIVEN]) && kl_index_has_word(ix, t[FAMILY]));
        KT_OK(kl_index_rarity(ix, ix->columns[NID].slot, t[NID]) > 5);
        small_person(9, i, r);
        struct kl_index_try try = {key_tag(ix, KL_TYPE_NID, r[NID]), &ix->anchors[0], 0, {0}};
        kl_index_probe(ix, &try, 1);
        foreign += try.n > 0;
    }
    KT_EQ(foreign, 0);
    kl_index_free(&ix);
    KT_OK(ix == NULL);
    unload();
}

KT_TEST(many_keys_looked_up_at_once_find_what_each_finds_alone)
{
    struct kl_index_try tries[KL_INDEX_TRIES];
    struct kl_index *ix = NULL;
    uint32_t at = 0;

    load();
    KT_EQ(kl_index_open(path, key, &ix, &err), KL_OK);
    for (size_t n = 0; n <= KL_INDEX_TRIES; n++) {
        for (size_t i = 0; i < n; i++) {
            small_row r;
            small_person(i % 3 == 0 ? 9 : 1, at++ % ROWS, r);
            unsigned a = i % 2;
            tries[i].anchor = &ix->anchors[a];
            tries[i].tag =
                a == 0 ? key_tag(ix, KL_TYPE_NID, r[NID]) : key_tag(ix, KL_TYPE_PHONE, r[PHONE]);
        }
        kl_index_probe(ix, tries, n);
        for (size_t i = 0; i < n; i++) {
            struct kl_index_try alone = {.tag = tries[i].tag, .anchor = tries[i].anchor};
            kl_index_probe(ix, &alone, 1);
            KT_EQ(tries[i].n, alone.n);
            KT_MEM(tries[i].row, alone.row, alone.n * sizeof *alone.row);
        }
    }
    kl_index_free(&ix);
    unload();
}

KT_TEST(an_index_opens_without_a_key_and_not_with_a_wrong_one)
{
    static const uint8_t other[32] = {9};
    struct kl_key *wrong = NULL;
    struct kl_index *ix = NULL;

    load();
    KT_EQ(kl_index_open(path, NULL, &ix, &err), KL_OK);
    KT_EQ(strlen(ix->id), 32);
    kl_index_free(&ix);
    KT_EQ(kl_key_from_bytes(other, &wrong), KL_OK);
    KT_EQ(kl_index_open(path, wrong, &ix, &err), KL_E_KEY);
    KT_OK(strstr(err.what, "wrong key") != NULL && ix == NULL);
    err = (struct kl_err){0};
    KT_EQ(kl_index_open("/nonexistent/x.kidx", key, &ix, &err), KL_E_IO);
    err = (struct kl_err){0};
    KT_EQ(kl_index_open("/tmp", key, &ix, &err), KL_E_FORMAT);
    kl_key_free(&wrong);
    unload();
}

KT_TEST(truncated_and_grown_files_are_refused)
{
    load();
    for (size_t n = 0; n < len; n += 97) {
        refused(file, n, n % 2 == 0 ? key : NULL, KL_E_FORMAT);
    }
    refused(file, len - 1, key, KL_E_FORMAT);
    uint8_t *more = malloc(len + 4096);
    memcpy(more, file, len);
    memset(more + len, 0, 4096);
    refused(more, len + 1, key, KL_E_FORMAT);
    KT_OK(strstr(err.what, "grown") != NULL);
    refused(more, len + 4096, key, KL_E_FORMAT);
    free(more);
    unload();
}

KT_TEST(another_version_is_named)
{
    load();
    file[8] = 2;
    refused(file, len, key, KL_E_FORMAT);
    KT_OK(strstr(err.what, "format 2") != NULL);
    file[8] = 0;
    refused(file, len, key, KL_E_FORMAT);
    KT_OK(strstr(err.what, "format 0") != NULL);
    unload();
}

KT_TEST(any_changed_byte_is_noticed)
{
    uint8_t *copy = NULL;

    load();
    struct kl_index ix;
    KT_EQ(check(file, len, key, &ix, &copy), KL_OK);
    for (size_t at = 0; at < len; at += at < 8192 ? 1 : 41) {
        copy[at] ^= (uint8_t)(1u << at % 8);
        err = (struct kl_err){0};
        enum kl_rc rc = kl_index_check(kl_span_make(copy, len), key, &ix, &err);
        copy[at] ^= (uint8_t)(1u << at % 8);
        if (rc != KL_E_FORMAT && rc != KL_E_KEY) {
            KT_EQ(at, -1);
        }
        for (const char *p = err.what; *p != '\0'; p++) {
            KT_OK(*p >= 0x20 && *p < 0x7f);
        }
    }
    free(copy);
    unload();
}

/* Everything but what differs between two builds anyway: time, random id, digest, signature. */
static void blank(uint8_t *bytes)
{
    struct kl_index_header *h = (struct kl_index_header *)(void *)bytes;
    h->built_at_us = 0;
    memset(h->index_id, 0, sizeof h->index_id);
    memset(bytes + h->header_bytes - KL_INDEX_SIGN_BYTES, 0, KL_INDEX_SIGN_BYTES);
}

KT_TEST(a_special_column_leaves_no_trace)
{
    load();
    KT_EQ(small_index_write(path, ROWS, false, &err), KL_OK);
    uint8_t *other = malloc(len);
    FILE *f = fopen(path, "rb");
    KT_EQ(fread(other, 1, len, f), len);
    KT_EQ(fgetc(f), EOF);
    (void)fclose(f);
    blank(file);
    blank(other);
    KT_MEM(other, file, len);
    for (uint32_t i = 0; i < ROWS; i++) { /* nor any other value in the clear */
        small_row r;
        small_person(1, i, r);
        KT_OK(memmem(file, len, r[NID], 9) == NULL &&
              memmem(file, len, r[VOTE], strlen(r[VOTE])) == NULL);
        KT_OK(memmem(file, len, r[PHONE] + 1, 9) == NULL);
    }
    free(other);
    unload();
}

KT_TEST(a_row_without_any_key_is_not_added_and_costs_the_others_nothing)
{
    static struct kl_schema schema;
    struct kl_prf prf;
    struct kl_row_prints *rp = NULL;
    struct kl_span f[SMALL_COLUMNS];
    uint64_t unusable = 0;
    small_row r;

    KT_EQ(kl_key_from_bytes(small_secret, &key), KL_OK);
    KT_EQ(kl_schema_parse(kl_span_str(small_schema_text), &schema, NULL), KL_OK);
    kl_key_prf(key, schema.name, &prf);
    KT_EQ(kl_row_prints_new(&schema, &prf, &rp), KL_OK);
    for (unsigned c = 0; c < SMALL_COLUMNS; c++) {
        f[c] = kl_span_str("");
    }
    f[GIVEN] = KL_SPAN_LIT("a b c d e f g h i j k l m n o p");
    f[NID] = KL_SPAN_LIT("nobody");
    for (unsigned i = 0; i < 1000; i++) {
        KT_EQ(kl_row_prints_add(rp, f, &unusable), KL_E_FORMAT);
        KT_EQ(unusable, 1);
    }
    small_person(1, 0, r);
    for (unsigned c = 0; c < SMALL_COLUMNS; c++) {
        f[c] = kl_span_str(r[c]);
    }
    KT_EQ(kl_row_prints_add(rp, f, &unusable), KL_OK);
    KT_EQ(kl_row_prints_flush(rp), KL_OK);
    KT_EQ(rp->n_rows, 1);
    KT_EQ(rp->n_unusable[0], 1000);
    unsigned bits = 0;
    for (size_t i = 0; i < 1u << (KL_PRINTS_VOCAB_LOG2 - 3); i++) {
        bits += (unsigned)__builtin_popcount(rp->vocab[i]);
    }
    KT_OK(bits >= 6 && bits <= 8); /* given, family, employer and "sha" */
    kl_row_prints_free(&rp);
    kl_key_free(&key);
}

KT_MAIN()
