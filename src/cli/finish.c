/* How a command says that it failed. */
#include "command.h"

#include <stdarg.h>

/* Prints a failure for --json: an object, on one line if the command prints
 * events. */
static void json_error(const cli_terminal *t, dmx_status status,
                       const char *message)
{
    if (!t->json)
        return;
    printf("{%s\"error\": \"%s\", \"message\": ",
           t->events ? "\"event\": \"error\", " : "", dmx_status_name(status));
    cli_json_message(stdout, message);
    printf("}\n");
}

int cli_misuse(cli_terminal *t, const char *command, const char *fmt, ...)
{
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    cli_error(t, "%s", message);
    json_error(t, DMX_ERROR_ARGUMENT, message);
    fprintf(stderr, "see 'demucs-onnx%s%s --help'\n",
            command != NULL ? " " : "", command != NULL ? command : "");
    return CLI_USAGE;
}

int cli_finish(cli_terminal *t, dmx_status status, const dmx_error *err)
{
    cli_clear_bar(t);
    if (status == DMX_OK)
        return CLI_DONE;
    const bool stopped = status == DMX_ERROR_CANCELLED && cli_interrupted();
    cli_error(t, "%s", stopped ? "interrupted" : err->message);
    json_error(t, status, err->message);
    if (stopped)
        return CLI_INTERRUPTED;
    return status == DMX_ERROR_ARGUMENT ? CLI_USAGE : CLI_FAILED;
}
