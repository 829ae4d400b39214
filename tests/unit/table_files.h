/* A folder with the files of a register, and the real extract worker, for tests of the build. */
#ifndef KL_TESTS_TABLE_FILES_H
#define KL_TESTS_TABLE_FILES_H

#include "extract/worker.h"
#include "kt.h"

#include <dirent.h>
#include <unistd.h>
#include <xlsxwriter.h>

static char tf_dir[64];

static inline void tf_begin(void)
{
    (void)snprintf(tf_dir, sizeof tf_dir, "/tmp/kulla-test-XXXXXX");
    KT_OK(mkdtemp(tf_dir) != NULL);
}

static inline const char *tf_path(const char *name)
{
    static char paths[8][400]; /* a few at a time */
    static unsigned n;
    char *p = paths[n++ % 8];

    (void)snprintf(p, sizeof paths[0], "%s/%s", tf_dir, name);
    return p;
}

static inline const char *tf_write(const char *name, const void *bytes, size_t n)
{
    const char *path = tf_path(name);
    FILE *f = fopen(path, "w");

    KT_OK(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
    return path;
}

static inline const char *tf_text(const char *name, const char *text)
{
    return tf_write(name, text, strlen(text));
}

/* The whole file with a zero behind it; the caller frees. NULL: there is none. */
static inline char *tf_read(const char *path, size_t *out_n)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;
    char *text = malloc(1u << 24);

    if (f == NULL) {
        free(text);
        return NULL;
    }
    n = fread(text, 1, (1u << 24) - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    if (out_n != NULL) {
        *out_n = n;
    }
    return text;
}

/* How many names the folder has; with a wipe they are gone then. */
static inline unsigned tf_names(bool wipe)
{
    unsigned n = 0;
    DIR *d = opendir(tf_dir);
    const struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            n++;
            if (wipe) {
                (void)unlink(tf_path(e->d_name));
            }
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

static inline void tf_end(void)
{
    (void)tf_names(true);
    KT_EQ(rmdir(tf_dir), 0);
}

/* A workbook from text: '|' between cells, '\n' between rows, '\f' between sheets. */
static inline const char *tf_workbook(const char *name, const char *text)
{
    const char *path = tf_path(name);
    lxw_workbook *book = workbook_new(path);
    lxw_worksheet *sheet = workbook_add_worksheet(book, NULL);
    lxw_row_t row = 0;
    lxw_col_t col = 0;

    for (const char *p = text; *p != '\0';) {
        char cell[200];
        size_t n = strcspn(p, "|\n\f");
        (void)snprintf(cell, sizeof cell, "%.*s", (int)n, p);
        if (n > 0) {
            (void)worksheet_write_string(sheet, row, col, cell, NULL);
        }
        p += n;
        col = *p == '|' ? (lxw_col_t)(col + 1) : 0;
        row = *p == '|' ? row : row + 1;
        if (*p == '\f') {
            sheet = workbook_add_worksheet(book, NULL);
            row = 0;
        }
        p += *p != '\0';
    }
    KT_EQ(workbook_close(book), LXW_NO_ERROR);
    return path;
}

/* main() of a test whose worker is the test itself. */
static inline int tf_main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "extract") == 0) {
        return kl_extract_worker_main();
    }
    if (getenv("KULLA_EMULATED") != NULL) { /* tools/test, arm64 under qemu-user */
        puts("TAP version 13\n1..0 # SKIP no caged worker under user-mode emulation");
        return 0;
    }
    return kt_run(argc, argv);
}

#endif
