#include "cmd/cmd.h"

#include "crypt/key.h"

#include <stdio.h>
#include <string.h>

int kl_cmd_keygen(int argc, char **argv)
{
    static const char remedy[] = "see 'kulla help keygen'";
    struct kl_err err = {0};
    int first = 1;

    if (kl_cmd_help(kl_usage_keygen, argc, argv)) {
        return kl_cmd_flush(KL_EXIT_DONE);
    }
    if (first < argc && strcmp(argv[first], "--") == 0) {
        first++;
    } else if (first < argc && argv[first][0] == '-') {
        return kl_cmd_wrong("unknown option", argv[first], remedy);
    }
    if (argc - first != 1) {
        return kl_cmd_wrong(argc > first ? "more than one KEYFILE" : "no KEYFILE", "kulla keygen",
                            remedy);
    }
    if (kl_key_generate(argv[first], &err) != KL_OK) {
        return kl_cmd_failed(argv[first], &err);
    }
    return KL_EXIT_DONE;
}
