/* The format in which weights are stored, packed by the engine or in an
 * exported model.
 *
 * Arithmetic is in float32 whatever the format; weights are narrowed only where
 * that is exact, as it is for released checkpoints, which were trained or saved
 * in half precision. A new format needs a row in the table of weight_format.c,
 * a way to widen it in the kernels, and a name in the tables of the public
 * options; a format with scales keeps them beside its data. */
#ifndef DMX_BASE_WEIGHT_FORMAT_H
#define DMX_BASE_WEIGHT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum dmx_weight_format {
    DMX_WEIGHTS_FLOAT32,
    DMX_WEIGHTS_FLOAT16, /* IEEE 754 binary16 */
    DMX_WEIGHT_FORMATS
} dmx_weight_format;

/* Bytes per element. */
size_t dmx_weight_size(dmx_weight_format format);

/* Whether n weights survive conversion to the format and back, bit for bit. */
bool dmx_weights_fit(dmx_weight_format format, const float *x, size_t n);

/* Converts n weights to that format, rounding to nearest even where they are
 * not exact. */
void dmx_weights_narrow(dmx_weight_format format, void *out, const float *x,
                        size_t n);

#endif
