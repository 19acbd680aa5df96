/* Small graphs through the native engine, against the float64 reference. */
#ifndef DMX_TESTS_ENGINE_CASE_H
#define DMX_TESTS_ENGINE_CASE_H

#include "graph/graph.h"

#include <demucs_onnx.h>

/* A graph whose input is x, a signal [channels][rows][cols]. */
dmx_graph *engine_case_graph(dmx_value *x, int64_t channels, int64_t rows,
                             int64_t cols);
/* Makes the signal y its output. */
void engine_case_output(dmx_graph *g, dmx_value y);

typedef struct engine_case {
    double *mix, *expected;
    float *mix32;
    size_t n_in, n_out;
} engine_case;

/* Noise that grows by exp(growth) towards the end, and the reference's output
 * for it. */
engine_case engine_case_make(const dmx_graph *g, double growth, uint64_t *seed);
void engine_case_free(engine_case *s);

#define ANY_STEPS -1 /* number of steps */

/* The engine's error relative to the peak; infinite where it gives NaN. `kind`
 * must appear `expected` times in the profile of a fused engine. */
double engine_case_error(const dmx_graph *g, const engine_case *s,
                         const dmx_engine_options *options, const char *kind,
                         int expected);

#endif
