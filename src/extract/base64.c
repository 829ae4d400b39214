#include "extract/base64.h"

#define PAD 64u
#define SPACE 65u
#define ODD 66u

static uint8_t values[256];

__attribute__((constructor)) static void fill_values(void)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    memset(values, ODD, sizeof(values));
    for (uint8_t i = 0; i < 64; i++) {
        values[(uint8_t)letters[i]] = i;
    }
    values['-'] = 62;
    values['_'] = 63;
    values['='] = PAD;
    values['\t'] = values['\n'] = values['\r'] = values[' '] = values['\f'] = SPACE;
}

uint8_t kl_base64_value(uint8_t c)
{
    return values[c];
}

size_t kl_base64_end(struct kl_base64 *b, uint8_t *out)
{
    size_t n = b->n > 1 ? b->n - 1u : 0;

    if (n > 0) {
        out[0] = (uint8_t)(b->n == 2 ? b->bits >> 4 : b->bits >> 10);
    }
    if (n > 1) {
        out[1] = (uint8_t)(b->bits >> 2);
    }
    b->n = 0;
    b->bits = 0;
    return n;
}

size_t kl_base64_add(struct kl_base64 *b, struct kl_span in, uint8_t *out)
{
    size_t o = 0;
    size_t i = 0;

    while (i < in.len) {
        while (b->n == 0 && in.len - i >= 4) {
            const uint8_t *p = in.ptr + i;
            uint8_t c[4] = {values[p[0]], values[p[1]], values[p[2]], values[p[3]]};
            if ((c[0] | c[1] | c[2] | c[3]) >= PAD) {
                break;
            }
            out[o] = (uint8_t)(c[0] << 2 | c[1] >> 4);
            out[o + 1] = (uint8_t)(c[1] << 4 | c[2] >> 2);
            out[o + 2] = (uint8_t)(c[2] << 6 | c[3]);
            o += 3;
            i += 4;
        }
        if (i == in.len) {
            break;
        }
        uint8_t v = values[in.ptr[i++]];
        if (v < PAD) {
            b->bits = b->bits << 6 | v;
            b->n++;
            if (b->n == 4) {
                out[o] = (uint8_t)(b->bits >> 16);
                out[o + 1] = (uint8_t)(b->bits >> 8);
                out[o + 2] = (uint8_t)b->bits;
                o += 3;
                b->n = 0;
                b->bits = 0;
            }
        } else if (v == PAD) {
            o += kl_base64_end(b, out + o);
        } else {
            b->odd = b->odd || v == ODD;
        }
    }
    return o;
}
