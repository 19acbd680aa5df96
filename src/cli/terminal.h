/* What the user sees: messages on stderr, results on stdout, a progress bar on
 * a terminal, and Ctrl-C. Names and messages may come from files, servers and
 * other libraries: everything printed here is first escaped
 * (dmx_text_printable), so that a message is always one line. */
#ifndef DMX_CLI_TERMINAL_H
#define DMX_CLI_TERMINAL_H

#include "demucs_onnx.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

/* Pass &terminal->hooks to the library: its warnings become lines on stderr,
 * its progress the bar, and Ctrl-C cancels the call. */
typedef struct cli_terminal {
    dmx_hooks hooks;
    int quiet;     /* -q: errors only */
    int verbose;   /* -v: details; counts */
    int json;      /* --json: stdout is one JSON document (or JSON lines) */
    int events;    /* --json prints lines, each an object with "event" */
    bool color;    /* of stderr */
    bool bar;      /* stderr is a terminal and wants a progress bar */
    int bar_width; /* characters now shown by the bar */
    struct timespec drawn; /* when */
} cli_terminal;

void cli_terminal_open(cli_terminal *t, int quiet, int verbose, int json);
/* Wipes the bar; call before anything else goes to the terminal. */
void cli_clear_bar(cli_terminal *t);

void cli_error(cli_terminal *t, const char *fmt, ...) CLI_PRINTF(2, 3);
void cli_warn(cli_terminal *t, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Silent with -q; stderr. */
void cli_say(cli_terminal *t, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Only with -v; stderr. */
void cli_detail(cli_terminal *t, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Results; stdout. */
void cli_print(cli_terminal *t, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Text of several lines; stdout. */
void cli_print_document(cli_terminal *t, const char *text);
/* Prints a file path as a result, and `more` after it; stdout. On a terminal it
 * is escaped; to a pipe or a file its bytes are written unchanged, for programs
 * that open it. */
void cli_print_path(cli_terminal *t, const char *path, const char *more);

/* Text as a JSON string literal, with its quotes. */
void cli_json_string(FILE *stream, const char *text);
/* The same for a message of the library (flag_names.h). */
void cli_json_message(FILE *stream, const char *message);

/* The first SIGINT, SIGTERM or SIGHUP asks running calls to stop, a second one
 * ends the process at once. */
void cli_catch_signals(void);
bool cli_interrupted(void);

#endif
