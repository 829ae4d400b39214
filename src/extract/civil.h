/*
 * Day numbers as dates of the proleptic Gregorian calendar.
 * Thread rule: pure.
 */
#ifndef KL_EXTRACT_CIVIL_H
#define KL_EXTRACT_CIVIL_H

#include <stdint.h>

/** Days since 1970-01-01 to year, month, day (eras of 400 years). */
static inline void kl_civil(int64_t days, int out_ymd[static 3])
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    out_ymd[2] = (int)(doy - (153 * mp + 2) / 5 + 1);
    out_ymd[1] = (int)(mp < 10 ? mp + 3 : mp - 9);
    out_ymd[0] = (int)(yoe + era * 400 + (out_ymd[1] <= 2));
}

#endif
