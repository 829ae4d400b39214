/* The recall list as text files. */
#include "register/synth_leak_int.h"

#define MAX_COLUMNS 10u

enum shape {
    TABLE = 0, /* a header, a line each, cells by `sep` */
    BARE,      /* the same without a header */
    QUOTED,    /* every cell in quotes */
    LINES,     /* "column: value", one a line, a blank line between people */
    PROSE,     /* a sentence each */
    BY_COLUMN, /* all values of a column, then the next column */
    VCARD,
    JSON,
    NDJSON,
    SQL,
    COPY,
    XML,
    CONCAT,
};

struct leak_case { /* NOLINT(clang-analyzer-optin.performance.Padding): reads as a table */
    const char *file;
    const char *label;
    enum kl_synth_register reg;
    const char *columns; /* as written; pseudo-columns of kl_synth_cell_put too */
    const char *truth;   /* register columns; NULL: as written */
    unsigned need;
    enum shape shape;
    char sep;
    enum kl_synth_tweak tweak;
    enum kl_synth_code code;
    const char *expect; /* NULL: found */
};

#define SAL KL_SYNTH_SALARIES
#define VOT KL_SYNTH_VOTERS
#define VEH KL_SYNTH_VEHICLES
#define ALL9 "nid,given,father,family,employer_nipt,employer,profession,salary,phone"
#define SIX "nid,given,family,employer,salary,phone"
#define PHO "phone,given,family,employer,salary"
#define NID "nid,given,family,employer,salary"
#define ANY KL_SYNTH_NEED_ANY
#define PHONE KL_SYNTH_NEED_PHONE
#define UNIQUE KL_SYNTH_NEED_UNIQUE

static const struct leak_case cases[] = {
    {"04-as-is.csv", "4 all columns, comma", SAL, ALL9, NULL, ANY, TABLE, ',', 0, 0, NULL},
    {"04-shuffled-semicolon.csv", "4a shuffled columns, semicolon", SAL,
     "salary,family,phone,employer,nid,given", NULL, ANY, TABLE, ';', 0, 0, NULL},
    {"04-shuffled-comma.csv", "4b shuffled columns, comma", SAL,
     "employer,profession,family,salary,given,nid", NULL, ANY, TABLE, ',', 0, 0, NULL},
    {"04-shuffled-tab.tsv", "4c shuffled columns, tab", SAL,
     "phone,salary,nid,father,family,given,employer", NULL, ANY, TABLE, '\t', 0, 0, NULL},
    {"04-pipe.txt", "4d pipe, no header", SAL, "family,given,nid,employer,salary", NULL, ANY, BARE,
     '|', 0, 0, NULL},
    {"04-quoted.csv", "4e every cell quoted", SAL, SIX, NULL, ANY, QUOTED, ',', 0, 0, NULL},
    {"04-voters.csv", "4f voters", VOT, "list_number,family,given,birth_date,polling_unit,phone",
     NULL, ANY, TABLE, ';', 0, 0, NULL},
    {"04-vehicles.csv", "4g vehicles", VEH, "family,given,plate,make,model,year", NULL, ANY, TABLE,
     ',', 0, 0, NULL},
    {"05-stripped.csv", "5a diacritics stripped", SAL, SIX, NULL, ANY, TABLE, ',',
     KL_SYNTH_STRIPPED, 0, NULL},
    {"05-upper.csv", "5b upper case", SAL, SIX, NULL, ANY, TABLE, ',', KL_SYNTH_UPPER, 0, NULL},
    {"05-nfd.csv", "5c NFD", SAL, SIX, NULL, ANY, TABLE, ',', KL_SYNTH_NFD, 0, NULL},
    {"06-cp1250.csv", "6a windows-1250", SAL, SIX, NULL, ANY, TABLE, ',', 0, KL_SYNTH_LATIN, NULL},
    {"06-cp1252.csv", "6b windows-1252", SAL, NID, NULL, ANY, TABLE, ';', 0, KL_SYNTH_LATIN, NULL},
    {"06-8859-16.csv", "6c ISO-8859-16", VOT, "given,family,birth_date,phone,address", NULL, UNIQUE,
     TABLE, ';', 0, KL_SYNTH_LATIN, NULL},
    {"06-8859-2.csv", "6d ISO-8859-2", SAL, "given,family,employer,salary,phone", NULL, UNIQUE,
     TABLE, '\t', 0, KL_SYNTH_LATIN, NULL},
    {"06-cp852.csv", "6e CP852", SAL, "given,family,employer,salary,profession", NULL, UNIQUE,
     TABLE, ',', 0, KL_SYNTH_CP852, NULL},
    {"06-macroman.csv", "6f MacRoman", SAL, "given,family,employer,salary,profession", NULL, UNIQUE,
     TABLE, ',', 0, KL_SYNTH_MAC, NULL},
    {"06-mojibake-1252.csv", "6g UTF-8 read as 1252", SAL,
     "given,family,employer,salary,profession", NULL, UNIQUE, TABLE, ',', 0, KL_SYNTH_MOJI_1252,
     NULL},
    {"06-mojibake-1250.csv", "6h UTF-8 read as 1250", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_MOJI_1250, NULL},
    {"06-mojibake-437.csv", "6i UTF-8 read as 437", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_MOJI_437, NULL},
    {"06-mojibake-twice.csv", "6j UTF-8 twice", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_MOJI_TWICE, NULL},
    {"06-utf8-bom.csv", "6k UTF-8 with BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0, KL_SYNTH_UTF8_BOM,
     NULL},
    {"07-utf16le.csv", "7a UTF-16LE without BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_UTF16LE, NULL},
    {"07-utf16le-bom.csv", "7b UTF-16LE with BOM", SAL, SIX, NULL, ANY, TABLE, '\t', 0,
     KL_SYNTH_UTF16LE_BOM, NULL},
    {"07-utf16be.csv", "7c UTF-16BE without BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_UTF16BE, NULL},
    {"07-utf16be-bom.csv", "7d UTF-16BE with BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_UTF16BE_BOM, NULL},
    {"07-utf32le.csv", "7e UTF-32LE without BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_UTF32LE, NULL},
    {"07-utf32le-bom.csv", "7f UTF-32LE with BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_UTF32LE_BOM, NULL},
    {"07-utf32be-bom.csv", "7g UTF-32BE with BOM", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_UTF32BE_BOM, NULL},
    {"08-phone-plus355.txt", "8a phone +355", SAL, PHO, NULL, PHONE, BARE, ';', KL_SYNTH_PHONE_PLUS,
     0, NULL},
    {"08-phone-slash.txt", "8b phone with slash", SAL, PHO, NULL, PHONE, BARE, ';',
     KL_SYNTH_PHONE_SLASH, 0, NULL},
    {"08-phone-bare.txt", "8c phone without 0", SAL, PHO, NULL, PHONE, BARE, ',',
     KL_SYNTH_PHONE_BARE, 0, NULL},
    {"08-phone-00355.txt", "8d phone 00355", SAL, PHO, NULL, PHONE, BARE, '\t', KL_SYNTH_PHONE_00,
     0, NULL},
    {"08-phone-dots.txt", "8e phone with dots", VOT, "phone,given,family,birth_date", NULL, PHONE,
     BARE, ';', KL_SYNTH_PHONE_DOTS, 0, NULL},
    {"09-phone-parens.txt", "9a phone in parentheses", SAL, PHO, NULL, PHONE, BARE, ';',
     KL_SYNTH_PHONE_PAREN, 0, NULL},
    {"09-phone-exponent.txt", "9b phone 3.55E+11 (lossy) beside a tuple", SAL, PHO,
     "given,family,employer,salary", PHONE | UNIQUE, BARE, ';', KL_SYNTH_PHONE_EXP, 0, NULL},
    {"10-nid-spaced.txt", "10a NID spaced", SAL, NID, NULL, ANY, BARE, ';', KL_SYNTH_NID_SPACED, 0,
     NULL},
    {"10-nid-no-check.txt", "10b NID without check letter", SAL, NID, NULL, ANY, BARE, ';',
     KL_SYNTH_NID_NO_CHECK, 0, NULL},
    {"10-nid-lower.txt", "10c NID lower case", SAL, NID, NULL, ANY, BARE, ',', KL_SYNTH_NID_LOWER,
     0, NULL},
    {"10-nid-ocr.txt", "10d NID with O for 0, I for 1, S for 5", SAL, NID, NULL, UNIQUE, BARE, ';',
     KL_SYNTH_NID_OCR, 0, NULL},
    {"11-name-dob.txt", "11a name and birth date only", VOT, "family,given,birth_date", NULL,
     UNIQUE, BARE, ';', 0, 0, NULL},
    {"11-name-dob-words.txt", "11b name and birth date in words", VOT, "name,date_sq",
     "given,family,birth_date", UNIQUE, BARE, '\t', 0, 0, NULL},
    {"11-name-employer-salary.txt", "11c name, employer, salary only", SAL,
     "given,family,employer,salary", NULL, UNIQUE, BARE, ';', 0, 0, NULL},
    {"12-one-cell.csv", "12a one cell HOXHA Agim N., phone", SAL, "name_cell,phone,employer,salary",
     "given,family,phone,employer,salary", PHONE, TABLE, ';', 0, 0, NULL},
    {"12-one-cell-nid.csv", "12b one cell HOXHA Agim N., NID", SAL, "nid,name_cell",
     "nid,given,family", ANY, TABLE, ',', 0, 0, NULL},
    {"12-one-cell-dob.csv", "12c one cell HOXHA Agim N., birth date", VOT, "name_cell,birth_date",
     "given,family,birth_date", UNIQUE, TABLE, ';', 0, 0, NULL},
    {"13-column.txt", "13a the NID column", SAL, "nid", NULL, ANY, BARE, ',', 0, 0, NULL},
    {"13-column-phone.txt", "13b the phone column", SAL, "phone", NULL, PHONE, BARE, ',', 0, 0,
     NULL},
    {"13-column-list-number.txt", "13c an exclusive column", VOT, "list_number", NULL, ANY, BARE,
     ',', 0, 0, NULL},
    {"13-column-major.txt", "13d column after column", SAL, "nid,given,family,salary", NULL, ANY,
     BY_COLUMN, ',', 0, 0, NULL},
    {"14-one-per-line.txt", "14a one value per line", SAL, SIX, NULL, ANY, LINES, ',', 0, 0, NULL},
    {"14-vcard.vcf", "14b vCard", SAL, "given,family,phone,employer,profession", NULL, PHONE, VCARD,
     ',', 0, 0, NULL},
    {"14-prose.txt", "14c sentences", SAL, NID, NULL, ANY, PROSE, ',', 0, 0, NULL},
    {"15-base64.txt", "15a base64, lines of 76", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_BASE64, NULL},
    {"15-base64-oneline.txt", "15b base64, one line", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_BASE64_ONE, NULL},
    {"15-base64.eml", "15c base64 mail", SAL, SIX, NULL, ANY, TABLE, ';', 0, KL_SYNTH_BASE64_MAIL,
     NULL},
    {"15-hex.txt", "15d hex", SAL, SIX, NULL, ANY, TABLE, ',', 0, KL_SYNTH_HEX, NULL},
    {"15-url.txt", "15e URL form", SAL, SIX, NULL, ANY, TABLE, ',', 0, KL_SYNTH_URL, NULL},
    {"15-url-all.txt", "15f URL, every byte", SAL, SIX, NULL, ANY, TABLE, ',', 0, KL_SYNTH_URL_ALL,
     NULL},
    {"15-entities.txt", "15g named HTML entities", SAL, SIX, NULL, ANY, TABLE, ';', 0,
     KL_SYNTH_ENTITIES, NULL},
    {"15-entities-all.txt", "15h HTML entities, every letter", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_ENTITIES_ALL, NULL},
    {"15-qp.eml", "15i quoted-printable mail", SAL, SIX, NULL, ANY, TABLE, ',', 0, KL_SYNTH_QP_MAIL,
     NULL},
    {"16-json.json", "16a JSON array", SAL, SIX, NULL, ANY, JSON, ',', 0, 0, NULL},
    {"16-ndjson.ndjson", "16b JSON lines", SAL, SIX, NULL, ANY, NDJSON, ',', 0, 0, NULL},
    {"16-sql.sql", "16c SQL INSERT", SAL, SIX, NULL, ANY, SQL, ',', 0, 0, NULL},
    {"16-copy.sql", "16d SQL COPY", SAL, SIX, NULL, ANY, COPY, '\t', 0, 0, NULL},
    {"16-xml.xml", "16e XML elements", SAL, SIX, NULL, ANY, XML, ',', 0, 0, NULL},
    {"16-mail.eml", "16f CSV in a mail body", SAL, SIX, NULL, ANY, TABLE, ',', 0,
     KL_SYNTH_PLAIN_MAIL, NULL},
    {"17-concatenated.txt", "17 concatenated without separators", SAL, "nid,given,family,phone",
     NULL, ANY, CONCAT, ',', 0, 0, "optional"},
    {"18-homoglyph.csv", "18a Cyrillic look-alikes", SAL, SIX, NULL, ANY, TABLE, ',',
     KL_SYNTH_HOMOGLYPH, 0, NULL},
    {"18-homoglyph-plates.csv", "18b Cyrillic look-alikes, plates", VEH, "plate,given,family,make",
     NULL, ANY, TABLE, ',', KL_SYNTH_HOMOGLYPH, 0, NULL},
    {"18-fullwidth.csv", "18c full-width", SAL, SIX, NULL, ANY, TABLE, ',', KL_SYNTH_FULLWIDTH, 0,
     NULL},
    {"18-zerowidth.csv", "18d zero-width joiners", SAL, SIX, NULL, ANY, TABLE, ',',
     KL_SYNTH_ZEROWIDTH, 0, NULL},
    {"19-greek.csv", "19a names in Greek", SAL, SIX, "nid,employer,salary,phone", ANY, TABLE, ',',
     KL_SYNTH_GREEK, 0, NULL},
    {"19-cyrillic.csv", "19b names in Cyrillic", SAL, SIX, "nid,employer,salary,phone", ANY, TABLE,
     ',', KL_SYNTH_CYRILLIC, 0, NULL},
    {"19-misspelt.csv", "19c names misspelt", SAL, SIX, "nid,employer,salary,phone", ANY, TABLE,
     ',', KL_SYNTH_MISSPELT, 0, NULL},
    {"19-ocr.csv", "19d names with OCR noise", SAL, SIX, "nid,employer,salary,phone", ANY, TABLE,
     ',', KL_SYNTH_OCR, 0, NULL},
};

struct columns {
    unsigned n;
    char name[MAX_COLUMNS][24];
};

static void columns_split(const char *list, struct columns *out)
{
    *out = (struct columns){0};
    while (*list != '\0' && out->n < MAX_COLUMNS) {
        size_t len = strcspn(list, ",");
        size_t n = len < 23 ? len : 23;
        memcpy(out->name[out->n++], list, n);
        list += len + (list[len] == ',');
    }
}

struct writer {
    struct kl_synth_leaker *l;
    const struct leak_case *c;
    struct columns cols;
    struct kl_synth_text text;
    struct kl_synth_text cell; /* one cell, before it is quoted */
};

/* The cell alone, in w->cell. */
static struct kl_span cell_make(struct writer *w, const struct kl_synth_row *row, uint32_t row_no,
                                unsigned i)
{
    w->cell.buf.len = 0;
    kl_synth_cell_put(&w->cell, w->l, row, row_no, w->cols.name[i], w->c->tweak);
    return kl_buf_span(&w->cell.buf);
}

/* A cell between `quote`s; the quote itself and what `escape` says before it are doubled. */
static void cell_quote(struct writer *w, struct kl_span cell, char quote, char escape)
{
    kl_synth_text_char(&w->text, quote);
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == (uint8_t)quote) {
            kl_synth_text_char(&w->text, escape);
        }
        kl_synth_text_char(&w->text, (char)cell.ptr[i]);
    }
    kl_synth_text_char(&w->text, quote);
}

static void cell_table(struct writer *w, struct kl_span cell)
{
    bool quote = memchr(cell.ptr, w->c->sep, cell.len) != NULL;
    if (quote || w->c->shape == QUOTED) {
        cell_quote(w, cell, '"', '"');
    } else {
        kl_synth_text_span(&w->text, cell);
    }
}

static void vcard_put(struct writer *w, const struct kl_synth_row *row, uint32_t no)
{
    static const char *const before[] = {"", "", "TEL;TYPE=CELL:", "ORG:", "TITLE:"};
    kl_synth_text_str(&w->text, "BEGIN:VCARD\r\nVERSION:3.0\r\nN:");
    kl_synth_text_span(&w->text, cell_make(w, row, no, 1));
    kl_synth_text_char(&w->text, ';');
    kl_synth_text_span(&w->text, cell_make(w, row, no, 0));
    kl_synth_text_str(&w->text, ";;;\r\nFN:");
    kl_synth_text_span(&w->text, cell_make(w, row, no, 0));
    kl_synth_text_char(&w->text, ' ');
    kl_synth_text_span(&w->text, cell_make(w, row, no, 1));
    for (unsigned i = 2; i < w->cols.n && i < 5; i++) {
        kl_synth_text_str(&w->text, "\r\n");
        kl_synth_text_str(&w->text, before[i]);
        kl_synth_text_span(&w->text, cell_make(w, row, no, i));
    }
    kl_synth_text_str(&w->text, "\r\nEND:VCARD\r\n");
}

/* What stands before, between and after the cells of a row in the simple shapes. */
struct frame {
    const char *first; /* of the file */
    const char *begin;
    const char *between;
    const char *end;
    const char *last;
};

static struct frame frame_get(enum shape shape)
{
    switch (shape) {
    case JSON:
        return (struct frame){"[\n", "{", ",", "},\n", "{}]\n"};
    case NDJSON:
        return (struct frame){"", "{", ", ", "}\n", ""};
    case SQL:
        return (struct frame){"SET NAMES utf8;\n", "INSERT INTO paga VALUES (", ", ", ");\n",
                              "COMMIT;\n"};
    case COPY:
        return (struct frame){"COPY paga FROM stdin;\n", "", "\t", "\n", "\\.\n"};
    case XML:
        return (struct frame){"<?xml version=\"1.0\"?>\n<lista>\n", "<person>", "", "</person>\n",
                              "</lista>\n"};
    case LINES:
        return (struct frame){"", "", "", "\n", ""};
    case PROSE:
        return (struct frame){"Shënim i brendshëm.\n\n", "Sipas listës, ", ", ",
                              ", për muajin janar.\n", "Fund.\n"};
    case TABLE:
    case BARE:
    case QUOTED:
    case BY_COLUMN:
    case VCARD:
    case CONCAT:
        break;
    }
    return (struct frame){"", "", "", "\n", ""};
}

static void named_put(struct writer *w, unsigned i, const char *before, const char *after)
{
    kl_synth_text_str(&w->text, before);
    kl_synth_text_str(&w->text, w->cols.name[i]);
    kl_synth_text_str(&w->text, after);
}

static void row_cell_put(struct writer *w, struct kl_span cell, unsigned i)
{
    switch (w->c->shape) {
    case JSON:
    case NDJSON:
        named_put(w, i, "\"", "\": ");
        cell_quote(w, cell, '"', '\\');
        break;
    case SQL:
        cell_quote(w, cell, '\'', '\'');
        break;
    case XML:
        named_put(w, i, "<", ">");
        kl_synth_text_span(&w->text, cell);
        named_put(w, i, "</", ">");
        break;
    case LINES:
        named_put(w, i, "", ": ");
        kl_synth_text_span(&w->text, cell);
        kl_synth_text_char(&w->text, '\n');
        break;
    case TABLE:
    case BARE:
    case QUOTED:
        kl_synth_text_add(&w->text, &w->c->sep, i > 0 ? 1 : 0);
        cell_table(w, cell);
        break;
    case PROSE:
    case COPY:
    case BY_COLUMN:
    case VCARD:
    case CONCAT:
        kl_synth_text_span(&w->text, cell);
        break;
    }
}

static void rows_put(struct writer *w)
{
    struct frame f = frame_get(w->c->shape);
    struct kl_synth_sample *s = &w->l->sample;
    struct kl_synth_row row;
    bool by_column = w->c->shape == BY_COLUMN;

    kl_synth_text_str(&w->text, f.first);
    for (unsigned i = 0; i < w->cols.n && (w->c->shape == TABLE || w->c->shape == QUOTED); i++) {
        kl_synth_text_add(&w->text, &w->c->sep, i > 0 ? 1 : 0);
        named_put(w, i, "", i + 1 == w->cols.n ? "\n" : "");
    }
    for (unsigned pass = 0; pass < (by_column ? w->cols.n : 1); pass++) {
        for (uint32_t k = 0; k < s->n; k++) {
            kl_synth_row_get(w->l->m, s->reg, s->rows[k], &row);
            if (w->c->shape == VCARD) {
                vcard_put(w, &row, s->rows[k]);
                continue;
            }
            kl_synth_text_str(&w->text, f.begin);
            for (unsigned i = by_column ? pass : 0; i < (by_column ? pass + 1 : w->cols.n); i++) {
                kl_synth_text_str(&w->text, i > 0 && !by_column ? f.between : "");
                row_cell_put(w, cell_make(w, &row, s->rows[k], i), i);
            }
            kl_synth_text_str(&w->text, w->c->shape == CONCAT ? "" : f.end);
        }
    }
    kl_synth_text_str(&w->text, f.last);
}

static enum kl_rc case_write(struct kl_synth_leaker *l, const struct leak_case *c, uint64_t no)
{
    struct writer w = {.l = l, .c = c};
    struct kl_synth_text coded;

    kl_synth_sample_draw(l, c->reg, c->need, no);
    columns_split(c->columns, &w.cols);
    kl_synth_text_init(&w.text);
    kl_synth_text_init(&w.cell);
    kl_synth_text_init(&coded);
    rows_put(&w);
    kl_synth_code_put(&coded, kl_buf_span(&w.text.buf), c->code);
    enum kl_rc rc = w.text.rc != KL_OK ? w.text.rc : w.cell.rc != KL_OK ? w.cell.rc : coded.rc;
    if (rc == KL_OK) {
        rc = kl_synth_leak_write(l, c->file, kl_buf_span(&coded.buf));
    }
    if (rc == KL_OK) {
        struct kl_synth_truth truth = {.name = c->file,
                                       .label = c->label,
                                       .columns = c->truth != NULL ? c->truth : c->columns,
                                       .expect = c->expect != NULL ? c->expect : "found",
                                       .with_rows = true};
        rc = kl_synth_truth_write(l, &truth);
    }
    kl_buf_done(&w.text.buf);
    kl_buf_done(&w.cell.buf);
    kl_buf_done(&coded.buf);
    return rc;
}

enum kl_rc kl_synth_leaks_text(struct kl_synth_leaker *l)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KL_TRY(case_write(l, &cases[i], i));
    }
    return KL_OK;
}
