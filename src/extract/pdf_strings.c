#include <stdlib.h>

#include "base/buf.h"
#include "extract/charset.h"
#include "extract/decoded.h"
#include "extract/pdf_lock.h"
#include "extract/pdf_value.h"

#define STRINGS_BYTES 4194304u /* gathered; more are read as another piece */

struct strings {
    struct kl_pdf_lock *l;
    struct kl_pdf_lex lex;
    struct kl_buf out;
    uint32_t number; /* of the object that the strings are in */
    uint32_t generation;
    uint32_t last[2]; /* the two numbers read last */
    bool is_in;
    uint8_t text[3 * KL_PDF_STRING + 8];
};

static enum kl_rc flush(struct strings *s)
{
    struct kl_input in = kl_input_mem(kl_buf_span(&s->out));
    enum kl_rc rc =
        in.len_bytes > 0 ? kl_plain_extract(s->l->e, &in, KL_SPAN_LIT("strings")) : KL_OK;
    s->out.len = 0;
    return rc;
}

/* In place; the new length. */
static size_t decipher(const struct strings *s, uint8_t *ptr, size_t len)
{
    enum kl_pdf_cipher cipher = s->l->key.strings;
    uint8_t key[32];

    if (cipher == KL_PDF_CIPHER_NONE) {
        return len;
    }
    size_t n = kl_pdf_key_of(&s->l->key, cipher, s->number, s->generation, key);
    if (cipher == KL_PDF_CIPHER_RC4) {
        struct arcfour_ctx rc4;
        arcfour_set_key(&rc4, n, key);
        arcfour_crypt(&rc4, len, ptr, ptr);
        explicit_bzero(&rc4, sizeof rc4);
    } else {
        struct kl_aes aes;
        len -= len % KL_AES_BLOCK;
        len = len > KL_AES_BLOCK ? len - KL_AES_BLOCK : 0;
        (void)kl_aes_set(&aes, kl_span_make(key, n));
        kl_aes_cbc(&aes, ptr, len, ptr + KL_AES_BLOCK);
        memmove(ptr, ptr + KL_AES_BLOCK, len);
        uint8_t fill = len > 0 ? ptr[len - 1] : 0;
        len -= fill <= KL_AES_BLOCK ? fill : 0;
        explicit_bzero(&aes, sizeof aes);
    }
    explicit_bzero(key, sizeof key);
    return len;
}

/* UTF-16 with its mark, or Latin letters. */
static enum kl_rc on_string(struct strings *s)
{
    struct kl_charset_seen seen = {false, false, false};
    size_t len = decipher(s, s->lex.string, s->lex.string_len);
    struct kl_span raw = kl_span_make(s->lex.string, len);
    size_t used = 0;
    size_t n = 0;

    if (len >= 2 && raw.ptr[0] == 0xFE && raw.ptr[1] == 0xFF) {
        n = kl_charset_wide(kl_span_part(raw, 2, len), KL_CHARSET_UTF16BE, true, s->text, &used,
                            &seen);
    } else {
        n = kl_charset_single(raw, KL_CHARSET_CP1252, true, s->text, &used, &seen);
    }
    if (n == 0) {
        return KL_OK;
    }
    s->text[n++] = '\n';
    if (s->out.max_bytes - s->out.len < n) {
        KL_TRY(flush(s));
    }
    return kl_buf_add(&s->out, s->text, n);
}

static void on_word(struct strings *s)
{
    if (kl_span_is(s->lex.text, "obj")) {
        s->number = s->last[0];
        s->generation = s->last[1];
        s->is_in = true;
    } else if (kl_span_is(s->lex.text, "endobj")) {
        s->is_in = false;
    }
    s->last[0] = s->last[1];
    s->last[1] = kl_pdf_number(s->lex.text);
}

/* The words in one window; what they take of it. */
static enum kl_rc read_window(struct strings *s, struct kl_span window, size_t *out_used)
{
    s->lex.in = window;
    s->lex.at = 0;
    for (;;) {
        enum kl_pdf_kind kind = kl_pdf_lex_next(&s->lex);
        if (kind == KL_PDF_END) {
            *out_used = s->lex.at;
            return KL_OK;
        }
        if (kind == KL_PDF_WORD) {
            on_word(s);
        } else if (kind == KL_PDF_TEXT && s->is_in) {
            KL_TRY(on_string(s));
        }
    }
}

static enum kl_rc read_between(struct strings *s, uint64_t from, uint64_t to)
{
    while (from < to) {
        size_t want = to - from < KL_PDF_WINDOW ? (size_t)(to - from) : KL_PDF_WINDOW;
        size_t n = 0;
        size_t used = 0;
        if (kl_input_read(s->l->in, from, s->l->window, want, &n) != KL_OK || n == 0) {
            return KL_OK;
        }
        KL_TRY(read_window(s, kl_span_make(s->l->window, n), &used));
        if (from + n >= to) {
            return KL_OK;
        }
        from += used > 0 ? used : n;
    }
    return KL_OK;
}

static enum kl_rc read_all(struct strings *s)
{
    struct kl_pdf_scan scan = {.in = s->l->in, .window = s->l->window};
    struct kl_pdf_stream stream;
    uint64_t from = 0;

    while (kl_pdf_next_stream(&scan, &stream)) {
        KL_TRY(read_between(s, from, stream.word_at));
        s->is_in = false;
        scan.n = 0; /* the window was used */
        from = scan.at;
    }
    KL_TRY(read_between(s, from, s->l->in->len_bytes));
    return flush(s);
}

enum kl_rc kl_pdf_lock_strings(struct kl_pdf_lock *l)
{
    struct strings *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return KL_E_NOMEM;
    }
    s->l = l;
    kl_buf_init(&s->out, STRINGS_BYTES);
    enum kl_rc rc = read_all(s);
    kl_buf_done(&s->out);
    free(s);
    return rc;
}
