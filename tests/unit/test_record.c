#include "kt.h"

#include "base/cpu.h"
#include "match/record.h"

static char got[4096];

/* Units as "ordinal:text|"; '#' marks a digit inside. */
static const char *split(const char *record, bool is_table)
{
    struct kl_unit u[KL_MAX_UNITS];
    size_t len = strlen(record);
    char *copy = malloc(len + 1);
    char *exact = realloc(copy, len > 0 ? len : 1);
    size_t at = 0;

    memcpy(exact, record, len);
    size_t n = kl_record_split(kl_span_make(exact, len), is_table, u);
    got[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(got + at, sizeof got - at, "%u%s:%.*s|", u[i].ordinal,
                               u[i].has_digit ? "#" : "", (int)u[i].len, exact + u[i].at);
    }
    free(exact);
    return got;
}

KT_TEST(fields_are_numbered_by_separators)
{
    KT_STR(split("a;b;;c 1", false), "0:a|1:b|3#:c 1|");
    KT_STR(split("a\tb,c\t--\td", false), "0:a|1:b,c|3:d|");
    KT_STR(split("a|b|c;d", false), "0:a|1:b|2:c;d|");
    KT_STR(split("a,\"b\",\"c d\"", false), "0:a|1:b|2:c d|");
    KT_STR(split("{\"k\": \"v\"}", false), "0:k|1:v|");
    KT_STR(split("plain text", false), "0:plain text|");
    KT_STR(split("a;b|c", true), "0:a;b|c|");
    KT_STR(split("", false), "");
    KT_STR(split(";;;", false), "");
}

KT_TEST(a_value_between_quotes_is_one_field)
{
    KT_STR(split("a,\"Rr. X, nd. 5\",b", false), "0:a|1#:Rr. X, nd. 5|2:b|");
    KT_STR(split("a,\"Rr. X, nd. 5\"", false), "0:a|1#:Rr. X, nd. 5|");
    KT_STR(split("a,\"Rr. X, nd. 5\"\r", false), "0:a|1#:Rr. X, nd. 5|");
    KT_STR(split("\"x, y\",b", false), "0:x, y|1:b|");
    KT_STR(split("{\"k\": \"x, y\"}", false), "0:k|1:x, y|");
    KT_STR(split("a;\"x; y\";b;c", false), "0:a|1:\"x; y\"|2:b|3:c|");
    KT_STR(split("a,\"b;c;d;e\",f", false), "0:a|1:b;c;d;e|2:f|");
    KT_STR(split("a\t\"b\tc\"\td", false), "0:a|1:\"b|2:c\"|3:d|");
    /* more than a value: a whole record, a text, a quoted quote */
    KT_STR(split("\"a,b,c\"", false), "0:a|1:b|2:c|");
    KT_STR(split("a,\"b,c,d,e,f\",g", false), "0:a|1:b|2:c|3:d|4:e|5:f|6:g|");
    KT_STR(split("a,\"b=c, d\",e", false), "0:a|1:b|2:c|3: d|4:e|");
    KT_STR(split("say \"b, c\" d", false), "0:say |1:b|2: c|3: d|");
    KT_STR(split("a,\"b\"\"c, d\",e", false), "0:a|1:b|2:c|3: d|4:e|");
}

KT_TEST(units_have_a_limit_and_ordinals_saturate)
{
    char r[2048];
    struct kl_unit u[KL_MAX_UNITS];

    for (size_t i = 0; i < sizeof r; i++) {
        r[i] = i % 2 == 0 ? 'x' : '\t';
    }
    KT_EQ(kl_record_split(kl_span_make(r, 2 * KL_MAX_UNITS), true, u), KL_MAX_UNITS);
    KT_EQ(u[KL_MAX_UNITS - 1].ordinal, KL_MAX_UNITS - 1);
    KT_EQ(kl_record_split(kl_span_make(r, sizeof r), true, u), KL_MAX_UNITS);
    memset(r, '\t', sizeof r);
    r[254] = 'x';
    r[900] = 'y';
    KT_EQ(kl_record_split(kl_span_make(r, sizeof r), true, u), 2);
    KT_EQ(u[0].ordinal, 254);
    KT_EQ(u[1].ordinal, 255);
}

static bool stands_by(const uint8_t *r, size_t len, size_t at, int step, const char *borders)
{
    for (at += (size_t)step; at < len && (r[at] == ' ' || (step > 0 && r[at] == '\r'));) {
        at += (size_t)step;
    }
    return at >= len || (r[at] != 0 && strchr(borders, r[at]) != NULL);
}

/* Which bytes are of a value between quotes. */
static void mark_quoted(const uint8_t *r, size_t len, bool *inside)
{
    size_t open = SIZE_MAX;

    memset(inside, 0, len);
    for (size_t i = 0; i < len; i++) {
        if (r[i] != '"') {
            continue;
        }
        if (open == SIZE_MAX || !stands_by(r, len, i, 1, "\t;|,:}])")) {
            open = stands_by(r, len, i, -1, "\t;|,=:{[(") ? i : SIZE_MAX;
            continue;
        }
        unsigned n = 0;
        bool plain = i - open <= 129 && (open > 0 || i + 1 < len);
        for (size_t k = open + 1; k < i; k++) {
            n += r[k] == ',' || r[k] == ';';
            plain = plain && (r[k] == 0 || strchr("\t|\"<>=:{}[]()", r[k]) == NULL);
        }
        memset(inside + open + 1, plain && n <= 3, i - open - 1);
        open = SIZE_MAX;
    }
}

/* The rule of match/record.h, a byte at a time. */
static size_t split_plainly(const uint8_t *r, size_t len, bool is_table, struct kl_unit *units)
{
    static const char hard[] = "\t;|,\"<>=:{}[]()";
    unsigned count[256] = {0};
    char set[sizeof hard] = "\t";
    struct kl_unit u = {0};
    unsigned ordinal = 0;
    bool value = false;
    size_t n = 0;
    bool inside[4096];

    mark_quoted(r, is_table ? 0 : len, inside);
    memset(inside, 0, is_table ? len : 0);
    for (size_t i = 0; i < len; i++) {
        count[r[i]] += !inside[i];
    }
    if (!is_table && count['\t'] < 2) {
        bool one = count[';'] >= 2 || count['|'] >= 2;
        (void)snprintf(set, sizeof set, "%s", !one ? hard : count[';'] >= count['|'] ? ";" : "|");
    }
    for (size_t i = 0; i <= len && n < KL_MAX_UNITS; i++) {
        if (i < len && (inside[i] || r[i] == 0 || strchr(set, r[i]) == NULL)) {
            u.has_digit = u.has_digit || (uint8_t)(r[i] - '0') < 10;
            value = value || u.has_digit || (uint8_t)((r[i] | 0x20) - 'a') < 26 || r[i] >= 0x80;
            continue;
        }
        u.len = (uint32_t)i - u.at;
        u.ordinal = (uint8_t)(ordinal < 255 ? ordinal : 255);
        if (value) {
            units[n++] = u;
        }
        ordinal += value || set[1] == '\0';
        u = (struct kl_unit){.at = (uint32_t)i + 1};
        value = false;
    }
    return n;
}

KT_TEST(every_path_splits_random_bytes_as_the_rule_says)
{
    static const enum kl_cpu_level levels[] = {KL_CPU_PORTABLE, KL_CPU_AVX2, KL_CPU_AVX512};
    static const char alphabet[] = "\t;|,\"<>=:{}[]()\x02\x0c\x0b\x0d[ aZz059/\xc3\xab\xff\x82-";
    struct kl_unit want[KL_MAX_UNITS];
    struct kl_unit have[KL_MAX_UNITS];
    uint32_t x = 11;

    for (unsigned round = 0; round < 3000; round++) {
        size_t len = round % 5 == 0 ? round % 2049 : round % 261;
        unsigned rare = round % 3 == 0 ? 0 : 1u << round % 7;
        uint8_t *r = malloc(len > 0 ? len : 1);
        for (size_t i = 0; i < len; i++) {
            x = x * 1664525 + 1013904223;
            unsigned v = x >> 12;
            r[i] = rare > 0 && v % rare != 0 ? (uint8_t) "ab1 \xc3"[v / 64 % 5]
                   : round % 4 == 0          ? (uint8_t)(v >> 6)
                                             : (uint8_t)alphabet[v / 64 % (sizeof alphabet - 1)];
        }
        size_t n = split_plainly(r, len, round % 2 != 0, want);
        for (size_t k = 0; k < 3; k++) {
            kl_cpu_level_set(levels[k]);
            KT_EQ(kl_record_split(kl_span_make(r, len), round % 2 != 0, have), n);
            for (size_t i = 0; i < n; i++) {
                KT_OK(have[i].at == want[i].at && have[i].len == want[i].len &&
                      have[i].ordinal == want[i].ordinal && have[i].has_digit == want[i].has_digit);
            }
        }
        free(r);
    }
}

KT_TEST(every_path_joins_what_stands_between_quotes)
{
    static const enum kl_cpu_level levels[] = {KL_CPU_PORTABLE, KL_CPU_AVX2, KL_CPU_AVX512};
    static const char *const parts[] = {"\"",  ",\"", "\",", ",", ";", "ab",
                                        "c 1", " ",   "\t",  "=", "|"};
    struct kl_unit want[KL_MAX_UNITS];
    struct kl_unit have[KL_MAX_UNITS];
    uint32_t x = 5;

    for (unsigned round = 0; round < 6000; round++) {
        uint8_t r[512];
        size_t len = 0;
        unsigned usual = round % 3 == 0 ? 11 : 8;
        for (unsigned i = 0; i < 3 + round % 90; i++) {
            x = x * 1664525 + 1013904223;
            const char *part = parts[(x >> 16) % usual];
            memcpy(r + len, part, strlen(part));
            len += strlen(part);
        }
        uint8_t *exact = malloc(len);
        memcpy(exact, r, len);
        size_t n = split_plainly(exact, len, false, want);
        for (size_t k = 0; k < 3; k++) {
            kl_cpu_level_set(levels[k]);
            KT_EQ(kl_record_split(kl_span_make(exact, len), false, have), n);
            for (size_t i = 0; i < n; i++) {
                KT_OK(have[i].at == want[i].at && have[i].len == want[i].len &&
                      have[i].ordinal == want[i].ordinal && have[i].has_digit == want[i].has_digit);
            }
        }
        free(exact);
    }
}

static void finds(struct kl_span t, size_t at, size_t from, size_t to)
{
    size_t f = 1;
    size_t e = 1;
    kl_record_find(t, at, &f, &e);
    KT_EQ(f, from);
    KT_EQ(e, to);
}

KT_TEST(a_record_is_a_line)
{
    struct kl_span t = KL_SPAN_LIT("one\ntwo\n\nfour");
    finds(t, 0, 0, 3);
    finds(t, 3, 0, 3);
    finds(t, 4, 4, 7);
    finds(t, 8, 8, 8);
    finds(t, 12, 9, 13);
    finds(t, 13, 9, 13);
}

KT_TEST(in_a_long_line_a_record_is_its_tuple)
{
    char line[8192];
    size_t at = 0;
    size_t of[100];

    for (unsigned i = 0; i < 100; i++) {
        of[i] = at;
        at += (size_t)snprintf(line + at, sizeof line - at, "(%06u,'Name %024u'), ", i, i);
    }
    struct kl_span t = kl_span_make(line, at);
    for (unsigned i = 1; i < 99; i++) {
        for (size_t p = of[i] + 1; p < of[i + 1] - 4; p++) {
            size_t from = 0;
            size_t to = 0;
            kl_record_find(t, p, &from, &to);
            KT_OK(from <= of[i] + 1 && from + 4 > of[i]);
            KT_OK(to > p && to <= of[i + 1]);
        }
    }
}

KT_TEST(a_long_line_without_tuples_gives_a_window)
{
    char *line = malloc(10000);
    memset(line, 'x', 10000);
    finds(kl_span_make(line, 10000), 5000, 5000 - KL_WINDOW, 5000 + KL_WINDOW);
    finds(kl_span_make(line, 10000), 10, 0, 10 + KL_WINDOW);
    finds(kl_span_make(line, 10000), 9990, 9990 - KL_WINDOW, 10000);
    finds(kl_span_make(line, KL_RECORD_MAX), 5, 0, KL_RECORD_MAX);
    finds(kl_span_make(line, KL_RECORD_MAX + 1), 5, 0, 5 + KL_WINDOW);
    free(line);
}

KT_TEST(a_record_of_random_bytes_holds_its_point)
{
    static const char alphabet[] = "(){},, a1\n";
    uint32_t x = 5;
    size_t n = 9000;
    char *t = malloc(n);

    for (unsigned round = 0; round < 300; round++) {
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            unsigned pick = (x >> 16) % (round % 2 == 0 ? 9 : 500);
            t[i] = pick < 10 ? alphabet[pick] : 'b';
        }
        for (size_t at = round; at < n; at += 397) {
            size_t from = 0;
            size_t to = 0;
            kl_record_find(kl_span_make(t, n), at, &from, &to);
            KT_OK(from <= at && at <= to && to <= n && to - from <= 2 * KL_RECORD_MAX + 1);
        }
    }
    free(t);
}

KT_MAIN()
