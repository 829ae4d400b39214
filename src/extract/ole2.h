/*
 * What compound files hold: the readers of the formats that are written as one, and the rest of
 * the file, of which nothing is skipped. Private to extract's ole2, msg, doc and ppt files; the
 * door is kl_extract_ole2.
 *
 * A reader takes the streams it knows (kl_cfb_done_set) and leaves the others: they are read as
 * members by their content, then free sectors and what stands behind the ends of streams.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_OLE2_H
#define KL_EXTRACT_OLE2_H

#include "extract/cfb.h"
#include "extract/emit.h"

/** An Outlook message (also one inside another): `storage` holds its properties. */
KL_MUST enum kl_rc kl_msg_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t storage);

/** The text of a Word 97 document; `stream` is its WordDocument, which stays a member too. */
KL_MUST enum kl_rc kl_doc_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t stream);

/** The text of PowerPoint 97; `stream` is "PowerPoint Document", which stays a member too. */
KL_MUST enum kl_rc kl_ppt_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t stream);

/** A stream by its content, as the level `name`; it is marked done. */
KL_MUST enum kl_rc kl_ole2_member(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i,
                                  struct kl_span name);

#endif
