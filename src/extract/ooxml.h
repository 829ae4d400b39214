/*
 * The readers of office documents that are XML: what stands in a part goes out as prose and
 * rows (flow.h). Both read any XML without losing text: what they do not know is a line.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_OOXML_H
#define KL_EXTRACT_OOXML_H

#include "extract/emit.h"
#include "extract/xml.h"

/**
 * WordprocessingML, DrawingML, PresentationML, charts, properties, relations, the XML of Word
 * and Excel 2003. Opens and closes its parts.
 * Source: ECMA-376 part 1 (17, 19, 21), transitional and strict.
 */
KL_MUST enum kl_rc kl_ooxml_read(struct kl_emit *e, struct kl_xml *x);
/** Root elements that it knows. */
bool kl_ooxml_has_root(const struct kl_xml_token *root);

/**
 * OpenDocument: content, styles, meta data, flat files.
 * Source: OASIS ODF 1.3 part 3.
 */
KL_MUST enum kl_rc kl_odf_read(struct kl_emit *e, struct kl_xml *x);
/** Tests: the same with every cell read the general way. */
KL_MUST enum kl_rc kl_odf_read_opts(struct kl_emit *e, struct kl_xml *x, bool no_fast);
bool kl_odf_has_root(const struct kl_xml_token *root);

/** The root's attributes hold this text (a namespace). */
static inline bool kl_xml_root_has(const struct kl_xml_token *root, struct kl_span text)
{
    return kl_span_find(root->attrs, 0, text) < root->attrs.len;
}

/** Text without anything to see. */
static inline bool kl_xml_is_blank(struct kl_span raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] > ' ') {
            return false;
        }
    }
    return true;
}

#endif
