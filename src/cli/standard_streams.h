/* File descriptors that the program was started with. */
#ifndef DMX_CLI_STANDARD_STREAMS_H
#define DMX_CLI_STANDARD_STREAMS_H

#include "files.h"

/* Opens those of 0, 1 and 2 that are closed, so that no file takes their place;
 * what is printed there is lost. */
void cli_open_standard_streams(void);

/* Whether samples can be written to this descriptor. */
bool cli_is_open_for_writing(int fd);

/* Whether two descriptors lead to one regular file or pipe: what is written to
 * one would be read, or written over, by the other. */
bool cli_same_open_file(int a, int b);

#endif
