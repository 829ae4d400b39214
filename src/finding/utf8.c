#include "finding/utf8.h"

static uint32_t byte_at(struct kl_span text, size_t at)
{
    struct kl_span one = kl_span_part(text, at, at + 1);
    return one.len == 1 ? *one.ptr : 0;
}

size_t kl_utf8_char(struct kl_span text, size_t at, uint32_t *out_cp)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (at >= text.len) {
        return 0;
    }
    uint32_t c = byte_at(text, at);
    if (c < 0x80) {
        *out_cp = c;
        return 1;
    }
    size_t len = c >= 0xf0 && c < 0xf8   ? 4
                 : c >= 0xe0 && c < 0xf0 ? 3
                 : c >= 0xc0 && c < 0xe0 ? 2
                                         : 0;
    if (len == 0 || len > text.len - at) {
        return 0;
    }
    uint32_t cp = c & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        uint32_t next = byte_at(text, at + i);
        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        cp = cp << 6 | (next & 0x3f);
    }
    if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000)) {
        return 0;
    }
    *out_cp = cp;
    return len;
}

bool kl_utf8_is_wellformed(struct kl_span text)
{
    uint32_t cp = 0;
    for (size_t at = 0, len = 0; at < text.len; at += len) {
        len = kl_utf8_char(text, at, &cp);
        if (len == 0) {
            return false;
        }
    }
    return true;
}

bool kl_utf8_is_plain(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad) {
        return false;
    }
    bool hidden = (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
                  (cp >= 0x2060 && cp <= 0x206f) || cp == 0x61c || cp == 0xfeff ||
                  (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe0fff);
    return !hidden;
}
