/*
 * gen_xlsx: a CSV table as a workbook, for bench/run only.
 *   gen_xlsx shared|inline COLUMNS IN.csv OUT.xlsx
 * Plain cells (no quoted separators: a quoted field is unquoted, its commas kept). A cell of the
 * column "salary" is written as a number.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

/* Cuts the next field out of *at, unquoted in place. */
static char *field(char **at)
{
    char *p = *at, *out = p, *start = p;
    bool quoted = *p == '"';
    p += quoted;
    while (*p && (quoted || *p != ',')) {
        if (quoted && *p == '"') {
            if (p[1] != '"') {
                quoted = false;
                p++;
                continue;
            }
            p++;
        }
        *out++ = *p++;
    }
    *at = *p ? p + 1 : p;
    *out = 0;
    return start;
}

int main(int argc, char **argv)
{
    FILE *in = argc == 5 ? fopen(argv[3], "r") : NULL;
    if (!in) {
        fprintf(stderr, "usage: gen_xlsx shared|inline COLUMNS IN.csv OUT.xlsx\n");
        return 2;
    }
    lxw_workbook_options options = {.constant_memory = strcmp(argv[1], "inline") == 0};
    lxw_workbook *book = workbook_new_opt(argv[4], &options);
    lxw_worksheet *sheet = workbook_add_worksheet(book, NULL);
    lxw_col_t columns = (lxw_col_t)strtoul(argv[2], NULL, 10), salary = columns;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    for (lxw_row_t row = 0; (len = getline(&line, &room, in)) > 0; row++) {
        line[strcspn(line, "\r\n")] = 0;
        char *at = line;
        for (lxw_col_t c = 0; c < columns; c++) {
            char *cell = field(&at);
            if (row == 0 && strcmp(cell, "salary") == 0) {
                salary = c;
            }
            if (row > 0 && c == salary) {
                worksheet_write_number(sheet, row, c, strtod(cell, NULL), NULL);
            } else {
                worksheet_write_string(sheet, row, c, cell, NULL);
            }
        }
    }
    free(line);
    fclose(in);
    return workbook_close(book) == LXW_NO_ERROR ? 0 : 1;
}
