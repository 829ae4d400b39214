/*
 * What a library would open files for once a worker is caged.
 * Thread rule: once, before the cage, while there is one thread.
 */
#ifndef KL_EXTRACT_WARM_H
#define KL_EXTRACT_WARM_H

/**
 * Set the time zone to UTC, load the UTF-8 locale and a table of CP932, both for names that
 * libarchive converts (7z and rar hold UTF-16, lha may say CP932). Without C.UTF-8 names lose their
 * letters, nothing else.
 */
void kl_warm_up(void);

#endif
