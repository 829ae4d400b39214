/*
 * Properties of Outlook's messages, as .msg and winmail.dat number them.
 * Source: [MS-OXPROPS], [MS-OXCDATA] 2.11.
 */
#ifndef KL_EXTRACT_MAPI_H
#define KL_EXTRACT_MAPI_H

#include <stddef.h>

/* Types. */
#define KL_MAPI_STRING 0x1Eu /* in the message's code page */
#define KL_MAPI_UNICODE 0x1Fu
#define KL_MAPI_OBJECT 0x0Du
#define KL_MAPI_BINARY 0x102u
#define KL_MAPI_MANY 0x1000u /* flag: several values */

/* Numbers. */
#define KL_MAPI_BODY 0x1000u
#define KL_MAPI_RTF 0x1009u
#define KL_MAPI_HTML 0x1013u
#define KL_MAPI_DISPLAY_NAME 0x3001u
#define KL_MAPI_DATA 0x3701u
#define KL_MAPI_SHORT_NAME 0x3704u
#define KL_MAPI_LONG_NAME 0x3707u

/** What a mail would call the property; NULL: it is not that well known. */
static inline const char *kl_mapi_name(unsigned id)
{
    static const struct {
        unsigned id;
        const char *name;
    } names[] = {
        {0x0037, "Subject"}, {0x0C1A, "From"},    {0x0C1F, "From"},       {0x0E02, "Bcc"},
        {0x0E03, "Cc"},      {0x0E04, "To"},      {0x3001, "Name"},       {0x3003, "Address"},
        {0x39FE, "Address"}, {0x007D, "Headers"}, {0x1035, "Message-ID"}, {0x3704, "File"},
        {0x3707, "File"},    {0x0042, "Sender"},  {0x0E1D, "Subject"},    {0x0070, "Topic"},
        {0x5D01, "Sender"},  {0x5D02, "Sender"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].id == id) {
            return names[i].name;
        }
    }
    return NULL;
}

#endif
