/* The folder that a program writes files into when its output is not enough. */
#include "inspect/outside_int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Memory first: what is written there is gone with the folder. */
bool kl_outside_scratch_make(char *out, size_t cap)
{
    static const char *const roots[] = {"/dev/shm", "/tmp"};

    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        int n = snprintf(out, cap, "%s/kulla-XXXXXX", roots[i]);
        if (n > 0 && (size_t)n < cap && mkdtemp(out) != NULL) {
            return true;
        }
    }
    return false;
}

/* They write into one folder, without folders below. */
void kl_outside_scratch_remove(const char *folder)
{
    DIR *d = opendir(folder);

    for (struct dirent *e = NULL; d != NULL && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void)unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    (void)rmdir(folder);
}
