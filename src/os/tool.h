/*
 * Programs of others (pdftotext, tesseract, readpst), run on hostile bytes in a cage of their own.
 *
 * The program is started by this one in the role "tool", which locks itself in and then becomes
 * it: it may read /usr, /etc/fonts and the like, write below its scratch folder, and write to its
 * standard output, a memory file. It may not open anything else, make a socket, start another
 * process, trace one or change its rights; memory, processor time, output and wall time are
 * limited. Standard input is the document, standard error is lost.
 * Thread rule: independent calls may run at the same time.
 */
#ifndef KL_OS_TOOL_H
#define KL_OS_TOOL_H

#include "base/result.h"

#include <stdbool.h>

#define KL_TOOL_MAX_ARGS 24u

struct kl_tool_job {
    const char *argv[KL_TOOL_MAX_ARGS]; /* argv[0]: absolute path; ends with NULL */
    int in_fd;                          /* becomes descriptor 0, read from its start */
    const char *scratch;                /* the folder it may write into; NULL: none */
    uint64_t max_bytes;                 /* address space */
    uint64_t max_out_bytes;             /* of standard output, and of each file it writes */
    unsigned seconds;                   /* of wall time and of processor time */
    bool threads;                       /* it may start some; never processes */
};

enum kl_tool_end {
    KL_TOOL_NONE = 0,
    KL_TOOL_DONE,    /* it exited; see status */
    KL_TOOL_MISSING, /* no such program */
    KL_TOOL_LATE,    /* out of time: killed */
    KL_TOOL_CRASHED, /* killed by a signal: memory, output, a forbidden call */
    KL_TOOL_STOPPED, /* Ctrl-C */
};

struct kl_tool_result {
    enum kl_tool_end end;
    int status;         /* exit status, or the signal when it crashed */
    int out_fd;         /* standard output, sealed against change, read from 0; the caller closes */
    uint64_t out_bytes; /* its length */
};

/** Is the program there? */
bool kl_tool_is_there(const char *path);

/**
 * Run one and wait for it.
 * @param program  of this program; NULL: /proc/self/exe
 * @param out      only on KL_OK; out_fd is valid for every end but MISSING (then -1)
 * @return KL_E_IO (no process, no memory file, no cage), KL_E_LIMIT (arguments too long)
 */
KL_MUST enum kl_rc kl_tool_run(const char *program, const struct kl_tool_job *job,
                               struct kl_tool_result *out, struct kl_err *err);

/** main() of the role. */
int kl_tool_role_main(void);

#endif
