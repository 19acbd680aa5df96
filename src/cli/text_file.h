/* Writes small text files: reports, bag descriptions. */
#ifndef DMX_CLI_TEXT_FILE_H
#define DMX_CLI_TEXT_FILE_H

#include "command.h"

/* The file appears complete or not at all; on failure prints a message and
 * returns CLI_FAILED. */
int cli_write_text(cli_terminal *t, const char *path, const char *text);

/* Whether the path exists and is a folder. */
bool cli_is_folder(const char *path);

#endif
