/* bench-export: one measurement a process, for bench/export.sh and
 * bench/dynamic.sh.
 *
 *   bench-export write CHECKPOINT OUT.onnx [fp16weights|int8|usual|dynamic]
 *   bench-export reference CHECKPOINT OUT.f32
 *   bench-export run MODEL.onnx THREADS RUNS HOST [EXPECTED.f32]
 *   bench-export any MODEL.onnx THREADS RUNS HOST SAMPLES BATCH
 *
 * dynamic and any: a file of any length and batch, at one of them.
 * HOST is ours (as our runtime runs it), pattern (with ONNX Runtime's memory
 * pattern), plain (ONNX Runtime's defaults and an untouched allocator, as in
 * any other program) or, for any, pinned: as ours, with the free dimensions
 * pinned when the session is made. The input is N(0,1) noise of a fixed seed.
 * Each prints one line of figures that the script reads. Times are wall clock,
 * in seconds; memory in MB is the process's peak. */
#include "arch/arch.h"
#include "onnx/onnx_export.h"
#include "reference/reference.h"
#include "runtime/runtime.h"
#include "usual/offer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long peak_megabytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

static int complain(const dmx_error *err)
{
    fprintf(stderr, "bench-export: %s\n", err->message);
    return 1;
}

/* Sum of twelve uniforms less six: close enough to N(0,1), and portable. */
static float noise(uint64_t *state)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        uint64_t z = *state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        sum += (double)((z ^ z >> 31) >> 11) * 0x1p-53;
    }
    return (float)sum;
}

static void *grab(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (p == NULL) {
        fprintf(stderr, "bench-export: no memory\n");
        exit(1);
    }
    return p;
}

/* ---- write, reference ------------------------------------------------------
 */
typedef struct network {
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    dmx_graph *graph;
} network;

static dmx_status open_network(network *n, const char *path, dmx_error *err)
{
    *n = (network){0};
    DMX_FORWARD(dmx_checkpoint_open(&n->checkpoint, path, NULL, err));
    DMX_FORWARD(dmx_model_open(&n->model, n->checkpoint, NULL, err));
    return dmx_model_graph(&n->graph, n->model, 0, err);
}

static void close_network(network *n)
{
    dmx_graph_close(n->graph);
    dmx_model_close(n->model);
    dmx_checkpoint_close(n->checkpoint);
}

static dmx_status write_model(const network *n, const char *path,
                              const char *kind, double *seconds, dmx_error *err)
{
    dmx_output out;
    dmx_precision precision = DMX_PRECISION_FP32;
    (void)dmx_precision_find(&precision, kind);
    const dmx_onnx_options options = {
        .precision = precision,
        .recipes = strcmp(kind, "usual") == 0 ? &dmx_usual_recipes : NULL,
        .batch = strcmp(kind, "dynamic") == 0 ? DMX_ANY : 1};
    const dmx_graph *graph = n->graph;
    if (options.batch == DMX_ANY)
        DMX_FORWARD(dmx_model_graph_any(&graph, n->model, err));
    DMX_FORWARD(dmx_output_open(&out, path, err));
    const dmx_identity who = dmx_model_identity(n->model);
    const double start = now();
    const dmx_status status = dmx_onnx_write(&out, graph, &who, &options, err);
    *seconds = now() - start;
    if (status == DMX_OK)
        return dmx_output_commit(&out, NULL, err);
    dmx_output_abandon(&out);
    return status;
}

static int run_write(const char *checkpoint, const char *path, const char *kind)
{
    dmx_error err = DMX_ERROR_INIT;
    network n;
    double seconds = 0.0;
    dmx_status status = open_network(&n, checkpoint, &err);
    if (status == DMX_OK)
        status = write_model(&n, path, kind, &seconds, &err);
    close_network(&n);
    if (status != DMX_OK)
        return complain(&err);
    printf("%.3f %ld\n", seconds, peak_megabytes());
    return 0;
}

static int save(const char *path, const double *y, size_t count)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return 1;
    for (size_t i = 0; i < count; i++) {
        const float value = (float)y[i];
        fwrite(&value, sizeof value, 1, f);
    }
    return fclose(f);
}

static int run_reference(const char *checkpoint, const char *path)
{
    dmx_error err = DMX_ERROR_INIT;
    network n;
    if (open_network(&n, checkpoint, &err) != DMX_OK)
        return complain(&err);
    const dmx_shape in = dmx_graph_shape(n.graph, n.graph->input);
    const dmx_shape out = dmx_graph_shape(n.graph, n.graph->output);
    const size_t n_in = (size_t)dmx_shape_count(&in);
    const size_t n_out = (size_t)dmx_shape_count(&out);
    double *x = grab(n_in, sizeof *x), *y = grab(n_out, sizeof *y);
    uint64_t seed = 1;
    for (size_t i = 0; i < n_in; i++)
        x[i] = (double)noise(&seed);
    const double start = now();
    if (dmx_reference_run(y, n.graph, x, NULL, &err) != DMX_OK)
        return complain(&err);
    printf("%.3f %ld\n", now() - start, peak_megabytes());
    const int bad = save(path, y, n_out);
    free(x);
    free(y);
    close_network(&n);
    return bad;
}

/* ---- run --------------------------------------------------------------------
 */
/* Signal to noise in dB, or -1 without a file to compare with. */
static double compare(const char *path, const float *y, size_t count)
{
    FILE *f = path != NULL ? fopen(path, "rb") : NULL;
    double signal = 0.0, error = 0.0;
    if (f == NULL)
        return -1.0;
    for (size_t i = 0; i < count; i++) {
        float expected;
        if (fread(&expected, sizeof expected, 1, f) != 1)
            break;
        const double d = (double)expected - (double)y[i];
        signal += (double)expected * (double)expected;
        error += d * d;
    }
    fclose(f);
    return 10.0 * log10(signal / error);
}

/* What free dimensions are in this run. */
typedef struct free_dims {
    int64_t batch, samples;
} free_dims;

/* The port with its free dimensions filled in: the first is the batch. */
static dmx_port filled(const dmx_port *p, free_dims f)
{
    dmx_port y = *p;
    for (int k = 0; k < y.rank; k++)
        if (y.dim[k] < 0)
            y.dim[k] = k == 0 ? f.batch : f.samples;
    return y;
}

static size_t element_count(const dmx_port *p)
{
    size_t count = 1;
    for (int k = 0; k < p->rank; k++)
        count *= (size_t)p->dim[k];
    return count;
}

/* The first run, and the quickest of the runs after the second: the runtime's
 * second run still sets up memory. */
static dmx_status time_runs(dmx_session *session, const dmx_run *run, float *y,
                            size_t count, int runs, double seconds[2],
                            dmx_error *err)
{
    seconds[1] = HUGE_VAL;
    for (int i = 0; i < runs; i++) {
        const double start = now();
        DMX_FORWARD(dmx_session_run_first(session, run, y, count, err));
        const double t = now() - start;
        if (i == 0)
            seconds[0] = t;
        if (i >= 2 || runs < 3)
            seconds[1] = t < seconds[1] ? t : seconds[1];
    }
    return DMX_OK;
}

static int run_model(const char *path, const dmx_session_options *o, int runs,
                     const char *expected, free_dims f)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_runtime *runtime;
    dmx_session *session;
    double seconds[2] = {0};
    size_t n;
    if (dmx_runtime_open(&runtime, NULL, &err) != DMX_OK)
        return complain(&err);
    const double start = now();
    if (dmx_session_open(&session, runtime, path, NULL, 0, o, &err) != DMX_OK)
        return complain(&err);
    const double ready = now() - start;
    const dmx_port in = filled(dmx_session_inputs(session, &n), f);
    const dmx_port out = filled(dmx_session_outputs(session, &n), f);
    const size_t n_in = element_count(&in), n_out = element_count(&out);
    float *x = grab(n_in, sizeof *x), *y = grab(n_out, sizeof *y);
    uint64_t seed = 1;
    for (size_t i = 0; i < n_in; i++)
        x[i] = noise(&seed);
    const dmx_run run = {.input = x, .dim = in.dim, .rank = in.rank};
    if (time_runs(session, &run, y, n_out, runs, seconds, &err) != DMX_OK)
        return complain(&err);
    printf("%.3f %.3f %.3f %ld %.2f\n", ready, seconds[0], seconds[1],
           peak_megabytes(), compare(expected, y, n_out));
    free(x);
    free(y);
    dmx_session_close(session);
    dmx_runtime_close(runtime);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "write") == 0)
        return run_write(argv[2], argv[3], argc > 4 ? argv[4] : "");
    if (argc == 4 && strcmp(argv[1], "reference") == 0)
        return run_reference(argv[2], argv[3]);
    const bool any = argc == 8 && strcmp(argv[1], "any") == 0;
    if (any || (argc >= 6 && strcmp(argv[1], "run") == 0)) {
        const bool plain = strcmp(argv[5], "plain") == 0;
        const bool pinned = any && strcmp(argv[5], "pinned") == 0;
        const dmx_session_options o = {
            .threads = atoi(argv[3]),
            .memory_pattern = plain || strcmp(argv[5], "pattern") == 0,
            .keep_freed = plain,
            .batch = pinned ? atoll(argv[7]) : 0,
            .samples = pinned ? atoll(argv[6]) : 0};
        const free_dims f = {any ? atoll(argv[7]) : 1,
                             any ? atoll(argv[6]) : 0};
        return run_model(argv[2], &o, atoi(argv[4]),
                         argc > 6 && !any ? argv[6] : NULL, f);
    }
    fprintf(stderr, "usage: bench-export write|reference|run|any ... "
                    "(see bench/export.sh)\n");
    return 2;
}
