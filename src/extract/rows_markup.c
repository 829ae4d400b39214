/*
 * HTML and XML as rows. HTML: a row of a table is a line, a cell behind another a tab; tags
 * inside words vanish. XML: an element that holds others is a line, one without is a cell.
 */
#include "extract/rows.h"

enum state {
    TEXT = 0,
    LESS,    /* behind '<' */
    NAME,    /* of a tag */
    ATTRS,   /* up to '>' */
    MARK,    /* <! or <? up to '>' */
    COMMENT, /* up to --> */
    CDATA,   /* up to ]]> */
    SCRIPT,  /* up to </script or </style */
};

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- HTML ---- */

static void html_tag(struct kl_rows *r)
{
    static const char *const blocks[] = {
        "p",    "br",   "div",        "li",     "ul",       "ol",      "h1",     "h2",
        "h3",   "h4",   "h5",         "h6",     "hr",       "dt",      "dd",     "dl",
        "pre",  "body", "blockquote", "option", "section",  "article", "title",  "head",
        "html", "form", "header",     "footer", "fieldset", "legend",  "caption"};
    bool row = strcmp(r->name, "tr") == 0;
    bool table = strcmp(r->name, "table") == 0;

    if (row || table) {
        kl_rows_end(r);
        r->is_open_row = row && !r->is_end_tag;
        r->has_cell = false;
    } else if (strcmp(r->name, "td") == 0 || strcmp(r->name, "th") == 0) {
        if (!r->is_end_tag && r->has_cell) {
            if (r->is_gap) {
                kl_rows_put(r, '\t'); /* the cell before was empty */
            }
            r->is_gap = true;
        }
        r->has_cell = true;
    } else if (is_one_of(r->name, blocks, sizeof(blocks) / sizeof(blocks[0]))) {
        if (r->is_open_row) {
            r->is_blank = true;
        } else {
            kl_rows_end(r);
        }
    }
}

/* ---- XML ---- */

static uint64_t hash_name(const char *name)
{
    uint64_t h = 14695981039346656037ull;
    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 1099511628211ull;
    }
    return h;
}

static void xml_start(struct kl_rows *r)
{
    if (r->depth < KL_ROWS_DEPTH) {
        uint64_t h = hash_name(r->name);
        /* The second of a name below one parent: what repeats is the record. */
        if (r->names[r->depth] == h && r->has_children[r->depth] &&
            (r->record_depth == 0 || r->depth + 1 < r->record_depth)) {
            r->record_depth = r->depth + 1;
        }
        r->names[r->depth] = h;
    }
    if (r->depth > 0 && r->depth <= KL_ROWS_DEPTH) {
        r->has_children[r->depth - 1] = true;
    }
    r->depth++;
    if (r->depth < KL_ROWS_DEPTH) {
        r->names[r->depth] = 0;
    }
    if (r->depth <= KL_ROWS_DEPTH) {
        r->has_children[r->depth - 1] = r->n_attrs > 1;
    }
    r->is_gap = true;
}

static void xml_end(struct kl_rows *r)
{
    r->depth -= r->depth > 0;
    bool parent = r->depth < KL_ROWS_DEPTH && r->has_children[r->depth];
    if (parent && (r->record_depth == 0 || r->depth < r->record_depth)) {
        kl_rows_end(r);
    }
    r->is_gap = true;
}

/* ---- tags ---- */

static void tag(struct kl_rows *r)
{
    bool script = strcmp(r->name, "script") == 0 || strcmp(r->name, "style") == 0;

    r->state = TEXT;
    if (r->kind == KL_ROWS_XML) {
        if (r->is_end_tag) {
            xml_end(r);
        } else {
            xml_start(r);
            if (r->last == '/') {
                xml_end(r);
            }
        }
        return;
    }
    html_tag(r);
    if (script && !r->is_end_tag && r->last != '/') {
        r->state = SCRIPT;
        r->n_keep = 0;
    }
}

static void text(struct kl_rows *r, uint8_t c)
{
    if (c == '<') {
        r->state = LESS;
        return;
    }
    if (c > ' ') {
        kl_rows_text(r, c);
        return;
    }
    /* White space is a blank, and a line end only where no row is open. */
    if (c == '\n' && r->kind == KL_ROWS_HTML && !r->is_open_row && r->has_text) {
        kl_rows_end(r);
    }
    r->is_blank = true;
}

static void less(struct kl_rows *r, uint8_t c)
{
    uint8_t low = c | 0x20;

    r->n_name = r->n_attrs = r->n_keep = 0;
    r->is_end_tag = c == '/';
    if (c == '/' || (uint8_t)(low - 'a') < 26 || c == '_') {
        r->state = NAME;
        if (c != '/') {
            r->name[r->n_name++] = (char)(r->kind == KL_ROWS_HTML ? low : c);
        }
    } else if (c == '!' || c == '?') {
        r->state = MARK;
    } else {
        r->state = TEXT;
        kl_rows_text(r, '<');
        text(r, c);
    }
}

/* An attribute of XML is a cell; of HTML it is left to the plain text. */
static void attr(struct kl_rows *r, uint8_t c)
{
    bool xml = r->kind == KL_ROWS_XML;

    if (r->quote != 0) {
        if (c == r->quote) {
            r->quote = 0;
            r->is_gap = r->is_gap || xml;
        } else if (xml && !r->is_end_tag) {
            if (c > ' ') {
                kl_rows_text(r, c);
            } else {
                r->is_blank = true;
            }
        }
    } else if (c == '>') {
        r->name[r->n_name] = '\0';
        tag(r);
    } else if ((c == '"' || c == '\'') && r->last == '=') {
        r->quote = c;
        r->is_gap = r->is_gap || xml;
        r->n_attrs = (uint8_t)(r->n_attrs < 255 ? r->n_attrs + 1 : 255);
    }
    r->last = c > ' ' ? c : r->last;
}

static void name(struct kl_rows *r, uint8_t c)
{
    if (c > ' ' && c != '>' && c != '/') {
        if (r->n_name < sizeof(r->name) - 1) {
            r->name[r->n_name++] =
                (char)(r->kind == KL_ROWS_HTML && c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        return;
    }
    r->state = ATTRS;
    r->quote = 0;
    r->last = 0;
    attr(r, c);
}

/* Behind "<!": a comment, CDATA or a declaration. */
static void mark(struct kl_rows *r, uint8_t c)
{
    static const char cdata[] = "[CDATA[";

    if (c == '>') {
        r->state = TEXT;
        return;
    }
    if (r->n_keep < 7) {
        r->keep[r->n_keep++] = c;
        if (r->n_keep == 2 && r->keep[0] == '-' && c == '-') {
            r->state = COMMENT;
            r->n_keep = 0;
        } else if (r->n_keep == 7 && memcmp(r->keep, cdata, 7) == 0) {
            r->state = CDATA;
            r->n_keep = 0;
        }
    }
}

static void comment(struct kl_rows *r, uint8_t c)
{
    if (c == '>' && r->n_keep >= 2) {
        r->state = TEXT;
        r->n_keep = 0;
    } else {
        r->n_keep = (uint8_t)(c == '-' ? (r->n_keep < 2 ? r->n_keep + 1 : 2) : 0);
    }
}

static void cdata(struct kl_rows *r, uint8_t c)
{
    if (c == '>' && r->n_keep >= 2) {
        r->state = TEXT;
        r->n_keep = 0;
        return;
    }
    r->n_keep = (uint8_t)(c == ']' ? (r->n_keep < 2 ? r->n_keep + 1 : 2) : 0);
    if (c > ' ' && c != ']') {
        kl_rows_text(r, c);
    } else {
        r->is_blank = true;
    }
}

/* What is behind "</" of the script's own name ends it. */
static void script(struct kl_rows *r, uint8_t c)
{
    static const char *const ends[] = {"</script", "</style"};
    const char *end = ends[r->name[1] == 't'];
    uint8_t low = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;

    r->n_keep = (uint8_t)((uint8_t)end[r->n_keep] == low ? r->n_keep + 1 : low == '<');
    if (end[r->n_keep] == '\0') {
        r->is_end_tag = true;
        r->state = ATTRS;
        r->quote = r->last = r->n_keep = 0;
    }
}

void kl_rows_markup(struct kl_rows *r, struct kl_span in)
{
    static void (*const steps[])(struct kl_rows * r, uint8_t c) = {
        [TEXT] = text, [LESS] = less,       [NAME] = name,   [ATTRS] = attr,
        [MARK] = mark, [COMMENT] = comment, [CDATA] = cdata, [SCRIPT] = script,
    };
    for (size_t i = 0; i < in.len; i++) {
        steps[r->state](r, in.ptr[i]);
    }
}
