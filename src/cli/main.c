/* demucs-onnx: the command line over the public library. */
#include "help.h"
#include "memory_limit.h"
#include "standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *command_name(const void *table, int i)
{
    const cli_command *const *commands = table;
    return commands[i] != NULL ? commands[i]->name : NULL;
}

static const cli_command *find_command(const char *name)
{
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

static int unknown_command(cli_terminal *t, const char *word)
{
    const char *near = cli_nearest(word, command_name, cli_commands);
    if (near != NULL)
        return cli_misuse(t, NULL, "unknown command '%s'; did you mean '%s'?",
                          word, near);
    return cli_misuse(t, NULL, "unknown command '%s'", word);
}

/* Whether stdout is a pipe that its reader has closed, as in "demucs-onnx
 * inspect x | head". */
static bool reader_left(void)
{
    struct pollfd out = {STDOUT_FILENO, 0, 0};
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/* A full disk behind stdout must not look like success. */
static int flush_results(cli_terminal *t, int code)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE &&
        !reader_left()) {
        cli_error(t, "can't write the results to standard output");
        return CLI_FAILED;
    }
    return code;
}

static int check_operands(cli_terminal *t, const cli_command *c, int n,
                          char **operand)
{
    if (n < c->min_operands)
        return cli_misuse(t, c->name, "%s: expected %s", c->name, c->operands);
    for (int i = 0; i < n; i++)
        if (operand[i][0] == '\0')
            return cli_misuse(t, c->name, "%s: argument %d is empty", c->name,
                              i + 1);
    if (c->max_operands >= 0 && n > c->max_operands)
        return cli_misuse(t, c->name, "%s: too many arguments; expected %s",
                          c->name, c->operands);
    return CLI_DONE;
}

static int run_parsed(cli_terminal *t, const cli_command *c,
                      const cli_global *global, const char *problem,
                      const void *options, int n, char **operand)
{
    const int wrong = problem != NULL
                          ? cli_misuse(t, c->name, "%s: %s", c->name, problem)
                      : global->help ? CLI_DONE
                                     : check_operands(t, c, n, operand);
    if (wrong != CLI_DONE) {
        if (t->json && t->events)
            c->end(t);
        return wrong;
    }
    if (global->help) {
        cli_help_command(stdout, c);
        return CLI_DONE;
    }
    cli_limit_memory();
    return c->run(t, options, n, operand);
}

static int run_command(cli_terminal *t, const cli_command *c,
                       cli_global *global, int argc, char **argv)
{
    const size_t size = c->options_size > 0 ? c->options_size : 1;
    void *options = calloc(1, size);
    if (options == NULL) {
        cli_error(t, "no memory");
        return CLI_FAILED;
    }
    if (c->defaults != NULL)
        memcpy(options, c->defaults, size);
    const cli_target target[2] = {{c->option, options},
                                  {cli_global_options, global}};
    char message[512];
    int n;
    const char *problem =
        cli_parse(message, sizeof message, target, argc, argv, &n);
    cli_terminal_open(t, global->quiet, global->verbose, global->json);
    t->events = c->end != NULL;
    const int code = run_parsed(t, c, global, problem, options, n, argv);
    cli_free_lists(&target[0]);
    free(options);
    return code;
}

/* Flags before the command: "demucs-onnx -q export ...". Returns how many. */
static int leading_flags(cli_terminal *t, cli_global *global, int argc,
                         char **argv)
{
    int n = 0;
    while (n < argc && argv[n][0] == '-' && argv[n][1] != '\0')
        n++;
    char message[512];
    int operands;
    const cli_target target[2] = {{NULL, NULL}, {cli_global_options, global}};
    const char *problem =
        cli_parse(message, sizeof message, target, n, argv, &operands);
    if (problem == NULL)
        return n;
    cli_misuse(t, NULL, "%s", problem);
    return -1;
}

static int dispatch(cli_terminal *t, int argc, char **argv)
{
    cli_global global = {0};
    const int n = leading_flags(t, &global, argc, argv);
    if (n < 0)
        return CLI_USAGE;
    if (global.version) {
        printf("demucs-onnx %s\n", dmx_version());
        return CLI_DONE;
    }
    if (n == argc || strcmp(argv[n], "help") == 0) {
        const cli_command *c = n + 1 < argc ? find_command(argv[n + 1]) : NULL;
        if (c != NULL)
            cli_help_command(stdout, c);
        else
            cli_help_overview(n == argc && !global.help ? stderr : stdout);
        return n == argc && !global.help ? CLI_USAGE : CLI_DONE;
    }
    const cli_command *c = find_command(argv[n]);
    if (c == NULL)
        return unknown_command(t, argv[n]);
    return run_command(t, c, &global, argc - n - 1, argv + n + 1);
}

/* ONNX Runtime since 1.30 records usage below ~/.cache and uploads it unless
 * this is set before it starts. A library may not touch its host's
 * environment; a program may. */
static void refuse_telemetry(void)
{
    setenv("ORT_DISABLE_TELEMETRY", "1", 0);
}

/* Lines of several processes on one terminal or log do not mix. */
static void write_whole_lines(void)
{
    static char line[4096];
    setvbuf(stderr, line, _IOLBF, sizeof line);
}

int main(int argc, char **argv)
{
    cli_terminal terminal;
    cli_open_standard_streams();
    write_whole_lines();
    refuse_telemetry();
    cli_terminal_open(&terminal, 0, 0, 0);
    cli_catch_signals();
    const int code = dispatch(&terminal, argc - 1, argv + 1);
    return flush_results(&terminal, code);
}
