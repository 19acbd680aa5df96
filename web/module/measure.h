/* Rates of the engine's products. */
#ifndef WEB_MEASURE_H
#define WEB_MEASURE_H

#include "base/arithmetic.h"

#include <stdbool.h>
#include <stdint.h>

/* A product of some rows with one panel, in cache. */
typedef struct web_operands {
    int64_t rows, columns;
    float *a, *b, *c;
    int32_t *tiles, *panel; /* of the narrow numbers packed last, */
    dmx_number packed;      /* these; DMX_FLOAT32: none yet */
} web_operands;

/* False when memory is short; to be freed in any case. */
bool web_operands_make(web_operands *out, int columns);
void web_operands_free(web_operands *operands);

/* GFLOP/s of `repeats` products. */
double web_product_rate(web_operands *operands, dmx_number number, int repeats);

#endif
