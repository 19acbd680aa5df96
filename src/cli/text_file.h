/* Small files of ours: reports, bag descriptions. */
#ifndef DMX_CLI_TEXT_FILE_H
#define DMX_CLI_TEXT_FILE_H

#include "command.h"

/* The file appears complete or not at all; CLI_FAILED after a message. */
int cli_write_text(cli_terminal *t, const char *path, const char *text);

/* Is it there, and a folder? */
bool cli_is_folder(const char *path);

#endif
