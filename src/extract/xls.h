/*
 * Old Excel workbooks: BIFF8, BIFF5/7 (in the stream "Workbook" or "Book" of a compound file),
 * BIFF2-4 (a file of their own).
 * Source: [MS-XLS]; OpenOffice.org's documentation of the Excel file format for BIFF2-5.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_XLS_H
#define KL_EXTRACT_XLS_H

#include "extract/cfb.h"
#include "extract/emit.h"

/**
 * The workbook in stream i of a compound file: a level named as the stream, in it one for
 * each sheet. It is marked as done. Encrypted and not with Excel's own password: NOT_INSPECTED.
 */
KL_MUST enum kl_rc kl_xls_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t i);

#endif
