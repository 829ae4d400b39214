/* A whole text in another coding: character sets, broken ones too, and transfer codings. */
#include "register/synth_leak_int.h"

/* The text has no letter beyond ASCII but ë ç Ë Ç, unless a tweak put it there (UTF only). */
struct eight_bit {
    const char *e; /* ë */
    const char *c; /* ç */
    const char *E;
    const char *C;
};

static const struct eight_bit eight_bit[] = {
    [KL_SYNTH_LATIN] = {"\xEB", "\xE7", "\xCB", "\xC7"},
    [KL_SYNTH_CP852] = {"\x89", "\x87", "\xD3", "\x80"},
    [KL_SYNTH_MAC] = {"\x91", "\x8D", "\xE8", "\x82"},
    [KL_SYNTH_MOJI_1252] = {"Ã«", "Ã§", "Ã‹", "Ã‡"},
    [KL_SYNTH_MOJI_1250] = {"Ă«", "Ă§", "Ă‹", "Ă‡"},
    [KL_SYNTH_MOJI_437] = {"├½", "├º", "├ï", "├ç"},
    [KL_SYNTH_MOJI_TWICE] = {"\xC3\x83\xC2\xAB", "\xC3\x83\xC2\xA7", "\xC3\x83\xC2\x8B",
                             "\xC3\x83\xC2\x87"},
    [KL_SYNTH_ENTITIES] = {"&euml;", "&ccedil;", "&Euml;", "&Ccedil;"},
};

static void eight_bit_put(struct kl_synth_text *out, struct kl_span in, const struct eight_bit *map)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t b = in.ptr[i];
        if (b != 0xC3 || i + 1 == in.len) {
            kl_synth_text_char(out, (char)b);
            continue;
        }
        switch (in.ptr[++i]) {
        case 0xAB:
            kl_synth_text_str(out, map->e);
            break;
        case 0xA7:
            kl_synth_text_str(out, map->c);
            break;
        case 0x8B:
            kl_synth_text_str(out, map->E);
            break;
        default:
            kl_synth_text_str(out, map->C);
            break;
        }
    }
}

/* Our own text: always well-formed. */
static uint32_t utf8_next(struct kl_span in, size_t *at)
{
    uint32_t c = in.ptr[(*at)++];
    unsigned more = c < 0xC0 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    c = more == 0 ? c : c & (0x3Fu >> more);
    for (; more > 0 && *at < in.len; more--) {
        c = c << 6 | (in.ptr[(*at)++] & 0x3Fu);
    }
    return c;
}

static void utf_put(struct kl_synth_text *out, struct kl_span in, unsigned width, bool big,
                    bool bom)
{
    size_t at = 0;
    while (bom || at < in.len) {
        uint32_t c = bom ? 0xFEFF : utf8_next(in, &at);
        bom = false;
        char unit[4];
        for (unsigned i = 0; i < width; i++) {
            unsigned shift = 8 * (big ? width - 1 - i : i);
            unit[i] = (char)(c >> shift & 0xFF);
        }
        kl_synth_text_add(out, unit, width);
    }
}

static void base64_put(struct kl_synth_text *out, struct kl_span in, size_t line)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t col = 0;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t v = (uint32_t)in.ptr[i] << 16;
        v |= n > 1 ? (uint32_t)in.ptr[i + 1] << 8 : 0;
        v |= n > 2 ? in.ptr[i + 2] : 0;
        char four[4] = {digit[v >> 18], digit[v >> 12 & 63], digit[v >> 6 & 63], digit[v & 63]};
        if (n < 3) {
            four[3] = '=';
            if (n < 2) {
                four[2] = '=';
            }
        }
        kl_synth_text_add(out, four, 4);
        col += 4;
        if (line != 0 && col >= line) {
            kl_synth_text_str(out, "\r\n");
            col = 0;
        }
    }
    kl_synth_text_str(out, "\r\n");
}

static bool is_plain(uint8_t b)
{
    return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z');
}

static void byte_put(struct kl_synth_text *out, const char *before, uint8_t b, bool upper)
{
    const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    kl_synth_text_str(out, before);
    kl_synth_text_char(out, digit[b >> 4]);
    kl_synth_text_char(out, digit[b & 15]);
}

static void hex_put(struct kl_synth_text *out, struct kl_span in)
{
    for (size_t i = 0; i < in.len; i++) {
        byte_put(out, i > 0 && i % 32 == 0 ? "\n" : "", in.ptr[i], false);
    }
    kl_synth_text_char(out, '\n');
}

static void url_put(struct kl_synth_text *out, struct kl_span in, bool all)
{
    kl_synth_text_str(out, "data=");
    for (size_t i = 0; i < in.len; i++) {
        uint8_t b = in.ptr[i];
        if (!all && (is_plain(b) || b == '-' || b == '.' || b == '_')) {
            kl_synth_text_char(out, (char)b);
        } else if (!all && b == ' ') {
            kl_synth_text_char(out, '+');
        } else {
            byte_put(out, "%", b, true);
        }
    }
}

static void entities_put(struct kl_synth_text *out, struct kl_span in)
{
    size_t at = 0;
    while (at < in.len) {
        uint32_t c = utf8_next(in, &at);
        if (c > 127 || is_plain((uint8_t)c)) {
            kl_synth_text_str(out, "&#");
            kl_synth_text_number(out, c);
            kl_synth_text_char(out, ';');
        } else {
            kl_synth_text_str(out, c == '\n' ? "<br>\n" : "");
            kl_synth_text_add(out, &(char){(char)c}, c == '\n' ? 0 : 1);
        }
    }
}

static void mail_head_put(struct kl_synth_text *out, const char *coding)
{
    kl_synth_text_str(
        out, "From: shembull@example.invalid\r\nTo: dikush@example.invalid\r\n"
             "Subject: lista\r\nDate: Wed, 22 Dec 2021 09:12:00 +0100\r\nMIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ");
    kl_synth_text_str(out, coding);
    kl_synth_text_str(out, "\r\n\r\n");
}

static void qp_put(struct kl_synth_text *out, struct kl_span in)
{
    size_t col = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t b = in.ptr[i];
        if (b == '\n') {
            kl_synth_text_str(out, "\r\n");
            col = 0;
            continue;
        }
        bool coded = b > 126 || b < ' ' || b == '=';
        if (col + (coded ? 3 : 1) > 75) {
            kl_synth_text_str(out, "=\r\n");
            col = 0;
        }
        if (coded) {
            byte_put(out, "=", b, true);
        } else {
            kl_synth_text_char(out, (char)b);
        }
        col += coded ? 3 : 1;
    }
}

void kl_synth_code_put(struct kl_synth_text *out, struct kl_span in, enum kl_synth_code code)
{
    switch (code) {
    case KL_SYNTH_UTF8_BOM:
        kl_synth_text_str(out, "\xEF\xBB\xBF");
        kl_synth_text_span(out, in);
        break;
    case KL_SYNTH_UTF8:
        kl_synth_text_span(out, in);
        break;
    case KL_SYNTH_LATIN:
    case KL_SYNTH_CP852:
    case KL_SYNTH_MAC:
    case KL_SYNTH_MOJI_1252:
    case KL_SYNTH_MOJI_1250:
    case KL_SYNTH_MOJI_437:
    case KL_SYNTH_MOJI_TWICE:
    case KL_SYNTH_ENTITIES:
        eight_bit_put(out, in, &eight_bit[code]);
        break;
    case KL_SYNTH_UTF16LE:
    case KL_SYNTH_UTF16LE_BOM:
        utf_put(out, in, 2, false, code == KL_SYNTH_UTF16LE_BOM);
        break;
    case KL_SYNTH_UTF16BE:
    case KL_SYNTH_UTF16BE_BOM:
        utf_put(out, in, 2, true, code == KL_SYNTH_UTF16BE_BOM);
        break;
    case KL_SYNTH_UTF32LE:
    case KL_SYNTH_UTF32LE_BOM:
        utf_put(out, in, 4, false, code == KL_SYNTH_UTF32LE_BOM);
        break;
    case KL_SYNTH_UTF32BE_BOM:
        utf_put(out, in, 4, true, true);
        break;
    case KL_SYNTH_BASE64:
    case KL_SYNTH_BASE64_ONE:
        base64_put(out, in, code == KL_SYNTH_BASE64 ? 76 : 0);
        break;
    case KL_SYNTH_BASE64_MAIL:
        mail_head_put(out, "base64");
        base64_put(out, in, 76);
        break;
    case KL_SYNTH_PLAIN_MAIL:
        mail_head_put(out, "8bit");
        kl_synth_text_str(out, "Përshëndetje,\r\n\r\nja lista e kërkuar:\r\n\r\n");
        kl_synth_text_span(out, in);
        break;
    case KL_SYNTH_HEX:
        hex_put(out, in);
        break;
    case KL_SYNTH_URL:
    case KL_SYNTH_URL_ALL:
        url_put(out, in, code == KL_SYNTH_URL_ALL);
        break;
    case KL_SYNTH_ENTITIES_ALL:
        entities_put(out, in);
        break;
    case KL_SYNTH_QP_MAIL:
        mail_head_put(out, "quoted-printable");
        qp_put(out, in);
        break;
    case KL_SYNTH_QP:
        qp_put(out, in);
        break;
    }
}
