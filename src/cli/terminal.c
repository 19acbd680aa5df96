#include "terminal.h"
#include "flag_names.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR_CELLS 30

/* Seconds that the library gets after a signal to stop cleanly. Other libraries
 * have uninterruptible calls, such as loading in ONNX Runtime. */
#define GRACE 3

static volatile sig_atomic_t interrupted;

static void end_now(int number)
{
    static const char text[] = "error: interrupted\n";
    if (number == SIGALRM)
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
    dmx_remove_part_files();
    _exit(130);
}

static void on_signal(int number)
{
    if (interrupted)
        end_now(number);
    interrupted = 1;
    alarm(GRACE);
}

/* Libraries written in C++ give up when memory is short while they are loaded,
 * and others at an assertion: nothing partial stays then either. */
static void on_abort(int number)
{
    static const char text[] =
        "error: a library gave up: memory is short, or it has a fault\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    dmx_remove_part_files();
    _exit(1); /* failed */
}

static void catch_alarm(void)
{
    struct sigaction action = {.sa_handler = end_now};
    sigset_t alone;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = on_abort;
    sigaction(SIGABRT, &action, NULL);
    sigemptyset(&alone);
    sigaddset(&alone, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alone, NULL);
}

void cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction inherited; /* keeps "nohup demucs-onnx ..." running */
    if (sigaction(SIGHUP, NULL, &inherited) != 0 ||
        inherited.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    /* Writing to a closed pipe or past a file-size limit is an error that the
     * writer reports, not the end of the process. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
    catch_alarm();
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

/* ------------------------------------------------------------------- bar */

void cli_clear_bar(cli_terminal *t)
{
    if (t->bar_width > 0)
        fprintf(stderr, "\r%*s\r", t->bar_width, "");
    t->bar_width = 0;
}

static double seconds_since(const struct timespec *then,
                            const struct timespec *now)
{
    return (double)(now->tv_sec - then->tv_sec) +
           1e-9 * (double)(now->tv_nsec - then->tv_nsec);
}

static void draw_bar(cli_terminal *t, const char *stage, double fraction)
{
    char cells[BAR_CELLS + 1];
    const int full = (int)(fraction * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '#' : '.';
    cells[BAR_CELLS] = '\0';
    char name[41];
    dmx_text_printable(name, sizeof name, stage);
    const int old = t->bar_width;
    t->bar_width =
        fprintf(stderr, "\r[%s] %3.0f %% %s", cells, fraction * 100, name);
    if (t->bar_width < old)
        fprintf(stderr, "%*s", old - t->bar_width, "");
    fflush(stderr);
}

static int on_progress(void *user, const char *stage, double fraction)
{
    cli_terminal *t = user;
    struct timespec now;
    if (t->bar && clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
        (t->bar_width == 0 || seconds_since(&t->drawn, &now) > 0.1)) {
        const double clamped = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
        draw_bar(t, stage, clamped);
        t->drawn = now;
    }
    return interrupted;
}

/* -------------------------------------------------------------- messages */

/* Everything printed goes through here: names and messages may come from files
 * and servers. */
static void put_printable(FILE *stream, const char *text)
{
    char some[1024];
    const size_t size = dmx_text_printable(some, sizeof some, text) + 1;
    char *all = size > sizeof some ? malloc(size) : NULL;
    if (all != NULL)
        dmx_text_printable(all, size, text);
    fputs(all != NULL ? all : some, stream);
    free(all);
}

/* Messages of the library and of the program have the same form. */
static void put_message(FILE *stream, const char *text)
{
    char *flagged = cli_with_flags(text);
    put_printable(stream, flagged != NULL ? flagged : text);
    free(flagged);
}

static void put_formatted(FILE *stream, bool message, const char *fmt,
                          va_list args)
{
    char some[1024];
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(some, sizeof some, fmt, args);
    char *all = length >= (int)sizeof some ? malloc((size_t)length + 1) : NULL;
    if (all != NULL)
        vsnprintf(all, (size_t)length + 1, fmt, again);
    va_end(again);
    (message ? put_message : put_printable)(stream, all != NULL ? all : some);
    free(all);
}

static void line(cli_terminal *t, FILE *stream, const char *color,
                 const char *lead, const char *fmt, va_list args)
{
    cli_clear_bar(t);
    if (lead != NULL && t->color)
        fprintf(stream, "\033[%sm%s:\033[0m ", color, lead);
    else if (lead != NULL)
        fprintf(stream, "%s: ", lead);
    put_formatted(stream, lead != NULL, fmt, args);
    fputc('\n', stream);
    fflush(stream);
}

void cli_error(cli_terminal *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line(t, stderr, "1;31", "error", fmt, args);
    va_end(args);
}

void cli_warn(cli_terminal *t, const char *fmt, ...)
{
    if (t->quiet)
        return;
    va_list args;
    va_start(args, fmt);
    line(t, stderr, "1;33", "warning", fmt, args);
    va_end(args);
}

void cli_say(cli_terminal *t, const char *fmt, ...)
{
    if (t->quiet)
        return;
    va_list args;
    va_start(args, fmt);
    line(t, stderr, NULL, NULL, fmt, args);
    va_end(args);
}

void cli_detail(cli_terminal *t, const char *fmt, ...)
{
    if (t->quiet || !t->verbose)
        return;
    va_list args;
    va_start(args, fmt);
    line(t, stderr, NULL, NULL, fmt, args);
    va_end(args);
}

void cli_print(cli_terminal *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line(t, stdout, NULL, NULL, fmt, args);
    va_end(args);
}

void cli_print_document(cli_terminal *t, const char *text)
{
    cli_clear_bar(t);
    char *copy = strdup(text), *from = copy;
    while (from != NULL && *from != '\0') {
        char *stop = from + strcspn(from, "\n\t");
        const char kept = *stop;
        *stop = '\0';
        put_printable(stdout, from);
        if (kept != '\0')
            fputc(kept, stdout);
        from = kept != '\0' ? stop + 1 : stop;
    }
    fputs(copy != NULL ? "\n" : "", stdout);
    free(copy);
    fflush(stdout);
}

void cli_print_path(cli_terminal *t, const char *path, const char *more)
{
    cli_clear_bar(t);
    if (isatty(STDOUT_FILENO) == 1)
        put_printable(stdout, path);
    else
        fputs(path, stdout);
    fprintf(stdout, "%s\n", more);
    fflush(stdout);
}

static void on_warn(void *user, const char *message)
{
    cli_warn(user, "%s", message);
}

static void on_detail(void *user, const char *message)
{
    cli_detail(user, "%s", message);
}

void cli_json_string(FILE *stream, const char *text)
{
    const size_t size = dmx_text_json(NULL, 0, text) + 1;
    char *quoted = malloc(size);
    if (quoted != NULL)
        dmx_text_json(quoted, size, text);
    fputs(quoted != NULL ? quoted : "null", stream);
    free(quoted);
}

void cli_json_message(FILE *stream, const char *message)
{
    char *flagged = cli_with_flags(message);
    cli_json_string(stream, flagged != NULL ? flagged : message);
    free(flagged);
}

void cli_terminal_open(cli_terminal *t, int quiet, int verbose, int json)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const bool terminal = isatty(STDERR_FILENO) == 1;
    const bool plain = term == NULL || strcmp(term, "dumb") == 0;
    *t = (cli_terminal){.quiet = quiet, .verbose = verbose, .json = json};
    t->color = terminal && !plain && (no_color == NULL || !no_color[0]);
    t->bar = terminal && !plain && !quiet;
    t->hooks = (dmx_hooks){.size = sizeof(dmx_hooks),
                           .user = t,
                           .warn = on_warn,
                           .progress = on_progress,
                           .detail = on_detail};
}
