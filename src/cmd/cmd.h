/*
 * What the subcommands share: exit codes, errors on stderr, the table of commands.
 */
#ifndef KL_CMD_CMD_H
#define KL_CMD_CMD_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

enum kl_exit {
    KL_EXIT_DONE = 0,  /* nothing at or above the threshold */
    KL_EXIT_FOUND = 1, /* findings at or above --fail-on */
    KL_EXIT_WRONG_USE = 2,
    KL_EXIT_FAILED = 3,        /* could not do it */
    KL_EXIT_NOT_INSPECTED = 4, /* something was not inspected, nothing else was found */
};

/** "kulla: what, where, remedy" on stderr; `where` may hold any bytes. @return KL_EXIT_WRONG_USE */
int kl_cmd_wrong(const char *what, const char *where, const char *remedy);

/**
 * "kulla: what, where line N, remedy" on stderr, of an err whose phrase is "what; remedy".
 * @param where  mostly a path; NULL: left out
 * @return KL_EXIT_FAILED
 */
int kl_cmd_failed(const char *where, const struct kl_err *err);

/** A warning of the same form. */
void kl_cmd_note(const char *what, const char *where, const char *remedy);

/** Is `arg` "--help" anywhere before "--"? Then the usage of the command goes to stdout. */
bool kl_cmd_help(const char *usage, int argc, char *const *argv);

/** getopt's complaint about argv as words: unknown option or missing value. `got` is what
 * getopt_long returned. */
int kl_cmd_bad_option(int got, char *const *argv, const char *remedy);

/** Flush stdout; a full disk or a closed pipe is KL_EXIT_FAILED, else `code`. */
int kl_cmd_flush(int code);

/* Each gets argv from its own name on. */
int kl_cmd_demo(int argc, char **argv);
int kl_cmd_keygen(int argc, char **argv);
int kl_cmd_register(int argc, char **argv);
int kl_cmd_scan(int argc, char **argv);

extern const char kl_usage_demo[];
extern const char kl_usage_keygen[];
extern const char kl_usage_register[];
extern const char kl_usage_scan[];

#endif
