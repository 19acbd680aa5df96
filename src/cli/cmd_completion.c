#include "help.h"

#include <string.h>

static int run(cli_terminal *t, const void *options, int n, char **operand)
{
    (void)options;
    (void)n;
    static const char *const kinds[] = {"bash", "zsh", "fish", "man"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(operand[0], kinds[i]) == 0) {
            cli_documentation(stdout, kinds[i]);
            return CLI_DONE;
        }
    return cli_misuse(t, "completion",
                      "'%s' is not one of bash, zsh, fish, man", operand[0]);
}

const cli_command cli_command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish|man",
    .summary = "print a shell's completion script, or the man page",
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
