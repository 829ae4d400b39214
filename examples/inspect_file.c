/*
 * libkulla in a program: may this file pass?
 *
 *     cc inspect_file.c $(pkg-config --cflags --libs kulla) -o inspect_file
 *     ./inspect_file salaries.kidx salaries.key FILE [KULLA]
 *
 * Exit status: 0 it may, 1 it may not (held, blocked, not inspected), 3 there is no answer.
 */
#include <inttypes.h>
#include <kulla/kulla.h>
#include <stdio.h>
#include <stdlib.h>

static int show(const struct kl_finding *f)
{
    enum kl_verdict verdict = kl_finding_verdict_get(f);
    const struct kl_finding_register *r;
    const char *name;
    char *json;

    printf("%s: %s\n", kl_verdict_name(verdict), kl_finding_rule_get(f));
    for (size_t i = 0; (r = kl_finding_register_get(f, i)) != NULL; i++) {
        printf("%" PRIu64 " rows of %s:", kl_finding_register_rows_get(r),
               kl_finding_register_name_get(r));
        for (size_t c = 0; (name = kl_finding_column_get(r, c, NULL)) != NULL; c++) {
            printf(" %s", name);
        }
        printf("\n");
    }
    if (kl_finding_json_get(f, &json, NULL, NULL) == KL_OK) {
        fputs(json, stdout);
        free(json);
    }
    return verdict != KL_VERDICT_PASS && verdict != KL_VERDICT_LOG;
}

int main(int argc, char **argv)
{
    struct kl_engine *engine = NULL;
    struct kl_scanner *scanner = NULL;
    struct kl_finding *finding = NULL;
    struct kl_err err = {.what = "usage: inspect_file INDEX KEY FILE [KULLA]"};
    int status = 3;

    if (argc >= 4) {
        struct kl_inspect_index index = {argv[1], argv[2]};
        struct kl_engine_opts opts = {.size_bytes = sizeof opts, .indexes = &index, .n_indexes = 1};
        opts.program = argv[4]; /* NULL: the kulla that was installed with the library */
        if (kl_engine_new(&opts, &engine, &err) == KL_OK &&
            kl_scanner_new(engine, &scanner, &err) == KL_OK &&
            kl_scanner_path(scanner, argv[3], &finding, &err) == KL_OK) {
            status = show(finding);
        }
    }
    fprintf(stderr, "%s%s", err.what, status == 3 ? "\n" : "");
    kl_finding_free(&finding);
    kl_scanner_free(&scanner);
    kl_engine_free(&engine);
    return status;
}
