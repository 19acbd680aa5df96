#include "runtimes.h"
#include "test_support.h"

#include <stdio.h>

static const struct {
    const char *name, *path;
} known[TEST_RUNTIMES] = {
    {"ONNX Runtime", NULL},
    {"ONNX Runtime 1.13.1",
     DMX_TEST_DATA "/../../third_party/onnxruntime-1.13.1"},
};

dmx_runtime *test_runtime(int i)
{
    dmx_runtime *runtime;
    if (dmx_runtime_open(&runtime, known[i].path, NULL) == DMX_OK)
        return runtime;
    fprintf(stderr, "no %s\n", known[i].name);
    return NULL;
}

void test_run_onnx(float *out, size_t count, dmx_runtime *runtime,
                   const void *bytes, size_t size, const float *input,
                   const int64_t *dim)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session;
    const dmx_session_options one = {.threads = 1};
    const dmx_run run = {.input = input, .dim = dim, .rank = 3};
    assert_ok(
        dmx_session_open(&session, runtime, "test", bytes, size, &one, &err),
        &err);
    assert_ok(dmx_session_run_first(session, &run, out, count, &err), &err);
    dmx_session_close(session);
}
