#include "cmd/demo_office.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_MEMOS 3000u
#define PHONE_ROWS 400u
#define PATH_BYTES 1200

static enum kl_rc close_file(FILE *f, struct kl_err *err)
{
    bool bad = ferror(f) != 0;

    return fclose(f) != 0 || bad ? kl_fail_errno(err, "cannot write a file of the office") : KL_OK;
}

/* Plain office prose: dates, amounts and numbers as memos have them, nobody's data. */
static enum kl_rc write_memo(const char *office, unsigned i, struct kl_err *err)
{
    static const char *const topics[] = {"buxheti", "mirëmbajtja", "prokurimi",  "trajnimi",
                                         "siguria", "arkiva",      "transporti", "raporti vjetor"};
    static const char *const verbs[] = {"shqyrtoi", "miratoi", "ktheu për plotësim", "shtyu",
                                        "mbylli"};
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/memo-%04u.txt", office, i);
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        return kl_fail_errno(err, "cannot make a file of the office");
    }
    (void)fprintf(f, "Nr. %u prot., Tiranë, %02u.%02u.2021\n\nTema: %s\n\n", 1000 + i * 7 % 9000,
                  1 + i % 28, 1 + i % 12, topics[i % 8]);
    for (unsigned k = 0; k < 12 + i % 40; k++) {
        (void)fprintf(f,
                      "%u. Drejtoria %s pikën %u të rendit të ditës (%s); shuma %u,%03u lekë, "
                      "afati %u ditë, fatura %06u.\n",
                      k + 1, verbs[(i + k) % 5], k + 1, topics[(i * 3 + k) % 8], 10 + k * i % 900,
                      (i * 37 + k) % 1000, 5 + k % 90, (i * 7919 + k * 104729) % 1000000);
    }
    return close_file(f, err);
}

/* Moved, not copied: the look-alikes are the nation's controls. */
static unsigned move_look_alikes(const char *nation, const char *office)
{
    static const char *const names[] = {"30-phone-book.csv", "30-foreign-list.csv",
                                        "30-own-file.txt",   "30-procurement.csv",
                                        "30-prose-en.txt",   "30-prose-sq.txt"};
    unsigned n = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char from[PATH_BYTES];
        char to[PATH_BYTES];
        (void)snprintf(from, sizeof from, "%s/leaks/%s", nation, names[i]);
        (void)snprintf(to, sizeof to, "%s/%s", office, names[i] + 3);
        n += rename(from, to) == 0;
    }
    return n;
}

/* "Given Family  0691234567" of the first rows that have a phone, pasted into a mail. */
static enum kl_rc write_mail(const char *nation, const char *office, struct kl_err *err)
{
    char path[PATH_BYTES];
    char line[1024];
    unsigned n = 0;

    (void)snprintf(path, sizeof path, "%s/salaries.csv", nation);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return kl_fail_errno(err, "cannot read the nation");
    }
    (void)snprintf(path, sizeof path, "%s/re-kontaktet.eml", office);
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        (void)fclose(in);
        return kl_fail_errno(err, "cannot make a file of the office");
    }
    (void)fputs("From: zyra@example.org\nTo: privat@example.com\nSubject: kontaktet\n"
                "Content-Type: text/plain; charset=utf-8\n\nJa numrat qe kerkove:\n\n",
                out);
    while (n < PHONE_ROWS && fgets(line, sizeof line, in) != NULL) {
        char *save = NULL;
        char *given = strtok_r(line, ",", &save) != NULL ? strtok_r(NULL, ",", &save) : NULL;
        char *father = strtok_r(NULL, ",", &save);
        char *family = strtok_r(NULL, ",", &save);
        char *phone = save != NULL ? strrchr(save, ',') : NULL;
        if (given != NULL && father != NULL && family != NULL && phone != NULL && phone[1] == '0') {
            (void)fprintf(out, "%s %s  %s", given, family, phone + 1);
            n++;
        }
    }
    (void)fclose(in);
    return close_file(out, err);
}

enum kl_rc kl_demo_office(const char *nation, const char *office, unsigned *out_n_files,
                          struct kl_err *err)
{
    for (unsigned i = 0; i < N_MEMOS; i++) {
        KL_TRY(write_memo(office, i, err));
    }
    KL_TRY(write_mail(nation, office, err));
    *out_n_files = N_MEMOS + 1 + move_look_alikes(nation, office);
    return KL_OK;
}
