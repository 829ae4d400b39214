#include "extract/mail_head.h"

#include "extract/mail_words.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool kl_mail_starts(struct kl_span s, const char *word)
{
    size_t i = 0;

    while (word[i] != '\0' && i < s.len && lower(s.ptr[i]) == (uint8_t)word[i]) {
        i++;
    }
    return word[i] == '\0';
}

bool kl_mail_is(struct kl_span s, const char *word)
{
    return s.len == strlen(word) && kl_mail_starts(s, word);
}

size_t kl_mail_field_len(struct kl_span line)
{
    size_t n = 0;

    while (n < line.len && line.ptr[n] > ' ' && line.ptr[n] < 0x7F && line.ptr[n] != ':') {
        n++;
    }
    size_t colon = n;
    while (colon < line.len && (line.ptr[colon] == ' ' || line.ptr[colon] == '\t')) {
        colon++;
    }
    return n > 0 && n < 128 && colon < line.len && line.ptr[colon] == ':' ? n : 0;
}

void kl_mail_head_init(struct kl_mail_head *h)
{
    h->type[0] = '\0';
    h->coding = KL_MAIL_CODING_NONE;
    h->charset = (struct kl_codepage){0};
    h->content_bytes = UINT64_MAX;
    h->is_multipart = h->is_flowed = h->is_delsp = h->is_encrypted = h->is_twice = false;
    h->n_types = h->n_codings = h->n_boundaries = 0;
    h->name.len = 0;
}

/* ---- what is of interest ---- */

static bool param_is(struct kl_span value, const char *name, const char *want)
{
    struct kl_mail_name v;
    return kl_mail_param_get(value, name, 0, &v) && kl_mail_is(kl_span_make(v.ptr, v.len), want);
}

static void take_boundaries(struct kl_mail_head *h, struct kl_span value)
{
    for (unsigned nth = 0; nth < 2 && h->n_boundaries < 2; nth++) {
        struct kl_mail_name *b = &h->boundary[h->n_boundaries];
        if (!kl_mail_param_get(value, "boundary", nth, b)) {
            break;
        }
        while (b->len > 0 && b->ptr[b->len - 1] == ' ') {
            b->len--;
        }
        h->n_boundaries += b->len > 0 && b->len <= KL_MAIL_BOUNDARY_BYTES;
    }
}

static void take_type(struct kl_mail_head *h, struct kl_span value)
{
    struct kl_mail_name v;
    size_t n = 0;

    take_boundaries(h, value);
    if (h->n_types++ > 0) {
        h->is_twice = true;
        return; /* the first counts; the other one's boundary was taken along */
    }
    value = kl_span_trim(value);
    for (size_t i = 0; i < value.len && n < sizeof(h->type) - 1; i++) {
        uint8_t c = lower(value.ptr[i]);
        if (c <= ' ' || c == ';' || c == '(' || c >= 0x7F) {
            break;
        }
        h->type[n++] = (char)c;
    }
    h->type[n] = '\0';
    h->is_multipart = strncmp(h->type, "multipart/", 10) == 0;
    h->is_flowed = param_is(value, "format", "flowed");
    h->is_delsp = param_is(value, "delsp", "yes");
    h->is_encrypted = strcmp(h->type, "multipart/encrypted") == 0 ||
                      param_is(value, "smime-type", "enveloped-data") ||
                      param_is(value, "smime-type", "authenveloped-data");
    if (kl_mail_param_get(value, "charset", 0, &v)) {
        h->charset = kl_codepage_by_name(kl_span_make(v.ptr, v.len));
    }
    if (h->name.len == 0) {
        (void)kl_mail_param_get(value, "name", 0, &h->name);
    }
}

static void take_coding(struct kl_mail_head *h, struct kl_span value)
{
    static const struct {
        const char *name;
        enum kl_mail_coding coding;
    } known[] = {
        {"base64", KL_MAIL_CODING_BASE64},
        {"quoted-printable", KL_MAIL_CODING_QP},
        {"quotedprintable", KL_MAIL_CODING_QP},
        {"x-uu", KL_MAIL_CODING_UU},
        {"uue", KL_MAIL_CODING_UU},
        {"x-yenc", KL_MAIL_CODING_YENC},
    };
    enum kl_mail_coding coding = KL_MAIL_CODING_NONE;

    value = kl_span_trim(value);
    value = value.len > 0 && value.ptr[0] == '"' ? kl_span_part(value, 1, value.len) : value;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (kl_mail_starts(value, known[i].name)) {
            coding = known[i].coding;
        }
    }
    if (h->n_codings++ > 0 && coding != h->coding) {
        h->is_twice = true;
        /* One that changes something wins: what is read wrongly is read as it stands too. */
        coding = h->coding != KL_MAIL_CODING_NONE ? h->coding : coding;
    }
    h->coding = coding;
}

static void take_length(struct kl_mail_head *h, struct kl_span value)
{
    uint64_t n = 0;

    value = kl_span_trim(value);
    for (size_t i = 0; i < value.len; i++) {
        if ((uint8_t)(value.ptr[i] - '0') >= 10 || n > UINT64_MAX / 16) {
            return;
        }
        n = n * 10 + value.ptr[i] - '0';
    }
    h->content_bytes = value.len > 0 ? n : UINT64_MAX;
}

/* ---- a header ---- */

/* The decoded value as one line. */
static void join_lines(struct kl_buf *text, size_t from)
{
    size_t o = from;

    for (size_t i = from; i < text->len; i++) {
        uint8_t c = text->ptr[i];
        if (c == '\r' || c == '\n') {
            continue;
        }
        text->ptr[o++] = c;
    }
    text->len = o;
}

enum kl_rc kl_mail_head_take(struct kl_mail_head *h, struct kl_span raw, struct kl_buf *text)
{
    size_t n = kl_mail_field_len(raw);
    struct kl_span name = kl_span_part(raw, 0, n);
    size_t from = text->len;
    size_t had_name = h->name.len;

    if (n == 0) {
        KL_TRY(kl_buf_add(text, raw.ptr, raw.len));
        return kl_buf_add_u8(text, '\n');
    }
    KL_TRY(kl_mail_words_add(text, raw));
    join_lines(text, from);
    KL_TRY(kl_buf_add_u8(text, '\n'));
    const uint8_t *colon = memchr(raw.ptr + n, ':', raw.len - n);
    struct kl_span value = kl_span_part(raw, (size_t)(colon - raw.ptr) + 1, raw.len);
    if (kl_mail_is(name, "content-type")) {
        take_type(h, value);
    } else if (kl_mail_is(name, "content-transfer-encoding")) {
        take_coding(h, value);
    } else if (kl_mail_is(name, "content-length")) {
        take_length(h, value);
    } else if (kl_mail_is(name, "content-disposition")) {
        struct kl_mail_name file;
        if (kl_mail_param_get(value, "filename", 0, &file) && file.len > 0) {
            h->name = file;
            had_name = 0;
        }
    }
    if (h->name.len > 0 && had_name == 0) {
        KL_TRY(kl_buf_add(text, h->name.ptr, h->name.len));
        KL_TRY(kl_buf_add_u8(text, '\n'));
    }
    return KL_OK;
}
