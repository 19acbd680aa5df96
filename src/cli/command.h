/* A subcommand: one file cmd_<name>.c each, one line in commands.c. */
#ifndef DMX_CLI_COMMAND_H
#define DMX_CLI_COMMAND_H

#include "demucs_onnx.h"
#include "options.h"
#include "terminal.h"

enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_INTERRUPTED = 130,
};

typedef struct cli_command {
    const char *name;
    const char *operands;     /* "CHECKPOINT OUTPUT" */
    const char *summary;      /* one line, lower case, no full stop */
    const char *details;      /* a paragraph or more for --help, or NULL */
    const cli_option *option; /* or NULL */
    size_t options_size;      /* of the struct that `option` fills */
    const void *defaults;     /* such a struct to start from; NULL: zeros */
    int min_operands;
    int max_operands; /* -1: any number */
    /* For a command whose --json prints events: prints the last event when
     * `run` is not called because of wrong usage. NULL: one document. */
    void (*end)(cli_terminal *terminal);
    /* Returns an exit code. */
    int (*run)(cli_terminal *terminal, const void *options, int n_operand,
               char **operand);
} cli_command;

/* All commands in the order of the help; the last pointer is NULL. */
extern const cli_command *const cli_commands[];

/* Flags that every command takes. */
typedef struct cli_global {
    int quiet, verbose, json, help, version;
} cli_global;
extern const cli_option cli_global_options[];

/* Prints the error on stderr (and with --json an object on stdout) and returns
 * the exit code for the status: 0 for DMX_OK, 2 for invalid arguments, 130
 * after an interrupt, else 1. */
int cli_finish(cli_terminal *terminal, dmx_status status, const dmx_error *err);

/* A usage error that the table can't detect: prints message and hint, returns
 * exit code 2. */
int cli_misuse(cli_terminal *terminal, const char *command, const char *fmt,
               ...) CLI_PRINTF(3, 4);

#endif
