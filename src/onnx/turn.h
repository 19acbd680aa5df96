/* Cosine and sine of a rational part of a full turn, 2 pi i / n, the same to
 * the last bit on every machine: only +, -, * and / of doubles. */
#ifndef DMX_ONNX_TURN_H
#define DMX_ONNX_TURN_H

#include <stdint.h>

double dmx_cos_turn(int64_t i, int64_t n);
double dmx_sin_turn(int64_t i, int64_t n);

#endif
