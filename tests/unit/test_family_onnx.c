/* Hybrid Demucs, Demucs and HTDemucs of any length as ONNX files, of one
 * length and of any, in the installed versions of ONNX Runtime, against
 * recordings of the original's float64 pass. */
#include "family.h"
#include "runtimes.h"

#include "onnx/onnx_export.h"
#include "runtime/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PyTorch's own float32 is up to 2e-6 of the peak off where a network divides
 * by magnitudes. */
#define TOLERANCE 5e-6

/* A network of magnitudes alone is ill-conditioned: 6.5e-6 there. */
static double tolerance_of(const char *name)
{
    return strstr(name, "magnitude") != NULL ? 1e-5 : TOLERANCE;
}

/* The newest, and the oldest supported. */
static dmx_runtime *runtime[TEST_RUNTIMES];

/* A file in each of the runtimes. */
typedef struct opened {
    dmx_blob file;
    dmx_session *session[TEST_RUNTIMES];
} opened;

static void open_file(opened *f, const golden *g, const dmx_graph *graph)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_identity who = dmx_model_identity(g->model);
    const dmx_onnx_options o = {0};
    const dmx_session_options one = {.threads = 1};
    *f = (opened){0};
    assert_ok(dmx_onnx_pack(&f->file, graph, &who, &o, &err), &err);
    for (int k = 0; k < TEST_RUNTIMES; k++)
        if (runtime[k] != NULL)
            assert_ok(dmx_session_open(&f->session[k], runtime[k], "family",
                                       f->file.data, f->file.size, &one, &err),
                      &err);
}

static void close_file(opened *f)
{
    for (int k = 0; k < TEST_RUNTIMES; k++)
        dmx_session_close(f->session[k]);
    dmx_blob_free(&f->file);
    *f = (opened){0};
}

static double run(float *out, size_t count, dmx_session *session,
                  const golden *g)
{
    dmx_error err = DMX_ERROR_INIT;
    const int64_t dim[] = {1, g->channels, g->run_samples};
    const size_t n = (size_t)(g->channels * g->run_samples);
    float *mix = calloc(n, sizeof *mix);
    assert_non_null(mix);
    for (size_t i = 0; i < n; i++)
        mix[i] = (float)g->mix[i];
    memset(out, 0, count * sizeof *out);
    const dmx_run call = {.input = mix, .dim = dim, .rank = 3};
    assert_ok(dmx_session_run_first(session, &call, out, count, &err), &err);
    free(mix);
    return golden_distance(g, out);
}

static bool check_file(const golden *g, const char *name, const opened *f,
                       const char *kind)
{
    bool good = true;
    const size_t count =
        dmx_model_sources(g->model) * (size_t)(g->channels * g->run_samples);
    float *out = calloc(count, sizeof *out);
    assert_non_null(out);
    for (int k = 0; k < TEST_RUNTIMES; k++) {
        if (f->session[k] == NULL)
            continue;
        const double error = run(out, count, f->session[k], g);
        printf("%-20s %7lld %-5s %.2e of the peak\n", name,
               (long long)g->samples, kind, error);
        good = good && error <= tolerance_of(name);
    }
    free(out);
    return good;
}

/* The file of any length, in which one network's recordings run one after the
 * other. */
static struct {
    char name[128];
    opened file;
} any;

static void close_any(void)
{
    close_file(&any.file);
    any.name[0] = '\0';
}

static void open_any(const golden *g, const char *name)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_graph *graph;
    if (strcmp(any.name, name) == 0)
        return;
    close_any();
    assert_ok(dmx_model_graph_any(&graph, g->model, &err), &err);
    open_file(&any.file, g, graph);
    snprintf(any.name, sizeof any.name, "%s", name);
}

static bool check(golden *g, const char *name)
{
    opened fixed;
    open_any(g, name);
    open_file(&fixed, g, g->graph);
    const bool good = check_file(g, name, &fixed, "fixed");
    close_file(&fixed);
    return check_file(g, name, &any.file, "any") && good;
}

static void check_all(const char *base)
{
    const int failed = family_each(base, check);
    close_any();
    assert_int_equal(failed, 0);
}

static void test_recordings(void **state)
{
    (void)state;
    if (runtime[0] == NULL)
        skip();
    check_all(FAMILY_SHORT);
    check_all(FAMILY_QUANTIZED);
}

static void test_whole_recordings(void **state)
{
    (void)state;
    if (runtime[0] == NULL || access(test_data(FAMILY_WHOLE), R_OK) != 0)
        skip();
    check_all(FAMILY_WHOLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_whole_recordings),
    };
    for (int k = 0; k < TEST_RUNTIMES; k++)
        runtime[k] = test_runtime(k);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dmx_runtime_close(runtime[1]);
    dmx_runtime_close(runtime[0]);
    return failed;
}
