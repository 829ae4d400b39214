/*
 * An archive inside or behind a file whose head is something else: a self-extracting program, a
 * picture with an archive behind it, a document that is two things at once.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_APPENDED_H
#define KL_EXTRACT_APPENDED_H

#include "extract/extract.h"

/** An image of a CD or DVD, with or without something in its system area. */
bool kl_is_iso(const struct kl_input *in);

/**
 * Look for a zip, 7z or rar in an input that was read as `format` already, and read the first
 * one found from where it begins, as a member "(archive at N)".
 */
KL_MUST enum kl_rc kl_extract_appended(struct kl_emit *e, const struct kl_input *in,
                                       enum kl_format format);

#endif
