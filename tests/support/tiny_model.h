/* A small ONNX model with the separation contract, made in memory:
 *   mix (1, 2, samples) -> Unsqueeze -> Mul by "gain" (1, 2, 1, 1)
 *     -> `repeats` times Abs -> stems (1, 2, 2, samples)
 * with two sources, or whatever a test changes before packing. */
#ifndef DMX_TESTS_TINY_MODEL_H
#define DMX_TESTS_TINY_MODEL_H

#include "onnx.pb-c.h"
#include <stdint.h>

typedef struct tiny_model tiny_model;

tiny_model *tiny_model_open(int64_t samples, int repeats);
void tiny_model_close(tiny_model *tiny);

/* Change it as you like; strings must outlive the model. */
Onnx__ModelProto *tiny_model_proto(tiny_model *tiny);

/* Serialised; malloc'd. */
unsigned char *tiny_model_pack(const tiny_model *tiny, size_t *size);

#endif
