#include "cmd/cmd.h"

#include "finding/write.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* `where` may be a path or an argument with escape sequences in it. */
static void say(const char *what, size_t n_what, const char *where, uint64_t line,
                const char *remedy)
{
    struct kl_buf b;
    kl_buf_init(&b, 65536);
    enum kl_rc rc = where != NULL ? kl_write_safe(kl_span_str(where), &b) : KL_OK;

    (void)fprintf(stderr, "kulla: %.*s", (int)n_what, what);
    if (rc == KL_OK && b.len > 0) {
        (void)fprintf(stderr, ", %.*s", (int)b.len, (const char *)b.ptr);
    }
    if (line > 0) {
        (void)fprintf(stderr, " line %" PRIu64, line);
    }
    if (remedy[0] != '\0') {
        (void)fprintf(stderr, ", %s", remedy);
    }
    (void)fputc('\n', stderr);
    kl_buf_done(&b);
}

int kl_cmd_wrong(const char *what, const char *where, const char *remedy)
{
    say(what, strlen(what), where, 0, remedy);
    return KL_EXIT_WRONG_USE;
}

void kl_cmd_note(const char *what, const char *where, const char *remedy)
{
    say(what, strlen(what), where, 0, remedy);
}

int kl_cmd_failed(const char *where, const struct kl_err *err)
{
    const char *what = err->what[0] != '\0' ? err->what : kl_rc_name(err->rc);
    const char *remedy = strstr(what, "; ");

    if (remedy != NULL) {
        say(what, (size_t)(remedy - what), where, err->at_line, remedy + 2);
    } else {
        say(what, strlen(what), where, err->at_line,
            err->rc == KL_E_IO      ? "check the path, its permissions and the disk"
            : err->rc == KL_E_NOMEM ? "free memory or use fewer --jobs"
                                    : "");
    }
    return KL_EXIT_FAILED;
}

bool kl_cmd_help(const char *usage, int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(usage, stdout);
            return true;
        }
    }
    return false;
}

int kl_cmd_bad_option(int got, char *const *argv, const char *remedy)
{
    return kl_cmd_wrong(got == ':' ? "an option without its value" : "unknown option",
                        argv[optind - 1], remedy);
}

int kl_cmd_flush(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        kl_cmd_note("the output cannot be written", NULL,
                    "check the disk or the reader of the pipe");
        return KL_EXIT_FAILED;
    }
    return code;
}
