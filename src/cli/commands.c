#include "command.h"

extern const cli_command cli_command_export;
extern const cli_command cli_command_verify;
extern const cli_command cli_command_inspect;
extern const cli_command cli_command_separate;
extern const cli_command cli_command_stream;
extern const cli_command cli_command_list_models;
extern const cli_command cli_command_download;
extern const cli_command cli_command_prewarm;
extern const cli_command cli_command_bench;
extern const cli_command cli_command_completion;

/* clang-format off: one a line */
const cli_command *const cli_commands[] = {
    &cli_command_export,
    &cli_command_verify,
    &cli_command_inspect,
    &cli_command_separate,
    &cli_command_stream,
    &cli_command_list_models,
    &cli_command_download,
    &cli_command_prewarm,
    &cli_command_bench,
    &cli_command_completion,
    NULL,
};

const cli_option cli_global_options[] = {
    {"quiet", 'q', CLI_FLAG, NULL, "errors only", offsetof(cli_global, quiet),
     0, 0},
    {"verbose", 'v', CLI_FLAG, NULL, "more detail",
     offsetof(cli_global, verbose), 0, 0},
    {"json", 0, CLI_FLAG, NULL, "results as JSON on stdout",
     offsetof(cli_global, json), 0, 0},
    {"help", 'h', CLI_FLAG, NULL, "show this help and stop",
     offsetof(cli_global, help), 0, 0},
    {"version", 0, CLI_FLAG, NULL, "show the version and stop",
     offsetof(cli_global, version), 0, 0},
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};
