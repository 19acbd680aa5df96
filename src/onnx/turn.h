/* Cosine and sine of 2 pi i / n, identical to the last bit on every machine:
 * computed with only +, -, * and / of doubles. */
#ifndef DMX_ONNX_TURN_H
#define DMX_ONNX_TURN_H

#include <stdint.h>

double dmx_cos_turn(int64_t i, int64_t n);
double dmx_sin_turn(int64_t i, int64_t n);

#endif
