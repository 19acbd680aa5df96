/* The native CPU engine: a semantic graph compiled into fused steps.
 *
 * An engine is immutable: the plan, the packed weights, the constants. A state
 * is what one run needs in addition: the arena for all values, scratch memory
 * and the threads, which sleep between runs. Any number of states may share an
 * engine; one state serves one run at a time.
 *
 * Results do not depend on the number of threads, only on the instruction set.
 * The public functions are in demucs_onnx.h; those here take any graph, and
 * report what a run did. */
#ifndef DMX_ENGINE_ENGINE_H
#define DMX_ENGINE_ENGINE_H

#include "engine/limits.h"
#include "engine/precision.h"
#include "graph/graph.h"

/* Compiles the graph. Everything needed is copied or packed, so the graph and
 * its tensors may be freed afterwards. options may be NULL. */
DMX_MUST_CHECK dmx_status
dmx_engine_open_graph(dmx_engine **out, const dmx_graph *graph,
                      const dmx_engine_options *options, dmx_error *err);

/* The same with the given arithmetic; options->precision is ignored. */
DMX_MUST_CHECK dmx_status dmx_engine_open_planned(
    dmx_engine **out, const dmx_graph *graph, const dmx_engine_options *options,
    const dmx_precision_plan *plan, dmx_error *err);

/* The same with other limits than the usual ones. */
DMX_MUST_CHECK dmx_status dmx_engine_open_limited(
    dmx_engine **out, const dmx_graph *graph, const dmx_engine_options *options,
    const dmx_precision_plan *plan, const dmx_engine_limits *limits,
    dmx_error *err);

/* The name of the integer instructions that accompany an instruction set (NULL:
 * the best), or NULL; and for each integer type, whether it is faster than
 * float32. */
const char *dmx_engine_integers(bool pays[DMX_NUMBERS], const char *isa);

/* Whether an engine opened with these options would have the same instructions
 * and form of weights as e, so that what is proved of e holds for it. */
bool dmx_engine_computes_alike(const dmx_engine *e,
                               const dmx_engine_options *options);

void dmx_engine_set_report(dmx_engine *engine,
                           const dmx_precision_report *report);
const dmx_precision_report *dmx_engine_report(const dmx_engine *engine);
const dmx_precision_plan *dmx_engine_plan(const dmx_engine *engine);

/* Time and work of a step, or of a chain of steps that ran row by row, which is
 * listed under the path of its first step. */
typedef struct dmx_step_profile {
    const char *kind, *path;
    double seconds, flops;
} dmx_step_profile;

/* Returns the step or chain at *at of the last run and advances *at; false at
 * the end. *at starts at 0. */
bool dmx_engine_profile_next(dmx_step_profile *out, size_t *at,
                             const dmx_engine_state *state);

/* The number of threads that a state actually has. */
int dmx_engine_state_threads(const dmx_engine_state *state);
const dmx_engine *dmx_engine_of_state(const dmx_engine_state *state);

#endif
