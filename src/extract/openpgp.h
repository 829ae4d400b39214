/*
 * OpenPGP messages in binary (RFC 4880, 9580): what is encrypted is said to be, what is only signed
 * or compressed is opened. Armour is base64 in a text, whose run is decoded and comes here.
 * Thread rule: as emit.h.
 */
#ifndef KL_EXTRACT_OPENPGP_H
#define KL_EXTRACT_OPENPGP_H

#include "extract/emit.h"
#include "extract/input.h"

/** Packets of an OpenPGP message, in binary: its first ones, as far as the head goes, must fit. */
bool kl_openpgp_is_message(struct kl_span head);

/** A message that begins with a compressed packet: the head is unpacked to tell. */
KL_MUST enum kl_rc kl_openpgp_guess(struct kl_span head, bool *out_is);

#endif
