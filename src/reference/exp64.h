/* The exponential of many numbers at once. */
#ifndef DMX_REFERENCE_EXP64_H
#define DMX_REFERENCE_EXP64_H

#include <stddef.h>

/* x[i] = exp(x[i]), within 2 units in the last place. Arguments are limited to
 * [-708, 709], where the result is a normal number; NaN stays NaN. */
void dmx_exp64(double *x, size_t count);

#endif
