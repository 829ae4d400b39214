/* Words of a mail header in other sets of characters: RFC 2047, and parameters of RFC 2231. */
#ifndef KL_EXTRACT_MAIL_WORDS_H
#define KL_EXTRACT_MAIL_WORDS_H

#include "base/buf.h"
#include "extract/mail_head.h"

/** Append the value of a header, folds and encoded words undone. KL_E_NOMEM, KL_E_LIMIT. */
KL_MUST enum kl_rc kl_mail_words_add(struct kl_buf *out, struct kl_span value);

/**
 * The parameter `name` (small letters) of a value "thing; name=x; other=y".
 * @param nth  0: the first that is so called, 1: the second
 * @return false: there is none; too long is cut
 */
bool kl_mail_param_get(struct kl_span value, const char *name, unsigned nth,
                       struct kl_mail_name *out);

#endif
