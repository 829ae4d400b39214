/* One cell as a leak writes it. */
#include "register/synth_leak_int.h"

struct glyph {
    const char *from;
    const char *to;
};

/* Longest first: digraphs are one letter. */
static const struct glyph greek[] = {
    {"xh", "τζ"}, {"sh", "σ"}, {"zh", "ζ"}, {"gj", "γκ"}, {"nj", "νι"}, {"ll", "λ"}, {"rr", "ρ"},
    {"th", "θ"},  {"dh", "δ"}, {"ë", "ε"},  {"ç", "τσ"},  {"a", "α"},   {"b", "μπ"}, {"c", "τσ"},
    {"d", "ντ"},  {"e", "ε"},  {"f", "φ"},  {"g", "γκ"},  {"h", "χ"},   {"i", "ι"},  {"j", "ι"},
    {"k", "κ"},   {"l", "λ"},  {"m", "μ"},  {"n", "ν"},   {"o", "ο"},   {"p", "π"},  {"q", "κ"},
    {"r", "ρ"},   {"s", "σ"},  {"t", "τ"},  {"u", "ου"},  {"v", "β"},   {"w", "β"},  {"x", "τζ"},
    {"y", "υ"},   {"z", "ζ"},  {NULL, NULL}};
static const struct glyph cyrillic[] = {
    {"xh", "џ"}, {"sh", "ш"}, {"zh", "ж"}, {"gj", "ѓ"}, {"nj", "њ"}, {"ll", "л"}, {"rr", "р"},
    {"th", "т"}, {"dh", "д"}, {"ë", "е"},  {"ç", "ч"},  {"a", "а"},  {"b", "б"},  {"c", "ц"},
    {"d", "д"},  {"e", "е"},  {"f", "ф"},  {"g", "г"},  {"h", "х"},  {"i", "и"},  {"j", "ј"},
    {"k", "к"},  {"l", "л"},  {"m", "м"},  {"n", "н"},  {"o", "о"},  {"p", "п"},  {"q", "ќ"},
    {"r", "р"},  {"s", "с"},  {"t", "т"},  {"u", "у"},  {"v", "в"},  {"w", "в"},  {"x", "ѕ"},
    {"y", "и"},  {"z", "з"},  {NULL, NULL}};
/* Cyrillic that looks Latin. */
static const struct glyph look[] = {{"A", "А"}, {"B", "В"}, {"C", "С"}, {"E", "Е"}, {"H", "Н"},
                                    {"I", "І"}, {"J", "Ј"}, {"K", "К"}, {"M", "М"}, {"O", "О"},
                                    {"P", "Р"}, {"S", "Ѕ"}, {"T", "Т"}, {"X", "Х"}, {"a", "а"},
                                    {"c", "с"}, {"e", "е"}, {"i", "і"}, {"j", "ј"}, {"o", "о"},
                                    {"p", "р"}, {"s", "ѕ"}, {"x", "х"}, {"y", "у"}, {NULL, NULL}};
static const struct glyph ocr_name[] = {
    {"m", "rn"}, {"l", "1"}, {"ë", "e"}, {"ç", "c"}, {NULL, NULL}};
static const struct glyph ocr_nid[] = {{"0", "O"}, {"1", "I"}, {"5", "S"}, {NULL, NULL}};
static const struct glyph strip[] = {{"ë", "e"}, {"ç", "c"}, {"Ë", "E"}, {"Ç", "C"}, {NULL, NULL}};
static const struct glyph upper[] = {{"ë", "Ë"}, {"ç", "Ç"}, {NULL, NULL}};
static const struct glyph nfd[] = {
    {"ë", "e\xCC\x88"}, {"ç", "c\xCC\xA7"}, {"Ë", "E\xCC\x88"}, {"Ç", "C\xCC\xA7"}, {NULL, NULL}};

static bool starts(const char *s, size_t left, const char *with, bool any_case)
{
    for (size_t i = 0; with[i] != '\0'; i++) {
        char c = (char)(i < left ? s[i] : '\0');
        if (any_case && c >= 'A' && c <= 'Z') {
            c = (char)(c + 32);
        }
        if (c != with[i]) {
            return false;
        }
    }
    return true;
}

static void glyphs_put(struct kl_synth_text *t, struct kl_span cell, const struct glyph *map,
                       bool any_case)
{
    const char *s = (const char *)cell.ptr;
    for (size_t i = 0; i < cell.len;) {
        const struct glyph *g = map;
        while (g->from != NULL && !starts(s + i, cell.len - i, g->from, any_case)) {
            g++;
        }
        if (g->from != NULL) {
            kl_synth_text_str(t, g->to);
            i += strlen(g->from);
        } else {
            kl_synth_text_char(t, s[i++]);
        }
    }
}

static char ascii_upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static void upper_put(struct kl_synth_text *t, struct kl_span cell)
{
    size_t from = t->buf.len;
    glyphs_put(t, cell, upper, false);
    for (size_t i = from; i < t->buf.len; i++) {
        t->buf.ptr[i] = (uint8_t)ascii_upper((char)t->buf.ptr[i]);
    }
}

/* Full-width forms of ASCII: U+FF01 + (c - '!'). */
static void fullwidth_put(struct kl_synth_text *t, struct kl_span cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        uint8_t b = cell.ptr[i];
        if (b > ' ' && b < 127) {
            unsigned cp = 0xFF01u + b - '!';
            const char three[3] = {(char)0xEF, (char)(0x80u | (cp >> 6 & 0x3Fu)),
                                   (char)(0x80u | (cp & 0x3Fu))};
            kl_synth_text_add(t, three, 3);
        } else {
            kl_synth_text_char(t, (char)b);
        }
    }
}

/* A zero-width joiner, space or non-joiner after every second character. */
static void zerowidth_put(struct kl_synth_text *t, struct kl_span cell)
{
    static const char *const zero[] = {"\xE2\x80\x8D", "\xE2\x80\x8B", "\xE2\x80\x8C"};
    unsigned n = 0;
    for (size_t i = 0; i < cell.len; i++) {
        kl_synth_text_char(t, (char)cell.ptr[i]);
        bool end = i + 1 == cell.len || (cell.ptr[i + 1] & 0xC0) != 0x80;
        if (end && ++n % 2 == 0) {
            kl_synth_text_str(t, zero[n / 2 % 3]);
        }
    }
}

/* Without one of its inner letters, which one depends on the row. */
static void misspelt_put(struct kl_synth_text *t, struct kl_span cell, uint32_t row_no)
{
    size_t skip = cell.len > 4 ? 1 + row_no % (cell.len - 2) : cell.len;
    while (skip < cell.len && (cell.ptr[skip] & 0x80) != 0) {
        skip++; /* half a ë would not be a spelling error */
    }
    for (size_t i = 0; i < cell.len; i++) {
        if (i != skip) {
            kl_synth_text_char(t, (char)cell.ptr[i]);
        }
    }
}

/* '#': the next national digit. */
static void phone_put(struct kl_synth_text *t, const char digits[static 9], const char *form)
{
    unsigned n = 0;
    for (; *form != '\0'; form++) {
        kl_synth_text_char(t, (char)(*form == '#' ? digits[n++] : *form));
    }
}

static bool phone_tweak(struct kl_synth_text *t, const struct kl_synth_leaker *l, uint32_t row_no,
                        enum kl_synth_tweak tweak)
{
    static const char *const form[] = {
        [KL_SYNTH_PHONE_PLUS] = "+355 ## ### ####", [KL_SYNTH_PHONE_00] = "00355#########",
        [KL_SYNTH_PHONE_SLASH] = "0##/##-##-###",   [KL_SYNTH_PHONE_BARE] = "#########",
        [KL_SYNTH_PHONE_DOTS] = "0##.###.##.##",    [KL_SYNTH_PHONE_PAREN] = "(0##) #######",
        [KL_SYNTH_PHONE_EXP] = "3.55####E+11"};
    const struct kl_synth_model *m = l->m;
    uint32_t phone = m->people[kl_synth_row_person(m, l->sample.reg, row_no)].phone;
    char digits[9];
    if (tweak < KL_SYNTH_PHONE_PLUS || tweak > KL_SYNTH_PHONE_EXP || phone == KL_SYNTH_NO_PHONE) {
        return false;
    }
    kl_synth_phone_put(phone, digits);
    phone_put(t, digits, form[tweak]);
    return true;
}

static bool nid_tweak(struct kl_synth_text *t, struct kl_span nid, enum kl_synth_tweak tweak)
{
    switch ((int)tweak) {
    case KL_SYNTH_NID_SPACED: /* A5 07 10 096 D */
        for (size_t i = 0; i < nid.len; i++) {
            kl_synth_text_str(t, i == 2 || i == 4 || i == 6 || i == 9 ? " " : "");
            kl_synth_text_char(t, (char)nid.ptr[i]);
        }
        return true;
    case KL_SYNTH_NID_NO_CHECK:
        kl_synth_text_span(t, kl_span_part(nid, 0, 9));
        return true;
    case KL_SYNTH_NID_LOWER:
        kl_synth_text_char(t, (char)(nid.ptr[0] + 32));
        kl_synth_text_span(t, kl_span_part(nid, 1, 9));
        kl_synth_text_char(t, (char)(nid.ptr[9] + 32));
        return true;
    case KL_SYNTH_NID_OCR:
        glyphs_put(t, nid, ocr_nid, false);
        return true;
    default:
        return false;
    }
}

/* Tweaks of any cell; names_only ones leave keys alone ("keys fine; names need bits"). */
static void any_tweak(struct kl_synth_text *t, struct kl_span cell, uint32_t row_no, bool is_name,
                      enum kl_synth_tweak tweak)
{
    switch ((int)tweak) {
    case KL_SYNTH_STRIPPED:
        glyphs_put(t, cell, strip, false);
        return;
    case KL_SYNTH_UPPER:
        upper_put(t, cell);
        return;
    case KL_SYNTH_NFD:
        glyphs_put(t, cell, nfd, false);
        return;
    case KL_SYNTH_HOMOGLYPH:
        glyphs_put(t, cell, look, false);
        return;
    case KL_SYNTH_FULLWIDTH:
        fullwidth_put(t, cell);
        return;
    case KL_SYNTH_ZEROWIDTH:
        zerowidth_put(t, cell);
        return;
    default:
        break;
    }
    if (is_name && tweak == KL_SYNTH_GREEK) {
        glyphs_put(t, cell, greek, true);
    } else if (is_name && tweak == KL_SYNTH_CYRILLIC) {
        glyphs_put(t, cell, cyrillic, true);
    } else if (is_name && tweak == KL_SYNTH_MISSPELT) {
        misspelt_put(t, cell, row_no);
    } else if (is_name && tweak == KL_SYNTH_OCR) {
        glyphs_put(t, cell, ocr_name, false);
    } else {
        kl_synth_text_span(t, cell);
    }
}

/* "HOXHA Agim N." */
static void name_cell_put(struct kl_synth_text *t, enum kl_synth_register reg,
                          const struct kl_synth_row *row)
{
    struct kl_span father = kl_synth_cell(row, (unsigned)kl_synth_column(reg, "father"));
    upper_put(t, kl_synth_cell(row, (unsigned)kl_synth_column(reg, "family")));
    kl_synth_text_char(t, ' ');
    kl_synth_text_span(t, kl_synth_cell(row, (unsigned)kl_synth_column(reg, "given")));
    kl_synth_text_char(t, ' ');
    kl_synth_text_span(t, kl_span_part(father, 0, father.ptr[0] >= 0xC0 ? 2 : 1));
    kl_synth_text_char(t, '.');
}

static void date_sq_put(struct kl_synth_text *t, uint32_t day)
{
    static const char *const month[] = {"janar",   "shkurt",  "mars",   "prill",
                                        "maj",     "qershor", "korrik", "gusht",
                                        "shtator", "tetor",   "nëntor", "dhjetor"};
    char iso[10];
    kl_synth_day_put(day, iso);
    kl_synth_text_add(t, iso + (iso[8] == '0' ? 9 : 8), iso[8] == '0' ? 1 : 2);
    kl_synth_text_char(t, ' ');
    kl_synth_text_str(t, month[(iso[5] - '0') * 10 + iso[6] - '0' - 1]);
    kl_synth_text_char(t, ' ');
    kl_synth_text_add(t, iso, 4);
}

void kl_synth_cell_put(struct kl_synth_text *t, const struct kl_synth_leaker *l,
                       const struct kl_synth_row *row, uint32_t row_no, const char *column,
                       enum kl_synth_tweak tweak)
{
    enum kl_synth_register reg = l->sample.reg;
    if (strcmp(column, "name") == 0) {
        kl_synth_cell_put(t, l, row, row_no, "given", tweak);
        kl_synth_text_char(t, ' ');
        kl_synth_cell_put(t, l, row, row_no, "family", tweak);
        return;
    }
    if (strcmp(column, "name_cell") == 0) {
        name_cell_put(t, reg, row);
        return;
    }
    if (strcmp(column, "date_sq") == 0) {
        date_sq_put(t, l->m->people[kl_synth_row_person(l->m, reg, row_no)].day);
        return;
    }
    struct kl_span cell = kl_synth_cell(row, (unsigned)kl_synth_column(reg, column));
    if (strcmp(column, "phone") == 0 && phone_tweak(t, l, row_no, tweak)) {
        return;
    }
    if (strcmp(column, "nid") == 0 && nid_tweak(t, cell, tweak)) {
        return;
    }
    bool is_name = strcmp(column, "given") == 0 || strcmp(column, "family") == 0 ||
                   strcmp(column, "father") == 0;
    any_tweak(t, cell, row_no, is_name, tweak);
}
