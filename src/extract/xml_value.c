#include "extract/xml_value.h"

#include "extract/base64.h"
#include "extract/xml.h"

#define LETTERS 128u /* in base64, with line ends; KL_XML_BASE64_MAX bytes have 88 */

bool kl_xml_attr_is(struct kl_span attrs, const char *name, const char *value)
{
    struct kl_span v;
    return kl_xml_attr(attrs, name, &v) && kl_span_is(v, value);
}

uint32_t kl_xml_attr_number(struct kl_span attrs, const char *name)
{
    struct kl_span v;
    uint64_t n = 0;

    if (!kl_xml_attr(attrs, name, &v)) {
        return 0;
    }
    for (size_t i = 0; i < v.len && v.ptr[i] >= '0' && v.ptr[i] <= '9' && n < UINT32_MAX; i++) {
        n = n * 10 + (v.ptr[i] - (uint64_t)'0');
    }
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

size_t kl_xml_attr_base64(struct kl_span attrs, const char *name, uint8_t *out)
{
    struct kl_base64 b = {0, 0, false};
    uint8_t buf[LETTERS / 4 * 3 + 6];
    struct kl_span v;

    if (!kl_xml_attr(attrs, name, &v) || v.len > LETTERS) {
        return 0;
    }
    size_t n = kl_base64_add(&b, v, buf);
    n += kl_base64_end(&b, buf + n);
    if (n > KL_XML_BASE64_MAX) {
        return 0;
    }
    memcpy(out, buf, n);
    return n;
}
