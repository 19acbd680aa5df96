#include "runtimes.h"

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
