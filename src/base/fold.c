#include "base/fold.h"

#include "base/fold_bulk.h"
#include "base/fold_table.h"

#define LEN_SAME 7u
#define IS_UPPER 8u
#define IS_ODD 16u
#define MARKS_BACK 8u /* marks skipped when looking for the letter before a word */

enum script { SCRIPT_NONE = 0, SCRIPT_CYRILLIC, SCRIPT_GREEK, SCRIPT_LATIN, SCRIPT_MARK };

struct writer {
    uint8_t *out;
    size_t len;
    size_t cap;
    bool keep_case;
    bool full; /* a character did not fit: nothing more is written */
};

static uint32_t utf8_tail(const uint8_t *p, size_t n, uint32_t cp, size_t *out_used)
{
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};

    for (size_t i = 1; i <= n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0xFFFD;
        }
        cp = cp << 6 | (p[i] & 0x3Fu);
    }
    if (cp < least[n] || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) {
        return 0xFFFD;
    }
    *out_used = n + 1;
    return cp;
}

uint32_t kl_utf8_next(struct kl_span text, size_t *at)
{
    const uint8_t *p = text.ptr + *at;
    size_t left = text.len - *at;
    size_t used = 1;
    uint32_t cp = 0xFFFD;

    if (p[0] < 0x80) {
        cp = p[0];
    } else if (p[0] >= 0xC2 && p[0] < 0xE0 && left >= 2) {
        cp = utf8_tail(p, 1, p[0] & 0x1Fu, &used);
    } else if (p[0] >= 0xE0 && p[0] < 0xF0 && left >= 3) {
        cp = utf8_tail(p, 2, p[0] & 0x0Fu, &used);
    } else if (p[0] >= 0xF0 && p[0] < 0xF5 && left >= 4) {
        cp = utf8_tail(p, 3, p[0] & 0x07u, &used);
    }
    *at += used;
    return cp;
}

size_t kl_utf8_put(uint32_t cp, uint8_t out[4])
{
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xC0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        if (cp >= 0xD800 && cp < 0xE000) {
            cp = 0xFFFD;
        }
        out[0] = (uint8_t)(0xE0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp > 0x10FFFF) {
        return kl_utf8_put(0xFFFD, out);
    }
    out[0] = (uint8_t)(0xF0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (cp & 0x3F));
    return 4;
}

static inline uint32_t entry_of(uint32_t cp)
{
    if (cp < FOLD_TABLE_END) {
        return fold_entries[fold_stage2[(uint32_t)fold_stage1[cp >> 6] << 6 | (cp & 63)]];
    }
    /* Tags and variation selectors vanish. */
    return cp >= 0xE0000 && cp < 0xE1000 ? IS_ODD : LEN_SAME;
}

static inline unsigned entry_chars(uint32_t entry, uint32_t cp, uint32_t out[4])
{
    unsigned n = entry & 7;

    if (n == LEN_SAME) {
        out[0] = cp;
        return 1;
    }
    const uint16_t *from = fold_pool + (entry >> 8);
    for (unsigned i = 0; i < n; i++) {
        out[i] = from[i];
    }
    return n;
}

unsigned kl_fold_char(uint32_t cp, uint32_t out[4])
{
    return entry_chars(entry_of(cp), cp, out);
}

static enum script script_of(uint32_t cp)
{
    uint32_t entry = entry_of(cp);
    return (entry & 7) == 0 ? SCRIPT_MARK : (enum script)(entry >> 5 & 3);
}

static void put(struct writer *w, uint32_t cp, bool upper)
{
    uint8_t b[4];

    if (upper && w->keep_case && cp >= 'a' && cp <= 'z') {
        cp -= 32;
    }
    size_t n = kl_utf8_put(cp, b);
    if (w->full || n > w->cap - w->len) {
        w->full = true;
        return;
    }
    memcpy(w->out + w->len, b, n);
    w->len += n;
}

static void put_str(struct writer *w, const char *s, bool upper)
{
    for (size_t i = 0; i < 4 && s[i] != 0; i++) {
        put(w, (uint8_t)s[i], upper && i == 0);
    }
}

/* True when the character in front of `at`, marks skipped, is a Latin letter or a digit. */
static bool latin_before(struct kl_span text, size_t at)
{
    for (unsigned i = 0; at > 0 && i < MARKS_BACK; i++) {
        size_t start = at - 1;
        while (start > 0 && at - start < 4 && (text.ptr[start] & 0xC0) == 0x80) {
            start--;
        }
        size_t next = start;
        enum script s = script_of(kl_utf8_next(text, &next));
        if (s != SCRIPT_MARK || next != at) {
            return s == SCRIPT_LATIN && next == at;
        }
        at = start;
    }
    return false;
}

static const struct fold_letter *letter_of(uint32_t cp)
{
    static const struct fold_letter none = {"?", 0, 0, 0};
    return cp >= 0x370 && cp < 0x530 ? &fold_letters[cp - 0x370] : &none;
}

struct word {
    size_t end;
    bool by_look;
};

/* Find the end of the word at `at` and how to read it. */
static struct word word_look(struct kl_span text, size_t at)
{
    bool mixed = latin_before(text, at);
    bool strict = true;
    struct word w = {at, false};

    while (w.end < text.len) {
        size_t next = w.end;
        uint32_t cp = kl_utf8_next(text, &next);
        uint32_t entry = entry_of(cp);
        enum script s = script_of(cp);
        if (s == SCRIPT_NONE) {
            break;
        }
        mixed = mixed || s == SCRIPT_LATIN;
        if (s == SCRIPT_CYRILLIC || s == SCRIPT_GREEK) {
            uint32_t out[4] = {0};
            (void)entry_chars(entry, cp, out);
            strict = strict && (letter_of(out[0])->strict & ((entry & IS_UPPER) != 0 ? 1 : 2)) != 0;
        }
        w.end = next;
    }
    w.by_look = mixed || strict;
    return w;
}

static const char *digraph(uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < sizeof(fold_digraphs) / sizeof(fold_digraphs[0]); i++) {
        if (fold_digraphs[i].a == a && fold_digraphs[i].b == b) {
            return fold_digraphs[i].latin;
        }
    }
    return NULL;
}

/* The letter that a base and the mark behind it make, for the letters folding keeps whole. */
static uint32_t composed(uint32_t cp, uint32_t mark)
{
    if (cp == 0x438 && mark == 0x306) {
        return 0x439;
    }
    if (mark == 0x301 && (cp == 0x433 || cp == 0x43A)) {
        return cp == 0x433 ? 0x453 : 0x45C;
    }
    return cp;
}

static void put_letter(struct writer *w, uint32_t cp, bool upper, bool by_look)
{
    const struct fold_letter *l = letter_of(cp);
    char look = (char)(upper ? l->look_upper : l->look_lower);

    if (by_look && look != 0) {
        put(w, (uint8_t)(look >= 'A' && look <= 'Z' ? look + 32 : look), upper);
    } else if (l->latin[0] != '?') {
        put_str(w, l->latin, upper);
    } else {
        put(w, cp, upper);
    }
}

/* A word with Cyrillic or Greek letters; returns its end. */
static size_t fold_word(struct kl_span text, size_t at, struct writer *w)
{
    struct word word = word_look(text, at);
    uint32_t held = 0; /* a letter that may begin a digraph */
    bool held_upper = false;

    while (at < word.end) {
        uint32_t out[4];
        uint32_t cp = kl_utf8_next(text, &at);
        uint32_t entry = entry_of(cp);
        unsigned n = entry_chars(entry, cp, out);
        if (held != 0 && n == 0) {
            held = composed(held, cp);
        }
        for (unsigned i = 0; i < n; i++) {
            const char *pair = held != 0 && !word.by_look ? digraph(held, out[i]) : NULL;
            if (pair != NULL) {
                put_str(w, pair, held_upper);
                held = 0;
                continue;
            }
            if (held != 0) {
                put_letter(w, held, held_upper, word.by_look);
            }
            held = out[i];
            held_upper = (entry & IS_UPPER) != 0 && i == 0;
            if (script_of(held) == SCRIPT_LATIN) {
                bool upper = held_upper || (cp >= 'A' && cp <= 'Z');
                put(w, held, upper);
                held = 0;
            }
        }
    }
    if (held != 0) {
        put_letter(w, held, held_upper, word.by_look);
    }
    return word.end;
}

static size_t fold_any(struct kl_span text, bool keep_case, uint8_t *out, size_t cap)
{
    struct writer w = {out, 0, cap, keep_case, false};
    size_t at = 0;

    while (at < text.len && !w.full) {
        if (text.ptr[at] < 0x80 || text.ptr[at] == 0xC3) {
            size_t used = 0;
            w.len += kl_fold_bulk(kl_span_part(text, at, text.len), keep_case, out + w.len,
                                  cap - w.len, &used);
            at += used;
            if (at == text.len || (w.len == cap && used > 0)) {
                break;
            }
        }
        size_t next = at;
        uint32_t cp = kl_utf8_next(text, &next);
        uint32_t entry = entry_of(cp);
        uint32_t script = entry >> 5 & 3;
        if (cp >= 0x80 && (script == SCRIPT_CYRILLIC || script == SCRIPT_GREEK)) {
            at = fold_word(text, at, &w);
            continue;
        }
        uint32_t chars[4];
        unsigned n = entry_chars(entry, cp, chars);
        for (unsigned i = 0; i < n; i++) {
            bool upper = i == 0 && ((entry & IS_UPPER) != 0 || (cp >= 'A' && cp <= 'Z'));
            put(&w, chars[i], upper);
        }
        at = next;
    }
    return w.len;
}

size_t kl_fold_text(struct kl_span text, uint8_t *out, size_t cap)
{
    return fold_any(text, false, out, cap);
}

size_t kl_fold_view(struct kl_span text, uint8_t *out, size_t cap)
{
    return fold_any(text, true, out, cap);
}

static bool is_digit_at(struct kl_span text, size_t at)
{
    return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

bool kl_fold_is_odd(struct kl_span text)
{
    size_t at = 0;

    while ((at = kl_fold_suspect(text, at)) < text.len) {
        size_t next = at;
        uint32_t cp = kl_utf8_next(text, &next);
        if ((entry_of(cp) & IS_ODD) != 0) {
            return true;
        }
        /* A dash between digits splits a number for a scanner that knows only '-'. */
        if ((cp == 0x2013 || cp == 0x2014) && at > 0 && is_digit_at(text, at - 1) &&
            is_digit_at(text, next)) {
            return true;
        }
        at = next;
    }
    return false;
}

uint64_t kl_fold_table_id(void)
{
    return FOLD_TABLE_ID;
}
