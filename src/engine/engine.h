/* The native CPU engine: a semantic graph compiled into fused steps.
 *
 * An engine is immutable: the plan, the packed weights, the constants. A state
 * is what one run needs besides: the arena for all values, scratch memory and
 * the threads, which sleep while nothing runs. Any number of states may share
 * an engine; one state serves one run at a time.
 *
 * Results do not depend on the number of threads, only on the instruction set.
 * The public functions are in demucs_onnx.h; this one takes any graph. */
#ifndef DMX_ENGINE_ENGINE_H
#define DMX_ENGINE_ENGINE_H

#include "graph/graph.h"

/* Compiles the graph. Everything needed is copied or packed, so the graph and
 * its tensors may go away afterwards. options may be NULL. */
DMX_MUST_CHECK dmx_status
dmx_engine_open_graph(dmx_engine **out, const dmx_graph *graph,
                      const dmx_engine_options *options, dmx_error *err);

#endif
