/* A fixture: a checkpoint, and what the original made of one mixture. */
#ifndef DMX_GOLDEN_H
#define DMX_GOLDEN_H

#include "test_support.h"

#include "arch/arch.h"

typedef struct golden {
    const char *name;
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    dmx_graph *graph; /* for the length that runs */
    double *mix;      /* [channels][run_samples], padded with zeros */
    double *out;      /* [rows][run_samples] */
    float *stems;     /* [rows][samples]: the recording */
    int64_t channels, rows, samples, run_samples;
    double peak; /* of the recording */
} golden;

/* Names of all fixtures of one model each; NULL past the end. */
const char *golden_fixture(size_t index);

void golden_open(golden *g, const char *name);
void golden_close(golden *g);

/* Runs the graph through the float64 reference: the largest difference from
 * the recording, relative to its peak. */
double golden_error(golden *g);

#endif
