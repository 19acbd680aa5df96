/* An engine that saves memory beside one that saves none: the same bits. */
#ifndef DMX_TESTS_ENGINE_TRIAL_H
#define DMX_TESTS_ENGINE_TRIAL_H

#include "engine/engine.h"
#include "engine/program.h"

#include <demucs_onnx.h>

/* The usual limits. */
extern const dmx_engine_limits engine_trial_usual;

typedef struct engine_trial {
    const dmx_graph *graph;
    float *mix, *wanted, *got;
    size_t count; /* of the result */
    dmx_precision_plan plan;
    dmx_engine_options options;
} engine_trial;

/* Noise for the graph; two threads. */
void engine_trial_open(engine_trial *t, const dmx_graph *g);
void engine_trial_close(engine_trial *t);

dmx_engine *engine_trial_engine(const engine_trial *t,
                                const dmx_engine_limits *limits);
/* Runs an engine in which nothing shares memory and nothing is done in turns.
 * False: there is nothing but NaN and zeros to compare with. */
bool engine_trial_plain(engine_trial *t);
/* Whether the second of two runs gives the same bits. */
bool engine_trial_same(engine_trial *t, const dmx_engine *e);

int engine_trial_steps(const dmx_engine *e, const char *kind);
int engine_trial_views(const dmx_engine *e);

#endif
