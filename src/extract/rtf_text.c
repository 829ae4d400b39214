#include "extract/rtf.h"

#include "base/fold.h"

enum state {
    PLAIN = 0,
    SLASH,  /* behind a backslash */
    WORD,   /* letters of a control word */
    NUMBER, /* its number */
    HEX1,   /* behind \' */
    HEX2,
};

#define LEAST_DIGITS 64u /* less hex makes no object */

void kl_rtf_begin(struct kl_rtf *r, bool is_other)
{
    struct kl_rtf_found found = r->found;

    memset(r, 0, offsetof(struct kl_rtf, out));
    r->found = found;
    r->is_other = is_other;
    r->set = kl_codepage_by_number(1252);
    r->group.skip = 1;
}

/* ---- text out ---- */

static bool is_wanted(const struct kl_rtf *r)
{
    bool other = r->group.dest == KL_RTF_OTHER || r->group.dest == KL_RTF_FONTS_DEST;
    return r->group.dest != KL_RTF_HEX && other == r->is_other;
}

static void put_byte(struct kl_rtf *r, uint8_t c)
{
    if (is_wanted(r)) {
        r->out[r->n_out++] = c;
        r->has_text = c != '\n';
    }
}

static void put_char(struct kl_rtf *r, uint32_t cp)
{
    uint8_t b[4];
    size_t n = kl_utf8_put(cp, b);
    for (size_t i = 0; i < n; i++) {
        put_byte(r, b[i]);
    }
}

/* One byte of text, in the set of its font. */
static void put_text(struct kl_rtf *r, uint8_t c)
{
    struct kl_codepage set = r->set;
    uint8_t text[16];

    if (r->to_skip > 0) {
        r->to_skip--;
        return;
    }
    if (c < 0x80) {
        put_byte(r, c);
        return;
    }
    if (r->group.font < KL_RTF_FONTS && r->fonts[r->group.font].kind != KL_CODEPAGE_UNKNOWN) {
        set = r->fonts[r->group.font];
    }
    struct kl_decoder d =
        kl_decoder_init(set.kind == KL_CODEPAGE_SINGLE ? set : kl_codepage_by_number(1252));
    size_t n = kl_decoder_add(&d, kl_span_make(&c, 1), text);
    for (size_t i = 0; i < n; i++) {
        put_byte(r, text[i]);
    }
}

static void end_line(struct kl_rtf *r)
{
    /* In a cell of a table it is a blank: the row is one line. */
    put_byte(r, r->is_row && r->group.dest == KL_RTF_TEXT ? ' ' : '\n');
}

/* ---- objects ---- */

static void add_object(struct kl_rtf *r, const struct kl_rtf_object *o)
{
    struct kl_rtf_found *f = &r->found;

    if (r->rc != KL_OK || o->from < f->to) {
        return; /* met by a pass before this one */
    }
    f->to = o->to;
    if (f->objects.len / sizeof(*o) >= KL_RTF_OBJECTS) {
        f->lost_bytes += o->to - o->from;
        return;
    }
    r->rc = kl_buf_add(&f->objects, o, sizeof(*o));
}

static void end_object(struct kl_rtf *r)
{
    if (r->open.to >= r->open.from + LEAST_DIGITS) {
        add_object(r, &r->open);
    }
    r->open = (struct kl_rtf_object){0};
}

static void hex_digit(struct kl_rtf *r)
{
    if (r->open.to == 0) {
        r->open.from = r->at;
        r->open.is_ole = r->group.is_ole;
    }
    r->open.to = r->at + 1;
}

/* ---- control words ---- */

static bool is_word(const struct kl_rtf *r, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(r->word, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

#define IS_WORD(r, list) is_word(r, list, sizeof(list) / sizeof((list)[0]))

/* \fcharset: Windows' numbers of scripts. */
static unsigned charset_number(int32_t n)
{
    static const struct {
        uint8_t charset;
        uint16_t number;
    } known[] = {{77, 10000}, {161, 1253}, {162, 1254}, {163, 1258}, {177, 1255}, {178, 1256},
                 {186, 1257}, {204, 1251}, {222, 874},  {238, 1250}, {254, 437},  {255, 850}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].charset == n) {
            return known[i].number;
        }
    }
    return 0;
}

static void set_dest(struct kl_rtf *r, enum kl_rtf_dest dest)
{
    r->group.dest = (uint8_t)dest;
    if (r->is_other && dest != KL_RTF_TEXT && dest != KL_RTF_HEX && r->has_text) {
        put_byte(r, '\n');
    }
}

/* Words that say what the group is; false: not one of them. */
static bool take_dest(struct kl_rtf *r)
{
    static const char *const hex[] = {"objdata",   "pict",        "datastore",
                                      "themedata", "fontemb",     "colorschememapping",
                                      "blipuid",   "passwordhash"};
    static const char *const other[] = {"stylesheet",        "colortbl", "info",      "listtable",
                                        "listoverridetable", "rsidtbl",  "generator", "filetbl",
                                        "latentstyles",      "revtbl",   "xmlnstbl"};
    static const char *const text[] = {"objectemb", "result", "rtf",
                                       "footnote",  "header", "footer"};
    bool inside = r->group.dest == KL_RTF_OTHER || r->group.dest == KL_RTF_HTML;

    if (IS_WORD(r, hex)) {
        set_dest(r, KL_RTF_HEX);
        r->group.is_ole = strcmp(r->word, "objdata") == 0;
    } else if (strcmp(r->word, "fonttbl") == 0) {
        set_dest(r, KL_RTF_FONTS_DEST);
    } else if (strcmp(r->word, "htmltag") == 0) {
        r->group.dest = KL_RTF_HTML;
    } else if (IS_WORD(r, text)) {
        return true;
    } else if (IS_WORD(r, other) || (r->is_star && !inside && strcmp(r->word, "shppict") != 0 &&
                                     strcmp(r->word, "shpinst") != 0)) {
        set_dest(r, KL_RTF_OTHER);
    } else {
        return false;
    }
    return true;
}

/* Words that stand for a character or end something; false: not one of them. */
static bool take_mark(struct kl_rtf *r)
{
    static const char *const lines[] = {"par", "line", "sect", "page", "column", "softline"};
    static const char *const cells[] = {"cell", "nestcell"};
    static const char *const rows[] = {"row", "nestrow"};
    static const struct {
        const char *word;
        uint16_t cp;
    } chars[] = {{"tab", '\t'},         {"emdash", 0x2014},    {"endash", 0x2013},
                 {"bullet", 0x2022},    {"lquote", 0x2018},    {"rquote", 0x2019},
                 {"ldblquote", 0x201C}, {"rdblquote", 0x201D}, {"emspace", ' '},
                 {"enspace", ' '}};

    if (IS_WORD(r, lines)) {
        end_line(r);
        return true;
    }
    if (IS_WORD(r, cells)) {
        put_byte(r, '\t');
        r->is_row = r->has_cells = true;
        return true;
    }
    if (IS_WORD(r, rows)) {
        put_byte(r, '\n');
        r->is_row = r->has_cells = false;
        return true;
    }
    for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
        if (strcmp(r->word, chars[i].word) == 0) {
            put_char(r, chars[i].cp == '\t' && r->is_row ? ' ' : chars[i].cp);
            return true;
        }
    }
    return false;
}

static void take_unit(struct kl_rtf *r)
{
    uint32_t unit = (uint32_t)r->number & 0xFFFF;

    r->to_skip = r->group.skip;
    if (unit >= 0xD800 && unit < 0xDC00) {
        r->high = (uint16_t)unit;
        return;
    }
    if (unit >= 0xDC00 && unit < 0xE000) {
        unit = r->high != 0 ? 0x10000 + ((r->high & 0x3FFu) << 10 | (unit & 0x3FF)) : 0xFFFD;
    }
    r->high = 0;
    put_char(r, unit);
}

/* Words with a number that are remembered. */
static void take_setting(struct kl_rtf *r)
{
    static const char *const sets[] = {"mac", "pc", "pca"};
    uint32_t n = r->number >= 0 ? (uint32_t)r->number : 0;

    if (strcmp(r->word, "u") == 0) {
        take_unit(r);
    } else if (strcmp(r->word, "uc") == 0) {
        r->group.skip = (uint8_t)(n < 16 ? n : 16);
    } else if (strcmp(r->word, "f") == 0 || strcmp(r->word, "deff") == 0) {
        r->group.font = (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX);
    } else if (strcmp(r->word, "fcharset") == 0 && r->group.font < KL_RTF_FONTS &&
               r->group.dest == KL_RTF_FONTS_DEST) {
        r->fonts[r->group.font] = kl_codepage_by_number(charset_number(r->number));
    } else if (strcmp(r->word, "ansicpg") == 0) {
        struct kl_codepage set = kl_codepage_by_number(n);
        r->set = set.kind == KL_CODEPAGE_SINGLE ? set : r->set;
    } else if (IS_WORD(r, sets)) {
        r->set = kl_codepage_by_number(r->word[0] == 'm' ? 10000 : r->word[2] == 'a' ? 850 : 437);
    } else if (strcmp(r->word, "intbl") == 0) {
        r->is_row = true;
    } else if (strcmp(r->word, "pard") == 0) {
        r->is_row = r->has_cells;
    } else if (strcmp(r->word, "bin") == 0 && n > 0) {
        struct kl_rtf_object o = {r->at, r->at + n, true, r->group.is_ole};
        r->to_pass = n;
        add_object(r, &o);
    }
}

/* The word is whole; `at` is behind it and its blank. */
static void take_word(struct kl_rtf *r)
{
    r->word[r->n_word] = '\0';
    r->number = r->is_negative ? -r->number : r->number;
    if (r->group.dest == KL_RTF_HEX && strcmp(r->word, "bin") != 0) {
        (void)take_dest(r); /* in a picture nothing else counts */
    } else if (!take_dest(r) && !take_mark(r)) {
        take_setting(r);
    }
    r->is_star = false;
}

/* ---- tokens ---- */

static void open_group(struct kl_rtf *r)
{
    end_object(r);
    if (r->depth < KL_RTF_DEPTH) {
        r->stack[r->depth] = r->group;
    }
    r->depth++;
    r->n_groups++;
    r->is_star = false;
    r->is_first = true;
    r->to_skip = 0;
}

static void close_group(struct kl_rtf *r)
{
    end_object(r);
    r->to_skip = 0;
    if (r->depth == 0) {
        return;
    }
    r->depth--;
    if (r->depth < KL_RTF_DEPTH) {
        r->group = r->stack[r->depth];
    }
    if (r->depth == 0) {
        r->is_ended = true;
        r->found.end_at = r->at + 1;
    }
}

static void plain(struct kl_rtf *r, uint8_t c)
{
    switch (c) {
    case '{':
        open_group(r);
        break;
    case '}':
        close_group(r);
        break;
    case '\\':
        r->state = SLASH;
        break;
    case '\r':
    case '\n':
        break;
    case '\t':
        put_byte(r, r->is_row ? ' ' : '\t');
        break;
    default:
        r->is_first = false;
        if (r->group.dest != KL_RTF_HEX) {
            put_text(r, c == 0 ? ' ' : c);
        } else if ((uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6) {
            hex_digit(r);
        }
        break;
    }
}

static void slash(struct kl_rtf *r, uint8_t c)
{
    r->state = PLAIN;
    if (c != '*') {
        r->is_first = false;
    }
    if ((uint8_t)((c | 0x20) - 'a') < 26) {
        r->state = WORD;
        r->word[0] = (char)c;
        r->n_word = 1;
        r->has_number = r->is_negative = false;
        r->number = 0;
        return;
    }
    switch (c) {
    case '\'':
        r->state = HEX1;
        break;
    case '*':
        r->is_star = r->is_first; /* elsewhere it says nothing */
        break;
    case '~':
        put_byte(r, ' ');
        break;
    case '_':
        put_byte(r, '-');
        break;
    case '-':
    case '|':
    case ':':
        break;
    case '\r':
    case '\n':
        end_line(r);
        break;
    default:
        put_text(r, c);
        break;
    }
}

static void word(struct kl_rtf *r, uint8_t c)
{
    bool digit = (uint8_t)(c - '0') < 10;

    if (r->state == WORD && (uint8_t)((c | 0x20) - 'a') < 26) {
        if (r->n_word < sizeof(r->word) - 1) {
            r->word[r->n_word++] = (char)c;
        }
    } else if (r->state == WORD && c == '-') {
        r->state = NUMBER;
        r->is_negative = true;
    } else if (digit) {
        r->state = NUMBER;
        r->has_number = true;
        r->number = r->number < 200000000 ? r->number * 10 + (c - '0') : r->number;
    } else {
        r->state = PLAIN;
        r->at += c == ' ';
        take_word(r);
        r->at -= c == ' ';
        if (c != ' ') {
            if (r->to_pass > 0) {
                r->to_pass--; /* this byte is the first of them */
            } else {
                plain(r, c);
            }
        }
    }
}

static void hex(struct kl_rtf *r, uint8_t c)
{
    uint8_t low = c | 0x20;
    int v = (uint8_t)(c - '0') < 10 ? c - '0' : (uint8_t)(low - 'a') < 6 ? low - 'a' + 10 : -1;

    if (v < 0) {
        r->state = PLAIN;
        plain(r, c);
    } else if (r->state == HEX1) {
        r->hex = (uint8_t)v;
        r->state = HEX2;
    } else {
        r->state = PLAIN;
        put_text(r, (uint8_t)(r->hex << 4 | v));
    }
}

void kl_rtf_add(struct kl_rtf *r, struct kl_span in)
{
    static void (*const steps[])(struct kl_rtf * r, uint8_t c) = {
        [PLAIN] = plain, [SLASH] = slash, [WORD] = word,
        [NUMBER] = word, [HEX1] = hex,    [HEX2] = hex,
    };
    for (size_t i = 0; i < in.len; i++, r->at++) {
        if (r->to_pass > 0) {
            r->to_pass--;
            continue;
        }
        if (r->is_ended) {
            r->at += in.len - i;
            return; /* behind the document: not ours */
        }
        steps[r->state](r, in.ptr[i]);
    }
}
