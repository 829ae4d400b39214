/*
 * Attributes of XML as what they stand for.
 * Thread rule: pure.
 */
#ifndef KL_EXTRACT_XML_VALUE_H
#define KL_EXTRACT_XML_VALUE_H

#include "base/span.h"

#define KL_XML_BASE64_MAX 64u /* bytes of a value in base64; none that is wanted is longer */

/** The attribute is there and has this value. */
bool kl_xml_attr_is(struct kl_span attrs, const char *name, const char *value);

/** The decimal digits at its front; 0: there are none; UINT32_MAX: so much, or more. */
uint32_t kl_xml_attr_number(struct kl_span attrs, const char *name);

/**
 * The bytes that stand there in base64.
 * @param out  room for KL_XML_BASE64_MAX
 * @return how many; 0: it is not there, or longer
 */
size_t kl_xml_attr_base64(struct kl_span attrs, const char *name, uint8_t *out);

#endif
