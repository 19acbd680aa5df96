/* The program asks for no more memory than there is. */
#ifndef DMX_CLI_MEMORY_LIMIT_H
#define DMX_CLI_MEMORY_LIMIT_H

/* Limits this process, and those that it starts, to the memory that is
 * available now: what needs more, as a hostile model may, meets an error here,
 * and the system need not kill it or its neighbours. $DEMUCS_ONNX_MEMORY,
 * in MiB, is another limit; 0: none. Only on Linux. */
void cli_limit_memory(void);

#endif
