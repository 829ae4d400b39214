/* kulla synth: the synthetic nation. */
#ifndef KL_CMD_CMD_SYNTH_H
#define KL_CMD_CMD_SYNTH_H

/** argv[0] is "synth"; returns the exit code of design section 7. */
int kl_cmd_synth(int argc, char **argv);

#endif
