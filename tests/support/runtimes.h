/* The installed versions of ONNX Runtime: the newest, and the oldest that is
 * supported. */
#pragma once

#include "runtime/runtime.h"

#define TEST_RUNTIMES 2

/* Opens number i; NULL, and a line on standard error, where it is not
 * installed. */
dmx_runtime *test_runtime(int i);
