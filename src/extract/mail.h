/*
 * Mail by its content: for sniff.c.
 * Thread rule: pure functions.
 */
#ifndef KL_EXTRACT_MAIL_H
#define KL_EXTRACT_MAIL_H

#include "base/span.h"

/** The head of a message: two headers that mails have, in front of anything else but headers. */
bool kl_mail_is_message(struct kl_span head);

/** The head of an mbox: a "From " line and a header behind it. */
bool kl_mail_is_mbox(struct kl_span head);

#endif
