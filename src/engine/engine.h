/* The native CPU engine: a semantic graph compiled into fused steps.
 *
 * An engine is immutable: the plan, the packed weights, the constants. A state
 * is what one run needs besides: the arena for all values, scratch memory and
 * the threads, which sleep while nothing runs. Any number of states may share
 * an engine; one state serves one run at a time.
 *
 * Results do not depend on the number of threads, only on the instruction set.
 * The public functions are in demucs_onnx.h; these take any graph, and tell
 * what a run did. */
#ifndef DMX_ENGINE_ENGINE_H
#define DMX_ENGINE_ENGINE_H

#include "engine/precision.h"
#include "graph/graph.h"

/* Compiles the graph. Everything needed is copied or packed, so the graph and
 * its tensors may go away afterwards. options may be NULL. */
DMX_MUST_CHECK dmx_status
dmx_engine_open_graph(dmx_engine **out, const dmx_graph *graph,
                      const dmx_engine_options *options, dmx_error *err);

/* The same in that arithmetic; options->precision is not looked at. */
DMX_MUST_CHECK dmx_status dmx_engine_open_planned(
    dmx_engine **out, const dmx_graph *graph, const dmx_engine_options *options,
    const dmx_precision_plan *plan, dmx_error *err);

/* The instructions for integers that go with an instruction set (NULL: the
 * best), and whether that kind is faster than float32 there; NULL: none. */
const char *dmx_engine_integers(bool pays[DMX_NUMBERS], const char *isa);

void dmx_engine_set_report(dmx_engine *engine,
                           const dmx_precision_report *report);
const dmx_precision_report *dmx_engine_report(const dmx_engine *engine);
const dmx_precision_plan *dmx_engine_plan(const dmx_engine *engine);

/* Time and work of a step, or of a chain of steps that ran row by row, which
 * has the path of its first. */
typedef struct dmx_step_profile {
    const char *kind, *path;
    double seconds, flops;
} dmx_step_profile;

/* The step or chain at *at of the last run, and *at moved past it; false at the
 * end. *at starts as 0. */
bool dmx_engine_profile_next(dmx_step_profile *out, size_t *at,
                             const dmx_engine_state *state);

/* Threads that a state really has. */
int dmx_engine_state_threads(const dmx_engine_state *state);
const dmx_engine *dmx_engine_of_state(const dmx_engine_state *state);

#endif
