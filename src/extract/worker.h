/* main() of the extract role: caged, it reads documents from fd 3 until the parent leaves. */
#ifndef KL_EXTRACT_WORKER_H
#define KL_EXTRACT_WORKER_H

/** @return the process's exit status. Called by cmd/main for "--role extract". */
int kl_extract_worker_main(void);

#endif
