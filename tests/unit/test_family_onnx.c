/* Hybrid Demucs, Demucs and HTDemucs of any length as ONNX files, of one
 * length and of any, in the installed versions of ONNX Runtime, against
 * recordings of the original's float64 pass. */
#include "family.h"

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

static dmx_runtime *runtime[2]; /* the newest, and the oldest supported */

static double error_of(const golden *g, const float *out)
{
    double worst = 0.0;
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t i = 0; i < g->recorded; i++) {
            const double y = (double)out[r * g->run_samples + i];
            const double d = fabs(y - (double)g->stems[r * g->recorded + i]);
            worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
        }
    return worst / g->peak;
}

static void run(float *out, size_t count, dmx_runtime *r, const dmx_blob *file,
                const golden *g)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session;
    const dmx_session_options two = {.threads = 2};
    const int64_t dim[] = {1, g->channels, g->run_samples};
    const size_t n = (size_t)(g->channels * g->run_samples);
    float *mix = calloc(n, sizeof *mix);
    assert_non_null(mix);
    for (size_t i = 0; i < n; i++)
        mix[i] = (float)g->mix[i];
    assert_ok(dmx_session_open(&session, r, "family", file->data, file->size,
                               &two, &err),
              &err);
    const dmx_run call = {.input = mix, .dim = dim, .rank = 3};
    assert_ok(dmx_session_run_first(session, &call, out, count, &err), &err);
    dmx_session_close(session);
    free(mix);
}

static bool check_graph(const golden *g, const char *name,
                        const dmx_graph *graph)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob file;
    bool good = true;
    const dmx_identity who = dmx_model_identity(g->model);
    const dmx_onnx_options o = {0};
    const size_t count =
        dmx_model_sources(g->model) * (size_t)(g->channels * g->run_samples);
    float *out = calloc(count, sizeof *out);
    assert_non_null(out);
    assert_ok(dmx_onnx_pack(&file, graph, &who, &o, &err), &err);
    for (int k = 0; k < 2; k++) {
        if (runtime[k] == NULL)
            continue;
        run(out, count, runtime[k], &file, g);
        const double error = error_of(g, out);
        printf("%-20s %7lld %s %.2e of the peak\n", name, (long long)g->samples,
               graph == g->graph ? "fixed" : "any  ", error);
        good = good && error <= tolerance_of(name);
    }
    dmx_blob_free(&file);
    free(out);
    return good;
}

static bool check(golden *g, const char *name)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_graph *any;
    assert_ok(dmx_model_graph_any(&any, g->model, &err), &err);
    const bool fixed = check_graph(g, name, g->graph);
    return check_graph(g, name, any) && fixed;
}

static void test_recordings(void **state)
{
    (void)state;
    if (runtime[0] == NULL)
        skip();
    assert_int_equal(family_each(FAMILY_SHORT, check), 0);
}

static void test_whole_recordings(void **state)
{
    (void)state;
    if (runtime[0] == NULL || access(test_data(FAMILY_WHOLE), R_OK) != 0)
        skip();
    assert_int_equal(family_each(FAMILY_WHOLE, check), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_whole_recordings),
    };
    const char *oldest = DMX_TEST_DATA "/../../third_party/onnxruntime-1.13.1";
    if (dmx_runtime_open(&runtime[0], NULL, NULL) != DMX_OK)
        print_message("no ONNX Runtime: skipped\n");
    if (dmx_runtime_open(&runtime[1], oldest, NULL) != DMX_OK)
        print_message("no ONNX Runtime 1.13.1\n");
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dmx_runtime_close(runtime[1]);
    dmx_runtime_close(runtime[0]);
    return failed;
}
