/* Help texts, the man page and shell completions, all from the tables. */
#ifndef DMX_CLI_HELP_H
#define DMX_CLI_HELP_H

#include "command.h"

void cli_help_overview(FILE *stream);
void cli_help_command(FILE *stream, const cli_command *command);

/* kind: "man", "bash", "zsh" or "fish". */
void cli_documentation(FILE *stream, const char *kind);

#endif
