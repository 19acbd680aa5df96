/* The installed versions of ONNX Runtime: the newest, and the oldest that is
 * supported. */
#pragma once

#include "runtime/runtime.h"

#define TEST_RUNTIMES 2

/* Opens number i; NULL, and a line on standard error, where it is not
 * installed. */
dmx_runtime *test_runtime(int i);

/* Runs an ONNX file on input [dim[0]][dim[1]][dim[2]] with one thread; `count`
 * numbers of its first output to out. */
void test_run_onnx(float *out, size_t count, dmx_runtime *runtime,
                   const void *bytes, size_t size, const float *input,
                   const int64_t *dim);
