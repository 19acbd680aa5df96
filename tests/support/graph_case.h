/* Small graphs with random weights, run through the float64 reference. */
#ifndef DMX_GRAPH_CASE_H
#define DMX_GRAPH_CASE_H

#include "test_support.h"

#include "graph/builders.h"
#include "reference/reference.h"

/* A graph whose input is a random signal [C][F][T], and everything that must
 * live as long. Open it, build on x, and run. */
typedef struct graph_case {
    dmx_graph *graph;
    uint64_t seed;
    dmx_value x;
    double *mix;     /* [C][F][T] */
    double *out;     /* after graph_case_run: the output */
    int64_t n_out;   /* its elements */
    void *owned[64]; /* weights */
    int n_owned;
} graph_case;

void graph_case_open(graph_case *c, uint64_t seed, int64_t channels,
                     int64_t rows, int64_t frames);
void graph_case_close(graph_case *c);

/* A random number in [low, high]. */
int64_t graph_case_between(graph_case *c, int64_t low, int64_t high);

/* N(0,1) weights in float64, owned by the case; a rank below 4 ignores the
 * last dimensions. */
const dmx_tensor *graph_case_tensor(graph_case *c, int rank, int64_t a,
                                    int64_t b, int64_t d, int64_t e);
/* Its elements. */
const double *graph_case_data(const dmx_tensor *t);

/* Runs the graph to the value y. */
void graph_case_run(graph_case *c, dmx_value y);

/* Fails, naming the seed, unless the output is `expected` within 1e-12 of its
 * peak (or of 1). */
void graph_case_check(graph_case *c, const double *expected, int64_t count);

#endif
