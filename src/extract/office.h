/*
 * Office packages other than xlsx: docx, pptx, OpenDocument, xlsb. Reads the members it knows
 * and marks them as done; what is left (pictures, embedded documents) the zip reader reads by
 * its content.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_OFFICE_H
#define KL_EXTRACT_OFFICE_H

#include "extract/input.h"
#include "extract/package.h"

KL_MUST enum kl_rc kl_office_extract(struct kl_zip *zip);

/** Read a member that has the root element of a document, mark it as done. */
KL_MUST enum kl_rc kl_office_read_member(struct kl_package *p, struct kl_zip_member *m);

/**
 * The members that the manifest of an ODF package calls encrypted: with a password that is known
 * they are read, else that is said; they are marked as done.
 */
KL_MUST enum kl_rc kl_odf_manifest_read(struct kl_package *p, const struct kl_zip_member *manifest);

/** Workbook, sheets and strings of an xlsb. */
KL_MUST enum kl_rc kl_xlsb_extract(struct kl_zip *zip);

#endif
