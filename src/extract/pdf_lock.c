#include "extract/pdf_lock.h"

#include <stdio.h>
#include <stdlib.h>

#include "extract/password.h"
#include "extract/pdf_value.h"

#define MAX_RANGES 262144u
#define DICT_BYTES 8192u /* of the encryption dictionary; it has some hundred */
#define WORD "/Encrypt"
#define WORD_BYTES 8u
#define PIECE_BYTES 4096u

/* ---- the encryption dictionary ---- */

static bool is_blank(uint8_t c)
{
    return c <= ' ';
}

static bool is_word(struct kl_span s, size_t at)
{
    /* Not /EncryptMetadata. */
    return at + WORD_BYTES < s.len &&
           (is_blank(s.ptr[at + WORD_BYTES]) || s.ptr[at + WORD_BYTES] == '<');
}

/* The first half of the file's identity. */
static void read_id(struct kl_pdf_key *k, struct kl_pdf_lex *lex, struct kl_span trailer)
{
    for (size_t at = kl_span_find(trailer, 0, KL_SPAN_LIT("/ID")); at < trailer.len;
         at = kl_span_find(trailer, at + 3, KL_SPAN_LIT("/ID"))) {
        lex->in = kl_span_part(trailer, at + 3, trailer.len);
        lex->at = 0;
        if (kl_pdf_lex_next(lex) == KL_PDF_WORD && kl_span_is(lex->text, "[") &&
            kl_pdf_lex_next(lex) == KL_PDF_TEXT) {
            k->id_len = lex->string_len < sizeof k->id ? lex->string_len : sizeof k->id;
            memcpy(k->id, lex->string, k->id_len);
        }
    }
}

/* Where the object that "N G R" names begins; the end of the input: nowhere. */
static uint64_t find_object(struct kl_pdf_scan *s, uint32_t number, uint32_t generation)
{
    char word[40];
    uint64_t len = s->in->len_bytes;
    int n = snprintf(word, sizeof word, "%u %u obj", number, generation);
    struct kl_span w = kl_span_make(word, (size_t)n);

    for (uint64_t at = kl_pdf_find(s, 0, len, w); at < len;
         at = kl_pdf_find(s, at + w.len, len, w)) {
        uint8_t before = ' ';
        size_t got = 0;
        if (at > 0 && kl_input_read(s->in, at - 1, &before, 1, &got) != KL_OK) {
            return len;
        }
        if (is_blank(before)) {
            return at + w.len;
        }
    }
    return len;
}

static bool read_dict_at(struct kl_pdf_lock *l, uint64_t at)
{
    uint8_t buf[DICT_BYTES];
    size_t n = 0;

    return kl_input_read(l->in, at, buf, sizeof buf, &n) == KL_OK &&
           kl_pdf_key_read(&l->key, kl_span_make(buf, n));
}

/* In this part of the file there is a trailer with a dictionary that is known. */
static bool read_trailer(struct kl_pdf_lock *l, struct kl_pdf_lex *lex, uint64_t from)
{
    struct kl_pdf_scan scan = {.in = l->in, .window = l->window};
    uint8_t copy[256];
    size_t n = 0;

    if (kl_input_read(l->in, from, l->window, KL_PDF_WINDOW, &n) != KL_OK) {
        return false;
    }
    struct kl_span part = kl_span_make(l->window, n);
    size_t at = kl_span_find(part, 0, KL_SPAN_LIT(WORD));
    while (at < n && !is_word(part, at)) {
        at = kl_span_find(part, at + 1, KL_SPAN_LIT(WORD));
    }
    if (at >= n) {
        return false;
    }
    read_id(&l->key, lex, part);
    size_t len = n - at - WORD_BYTES < sizeof copy ? n - at - WORD_BYTES : sizeof copy;
    memcpy(copy, part.ptr + at + WORD_BYTES, len);
    lex->in = kl_span_make(copy, len);
    lex->at = 0;
    enum kl_pdf_kind kind = kl_pdf_lex_next(lex);
    if (kind == KL_PDF_OPEN) {
        return read_dict_at(l, from + at + WORD_BYTES);
    }
    uint32_t number = kl_pdf_number(lex->text);
    if (kind != KL_PDF_WORD || kl_pdf_lex_next(lex) != KL_PDF_WORD) {
        return false;
    }
    uint64_t object = find_object(&scan, number, kl_pdf_number(lex->text));
    return object < l->in->len_bytes && read_dict_at(l, object);
}

/* It stands at the end, in a file that is made for the web at the front. */
static enum kl_rc read_lock(struct kl_pdf_lock *l, bool *out_known)
{
    struct kl_pdf_lex *lex = calloc(1, sizeof *lex);
    uint64_t len = l->in->len_bytes;

    if (lex == NULL) {
        return KL_E_NOMEM;
    }
    *out_known = read_trailer(l, lex, len > KL_PDF_WINDOW ? len - KL_PDF_WINDOW : 0) ||
                 (len > KL_PDF_WINDOW && read_trailer(l, lex, 0));
    free(lex);
    return KL_OK;
}

/* ---- which streams ---- */

/* Without the line end in front of "endstream", which is not enciphered. Where the dictionary says
 * so it is data all the same. */
static uint64_t data_bytes(const struct kl_pdf_lock *l, const struct kl_pdf_stream *s)
{
    uint8_t end[2] = {0, 0};
    size_t want = s->len < 2 ? (size_t)s->len : 2;
    size_t n = 0;

    if (s->said > 0 && s->said <= s->len && s->len - s->said <= 2) {
        return s->said;
    }
    if (kl_input_read(l->in, s->at + s->len - want, end + 2 - want, want, &n) != KL_OK) {
        return s->len;
    }
    size_t eol = end[1] == '\n' ? 1 + (end[0] == '\r') : end[1] == '\r';
    return s->len - eol;
}

static enum kl_rc add_range(struct kl_pdf_lock *l, const struct kl_pdf_stream *s)
{
    if (!s->is_numbered || l->n_ranges == MAX_RANGES) {
        l->left_bytes += s->len;
        return KL_OK;
    }
    if (l->n_ranges == l->cap_ranges) {
        size_t cap = l->cap_ranges == 0 ? 64 : l->cap_ranges * 2;
        void *p = realloc(l->ranges, cap * sizeof *l->ranges);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        l->ranges = p;
        l->cap_ranges = cap;
    }
    l->ranges[l->n_ranges++] =
        (struct kl_pdf_range){s->at, data_bytes(l, s), s->number, s->generation};
    return KL_OK;
}

static bool is_enciphered(const struct kl_pdf_lock *l, const struct kl_pdf_stream *s)
{
    return s->len > 0 && l->key.streams != KL_PDF_CIPHER_NONE && !kl_pdf_names(s->dict, "/XRef") &&
           !kl_pdf_names(s->dict, "/Crypt") &&
           !(l->key.has_plain_metadata && kl_pdf_names(s->dict, "/Metadata"));
}

/* The trailers between two streams. */
static void add_marks(struct kl_pdf_lock *l, struct kl_pdf_scan *s, uint64_t from, uint64_t to)
{
    uint8_t word[WORD_BYTES + 1];
    size_t n = 0;

    for (uint64_t at = kl_pdf_find(s, from, to, KL_SPAN_LIT(WORD)); at < to;
         at = kl_pdf_find(s, at + WORD_BYTES, to, KL_SPAN_LIT(WORD))) {
        if (l->n_marks < KL_PDF_MARKS && kl_input_read(l->in, at, word, sizeof word, &n) == KL_OK &&
            is_word(kl_span_make(word, n), 0)) {
            l->marks[l->n_marks++] = at;
        }
    }
}

static enum kl_rc find_streams(struct kl_pdf_lock *l)
{
    struct kl_pdf_scan scan = {.in = l->in, .window = l->window};
    struct kl_pdf_stream s;
    uint64_t from = 0;

    while (kl_pdf_next_stream(&scan, &s)) {
        add_marks(l, &scan, from, s.word_at);
        from = scan.at;
        KL_TRY(is_enciphered(l, &s) ? add_range(l, &s) : KL_OK);
    }
    add_marks(l, &scan, from, l->in->len_bytes);
    return KL_OK;
}

/* ---- deciphering ---- */

/* How much is behind the padding: AES streams begin with a block of their own. */
static enum kl_rc measure(struct kl_pdf_lock *l, const struct kl_pdf_range *r)
{
    uint64_t len = r->len - r->len % KL_AES_BLOCK; /* the rest is a line end */
    uint8_t last[2 * KL_AES_BLOCK];
    size_t n = 0;

    l->plain_bytes = r->len;
    if (l->key.streams == KL_PDF_CIPHER_RC4) {
        return KL_OK;
    }
    l->plain_bytes = 0;
    if (len < sizeof last) {
        return KL_OK;
    }
    KL_TRY(kl_input_read(l->in, r->at + len - sizeof last, last, sizeof last, &n));
    kl_aes_cbc(&l->aes, last, KL_AES_BLOCK, last + KL_AES_BLOCK);
    uint8_t fill = last[sizeof last - 1];
    l->plain_bytes = len - KL_AES_BLOCK - (fill <= KL_AES_BLOCK ? fill : 0);
    explicit_bzero(last, sizeof last);
    return KL_OK;
}

static enum kl_rc enter(struct kl_pdf_lock *l, size_t i)
{
    const struct kl_pdf_range *r = &l->ranges[i];
    uint8_t key[32];

    if (l->current == i) {
        return KL_OK;
    }
    size_t n = kl_pdf_key_of(&l->key, l->key.streams, r->number, r->generation, key);
    if (l->key.streams == KL_PDF_CIPHER_RC4) {
        arcfour_set_key(&l->rc4, n, key);
        l->rc4_at = 0;
    } else {
        (void)kl_aes_set(&l->aes, kl_span_make(key, n));
    }
    explicit_bzero(key, sizeof key);
    l->current = l->n_ranges; /* until all went well */
    KL_TRY(measure(l, r));
    l->current = i;
    return KL_OK;
}

/* ptr holds the ciphertext from `at` of the stream on. */
static enum kl_rc rc4_piece(struct kl_pdf_lock *l, uint64_t at, size_t len, uint8_t *ptr)
{
    uint8_t waste[PIECE_BYTES];

    if (at < l->rc4_at) {
        size_t i = l->current;
        l->current = l->n_ranges;
        KL_TRY(enter(l, i));
    }
    while (l->rc4_at < at) {
        size_t n = at - l->rc4_at < sizeof waste ? (size_t)(at - l->rc4_at) : sizeof waste;
        arcfour_crypt(&l->rc4, n, waste, waste);
        l->rc4_at += n;
    }
    arcfour_crypt(&l->rc4, len, ptr, ptr);
    l->rc4_at += len;
    return KL_OK;
}

/* Up to a piece of the plain stream from `at` on; line ends behind it. */
static enum kl_rc aes_piece(struct kl_pdf_lock *l, const struct kl_pdf_range *r, uint64_t at,
                            size_t len, uint8_t *dst)
{
    uint8_t buf[PIECE_BYTES + 3 * KL_AES_BLOCK];
    size_t skip = (size_t)(at % KL_AES_BLOCK);
    size_t n = 0;

    memset(dst, '\n', len);
    if (at >= l->plain_bytes) {
        return KL_OK;
    }
    len = len < l->plain_bytes - at ? len : (size_t)(l->plain_bytes - at);
    /* The plain block i is made of the ciphertext's blocks i and i + 1. */
    size_t want = (skip + len + KL_AES_BLOCK - 1) / KL_AES_BLOCK * KL_AES_BLOCK + KL_AES_BLOCK;
    KL_TRY(kl_input_read(l->in, r->at + at - skip, buf, want, &n));
    n = n > KL_AES_BLOCK ? (n - KL_AES_BLOCK) / KL_AES_BLOCK * KL_AES_BLOCK : 0;
    kl_aes_cbc(&l->aes, buf, n, buf + KL_AES_BLOCK);
    n = n > skip ? n - skip : 0;
    memcpy(dst, buf + KL_AES_BLOCK + skip, len < n ? len : n);
    return KL_OK;
}

/* ---- the file ---- */

/* The first stream that ends behind `at`. */
static size_t range_at(const struct kl_pdf_lock *l, uint64_t at)
{
    size_t from = 0;
    size_t to = l->n_ranges;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (l->ranges[mid].at + l->ranges[mid].len > at) {
            to = mid;
        } else {
            from = mid + 1;
        }
    }
    return from;
}

/* The name of the dictionary gets another last letter. */
static void hide_marks(const struct kl_pdf_lock *l, uint64_t at, size_t len, uint8_t *ptr)
{
    for (size_t i = 0; i < l->n_marks; i++) {
        uint64_t letter = l->marks[i] + WORD_BYTES - 1;
        if (letter >= at && letter - at < len) {
            ptr[letter - at] = 'X';
        }
    }
}

/* Some bytes, at least one: what lies in one stream, or between two. */
static enum kl_rc read_some(struct kl_pdf_lock *l, uint64_t at, size_t len, uint8_t *dst,
                            size_t *out_n)
{
    size_t i = range_at(l, at);
    const struct kl_pdf_range *r = i < l->n_ranges ? &l->ranges[i] : NULL;

    if (r == NULL || at < r->at) {
        uint64_t left = r != NULL ? r->at - at : UINT64_MAX;
        KL_TRY(kl_input_read(l->in, at, dst, len < left ? len : (size_t)left, out_n));
        hide_marks(l, at, *out_n, dst);
        return KL_OK;
    }
    uint64_t left = r->at + r->len - at;
    len = len < left ? len : (size_t)left;
    len = len < PIECE_BYTES ? len : PIECE_BYTES;
    KL_TRY(enter(l, i));
    if (l->key.streams != KL_PDF_CIPHER_RC4) {
        *out_n = len;
        return aes_piece(l, r, at - r->at, len, dst);
    }
    KL_TRY(kl_input_read(l->in, at, dst, len, out_n));
    return rc4_piece(l, at - r->at, *out_n, dst);
}

static enum kl_rc lock_read(void *ctx, uint64_t at, void *dst, size_t n, size_t *out_n)
{
    struct kl_pdf_lock *l = ctx;
    size_t got = 1;
    uint64_t left = at < l->input.len_bytes ? l->input.len_bytes - at : 0;

    n = n < left ? n : (size_t)left;
    for (*out_n = 0; *out_n < n && got > 0; *out_n += got) {
        KL_TRY(read_some(l, at + *out_n, n - *out_n, (uint8_t *)dst + *out_n, &got));
    }
    return KL_OK;
}

/* ---- the lock ---- */

static enum kl_rc fits(void *ctx, struct kl_span password, bool *out_fits)
{
    struct kl_pdf_lock *l = ctx;
    *out_fits = kl_pdf_key_fits(&l->key, password);
    return KL_OK;
}

enum kl_rc kl_pdf_unlock(struct kl_emit *e, const struct kl_input *in, uint8_t *window,
                         struct kl_pdf_lock *out_l, bool *out_open)
{
    struct kl_pdf_lock *l = out_l;
    bool known = false;

    *out_open = false;
    *l = (struct kl_pdf_lock){.e = e, .in = in};
    l->window = window;
    KL_TRY(read_lock(l, &known));
    if (!known) {
        return KL_OK;
    }
    /* About 100 rounds of 10 KiB, for the user and the owner; before revision 6 next to none. */
    const struct kl_lock lock = {.fits = fits,
                                 .ctx = l,
                                 .hashes = l->key.revision == 6 ? 64000 : 200,
                                 .usual = "",
                                 .usual_code = "pdf.empty_password"};
    KL_TRY(kl_emit_try_passwords(e, &lock, out_open));
    if (*out_open) {
        KL_TRY(find_streams(l));
    }
    l->source = (struct kl_source){l, lock_read, NULL};
    l->input = kl_input_source(&l->source, in->len_bytes);
    l->current = l->n_ranges;
    return KL_OK;
}

void kl_pdf_lock_done(struct kl_pdf_lock *l)
{
    free(l->ranges);
    explicit_bzero(l, sizeof *l);
}
