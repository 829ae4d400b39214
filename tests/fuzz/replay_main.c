/*
 * Feeds a fuzz target its stored corpus: the empty input, then every file of the folders
 * given, in exact-size heap copies so that a sanitizer sees a read one byte past the end.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    uint8_t *data = NULL;
    size_t len = 0;
    char part[65536];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0) {
        uint8_t *more = realloc(data, len + n);
        if (more == NULL) {
            abort();
        }
        data = more;
        memcpy(data + len, part, n);
        len += n;
    }
    (void)fclose(f);
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 0;
}

static int replay_folder(const char *folder, unsigned *n_files)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, NULL, alphasort);
    int bad = 0;

    if (n < 0) {
        perror(folder);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            /* Printed first: when the target aborts, the last line names the input. */
            printf("%s\n", path);
            (void)fflush(stdout);
            bad |= replay_file(path);
            (*n_files)++;
        }
        free(names[i]);
    }
    free(names);
    return bad;
}

int main(int argc, char **argv)
{
    unsigned n_files = 0;
    int bad = 0;

    uint8_t *room = calloc(1, 1);
    if (room == NULL) {
        return 1;
    }
    (void)LLVMFuzzerTestOneInput(room + 1, 0); /* at its end: reading one byte is an overrun */
    free(room);
    for (int i = 1; i < argc; i++) {
        bad |= replay_folder(argv[i], &n_files);
    }
    printf("%u inputs and the empty one\n", n_files);
    return bad != 0 || n_files == 0;
}
