#include "kt.h"

#include "register/synth.h"
#include "register/synth_leak_int.h"
#include "register/synth_model.h"

#include <dirent.h>
#include <unistd.h>

#define N 20000u

static struct kl_synth_model *model;

static struct kl_synth_model *nation(void)
{
    if (model == NULL && kl_synth_model_new(N, 7, &model, NULL) != KL_OK) {
        abort();
    }
    return model;
}

/* A file's bytes, NUL-terminated; caller frees. */
static char *slurp(const char *dir, const char *name, size_t *out_len)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    long size = f != NULL && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
    char *buf = malloc((size_t)size + 1);
    if (f != NULL) {
        rewind(f);
    }
    *out_len = f == NULL || buf == NULL ? 0 : fread(buf, 1, (size_t)size, f);
    if (buf == NULL) {
        abort();
    }
    buf[*out_len] = '\0';
    if (f != NULL) {
        (void)fclose(f);
    }
    return buf;
}

static void dir_remove(const char *path)
{
    char sub[4096];
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        (void)snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        if (unlink(sub) != 0) {
            dir_remove(sub);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    (void)rmdir(path);
}

static enum kl_rc nation_write(char dir[static 64], uint64_t seed, bool leaks)
{
    (void)snprintf(dir, 64, "/tmp/kl_test_synth_XXXXXX");
    if (mkdtemp(dir) == NULL) {
        abort();
    }
    struct kl_synth_opts o = {.n_people = 3000, .seed = seed, .out_dir = dir, .leaks = leaks};
    return kl_synth_nation(&o, NULL, NULL);
}

KT_TEST(the_check_letter_is_the_published_one)
{
    char nid[11] = "I90308094?";
    kl_synth_check_put(nid);
    KT_STR(nid, "I90308094A");
}

KT_TEST(every_nid_is_unique_and_of_decade_a_or_t_with_a_valid_check_letter)
{
    const struct kl_synth_model *m = nation();
    uint64_t *seen = calloc(KL_SYNTH_DAYS * 2 * 1000 / 64 + 1, sizeof *seen);
    KT_EQ(m->n_people, N);
    for (uint32_t i = 0; i < m->n_people && seen != NULL; i++) {
        const struct kl_synth_person *p = &m->people[i];
        struct kl_synth_row row;
        char again[11] = {0};
        KT_OK(kl_synth_bit_take(seen, (p->day * 2u + p->female) * 1000u + p->serial));
        kl_synth_row_get(m, KL_SYNTH_CIVIL, i, &row);
        memcpy(again, row.text, 10);
        KT_OK(again[0] == 'A' || again[0] == 'T');
        kl_synth_check_put(again);
        KT_MEM(again, row.text, 10);
    }
    free(seen);
}

KT_TEST(the_birth_date_and_sex_stand_in_the_nid)
{
    const struct kl_synth_model *m = nation();
    for (uint32_t i = 0; i < m->n_people; i += 7) {
        struct kl_synth_row row;
        kl_synth_row_get(m, KL_SYNTH_CIVIL, i, &row);
        const char *nid = row.text;
        const char *day = row.text + row.at[4];
        int month = (nid[2] - '0') * 10 + nid[3] - '0';
        KT_EQ(month > 50, row.text[row.at[5]] == 'F');
        KT_EQ(month > 50 ? month - 50 : month, (day[5] - '0') * 10 + day[6] - '0');
        KT_MEM(nid + 4, day + 8, 2);
        KT_EQ(nid[1], day[3]);
        KT_MEM(day, nid[0] == 'A' ? "190" : "209", 3);
    }
}

KT_TEST(days_walk_the_calendar)
{
    char d[11] = {0};
    kl_synth_day_put(0, d);
    KT_STR(d, "1900-01-01");
    kl_synth_day_put(59, d);
    KT_STR(d, "1900-03-01");
    kl_synth_day_put(1460 + 59, d);
    KT_STR(d, "1904-02-29");
    kl_synth_day_put(3651, d);
    KT_STR(d, "1909-12-31");
    kl_synth_day_put(3652, d);
    KT_STR(d, "2090-01-01");
    kl_synth_day_put(KL_SYNTH_DAYS - 1, d);
    KT_STR(d, "2099-12-31");
}

KT_TEST(registers_have_their_share_of_the_people)
{
    const struct kl_synth_model *m = nation();
    KT_EQ(m->n_salaries, (N * 637138ull + 1500000) / 3000000);
    KT_EQ(m->n_vehicles, (N * 530452ull + 1500000) / 3000000);
    KT_OK(m->n_voters > N * 7 / 10 && m->n_voters < N * 9 / 10);
}

KT_TEST(children_live_with_their_father_and_bear_his_names)
{
    const struct kl_synth_model *m = nation();
    uint32_t n_children = 0;
    uint32_t n_right = 0;
    for (uint32_t i = 1; i < m->n_people; i++) {
        const struct kl_synth_person *p = &m->people[i];
        if (kl_synth_is_adult(p)) {
            continue;
        }
        uint32_t head = i;
        while (head > 0 && m->people[head - 1].house == p->house) {
            head--;
        }
        n_children++;
        n_right += m->people[head].given == p->father && m->people[head].family == p->family &&
                   m->people[head].rank + 5 <= p->rank;
    }
    KT_OK(n_children > N / 10);
    KT_OK(n_right * 100 >= n_children * 95);
}

KT_TEST(names_follow_zipf_and_no_two_fold_to_the_same)
{
    const struct kl_synth_model *m = nation();
    uint64_t w[1000];
    uint32_t first = 0;
    uint32_t second = 0;
    kl_synth_zipf(w, 1000, 1000);
    KT_EQ(w[0], 1ull << 32);
    KT_OK(w[1] > (1ull << 31) - 4096 && w[1] < (1ull << 31) + 4096);
    KT_OK(w[999] > 4290000 && w[999] < 4300000); /* 2^32 / 1000 */
    for (uint32_t i = 0; i < m->n_people; i++) {
        first += m->people[i].given == 0;
        second += m->people[i].given == 1;
    }
    KT_OK(first > second && second > 0);
    KT_STR(kl_synth_family_get(m->names, 0), "Hoxha");
}

KT_TEST(salaries_are_grouped_by_employer_and_within_bounds)
{
    const struct kl_synth_model *m = nation();
    for (uint32_t i = 0; i < m->n_salaries; i++) {
        KT_OK(i == 0 || m->salaries[i].employer >= m->salaries[i - 1].employer);
        KT_OK(m->salaries[i].amount >= 40000 && m->salaries[i].amount <= 300000);
        KT_OK(kl_synth_is_adult(&m->people[m->salaries[i].person]));
    }
}

KT_TEST(phones_plates_and_list_numbers_are_unique)
{
    const struct kl_synth_model *m = nation();
    uint64_t *seen = calloc(KL_SYNTH_PHONES / 64 + 1, sizeof *seen);
    for (uint32_t i = 0; i < m->n_people && seen != NULL; i++) {
        uint32_t phone = m->people[i].phone;
        KT_OK(phone == KL_SYNTH_NO_PHONE || kl_synth_bit_take(seen, phone));
    }
    free(seen);
    for (uint32_t i = 1; i < m->n_vehicles; i++) {
        KT_OK(m->vehicles[i].plate > m->vehicles[i - 1].plate);
    }
    for (uint32_t i = 1; i < m->n_voters; i++) {
        struct kl_synth_row a;
        struct kl_synth_row b;
        kl_synth_row_get(m, KL_SYNTH_VOTERS, i - 1, &a);
        kl_synth_row_get(m, KL_SYNTH_VOTERS, i, &b);
        KT_OK(memcmp(a.text + a.at[7], b.text + b.at[7], 10) < 0);
    }
}

KT_TEST(employer_numbers_are_nobodys_nid)
{
    const struct kl_synth_model *m = nation();
    for (uint32_t e = 0; e < m->n_employers; e++) {
        for (uint32_t k = 0; k < e; k++) {
            KT_OK(strcmp(m->employers[e].nipt, m->employers[k].nipt) != 0);
        }
    }
    for (uint32_t i = 0; i < m->n_people; i++) {
        char nid[10];
        const struct kl_synth_person *p = &m->people[i];
        kl_synth_nid_put(p->day, p->female != 0, p->serial, nid);
        for (uint32_t e = 0; e < m->n_employers; e += 3) {
            KT_OK(memcmp(nid, m->employers[e].nipt, 9) != 0);
        }
    }
}

KT_TEST(people_below_and_above_the_range_are_refused)
{
    struct kl_synth_model *m = NULL;
    struct kl_err err = {0};
    KT_EQ(kl_synth_model_new(KL_SYNTH_MIN_PEOPLE - 1, 1, &m, &err), KL_E_LIMIT);
    KT_EQ(kl_synth_model_new(KL_SYNTH_MAX_PEOPLE + 1, 1, &m, NULL), KL_E_LIMIT);
    KT_OK(m == NULL && err.what[0] != '\0');
    KT_EQ(kl_synth_model_new(KL_SYNTH_MIN_PEOPLE, 1, &m, NULL), KL_OK);
    kl_synth_model_free(&m);
}

KT_TEST(a_directory_that_cannot_be_made_is_said_so)
{
    struct kl_err err = {0};
    struct kl_synth_opts o = {.n_people = 100, .out_dir = "/nonexistent/a/b"};
    KT_EQ(kl_synth_nation(&o, NULL, &err), KL_E_IO);
    KT_OK(strstr(err.what, "make it") != NULL);
    KT_EQ(err.sys_errno, 0); /* once is enough */
}

KT_TEST(the_same_seed_gives_the_same_bytes_and_another_seed_others)
{
    static const char *const files[] = {"civil.csv",
                                        "salaries.csv",
                                        "vehicles.csv",
                                        "voters.csv",
                                        "leaks/19-ocr.csv",
                                        "leaks/30-foreign-list.csv",
                                        "leaks/01-xlsx-shared.xlsx",
                                        "leaks/01h-xlsx-comments.xlsx"};
    char dir[3][64];
    KT_EQ(nation_write(dir[0], 5, true), KL_OK);
    KT_EQ(nation_write(dir[1], 5, true), KL_OK);
    KT_EQ(nation_write(dir[2], 6, true), KL_OK);
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t n[3];
        char *s[3];
        for (unsigned k = 0; k < 3; k++) {
            s[k] = slurp(dir[k], files[i], &n[k]);
            KT_OK(n[k] > 100);
        }
        KT_EQ(n[0], n[1]);
        KT_OK(n[0] == n[1] && memcmp(s[0], s[1], n[0]) == 0);
        KT_OK(n[0] != n[2] || memcmp(s[0], s[2], n[0]) != 0);
        free(s[0]);
        free(s[1]);
        free(s[2]);
    }
    dir_remove(dir[0]);
    dir_remove(dir[1]);
    dir_remove(dir[2]);
}

static unsigned long long fnv(const char *s, size_t n)
{
    unsigned long long h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    }
    return h;
}

/* Change the numbers only together with the generator; they hold on every machine. */
KT_TEST(the_bytes_of_a_seed_are_the_same_on_every_machine)
{
    char dir[64];
    size_t n;
    KT_EQ(nation_write(dir, 5, false), KL_OK);
    char *s = slurp(dir, "civil.csv", &n);
    KT_EQ(fnv(s, n), 988504209471279620);
    free(s);
    s = slurp(dir, "salaries.csv", &n);
    KT_EQ(fnv(s, n), -858029997258021600);
    free(s);
    dir_remove(dir);
}

/* Line `no` (1-based data row) of a CSV, up to its first comma after `skip` ones. */
static bool line_cell(const char *csv, unsigned long no, unsigned col, char *out, size_t cap)
{
    for (unsigned long i = 0; i < no && csv != NULL; i++) {
        csv = strchr(csv, '\n');
        csv = csv == NULL ? NULL : csv + 1;
    }
    for (unsigned i = 0; i < col && csv != NULL; i++) {
        csv = strchr(csv, ',');
        csv = csv == NULL ? NULL : csv + 1;
    }
    if (csv == NULL) {
        return false;
    }
    (void)snprintf(out, cap, "%.*s", (int)strcspn(csv, ",\n"), csv);
    return true;
}

/* Every truth row's cell stands in the leak, in the order of the rows. */
static void truth_check(const char *dir, const char *leak, const char *reg, unsigned col)
{
    char name[128];
    size_t n;
    (void)snprintf(name, sizeof name, "leaks/%s.truth.json", leak);
    char *truth = slurp(dir, name, &n);
    (void)snprintf(name, sizeof name, "leaks/%s", leak);
    char *text = slurp(dir, name, &n);
    char *csv = slurp(dir, reg, &n);
    const char *at = strstr(truth, "\"rows\":[");
    const char *in = text;
    unsigned long last = 0;
    unsigned n_rows = 0;
    KT_OK(at != NULL);
    for (at = at == NULL ? "]" : at + 8; *at != ']' && *at != '\0'; n_rows++) {
        char *end;
        char cell[128];
        unsigned long no = strtoul(at, &end, 10);
        KT_OK(no > last);
        KT_OK(line_cell(csv, no, col, cell, sizeof cell));
        in = in == NULL ? NULL : strstr(in, cell);
        last = no;
        at = *end == ',' ? end + 1 : end;
    }
    KT_OK(in != NULL);
    KT_OK(n_rows > 100);
    free(truth);
    free(text);
    free(csv);
}

KT_TEST(truth_rows_are_the_rows_of_the_register)
{
    char dir[64];
    KT_EQ(nation_write(dir, 9, true), KL_OK);
    truth_check(dir, "04-shuffled-semicolon.csv", "salaries.csv", 0);
    truth_check(dir, "11-name-dob.txt", "voters.csv", 2);
    truth_check(dir, "13-column-major.txt", "salaries.csv", 0);
    truth_check(dir, "16-sql.sql", "salaries.csv", 0);
    truth_check(dir, "17-concatenated.txt", "salaries.csv", 0);
    truth_check(dir, "04-vehicles.csv", "vehicles.csv", 0);
    dir_remove(dir);
}

KT_TEST(a_foreign_list_has_no_nid_of_the_register)
{
    char dir[64];
    size_t n;
    KT_EQ(nation_write(dir, 9, true), KL_OK);
    char *civil = slurp(dir, "civil.csv", &n);
    char *list = slurp(dir, "leaks/30-foreign-list.csv", &n);
    unsigned k = 0;
    for (char *p = strchr(list, '\n'); p != NULL && p[1] != '\0'; p = strchr(p + 1, '\n')) {
        char nid[11] = {0};
        memcpy(nid, p + 1, 10);
        if (k++ % 50 == 0) {
            KT_OK(strstr(civil, nid) == NULL);
        }
    }
    KT_EQ(k, 20000);
    free(civil);
    free(list);
    dir_remove(dir);
}

KT_TEST(codings_are_right_on_a_known_word)
{
    static const struct {
        enum kl_synth_code code;
        const char *bytes;
        size_t n;
    } want[] = {
        {KL_SYNTH_LATIN, "\xC7ia \xEB", 5},
        {KL_SYNTH_CP852, "\x80ia \x89", 5},
        {KL_SYNTH_MAC, "\x82ia \x91", 5},
        {KL_SYNTH_MOJI_1252, "\xC3\x83\xE2\x80\xA1ia \xC3\x83\xC2\xAB", 12},
        {KL_SYNTH_UTF16LE_BOM, "\xFF\xFE\xC7\0i\0a\0 \0\xEB\0", 12},
        {KL_SYNTH_UTF16BE, "\0\xC7\0i\0a\0 \0\xEB", 10},
        {KL_SYNTH_BASE64, "w4dpYSDDqw==\r\n", 14},
        {KL_SYNTH_HEX, "c387696120c3ab\n", 15},
        {KL_SYNTH_URL, "data=%C3%87ia+%C3%AB", 20},
        {KL_SYNTH_ENTITIES, "&Ccedil;ia &euml;", 17},
        {KL_SYNTH_ENTITIES_ALL, "&#199;&#105;&#97; &#235;", 24},
    };
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct kl_synth_text t;
        kl_synth_text_init(&t);
        kl_synth_code_put(&t, KL_SPAN_LIT("Çia ë"), want[i].code);
        KT_EQ(t.buf.len, want[i].n);
        if (t.buf.len == want[i].n) {
            KT_MEM(t.buf.ptr, want[i].bytes, want[i].n);
        }
        kl_buf_done(&t.buf);
    }
}

KT_TEST(a_workbook_is_made_of_the_register_and_only_of_it)
{
    char dir[64];
    char in[128];
    char out[128];
    size_t n;
    struct kl_err err = {0};
    KT_EQ(nation_write(dir, 3, false), KL_OK);
    (void)snprintf(in, sizeof in, "%s/salaries.csv", dir);
    (void)snprintf(out, sizeof out, "%s/x.xlsx", dir);
    for (unsigned i = 0; i < 4; i++) {
        KT_EQ(kl_synth_leak_workbook(in, out, i % 2 == 0, i < 2 ? 1 : 3, NULL, NULL, NULL), KL_OK);
        char *zip = slurp(dir, "x.xlsx", &n);
        KT_OK(n > 1000);
        KT_MEM(zip, "PK\3\4", 4);
        free(zip);
    }
    (void)snprintf(in, sizeof in, "%s/civil.csv", dir);
    KT_EQ(kl_synth_leak_workbook(in, out, true, 1, NULL, NULL, &err), KL_E_FORMAT);
    dir_remove(dir);
}

KT_MAIN()
