/* What kl_tool_run tells the role. */
#ifndef KL_OS_TOOL_INT_H
#define KL_OS_TOOL_INT_H

#include <stdint.h>

enum kl_tool_wire {
    KL_TOOL_WIRE_NONE = 0,
    KL_TOOL_WIRE_IN,    /* to the role: a descriptor, the document */
    KL_TOOL_WIRE_OUT,   /* to the role: a descriptor, standard output */
    KL_TOOL_WIRE_JOB,   /* to the role: struct kl_tool_wire_job, then strings: scratch, argv… */
    KL_TOOL_WIRE_READY, /* from the role: caged, about to become the program */
    KL_TOOL_WIRE_NOT,   /* from the role: it could not become the program; value = errno */
};

struct kl_tool_wire_job {
    uint64_t max_bytes;
    uint64_t max_out_bytes;
    uint32_t seconds;
    uint32_t n_args;
    uint32_t threads; /* 0 or 1 */
    uint32_t none;
};

#endif
