#include "bench_song.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PROCESSES = 256 };

/* ------------------------------------------------------------- the song */

/* Noise of a given length, whose stems are discarded. */
typedef struct noise {
    int64_t channels, length, at;
    uint32_t state;
} noise;

static dmx_status read_noise(void *user, float *const *planes, size_t capacity,
                             size_t *got, dmx_error *err)
{
    (void)err;
    noise *n = user;
    const int64_t left = n->length - n->at;
    *got = left < (int64_t)capacity ? (size_t)left : capacity;
    for (int64_t c = 0; c < n->channels; c++)
        for (size_t i = 0; i < *got; i++) {
            n->state = n->state * 1664525u + 1013904223u;
            planes[c][i] = (float)(int32_t)n->state * 0x1p-33f;
        }
    n->at += (int64_t)*got;
    return DMX_OK;
}

static dmx_status rewind_noise(void *user, dmx_error *err)
{
    (void)err;
    noise *n = user;
    n->at = 0;
    n->state = 1;
    return DMX_OK;
}

static dmx_status drop(void *user, const float *const *stems,
                       const float *const *mix, size_t frames, dmx_error *err)
{
    (void)user, (void)stems, (void)mix, (void)frames, (void)err;
    return DMX_OK;
}

static int stop_on_interrupt(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return cli_interrupted();
}

static dmx_status separate(dmx_separator *s, double seconds, dmx_error *err)
{
    noise n = {.channels = dmx_separator_channels(s), .state = 1};
    n.length = (int64_t)(seconds * (double)dmx_separator_samplerate(s));
    dmx_hooks hooks = DMX_HOOKS_INIT;
    hooks.progress = stop_on_interrupt;
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    io.user = &n;
    io.read = read_noise;
    io.rewind = rewind_noise;
    io.write = drop;
    io.frames = n.length;
    return dmx_separator_run(s, &io, &hooks, err);
}

/* ------------------------------------------------------------- processes */

/* A process that loads the model, reports that it is ready, waits and
 * separates. */
typedef struct worker {
    pid_t pid;
    int ready, start; /* ends of pipes: it writes one byte, then reads one */
    double cpu_seconds, peak_bytes;
} worker;

static dmx_status open_separator(dmx_separator **out, const bench_song *b,
                                 int threads, dmx_error *err)
{
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_model_options arguments = DMX_MODEL_OPTIONS_INIT;
    arguments.config_path = b->model->config;
    const char **set = cli_model_settings(b->model, NULL);
    arguments.set = set;
    o.model = &arguments;
    o.weights = b->model->weights;
    o.threads = threads;
    const dmx_status status =
        dmx_separator_open_file(out, b->checkpoint, &o, err);
    free(set);
    return status;
}

static int work(cli_terminal *t, const bench_song *b, int threads, int ready,
                int start)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator *s = NULL;
    char byte = 1;
    dmx_status status = open_separator(&s, b, threads, &err);
    if (status == DMX_OK && write(ready, &byte, 1) == 1 &&
        read(start, &byte, 1) == 1)
        status = separate(s, b->seconds, &err);
    dmx_separator_close(s);
    return cli_finish(t, status, &err);
}

static bool start_worker(worker *w, cli_terminal *t, const bench_song *b,
                         int threads)
{
    int ready[2], start[2];
    if (pipe(ready) != 0)
        return false;
    if (pipe(start) != 0) {
        close(ready[0]), close(ready[1]);
        return false;
    }
    w->pid = fork();
    if (w->pid == 0) {
        close(ready[0]), close(start[1]);
        _exit(work(t, b, threads, ready[1], start[0]));
    }
    close(ready[1]), close(start[0]);
    w->ready = ready[0];
    w->start = start[1];
    return w->pid > 0;
}

/* Waits until the worker has loaded; false when it ended before. */
static bool is_ready(const worker *w)
{
    char byte;
    ssize_t n;
    do
        n = read(w->ready, &byte, 1);
    while (n < 0 && errno == EINTR && !cli_interrupted());
    return n == 1;
}

static double seconds_of(const struct timeval *t)
{
    return (double)t->tv_sec + 1e-6 * (double)t->tv_usec;
}

/* Its exit code; -1 when it was killed. */
static int end_worker(worker *w)
{
    struct rusage use = {0};
    int status = 0;
    while (w->pid > 0 && wait4(w->pid, &status, 0, &use) < 0 && errno == EINTR)
        continue;
    close(w->ready);
    close(w->start);
    w->cpu_seconds = seconds_of(&use.ru_utime) + seconds_of(&use.ru_stime);
    w->peak_bytes = 1024.0 * (double)use.ru_maxrss;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---------------------------------------------------------------- figures */

typedef struct figures {
    int processes, threads;
    double wall, cpu, peak; /* totals; the peak of the largest process */
} figures;

static void print_json(const bench_song *b, const figures *f)
{
    const double songs = 3600.0 * f->processes / f->wall;
    printf("{\"song_seconds\": %.9g, \"processes\": %d, \"threads\": %d, "
           "\"wall_s\": %.6g, \"cpu_s\": %.6g, \"real_time_factor\": %.6g, "
           "\"songs_per_hour\": %.6g, \"core_seconds_per_song\": %.6g, "
           "\"peak_memory_bytes\": %.0f}\n",
           b->seconds, f->processes, f->threads, f->wall, f->cpu,
           f->wall / (b->seconds * f->processes), songs, f->cpu / f->processes,
           f->peak);
}

static void print_text(cli_terminal *t, const bench_song *b, const figures *f)
{
    cli_print(t, "%d song%s of %.0f s at once, %d thread%s each", f->processes,
              f->processes == 1 ? "" : "s", b->seconds, f->threads,
              f->threads == 1 ? "" : "s");
    cli_print(t, "%10.2f s for all, %.1f times real time", f->wall,
              b->seconds * f->processes / f->wall);
    cli_print(t, "%10.1f songs an hour", 3600.0 * f->processes / f->wall);
    cli_print(t, "%10.2f core seconds a song, loading included",
              f->cpu / f->processes);
    cli_print(t, "%10.2f GB of memory a process", f->peak / 1e9);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All of them load, then separate at the same time. */
static int measure(figures *f, worker *w, cli_terminal *t, const bench_song *b)
{
    int started = 0, code = CLI_DONE;
    while (started < f->processes &&
           start_worker(&w[started], t, b, f->threads))
        started++;
    bool good = started == f->processes;
    if (!good)
        cli_error(t, "can't start process %d: %s", started + 1,
                  strerror(errno));
    for (int i = 0; good && i < started; i++)
        good = is_ready(&w[i]);
    const double begin = now();
    for (int i = 0; good && i < started; i++)
        good = write(w[i].start, "", 1) == 1;
    for (int i = 0; !good && i < started; i++) {
        close(w[i].start); /* those that are ready end */
        w[i].start = -1;
    }
    for (int i = 0; i < started; i++) {
        const int ended = end_worker(&w[i]);
        code = ended != CLI_DONE ? (ended > 0 ? ended : CLI_FAILED) : code;
        f->cpu += w[i].cpu_seconds;
        f->peak = w[i].peak_bytes > f->peak ? w[i].peak_bytes : f->peak;
    }
    f->wall = now() - begin;
    return code == CLI_DONE && !good ? CLI_FAILED : code;
}

int cli_bench_song(cli_terminal *t, const bench_song *b)
{
    static worker w[MOST_PROCESSES];
    figures f = {.processes = b->processes > 0 ? (int)b->processes : 1};
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int share = (int)cores / f.processes;
    f.threads = b->threads > 0 ? (int)b->threads : share > 1 ? share : 1;
    const int code = measure(&f, w, t, b);
    if (code == CLI_DONE && t->json)
        print_json(b, &f);
    else if (code == CLI_DONE)
        print_text(t, b, &f);
    return code;
}
