#include "extract/warm.h"

#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

void kl_warm_up(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the cage there is one thread */
    bool utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
    static const char *const sets[] = {"CP932", "UTF-8", "UTF-16BE", "UTF-16LE"};
    /* Kept open on purpose: a table that is loaded stays loaded. */
    for (size_t i = 0; i < (utf8 ? 1 : sizeof sets / sizeof sets[0]); i++) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
        (void)iconv_open(nl_langinfo(CODESET), sets[i]);
    }
    /* Dates of members are turned with mktime, which looks for the zone's file. */
    (void)setenv("TZ", "UTC0", 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    tzset();
    wchar_t w;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
    (void)mbtowc(&w, "\xc3\xab", 2);
}
