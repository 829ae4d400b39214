#include "extract/words.h"

#include "extract/password.h"

#define SHORT_TEXT 4096u
#define LEAST 4u /* characters of a word behind "password" */
#define LEAST_ALONE 6u
#define MOST 40u
#define REACH 4u /* words behind "password" that are taken */

static bool is_break(uint8_t c)
{
    return c <= ' ' || c == 0x7F || c == '"' || c == '<' || c == '>' || c == '`';
}

static bool starts(struct kl_span w, const char *with)
{
    size_t i = 0;
    for (; with[i] != '\0' && i < w.len; i++) {
        uint8_t c = w.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
        if (c != (uint8_t)with[i]) {
            return false;
        }
    }
    return with[i] == '\0';
}

/* "fjal" + any letter or escape that ë was made of + "kalim". */
static bool is_fjalekalim(struct kl_span w)
{
    if (!starts(w, "fjal")) {
        return false;
    }
    for (size_t i = 5; i < 12 && i + 5 <= w.len; i++) {
        if (starts(kl_span_part(w, i, w.len), "kalim")) {
            return true;
        }
    }
    return false;
}

static bool is_hint(struct kl_span w)
{
    static const char *const hints[] = {
        "pass", "pwd", "pw:", "pw=", "kod", "pin", "parol", "sifra"};
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (starts(w, hints[i])) {
            return true;
        }
    }
    return (w.len == 2 && starts(w, "pw")) || is_fjalekalim(w);
}

static bool is_edge(uint8_t c)
{
    return c == '.' || c == ',' || c == ';' || c == ':' || c == '(' || c == ')' || c == '\'';
}

/* Without the punctuation of the sentence around it. */
static struct kl_span strip(struct kl_span w)
{
    while (w.len > 0 && is_edge(w.ptr[0])) {
        w = kl_span_part(w, 1, w.len);
    }
    while (w.len > 0 && is_edge(w.ptr[w.len - 1])) {
        w = kl_span_part(w, 0, w.len - 1);
    }
    return w;
}

static bool has_digit(struct kl_span w)
{
    for (size_t i = 0; i < w.len; i++) {
        if ((uint8_t)(w.ptr[i] - '0') < 10) {
            return true;
        }
    }
    return false;
}

struct finder {
    enum kl_rc (*take)(void *ctx, struct kl_span word);
    void *ctx;
    bool is_short;
    unsigned near; /* so many words more are near a hint */
};

static enum kl_rc take_word(struct finder *f, struct kl_span raw)
{
    struct kl_span w = strip(raw);
    bool near = f->near > 0 && w.len >= LEAST;
    bool alone = f->is_short && w.len >= LEAST_ALONE && has_digit(w);

    f->near -= f->near > 0;
    if (w.len <= MOST && (near || alone)) {
        KL_TRY(f->take(f->ctx, w));
        if (raw.len != w.len && raw.len <= MOST) {
            KL_TRY(f->take(f->ctx, raw)); /* a password may end in '.' */
        }
    }
    if (is_hint(w) || is_hint(raw)) {
        f->near = REACH;
        /* "password:Tirana2024" in one. */
        for (size_t i = 0; i < raw.len; i++) {
            if (raw.ptr[i] == ':' || raw.ptr[i] == '=') {
                struct kl_span value = kl_span_part(raw, i + 1, raw.len);
                bool fits = value.len >= LEAST && value.len <= MOST;
                return fits ? f->take(f->ctx, value) : KL_OK;
            }
        }
    }
    return KL_OK;
}

enum kl_rc kl_words_find(struct kl_span text, enum kl_rc (*take)(void *ctx, struct kl_span word),
                         void *ctx)
{
    struct finder f = {take, ctx, text.len <= SHORT_TEXT, 0};
    size_t at = 0;

    text = kl_span_part(text, 0, KL_WORDS_TEXT_BYTES);
    while (at < text.len) {
        size_t end = at;
        while (end < text.len && !is_break(text.ptr[end])) {
            end++;
        }
        if (end > at) {
            KL_TRY(take_word(&f, kl_span_part(text, at, end)));
        }
        at = end + 1;
    }
    return KL_OK;
}

static enum kl_rc note_word(void *ctx, struct kl_span word)
{
    return kl_emit_note_word(ctx, word);
}

enum kl_rc kl_words_note(struct kl_emit *e, struct kl_span text)
{
    return kl_words_find(text, note_word, e);
}
