#include "cmd/cmd.h"
#include "cmd/cmd_synth.h"
#include "extract/worker.h"
#include "kulla/version.h"
#include "os/tool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"demo", "replay the 2021 salary leak on a synthetic nation", kl_cmd_demo},
    {"keygen", "make a key file", kl_cmd_keygen},
    {"register", "build an index of a register, or show one", kl_cmd_register},
    {"scan", "look for registers and identifiers in files", kl_cmd_scan},
    {"synth", "make a synthetic nation to try and test with", kl_cmd_synth},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int print_usage(void)
{
    (void)fputs("usage: kulla COMMAND [options]\n\n", stdout);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        (void)printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("\n'kulla help COMMAND' tells more; 'kulla --version' the version.\n", stdout);
    return kl_cmd_flush(KL_EXIT_DONE);
}

static int run_help(int argc, char **argv)
{
    char help[] = "--help";

    if (argc < 2) {
        return print_usage();
    }
    const struct command *c = find_command(argv[1]);
    if (c == NULL) {
        return kl_cmd_wrong("unknown command", argv[1], "see 'kulla help'");
    }
    return c->run(2, (char *[]){argv[1], help, NULL});
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "extract") == 0) {
        return kl_extract_worker_main();
    }
    if (argc == 3 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "tool") == 0) {
        return kl_tool_role_main();
    }
    /* A closed pipe and a file at its limit (ulimit -f) are write errors, told as such. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        return kl_cmd_wrong("no command", "kulla", "see 'kulla help'");
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("kulla %s\n", kl_version());
        return kl_cmd_flush(KL_EXIT_DONE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return print_usage();
    }
    if (strcmp(argv[1], "help") == 0) {
        return run_help(argc - 1, argv + 1);
    }
    const struct command *c = find_command(argv[1]);
    if (c == NULL) {
        return kl_cmd_wrong(argv[1][0] == '-' ? "unknown option" : "unknown command", argv[1],
                            "see 'kulla help'");
    }
    return c->run(argc - 1, argv + 1);
}
