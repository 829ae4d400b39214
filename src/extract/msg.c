/*
 * Outlook messages: properties as streams named by number and type.
 * Source: [MS-OXMSG] 2.1-2.4, [MS-OXPROPS].
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "extract/decoded.h"
#include "extract/extract.h"
#include "extract/lzfu.h"
#include "extract/mapi.h"
#include "extract/ole2.h"

#define TEXT_BYTES 1048576u
#define SHORT_BYTES 16384u /* a longer string is a text of its own */
#define NAME_BYTES 512u

struct msg {
    struct kl_emit *e;
    struct kl_cfb *cfb;
    uint32_t storage;
    struct kl_codepage set; /* of its 8-bit strings */
    struct kl_buf text;
};

struct prop {
    unsigned id;
    unsigned type;
};

static int hex4(struct kl_span s, size_t at)
{
    int v = 0;
    for (size_t i = at; i < at + 4; i++) {
        uint8_t c = s.ptr[i] | 0x20;
        int d = (uint8_t)(s.ptr[i] - '0') < 10 ? s.ptr[i] - '0'
                : (uint8_t)(c - 'a') < 6       ? c - 'a' + 10
                                               : -1;
        if (d < 0) {
            return -1;
        }
        v = v << 4 | d;
    }
    return v;
}

/* "__substg1.0_0037001F" */
static bool prop_of(struct kl_span name, struct prop *out)
{
    static const char begin[] = "__substg1.0_";
    size_t n = sizeof(begin) - 1;

    if (name.len < n + 8 || memcmp(name.ptr, begin, n) != 0) {
        return false;
    }
    int id = hex4(name, n);
    int type = hex4(name, n + 4);
    if (id < 0 || type < 0) {
        return false;
    }
    *out = (struct prop){(unsigned)id, (unsigned)type & ~KL_MAPI_MANY};
    return true;
}

static bool starts(struct kl_span name, const char *with)
{
    return name.len >= strlen(with) && memcmp(name.ptr, with, strlen(with)) == 0;
}

/* ---- strings ---- */

static struct kl_codepage set_of(const struct msg *m, const struct prop *p)
{
    return p->type == KL_MAPI_UNICODE ? kl_codepage_by_number(1200) : m->set;
}

static enum kl_rc flush_text(struct msg *m)
{
    struct kl_input in = kl_input_mem(kl_buf_span(&m->text));

    if (in.len_bytes == 0) {
        return KL_OK;
    }
    KL_TRY(kl_extract_text(m->e, &in));
    m->text.len = 0;
    return KL_OK;
}

/* A short string, decoded, behind what there is. */
static enum kl_rc add_string(struct msg *m, uint32_t i, const struct prop *p)
{
    uint8_t raw[SHORT_BYTES];
    uint8_t text[3 * SHORT_BYTES + 8];
    struct kl_cfb_stream s;
    size_t n = 0;

    kl_cfb_stream_open(m->cfb, i, &s);
    if (kl_input_read(&s.in, 0, raw, sizeof(raw), &n) != KL_OK) {
        return kl_emit_not_inspected(m->e, KL_REASON_IO, s.in.len_bytes);
    }
    struct kl_decoder d = kl_decoder_init(set_of(m, p));
    n = kl_decoder_add(&d, kl_span_make(raw, n), text);
    while (n > 0 && text[n - 1] == 0) {
        n--;
    }
    for (size_t k = 0; k < n; k++) {
        text[k] = text[k] == 0 ? ' ' : text[k];
    }
    return kl_buf_add(&m->text, text, n);
}

/* "Name: value" */
static enum kl_rc take_string(struct msg *m, uint32_t i, const struct prop *p)
{
    const char *name = kl_mapi_name(p->id);

    kl_cfb_done_set(m->cfb, i);
    if (m->text.len + 4 * SHORT_BYTES > m->text.max_bytes) {
        KL_TRY(flush_text(m));
    }
    if (name != NULL) {
        KL_TRY(kl_buf_addf(&m->text, "%s: ", name));
    } else {
        KL_TRY(kl_buf_addf(&m->text, "%04X: ", p->id));
    }
    KL_TRY(add_string(m, i, p));
    return kl_buf_add_u8(&m->text, '\n');
}

/* ---- the streams of a storage ---- */

/* A text or a file of its own: the body in its forms, long strings. */
static enum kl_rc take_long(struct msg *m, uint32_t i, const struct prop *p)
{
    struct kl_cfb_stream s;
    char other[8];
    const char *name = p->id == KL_MAPI_BODY   ? "body"
                       : p->id == KL_MAPI_HTML ? "html"
                       : p->id == KL_MAPI_RTF  ? "rtf"
                                               : other;

    (void)snprintf(other, sizeof(other), "%04X", p->id);
    kl_cfb_done_set(m->cfb, i);
    kl_cfb_stream_open(m->cfb, i, &s);
    if (s.in.len_bytes == 0) {
        return KL_OK;
    }
    if (p->id == KL_MAPI_RTF && p->type == KL_MAPI_BINARY) {
        return kl_lzfu_extract(m->e, &s.in, kl_span_str(name));
    }
    if (p->type == KL_MAPI_BINARY) {
        return kl_plain_extract(m->e, &s.in, kl_span_str(name));
    }
    return kl_decoded_extract(m->e, &s.in, set_of(m, p), kl_span_str(name));
}

/* Strings into the text (`short_only`), then what is read on its own. */
static enum kl_rc take_streams(struct msg *m, uint32_t storage, bool short_only)
{
    uint32_t i = kl_cfb_entry_get(m->cfb, storage)->child;

    for (; i != KL_CFB_NONE; i = kl_cfb_entry_get(m->cfb, i)->sibling) {
        const struct kl_cfb_entry *entry = kl_cfb_entry_get(m->cfb, i);
        struct prop p;
        if (entry->kind != KL_CFB_KIND_STREAM || entry->is_done ||
            !prop_of(kl_cfb_name(m->cfb, i), &p)) {
            continue;
        }
        bool string = p.type == KL_MAPI_UNICODE || p.type == KL_MAPI_STRING;
        bool own = p.id == KL_MAPI_BODY || p.id == KL_MAPI_HTML || p.id == KL_MAPI_RTF;
        bool is_short = string && !own && entry->len_bytes <= SHORT_BYTES;
        if (short_only && is_short) {
            KL_TRY(take_string(m, i, &p));
        } else if (!short_only && (own || (string && !is_short))) {
            KL_TRY(take_long(m, i, &p));
        }
    }
    return KL_OK;
}

static bool is_child_storage(const struct msg *m, uint32_t i, const char *with)
{
    return kl_cfb_entry_get(m->cfb, i)->kind == KL_CFB_KIND_STORAGE &&
           starts(kl_cfb_name(m->cfb, i), with);
}

static enum kl_rc take_recipients(struct msg *m)
{
    uint32_t i = kl_cfb_entry_get(m->cfb, m->storage)->child;

    for (; i != KL_CFB_NONE; i = kl_cfb_entry_get(m->cfb, i)->sibling) {
        if (is_child_storage(m, i, "__recip_version1.0_")) {
            KL_TRY(take_streams(m, i, true));
        }
    }
    return KL_OK;
}

/* ---- attachments ---- */

/* "2/paga.xlsx": the long name, else the short one. */
static enum kl_rc attachment_name(struct msg *m, uint32_t storage, unsigned number,
                                  struct kl_buf *out)
{
    static const unsigned ids[] = {KL_MAPI_LONG_NAME, KL_MAPI_SHORT_NAME, KL_MAPI_DISPLAY_NAME};
    struct prop p;

    KL_TRY(kl_buf_addf(out, "%u", number));
    for (unsigned k = 0; k < 3; k++) {
        uint32_t i = kl_cfb_entry_get(m->cfb, storage)->child;
        for (; i != KL_CFB_NONE; i = kl_cfb_entry_get(m->cfb, i)->sibling) {
            const struct kl_cfb_entry *entry = kl_cfb_entry_get(m->cfb, i);
            if (entry->kind != KL_CFB_KIND_STREAM || entry->len_bytes == 0 ||
                entry->len_bytes > NAME_BYTES || !prop_of(kl_cfb_name(m->cfb, i), &p) ||
                p.id != ids[k] || (p.type != KL_MAPI_UNICODE && p.type != KL_MAPI_STRING)) {
                continue;
            }
            size_t from = m->text.len;
            KL_TRY(add_string(m, i, &p));
            KL_TRY(kl_buf_add_u8(out, '/'));
            KL_TRY(kl_buf_add(out, m->text.ptr + from, m->text.len - from));
            m->text.len = from;
            return KL_OK;
        }
    }
    return KL_OK;
}

/* A message in this one, at a level of its own. */
static enum kl_rc take_embedded(struct msg *m, uint32_t storage, struct kl_span name)
{
    enum kl_rc rc = kl_emit_enter(m->e, name, 0);

    if (rc == KL_E_LIMIT) {
        return KL_OK; /* said; its streams are read as members, without being understood */
    }
    KL_TRY(rc);
    rc = kl_msg_extract(m->e, m->cfb, storage);
    kl_emit_leave(m->e);
    return rc;
}

static enum kl_rc take_attachment(struct msg *m, uint32_t storage, struct kl_span name)
{
    uint32_t data = kl_cfb_find(m->cfb, storage, "__substg1.0_37010102");
    uint32_t object = kl_cfb_find(m->cfb, storage, "__substg1.0_3701000D");

    if (data != KL_CFB_NONE && kl_cfb_entry_get(m->cfb, data)->kind == KL_CFB_KIND_STREAM) {
        KL_TRY(kl_ole2_member(m->e, m->cfb, data, name));
    }
    if (object != KL_CFB_NONE && kl_cfb_entry_get(m->cfb, object)->kind == KL_CFB_KIND_STORAGE &&
        kl_cfb_find(m->cfb, object, "__properties_version1.0") != KL_CFB_NONE) {
        return take_embedded(m, object, name);
    }
    return KL_OK;
}

static enum kl_rc take_attachments(struct msg *m)
{
    uint32_t i = kl_cfb_entry_get(m->cfb, m->storage)->child;
    unsigned number = 0;

    for (; i != KL_CFB_NONE; i = kl_cfb_entry_get(m->cfb, i)->sibling) {
        struct kl_buf name;
        if (!is_child_storage(m, i, "__attach_version1.0_")) {
            continue;
        }
        number++;
        kl_buf_init(&name, 4 * NAME_BYTES);
        enum kl_rc rc = attachment_name(m, i, number, &name);
        rc = rc == KL_OK ? take_streams(m, i, true) : rc;
        rc = rc == KL_OK ? flush_text(m) : rc;
        rc = rc == KL_OK ? take_attachment(m, i, kl_buf_span(&name)) : rc;
        kl_buf_done(&name);
        KL_TRY(rc);
    }
    return KL_OK;
}

/* ---- the message ---- */

/* The code page of 8-bit strings, from the table of fixed properties. */
static void find_set(struct msg *m)
{
    uint32_t i = kl_cfb_find(m->cfb, m->storage, "__properties_version1.0");
    struct kl_cfb_stream s;
    uint8_t entry[16];
    size_t n = 0;

    if (i == KL_CFB_NONE) {
        return;
    }
    kl_cfb_stream_open(m->cfb, i, &s);
    for (uint64_t at = m->storage == 0 ? 32 : 24; at < 65536; at += sizeof(entry)) {
        if (kl_input_read(&s.in, at, entry, sizeof(entry), &n) != KL_OK || n < sizeof(entry)) {
            return;
        }
        struct kl_rd r = kl_rd_init(kl_span_make(entry, n));
        unsigned type = kl_rd_le16(&r);
        unsigned id = kl_rd_le16(&r);
        kl_rd_skip(&r, 4);
        if (type == 3 && (id == 0x3FFD || id == 0x3FDE)) {
            m->set = kl_codepage_by_number(kl_rd_le32(&r));
            return;
        }
    }
}

static enum kl_rc read_all(struct msg *m)
{
    find_set(m);
    KL_TRY(take_streams(m, m->storage, true));
    KL_TRY(take_recipients(m));
    KL_TRY(flush_text(m));
    KL_TRY(take_streams(m, m->storage, false));
    return take_attachments(m);
}

enum kl_rc kl_msg_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t storage)
{
    struct msg m = {.e = e, .cfb = cfb, .storage = storage};

    kl_buf_init(&m.text, TEXT_BYTES);
    enum kl_rc rc = read_all(&m);
    kl_buf_done(&m.text);
    return rc;
}
