#include "help.h"

#include <string.h>

#define LEFT  30 /* column at which an option's description starts */
#define WIDTH 79

/* Text wrapped at WIDTH, every line after the first indented; `column` is
 * where the cursor is. */
static void wrap(FILE *stream, const char *text, int indent, int column)
{
    while (*text != '\0') {
        const char *end = text + strcspn(text, " \n");
        const int length = (int)(end - text);
        if (column > indent && column + 1 + length > WIDTH)
            column = fprintf(stream, "\n%*s", indent, "") - 1;
        else if (column > indent)
            column += fprintf(stream, " ");
        column += fprintf(stream, "%.*s", length, text);
        if (*end == '\n')
            column = fprintf(stream, "\n%*s", indent, "") - 1;
        text = *end == '\0' ? end : end + 1;
    }
    fputc('\n', stream);
}

static void print_options(FILE *stream, const cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        int column = o->letter != 0 ? fprintf(stream, "  -%c, ", o->letter)
                                    : fprintf(stream, "      ");
        column += fprintf(stream, "--%s", o->name);
        if (o->argument != NULL)
            column += fprintf(stream, o->type == CLI_WORD ? "[=%s]" : " %s",
                              o->argument);
        if (column >= LEFT - 1)
            fprintf(stream, "\n%*s", LEFT, "");
        else
            fprintf(stream, "%*s", LEFT - column, "");
        wrap(stream, o->help, LEFT, LEFT);
    }
}

void cli_help_overview(FILE *stream)
{
    fputs("usage: demucs-onnx COMMAND [OPTION...] ...\n\n"
          "Demucs music-separation checkpoints to verified ONNX files, and "
          "songs to stems.\n\ncommands:\n",
          stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        fprintf(stream, "  %-13s ", (*c)->name);
        wrap(stream, (*c)->summary, 16, 16);
    }
    fputs("\noptions of every command:\n", stream);
    print_options(stream, cli_global_options);
    fputs("\n'demucs-onnx COMMAND --help' says more about a command.\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n",
          stream);
}

/* One line for each way to call the command; " | " parts them. */
static void print_usage(FILE *stream, const cli_command *command)
{
    const char *way = command->operands, *bar;
    do {
        bar = strstr(way, " | ");
        fprintf(stream, "%s demucs-onnx %s %s%.*s\n",
                way == command->operands ? "usage:" : "      ", command->name,
                command->option != NULL ? "[OPTION...] " : "",
                (int)(bar != NULL ? (size_t)(bar - way) : strlen(way)), way);
        way = bar != NULL ? bar + 3 : NULL;
    } while (way != NULL);
    fputc('\n', stream);
}

void cli_help_command(FILE *stream, const cli_command *command)
{
    print_usage(stream, command);
    wrap(stream, command->summary, 0, 0);
    if (command->details != NULL) {
        fputc('\n', stream);
        wrap(stream, command->details, 0, 0);
    }
    if (command->option != NULL) {
        fputs("\noptions:\n", stream);
        print_options(stream, command->option);
    }
    fputs("\noptions of every command:\n", stream);
    print_options(stream, cli_global_options);
}
