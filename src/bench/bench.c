/* The built-in benchmark: contestants take turns, medians are compared. */
#include "bench/contestant.h"
#include "base/options.h"
#include "base/parallel.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"

#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_CONTESTANTS 8
#define MOST_RUNS        100

typedef struct times {
    double cold, wall[MOST_RUNS], cpu[MOST_RUNS];
} times;

typedef struct bench {
    const dmx_bench_options *options;
    int runs;
    dmx_runtime *runtime;
    dmx_contestant contestant[MOST_CONTESTANTS];
    times time[MOST_CONTESTANTS];
    int count;
    float *mix, *stems;
} bench;

static double clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_seconds(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

static double cpu(void)
{
    return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

/* GFLOP/s of one thread doing only multiply-adds: the best of many short runs,
 * in processor time. */
static double measure_peak(const dmx_kernels *k)
{
    const int64_t rounds = 100000;
    const double flops = 2.0 * (double)(rounds * k->mr * k->nr);
    volatile float keep = 0.0f;
    double best = 0.0;
    for (int i = 0; i < 30; i++) {
        const double before = clock_of(CLOCK_THREAD_CPUTIME_ID);
        keep = keep + k->fma(rounds);
        const double spent = clock_of(CLOCK_THREAD_CPUTIME_ID) - before + 1e-12;
        best = flops / spent > best ? flops / spent : best;
    }
    return best * 1e-9;
}

/* ---- contestants -------------------------------------------------------- */

static dmx_status add(bench *b, const char *name, const struct dmx_model *model,
                      dmx_error *err)
{
    DMX_RETURN_IF(b->count == MOST_CONTESTANTS, err, DMX_ERROR_ARGUMENT,
                  "more than %d contestants", MOST_CONTESTANTS);
    dmx_contestant *c = &b->contestant[b->count++];
    const double before = wall_seconds();
    DMX_FORWARD(
        dmx_contestant_open(c, name, model, b->options, &b->runtime, err));
    c->load = wall_seconds() - before;
    return DMX_OK;
}

static dmx_status add_all(bench *b, const struct dmx_model *model,
                          dmx_error *err)
{
    char name[64];
    const char *list = b->options->contestants;
    for (int i = 0; list == NULL && dmx_kernels_name(i) != NULL; i++) {
        snprintf(name, sizeof name, "native:%s", dmx_kernels_name(i));
        DMX_FORWARD(add(b, name, model, err));
    }
    while (list != NULL && *list != '\0') {
        const size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, list);
        DMX_FORWARD(add(b, name, model, err));
        list += length + (list[length] == ',');
    }
    DMX_RETURN_IF(b->count == 0, err, DMX_ERROR_ARGUMENT, "no contestants");
    return DMX_OK;
}

/* Noise with the level of music, the same each time. */
static bool make_signal(bench *b)
{
    const dmx_contestant *c = &b->contestant[0];
    const size_t n = (size_t)(c->channels * c->samples);
    b->mix = malloc(n * sizeof *b->mix);
    b->stems = malloc((size_t)(c->outputs * c->samples) * sizeof *b->stems);
    uint32_t state = 1;
    for (size_t i = 0; b->mix != NULL && i < n; i++) {
        state = state * 1664525u + 1013904223u;
        b->mix[i] = (float)(state >> 8) / 16777216.0f * 0.6f - 0.3f;
    }
    return b->mix != NULL && b->stems != NULL;
}

/* Waits until the runtime's threads have stopped spinning after a run: they
 * would occupy the processors that the next contestant needs. */
static void wait_until_idle(const bench *b)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};
    if (b->count > 1)
        nanosleep(&pause, NULL);
}

static dmx_status take_turns(bench *b, dmx_error *err)
{
    for (int run = -1; run < b->runs; run++)
        for (int i = 0; i < b->count; i++) {
            DMX_FORWARD(dmx_progress(b->options->hooks, "bench",
                                     (double)(run + 1) / (b->runs + 1), err));
            wait_until_idle(b);
            const double w = wall_seconds(), c = cpu();
            DMX_FORWARD(dmx_contestant_run(&b->contestant[i], b->stems, b->mix,
                                           NULL, err));
            if (run < 0) {
                b->time[i].cold = wall_seconds() - w;
                continue;
            }
            b->time[i].wall[run] = wall_seconds() - w;
            b->time[i].cpu[run] = cpu() - c;
        }
    return DMX_OK;
}

/* ---- the document ------------------------------------------------------- */

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const double *x, int n)
{
    double sorted[MOST_RUNS];
    memcpy(sorted, x, (size_t)n * sizeof *x);
    qsort(sorted, (size_t)n, sizeof *sorted, rising);
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double least(const double *x, int n)
{
    double best = x[0];
    for (int i = 1; i < n; i++)
        best = x[i] < best ? x[i] : best;
    return best;
}

static void add_profile(dmx_json *item, const dmx_contestant *c, double *gflop)
{
    char *text = dmx_engine_profile_json(c->state);
    dmx_json *profile = text != NULL ? dmx_json_read(text) : NULL;
    dmx_free(text);
    if (profile == NULL)
        return;
    const dmx_json *count = dmx_json_get(profile, "gflop");
    if (dmx_json_is_number(count))
        *gflop = count->valuedouble;
    dmx_json_add(item, "profile", profile);
    text = dmx_engine_precision_json(c->engine);
    dmx_json *precision = text != NULL ? dmx_json_read(text) : NULL;
    if (precision != NULL)
        dmx_json_add(item, "precision", precision);
    dmx_free(text);
    dmx_json_add_number(item, "weight_bytes",
                        (double)dmx_engine_weight_bytes(c->engine));
    dmx_json_add_number(item, "state_bytes",
                        (double)dmx_engine_state_bytes(c->engine));
}

static dmx_json *contestant_json(const bench *b, int i, double *gflop)
{
    const times *t = &b->time[i];
    dmx_json *item = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_string(item, "name", b->contestant[i].name);
    dmx_json_add_number(item, "load_s", b->contestant[i].load);
    dmx_json_add_number(item, "cold_s", t->cold);
    dmx_json_add(item, "wall_s", dmx_json_new_numbers(t->wall, b->runs));
    dmx_json_add(item, "cpu_s", dmx_json_new_numbers(t->cpu, b->runs));
    const double middle = median(t->wall, b->runs);
    dmx_json_add_number(item, "median_s", middle);
    dmx_json_add_number(item, "median_cpu_s", median(t->cpu, b->runs));
    dmx_json_add_number(item, "best_s", least(t->wall, b->runs));
    dmx_json_add_number(item, "ratio",
                        middle / median(b->time[0].wall, b->runs));
    dmx_json_add_number(item, "ratio_cpu",
                        median(t->cpu, b->runs) /
                            median(b->time[0].cpu, b->runs));
    if (b->contestant[i].state != NULL)
        add_profile(item, &b->contestant[i], gflop);
    if (*gflop > 0.0)
        dmx_json_add_number(item, "gflops", *gflop / middle);
    return item;
}

static char *document(const bench *b)
{
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT), *peaks, *list;
    double gflop = 0.0;
    dmx_json_add_number(root, "samples", (double)b->contestant[0].samples);
    dmx_json_add_number(root, "threads",
                        b->options->threads > 0 ? b->options->threads
                                                : dmx_cpu_count());
    if (b->runtime != NULL)
        dmx_json_add_string(root, "onnxruntime",
                            dmx_runtime_version(b->runtime));
    peaks = dmx_json_add_object(root, "fma_peak_gflops");
    for (int i = 0; dmx_kernels_name(i) != NULL; i++)
        dmx_json_add_number(
            peaks, dmx_kernels_name(i),
            measure_peak(dmx_kernels_find(dmx_kernels_name(i))));
    list = dmx_json_add_array(root, "contestants");
    for (int i = 0; i < b->count; i++)
        dmx_json_append(list, contestant_json(b, i, &gflop));
    char *text = dmx_json_print(root);
    dmx_json_free(root);
    return text;
}

dmx_status dmx_bench(char **json, const dmx_model *model,
                     const dmx_bench_options *options, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, json);
    *json = NULL;
    DMX_NEED(err, model);
    dmx_bench_options o = DMX_BENCH_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_bench_options, err));
    bench *b = calloc(1, sizeof *b);
    DMX_RETURN_IF(b == NULL, err, DMX_ERROR_MEMORY, "no memory");
    b->options = &o;
    b->runs = b->options->runs > 0 ? b->options->runs : 5;
    b->runs = b->runs < MOST_RUNS ? b->runs : MOST_RUNS;
    o.threads = dmx_thread_count(o.threads, o.hooks);
    dmx_status status = add_all(b, model, err);
    if (status == DMX_OK && !make_signal(b))
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the signal");
    if (status == DMX_OK)
        status = take_turns(b, err);
    if (status == DMX_OK && (*json = document(b)) == NULL)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the report");
    for (int i = 0; i < b->count; i++)
        dmx_contestant_close(&b->contestant[i]);
    dmx_runtime_close(b->runtime);
    free(b->mix);
    free(b->stems);
    free(b);
    return status;
}
