#include "kt.h"

#include "register/schema.h"

#include <unistd.h>

static struct kl_schema s;
static struct kl_err err;

static enum kl_rc parse_n(const char *text, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    uint8_t *exact = realloc(copy, n > 0 ? n : 1);

    memcpy(exact, text, n);
    err = (struct kl_err){0};
    memset(&s, 0, sizeof s);
    enum kl_rc rc = kl_schema_parse(kl_span_make(exact, n), &s, &err);
    free(exact);
    return rc;
}

static enum kl_rc parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static const char good[] = "register: salaries   # name\n"
                           "jurisdiction: al\n"
                           "columns:\n"
                           "  - {name: nid,    type: al.nid, role: key}\n"
                           "  - {name: given,  type: person.given,  role: identity}\n"
                           "  - {name: family, type: person.family, role: identity}\n"
                           "  - {name: birth_date, type: date, role: identity}\n"
                           "  - {name: employer, type: org.name, role: attribute}\n"
                           "  - {name: phone,  type: phone, role: key-dense}\n"
                           "  - {name: salary, type: money}\n"
                           "  - {name: vote,   type: text, special: true}\n"
                           "anchors: [[given, family, birth_date], [family, employer, salary]]\n"
                           "derived: {birth_date: nid, sex: nid}\n";

KT_TEST(the_example_of_the_design_is_read)
{
    KT_EQ(parse(good), KL_OK);
    KT_STR(s.name, "salaries");
    KT_STR(s.jurisdiction, "al");
    KT_EQ(s.n_columns, 8);
    KT_EQ(s.columns[0].type, KL_TYPE_NID);
    KT_EQ(s.columns[0].role, KL_ROLE_KEY);
    KT_EQ(s.columns[5].role, KL_ROLE_KEY_DENSE);
    KT_EQ(s.columns[6].role, KL_ROLE_ATTRIBUTE);
    KT_EQ(s.columns[3].derived_from, 0);
    KT_EQ(s.columns[0].derived_from, -1);
    KT_OK(s.columns[7].special && !kl_schema_is_indexed(&s.columns[7]));
    KT_OK(kl_schema_is_key(&s.columns[0]) && kl_schema_is_key(&s.columns[5]));
    KT_EQ(s.n_tuples, 2);
    KT_EQ(s.tuples[0].n_columns, 3);
    KT_EQ(s.tuples[1].columns[2], 6);
}

KT_TEST(no_truncation_crashes_and_most_are_refused)
{
    size_t cut = strlen(good);
    for (size_t n = 0; n < cut; n++) {
        enum kl_rc rc = parse_n(good, n);
        KT_OK(rc == KL_OK || (rc == KL_E_FORMAT && err.what[0] != '\0' && err.at_line > 0));
        KT_OK(n > 90 || rc == KL_E_FORMAT);
    }
}

/* `text` fails at `line`, and the phrase says `what`. */
static void bad(const char *text, unsigned line, const char *what)
{
    KT_EQ(parse(text), KL_E_FORMAT);
    KT_EQ(err.at_line, line);
    if (strstr(err.what, what) == NULL) {
        KT_STR(err.what, what);
    }
    KT_EQ(s.n_columns, 0);
}

#define HEAD "register: r\ncolumns:\n  - {name: nid, type: al.nid, role: key}\n"

KT_TEST(every_error_says_its_line)
{
    bad("", 1, "mapping");
    bad("- a\n", 1, "mapping");
    bad("register: r\n", 1, "needs register");
    bad("register: r\ncolumns:\n  - {name: [\n", 4, "not YAML");
    bad("register: r\nwhat: 1\n", 2, "unknown key");
    bad("register: r\ncolumns: 3\n", 2, "columns is a list");
    bad("register: [r]\n", 1, "1 to 63 bytes");
    bad("register: \"a\\nb\"\n", 1, "control");
    bad(HEAD "  - x\n", 4, "a column is a mapping");
    bad(HEAD "  - {name: x, type: foo}\n", 4, "unknown type");
    bad(HEAD "  - {name: x, type: text, role: foo}\n", 4, "unknown role");
    bad(HEAD "  - {name: x, type: text, special: yes}\n", 4, "special is");
    bad(HEAD "  - {name: x, type: text, size: 3}\n", 4, "unknown key in a column");
    bad(HEAD "  - {name: x}\n", 4, "needs a name and a type");
    bad(HEAD "  - {type: text}\n", 4, "needs a name and a type");
    bad(HEAD "  - {name: x, type: text, role: key}\n", 4, "no key");
    bad(HEAD "  - {name: nid, type: text}\n", 4, "same name");
    bad(HEAD "anchors: x\n", 4, "list of lists");
    bad(HEAD "anchors:\n  - nid\n", 5, "a list of columns");
    bad(HEAD "anchors:\n  - [nid]\n", 5, "2 to 6");
    bad(HEAD "anchors:\n  - [nid, a, b, c, d, e, f]\n", 5, "2 to 6");
    bad(HEAD "anchors:\n  - [nid, other]\n", 5, "not there");
    bad(HEAD "anchors:\n  - [nid, nid]\n", 5, "twice");
    bad(HEAD "  - {name: v, type: text, special: true}\nanchors:\n\n  - [nid, v]\n", 7, "special");
    bad(HEAD "derived: nid\n", 4, "derived is a mapping");
    bad(HEAD "derived:\n  nid: other\n", 5, "not there");
    bad(HEAD "derived:\n  nid: nid\n", 5, "not there");
    bad(HEAD "  - {name: b, type: date}\nderived:\n  nid: b\n  b: nid\n", 6, "circle");
    bad("register: r\ncolumns:\n  - {name: a, type: text}\n", 1, "1 to 16 anchors");
    bad("register: r\ncolumns:\n  - {name: a, type: al.nid, role: key, special: true}\n", 1,
        "1 to 16 anchors");
}

/* n columns, `keyed` of them keys. */
static enum kl_rc columns(unsigned n, unsigned keyed, const char *role)
{
    char text[65536];
    size_t at = (size_t)snprintf(text, sizeof text, "register: r\ncolumns:\n");

    for (unsigned i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "  - {name: c%u, type: id, role: %s}\n",
                               i, i < keyed ? "key" : role);
    }
    return parse(text);
}

KT_TEST(limits_hold_on_both_sides)
{
    KT_EQ(columns(60, 16, "attribute"), KL_OK);
    KT_EQ(columns(60, 17, "attribute"), KL_E_FORMAT);
    KT_EQ(columns(61, 1, "attribute"), KL_E_FORMAT);
    KT_EQ(columns(256, 1, "ignore"), KL_OK);
    KT_EQ(columns(257, 1, "ignore"), KL_E_FORMAT);
    KT_EQ(err.at_line, 259);
}

KT_TEST(a_name_has_63_bytes_at_most)
{
    char text[256];
    (void)snprintf(text, sizeof text, "register: %063d\n%s", 0, &HEAD[12]);
    KT_EQ(parse(text), KL_OK);
    (void)snprintf(text, sizeof text, "register: %064d\n%s", 0, &HEAD[12]);
    bad(text, 1, "63 bytes");
}

KT_TEST(a_missing_file_is_an_io_error)
{
    err = (struct kl_err){0};
    KT_EQ(kl_schema_read("/nonexistent/schema.yaml", &s, &err), KL_E_IO);
    KT_OK(err.what[0] != '\0');
}

KT_MAIN()
