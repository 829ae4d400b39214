#include "register/synth_zip.h"

#include "base/fold.h"
#include "extract/inflate.h"

#define DOS_DATE 0x5396u /* 22 December 2021: the same bytes each time */

void kl_synth_le(struct kl_synth_text *t, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        kl_synth_text_char(t, (char)(uint8_t)(i < 8 ? v >> (8 * i) : 0));
    }
}

size_t kl_synth_wide(struct kl_synth_text *t, struct kl_span utf8)
{
    size_t units = 0;
    for (size_t at = 0; at < utf8.len; units++) {
        uint32_t cp = kl_utf8_next(utf8, &at);
        if (cp >= 0x10000) {
            kl_synth_le(t, 0xD800 + ((cp - 0x10000) >> 10), 2);
            cp = 0xDC00 + (cp & 0x3FF);
            units++;
        }
        kl_synth_le(t, cp, 2);
    }
    return units;
}

void kl_synth_zip_init(struct kl_synth_zip *z)
{
    kl_synth_text_init(&z->out);
    kl_synth_text_init(&z->directory);
    z->n = 0;
}

void kl_synth_zip_done(struct kl_synth_zip *z)
{
    kl_buf_done(&z->out.buf);
    kl_buf_done(&z->directory.buf);
}

/* What the local header and the directory share: from the version on. */
static void put_head(struct kl_synth_text *t, struct kl_span content, size_t name_len)
{
    kl_synth_le(t, 20, 2);
    kl_synth_le(t, 0, 2);
    kl_synth_le(t, 0, 2); /* stored */
    kl_synth_le(t, 0, 2);
    kl_synth_le(t, DOS_DATE, 2);
    kl_synth_le(t, kl_inflate_crc(content), 4);
    kl_synth_le(t, content.len, 4);
    kl_synth_le(t, content.len, 4);
    kl_synth_le(t, name_len, 2);
    kl_synth_le(t, 0, 2);
}

void kl_synth_zip_add(struct kl_synth_zip *z, const char *name, struct kl_span content)
{
    size_t at = z->out.buf.len;
    kl_synth_le(&z->out, 0x04034b50, 4);
    put_head(&z->out, content, strlen(name));
    kl_synth_text_str(&z->out, name);
    kl_synth_text_span(&z->out, content);
    kl_synth_le(&z->directory, 0x02014b50, 4);
    kl_synth_le(&z->directory, 20, 2);
    put_head(&z->directory, content, strlen(name));
    kl_synth_le(&z->directory, 0, 10);
    kl_synth_le(&z->directory, at, 4);
    kl_synth_text_str(&z->directory, name);
    z->n++;
}

void kl_synth_zip_add_str(struct kl_synth_zip *z, const char *name, const char *content)
{
    kl_synth_zip_add(z, name, kl_span_str(content));
}

void kl_synth_zip_end(struct kl_synth_zip *z)
{
    size_t at = z->out.buf.len;
    kl_synth_text_span(&z->out, kl_buf_span(&z->directory.buf));
    kl_synth_le(&z->out, 0x06054b50, 4);
    kl_synth_le(&z->out, 0, 4);
    kl_synth_le(&z->out, z->n, 2);
    kl_synth_le(&z->out, z->n, 2);
    kl_synth_le(&z->out, z->directory.buf.len, 4);
    kl_synth_le(&z->out, at, 4);
    kl_synth_le(&z->out, 0, 2);
    z->out.rc = z->out.rc == KL_OK ? z->directory.rc : z->out.rc;
}
